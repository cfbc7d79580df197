//! Recorded conversations: kept as lines of JSON, played back byte for byte.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::transport::{HttpRequest, HttpResponse, HttpTransport, TransportError};
use crate::asn1;

/// One POST and its answer. Bodies of the ASN.1 binding stand in base64, all others as the text that they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The URL.
    pub url: String,
    /// The body of the request.
    pub request: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub response: String,
}

/// A line of a transcript that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the transcript: {problem}")]
pub struct MalformedTranscript {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Exchange {
    /// Reads a transcript: one JSON object a line; empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is no exchange.
    pub fn parse_lines(transcript: &str) -> Result<Vec<Self>, MalformedTranscript> {
        let lines =
            transcript.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        lines
            .map(|(index, line)| {
                serde_json::from_str(line)
                    .map_err(|error| MalformedTranscript { line: index + 1, problem: error.to_string() })
            })
            .collect()
    }

    /// Writes a transcript.
    pub fn to_lines(exchanges: &[Self]) -> String {
        let lines = exchanges.iter().filter_map(|exchange| serde_json::to_string(exchange).ok());
        lines.map(|line| line + "\n").collect()
    }
}

/// A request that is not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "request {number} deviates from the recording in its {part} at byte {position}: recorded {expected:?}, sent {found:?}"
)]
pub struct Deviation {
    /// Which request, from 1.
    pub number: usize,
    /// URL, body, or end of the recording.
    pub part: &'static str,
    /// First byte that differs, from 0.
    pub position: usize,
    /// What was recorded there.
    pub expected: String,
    /// What was sent.
    pub found: String,
}

/// Answers from a recording, and refuses any request that is not the recorded one.
pub struct RecordedTransport {
    state: Mutex<(usize, VecDeque<Exchange>)>,
}

impl RecordedTransport {
    /// Plays these exchanges, in this order.
    pub fn new(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        Self { state: Mutex::new((0, exchanges.into_iter().collect())) }
    }

    /// How many exchanges have not been asked for yet.
    pub fn remaining(&self) -> usize {
        lock(&self.state).1.len()
    }
}

#[async_trait]
impl HttpTransport for RecordedTransport {
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let mut state = lock(&self.state);
        state.0 += 1;
        let number = state.0;
        let url = url(&request);
        let Some(exchange) = state.1.pop_front() else {
            let end = Deviation { number, part: "existence", position: 0, expected: String::new(), found: url };
            return Err(end.into());
        };
        compare(number, "URL", exchange.url.as_bytes(), url.as_bytes())?;
        if request.content_type != asn1::CONTENT_TYPE {
            compare(number, "body", exchange.request.as_bytes(), &request.body)?;
            return Ok(HttpResponse { status: exchange.status, body: exchange.response.into_bytes() });
        }
        // What is no base64 was recorded in another binding, and so deviates.
        let decoded = |text: String| STANDARD.decode(&text).unwrap_or_else(|_| text.into_bytes());
        compare(number, "body", &decoded(exchange.request), &request.body)?;
        Ok(HttpResponse { status: exchange.status, body: decoded(exchange.response) })
    }
}

/// Passes everything on and keeps a copy.
pub struct Recorder {
    inner: Arc<dyn HttpTransport>,
    exchanges: Mutex<Vec<Exchange>>,
    sink: Mutex<Option<Box<dyn Write + Send>>>,
}

impl Recorder {
    /// Records what goes over `inner`.
    pub fn new(inner: Arc<dyn HttpTransport>) -> Self {
        Self { inner, exchanges: Mutex::default(), sink: Mutex::new(None) }
    }

    /// Writes each exchange to `sink`, too, as soon as it is over: a line of a transcript.
    #[must_use]
    pub fn with_sink(self, sink: impl Write + Send + 'static) -> Self {
        Self { sink: Mutex::new(Some(Box::new(sink))), ..self }
    }

    /// What was recorded so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.exchanges).clone()
    }

    fn keep(&self, exchange: Exchange) {
        if let Some(sink) = lock(&self.sink).as_mut() {
            let line = Exchange::to_lines(std::slice::from_ref(&exchange));
            // A recording that cannot be written must not change what is recorded.
            if let Err(error) = sink.write_all(line.as_bytes()).and_then(|()| sink.flush()) {
                tracing::warn!(%error, "the recording is incomplete");
            }
        }
        lock(&self.exchanges).push(exchange);
    }
}

#[async_trait]
impl HttpTransport for Recorder {
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let written = match request.content_type {
            asn1::CONTENT_TYPE => |body: &[u8]| STANDARD.encode(body),
            _ => text,
        };
        let (url, body) = (url(&request), written(&request.body));
        let response = self.inner.post(request).await?;
        let exchange = Exchange { url, request: body, status: response.status, response: written(&response.body) };
        self.keep(exchange);
        Ok(response)
    }
}

fn url(request: &HttpRequest<'_>) -> String {
    format!("{}{}", request.origin, request.path)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking test left behind is still a list of exchanges.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn compare(number: usize, part: &'static str, expected: &[u8], found: &[u8]) -> Result<(), Deviation> {
    if expected == found {
        return Ok(());
    }
    let common = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let excerpt = |bytes: &[u8]| text(&bytes[common..bytes.len().min(common + 32)]);
    Err(Deviation { number, part, position: common, expected: excerpt(expected), found: excerpt(found) })
}
