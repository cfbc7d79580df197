//! AuthenticateClient: the server checks the eUICC's answer (SGP.22 5.6.3).

use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerResponse, EuiccSigned1, SubjectKeyIdentifier, Timestamp, TransactionId,
};

use crate::authenticator::Authenticator;
use crate::challenges::Terms;
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
///     Authenticated { euicc, signed, response, begins_by: rsp_asn1::Timestamp(0) }
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
    /// Until when the session may begin. That it did must be remembered as long, or it could begin again.
    pub begins_by: Timestamp,
}

/// Waiting for AuthenticateClient: the server has signed its challenge and knows nothing yet of who answers. Made by
/// [`Authenticator::awaiting`].
#[derive(Debug, PartialEq, Eq)]
pub struct ExpectAuthenticateClient {
    pub(crate) transaction_id: TransactionId,
    pub(crate) begins_by: Timestamp,
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

    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms { credential_ci: &self.credential_ci, euicc_ci: &self.euicc_ci }
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
        let proof = EuiccAuthenticated::check(authenticator, &self, &answer)?;
        let response = answer.response();
        Ok(Authenticated {
            proof,
            euicc: answer.into_euicc(),
            signed: response.euicc_signed1.value(),
            response,
            begins_by: self.begins_by,
        })
    }
}
