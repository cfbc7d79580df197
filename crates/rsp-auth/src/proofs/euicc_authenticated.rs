//! The signed values are those that the server chose for this session.

use rsp_crypto::hash;

use super::EuiccSignature1Verified;
use crate::authenticate::ExpectAuthenticateClient;
use crate::authenticator::Authenticator;
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
    /// Compares serverChallenge with the one that the server signed with this serverAddress.
    pub(crate) fn check(
        authenticator: &Authenticator,
        session: &ExpectAuthenticateClient,
        answer: &EuiccSignature1Verified<'_>,
    ) -> Result<Self, Error> {
        let signed = answer.response().euicc_signed1.value();
        let given = authenticator.challenges.server_challenge(
            &session.terms(),
            &session.transaction_id,
            &signed.server_address,
        );
        if !hash::constant_time_eq(&given.0, &signed.server_challenge.0) {
            return Err(Error::SignatureInvalid);
        }
        Ok(Self(()))
    }
}
