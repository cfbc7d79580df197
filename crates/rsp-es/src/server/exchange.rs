//! One exchange on a JSON interface, from the request of a caller to the answer (SGP.22 6.5).

use axum::body::{Body, Bytes};
use axum::extract::Request as HttpRequest;
use axum::http::StatusCode as HttpStatus;
use axum::response::Response as HttpResponse;

use super::Caller;
use super::http::{caller, failed, plain, receive, status_of, with_headers};
use crate::header::Response;
use crate::json::JsonError;
use crate::status::StatusCode;

/// What an executed function answers.
pub(super) enum Answer {
    /// HTTP 200 with this body.
    Json(String),
    /// HTTP 204.
    NoContent,
}

/// Who calls, and the body of the request; else the answer that refuses it.
pub(super) async fn accept(function: &str, request: HttpRequest) -> Result<(Caller, Bytes), Box<HttpResponse>> {
    let (head, body) = request.into_parts();
    // Before anything is refused: a connection with an unread body cannot be used again.
    let body = receive(body).await.map_err(plain)?;
    let caller = caller(&head).map_err(|status| failed(function, &status))?;
    Ok((caller, body))
}

/// Lets the server execute a request and writes its response.
pub(super) async fn call<Req, Res, F>(
    request: Result<Req, JsonError>,
    execute: impl FnOnce(Req) -> F,
) -> Result<Answer, StatusCode>
where
    Res: Response,
    F: Future<Output = Result<Res, StatusCode>>,
{
    let request = request.map_err(|error| status_of(&error))?;
    Ok(Answer::Json(execute(request).await?.to_json()))
}

/// The same for a function without a response.
pub(super) async fn notify<Req, F>(
    request: Result<Req, JsonError>,
    execute: impl FnOnce(Req) -> F,
) -> Result<Answer, StatusCode>
where
    F: Future<Output = Result<(), StatusCode>>,
{
    call(request, execute).await.map(|_| Answer::NoContent)
}

/// The HTTP response.
pub(super) fn respond(function: &str, answer: Result<Answer, StatusCode>) -> HttpResponse {
    match answer {
        Ok(Answer::Json(json)) => with_headers(HttpStatus::OK, Body::from(json)),
        Ok(Answer::NoContent) => with_headers(HttpStatus::NO_CONTENT, Body::empty()),
        Err(status) => failed(function, &status),
    }
}
