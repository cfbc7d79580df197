//! Known answers first, then what must hold of our own types.

mod atk_ecdsa_edge;
mod keys;
mod known_answers;
mod password;
mod providers;
mod sealing;
mod wycheproof_vectors;

use rsp_crypto::Provider;
use rsp_testkit::SeededRandomness;

/// Randomness that is the same in every run.
fn seeded(seed: u64) -> SeededRandomness {
    SeededRandomness::new(seed.to_be_bytes())
}

fn providers() -> [&'static dyn Provider; 2] {
    [rsp_crypto::aws_lc(), rsp_crypto::rust_crypto()]
}
