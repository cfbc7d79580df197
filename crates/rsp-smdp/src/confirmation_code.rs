//! The confirmation code: a second secret that reaches the user on another way than the activation code (SGP.22 4.7).

use rsp_asn1::{Octet32, TransactionId};
use rsp_crypto::{Randomness, RandomnessExt, Zeroizing, constant_time_eq, hash};

use crate::error::Error;

/// Digits of a generated code; the number of tries is limited.
const DIGITS: usize = 8;

/// A confirmation code as the user types it. Neither printed nor cloned.
pub struct ConfirmationCode(Zeroizing<String>);

impl ConfirmationCode {
    /// Takes a code that somebody chose.
    ///
    /// # Errors
    /// [`Error::ConfirmationCodeInvalid`].
    pub fn new(code: Zeroizing<String>) -> Result<Self, Error> {
        // SGP.22 4.7 hashes it as the user types it, on whatever keyboard: printable ASCII is the same on all of them.
        let typed = code.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && code.trim() == code.as_str();
        if (1..=255).contains(&code.len()) && typed { Ok(Self(code)) } else { Err(Error::ConfirmationCodeInvalid) }
    }

    /// Makes a code of eight digits.
    pub fn generate(randomness: &mut dyn Randomness) -> Self {
        // 2^64 is so much larger than 10^8 that the remainder is uniform for every purpose.
        let number = u64::from_be_bytes(randomness.bytes()) % 10u64.pow(DIGITS as u32);
        Self(Zeroizing::new(format!("{number:0DIGITS$}")))
    }

    /// The code, to be told to the user.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the code as typed: all that the server keeps.
    pub(crate) fn stored(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(hash::sha256(self.0.as_bytes()).to_vec())
    }
}

/// Proof that the order needs no confirmation code, or that the right one was given (SGP.22 5.6.2).
pub(crate) struct ConfirmationCodeVerified(());

/// Compares what the eUICC signed with what the order has: SHA-256(SHA-256(code) ‖ transactionId).
///
/// Only whether a code is missing or wrong is decided here; counting is the caller's business.
pub(crate) fn verify(
    stored: Option<&[u8]>,
    hash_cc: Option<&Octet32>,
    transaction_id: &TransactionId,
) -> Result<ConfirmationCodeVerified, Error> {
    let Some(stored) = stored else { return Ok(ConfirmationCodeVerified(())) };
    let given = hash_cc.ok_or(Error::ConfirmationCodeMissing)?;
    let expected = hash::sha256(&[stored, transaction_id.as_bytes()].concat());
    if constant_time_eq(&expected, &given.0) {
        Ok(ConfirmationCodeVerified(()))
    } else {
        Err(Error::ConfirmationCodeRefused)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConfirmationCode, verify};
    use crate::error::Error;
    use rsp_asn1::{Octet32, TransactionId};
    use rsp_crypto::{Zeroizing, hash};

    #[test]
    fn refuses_codes_that_a_keyboard_may_not_have() {
        let new = |code: &str| ConfirmationCode::new(Zeroizing::new(code.to_owned()));
        for bad in ["", " 1", "1\n2", "1234\u{661}", &"1".repeat(256)] {
            assert!(matches!(new(bad), Err(Error::ConfirmationCodeInvalid)), "{bad:?}");
        }
        for good in ["0", "2026 1120", "a-b!~", &"1".repeat(255)] {
            assert!(new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn the_hash_covers_the_code_as_text_and_the_session() {
        let code = ConfirmationCode::new(Zeroizing::new("12345678".to_owned())).unwrap();
        let session = TransactionId::from([7; 16]);
        let inner = hash::sha256(b"12345678");
        let right = Octet32(hash::sha256(&[inner.as_slice(), &[7; 16]].concat()));
        assert!(verify(Some(&code.stored()), Some(&right), &session).is_ok());
        let other = TransactionId::from([8; 16]);
        let refused = verify(Some(&code.stored()), Some(&right), &other).err();
        assert!(matches!(refused, Some(Error::ConfirmationCodeRefused)));
        let missing = verify(Some(&code.stored()), None, &session).err();
        assert!(matches!(missing, Some(Error::ConfirmationCodeMissing)));
        assert!(verify(None, None, &session).is_ok());
    }
}
