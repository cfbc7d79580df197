//! Matching IDs (SGP.22 4.1.1): what stands in an activation code and finds the order.

use rsp_crypto::{Randomness, RandomnessExt, hash};

use crate::error::Error;

/// Crockford's base 32: no letter that is read as a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 26 characters of 5 bits: 130 bits, nobody guesses one.
const LENGTH: usize = 26;

/// A new matching ID.
pub(crate) fn generate(randomness: &mut dyn Randomness) -> String {
    let bytes: [u8; LENGTH] = randomness.bytes();
    // 32 divides 256: every character is equally likely.
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Checks a matching ID that somebody chose.
pub(crate) fn check(matching_id: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-';
    if (1..=255).contains(&matching_id.len()) && matching_id.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::MatchingIdInvalid)
    }
}

/// What logs may show of a matching ID: enough to recognise it, too little to use it.
pub(crate) fn fingerprint(matching_id: &str) -> String {
    hash::sha256(matching_id.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, generate};

    struct Ones;

    impl rsp_crypto::Randomness for Ones {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(0xFF);
        }
    }

    #[test]
    fn generated_ids_have_130_bits_and_the_allowed_characters() {
        let id = generate(&mut Ones);
        assert_eq!(id, "Z".repeat(26));
        check(&id).unwrap();
    }

    #[test]
    fn refuses_lower_case_and_separators() {
        for id in ["", "abc", "A$B", "A B", &"A".repeat(256)] {
            assert!(check(id).is_err(), "{id}");
        }
        check("QR-0815").unwrap();
    }
}
