//! An authentication vector, and the judgement of the USIM's answer to it (3GPP TS 33.102 6.3.3).

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::algorithm::Keys;
use crate::{Answer, Error};

/// One authentication vector: RAND and AUTN for the USIM, XRES, CK and IK for the network alone.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Vector {
    rand: [u8; 16],
    autn: [u8; 16],
    xres: Vec<u8>,
    ck: [u8; 16],
    ik: [u8; 16],
}

impl Vector {
    pub(crate) fn new(rand: [u8; 16], autn: [u8; 16], keys: &Keys) -> Self {
        Self { rand, autn, xres: keys.res.clone(), ck: keys.ck, ik: keys.ik }
    }

    /// A vector that another network made.
    pub(crate) fn of_network(rand: [u8; 16], autn: [u8; 16], xres: Vec<u8>, ck: [u8; 16], ik: [u8; 16]) -> Self {
        Self { rand, autn, xres, ck, ik }
    }

    /// The random challenge.
    pub fn rand(&self) -> &[u8; 16] {
        &self.rand
    }

    /// The network's authentication token SQN ⊕ AK ‖ AMF ‖ MAC-A.
    pub fn autn(&self) -> &[u8; 16] {
        &self.autn
    }

    /// The expected response: 8 bytes with Milenage, 16 with the USIM test algorithm, 4 to 16 with TUAK.
    pub fn xres(&self) -> &[u8] {
        &self.xres
    }

    /// The cipher key.
    pub fn ck(&self) -> &[u8; 16] {
        &self.ck
    }

    /// The integrity key.
    pub fn ik(&self) -> &[u8; 16] {
        &self.ik
    }

    /// The data of AUTHENTICATE in the 3G context: RAND and AUTN, each after its length (TS 31.102 7.1.2.1).
    pub fn data(&self) -> Vec<u8> {
        let mut data = Vec::with_capacity(34);
        for part in [&self.rand, &self.autn] {
            data.push(part.len() as u8);
            data.extend_from_slice(part);
        }
        data
    }

    /// The whole command AUTHENTICATE with class byte `cla` (00 on the basic channel; the low bits carry the logical
    /// channel): INS 88, P1 00, P2 81 for the 3G context, [`data`](Self::data), and Le 00.
    pub fn command(&self, cla: u8) -> Vec<u8> {
        let data = self.data();
        let mut command = vec![cla, 0x88, 0x00, 0x81, data.len() as u8];
        command.extend_from_slice(&data);
        command.push(0x00);
        command
    }

    /// Judges the USIM's answer. CK and IK never leave a real USIM's phone; here they are seen and must be right too.
    ///
    /// # Errors
    /// [`Error::SynchronisationFailure`] when the answer carries AUTS, [`Error::WrongRes`] and
    /// [`Error::WrongSessionKey`] when a value differs from this vector's.
    pub fn verify(&self, answer: &Answer) -> Result<(), Error> {
        let success = match answer {
            Answer::Success(success) => success,
            Answer::SynchronisationFailure(_) => return Err(Error::SynchronisationFailure),
        };
        if !bool::from(self.xres.as_slice().ct_eq(success.res())) {
            return Err(Error::WrongRes);
        }
        if !bool::from(self.ck.ct_eq(success.ck())) {
            return Err(Error::WrongSessionKey("CK"));
        }
        if !bool::from(self.ik.ct_eq(success.ik())) {
            return Err(Error::WrongSessionKey("IK"));
        }
        Ok(())
    }
}
