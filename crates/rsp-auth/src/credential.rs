//! A certificate with the key that belongs to it.

use std::sync::Arc;

use rsp_asn1::{ObjectIdentifier, Signature5F37, SubjectKeyIdentifier, Timestamp};
use rsp_crypto::Signer;
use rsp_pki::Certificate;

use crate::error::Error;

/// A server certificate (DPauth, DPpb, DSauth) and its signing key.
pub struct Credential {
    certificate: Certificate,
    ci: SubjectKeyIdentifier,
    oid: ObjectIdentifier,
    signer: Arc<dyn Signer>,
}

impl Credential {
    /// Joins a certificate and its key.
    ///
    /// # Errors
    /// [`Error::CredentialInvalid`] when the key belongs to another certificate, or the certificate names no issuer key
    /// or no OID of its server.
    pub fn new(certificate: Certificate, signer: Arc<dyn Signer>) -> Result<Self, Error> {
        if certificate.public_key() != Ok(signer.public_key()) {
            return Err(Error::CredentialInvalid("the key belongs to another certificate"));
        }
        let ci = certificate
            .authority_key_identifier()
            .ok_or(Error::CredentialInvalid("the certificate has no authorityKeyIdentifier"))?;
        let ci = SubjectKeyIdentifier(ci.to_vec().into());
        let oid =
            certificate.oid().ok_or(Error::CredentialInvalid("the certificate has no OID in its subjectAltName"))?;
        Ok(Self { certificate, ci, oid, signer })
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Key identifier of the CI that issued the certificate.
    pub fn ci(&self) -> &SubjectKeyIdentifier {
        &self.ci
    }

    /// The server's OID (subjectAltName, registeredID).
    pub fn oid(&self) -> &ObjectIdentifier {
        &self.oid
    }

    /// Whether it can be shown to somebody who trusts `ci`, at this time.
    pub fn serves(&self, ci: &SubjectKeyIdentifier, now: Timestamp) -> bool {
        self.ci == *ci && self.certificate.not_before() <= now && now <= self.certificate.not_after()
    }

    /// The signing key.
    pub fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the library or the security module fails.
    pub fn sign(&self, message: &[u8]) -> Result<Signature5F37, Error> {
        let signature = self.signer.sign(message).map_err(Error::Crypto)?;
        Ok(Signature5F37(signature.as_bytes().to_vec().into()))
    }
}
