//! Common mutual authentication, the LPA's part (SGP.22 3.0.1): it carries the messages between eUICC and server, an
//! SM-DP+ or an SM-DS, and checks for itself who answers.
//!
//! Each state waits for one message and is the only way to the next.

mod checks;
mod server;

pub(crate) use checks::{ServerIdentity, identify};
pub(crate) use server::{AuthenticationServer, Metered};

use rsp_asn1::{
    AuthenticateServerRequest, AuthenticateServerResponse, CtxParams1, CtxParamsForCommonAuthentication, DeviceInfo,
    EuiccInfo1, GetEuiccChallengeRequest, GetEuiccChallengeResponse, Octet16, Raw, TransactionId, Unknown,
};
use rsp_es::es9plus::{AuthenticateClientRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_pki::Role;

use crate::download::Trust;
use crate::error::Error;
use crate::event::Step;
use crate::local::refused;
use crate::lpa::Lpa;

/// Which server is meant.
pub(crate) struct Expected<'a> {
    /// Its address, as it was called.
    pub(crate) address: &'a str,
    /// As what it may authenticate itself; at least one.
    pub(crate) roles: &'a [Role],
    /// Its OID, dotted, if that is known.
    pub(crate) oid: Option<&'a str>,
}

/// Proof that the server signed this eUICC's challenge in a certificate that the LPA trusts.
/// Only [`ExpectServerSigned1::initiate`] makes one.
struct ServerVerified(());

/// Waiting for InitiateAuthentication: the eUICC has given its challenge.
pub(crate) struct ExpectServerSigned1 {
    euicc_info1: Raw<EuiccInfo1>,
    euicc_challenge: Octet16,
}

impl ExpectServerSigned1 {
    /// Opens a session at the eUICC; one that was open there ends (SGP.22 5.7.7).
    pub(crate) fn open(lpa: &mut Lpa<'_>) -> Result<Self, Error> {
        let euicc_info1 = lpa.euicc_info1()?;
        let request = GetEuiccChallengeRequest::default();
        let answer = lpa.call::<_, GetEuiccChallengeResponse>(Step::GetEuiccChallenge, &request)?;
        Ok(Self { euicc_info1, euicc_challenge: answer.value().euicc_challenge })
    }

    pub(crate) async fn initiate<S: AuthenticationServer>(
        self,
        lpa: &mut Lpa<'_>,
        server: &S,
        expected: &Expected<'_>,
        trust: &Trust<'_>,
    ) -> Result<ExpectEuiccSigned1, Error> {
        let message = InitiateAuthenticationRequest {
            euicc_challenge: self.euicc_challenge,
            euicc_info1: self.euicc_info1,
            smdp_address: expected.address.to_owned(),
        };
        let call = server.initiate_authentication(&message);
        let answer = lpa.server_step(S::INITIATE, server, call).await?;
        let server = lpa.step(Step::VerifyServer, |_| {
            Ok((checks::server(&answer, &message, expected.roles, expected.oid, trust)?, 0))
        })?;
        Ok(ExpectEuiccSigned1 { answer, server, verified: ServerVerified(()) })
    }
}

/// Waiting for ES10b.AuthenticateServer: the server has authenticated itself.
pub(crate) struct ExpectEuiccSigned1 {
    answer: InitiateAuthenticationResponse,
    server: ServerIdentity,
    verified: ServerVerified,
}

impl ExpectEuiccSigned1 {
    pub(crate) fn transaction_id(&self) -> &TransactionId {
        &self.answer.transaction_id
    }

    /// Who authenticated itself.
    pub(crate) fn server(&self) -> &ServerIdentity {
        &self.server
    }

    /// Lets the eUICC judge the server and answer it. An empty MatchingID is left out, which means the same.
    pub(crate) async fn authenticate_server<S: AuthenticationServer>(
        self,
        lpa: &mut Lpa<'_>,
        server: &S,
        matching_id: &str,
        device_info: &DeviceInfo,
    ) -> Result<EuiccAnswer, Error> {
        let Self { answer, server: identity, verified: ServerVerified(()) } = self;
        let message = AuthenticateServerRequest {
            server_signed1: answer.server_signed1,
            server_signature1: answer.server_signature1,
            euicc_ci_pk_id_to_be_used: answer.euicc_ci_pk_id_to_be_used,
            server_certificate: answer.server_certificate,
            ctx_params1: CtxParams1::CommonAuthentication(CtxParamsForCommonAuthentication {
                matching_id: Some(matching_id).filter(|id| !id.is_empty()).map(str::to_owned),
                device_info: device_info.clone(),
                unknown: Unknown::default(),
            }),
            unknown: Unknown::default(),
        };
        let transaction_id = answer.transaction_id;
        let authenticate_server_response: Raw<AuthenticateServerResponse> =
            lpa.call(Step::AuthenticateServer, &message)?;
        let refusal = match authenticate_server_response.value() {
            AuthenticateServerResponse::Ok(_) => None,
            AuthenticateServerResponse::Error(error) => Some(error.authenticate_error_code),
        };
        let message = AuthenticateClientRequest { transaction_id, authenticate_server_response };
        if let Some(code) = refusal {
            // The server is told, so that its session ends too; what it answers changes nothing.
            let _ = lpa.server_step(S::AUTHENTICATE, server, server.authenticate_client(&message)).await;
            let remedy = "The eUICC does not trust this server: a test eUICC works only with a test server.";
            return Err(refused(Step::AuthenticateServer, code.to_string(), remedy));
        }
        Ok(EuiccAnswer { message, server: identity })
    }
}

/// Ready for AuthenticateClient: the eUICC has authenticated itself.
pub(crate) struct EuiccAnswer {
    /// What the server is told.
    pub(crate) message: AuthenticateClientRequest,
    /// Which server that is.
    pub(crate) server: ServerIdentity,
}
