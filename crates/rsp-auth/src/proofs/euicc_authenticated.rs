//! The signed values are those that the server chose for this session.

use super::EuiccSignature1Verified;
use crate::authenticate::ExpectAuthenticateClient;
use crate::error::Error;

/// Proof that an eUICC authenticated itself in this session: chain, signature and challenge all held (SGP.22 5.6.3).
/// Only [`ExpectAuthenticateClient::authenticate`] gives one out.
///
/// What follows authentication asks for it:
/// ```
/// fn bind_a_profile(_: &rsp_auth::EuiccAuthenticated) {}
/// ```
/// and nobody else can make it:
/// ```compile_fail,E0423
/// fn bind_a_profile(_: &rsp_auth::EuiccAuthenticated) {}
/// bind_a_profile(&rsp_auth::EuiccAuthenticated(()));
/// ```
/// ```compile_fail,E0599
/// fn bind_a_profile(_: &rsp_auth::EuiccAuthenticated) {}
/// bind_a_profile(&rsp_auth::EuiccAuthenticated::default());
/// ```
pub struct EuiccAuthenticated(());

impl EuiccAuthenticated {
    /// Compares serverChallenge and serverAddress with those that the server signed.
    pub(crate) fn check(
        session: &ExpectAuthenticateClient,
        answer: &EuiccSignature1Verified<'_>,
    ) -> Result<Self, Error> {
        let signed = answer.response().euicc_signed1.value();
        if signed.server_challenge != session.server_challenge || signed.server_address != session.server_address {
            return Err(Error::SignatureInvalid);
        }
        Ok(Self(()))
    }
}
