//! The ASN.1 binding of the servers: one path for all functions (SGP.22 6.6).
//!
//! Only a body that says which function is called can be answered by an integer of that function. What comes before, and
//! HandleNotification, which has no answer, can only be answered by an HTTP status; it is never 500.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::http::StatusCode as HttpStatus;
use axum::http::header::CONTENT_TYPE as CONTENT_TYPE_HEADER;
use axum::http::{HeaderValue, request::Parts};
use axum::response::Response as HttpResponse;
use rsp_asn1::{RemoteProfileProvisioningRequest as AnyRequest, RemoteProfileProvisioningResponse as AnyResponse};

use super::Caller;
use super::http::{media_type, plain, receive, version, with_headers};
use crate::asn1::{CONTENT_TYPE, ResponseMessage, Server, error_code, refusal};
use crate::es9plus::Function;
use crate::status::StatusCode;

/// What becomes of a request that could be read.
pub(super) enum Answer {
    /// The function has an answer.
    Message(AnyResponse),
    /// The notification was taken.
    Taken,
    /// The notification was not taken, and should be sent again later.
    NotTaken,
    /// This server has no such function.
    NotServed,
    /// A part of the request is not what it should be.
    Malformed,
}

/// Receives a request, lets `execute` answer it, and writes the answer.
pub(super) async fn serve<F>(request: HttpRequest, execute: impl FnOnce(Caller, AnyRequest) -> F) -> HttpResponse
where
    F: Future<Output = Answer>,
{
    let (head, body) = request.into_parts();
    // Before anything is refused: a connection with an unread body cannot be used again.
    let body = match receive(body).await {
        Ok(body) => body,
        Err(status) => return plain(status),
    };
    let caller = match caller(&head) {
        Ok(caller) => caller,
        Err((status, problem)) => return refused(status, problem),
    };
    let request = match rsp_asn1::decode::<AnyRequest>(&body) {
        Ok(request) => request,
        Err(error) => return refused(HttpStatus::BAD_REQUEST, &error.to_string()),
    };
    match execute(caller, request).await {
        Answer::Message(message) => written(&message),
        Answer::Taken => with_headers(HttpStatus::NO_CONTENT, Body::empty()),
        Answer::NotTaken => with_headers(HttpStatus::SERVICE_UNAVAILABLE, Body::empty()),
        Answer::NotServed => refused(HttpStatus::BAD_REQUEST, "this server does not have the function"),
        Answer::Malformed => refused(HttpStatus::BAD_REQUEST, "a member of the request is malformed"),
    }
}

/// The answer to a function: its response, or the integer for why there is none.
pub(super) async fn answer<Res: ResponseMessage>(
    server: Server,
    function: Function,
    call: impl Future<Output = Result<Res, StatusCode>>,
) -> Answer {
    let outcome = caught(call).await.and_then(|response| {
        response.to_message().map_err(|error| StatusCode::FUNCTION_EXECUTION_ERROR.with_message(error.to_string()))
    });
    match outcome {
        Ok(message) => Answer::Message(message),
        Err(status) => {
            let error = error_code(server, function, &status);
            tracing::info!(function = function.name(), subject = %status.subject, reason = %status.reason, error, "refused");
            refusal(server, function, error).map_or(Answer::NotTaken, Answer::Message)
        }
    }
}

/// The answer to HandleNotification, which is an HTTP status.
pub(super) async fn taken(call: impl Future<Output = Result<(), StatusCode>>) -> Answer {
    match caught(call).await {
        Ok(()) => Answer::Taken,
        Err(status) => {
            let function = Function::HandleNotification.name();
            tracing::info!(function, subject = %status.subject, reason = %status.reason, "refused");
            Answer::NotTaken
        }
    }
}

/// A bug of ours is a function that failed: only here is it known which, and so how to say it.
async fn caught<T>(call: impl Future<Output = Result<T, StatusCode>>) -> Result<T, StatusCode> {
    let mut call = pin!(call);
    // A call that panicked is never polled again.
    let call = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(_) => {
            tracing::error!("a function panicked");
            std::task::Poll::Ready(Err(StatusCode::FUNCTION_EXECUTION_ERROR))
        }
    });
    call.await
}

/// Who calls, or how to answer headers that are not of this binding (SGP.22 6.6.1).
fn caller(head: &Parts) -> Result<Caller, (HttpStatus, &'static str)> {
    if media_type(&head.headers).as_deref() != Some(CONTENT_TYPE) {
        return Err((HttpStatus::UNSUPPORTED_MEDIA_TYPE, "Content-Type is not the one of the ASN.1 binding"));
    }
    let refused = (HttpStatus::BAD_REQUEST, "X-Admin-Protocol is missing, or no version 2 or 3 of gsma/rsp");
    let version = version(&head.headers).ok_or(refused)?;
    Ok(Caller { version, ..head.extensions.get::<Caller>().cloned().unwrap_or_default() })
}

fn refused(status: HttpStatus, problem: &str) -> HttpResponse {
    tracing::info!(problem, "refused");
    with_headers(status, Body::from(problem.to_owned()))
}

fn written(message: &AnyResponse) -> HttpResponse {
    match rsp_asn1::encode(message) {
        Ok(der) => {
            let mut response = with_headers(HttpStatus::OK, Body::from(der));
            response.headers_mut().insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(CONTENT_TYPE));
            response
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be encoded");
            with_headers(HttpStatus::SERVICE_UNAVAILABLE, Body::empty())
        }
    }
}
