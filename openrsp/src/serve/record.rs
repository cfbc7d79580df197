//! Recording of a server's sessions, so that a test can replay them: one JSON object per line in `transcript.jsonl`, in
//! the order in which things happened: `{"now"}`, `{"draw"}`, `{"request","path"}`, `{"response","status"}`. A request that
//! did not come over ES9+ says over which `"interface"` it came: paths of ES9+ are those of ES11, too.
//!
//! A recording holds one-time keys, MatchingIDs, the confirmation codes that come over ES2+, and the certificates of eUICCs:
//! with it, the packages in it can be opened.
//! Its file is its owner's alone.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use rsp_asn1::Timestamp;
use rsp_crypto::Randomness;
use rsp_smdp::Clock;
use serde_json::{Value, json};

use crate::system::{create_private, create_private_dir, now};

/// Far above any message: a recording need not protect itself.
const MAX_BODY: usize = 16 << 20;

/// The transcript, shared by everything that writes to it.
#[derive(Clone)]
pub(super) struct Recorder {
    file: Arc<Mutex<File>>,
    /// Whose request is being answered: what is drawn meanwhile is for that one.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Recorder {
    /// Begins a new transcript in `dir`.
    pub(super) fn create(dir: &Path) -> anyhow::Result<Self> {
        create_private_dir(dir)?;
        let file = create_private(&dir.join("transcript.jsonl"))?;
        Ok(Self { file: Arc::new(Mutex::new(file)), turn: Arc::default() })
    }

    /// The machine's clock, noted.
    pub(super) fn clock(&self) -> RecordedClock {
        RecordedClock(self.clone())
    }

    /// A source of randomness, noted.
    pub(super) fn randomness<R: Randomness>(&self, source: R) -> RecordedRandomness<R> {
        RecordedRandomness { source, recorder: self.clone() }
    }

    fn note(&self, line: &Value) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            tracing::error!(%error, "the recording is incomplete");
        }
    }
}

/// A clock that notes what it says.
pub(super) struct RecordedClock(Recorder);

impl Clock for RecordedClock {
    fn now(&self) -> Timestamp {
        let now = now();
        self.0.note(&json!({ "now": now.0 }));
        now
    }
}

/// Randomness that notes what it gives.
pub(super) struct RecordedRandomness<R> {
    source: R,
    recorder: Recorder,
}

impl<R: Randomness> Randomness for RecordedRandomness<R> {
    fn fill(&mut self, buffer: &mut [u8]) {
        self.source.fill(buffer);
        self.recorder.note(&json!({ "draw": hex::encode(buffer) }));
    }
}

/// Notes request and response as they pass, one after the other.
pub(super) async fn messages(
    State((recorder, interface)): State<(Recorder, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    // What cannot be read whole reaches the handler as an empty body, and is refused there.
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    // An order on ES2+ may call this very server on ES12 before it is answered.
    let _turn = if interface == "es2plus" { None } else { Some(recorder.turn.lock().await) };
    let text = String::from_utf8_lossy(&body);
    let mut line = json!({ "request": text, "path": parts.uri.path() });
    if interface != "es9plus" {
        line["interface"] = interface.into();
    }
    recorder.note(&line);
    let response = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    recorder.note(&json!({ "response": String::from_utf8_lossy(&body), "status": parts.status.as_u16() }));
    Response::from_parts(parts, Body::from(body))
}
