//! An authenticated eUICC: what a server must remember of it for the rest of the session.

use rsp_asn1::{Eid, Signature5F37, SubjectKeyIdentifier};
use rsp_crypto::{Curve, Provider, PublicKey, Signature};

use crate::blob::{BlobError, Reader, Writer};
use crate::error::Error;

/// The eUICC that answered. Made by [`authenticate`](crate::ExpectAuthenticateClient::authenticate), or read back from
/// a state that was written after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Euicc {
    /// Its EID, from its certificate.
    pub eid: Eid,
    /// PK.EUICC.ECDSA.
    pub public_key: PublicKey,
    /// The CI under which it signs.
    pub ci: SubjectKeyIdentifier,
}

impl Euicc {
    /// Verifies a signature of this eUICC over `message`.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`].
    pub fn verify(&self, provider: &dyn Provider, message: &[u8], signature: &Signature5F37) -> Result<(), Error> {
        let signature = Signature::from_slice(&signature.0).map_err(|_| Error::SignatureInvalid)?;
        provider.verify(&self.public_key, message, &signature).map_err(|_| Error::SignatureInvalid)
    }

    /// For a stored state.
    pub fn to_bytes(&self) -> Vec<u8> {
        let curve: &[u8] = match self.public_key.curve() {
            Curve::P256 => b"P",
            Curve::BrainpoolP256r1 => b"B",
        };
        Writer::new(VERSION)
            .field(&self.eid.0)
            .field(curve)
            .field(self.public_key.as_bytes())
            .field(&self.ci.0)
            .finish()
    }

    /// Reads what [`Euicc::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let eid = Eid(reader.array()?);
        let curve = match reader.field()? {
            b"P" => Curve::P256,
            b"B" => Curve::BrainpoolP256r1,
            _ => return Err(BlobError),
        };
        let public_key = PublicKey::from_uncompressed(curve, reader.field()?).map_err(|_| BlobError)?;
        let ci = SubjectKeyIdentifier(reader.field()?.to_vec().into());
        reader.finish()?;
        Ok(Self { eid, public_key, ci })
    }
}

const VERSION: u8 = 1;
