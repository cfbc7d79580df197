//! The ISD-R: functions of ES10a, ES10b and ES10c (SGP.22 5.7).

mod addresses;
mod authenticate;
mod cancel_session;
mod information;
mod install;
mod load;
mod load_crl;
mod management;
mod notification_functions;
mod one_time_keys;
mod package;
mod prepare_download;
mod profiles_info;
mod proofs;
mod reset;
mod session;
mod stages;
mod switch;
mod update_metadata;

use rasn::{Decode, Encode};
use rsp_apdu::StatusWord;
use rsp_asn1::tlv;

use crate::platform::Platform;
use crate::toolkit::Es10;
pub(crate) use load::report_interruption;
pub(crate) use session::Session;
pub(crate) use switch::carry_out;
pub(crate) use update_metadata::update_metadata;

/// AID of the ISD-R (SGP.22 4.1.1, SGP.02 2.2.3).
pub const ISDR_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00];

/// The version of SGP.22 that is spoken.
const SVN: [u8; 3] = [2, 6, 0];

/// The FCI that SELECT answers (SGP.22 5.7.1): AID, maximum length of a command, version of SGP.22.
pub(crate) fn fci() -> Vec<u8> {
    let mut proprietary = Vec::new();
    tlv::write(&mut proprietary, &[0x9F, 0x65], &[0xFF]);
    let mut rsp = Vec::new();
    tlv::write(&mut rsp, &[0x82], &SVN);
    let mut content = Vec::new();
    tlv::write(&mut content, &[0x84], &ISDR_AID);
    tlv::write(&mut content, &[0xA5], &proprietary);
    tlv::write(&mut content, &[0xE0], &rsp);
    let mut fci = Vec::new();
    tlv::write(&mut fci, &[0x6F], &content);
    fci
}

/// Carries out one request: the joined blocks of a STORE DATA chain.
///
/// # Errors
/// The status word of a request that is refused before it gets an answer of its own: 6A88 for a function that does not
/// exist, 6985 for one that cannot be called now, 6A80 for one that cannot be read.
pub(crate) fn process(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    if load::is_segment(session, request) {
        may_be_called(platform, Es10::B)?;
        return load::segment(platform, session, request);
    }
    let (tlv, rest) = tlv::first(request).map_err(|_| StatusWord::WRONG_DATA)?;
    if !rest.is_empty() {
        return Err(StatusWord::WRONG_DATA);
    }
    let &[0xBF, function] = tlv.tag() else { return Err(StatusWord::REFERENCED_DATA_NOT_FOUND) };
    if session.is_loading() && disturbs_a_load(function) {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    may_be_called(platform, group(function))?;
    match function {
        0x3C => addresses::configured_addresses(platform, request),
        0x3F => addresses::set_default_dp_address(platform, request),
        0x20 => information::info1(platform, request),
        0x22 => information::info2(platform, request),
        0x3E => information::data(platform, request),
        0x43 => information::rat(platform, request),
        0x2E => session::challenge(platform, session, request),
        0x38 => authenticate::authenticate_server(platform, session, request),
        0x21 => prepare_download::prepare_download(platform, session, request),
        0x41 => cancel_session::cancel_session(platform, session, request),
        0x28 => notification_functions::list(platform, request),
        0x2B => notification_functions::retrieve(platform, request),
        0x35 => load_crl::load_crl(platform, request),
        0x30 => notification_functions::sent(platform, request),
        0x2D => profiles_info::profiles_info(platform, request),
        0x31 => management::enable(platform, session, request),
        0x32 => management::disable(platform, session, request),
        0x33 => management::delete(platform, request),
        0x34 => reset::memory_reset(platform, session, request),
        0x29 => management::set_nickname(platform, request),
        _ => Err(StatusWord::REFERENCED_DATA_NOT_FOUND),
    }
}

/// Which assistant of the device calls a function.
fn group(function: u8) -> Es10 {
    match function {
        0x3C | 0x3F => Es10::A,
        0x2D | 0x31..=0x34 | 0x3E | 0x29 => Es10::C,
        _ => Es10::B,
    }
}

/// Whether the terminal said that it has the assistant for these functions, or said nothing (SGP.22 3.4.2).
fn may_be_called(platform: &Platform, group: Es10) -> Result<(), StatusWord> {
    if platform.toolkit.offers(group) { Ok(()) } else { Err(StatusWord::CONDITIONS_NOT_SATISFIED) }
}

/// Functions that are not carried out in a load: what changes the eUICC. Whatever only reads is harmless, and
/// GetEUICCChallenge and CancelSession are always carried out: they end the load.
fn disturbs_a_load(function: u8) -> bool {
    matches!(function, 0x38 | 0x21 | 0x35 | 0x3F | 0x30 | 0x31 | 0x32 | 0x33 | 0x34 | 0x29)
}

/// Reads a request of a known function.
fn decode<T: Decode>(request: &[u8]) -> Result<T, StatusWord> {
    rsp_asn1::decode_command(request).map_err(|_| StatusWord::WRONG_DATA)
}

/// Writes an answer.
fn encode<T: Encode>(answer: &T) -> Result<Vec<u8>, StatusWord> {
    rsp_asn1::encode(answer).map_err(|_| StatusWord::NO_DIAGNOSIS)
}
