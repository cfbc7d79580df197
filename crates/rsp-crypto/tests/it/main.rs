//! Known answers first, then what must hold of our own types.

mod atk_ecdsa_edge;
mod keys;
mod known_answers;
mod providers;
mod sealing;
mod wycheproof_vectors;

use rsp_crypto::{Provider, Randomness};

/// A counter hashed: enough to look random, the same in every run.
struct Seeded(u64);

impl Randomness for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&rsp_crypto::hash::sha256(&self.0.to_be_bytes())[..chunk.len()]);
        }
    }
}

fn providers() -> [&'static dyn Provider; 2] {
    [rsp_crypto::aws_lc(), rsp_crypto::rust_crypto()]
}
