//! What every request passes before its route: who asks, how often, with what body, and whether it did so before.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode as HttpStatus};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rsp_crypto::{RandomnessExt as _, Zeroizing, hash};
use rsp_es::server::Caller;
use rsp_smdp::{Clock, SharedRandomness};
use rsp_store::{Claimed, Datastore, IdempotentRequest};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::limits::{Buckets, Left, Limits, WINDOW};
use super::problem::{self, Problem};
use crate::actor::{Actor, Right};
use crate::callers::Network;
use crate::keys::Keys;
use crate::service::Service;

/// Largest request body, in octets.
const LARGEST_BODY: usize = 64 * 1024;

/// Largest body of the routes that take lists, in octets.
const LARGEST_LIST: usize = 2 * 1024 * 1024;

/// These.
const LISTS: [&str; 2] = ["/api/v1/batches", "/api/v1/usage"];

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Names a request in the log and in the answer.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// Makes a repetition harmless.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Says that an answer was given before.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// Longest Idempotency-Key, in characters.
const LONGEST_KEY: usize = 128;

/// Seconds for which answers are remembered: a day.
const REMEMBERED: i64 = 86_400;

/// Seconds in which a request that has no answer, and is not executed here, may be executed by a process that is about to
/// end. Afterwards the server stopped over it. Orders take no longer.
const EXECUTED_WITHIN: i64 = 300;

/// Who is let in.
pub(crate) struct Gate {
    keys: Arc<Keys>,
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    requests: Buckets<String>,
    failures: Buckets<Network>,
    running: Running,
}

/// The requests that are being executed here, by tenant and key, each with the SHA-256 of what it asks for.
type Running = Arc<Mutex<HashMap<(String, String), [u8; 32]>>>;

/// One of them, for as long as it is there.
struct Execution {
    running: Running,
    name: (String, String),
}

impl Execution {
    /// Begins it; or else what the one before it with the same key asks for.
    fn begin(running: &Running, once: &IdempotentRequest) -> Result<Self, [u8; 32]> {
        let name = (once.operator.clone(), once.key.clone());
        match running.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()) {
            Entry::Occupied(other) => Err(*other.get()),
            Entry::Vacant(place) => {
                place.insert(once.request);
                Ok(Self { running: Arc::clone(running), name })
            }
        }
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// What an answer says instead when it is given again: without what is told once.
#[derive(Clone)]
pub(crate) struct SaidAgain(pub(crate) Zeroizing<String>);

impl Gate {
    pub(crate) fn new(service: &Service, limits: Limits) -> Self {
        Self {
            keys: Arc::clone(&service.keys),
            store: Arc::clone(service.desk.store()),
            clock: Arc::clone(service.desk.clock()),
            randomness: service.desk.randomness(),
            requests: Buckets::new(limits.requests),
            failures: Buckets::new(limits.failures),
            running: Running::default(),
        }
    }

    /// Whose key the request carries.
    async fn actor_of(&self, headers: &HeaderMap, address: Option<IpAddr>) -> Result<Actor, Problem> {
        let unauthenticated = || Problem::new(problem::UNAUTHENTICATED, "this is open to those who have a key");
        let presented = bearer(headers).ok_or_else(unauthenticated)?;
        let (now, address) = (self.clock.now(), address.map(Network::of));
        if let Some(actor) = self.keys.authenticate_again(presented, now).await? {
            return Ok(actor);
        }
        // Taken before the key is looked at, so that many at once are counted, too.
        if let Some(left) = address.map(|address| self.failures.take(address, now)).filter(|left| !left.allowed) {
            let detail = "too many wrong keys came from this address";
            return Err(Problem::later(problem::TOO_MANY_REQUESTS, detail, left.seconds));
        }
        let found = self.keys.authenticate(presented, now).await;
        if !matches!(found, Ok(None))
            && let Some(address) = address
        {
            self.failures.give_back(&address);
        }
        found?.ok_or_else(unauthenticated)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Names the request, and sets what every answer carries.
pub(crate) async fn name_request(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let id = hex::encode(gate.randomness.clone().bytes::<8>());
    // The route, not the path: somebody may have put a secret there.
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned()).unwrap_or_default();
    let span = tracing::info_span!("api", id);
    let mut response = { next.run(request).instrument(span.clone()).await };
    span.in_scope(|| tracing::debug!(%method, route, status = response.status().as_u16(), "answered"));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Lets in who has a key, as often as the key allows.
pub(crate) async fn authenticate(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<Caller>().and_then(|caller| caller.address);
    let actor = match gate.actor_of(request.headers(), address).await {
        Ok(actor) => actor,
        Err(problem) => return problem.into_response(),
    };
    let left = gate.requests.take(actor.name().to_owned(), gate.clock.now());
    let mut response = if left.allowed {
        request.extensions_mut().insert(actor);
        next.run(request).await
    } else {
        Problem::later(problem::TOO_MANY_REQUESTS, "the quota of this key is used up", left.seconds).into_response()
    };
    announce(&mut response, gate.requests.quota(), left);
    response
}

/// The quota and what is left of it, as draft-ietf-httpapi-ratelimit-headers has them.
fn announce(response: &mut Response, quota: u64, left: Left) {
    let fields = [
        ("ratelimit-policy", format!("\"key\";q={quota};w={WINDOW}")),
        ("ratelimit", format!("\"key\";r={};t={}", left.remaining, left.seconds)),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// Refuses who lacks a right, before anything of the request is read.
pub(crate) async fn require(State(right): State<Right>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Actor>() {
        Some(actor) if actor.rights().has(right) => next.run(request).await,
        _ => Problem::forbidden(right).into_response(),
    }
}

/// Receives the body, whole and not too large, and executes what changes something to its end, once for each key.
pub(crate) async fn receive(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let is_list = head.extensions.get::<MatchedPath>().is_some_and(|route| LISTS.contains(&route.as_str()));
    let body = match collect(body, if is_list { LARGEST_LIST } else { LARGEST_BODY }).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let once = match idempotent(&head, &body) {
        Ok(once) => once,
        Err(problem) => return problem.into_response(),
    };
    let request = Request::from_parts(head, Body::from(body));
    // In a task of its own: a caller that goes away does not leave a change half done.
    let executed = async move {
        match once {
            Some(once) => gate.execute_once(once, request, next).await,
            None => next.run(request).await,
        }
    };
    // What it writes to the log is found by its X-Request-Id.
    let done = tokio::spawn(executed.in_current_span());
    done.await.unwrap_or_else(|_| problem::panicked(Box::new(())))
}

async fn collect(body: Body, largest: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(problem::BODY_TOO_LARGE, format!("it has more than {largest} octets"));
    // From Content-Length: what is announced as too long is not waited for.
    if body.size_hint().lower() > largest as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, largest).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(problem::MALFORMED, "the body ended before its end")),
        Err(_) => Err(Problem::new(problem::BODY_TOO_SLOW, "the body took too long")),
    }
}

/// What is to be executed once, if the request says so.
fn idempotent(head: &axum::http::request::Parts, body: &[u8]) -> Result<Option<IdempotentRequest>, Problem> {
    if head.method != Method::POST {
        return Ok(None);
    }
    let Some(key) = head.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let fits = |key: &&str| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = key.to_str().ok().filter(fits);
    let actor = head.extensions.get::<Actor>();
    let (Some(key), Some(actor), Some(operator)) = (key, actor, actor.and_then(Actor::tenant)) else {
        let problem = format!("a key has 1 to {LONGEST_KEY} printable characters of ASCII, without blanks");
        return Err(Problem::invalid("Idempotency-Key", problem));
    };
    let uri = head.uri.path_and_query().map(|uri| uri.as_str()).unwrap_or_default();
    let parts = [head.method.as_str().as_bytes(), uri.as_bytes(), body];
    let digests: Vec<_> = parts.into_iter().flat_map(hash::sha256).collect();
    let request = hash::sha256(&digests);
    // Of this API key: another one of the tenant may lack the right to what is answered.
    let key = format!("{}: {key}", actor.name());
    Ok(Some(IdempotentRequest { operator: operator.to_owned(), key, request }))
}

/// An answer as it is remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    status: u16,
    content_type: Option<String>,
    location: Option<String>,
    body: String,
}

impl Gate {
    async fn execute_once(&self, once: IdempotentRequest, request: Request, next: Next) -> Response {
        // However long it takes: as long as it is executed here, nobody is told that its outcome is not known.
        let _execution = match Execution::begin(&self.running, &once) {
            Ok(execution) => execution,
            Err(other) if other == once.request => return in_use(),
            Err(_) => return reused(),
        };
        let (now, wanted) = (self.clock.now(), once.clone());
        let claimed = self.store.run_tx("claim request", move |tx| {
            tx.forget_requests(now.plus_seconds(-REMEMBERED))?;
            tx.claim_request(&wanted, now)
        });
        let claim = match claimed.await {
            Ok(Claimed::New(claim)) => claim,
            Ok(Claimed::Answered(answer)) => return said_again(&answer),
            Ok(Claimed::Begun { at }) if now <= at.plus_seconds(EXECUTED_WITHIN) => {
                return in_use();
            }
            Ok(Claimed::Begun { .. }) => {
                let detail = "the server stopped while it executed the request";
                return Problem::new(problem::OUTCOME_UNKNOWN, detail).into_response();
            }
            Ok(Claimed::Other) => return reused(),
            Err(error) => return Problem::from(error).into_response(),
        };
        let response = next.run(request).await;
        let status = response.status();
        // What was refused did nothing, and may be right another time. What failed may have done something.
        if status.is_client_error() || status == HttpStatus::SERVICE_UNAVAILABLE {
            self.forget(once, claim).await;
            return response;
        }
        let (mut head, body) = response.into_parts();
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return problem::panicked(Box::new(()));
        };
        let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let said = head.extensions.remove::<SaidAgain>();
        let said = said.map_or_else(|| Zeroizing::new(String::from_utf8_lossy(&body).into_owned()), |said| said.0);
        let remembered = Remembered {
            status: status.as_u16(),
            content_type: text(CONTENT_TYPE),
            location: text(LOCATION),
            body: said.to_string(),
        };
        let answer = Zeroizing::new(serde_json::to_vec(&remembered).unwrap_or_default());
        drop(Zeroizing::new(remembered.body));
        let kept = self.store.run_tx("answer request", move |tx| tx.answer_request(&once, &claim, &answer)).await;
        if let Err(error) = kept {
            tracing::error!(%error, "an answer is not remembered");
        }
        Response::from_parts(head, Body::from(body))
    }

    async fn forget(&self, once: IdempotentRequest, claim: [u8; 16]) {
        if let Err(error) = self.store.run_tx("forget request", move |tx| tx.forget_request(&once, &claim)).await {
            tracing::error!(%error, "a request is not forgotten");
        }
    }
}

fn in_use() -> Response {
    Problem::later(problem::KEY_IN_USE, "the first one has not been answered yet", 1).into_response()
}

fn reused() -> Response {
    Problem::new(problem::KEY_REUSED, "another method, path or body came with this key").into_response()
}

fn said_again(answer: &[u8]) -> Response {
    let Ok(remembered) = serde_json::from_slice::<Remembered>(answer) else {
        return Problem::new(problem::OUTCOME_UNKNOWN, "the answer cannot be read any more").into_response();
    };
    let mut response = Response::new(Body::from(remembered.body));
    *response.status_mut() = HttpStatus::from_u16(remembered.status).unwrap_or(HttpStatus::OK);
    let headers = response.headers_mut();
    for (name, value) in [(CONTENT_TYPE, remembered.content_type), (LOCATION, remembered.location)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(HeaderName::from_static(REPLAYED), HeaderValue::from_static("true"));
    response
}
