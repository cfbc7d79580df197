//! What a page says when something is not as wished. Nothing of the inside is told, and nothing of another tenant.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::error::Error;

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
        Error::Exists { .. } | Error::WrongState { .. } => (StatusCode::CONFLICT, "That does not go now"),
        Error::Provisioning(_) | Error::Refused(_) => (StatusCode::BAD_GATEWAY, "The SM-DP+ refused"),
        Error::Unreachable(_) | Error::Network(_) => (StatusCode::BAD_GATEWAY, "No answer"),
        Error::Unrecorded { .. } => (StatusCode::BAD_GATEWAY, "It was sold, and not noted"),
        Error::NoNetworkAdapter => (StatusCode::CONFLICT, "No network is connected"),
        Error::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Too much at once"),
        Error::Smdp(_) | Error::Store(_) | Error::Crypto(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Something failed here")
        }
    };
    let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(%error, "a page failed");
        "The server could not do it. Its log says why.".to_owned()
    } else {
        sentence(&error.to_string())
    };
    Said { status, title, detail }
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
        let mut response = (said.status, said.detail.clone()).into_response();
        response.extensions_mut().insert(said);
        response
    }
}
