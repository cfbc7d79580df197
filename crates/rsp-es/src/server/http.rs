//! What the routers of all interfaces share: how a request is received and how an answer is written (SGP.22 6.5.1).

use std::any::Any;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE as CONTENT_TYPE_HEADER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode as HttpStatus};
use axum::response::Response as HttpResponse;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::Caller;
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

/// Who calls: what the connection told, with the protocol version of the headers (SGP.22 6.5.1).
pub(super) fn caller(head: &Parts) -> Result<Caller, StatusCode> {
    if media_type(&head.headers).as_deref() != Some("application/json") {
        return Err(StatusCode::CONTENT_TYPE_INVALID);
    }
    let version = version(&head.headers).ok_or(StatusCode::ADMIN_PROTOCOL_INVALID)?;
    Ok(Caller { version, ..head.extensions.get::<Caller>().cloned().unwrap_or_default() })
}

/// The media type of the body without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let content_type = lower_case(headers.get(CONTENT_TYPE_HEADER))?;
    content_type.split(';').next().map(|media_type| media_type.trim().to_owned())
}

/// Major version of the client's protocol, if it is one that is spoken here.
///
/// A client of version 3 falls back to version 2 towards a server that answers with version 2.
pub(super) fn version(headers: &HeaderMap) -> Option<u8> {
    let protocol = lower_case(headers.get(ADMIN_PROTOCOL_HEADER))?;
    match protocol.trim().strip_prefix("gsma/rsp/v")?.split('.').next() {
        Some("2") => Some(2),
        Some("3") => Some(3),
        _ => None,
    }
}

fn lower_case(value: Option<&HeaderValue>) -> Option<String> {
    value.and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase)
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
