//! The AKA functions f1 to f5* of a subscriber: Milenage (3GPP TS 35.206) by the crate `milenage`, and the USIM test
//! algorithm (3GPP TS 34.108 8.1.2) by its formula, and TUAK (3GPP TS 35.231) by [`Tuak`].

use milenage::Milenage;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Sqn, Tuak};

/// A subscriber's algorithm together with its secrets.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) enum Algorithm {
    /// Milenage with K and OPc.
    Milenage { k: [u8; 16], opc: [u8; 16] },
    /// The USIM test algorithm with K; for test profiles only, since anyone who sees RAND and RES knows K.
    UsimTest { k: [u8; 16] },
    /// TUAK with RES of `res_length` bytes, and with the MAC of 64 bits and the keys of 128 bits that AUTN and the
    /// networks have room for (TS 33.102 6.3.7).
    Tuak { tuak: Tuak, res_length: usize },
}

/// Bytes of MAC-A and MAC-S.
const MAC: usize = 8;
/// Bytes of CK and IK.
const KEY: usize = 16;

/// What f2 to f5 make of one RAND.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Keys {
    /// f2: 8 bytes with Milenage, 16 with the test algorithm, 4 to 16 with TUAK.
    pub(crate) res: Vec<u8>,
    /// f3.
    pub(crate) ck: [u8; 16],
    /// f4.
    pub(crate) ik: [u8; 16],
    /// f5.
    pub(crate) ak: [u8; 6],
}

impl Algorithm {
    /// f1: MAC-A over the sequence number and AMF.
    pub(crate) fn mac_a(&self, rand: &[u8; 16], sqn: Sqn, amf: [u8; 2]) -> [u8; 8] {
        match self {
            Self::Milenage { k, opc } => Milenage::new_with_opc(*k, *opc).f1(rand, &sqn.to_bytes(), &amf),
            Self::UsimTest { k } => test_mac(&xor(k, rand), sqn, amf),
            Self::Tuak { tuak, .. } => array(&tuak.f1(rand, sqn, amf, MAC)),
        }
    }

    /// f1*: MAC-S over the USIM's sequence number, with the AMF of resynchronisation, which is zero (TS 33.102 6.3.3).
    pub(crate) fn mac_s(&self, rand: &[u8; 16], sqn: Sqn) -> [u8; 8] {
        let amf = [0; 2];
        match self {
            Self::Milenage { k, opc } => Milenage::new_with_opc(*k, *opc).f1star(rand, &sqn.to_bytes(), &amf),
            Self::UsimTest { k } => test_mac(&xor(k, rand), sqn, amf),
            Self::Tuak { tuak, .. } => array(&tuak.f1_star(rand, sqn, amf, MAC)),
        }
    }

    /// f2 to f5.
    pub(crate) fn keys(&self, rand: &[u8; 16]) -> Keys {
        match self {
            Self::Milenage { k, opc } => {
                let (res, ck, ik, ak) = Milenage::new_with_opc(*k, *opc).f2345(rand);
                Keys { res: res.to_vec(), ck, ik, ak }
            }
            Self::UsimTest { k } => {
                let xdout = xor(k, rand);
                let rotated = |bytes: usize| std::array::from_fn(|i| xdout[(i + bytes) % 16]);
                Keys { res: xdout.to_vec(), ck: rotated(1), ik: rotated(2), ak: test_ak(&xdout) }
            }
            Self::Tuak { tuak, res_length } => {
                let keys = tuak.f2345(rand, *res_length, KEY, KEY);
                Keys { res: keys.res.clone(), ck: array(&keys.ck), ik: array(&keys.ik), ak: keys.ak }
            }
        }
    }

    /// f5*: the anonymity key of AUTS. The test algorithm has the same one for both directions.
    pub(crate) fn ak_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        match self {
            Self::Milenage { k, opc } => Milenage::new_with_opc(*k, *opc).f5star(rand),
            Self::UsimTest { k } => test_ak(&xor(k, rand)),
            Self::Tuak { tuak, .. } => tuak.f5_star(rand),
        }
    }
}

/// An output of TUAK, which has the length that was asked for.
fn array<const N: usize>(output: &[u8]) -> [u8; N] {
    std::array::from_fn(|i| output[i])
}

/// Exclusive or of two arrays of one length.
pub(crate) fn xor<const N: usize>(a: &[u8; N], b: &[u8; N]) -> [u8; N] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// f1 and f1* of the test algorithm: the first 64 bits of XDOUT, exclusive or SQN ‖ AMF.
fn test_mac(xdout: &[u8; 16], sqn: Sqn, amf: [u8; 2]) -> [u8; 8] {
    let [s0, s1, s2, s3, s4, s5] = sqn.to_bytes();
    let cdout = [s0, s1, s2, s3, s4, s5, amf[0], amf[1]];
    std::array::from_fn(|i| xdout[i] ^ cdout[i])
}

/// f5 of the test algorithm: bits 24 to 71 of XDOUT.
fn test_ak(xdout: &[u8; 16]) -> [u8; 6] {
    std::array::from_fn(|i| xdout[i + 3])
}
