//! What the LPA's commands say: steps as they happen, results, and failures with cause and remedy.

use std::fmt;
use std::time::Instant;

use rsp_lpa::{Blame, Cancelled, Delivery, Error, Events, Interface, Step};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};

/// Tells steps as they happen: one JSON object a line on standard output, or text on standard error.
pub(super) struct Reporter {
    json: bool,
    steps: bool,
    number: usize,
    es10c_bytes: u64,
    begun: Instant,
    started: Instant,
}

impl Reporter {
    /// Tells nothing until [`telling_steps`](Self::telling_steps).
    pub(super) fn new(json: bool) -> Self {
        let now = Instant::now();
        Self { json, steps: false, number: 0, es10c_bytes: 0, begun: now, started: now }
    }

    /// Tells each step.
    pub(super) fn telling_steps(self) -> Self {
        Self { steps: true, ..self }
    }

    /// What the functions that manage profiles moved so far, in bytes of commands and responses.
    pub(super) fn es10c_bytes(&self) -> u64 {
        self.es10c_bytes
    }

    /// Milliseconds since the reporter was made.
    pub(super) fn total_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Events for Reporter {
    fn started(&mut self, _: Step) {
        self.started = Instant::now();
    }

    fn finished(&mut self, step: Step, bytes: u64, ok: bool) {
        if step.interface() == Interface::Es10c {
            self.es10c_bytes += bytes;
        }
        if !self.steps {
            return;
        }
        self.number += 1;
        let ms = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let (name, interface) = (step.name(), step.interface().to_string());
        if self.json {
            println!(
                "{}",
                json!({"step": name, "n": self.number, "interface": interface, "ms": ms, "bytes": bytes, "ok": ok})
            );
        } else {
            let outcome = if ok { "" } else { "  failed" };
            eprintln!("{:3}  {interface:5}  {name:26} {bytes:7} bytes {ms:10.3} ms{outcome}", self.number);
        }
    }
}

/// A procedure that failed, on its way up to [`finish`].
#[derive(Debug)]
struct Procedure(Error);

impl fmt::Display for Procedure {
    /// Step, code, cause and remedy in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        write!(f, "{error}")?;
        if let Some(explanation) = error.status().and_then(|status| status.explanation()) {
            write!(f, "\n  meaning: {}", explanation.meaning)?;
        }
        write!(f, "\n  remedy: {}", error.remedy())?;
        match error.cancelled.as_deref() {
            None => Ok(()),
            Some(Cancelled { reason, failure: None }) => write!(f, "\n  the session was cancelled: {reason}"),
            Some(Cancelled { failure: Some(failure), .. }) => {
                write!(f, "\n  the session could not be cancelled: {failure}")
            }
        }
    }
}

impl std::error::Error for Procedure {}

/// An error of the LPA as an error of its command.
pub(super) fn failure(error: Error) -> anyhow::Error {
    anyhow::Error::new(Procedure(error))
}

/// Gives an error its exit code, and the members that `--json` prints of it.
pub(super) fn finish(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<Procedure>() {
        Some(Procedure(cause)) => Failure::detailed(exit(cause), &error, details(cause)),
        None => error,
    }
}

/// What is known of an error.
pub(super) fn details(error: &Error) -> Map<String, Value> {
    let status = error.status();
    let explanation = status.and_then(|status| status.explanation());
    let cancelled = error.cancelled.as_ref().map(|cancelled| {
        json!({ "reason": cancelled.reason.name(), "error": cancelled.failure.as_ref().map(Error::to_string) })
    });
    let members = [
        ("step", json!(error.step.name())),
        ("interface", json!(error.step.interface().to_string())),
        ("error", json!(error.to_string())),
        ("subject", json!(status.map(|status| status.subject.as_str()))),
        ("reason", json!(status.map(|status| status.reason.as_str()))),
        ("meaning", json!(explanation.map(|explanation| explanation.meaning))),
        ("remedy", json!(error.remedy())),
        ("cancelled", json!(cancelled)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How a command ends that failed with this error.
pub(super) fn exit(error: &Error) -> Exit {
    match error.blame() {
        Blame::Input => Exit::Input,
        Blame::Card => Exit::Card,
        Blame::Network => Exit::Network,
        Blame::Server if error.status().is_some() => Exit::Refused,
        Blame::Server => Exit::Input,
        Blame::Decision => Exit::Failed,
    }
}

/// What became of notifications, as JSON.
pub(super) fn delivery(delivery: &Delivery) -> Value {
    let kept = delivery.kept.iter().map(|(notification, error)| {
        json!({
            "seq_number": notification.seq_number,
            "address": notification.notification_address,
            "error": error.as_ref().map(Error::to_string),
            "remedy": error.as_ref().map(Error::remedy),
        })
    });
    json!({
        "sent": delivery.sent.iter().map(|notification| notification.seq_number).collect::<Vec<_>>(),
        "kept": kept.collect::<Vec<_>>(),
    })
}
