//! Milenage: f1 to f5* of 3GPP TS 35.206, with an operator's own rotations and constants when the profile gives them.

use rsp_crypto::symmetric::aes128_ecb_encrypt_block;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::fs::Octets;

/// Default rotations r1 to r5, in bits (3GPP TS 35.206 4.1).
pub const ROTATIONS: [u8; 5] = [64, 0, 32, 64, 96];

/// Default constants c1 to c5, one after the other.
pub const CONSTANTS: [u8; 80] = {
    let mut constants = [0; 80];
    constants[31] = 1;
    constants[47] = 2;
    constants[63] = 4;
    constants[79] = 8;
    constants
};

/// Keys and constants of one subscriber.
#[derive(Clone, Serialize, Deserialize)]
pub struct Milenage {
    key: Octets,
    opc: Octets,
    rotations: [u8; 5],
    constants: Octets,
}

/// Outputs of f2 to f5.
pub struct F2345 {
    /// RES, 8 bytes.
    pub res: [u8; 8],
    /// CK.
    pub ck: Zeroizing<[u8; 16]>,
    /// IK.
    pub ik: Zeroizing<[u8; 16]>,
    /// AK.
    pub ak: [u8; 6],
}

impl Milenage {
    /// Subscriber keys with the default constants.
    pub fn new(key: &[u8; 16], opc: &[u8; 16]) -> Self {
        Self::with_constants(key, opc, ROTATIONS, &CONSTANTS)
    }

    /// Subscriber keys with constants of the operator's own.
    pub fn with_constants(key: &[u8; 16], opc: &[u8; 16], rotations: [u8; 5], constants: &[u8; 80]) -> Self {
        Self {
            key: Octets::from(&key[..]),
            opc: Octets::from(&opc[..]),
            rotations,
            constants: Octets::from(&constants[..]),
        }
    }

    /// K.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// MAC-A of f1 and MAC-S of f1*.
    pub fn f1(&self, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> ([u8; 8], [u8; 8]) {
        let mut input = [0; 16];
        for half in input.chunks_exact_mut(8) {
            half[..6].copy_from_slice(&sqn);
            half[6..].copy_from_slice(&amf);
        }
        let rotated = (u128::from_be_bytes(input) ^ self.opc()).rotate_left(self.rotations[0].into());
        let out = self.encrypt(self.temp(rand) ^ rotated ^ self.constant(0)) ^ self.opc();
        halves(out)
    }

    /// RES, CK, IK and AK of f2 to f5.
    pub fn f2345(&self, rand: &[u8; 16]) -> F2345 {
        let out2 = self.output(rand, 1).to_be_bytes();
        let mut res = [0; 8];
        res.copy_from_slice(&out2[8..]);
        F2345 {
            res,
            ck: Zeroizing::new(self.output(rand, 2).to_be_bytes()),
            ik: Zeroizing::new(self.output(rand, 3).to_be_bytes()),
            ak: first_six(out2),
        }
    }

    /// AK of f5*, which hides the sequence number of a resynchronisation.
    pub fn f5_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        first_six(self.output(rand, 4).to_be_bytes())
    }

    /// OUT2 to OUT5.
    fn output(&self, rand: &[u8; 16], index: usize) -> u128 {
        let rotated = (self.temp(rand) ^ self.opc()).rotate_left(self.rotations[index].into());
        self.encrypt(rotated ^ self.constant(index)) ^ self.opc()
    }

    fn temp(&self, rand: &[u8; 16]) -> u128 {
        self.encrypt(u128::from_be_bytes(*rand) ^ self.opc())
    }

    fn encrypt(&self, block: u128) -> u128 {
        let key = Zeroizing::new(array(&self.key));
        u128::from_be_bytes(aes128_ecb_encrypt_block(&key, &block.to_be_bytes()))
    }

    fn opc(&self) -> u128 {
        u128::from_be_bytes(array(&self.opc))
    }

    fn constant(&self, index: usize) -> u128 {
        u128::from_be_bytes(array(self.constants.get(16 * index..).unwrap_or_default()))
    }
}

/// The first 16 bytes; shorter input, which a damaged state file could hold, is filled with zeros.
fn array(bytes: &[u8]) -> [u8; 16] {
    let mut array = [0; 16];
    array.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    array
}

fn halves(out: u128) -> ([u8; 8], [u8; 8]) {
    (((out >> 64) as u64).to_be_bytes(), (out as u64).to_be_bytes())
}

fn first_six(out: [u8; 16]) -> [u8; 6] {
    let [a, b, c, d, e, f, ..] = out;
    [a, b, c, d, e, f]
}
