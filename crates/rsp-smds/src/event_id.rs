//! EventIDs (SGP.22 3.6.1): an eUICC that was given one shows it as MatchingID.

use rsp_crypto::{Randomness, RandomnessExt, hash};

use crate::error::Error;

/// Crockford's base 32: no letter that is read as a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 26 characters of 5 bits: 130 bits, nobody guesses one.
const LENGTH: usize = 26;

/// A new EventID.
pub(crate) fn generate(randomness: &mut dyn Randomness) -> String {
    let bytes: [u8; LENGTH] = randomness.bytes();
    // 32 divides 256: every character is equally likely.
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Checks an EventID that a registrar chose.
pub(crate) fn check(event_id: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-';
    if (1..=255).contains(&event_id.len()) && event_id.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::EventIdInvalid)
    }
}

/// What logs may show of an EventID, which names an order: enough to recognise it, too little to use it.
pub(crate) fn fingerprint(event_id: &str) -> String {
    hash::sha256(event_id.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn refuses_lower_case_separators_and_what_is_too_long() {
        for id in ["", "abc", "A$B", "A B", "A\0", "Ä", &"A".repeat(256)] {
            assert!(check(id).is_err(), "{id}");
        }
        for id in ["-", "EVENT-0815", &"A".repeat(255)] {
            check(id).unwrap();
        }
    }
}
