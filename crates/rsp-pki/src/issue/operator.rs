//! Whom an operator's certificate is made for.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The longest organisation and common name of X.520, in characters.
const MAX: usize = 64;

/// An operator's name: printable, and safe as the name of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperatorName(String);

impl OperatorName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OperatorName {
    type Err = Error;

    /// Reads 1 to 64 letters of any alphabet, digits, spaces, and `-`, `_` and `.`, with a letter or digit at both ends.
    fn from_str(text: &str) -> Result<Self, Error> {
        let allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.');
        let ends = [text.chars().next(), text.chars().next_back()];
        let sound = text.chars().count() <= MAX
            && text.chars().all(allowed)
            && ends.iter().all(|end| end.is_some_and(char::is_alphanumeric));
        if sound { Ok(Self(text.to_owned())) } else { Err(Error::OperatorName(text.chars().take(256).collect())) }
    }
}
