//! What a download session remembers between two functions. Each state is one struct that owns what the next step needs.

use rsp_asn1::{Signature5F37, SubjectKeyIdentifier};
use rsp_auth::blob::{BlobError, Reader, Writer};
use rsp_auth::{Euicc, EuiccAuthenticated};
use rsp_crypto::Zeroizing;

const VERSION: u8 = 1;

/// Waiting for GetBoundProfilePackage: the eUICC is known and its order found.
pub(crate) struct ExpectGetBoundProfilePackage {
    /// Who authenticated itself.
    pub(crate) euicc: Euicc,
    /// The CI of the server's certificates in this session.
    pub(crate) credential_ci: SubjectKeyIdentifier,
    /// smdpSignature2, which the eUICC's next signature covers.
    pub(crate) smdp_signature2: Signature5F37,
}

impl ExpectGetBoundProfilePackage {
    /// Only an authenticated eUICC gets here.
    pub(crate) fn new(
        _: &EuiccAuthenticated,
        euicc: Euicc,
        credential_ci: SubjectKeyIdentifier,
        smdp_signature2: Signature5F37,
    ) -> Self {
        Self { euicc, credential_ci, smdp_signature2 }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::new(VERSION)
            .field(&self.euicc.to_bytes())
            .field(&self.credential_ci.0)
            .field(&self.smdp_signature2.0);
        Zeroizing::new(writer.finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let state = Self {
            euicc: Euicc::from_bytes(reader.field()?)?,
            credential_ci: SubjectKeyIdentifier(reader.field()?.to_vec().into()),
            smdp_signature2: Signature5F37(reader.field()?.to_vec().into()),
        };
        reader.finish()?;
        Ok(state)
    }
}

/// The package was delivered; its result is awaited, and the eUICC may ask for the same package again.
pub(crate) struct ExpectResult {
    /// Who got the package, and will sign the result.
    pub(crate) euicc: Euicc,
    /// The CI of the server's certificates in this session.
    pub(crate) credential_ci: SubjectKeyIdentifier,
    /// SHA-256 of the PrepareDownloadResponse that was answered.
    pub(crate) request: [u8; 32],
    /// The InitialiseSecureChannel that was sent, so that a repeated request gets the same bytes.
    pub(crate) initialise_secure_channel: Vec<u8>,
}

impl ExpectResult {
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::new(VERSION)
            .field(&self.euicc.to_bytes())
            .field(&self.credential_ci.0)
            .field(&self.request)
            .field(&self.initialise_secure_channel);
        Zeroizing::new(writer.finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let state = Self {
            euicc: Euicc::from_bytes(reader.field()?)?,
            credential_ci: SubjectKeyIdentifier(reader.field()?.to_vec().into()),
            request: reader.array()?,
            initialise_secure_channel: reader.field()?.to_vec(),
        };
        reader.finish()?;
        Ok(state)
    }
}
