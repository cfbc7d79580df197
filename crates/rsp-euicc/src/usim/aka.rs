//! Authentication and key agreement as the USIM does it (3GPP TS 33.102 6.3.3, TS 31.102 7.1).

use rsp_crypto::constant_time_eq;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::milenage::Milenage;
use super::sequence::SequenceNumbers;
use super::test_algorithm::{AMF_RESYNCH, TestAlgorithm};
use super::tuak::Tuak;

/// Keys, algorithm and sequence numbers of one application. It holds K and cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Aka {
    algorithm: Algorithm,
    numbers: SequenceNumbers,
    counter: u32,
    counter_max: Option<u32>,
}

/// What computes f1 to f5*.
#[derive(Clone, Serialize, Deserialize)]
pub enum Algorithm {
    /// 3GPP TS 35.206.
    Milenage(Milenage),
    /// 3GPP TS 34.108 8.1.2.
    Test(TestAlgorithm),
    /// 3GPP TS 35.231.
    Tuak(Tuak),
}

/// What a USIM answers to a challenge of the network.
pub enum Outcome {
    /// The network proved that it knows K, and the number is fresh.
    Authenticated {
        /// RES.
        res: Vec<u8>,
        /// CK: 16 bytes, with TUAK also 32.
        ck: Zeroizing<Vec<u8>>,
        /// IK: 16 bytes, with TUAK also 32.
        ik: Zeroizing<Vec<u8>>,
    },
    /// The network knows K, but its sequence number is not fresh.
    SynchronisationFailure {
        /// SQN_MS hidden by AK*, and MAC-S: 14 bytes, more with a longer MAC of TUAK.
        auts: Vec<u8>,
    },
    /// Whoever sent the challenge does not know K.
    MacFailure,
    /// The counter of authentications is used up.
    Exhausted,
}

/// What f2 to f5 compute of a challenge.
struct Outputs {
    ak: [u8; 6],
    res: Vec<u8>,
    ck: Zeroizing<Vec<u8>>,
    ik: Zeroizing<Vec<u8>>,
}

impl Aka {
    /// Parameters of an application; `counter_max` limits how many challenges it will ever answer.
    pub fn new(algorithm: Algorithm, numbers: SequenceNumbers, counter_max: Option<u32>) -> Self {
        Self { algorithm, numbers, counter: 0, counter_max }
    }

    /// K, for the rule that test profiles carry test keys.
    pub fn key(&self) -> &[u8] {
        match &self.algorithm {
            Algorithm::Milenage(milenage) => milenage.key(),
            Algorithm::Test(test) => test.key(),
            Algorithm::Tuak(tuak) => tuak.key(),
        }
    }

    /// Bytes of AUTN: the hidden sequence number, AMF and the MAC.
    pub fn autn_length(&self) -> usize {
        8 + self.mac_length()
    }

    fn mac_length(&self) -> usize {
        match &self.algorithm {
            Algorithm::Milenage(_) | Algorithm::Test(_) => 8,
            Algorithm::Tuak(tuak) => tuak.lengths().mac.into(),
        }
    }

    /// Whether the XOR test algorithm is used.
    pub fn is_test_algorithm(&self) -> bool {
        matches!(self.algorithm, Algorithm::Test(_))
    }

    /// Checks RAND and AUTN, of [`Aka::autn_length`] bytes, and answers.
    pub fn authenticate(&mut self, rand: &[u8; 16], autn: &[u8]) -> Outcome {
        if !self.count() {
            return Outcome::Exhausted;
        }
        let Outputs { ak, res, ck, ik } = self.f2345(rand);
        let Some((&[s0, s1, s2, s3, s4, s5, a0, a1], mac)) = autn.split_first_chunk() else {
            return Outcome::MacFailure;
        };
        let (sqn, amf) = (xor([s0, s1, s2, s3, s4, s5], ak), [a0, a1]);
        if !constant_time_eq(&self.f1(rand, sqn, amf), mac) {
            return Outcome::MacFailure;
        }
        if !self.accepts(sqn, amf) {
            return Outcome::SynchronisationFailure { auts: self.auts(rand) };
        }
        self.numbers.accept(sqn);
        Outcome::Authenticated { res, ck, ik }
    }

    /// RES, CK and IK without any proof of the network, which is all that a GSM network gives (3GPP TS 31.102 7.1.2.2).
    pub fn respond(&mut self, rand: &[u8; 16]) -> Outcome {
        if !self.count() {
            return Outcome::Exhausted;
        }
        let Outputs { res, ck, ik, .. } = self.f2345(rand);
        Outcome::Authenticated { res, ck, ik }
    }

    /// The test algorithm has no order of sequence numbers: its AMF says when to resynchronise.
    fn accepts(&self, sqn: [u8; 6], amf: [u8; 2]) -> bool {
        match self.algorithm {
            Algorithm::Milenage(_) | Algorithm::Tuak(_) => self.numbers.is_fresh(sqn),
            Algorithm::Test(_) => amf != AMF_RESYNCH,
        }
    }

    fn count(&mut self) -> bool {
        if self.counter_max.is_some_and(|max| self.counter >= max) {
            return false;
        }
        self.counter = self.counter.saturating_add(u32::from(self.counter_max.is_some()));
        true
    }

    fn f2345(&self, rand: &[u8; 16]) -> Outputs {
        match &self.algorithm {
            Algorithm::Milenage(milenage) => {
                let out = milenage.f2345(rand);
                Outputs { ak: out.ak, res: out.res.to_vec(), ck: key(&*out.ck), ik: key(&*out.ik) }
            }
            Algorithm::Test(test) => {
                Outputs { ak: test.ak(rand), res: test.res(rand), ck: key(&test.ck(rand)), ik: key(&test.ik(rand)) }
            }
            Algorithm::Tuak(tuak) => {
                let out = tuak.f2345(rand);
                Outputs { ak: out.ak, res: out.res, ck: out.ck, ik: out.ik }
            }
        }
    }

    fn f1(&self, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> Vec<u8> {
        match &self.algorithm {
            Algorithm::Milenage(milenage) => milenage.f1(rand, sqn, amf).0.to_vec(),
            Algorithm::Test(test) => test.mac(rand, sqn, amf).to_vec(),
            Algorithm::Tuak(tuak) => tuak.f1(rand, sqn, amf),
        }
    }

    /// SQN_MS ⊕ AK* ‖ MAC-S, the latter over an AMF of zeros (3GPP TS 33.102 6.3.3).
    fn auts(&self, rand: &[u8; 16]) -> Vec<u8> {
        let sqn_ms = self.numbers.sqn_ms();
        let (ak, mac) = match &self.algorithm {
            Algorithm::Milenage(milenage) => (milenage.f5_star(rand), milenage.f1(rand, sqn_ms, [0, 0]).1.to_vec()),
            Algorithm::Test(test) => (test.ak(rand), test.mac(rand, sqn_ms, [0, 0]).to_vec()),
            Algorithm::Tuak(tuak) => (tuak.f5_star(rand), tuak.f1_star(rand, sqn_ms, [0, 0])),
        };
        [&xor(sqn_ms, ak)[..], &mac].concat()
    }
}

fn key(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

/// SRES and Kc made of RES, CK and IK (conversion functions c2 and c3, 3GPP TS 33.102 6.8.1.2).
pub fn gsm_triplet(res: &[u8], ck: &[u8], ik: &[u8]) -> ([u8; 4], [u8; 8]) {
    let mut sres = [0; 4];
    for part in res.chunks(4) {
        sres.iter_mut().zip(part).for_each(|(slot, byte)| *slot ^= byte);
    }
    (sres, kc(ck, ik))
}

/// Kc made of CK and IK (conversion function c3): the exclusive or of all their parts of 64 bits, of which keys of 128 bits
/// have four.
pub fn kc(ck: &[u8], ik: &[u8]) -> [u8; 8] {
    let mut kc = [0; 8];
    for part in ck.chunks(8).chain(ik.chunks(8)) {
        kc.iter_mut().zip(part).for_each(|(slot, byte)| *slot ^= byte);
    }
    kc
}

fn xor(left: [u8; 6], right: [u8; 6]) -> [u8; 6] {
    std::array::from_fn(|index| left[index] ^ right[index])
}
