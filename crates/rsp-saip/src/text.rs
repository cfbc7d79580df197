//! Names in the GSM default alphabet with bit 8 zero, as EF_SPN and telephone books carry them (3GPP TS 23.038 6.2.1).
//!
//! Only the characters that the alphabet shares with ASCII are spoken: digits, letters, and most punctuation.

/// The bytes of a text, or `None` when a character is not spoken.
pub(crate) fn encode(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|character| match character {
            '@' => Some(0x00),
            '$' => Some(0x02),
            '_' => Some(0x11),
            ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z' => u8::try_from(character).ok(),
            _ => None,
        })
        .collect()
}

/// The text in front of the padding FF, or `None` when it is empty or a character is not spoken.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let text: String = bytes
        .iter()
        .take_while(|byte| **byte != 0xFF)
        .map(|byte| match byte {
            0x00 => Some('@'),
            0x02 => Some('$'),
            0x11 => Some('_'),
            b' '..=b'#' | b'%'..=b'?' | b'A'..=b'Z' | b'a'..=b'z' => Some(char::from(*byte)),
            _ => None,
        })
        .collect::<Option<_>>()?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in ["OpenRSP", "a_b@c$ (1)", "42"] {
            assert_eq!(decode(&encode(name).expect("spoken")).as_deref(), Some(name));
        }
        assert_eq!(encode("É"), None);
        assert_eq!(decode(&[0x41, 0xFF, 0x42]).as_deref(), Some("A"));
        assert_eq!((decode(&[0xFF]), decode(&[0x80])), (None, None));
    }
}
