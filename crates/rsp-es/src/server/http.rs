//! What the routers of all interfaces share: how a request is received and how an answer is written (SGP.22 6.5.1).

use std::any::Any;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE as CONTENT_TYPE_HEADER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode as HttpStatus};
use axum::response::Response as HttpResponse;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::es9plus::{ADMIN_PROTOCOL, ADMIN_PROTOCOL_HEADER, CONTENT_TYPE, JsonError, failure};
use crate::status::StatusCode;

/// Largest request body, in bytes: an AuthenticateServerResponse with its two certificates needs about 3,000.
pub const MAX_BODY: usize = 64 * 1024;

/// How long a request body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The code for a body that is not the function's request.
pub(super) fn status_of(error: &JsonError) -> StatusCode {
    let status = match error {
        JsonError::Missing(_) => StatusCode::FORMAT_ELEMENT_MISSING,
        _ => StatusCode::FORMAT_INVALID,
    };
    let status = match error.member() {
        Some(member) => status.with_subject_identifier(member),
        None => status,
    };
    status.with_message(error.to_string())
}

/// Content type and protocol version (SGP.22 6.5.1).
pub(super) fn check_headers(headers: &HeaderMap) -> Result<(), StatusCode> {
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    let content_type = text(headers.get(CONTENT_TYPE_HEADER));
    let media_type = content_type.as_deref().and_then(|value| value.split(';').next()).map(str::trim);
    if media_type != Some("application/json") {
        return Err(StatusCode::CONTENT_TYPE_INVALID);
    }
    let protocol = text(headers.get(ADMIN_PROTOCOL_HEADER));
    let major = protocol.as_deref().and_then(|value| value.trim().strip_prefix("gsma/rsp/v")?.split('.').next());
    // A client of version 3 falls back to version 2 towards a server that answers with version 2.
    if !matches!(major, Some("2" | "3")) {
        return Err(StatusCode::ADMIN_PROTOCOL_INVALID);
    }
    Ok(())
}

/// The whole body, or the HTTP status that says why it was not read to its end.
pub(super) async fn receive(body: Body) -> Result<axum::body::Bytes, HttpStatus> {
    // From Content-Length: what is announced as too long is not waited for.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(HttpStatus::PAYLOAD_TOO_LARGE);
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(HttpStatus::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(HttpStatus::BAD_REQUEST),
        Err(_) => Err(HttpStatus::REQUEST_TIMEOUT),
    }
}

pub(super) fn failed(function: &str, status: &StatusCode) -> HttpResponse {
    tracing::info!(function, subject = %status.subject, reason = %status.reason, "refused");
    with_headers(HttpStatus::OK, Body::from(failure(status)))
}

/// A bug of ours must not become a 500: clients crash over it, and it says nothing to their users.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> HttpResponse {
    tracing::error!("a function panicked");
    with_headers(HttpStatus::OK, Body::from(failure(&StatusCode::FUNCTION_EXECUTION_ERROR)))
}

pub(super) async fn only_post() -> HttpResponse {
    let mut response = plain(HttpStatus::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// An answer below the RSP layer. Its request may not have been read to the end, so that the connection ends with it.
pub(super) fn plain(status: HttpStatus) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(status.canonical_reason().unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

pub(super) fn with_headers(status: HttpStatus, body: Body) -> HttpResponse {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(ADMIN_PROTOCOL_HEADER), HeaderValue::from_static(ADMIN_PROTOCOL));
    if status == HttpStatus::OK {
        headers.insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(CONTENT_TYPE));
    }
    response
}
