//! The published certificates first, then hierarchies of our own.

mod atk_cert;
mod directory;
mod published;
mod robustness;

use rsp_asn1::Timestamp;
use rsp_crypto::Randomness;

/// 2026-11-20T12:00:00Z, within the validity of the published sets.
const NOW: Timestamp = Timestamp(1_795_176_000);

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
