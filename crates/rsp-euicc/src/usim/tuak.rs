//! TUAK: f1 to f5* of 3GPP TS 35.231, around the permutation Keccak-f\[1600\].

use rsp_crypto::keccak::{STATE, keccak_f1600};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::fs::Octets;

/// ALGONAME: "TUAK1.0" (TS 35.231 6.2).
const NAME: [u8; 7] = *b"TUAK1.0";
/// Bit of INSTANCE: the key has 256 bits.
const KEY_256: u8 = 0x01;
/// Bit of INSTANCE for f2 to f5: IK has 256 bits.
const IK_256: u8 = 0x02;
/// Bit of INSTANCE for f2 to f5: CK has 256 bits.
const CK_256: u8 = 0x04;
/// INSTANCE of f1.
const F1: u8 = 0x00;
/// INSTANCE of f1*.
const F1_STAR: u8 = 0x80;
/// INSTANCE of f2 to f5.
const F2345: u8 = 0x40;
/// INSTANCE of f5*.
const F5_STAR: u8 = 0xC0;

/// Where RES or MAC, CK, IK and AK begin in the permuted state.
const OUT_CK: usize = 32;
const OUT_IK: usize = 64;
const OUT_AK: usize = 96;

/// Lengths of the outputs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// MAC-A and MAC-S: 8, 16 or 32.
    pub mac: u8,
    /// RES: 4, 8, 16 or 32.
    pub res: u8,
    /// CK: 16 or 32.
    pub ck: u8,
    /// IK: 16 or 32.
    pub ik: u8,
}

impl Lengths {
    /// What algorithmOptions of a profile package say: RES in bits 3 to 1, MAC in bits 6 to 4, CK in bit 7 and IK in bit 8,
    /// each as TS 35.231 6.3 codes it in INSTANCE. A MAC of no length is the one of 64 bits that AUTN has room for.
    /// `None` for a value that is not defined.
    pub fn from_options(options: u8) -> Option<Self> {
        let res = match options & 0x07 {
            0 => 4,
            1 => 8,
            2 => 16,
            4 => 32,
            _ => return None,
        };
        let mac = match options >> 3 & 0x07 {
            0 | 1 => 8,
            2 => 16,
            4 => 32,
            _ => return None,
        };
        let of_key = |bit: u8| if options & bit == 0 { 16 } else { 32 };
        Some(Self { mac, res, ck: of_key(0x40), ik: of_key(0x80) })
    }
}

/// Keys and lengths of one subscriber.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tuak {
    key: Octets,
    topc: Octets,
    lengths: Lengths,
    iterations: u8,
}

/// Outputs of f2 to f5.
pub struct F2345 {
    /// RES.
    pub res: Vec<u8>,
    /// CK.
    pub ck: Zeroizing<Vec<u8>>,
    /// IK.
    pub ik: Zeroizing<Vec<u8>>,
    /// AK.
    pub ak: [u8; 6],
}

impl Tuak {
    /// A subscriber with a key of 16 or 32 bytes; `iterations` of the permutation for each output, at least one. `None`
    /// for a key of another length.
    pub fn new(key: &[u8], topc: &[u8; 32], lengths: Lengths, iterations: u8) -> Option<Self> {
        matches!(key.len(), 16 | 32).then(|| Self {
            key: Octets::from(key),
            topc: Octets::from(&topc[..]),
            lengths,
            iterations: iterations.max(1),
        })
    }

    /// TOPc of an operator's TOP for a subscriber's key of 16 or 32 bytes (TS 35.231 6.2).
    pub fn topc(key: &[u8], top: &[u8; 32], iterations: u8) -> [u8; 32] {
        let mut topc = [0; 32];
        topc.copy_from_slice(&part(&permuted(top, F1, &[0; 16], [0; 2], [0; 6], key, iterations), 0, 32));
        topc
    }

    /// K.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The lengths of the outputs.
    pub fn lengths(&self) -> Lengths {
        self.lengths
    }

    /// MAC-A of f1.
    pub fn f1(&self, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> Vec<u8> {
        self.mac(F1, rand, sqn, amf)
    }

    /// MAC-S of f1*.
    pub fn f1_star(&self, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> Vec<u8> {
        self.mac(F1_STAR, rand, sqn, amf)
    }

    /// RES, CK, IK and AK of f2 to f5.
    pub fn f2345(&self, rand: &[u8; 16]) -> F2345 {
        let Lengths { res, ck, ik, .. } = self.lengths;
        let of_key = |length: u8, bit: u8| if length > 16 { bit } else { 0 };
        // A RES of 32 bits is written as zero.
        let instance = F2345 | (res & 0x38) | of_key(ck, CK_256) | of_key(ik, IK_256);
        let out = self.permuted(instance, rand, [0; 6], [0; 2]);
        F2345 {
            res: part(&out, 0, res.into()).to_vec(),
            ck: part(&out, OUT_CK, ck.into()),
            ik: part(&out, OUT_IK, ik.into()),
            ak: anonymity_key(&out),
        }
    }

    /// AK of f5*, which hides the sequence number of a resynchronisation.
    pub fn f5_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        anonymity_key(&self.permuted(F5_STAR, rand, [0; 6], [0; 2]))
    }

    fn mac(&self, function: u8, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> Vec<u8> {
        let length = self.lengths.mac;
        part(&self.permuted(function | length, rand, sqn, amf), 0, length.into()).to_vec()
    }

    fn permuted(&self, instance: u8, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> Zeroizing<[u8; STATE]> {
        permuted(&self.topc, instance, rand, amf, sqn, &self.key, self.iterations)
    }
}

/// The state with its inputs, each of which lies in it with its last byte first, after the permutations (TS 35.231 6.1).
fn permuted(
    top: &[u8],
    instance: u8,
    rand: &[u8; 16],
    amf: [u8; 2],
    sqn: [u8; 6],
    key: &[u8],
    iterations: u8,
) -> Zeroizing<[u8; STATE]> {
    let mut state = Zeroizing::new([0; STATE]);
    let long_key = if key.len() > 16 { KEY_256 } else { 0 };
    let mut put = |at: usize, value: &[u8]| {
        state[at..].iter_mut().zip(value.iter().rev()).for_each(|(slot, byte)| *slot = *byte);
    };
    put(0, top);
    put(32, &[instance | long_key]);
    put(33, &NAME);
    put(40, rand);
    put(56, &amf);
    put(58, &sqn);
    put(64, key);
    // Padding of the message and its last bit, as Keccak with a rate of 1088 bits has them.
    put(96, &[0x1F]);
    put(135, &[0x80]);
    for _ in 0..iterations {
        keccak_f1600(&mut state);
    }
    state
}

/// An output of the permuted state.
fn part(state: &[u8; STATE], at: usize, length: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(state[at..].iter().take(length).rev().copied().collect())
}

fn anonymity_key(state: &[u8; STATE]) -> [u8; 6] {
    let mut ak = [0; 6];
    ak.copy_from_slice(&part(state, OUT_AK, 6));
    ak
}
