//! Randomness that a test can repeat.

use rsp_crypto::{Randomness, hash};

/// An endless row of bytes that follows from its seed: SHA-256 over the seed and a counter. For tests only.
pub struct SeededRandomness {
    seed: Vec<u8>,
    counter: u64,
    block: Vec<u8>,
}

impl SeededRandomness {
    /// The row of this seed, from its beginning.
    pub fn new(seed: impl AsRef<[u8]>) -> Self {
        Self { seed: seed.as_ref().to_vec(), counter: 0, block: Vec::new() }
    }
}

impl Randomness for SeededRandomness {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.block.is_empty() {
                let input = [&self.seed[..], &self.counter.to_be_bytes()].concat();
                self.block = hash::sha256(&input).to_vec();
                self.counter += 1;
            }
            *byte = self.block.pop().unwrap_or_default();
        }
    }
}
