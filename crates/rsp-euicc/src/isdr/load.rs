//! ES10b.LoadBoundProfilePackage: the package segment by segment (SGP.22 2.5.4, 2.5.5, 5.5, 5.7.6).
//!
//! `BF36 { BF23, A0 { 87 }, A1 { 88… }, A2 { 87 } optional, A3 { 86… } }` arrives as one STORE DATA chain for the head with
//! BF23, and then a header or a protected segment at a time. A segment that is not due at all is refused by a status word
//! and changes nothing; whatever is wrong inside ends the load with a signed ProfileInstallationResult.

use rsp_apdu::StatusWord;
use rsp_asn1::{
    BppCommandId, ErrorReason, ErrorResult, FinalResult, Iccid, InitialiseSecureChannelRequest, IsdpAid,
    NotificationEvent, ObjectIdentifier, Raw, SuccessResult, TransactionId, Unknown, tlv,
};

use super::install::{self, Installed};
use super::package::{Failure, Load, Step, length_of};
use super::proofs::{SecureChannelEstablished, SmdpSignVerified, TransactionIdMatches};
use super::stages::{Authenticated, Prepared};
use super::{Session, one_time_keys};
use crate::notifications::{Installation, ProfileNotice, installation_result, profile_event};
use crate::platform::Platform;
use crate::state::PendingLoad;

/// Whether a request belongs to a Bound Profile Package: its head, or any of the tags inside it.
pub(super) fn is_segment(session: &Session, request: &[u8]) -> bool {
    request.starts_with(&[0xBF, 0x36])
        || matches!(request.first(), Some(0xA0..=0xA3 | 0x86..=0x88))
        || (session.is_loading() && request.is_empty())
}

/// Takes one segment of a package.
///
/// # Errors
/// 6985 when no package, or already one, is being loaded; 6A88 for a segment that is not due; the session stays.
pub(super) fn segment(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    if request.starts_with(&[0xBF, 0x36]) {
        return begin(platform, session, request);
    }
    let Session::Loading(load) = session else { return Err(StatusWord::CONDITIONS_NOT_SATISFIED) };
    let first = request.first().copied().unwrap_or_default();
    if !load.is_due(first) {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
    }
    let step = load.take(platform, request);
    if matches!(step, Ok(Step::More)) {
        return Ok(Vec::new());
    }
    let Session::Loading(load) = std::mem::take(session) else { return Err(StatusWord::NO_DIAGNOSIS) };
    let authenticated = load.authenticated();
    match step.and_then(|_| install::prepare(platform, load.contents(), &authenticated.ci_key_id().0)) {
        Ok(installed) => succeed(platform, &load, installed),
        Err(failure) => {
            let installation = installation(authenticated, load.contents().iccid());
            fail(platform, &installation, load.one_time_public_key(), load.command(), failure)
        }
    }
}

/// The head of a package: `BF36`, its length, and the whole InitialiseSecureChannel.
fn begin(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    if !matches!(session, Session::Prepared(_)) {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    let (length, head) = length_of(&request[2..]).ok_or(StatusWord::WRONG_DATA)?;
    let (tlv, rest) = tlv::first(head).map_err(|_| StatusWord::WRONG_DATA)?;
    if tlv.tag() != [0xBF, 0x23] {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
    }
    let Session::Prepared(prepared) = std::mem::take(session) else { return Err(StatusWord::NO_DIAGNOSIS) };
    let package_left = if rest.is_empty() { length.checked_sub(tlv.raw().len()) } else { None };
    let begun = initialise_secure_channel(platform, &prepared, tlv.raw())
        .and_then(|channel| Ok((channel, package_left.ok_or(ErrorReason::SCP03T_STRUCTURE_ERROR)?)));
    let (channel, package_left) = match begun {
        Ok(begun) => begun,
        Err(reason) => {
            let installation = installation(prepared.authenticated(), None);
            let one_time_public_key = prepared.one_time_key().public_key().as_bytes();
            let command = BppCommandId::INITIALISE_SECURE_CHANNEL;
            return fail(platform, &installation, one_time_public_key, command, reason.into());
        }
    };
    let load = Load::new(*prepared, channel, package_left);
    let authenticated = load.authenticated();
    platform.state.pending_load = Some(PendingLoad {
        transaction_id: authenticated.transaction_id().as_bytes().to_vec(),
        smdp_oid: rsp_asn1::encode(authenticated.server_oid()).map_err(|_| StatusWord::NO_DIAGNOSIS)?,
        smdp_address: authenticated.server_address().to_owned(),
        ci_key_id: authenticated.ci_key_id().0.to_vec(),
        iccid: None,
        command: BppCommandId::CONFIGURE_ISDP.0,
    });
    platform.changed = true;
    *session = Session::Loading(Box::new(load));
    Ok(Vec::new())
}

/// ES8+.InitialiseSecureChannel, in the order of SGP.22 5.5.1.
fn initialise_secure_channel(
    platform: &Platform,
    prepared: &Prepared,
    request: &[u8],
) -> Result<SecureChannelEstablished, ErrorReason> {
    let request =
        Raw::<InitialiseSecureChannelRequest>::from_der(request).map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?;
    let request = SmdpSignVerified::verify(platform, prepared, &request).map_err(|_| ErrorReason::INVALID_SIGNATURE)?;
    let transaction_id = TransactionIdMatches::check(prepared.authenticated(), &request.request().transaction_id)
        .ok_or(ErrorReason::INVALID_TRANSACTION_ID)?;
    SecureChannelEstablished::establish(platform, prepared, &request, transaction_id)
}

/// What the signed result of a load says of its session.
fn installation(authenticated: &Authenticated, iccid: Option<Iccid>) -> Installation<'_> {
    Installation {
        transaction_id: authenticated.transaction_id(),
        smdp_oid: authenticated.server_oid(),
        smdp_address: authenticated.server_address(),
        ci_key_id: &authenticated.ci_key_id().0,
        iccid,
    }
}

/// Puts the profile into a new ISD-P, signs the result and reports the installation.
fn succeed(platform: &mut Platform, load: &Load, installed: Installed) -> Result<Vec<u8>, StatusWord> {
    let (slot, sima_response) = installed.into_parts();
    let result = FinalResult::Success(SuccessResult {
        aid: IsdpAid(slot.isdp_aid.to_vec().into()),
        sima_response: sima_response.into(),
        unknown: Unknown::default(),
    });
    platform.state.pending_load = None;
    one_time_keys::erase(platform, load.one_time_public_key());
    let pir = installation_result(platform, &installation(load.authenticated(), load.contents().iccid()), result)
        .ok_or(StatusWord::NO_DIAGNOSIS)?;
    platform.state.next_isdp = install::next_isdp(&slot.isdp_aid);
    let notice = ProfileNotice::from(&slot);
    platform.state.profiles.push(slot);
    profile_event(platform, &notice, NotificationEvent::INSTALL);
    Ok(pir)
}

/// Ends a load: nothing of it remains but a signed result.
fn fail(
    platform: &mut Platform,
    installation: &Installation<'_>,
    one_time_public_key: &[u8; 65],
    bpp_command_id: BppCommandId,
    failure: Failure,
) -> Result<Vec<u8>, StatusWord> {
    platform.state.pending_load = None;
    platform.changed = true;
    // Too little memory can pass; what else is wrong with the package stays wrong (SGP.22 2.5.6.1).
    if failure.reason != ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE {
        one_time_keys::erase(platform, one_time_public_key);
    }
    let result = FinalResult::Error(ErrorResult {
        bpp_command_id,
        error_reason: failure.reason,
        sima_response: failure.sima_response.map(Into::into),
        unknown: Unknown::default(),
    });
    installation_result(platform, installation, result).ok_or(StatusWord::NO_DIAGNOSIS)
}

/// Reports a load that a loss of power, a reset or a new session has ended (SGP.22 3.1.3.3). Its one-time key stays: the
/// same package can be sent again.
pub(crate) fn report_interruption(platform: &mut Platform) {
    let Some(pending) = platform.state.pending_load.take() else { return };
    platform.changed = true;
    let (Some(transaction_id), Ok(smdp_oid)) =
        (TransactionId::new(&pending.transaction_id), rsp_asn1::decode::<ObjectIdentifier>(&pending.smdp_oid))
    else {
        return;
    };
    let installation = Installation {
        transaction_id: &transaction_id,
        smdp_oid: &smdp_oid,
        smdp_address: &pending.smdp_address,
        ci_key_id: &pending.ci_key_id,
        iccid: pending.iccid.map(Iccid),
    };
    let result = FinalResult::Error(ErrorResult {
        bpp_command_id: BppCommandId(pending.command),
        error_reason: ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION,
        sima_response: None,
        unknown: Unknown::default(),
    });
    // It goes into the list; there is no command whose answer could carry it.
    let _ = installation_result(platform, &installation, result);
}
