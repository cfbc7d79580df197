//! The permutation Keccak-f\[1600\] (FIPS 202 3.3), bare: TUAK of 3GPP TS 35.231 puts its own frame around it.

use zeroize::Zeroizing;

/// Bytes of the state.
pub const STATE: usize = 200;
/// Bytes of a lane.
const LANE: usize = 8;

/// Permutes the state once, all 24 rounds. Lanes are little-endian, as FIPS 202 numbers the bits of a byte string.
pub fn keccak_f1600(state: &mut [u8; STATE]) {
    let mut lanes = Zeroizing::new([0u64; STATE / LANE]);
    for (lane, bytes) in lanes.iter_mut().zip(state.chunks_exact(LANE)) {
        *lane = bytes.iter().rev().fold(0, |lane, byte| lane << 8 | u64::from(*byte));
    }
    keccak::Keccak::new().with_f1600(|permute| permute(&mut lanes));
    for (bytes, lane) in state.chunks_exact_mut(LANE).zip(lanes.iter()) {
        bytes.copy_from_slice(&lane.to_le_bytes());
    }
}
