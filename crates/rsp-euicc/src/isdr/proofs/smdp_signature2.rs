//! smdpSignature2 over smdpSigned2 and the eUICC's own signature of this session (SGP.22 5.7.5).

use rsp_asn1::{PrepareDownloadRequest, Signature5F37, SmdpSigned2};
use rsp_crypto::{PublicKey, Signature};

use super::SmdpCertificateVerified;
use crate::isdr::stages::Authenticated;
use crate::platform::Platform;

/// Proof that the key of a verified CERT.DPpb signed smdpSigned2 for this session, with both.
pub(crate) struct SmdpSignature2Verified<'r> {
    certificate: SmdpCertificateVerified,
    signed: &'r SmdpSigned2,
}

impl<'r> SmdpSignature2Verified<'r> {
    /// Verifies the signature over the bytes as received; `None` when it does not hold.
    pub(crate) fn verify(
        platform: &Platform,
        session: &Authenticated,
        certificate: SmdpCertificateVerified,
        request: &'r PrepareDownloadRequest,
    ) -> Option<Self> {
        let message = with_signature(request.smdp_signed2.bytes(), session.euicc_signature1())?;
        let signature = Signature::from_slice(&request.smdp_signature2.0).ok()?;
        platform.provider.verify(certificate.public_key(), &message, &signature).ok()?;
        Some(Self { certificate, signed: request.smdp_signed2.value() })
    }

    pub(crate) fn signed(&self) -> &'r SmdpSigned2 {
        self.signed
    }

    /// PK.DPpb.ECDSA, which signs InitialiseSecureChannel too.
    pub(crate) fn public_key(&self) -> &PublicKey {
        self.certificate.public_key()
    }
}

/// What the second signatures of both sides are over: an object, then a signature with its tag.
pub(crate) fn with_signature(object: &[u8], signature: &Signature5F37) -> Option<Vec<u8>> {
    let mut message = object.to_vec();
    message.extend(rsp_asn1::encode(signature).ok()?);
    Some(message)
}
