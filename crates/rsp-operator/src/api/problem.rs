//! Problem details (RFC 9457): the only place that turns errors into answers of HTTP.
//!
//! What does not exist and what is another tenant's get the same answer, octet by octet.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode as HttpStatus};
use axum::response::{IntoResponse, Response};
use rsp_es::printable::printable;
use rsp_es::status::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Right;
use crate::error::Error;
use crate::provisioning;
use crate::told::{self, told};

/// Media type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Longest detail that is sent, in characters.
const LONGEST_DETAIL: usize = 300;

/// Seconds after which somebody who was not reached may be asked again.
const NOT_REACHED: i64 = 30;

/// What went wrong.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: Box<str>,
    /// What helps, if more is known than the kind says.
    remedy: Option<&'static str>,
    field: Option<Box<str>>,
    /// Subject and reason code.
    codes: Option<Box<(String, String)>>,
    /// Seconds after which it may be tried again.
    retry_after: Option<i64>,
}

/// What went wrong, for programs and for people (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Details {
    /// Names the kind of problem: `urn:openrsp:problem:` and the code.
    #[schema(example = "urn:openrsp:problem:no-network-adapter")]
    r#type: String,
    /// What kind of problem it is.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The last part of the type, for programs that compare.
    #[schema(example = "no-network-adapter")]
    code: &'static str,
    /// What happened here.
    detail: String,
    /// What can be done about it.
    remedy: &'static str,
    /// The member, parameter or header that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// The SM-DP+'s subject code (SGP.22 5.2.6.1), if it was the one who refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "8.2.5", nullable = false)]
    subject_code: Option<String>,
    /// The SM-DP+'s reason code (SGP.22 5.2.6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "3.7", nullable = false)]
    reason_code: Option<String>,
}

/// A kind of problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    code: &'static str,
    status: HttpStatus,
    title: &'static str,
    remedy: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $code:literal, $status:ident, $title:literal, $remedy:expr;)*) => {
        $(pub(crate) const $name: &Kind =
            &Kind { code: $code, status: HttpStatus::$status, title: $title, remedy: $remedy };)*
        #[cfg(test)]
        const KINDS: &[&Kind] = &[$($name),*];
    };
}

kinds! {
    // The caller's fault.
    UNAUTHENTICATED = "unauthenticated", UNAUTHORIZED, "No valid API key",
        "Send Authorization: Bearer and a key that has neither expired nor been revoked.";
    FORBIDDEN = "forbidden", FORBIDDEN, "The key lacks a right",
        "Use a key with this right.";
    NOT_FOUND = "not-found", NOT_FOUND, "There is no such thing",
        "Check the name or number; only what is your own can be seen.";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "This method does not apply here",
        "Use one of the methods in the header Allow.";
    MALFORMED = "malformed", BAD_REQUEST, "The request cannot be read",
        "Compare the request with /docs.";
    INVALID = "invalid-value", UNPROCESSABLE_ENTITY, "A value is not what it should be",
        "Correct the value that the member \"field\" names.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of another type",
        "Send Content-Type: application/json, or another type that the route takes.";
    BODY_TOO_LARGE = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send less at once: the detail says how much goes.";
    BODY_TOO_SLOW = "body-too-slow", REQUEST_TIMEOUT, "The body did not arrive in time",
        "Send the request again.";
    TOO_MANY_REQUESTS = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Wait for as many seconds as the header Retry-After says.";
    EXISTS = "exists", CONFLICT, "It exists already",
        "Choose another name, or use what is there.";
    FULL = "limit-reached", CONFLICT, "There are as many as there may be",
        "Make room, as the detail says.";
    WRONG_STATE = "wrong-state", CONFLICT, "The order is in another state",
        "Look at the state of the eSIM: the answer to GET tells it.";
    KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key belongs to another request",
        "Use a new key for each request, and the same one only to repeat it.";
    KEY_IN_USE = "idempotency-key-in-use", CONFLICT, "The same request is being executed",
        "Wait, and repeat the request with the same key.";
    OUTCOME_UNKNOWN = "outcome-unknown", CONFLICT, "It is not known what became of the request",
        "Look for its effect, an order by GET /api/v1/esims?reference=; use a new key if there is none.";
    // What a server says.
    NO_SUPPLIER = "no-supplier", CONFLICT, "No SM-DP+ is configured for the carrier",
        told::NO_SUPPLIER;
    INSECURE = "not-secure", CONFLICT, "What a secure order demands is not there",
        told::INSECURE;
    UNCERTAIN = "uncertain", BAD_GATEWAY, "The eSIM may have been sold",
        told::UNCERTAIN;
    REFUSED = "refused", CONFLICT, "The SM-DP+ refused",
        told::REFUSED;
    NOTHING_DONE = "nothing-done", SERVICE_UNAVAILABLE, "No SM-DP+ gave an answer, and nothing was done",
        "Try again, with the same Idempotency-Key, after as many seconds as the header Retry-After says.";
    UNREACHABLE = "no-answer", BAD_GATEWAY, "The SM-DP+ gave no answer",
        told::NO_ANSWER;
    NO_NETWORK_ADAPTER = "no-network-adapter", CONFLICT, "No network is connected for this subscriber",
        told::NO_NETWORK_ADAPTER;
    NETWORK = "network", BAD_GATEWAY, "The network did not do it",
        told::NETWORK;
    // Our own.
    BUSY = "busy", SERVICE_UNAVAILABLE, "The server is busy",
        "Try again after as many seconds as the header Retry-After says.";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "The server failed",
        "Try again later; whoever runs the server finds the reason in its log under the X-Request-Id.";
}

impl Problem {
    /// A problem of a kind, with what happened here. The text may hold words of strangers.
    pub(crate) fn new(kind: &'static Kind, detail: impl AsRef<str>) -> Self {
        let detail = printable(detail.as_ref(), LONGEST_DETAIL).into();
        Self { kind, detail, remedy: None, field: None, codes: None, retry_after: None }
    }

    /// Nothing that the caller may see.
    pub(crate) fn not_found() -> Self {
        Self::new(NOT_FOUND, "there is no such thing here")
    }

    /// A value that is not what it should be.
    pub(crate) fn invalid(field: &str, problem: impl AsRef<str>) -> Self {
        Self { field: Some(printable(field, LONGEST_DETAIL).into()), ..Self::new(INVALID, problem) }
    }

    /// The same of a part of the request, such as `records[3]`.
    pub(crate) fn within(self, part: &str) -> Self {
        let field = match self.field.as_deref() {
            Some(field) => format!("{part}.{field}"),
            None => part.to_owned(),
        };
        Self { field: Some(field.into()), ..self }
    }

    /// The same of another member, for those who know it by another name.
    pub(crate) fn named(self, field: &str) -> Self {
        Self { field: self.field.map(|_| field.into()), ..self }
    }

    /// Too many requests, or a busy server: try again after so many seconds.
    pub(crate) fn later(kind: &'static Kind, detail: &str, seconds: i64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..Self::new(kind, detail) }
    }

    /// The caller lacks a right.
    pub(crate) fn forbidden(right: Right) -> Self {
        Self::new(FORBIDDEN, format!("the right \"{right}\" is needed"))
    }

    /// What an SM-DP+ refused, with its codes.
    fn refused(status: &StatusCode) -> Self {
        Self {
            remedy: Some(told::remedy_of(status)),
            codes: Some(Box::new((status.subject.as_str().to_owned(), status.reason.as_str().to_owned()))),
            ..Self::new(REFUSED, status.to_string())
        }
    }

    /// A failure that is nobody's business outside; the log has it.
    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(INTERNAL, "the reason stands in the log of the server")
    }

    /// What is sent.
    fn details(&self) -> Details {
        let (subject_code, reason_code) = self.codes.as_deref().cloned().unzip();
        Details {
            r#type: format!("urn:openrsp:problem:{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            code: self.kind.code,
            detail: self.detail.to_string(),
            remedy: self.remedy.unwrap_or(self.kind.remedy),
            field: self.field.as_deref().map(str::to_owned),
            subject_code,
            reason_code,
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        match error {
            Error::Forbidden(right) => Self::forbidden(*right),
            Error::NotFound { .. } => Self::not_found(),
            Error::Invalid { field, problem } => Self::invalid(field, problem),
            Error::Exists { .. } => Self::new(EXISTS, error.to_string()),
            Error::Full { .. } => Self::new(FULL, error.to_string()),
            Error::WrongState { .. } => Self::new(WRONG_STATE, error.to_string()),
            Error::Provisioning(cause) => {
                let what = told(error).what;
                match cause.telling() {
                    provisioning::Error::Refused { status, .. } => Self::refused(status),
                    provisioning::Error::Insecure { .. } => Self::new(INSECURE, what),
                    provisioning::Error::Uncertain { .. } => Self::new(UNCERTAIN, what),
                    provisioning::Error::Unreachable { .. } => Self::later(NOTHING_DONE, &what, NOT_REACHED),
                    provisioning::Error::Unanswered { .. } => Self::new(UNREACHABLE, what),
                    provisioning::Error::Untraced => Self::internal(cause),
                    provisioning::Error::NoSupplier | provisioning::Error::None(_) => Self::new(NO_SUPPLIER, what),
                }
            }
            Error::Refused(status) => Self::refused(status),
            Error::Unreachable(_) => Self::later(NOTHING_DONE, &told(error).what, NOT_REACHED),
            Error::Unrecorded { .. } => Self::new(UNCERTAIN, told(error).what),
            Error::NoNetworkAdapter => Self::new(NO_NETWORK_ADAPTER, told(error).what),
            Error::Network(_) => Self::new(NETWORK, told(error).what),
            Error::Busy => Self::later(BUSY, "more is asked for at once than is computed", 1),
            Error::Smdp(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Crypto(error) => Self::internal(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            // Written where they become a problem.
            Error::Store(_) | Error::Smdp(_) | Error::Crypto(_) => {}
            Error::Provisioning(provisioning::Error::Untraced) => {}
            error => told::log(error),
        }
        Self::from(&error)
    }
}

impl From<&rsp_smdp::Error> for Problem {
    fn from(error: &rsp_smdp::Error) -> Self {
        let status = StatusCode::from(error);
        match error {
            rsp_smdp::Error::Store(error) => error.into(),
            _ if status.is(&StatusCode::FUNCTION_EXECUTION_ERROR) => Self::internal(error),
            _ => Self::refused(&status),
        }
    }
}

impl From<&rsp_store::Error> for Problem {
    fn from(error: &rsp_store::Error) -> Self {
        match error {
            rsp_store::Error::Busy => Self::later(BUSY, "the database is busy", 1),
            rsp_store::Error::Duplicate { what } => Self::new(EXISTS, format!("this {what} exists already")),
            _ => Self::internal(error),
        }
    }
}

impl From<rsp_store::Error> for Problem {
    fn from(error: rsp_store::Error) -> Self {
        Self::from(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.kind.status, self.retry_after);
        let mut response = (status, Json(self.details())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == HttpStatus::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"OpenRSP\""));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Nothing has this path.
pub(crate) async fn no_route() -> Problem {
    Problem::not_found()
}

/// The path does not know this method; axum adds the header Allow.
pub(crate) async fn no_method() -> Problem {
    Problem::new(METHOD_NOT_ALLOWED, "the path knows other methods")
}

/// A bug of ours: the answer says no more than that.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    Problem::new(INTERNAL, "the reason stands in the log of the server").into_response()
}

#[cfg(test)]
mod tests {
    use rsp_es::status::StatusCode;
    use serde_json::Value;

    use super::{KINDS, Problem};
    use crate::error::Error;

    fn json(error: Error) -> Value {
        serde_json::to_value(Problem::from(error).details()).unwrap()
    }

    #[test]
    fn kinds_have_names_of_their_own_and_a_remedy() {
        let mut codes: Vec<_> = KINDS.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), KINDS.len());
        assert!(KINDS.iter().all(|kind| kind.remedy.ends_with('.') && kind.status.as_u16() >= 400));
    }

    #[test]
    fn what_is_not_there_and_what_is_anothers_are_told_alike() {
        let one = json(Error::not_found("eSIM", "8988247000000000001"));
        let other = json(Error::not_found("plan", "gold"));
        assert_eq!(one, other);
    }

    #[test]
    fn a_refusal_carries_the_codes_and_the_remedy_of_the_standard() {
        let refused = json(Error::Refused(StatusCode::PROFILE_TYPE_UNAVAILABLE));
        assert_eq!(refused["code"], "refused");
        assert_eq!((&refused["subject_code"], &refused["reason_code"]), (&"8.2.5".into(), &"3.7".into()));
        assert_eq!(refused["remedy"], StatusCode::PROFILE_TYPE_UNAVAILABLE.explanation().unwrap().remedy);
        assert_eq!(refused["type"], "urn:openrsp:problem:refused");
    }

    #[test]
    fn words_of_strangers_are_shown_safely_and_those_of_servers_far_away_not_at_all() {
        let hostile = StatusCode::MATCHING_ID_REFUSED.with_message("\u{202e}\u{1b}[2Jx".repeat(100));
        let detail = json(Error::Refused(hostile))["detail"].as_str().unwrap().to_owned();
        assert!(!detail.chars().any(rsp_es::printable::is_deceptive) && detail.chars().count() <= 301, "{detail}");
        let unreachable = json(Error::Unreachable("https://10.0.0.1:8443 refused".to_owned())).to_string();
        assert!(!unreachable.contains("10.0.0.1"));
    }

    #[test]
    fn what_was_sold_and_not_noted_is_never_told_as_undone() {
        let source = Box::new(Error::Store(rsp_store::Error::Busy));
        let iccid = "8988247000000000001".parse().unwrap();
        let problem = json(Error::Unrecorded { supplier: "own".to_owned(), iccid, source });
        assert_eq!((&problem["code"], &problem["status"]), (&"uncertain".into(), &502.into()));
        assert!(problem["detail"].as_str().unwrap().contains("8988247000000000001"));
    }

    #[test]
    fn without_a_network_the_problem_says_so() {
        let problem = json(Error::NoNetworkAdapter);
        assert_eq!(problem["code"], "no-network-adapter");
        // It is the same for a subscriber who is not the tenant's.
        assert_eq!(problem["detail"], "no network adapter is configured for this subscriber");
        let remedy = problem["remedy"].as_str().unwrap();
        assert!(remedy.contains("[operator.network]") && remedy.contains("--imsi-prefix"), "{remedy}");
    }
}
