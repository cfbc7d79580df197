//! What the run says: a line for each step, as text or as one JSON object.

use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

/// Steps as they end. The first that fails is the last.
pub(super) struct Steps {
    json: bool,
    count: usize,
    started: Instant,
}

impl Steps {
    pub(super) fn new(json: bool) -> Self {
        Self { json, count: 0, started: Instant::now() }
    }

    /// Does one step and says what came of it.
    pub(super) fn step<T>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> anyhow::Result<(T, String)>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        self.count += 1;
        let done = step();
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match &done {
            Ok((_, outcome)) => outcome.clone(),
            Err(error) => format!("{error:#}"),
        };
        let (n, ok) = (self.count, done.is_ok());
        match self.json {
            true => println!("{}", json!({"step": name, "n": n, "ms": ms, "ok": ok, "outcome": outcome})),
            false => println!("{n:>3}  {name:<20} {:<6} {ms:>6} ms  {outcome}", if ok { "ok" } else { "FAILED" }),
        }
        done.map(|(value, _)| value).with_context(|| format!("step {name}"))
    }

    /// The last line of a run in which every step held.
    pub(super) fn finish(&self) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match self.json {
            true => println!("{}", json!({"result": "ok", "steps": self.count, "total_ms": ms})),
            false => println!("all {} steps hold, {ms} ms: the network knows its subscribers", self.count),
        }
    }
}
