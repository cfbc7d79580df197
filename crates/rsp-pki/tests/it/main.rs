//! The published certificates first, then hierarchies of our own.

mod atk_cert;
mod directory;
mod published;
mod robustness;

use rsp_asn1::Timestamp;
use rsp_testkit::SeededRandomness;

/// 2026-11-20T12:00:00Z, within the validity of the published sets.
const NOW: Timestamp = Timestamp(1_795_176_000);

/// Randomness that is the same in every run.
fn seeded(seed: u64) -> SeededRandomness {
    SeededRandomness::new(seed.to_be_bytes())
}
