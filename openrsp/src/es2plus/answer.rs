//! Whether an answer belongs to its call. An SM-DP+ is not believed more than it must be: what it says is printed, and the
//! activation code with it goes to users.

use rsp_es::activation_code::ActivationCode;
use rsp_es::es2plus::{
    ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse, JsonError,
};
use rsp_es::printable::printable;

use crate::smdp::order::has_matching_id_characters;

/// Longest MatchingID, as for activation codes.
const MAX_MATCHING_ID: usize = 255;

/// Longest text about an answer, in characters.
const MAX_TEXT: usize = 200;

/// The profile that was reserved is the one that was named, if one was.
pub(super) fn check_download(request: &DownloadOrderRequest, answer: &DownloadOrderResponse) -> Result<(), JsonError> {
    match request.iccid {
        Some(iccid) if iccid != answer.iccid => Err(invalid("iccid", "another one than was asked for")),
        _ => Ok(()),
    }
}

/// The order is the one that was asked for. Returns its activation code, if the answer names an address.
pub(super) fn check_confirmation(
    request: &ConfirmOrderRequest,
    answer: &ConfirmOrderResponse,
) -> Result<Option<ActivationCode>, JsonError> {
    check_matching_id(&answer.matching_id)?;
    if request.matching_id.as_ref().is_some_and(|asked| *asked != answer.matching_id) {
        return Err(invalid("matchingId", "another one than was asked for"));
    }
    if request.eid.zip(answer.eid).is_some_and(|(asked, named)| asked != named) {
        return Err(invalid("eid", "another one than was asked for"));
    }
    // Where the SM-DP+ names no address, the operator has it from elsewhere.
    let Some(address) = &answer.smdp_address else { return Ok(None) };
    ActivationCode::new(address, &answer.matching_id, None, request.confirmation_code.is_some()).map(Some).map_err(
        |error| {
            let problem = format!("no activation code can be made with it: {error}");
            invalid("smdpAddress", &printable(&problem, MAX_TEXT))
        },
    )
}

/// Refuses what SGP.22 4.1 does not allow in a MatchingID. An empty one is that of an order by EID alone.
fn check_matching_id(matching_id: &str) -> Result<(), JsonError> {
    if !has_matching_id_characters(matching_id) {
        return Err(invalid("matchingId", "not of 0-9, A-Z and - alone"));
    }
    match matching_id.len() {
        0..=MAX_MATCHING_ID => Ok(()),
        length => Err(invalid("matchingId", &format!("{length} characters, {MAX_MATCHING_ID} are allowed"))),
    }
}

fn invalid(member: &'static str, problem: &str) -> JsonError {
    JsonError::Invalid { member, problem: problem.to_owned() }
}
