//! Passwords of users.

use rsp_crypto::{Randomness, RandomnessExt as _, Zeroizing};

/// Characters that a password has at least, and octets at most.
const SHORTEST: usize = 12;
const LONGEST: usize = 1024;
/// Characters of a password that is made here, without those that are mistaken for each other: 5 bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Of 20 characters 100 bits.
const GENERATED: usize = 20;

/// A password that is too short or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has at least {SHORTEST} characters, and at most {LONGEST} octets")]
pub struct ShortPassword;

/// A password that a user is to have.
pub struct NewPassword(Zeroizing<String>);

impl NewPassword {
    /// One that somebody chose.
    ///
    /// # Errors
    /// [`ShortPassword`].
    pub fn chosen(text: Zeroizing<String>) -> Result<Self, ShortPassword> {
        let fits = text.chars().count() >= SHORTEST && text.len() <= LONGEST;
        if fits { Ok(Self(text)) } else { Err(ShortPassword) }
    }

    /// A random one, in four groups of five.
    pub fn generated(randomness: &mut dyn Randomness) -> Self {
        let drawn = Zeroizing::new(randomness.bytes::<GENERATED>());
        let mut text = Zeroizing::new(String::with_capacity(GENERATED + 3));
        for (place, byte) in drawn.iter().enumerate() {
            if place > 0 && place % 5 == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        Self(text)
    }

    /// The password itself, to be told once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether a text can be a password at all: no longer than one that was ever set.
pub(super) fn is_plausible(text: &str) -> bool {
    text.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use rsp_crypto::{Randomness, Zeroizing};

    use super::{NewPassword, ShortPassword};

    struct Counter(u8);

    impl Randomness for Counter {
        fn fill(&mut self, buffer: &mut [u8]) {
            for byte in buffer {
                *byte = self.0;
                self.0 = self.0.wrapping_add(7);
            }
        }
    }

    #[test]
    fn has_twelve_characters_of_whatever_script() {
        let chosen = |text: &str| NewPassword::chosen(Zeroizing::new(text.to_owned())).map(drop);
        assert_eq!(chosen("elevenchars"), Err(ShortPassword));
        assert_eq!(chosen("twelve chars"), Ok(()));
        assert_eq!(chosen("ßßßßßßßßßßß"), Err(ShortPassword));
        assert_eq!(chosen(&"x".repeat(1025)), Err(ShortPassword));
    }

    #[test]
    fn a_generated_one_is_long_enough_and_easy_to_read() {
        let generated = NewPassword::generated(&mut Counter(3));
        assert_eq!(generated.reveal().len(), 23);
        assert!(
            generated
                .reveal()
                .chars()
                .all(|c| c == '-' || c.is_ascii_lowercase() && c != 'l' && c != 'o' || c.is_ascii_digit())
        );
        assert!(NewPassword::chosen(Zeroizing::new(generated.reveal().to_owned())).is_ok());
    }
}
