//! What a page says when something is not as wished. Nothing of the inside is told, and nothing of another tenant.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rsp_es::printable::printable;

use crate::error::Error;
use crate::{provisioning, told};

/// Characters of a field that is shown again; no form lets more in, but for addresses.
const KEPT: usize = 500;

pub(super) const FAILED: &str = "The server could not do it. Its log says why.";
pub(super) const TOO_LARGE: &str = "A form has at most 64 KiB, a file at most 16 MiB.";
const UNREADABLE: &str = "A part of the address or of the form is missing, or has another form than the page sends. Go back, \
                          load the page again, and repeat it.";

/// An error of a page. The guard draws it with the navigation of whoever is signed in.
#[derive(Debug)]
pub struct Failure(pub Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// What the page of a failure says.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) detail: String,
}

/// Status, heading and explanation of an error.
pub(super) fn said(error: &Error) -> Said {
    let (status, title) = match error {
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, "Not with your role"),
        Error::NotFound { .. } => (StatusCode::NOT_FOUND, "Not found"),
        Error::Invalid { .. } => (StatusCode::BAD_REQUEST, "That cannot be taken"),
        Error::Exists { .. } | Error::Full { .. } | Error::WrongState { .. } => {
            (StatusCode::CONFLICT, "That does not go now")
        }
        Error::Provisioning(error) => match error.telling() {
            provisioning::Error::NoSupplier | provisioning::Error::None(_) => (StatusCode::CONFLICT, "No SM-DP+"),
            provisioning::Error::Insecure { .. } => (StatusCode::CONFLICT, "Not secure"),
            provisioning::Error::Unreachable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Nothing was done"),
            provisioning::Error::Uncertain { .. } => (StatusCode::BAD_GATEWAY, "It may have been sold"),
            provisioning::Error::Unanswered { .. } => (StatusCode::BAD_GATEWAY, "No answer"),
            provisioning::Error::Untraced => (StatusCode::INTERNAL_SERVER_ERROR, "Something failed here"),
            provisioning::Error::Refused { .. } => (StatusCode::BAD_GATEWAY, "The SM-DP+ refused"),
        },
        Error::Refused(_) => (StatusCode::BAD_GATEWAY, "The SM-DP+ refused"),
        Error::Unreachable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Nothing was done"),
        Error::Network(_) => (StatusCode::BAD_GATEWAY, "No answer"),
        Error::Unrecorded { .. } => (StatusCode::BAD_GATEWAY, "It was sold, and not noted"),
        Error::NoNetworkAdapter => (StatusCode::CONFLICT, "No network is connected for it"),
        Error::Busy
        | Error::Store(rsp_store::Error::Busy)
        | Error::Smdp(rsp_smdp::Error::Store(rsp_store::Error::Busy)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Too much at once")
        }
        Error::Smdp(_) | Error::Store(_) | Error::Crypto(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Something failed here")
        }
    };
    told::log(error);
    let detail = if status == StatusCode::INTERNAL_SERVER_ERROR { FAILED.to_owned() } else { sentence(&words(error)) };
    Said { status, title, detail }
}

/// What an error says, and what helps. A name that somebody sent is cut, and what does not print of it is escaped.
pub(super) fn words(error: &Error) -> String {
    told::told(error).text()
}

/// What a form that was refused shows again of a field: as it was filled in, or the beginning of what no page lets in.
pub(super) fn kept(text: &str) -> String {
    printable(text, KEPT)
}

/// An answer that no page of ours wrote, such as a library's that a request cannot be read. `None` for all others.
/// `is_address` says that nothing but the path was asked with: what of it cannot be read names nothing.
pub(super) fn raw(response: &Response, is_address: bool) -> Option<Said> {
    let status = match response.status() {
        StatusCode::BAD_REQUEST if is_address => StatusCode::NOT_FOUND,
        status => status,
    };
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_ours = kind.starts_with("text/html") || kind.starts_with("application/json");
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let (title, detail) = match status {
        StatusCode::NOT_FOUND => ("Not found", "There is no page of this address."),
        StatusCode::METHOD_NOT_ALLOWED => ("Not in this way", "This address takes no such request."),
        StatusCode::PAYLOAD_TOO_LARGE => ("Too large", TOO_LARGE),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("That cannot be taken", "What was sent is no form of this portal."),
        status if status.is_client_error() => ("That cannot be taken", UNREADABLE),
        _ => ("Something failed here", FAILED),
    };
    Some(Said { status, title, detail: detail.to_owned() })
}

/// The first letter large, a full stop at the end.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let said = said(&self.0);
        let mut response = said.status.into_response();
        response.extensions_mut().insert(said);
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use rsp_store::Error::{Busy, Closed};

    use super::said;
    use crate::error::Error;

    #[test]
    fn a_busy_database_is_no_failure_of_the_server() {
        for busy in [Error::Store(Busy), Error::Smdp(rsp_smdp::Error::Store(Busy))] {
            let said = said(&busy);
            assert_eq!((said.status, said.title), (StatusCode::SERVICE_UNAVAILABLE, "Too much at once"), "{busy}");
            assert_eq!(said.detail, "The database is busy. Try again later.");
        }
        assert_eq!(said(&Error::Store(Closed)).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
