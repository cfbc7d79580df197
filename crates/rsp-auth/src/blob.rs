//! The encoding of states between two steps: fields in a fixed order, each preceded by its length (32 bits,
//! big-endian). It never leaves the server, so it needs no tags and no versions but the first byte.

/// Why stored bytes are no state: they were damaged, or a program of another version wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored state is damaged or of another version")]
pub struct BlobError;

/// Writes the fields of a state.
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins with the state's version.
    pub fn new(version: u8) -> Self {
        Self(vec![version])
    }

    /// Appends one field.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        // Fields are keys, identifiers and small messages: 32 bits always hold their length.
        self.0.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends a number.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.field(&number.to_be_bytes())
    }

    /// The bytes of the state.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads what a [`Writer`] wrote.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Checks the version.
    ///
    /// # Errors
    /// [`BlobError`] for another version or no bytes.
    pub fn new(version: u8, bytes: &'a [u8]) -> Result<Self, BlobError> {
        match bytes.split_first() {
            Some((found, rest)) if *found == version => Ok(Self(rest)),
            _ => Err(BlobError),
        }
    }

    /// The next field.
    ///
    /// # Errors
    /// [`BlobError`] when the bytes end early.
    pub fn field(&mut self) -> Result<&'a [u8], BlobError> {
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or(BlobError)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BlobError)?;
        let (field, rest) = rest.split_at_checked(length).ok_or(BlobError)?;
        self.0 = rest;
        Ok(field)
    }

    /// The next field, of exactly `N` bytes.
    ///
    /// # Errors
    /// [`BlobError`] when it has another length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], BlobError> {
        self.field()?.try_into().map_err(|_| BlobError)
    }

    /// The next field, a number.
    ///
    /// # Errors
    /// [`BlobError`] when it is none.
    pub fn number(&mut self) -> Result<u64, BlobError> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next field, text.
    ///
    /// # Errors
    /// [`BlobError`] when it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, BlobError> {
        std::str::from_utf8(self.field()?).map_err(|_| BlobError)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`BlobError`] when bytes are left.
    pub fn finish(self) -> Result<(), BlobError> {
        if self.0.is_empty() { Ok(()) } else { Err(BlobError) }
    }
}

#[cfg(test)]
mod tests {
    use super::{BlobError, Reader, Writer};

    #[test]
    fn fields_come_back_and_every_cut_is_refused() {
        let bytes = Writer::new(3).field(b"abc").field(b"").number(7).finish();
        let read = |bytes: &[u8]| -> Result<(Vec<u8>, Vec<u8>, u64), BlobError> {
            let mut reader = Reader::new(3, bytes)?;
            let fields = (reader.field()?.to_vec(), reader.field()?.to_vec(), reader.number()?);
            reader.finish()?;
            Ok(fields)
        };
        assert_eq!(read(&bytes), Ok((b"abc".to_vec(), Vec::new(), 7)));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(BlobError));
        }
        assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), Err(BlobError));
        assert!(Reader::new(4, &bytes).is_err());
    }
}
