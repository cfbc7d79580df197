//! AuthenticateClient: the server checks the eUICC's answer (SGP.22 5.6.3).

use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerResponse, EuiccSigned1, Octet16, SubjectKeyIdentifier, Timestamp,
    TransactionId,
};

use crate::authenticator::Authenticator;
use crate::blob::{BlobError, Reader, Writer};
use crate::error::Error;
use crate::euicc::Euicc;
use crate::proofs::{EuiccAuthenticated, EuiccSignature1Verified, TransactionIdMatches};

/// An eUICC that was authenticated, and what it signed.
///
/// It cannot be put together without the proof:
/// ```compile_fail,E0063
/// use rsp_asn1::{AuthenticateResponseOk, EuiccSigned1};
/// use rsp_auth::{Authenticated, Euicc};
///
/// fn forge<'r>(euicc: Euicc, signed: &'r EuiccSigned1, response: &'r AuthenticateResponseOk) -> Authenticated<'r> {
///     Authenticated { euicc, signed, response }
/// }
/// ```
pub struct Authenticated<'r> {
    /// That the checks were made.
    pub proof: EuiccAuthenticated,
    /// Who it is.
    pub euicc: Euicc,
    /// What it signed.
    pub signed: &'r EuiccSigned1,
    /// The whole of its answer, for the signature that later ones refer to.
    pub response: &'r AuthenticateResponseOk,
}

/// Waiting for AuthenticateClient: the server has signed its challenge and knows nothing yet of who answers.
#[derive(Debug, PartialEq, Eq)]
pub struct ExpectAuthenticateClient {
    pub(crate) transaction_id: TransactionId,
    pub(crate) server_challenge: Octet16,
    pub(crate) server_address: String,
    /// The CI of the certificate that the server showed.
    pub(crate) credential_ci: SubjectKeyIdentifier,
    /// The CI under which the eUICC shall sign.
    pub(crate) euicc_ci: SubjectKeyIdentifier,
}

impl ExpectAuthenticateClient {
    /// The CI of the certificate that the server showed: later certificates of this session come from it too.
    pub fn credential_ci(&self) -> &SubjectKeyIdentifier {
        &self.credential_ci
    }

    /// The session.
    pub fn transaction_id(&self) -> &TransactionId {
        &self.transaction_id
    }

    /// Checks the eUICC's answer, in the order that SGP.22 gives: session, EUM certificate, eUICC certificate,
    /// signature, and that the signed values are those of this session.
    ///
    /// # Errors
    /// By blame: [`Error::TransactionIdUnknown`], [`Error::RefusedByEuicc`], [`Error::CiUnknown`], the certificate
    /// errors, [`Error::SignatureInvalid`].
    pub fn authenticate<'r>(
        self,
        authenticator: &Authenticator,
        response: &'r AuthenticateServerResponse,
        now: Timestamp,
    ) -> Result<Authenticated<'r>, Error> {
        let answer = TransactionIdMatches::check(&self.transaction_id, response)?;
        let answer = EuiccSignature1Verified::verify(authenticator, answer, &self.euicc_ci, now)?;
        let proof = EuiccAuthenticated::check(&self, &answer)?;
        let response = answer.response();
        Ok(Authenticated { proof, euicc: answer.into_euicc(), signed: response.euicc_signed1.value(), response })
    }

    /// For the database, between the two steps.
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(VERSION)
            .field(self.transaction_id.as_bytes())
            .field(&self.server_challenge.0)
            .field(self.server_address.as_bytes())
            .field(&self.credential_ci.0)
            .field(&self.euicc_ci.0)
            .finish()
    }

    /// Reads what [`ExpectAuthenticateClient::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let state = Self {
            transaction_id: TransactionId::new(reader.field()?).ok_or(BlobError)?,
            server_challenge: Octet16(reader.array()?),
            server_address: reader.text()?.to_owned(),
            credential_ci: SubjectKeyIdentifier(reader.field()?.to_vec().into()),
            euicc_ci: SubjectKeyIdentifier(reader.field()?.to_vec().into()),
        };
        reader.finish()?;
        Ok(state)
    }
}

const VERSION: u8 = 1;
