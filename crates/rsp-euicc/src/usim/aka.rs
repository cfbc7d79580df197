//! Authentication and key agreement as the USIM does it (3GPP TS 33.102 6.3.3, TS 31.102 7.1).

use rsp_crypto::constant_time_eq;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::milenage::Milenage;
use super::sequence::SequenceNumbers;
use super::test_algorithm::{AMF_RESYNCH, TestAlgorithm};

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
}

/// What a USIM answers to a challenge of the network.
pub enum Outcome {
    /// The network proved that it knows K, and the number is fresh.
    Authenticated {
        /// RES.
        res: Vec<u8>,
        /// CK.
        ck: Zeroizing<[u8; 16]>,
        /// IK.
        ik: Zeroizing<[u8; 16]>,
    },
    /// The network knows K, but its sequence number is not fresh.
    SynchronisationFailure {
        /// SQN_MS hidden by AK*, and MAC-S.
        auts: [u8; 14],
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
    ck: Zeroizing<[u8; 16]>,
    ik: Zeroizing<[u8; 16]>,
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
        }
    }

    /// Whether the XOR test algorithm is used.
    pub fn is_test_algorithm(&self) -> bool {
        matches!(self.algorithm, Algorithm::Test(_))
    }

    /// Checks RAND and AUTN and answers.
    pub fn authenticate(&mut self, rand: &[u8; 16], autn: &[u8; 16]) -> Outcome {
        if !self.count() {
            return Outcome::Exhausted;
        }
        let Outputs { ak, res, ck, ik } = self.f2345(rand);
        let [s0, s1, s2, s3, s4, s5, a0, a1, mac @ ..] = *autn;
        let (sqn, amf) = (xor([s0, s1, s2, s3, s4, s5], ak), [a0, a1]);
        if !constant_time_eq(&self.f1(rand, sqn, amf), &mac) {
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
            Algorithm::Milenage(_) => self.numbers.is_fresh(sqn),
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
                Outputs { ak: out.ak, res: out.res.to_vec(), ck: out.ck, ik: out.ik }
            }
            Algorithm::Test(test) => Outputs {
                ak: test.ak(rand),
                res: test.res(rand),
                ck: Zeroizing::new(test.ck(rand)),
                ik: Zeroizing::new(test.ik(rand)),
            },
        }
    }

    fn f1(&self, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> [u8; 8] {
        match &self.algorithm {
            Algorithm::Milenage(milenage) => milenage.f1(rand, sqn, amf).0,
            Algorithm::Test(test) => test.mac(rand, sqn, amf),
        }
    }

    /// SQN_MS ⊕ AK* ‖ MAC-S, the latter over an AMF of zeros (3GPP TS 33.102 6.3.3).
    fn auts(&self, rand: &[u8; 16]) -> [u8; 14] {
        let sqn_ms = self.numbers.sqn_ms();
        let (ak, mac) = match &self.algorithm {
            Algorithm::Milenage(milenage) => (milenage.f5_star(rand), milenage.f1(rand, sqn_ms, [0, 0]).1),
            Algorithm::Test(test) => (test.ak(rand), test.mac(rand, sqn_ms, [0, 0])),
        };
        let mut auts = [0; 14];
        auts[..6].copy_from_slice(&xor(sqn_ms, ak));
        auts[6..].copy_from_slice(&mac);
        auts
    }
}

/// SRES and Kc made of RES, CK and IK (conversion functions c2 and c3, 3GPP TS 33.102 6.8.1.2).
pub fn gsm_triplet(res: &[u8], ck: &[u8; 16], ik: &[u8; 16]) -> ([u8; 4], [u8; 8]) {
    let mut sres = [0; 4];
    for part in res.chunks(4) {
        sres.iter_mut().zip(part).for_each(|(slot, byte)| *slot ^= byte);
    }
    (sres, kc(ck, ik))
}

/// Kc made of CK and IK (conversion function c3).
pub fn kc(ck: &[u8; 16], ik: &[u8; 16]) -> [u8; 8] {
    let folded = u128::from_be_bytes(*ck) ^ u128::from_be_bytes(*ik);
    ((folded >> 64) as u64 ^ folded as u64).to_be_bytes()
}

fn xor(left: [u8; 6], right: [u8; 6]) -> [u8; 6] {
    std::array::from_fn(|index| left[index] ^ right[index])
}
