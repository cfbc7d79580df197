//! ES10b.AuthenticateServer: the eUICC judges the server and proves itself (SGP.22 3.0.1, 5.7.13).

use rsp_apdu::StatusWord;
use rsp_asn1::{
    AuthenticateErrorCode, AuthenticateResponseError, AuthenticateResponseOk, AuthenticateServerRequest,
    AuthenticateServerResponse, EuiccSigned1, Raw, Unknown,
};

use super::information::euicc_info2;
use super::proofs::{EuiccChallengeMatches, Fault, ServerCertificateVerified, ServerSignature1Verified};
use super::stages::Authenticated;
use super::{Session, decode, encode};
use crate::platform::Platform;

/// ES10b.AuthenticateServer. A refusal leaves the challenge as it is; success consumes it.
pub(super) fn authenticate_server(
    platform: &mut Platform,
    session: &mut Session,
    request: &[u8],
) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<AuthenticateServerRequest>(request)?;
    let response = match authenticate(platform, session, &request) {
        Ok((authenticated, response)) => {
            *session = Session::Authenticated(authenticated);
            AuthenticateServerResponse::Ok(Box::new(response))
        }
        Err(authenticate_error_code) => AuthenticateServerResponse::Error(AuthenticateResponseError {
            transaction_id: request.server_signed1.value().transaction_id.clone(),
            authenticate_error_code,
            unknown: Unknown::default(),
        }),
    };
    encode(&response)
}

/// The checks in the order of SGP.22 5.7.13, then the eUICC's own signature.
fn authenticate(
    platform: &Platform,
    session: &Session,
    request: &AuthenticateServerRequest,
) -> Result<(Authenticated, AuthenticateResponseOk), AuthenticateErrorCode> {
    let Session::Challenged(challenge) = session else { return Err(AuthenticateErrorCode::NO_SESSION_CONTEXT) };
    let credential =
        platform.credential(&request.euicc_ci_pk_id_to_be_used.0).ok_or(AuthenticateErrorCode::CI_PK_UNKNOWN)?;
    let server = ServerCertificateVerified::verify(platform, &request.server_certificate).map_err(error_code)?;
    let server = ServerSignature1Verified::verify(platform, server, request)
        .map_err(|_| AuthenticateErrorCode::INVALID_SIGNATURE)?;
    let server =
        EuiccChallengeMatches::check(challenge, server).ok_or(AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH)?;

    let signed = server.signed();
    let undefined = AuthenticateErrorCode::UNDEFINED_ERROR;
    let euicc_signed1 = Raw::new(EuiccSigned1 {
        transaction_id: signed.transaction_id.clone(),
        server_address: signed.server_address.clone(),
        server_challenge: signed.server_challenge,
        euicc_info2: euicc_info2(platform).map_err(|_| undefined)?,
        ctx_params1: request.ctx_params1.clone(),
        unknown: Unknown::default(),
    })
    .map_err(|_| undefined)?;
    let euicc_signature1 = credential.sign(euicc_signed1.bytes()).ok_or(undefined)?;
    let authenticated = Authenticated::new(&server, credential.ci_key_id.clone(), euicc_signature1.clone());
    let response = AuthenticateResponseOk {
        euicc_signed1,
        euicc_signature1,
        euicc_certificate: credential.euicc_certificate.clone(),
        eum_certificate: credential.eum_certificate.clone(),
        unknown: Unknown::default(),
    };
    Ok((authenticated, response))
}

fn error_code(fault: Fault) -> AuthenticateErrorCode {
    match fault {
        Fault::CiUnknown => AuthenticateErrorCode::CI_PK_UNKNOWN,
        Fault::UnsupportedCurve => AuthenticateErrorCode::UNSUPPORTED_CURVE,
        Fault::InvalidOid => AuthenticateErrorCode::INVALID_OID,
        Fault::Invalid => AuthenticateErrorCode::INVALID_CERTIFICATE,
    }
}
