//! The server half of ES9+: an HTTP router over the trait that an SM-DP+ implements (SGP.22 6.1, 6.5).
//!
//! Whatever comes in, the answer is one that a client can act on: a function that cannot be executed is HTTP 200 with
//! status `Failed` and a code, never 500.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE as CONTENT_TYPE_HEADER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode as HttpStatus};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower_http::catch_panic::CatchPanicLayer;

use crate::es9plus::{
    ADMIN_PROTOCOL, ADMIN_PROTOCOL_HEADER, AuthenticateClientRequest, AuthenticateClientResponse, CONTENT_TYPE,
    CancelSessionRequest, Function, GetBoundProfilePackageRequest, GetBoundProfilePackageResponse,
    HandleNotificationRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse, JsonError, Request,
    Response, failure,
};
use crate::status::StatusCode;

/// Largest request body, in bytes: an AuthenticateServerResponse with its two certificates needs about 3,000.
pub const MAX_BODY: usize = 64 * 1024;

/// How long a request body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// What an SM-DP+ does (SGP.22 5.6). Every function is a whole: on an error nothing has happened.
#[async_trait]
pub trait Es9Plus: Send + Sync + 'static {
    /// Opens a session and signs the eUICC's challenge (SGP.22 5.6.1).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn initiate_authentication(
        &self,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode>;

    /// Authenticates the eUICC and finds its order (SGP.22 5.6.3).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn authenticate_client(
        &self,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode>;

    /// Binds the profile to the eUICC's one-time key (SGP.22 5.6.2).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn get_bound_profile_package(
        &self,
        request: GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, StatusCode>;

    /// Takes a notification (SGP.22 5.6.4).
    ///
    /// # Errors
    /// Only when the notification should be sent again later: the client removes it from the eUICC otherwise.
    async fn handle_notification(&self, request: HandleNotificationRequest) -> Result<(), StatusCode>;

    /// Ends a session (SGP.22 5.6.5).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn cancel_session(&self, request: CancelSessionRequest) -> Result<(), StatusCode>;
}

/// The routes of ES9+. The router has no other route and no state of its own, so that it can be merged into any other.
///
/// A body that is too long is answered before it is read to the end. Whoever serves the router must close such a
/// connection in a way that lets the client read the answer first (RFC 9112 9.6).
pub fn router(smdp: Arc<dyn Es9Plus>) -> Router {
    let mut router = Router::new();
    for function in Function::ALL {
        let handler = move |State(smdp): State<Arc<dyn Es9Plus>>, headers: HeaderMap, body: Body| async move {
            serve(function, smdp, headers, body).await
        };
        router = router.route(function.path(), post(handler).fallback(only_post));
    }
    router.with_state(smdp).layer(CatchPanicLayer::custom(panicked))
}

async fn serve(function: Function, smdp: Arc<dyn Es9Plus>, headers: HeaderMap, body: Body) -> HttpResponse {
    // Before anything is refused: a connection with an unread body cannot be used again.
    let body = match receive(body).await {
        Ok(body) => body,
        Err(status) => return plain(status),
    };
    if let Err(status) = check_headers(&headers) {
        return failed(function, &status);
    }
    let answer = match function {
        Function::InitiateAuthentication => call(&body, |request| smdp.initiate_authentication(request)).await,
        Function::AuthenticateClient => call(&body, |request| smdp.authenticate_client(request)).await,
        Function::GetBoundProfilePackage => call(&body, |request| smdp.get_bound_profile_package(request)).await,
        Function::CancelSession => call(&body, |request| smdp.cancel_session(request)).await,
        Function::HandleNotification => match call(&body, |request| smdp.handle_notification(request)).await {
            Ok(_) => return with_headers(HttpStatus::NO_CONTENT, Body::empty()),
            Err(status) => Err(status),
        },
    };
    match answer {
        Ok(json) => with_headers(HttpStatus::OK, Body::from(json)),
        Err(status) => failed(function, &status),
    }
}

/// Reads a request, lets the SM-DP+ execute it and writes the response.
async fn call<Req, Res, F>(body: &[u8], execute: impl FnOnce(Req) -> F) -> Result<String, StatusCode>
where
    Req: Request,
    Res: Response,
    F: Future<Output = Result<Res, StatusCode>>,
{
    let request = Req::from_json(body).map_err(|error| status_of(&error))?;
    Ok(execute(request).await?.to_json())
}

/// The code for a body that is not the function's request.
fn status_of(error: &JsonError) -> StatusCode {
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
fn check_headers(headers: &HeaderMap) -> Result<(), StatusCode> {
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
async fn receive(body: Body) -> Result<axum::body::Bytes, HttpStatus> {
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

fn failed(function: Function, status: &StatusCode) -> HttpResponse {
    tracing::info!(%function, subject = %status.subject, reason = %status.reason, "refused");
    with_headers(HttpStatus::OK, Body::from(failure(status)))
}

/// A bug of ours must not become a 500: clients crash over it, and it says nothing to their users.
fn panicked(_: Box<dyn Any + Send + 'static>) -> HttpResponse {
    tracing::error!("a function panicked");
    with_headers(HttpStatus::OK, Body::from(failure(&StatusCode::FUNCTION_EXECUTION_ERROR)))
}

async fn only_post() -> HttpResponse {
    let mut response = plain(HttpStatus::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// An answer below the RSP layer. Its request may not have been read to the end, so that the connection ends with it.
fn plain(status: HttpStatus) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(status.canonical_reason().unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn with_headers(status: HttpStatus, body: Body) -> HttpResponse {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(ADMIN_PROTOCOL_HEADER), HeaderValue::from_static(ADMIN_PROTOCOL));
    if status == HttpStatus::OK {
        headers.insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(CONTENT_TYPE));
    }
    response
}
