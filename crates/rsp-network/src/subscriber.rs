//! A subscriber as the authentication centre knows it (3GPP TS 33.102 6.3.2 and 6.3.5).

use subtle::ConstantTimeEq;

use crate::algorithm::{Algorithm, xor};
use crate::{Auts, Error, Sqn, Tuak, Vector};

/// A subscriber: algorithm, keys, the last sequence number used and the authentication management field AMF.
///
/// The keys are wiped when it is dropped, and it can be neither printed nor copied.
pub struct Subscriber {
    algorithm: Algorithm,
    sqn: Sqn,
    amf: [u8; 2],
}

/// The separation bit alone: what EPS and EAP-AKA' ask for (TS 33.102 Annex H).
const AMF_SEPARATION: [u8; 2] = [0x80, 0x00];

impl Subscriber {
    /// A subscriber with Milenage, K and OPc, SQN 0 and AMF 8000.
    pub fn milenage(k: [u8; 16], opc: [u8; 16]) -> Self {
        Self { algorithm: Algorithm::Milenage { k, opc }, sqn: Sqn::default(), amf: AMF_SEPARATION }
    }

    /// A subscriber with the USIM test algorithm (TS 34.108 8.1.2) and K, SQN 0 and AMF 8000. For test profiles only.
    pub fn usim_test(k: [u8; 16]) -> Self {
        Self { algorithm: Algorithm::UsimTest { k }, sqn: Sqn::default(), amf: AMF_SEPARATION }
    }

    /// A subscriber with TUAK and RES of `res_length` bytes (4, 8 or 16), SQN 0 and AMF 8000.
    pub fn tuak(tuak: Tuak, res_length: usize) -> Self {
        Self { algorithm: Algorithm::Tuak { tuak, res_length }, sqn: Sqn::default(), amf: AMF_SEPARATION }
    }

    /// The same subscriber with `sqn` as the last sequence number used.
    #[must_use]
    pub fn with_sqn(self, sqn: Sqn) -> Self {
        Self { sqn, ..self }
    }

    /// The same subscriber with another authentication management field.
    #[must_use]
    pub fn with_amf(self, amf: [u8; 2]) -> Self {
        Self { amf, ..self }
    }

    /// Algorithm and keys, for those in this crate who must pass them on.
    pub(crate) fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }

    /// The last sequence number used.
    pub fn sqn(&self) -> Sqn {
        self.sqn
    }

    /// The next authentication vector for the random challenge `rand`; the sequence number moves on.
    pub fn challenge(&mut self, rand: [u8; 16]) -> Vector {
        self.sqn = self.sqn.next();
        self.vector(rand, self.sqn)
    }

    /// The vector for a given challenge and sequence number: AUTN = SQN ⊕ AK ‖ AMF ‖ MAC-A (TS 33.102 6.3.2).
    ///
    /// For known answers and for networks that keep the sequence number elsewhere; nothing moves on.
    pub fn vector(&self, rand: [u8; 16], sqn: Sqn) -> Vector {
        let keys = self.algorithm.keys(&rand);
        let mut autn = [0; 16];
        autn[..6].copy_from_slice(&xor(&sqn.to_bytes(), &keys.ak));
        autn[6..8].copy_from_slice(&self.amf);
        autn[8..].copy_from_slice(&self.algorithm.mac_a(&rand, sqn, self.amf));
        Vector::new(rand, autn, &keys)
    }

    /// Takes over the sequence number in the USIM's AUTS, which answered the challenge `rand` (TS 33.102 6.3.5).
    ///
    /// # Errors
    /// [`Error::WrongMacS`] when AUTS does not come from this subscriber's USIM for this challenge; nothing changes.
    pub fn resynchronise(&mut self, rand: &[u8; 16], auts: &Auts) -> Result<Sqn, Error> {
        let sqn = Sqn::from_bytes(xor(&auts.concealed_sqn, &self.algorithm.ak_star(rand)));
        let expected = self.algorithm.mac_s(rand, sqn);
        if !bool::from(expected.ct_eq(&auts.mac_s)) {
            return Err(Error::WrongMacS);
        }
        self.sqn = sqn;
        Ok(sqn)
    }
}
