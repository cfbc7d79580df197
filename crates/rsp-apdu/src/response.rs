//! What a card answers (ISO/IEC 7816-4 5.1).

use std::fmt;

use crate::{CardError, StatusWord};

/// Data, possibly none, and the status word. Its Debug does not show the data, which may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The data field.
    pub data: Vec<u8>,
    /// SW1 SW2.
    pub sw: StatusWord,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {})", self.data.len(), self.sw)
    }
}

impl Response {
    /// An answer without data.
    pub fn status(sw: StatusWord) -> Self {
        Self { data: Vec::new(), sw }
    }

    /// Data and 9000.
    pub fn ok(data: Vec<u8>) -> Self {
        Self { data, sw: StatusWord::OK }
    }

    /// Splits what came over the wire.
    ///
    /// # Errors
    /// [`CardError::ShortAnswer`] when not even a status word is there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CardError> {
        match bytes.split_last_chunk::<2>() {
            Some((data, sw)) => Ok(Self { data: data.to_vec(), sw: StatusWord::from(*sw) }),
            None => Err(CardError::ShortAnswer { length: bytes.len() }),
        }
    }

    /// Data and status word, as they go over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.data.clone();
        bytes.extend(self.sw.to_bytes());
        bytes
    }
}

impl From<StatusWord> for Response {
    fn from(sw: StatusWord) -> Self {
        Self::status(sw)
    }
}
