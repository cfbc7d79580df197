//! Between the ISD-R and the profile in an ISD-P: from profile elements to contents, and the checks that need both the
//! contents and the metadata (SGP.22 2.5.6.1).

mod contents_match_metadata;

use rsp_apdu::{Command, Response};
use rsp_asn1::ErrorReason;
use rsp_crypto::Randomness;
use rsp_saip::ProfilePackage;
use rsp_saip::status::{EuiccResponse, PeStatus, PeStatusCode};

pub(crate) use crate::interpreter::ProfileContents;
use crate::usim;
pub(crate) use contents_match_metadata::ContentsMatchMetadata;

/// Profile elements that became files and keys. What they became comes out by [`ContentsMatchMetadata`] only.
pub(crate) struct Interpreted {
    contents: ProfileContents,
    /// EUICCResponse, DER.
    sima_response: Vec<u8>,
}

/// Why they did not.
pub(crate) struct Refusal {
    pub(crate) reason: ErrorReason,
    /// EUICCResponse, DER.
    pub(crate) sima_response: Option<Vec<u8>>,
}

/// Turns profile elements into contents.
pub(crate) fn interpret(elements: &[u8]) -> Result<Interpreted, Refusal> {
    let package = ProfilePackage::from_der(elements).map_err(|error| {
        // What cannot be read has no identification to report.
        let status = PeStatus::new(PeStatusCode::INVALID_REQUEST_FORMAT, None);
        refusal(vec![status], &error.to_string())
    })?;
    let (contents, status) = crate::interpreter::install(package.elements())
        .map_err(|error| refusal(error.statuses.clone(), &error.to_string()))?;
    let mut response = EuiccResponse::success();
    // "ok" without an identification speaks for every element; if one was left out, each is named.
    if status.iter().any(|status| status.status != PeStatusCode::OK) {
        response.pe_status = status;
    }
    let sima_response = response.to_der().map_err(|error| refusal(Vec::new(), &error))?;
    Ok(Interpreted { contents, sima_response })
}

fn refusal(status: Vec<PeStatus>, message: &str) -> Refusal {
    let no_memory = status.iter().any(|status| status.status == PeStatusCode::NOT_ENOUGH_MEMORY);
    let reason = match no_memory {
        true => ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE,
        false => ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR,
    };
    Refusal { reason, sima_response: EuiccResponse::aborted(status, message).to_der().ok() }
}

/// One command to the enabled profile; `changed` is set when its files, codes or counters did.
pub(crate) fn process(
    session: &mut usim::Session,
    contents: &mut ProfileContents,
    command: &Command,
    randomness: &mut dyn Randomness,
    changed: &mut bool,
) -> Response {
    let answer = session.process(contents, command, randomness);
    *changed |= answer.changed;
    answer.response
}
