//! Randomness as an argument.

/// A source of random bytes: the operating system's in the binary, a seeded or recorded one in tests.
///
/// Keys and challenges come from it, so an implementation for production must be cryptographically strong.
pub trait Randomness: Send {
    /// Fills the whole buffer.
    fn fill(&mut self, buffer: &mut [u8]);
}

impl<R: Randomness + ?Sized> Randomness for &mut R {
    fn fill(&mut self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

impl<R: Randomness + ?Sized> Randomness for Box<R> {
    fn fill(&mut self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

/// Convenience over every [`Randomness`].
pub trait RandomnessExt: Randomness {
    /// The next `N` bytes, for challenges, identifiers and nonces.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }
}

impl<R: Randomness + ?Sized> RandomnessExt for R {}
