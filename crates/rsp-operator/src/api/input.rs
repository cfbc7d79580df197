//! What a request carries, read so that whatever cannot be read is a problem that names the member.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use rsp_asn1::Iccid;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::{self, Problem};

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_of_type(&request, "application/json") {
            return Err(Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, "the header Content-Type says what it is"));
        }
        parse(&octets(request, state).await?).map(Self)
    }
}

/// A JSON body, or lines of comma-separated values.
pub(crate) enum BodyOrCsv<T> {
    /// JSON.
    Json(T),
    /// Comma-separated values.
    Csv(Bytes),
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for BodyOrCsv<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if is_of_type(&request, "text/csv") {
            return octets(request, state).await.map(Self::Csv);
        }
        Body::from_request(request, state).await.map(|Body(read)| Self::Json(read))
    }
}

fn is_of_type(request: &Request, wanted: &str) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

async fn octets<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|_| Problem::new(problem::MALFORMED, "the body ended before its end"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        if error.is_data() {
            // The text of the error may repeat what was sent, which may be secret: a code in the wrong member.
            let problem = match error.to_string() {
                text if text.starts_with("missing field") || text.starts_with("unknown field") => named(&text),
                _ => "it has another type or form than the schema says".to_owned(),
            };
            Problem::invalid(&path, problem)
        } else {
            Problem::new(problem::MALFORMED, "the body is no JSON")
        }
    })?;
    json.end().map_err(|_| Problem::new(problem::MALFORMED, "something follows the JSON in the body"))?;
    Ok(read)
}

/// The part of serde's message that names fields of ours.
fn named(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("missing field `") {
        return format!("the member {:?} is missing", rest.split('`').next().unwrap_or_default());
    }
    "there is no such member".to_owned()
}

/// Parameters of the query.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(read)) => Ok(Self(read)),
            Err(_) => Err(Problem::new(problem::MALFORMED, "a parameter has another form than the schema says")),
        }
    }
}

/// Refuses a text of the query that is empty or too long.
pub(crate) fn bounded(field: &str, text: Option<&str>, most: usize) -> Result<(), Problem> {
    match text {
        Some(text) if text.is_empty() || text.chars().count() > most => {
            Err(Problem::invalid(field, format!("1 to {most} characters")))
        }
        _ => Ok(()),
    }
}

/// The ICCID in the path. One that cannot be read is one that does not exist.
pub(crate) struct PathIccid(pub(crate) Iccid);

impl<S: Send + Sync> FromRequestParts<S> for PathIccid {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|_| Problem::not_found())
    }
}

/// The number in the path. One that cannot be read is one that does not exist.
pub(crate) struct PathNumber(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for PathNumber {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|_| Problem::not_found())
    }
}

/// The one text in the path. One that cannot be read is one that does not exist.
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        read.map(|Path(text)| Self(text)).map_err(|_| Problem::not_found())
    }
}

/// The answer of a route.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// An answer that is another when it is given again.
pub(crate) fn once<T: Serialize, U: Serialize>(
    status: axum::http::StatusCode,
    first: &T,
    again: &U,
    location: Option<String>,
) -> Response {
    let said = serde_json::to_string(again).unwrap_or_default();
    let mut response = (status, Json(first)).into_response();
    response.extensions_mut().insert(super::gate::SaidAgain(rsp_crypto::Zeroizing::new(said)));
    if let Some(location) = location.and_then(|location| axum::http::HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(axum::http::header::LOCATION, location);
    }
    response
}
