//! The XOR test algorithm of test USIMs (3GPP TS 34.108 8.1.2). It protects nothing: K can be computed from one answer.

use serde::{Deserialize, Serialize};

use crate::fs::Octets;

/// AMF that makes a test USIM answer with a resynchronisation (3GPP TS 34.108 8.1.2.2).
pub const AMF_RESYNCH: [u8; 2] = [0xFF, 0xFF];

/// K and the length of RES.
#[derive(Clone, Serialize, Deserialize)]
pub struct TestAlgorithm {
    key: Octets,
    res_length: u8,
}

impl TestAlgorithm {
    /// A test subscriber whose RES has `res_length` bytes, 4 to 16.
    pub fn new(key: &[u8; 16], res_length: u8) -> Self {
        Self { key: Octets::from(&key[..]), res_length: res_length.clamp(4, 16) }
    }

    /// K.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// RES of f2.
    pub fn res(&self, rand: &[u8; 16]) -> Vec<u8> {
        self.xdout(rand).to_be_bytes()[..usize::from(self.res_length.clamp(4, 16))].to_vec()
    }

    /// CK of f3.
    pub fn ck(&self, rand: &[u8; 16]) -> [u8; 16] {
        self.xdout(rand).rotate_left(8).to_be_bytes()
    }

    /// IK of f4.
    pub fn ik(&self, rand: &[u8; 16]) -> [u8; 16] {
        self.xdout(rand).rotate_left(16).to_be_bytes()
    }

    /// AK of f5 and f5*.
    pub fn ak(&self, rand: &[u8; 16]) -> [u8; 6] {
        let [_, _, _, a, b, c, d, e, f, ..] = self.xdout(rand).to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// MAC of f1 and f1*.
    pub fn mac(&self, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> [u8; 8] {
        let mut cdout = [0; 8];
        cdout[..6].copy_from_slice(&sqn);
        cdout[6..].copy_from_slice(&amf);
        ((self.xdout(rand) >> 64) as u64 ^ u64::from_be_bytes(cdout)).to_be_bytes()
    }

    fn xdout(&self, rand: &[u8; 16]) -> u128 {
        let key = self.key.iter().take(16).fold(0u128, |key, byte| key << 8 | u128::from(*byte));
        key ^ u128::from_be_bytes(*rand)
    }
}
