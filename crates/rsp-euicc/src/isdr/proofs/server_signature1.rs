//! serverSignature1 over serverSigned1 (SGP.22 5.7.13).

use rsp_asn1::{AuthenticateServerRequest, ServerSigned1};
use rsp_crypto::{Error, Signature};

use super::ServerCertificateVerified;
use crate::platform::Platform;

/// Proof that the key of a verified server certificate signed serverSigned1, with both.
pub(crate) struct ServerSignature1Verified<'r> {
    certificate: ServerCertificateVerified,
    signed: &'r ServerSigned1,
}

impl<'r> ServerSignature1Verified<'r> {
    /// Verifies the signature over the bytes as received.
    pub(crate) fn verify(
        platform: &Platform,
        certificate: ServerCertificateVerified,
        request: &'r AuthenticateServerRequest,
    ) -> Result<Self, Error> {
        let signature = Signature::from_slice(&request.server_signature1.0)?;
        platform.provider.verify(certificate.public_key(), request.server_signed1.bytes(), &signature)?;
        Ok(Self { certificate, signed: request.server_signed1.value() })
    }

    pub(crate) fn certificate(&self) -> &ServerCertificateVerified {
        &self.certificate
    }

    pub(crate) fn signed(&self) -> &'r ServerSigned1 {
        self.signed
    }
}
