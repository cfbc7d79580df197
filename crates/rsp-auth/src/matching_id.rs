//! Matching IDs and EventIDs (SGP.22 4.1.1, 3.6.1): what an eUICC names in AuthenticateClient, and a server finds. It stands
//! in an activation code and finds an order, or came from an SM-DS and finds an order or an event.

use rsp_crypto::{Randomness, hash};

/// Crockford's base 32: no letter that is read as a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How long a generated one is. Each character has 5 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// 26 characters, 130 bits: nobody guesses one, and the QR code stays small.
    #[default]
    Short,
    /// 52 characters, 260 bits, for whoever demands as much as keys have.
    Long,
}

impl Length {
    /// The number of characters.
    pub fn characters(self) -> usize {
        match self {
            Self::Short => 26,
            Self::Long => 52,
        }
    }

    /// The one of this many characters, if there is one.
    pub fn of(characters: u32) -> Option<Self> {
        [Self::Short, Self::Long].into_iter().find(|length| length.characters() == characters as usize)
    }
}

/// A new one of 26 characters.
pub fn generate(randomness: &mut dyn Randomness) -> String {
    generate_of(Length::Short, randomness)
}

/// A new one of this length.
pub fn generate_of(length: Length, randomness: &mut dyn Randomness) -> String {
    let mut bytes = vec![0; length.characters()];
    randomness.fill(&mut bytes);
    // 32 divides 256: every character is equally likely.
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Whether somebody may choose this one: 1 to 255 digits, upper-case letters and hyphens.
pub fn is_valid(matching_id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-';
    (1..=255).contains(&matching_id.len()) && matching_id.bytes().all(allowed)
}

/// What logs may show of one: enough to recognise it, too little to use it.
pub fn fingerprint(matching_id: &str) -> String {
    hash::sha256(matching_id.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Length, generate, generate_of, is_valid};

    struct Ones;

    impl rsp_crypto::Randomness for Ones {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(0xFF);
        }
    }

    #[test]
    fn generated_ids_have_130_or_260_bits_and_the_allowed_characters() {
        let id = generate(&mut Ones);
        assert_eq!(id, "Z".repeat(26));
        assert!(is_valid(&id));
        let id = generate_of(Length::Long, &mut Ones);
        assert_eq!(id, "Z".repeat(52));
        assert!(is_valid(&id));
        assert_eq!(
            [0, 25, 26, 27, 52, 53].map(Length::of),
            [None, None, Some(Length::Short), None, Some(Length::Long), None]
        );
    }

    #[test]
    fn refuses_lower_case_separators_and_what_is_too_long() {
        for id in ["", "abc", "A$B", "A B", "A\0", "Ä", &"A".repeat(256)] {
            assert!(!is_valid(id), "{id}");
        }
        for id in ["-", "QR-0815", &"A".repeat(255)] {
            assert!(is_valid(id), "{id}");
        }
    }
}
