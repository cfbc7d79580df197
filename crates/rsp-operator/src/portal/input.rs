//! What a form or an address carries, read so that whatever cannot be read is said in words of the portal, and not repeated.
//!
//! These stand in for axum's own extractors, whose rejections are the library's text. A rejection that is about the whole
//! request, such as one that is too long, is left as it is: the guard draws it.

use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;

use super::failure::Failure;
use crate::error::Error;

/// Longest name of a field that is taken out of a library's message.
const FIELD: usize = 32;

/// A form.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(read)) => Ok(Self(read)),
            Err(FormRejection::FailedToDeserializeForm(wrong)) => Err(unread("form", &wrong.body_text())),
            Err(FormRejection::FailedToDeserializeFormBody(wrong)) => Err(unread("form", &wrong.body_text())),
            Err(other) => Err(other.into_response()),
        }
    }
}

/// The parameters of an address.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(read)) => Ok(Self(read)),
            Err(QueryRejection::FailedToDeserializeQueryString(wrong)) => Err(unread("address", &wrong.body_text())),
            Err(other) => Err(other.into_response()),
        }
    }
}

/// What the path names. A name that cannot be read is one of nothing.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(read)| Self(read)).map_err(|_| missing())
    }
}

/// What a script of a page sends.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(read)) => Ok(Self(read)),
            Err(JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_)) => Err(unread("message", "")),
            Err(other) => Err(other.into_response()),
        }
    }
}

/// A page of an address that none has.
pub(super) fn missing() -> Failure {
    Failure(Error::not_found("page", ""))
}

/// Something that cannot be read, by a library's message, of which only the name of a field is taken.
fn unread(what: &'static str, message: &str) -> Response {
    let again = "go back, load the page again, and repeat it";
    let problem = match field(message) {
        Some((name, true)) => format!("the field {name:?} is missing: {again}"),
        Some((name, false)) => format!("the field {name:?} has another form than the page sends: {again}"),
        None => format!("it has another form than the page sends: {again}"),
    };
    Failure(Error::invalid(what, problem)).into_response()
}

/// The field that a message is about, and whether it is missing. Names of fields are ours; what was put into them is not.
fn field(message: &str) -> Option<(&str, bool)> {
    let (name, is_missing) = match message.split_once("missing field `") {
        Some((_, rest)) => (rest.split('`').next()?, true),
        None => (message.split(": ").nth(1)?, false),
    };
    let is_ours = |name: &str| name.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'_');
    (!name.is_empty() && name.len() <= FIELD && is_ours(name)).then_some((name, is_missing))
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn only_the_name_of_a_field_is_taken_out_of_a_message() {
        for (message, found) in [
            ("Failed to deserialize form body: missing field `name`", Some(("name", true))),
            (
                "Failed to deserialize form body: disabled: provided string was not `true` or `false`",
                Some(("disabled", false)),
            ),
            ("Failed to deserialize form body: <b>: no", None),
            ("Failed to deserialize form body: duplicate field `x`", None),
            ("Failed to deserialize form body: missing field `<b>`", None),
            ("", None),
        ] {
            assert_eq!(field(message), found, "{message}");
        }
    }
}
