//! ES10b.CancelSession (SGP.22 3.0.2, 5.7.14).

use rsp_apdu::StatusWord;
use rsp_asn1::{
    CancelSessionReason, CancelSessionRequest, CancelSessionResponse, CancelSessionResponseError,
    CancelSessionResponseOk, EuiccCancelSessionSigned, Raw, Unknown,
};

use super::{Session, decode, encode, one_time_keys};
use crate::platform::Platform;

/// ES10b.CancelSession. A load that was going on leaves nothing behind; the signed answer is its only report.
pub(super) fn cancel_session(
    platform: &mut Platform,
    session: &mut Session,
    request: &[u8],
) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<CancelSessionRequest>(request)?;
    let response = match sign(platform, session, &request) {
        Ok(response) => {
            end(platform, session, request.reason);
            CancelSessionResponse::Ok(response)
        }
        Err(error) => {
            if matches!(session, Session::Challenged(_)) {
                *session = Session::None;
            }
            CancelSessionResponse::Error(error)
        }
    };
    encode(&response)
}

fn sign(
    platform: &Platform,
    session: &Session,
    request: &CancelSessionRequest,
) -> Result<CancelSessionResponseOk, CancelSessionResponseError> {
    let undefined = CancelSessionResponseError::UNDEFINED_ERROR;
    let authenticated = session
        .authenticated()
        .filter(|authenticated| *authenticated.transaction_id() == request.transaction_id)
        .ok_or(CancelSessionResponseError::INVALID_TRANSACTION_ID)?;
    let signed = Raw::new(EuiccCancelSessionSigned {
        transaction_id: request.transaction_id.clone(),
        smdp_oid: authenticated.server_oid().clone(),
        reason: request.reason,
        unknown: Unknown::default(),
    })
    .map_err(|_| undefined)?;
    let credential = platform.credential(&authenticated.ci_key_id().0).ok_or(undefined)?;
    Ok(CancelSessionResponseOk {
        euicc_cancel_session_signature: credential.sign(signed.bytes()).ok_or(undefined)?,
        euicc_cancel_session_signed: signed,
        unknown: Unknown::default(),
    })
}

fn end(platform: &mut Platform, session: &mut Session, reason: CancelSessionReason) {
    let may_be_retried = matches!(reason, CancelSessionReason::POSTPONED | CancelSessionReason::TIMEOUT);
    let one_time_key = match std::mem::take(session) {
        Session::Prepared(prepared) => Some(prepared.one_time_key().public_key().as_bytes().to_vec()),
        Session::Loading(load) => Some(load.one_time_public_key().to_vec()),
        Session::None | Session::Challenged(_) | Session::Authenticated(_) => None,
    };
    if let Some(public_key) = one_time_key.filter(|_| !may_be_retried) {
        one_time_keys::erase(platform, &public_key);
    }
    if platform.state.pending_load.take().is_some() {
        platform.changed = true;
    }
}
