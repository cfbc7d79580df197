//! What the demo shows: numbered steps as they end, as text or as one JSON object a line.

use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::exit::Exit;

/// The interface on which a step happens.
#[derive(Clone, Copy)]
pub(super) enum Interface {
    Local,
    Es10c,
    Apdu,
}

impl Interface {
    fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Es10c => "ES10c",
            Self::Apdu => "APDU",
        }
    }
}

/// The steps so far and the one that is going on.
pub(super) struct Timeline {
    json: bool,
    started: Instant,
    count: usize,
    current: Step,
}

struct Step {
    name: String,
    interface: String,
    started: Instant,
}

impl Timeline {
    pub(super) fn new(json: bool) -> Self {
        let now = Instant::now();
        let current = Step { name: "Start".to_owned(), interface: "local".to_owned(), started: now };
        let timeline = Self { json, started: now, count: 0, current };
        if !json {
            println!("{:>3}  {:<28} {:<7} {:>9} {:>9}", "", "step", "on", "bytes", "ms");
        }
        timeline
    }

    /// From here on this is the step that a failure is about.
    pub(super) fn begin(&mut self, name: &str, interface: Interface) {
        self.current = Step { name: name.to_owned(), interface: interface.name().to_owned(), started: Instant::now() };
    }

    /// The current step is done; `bytes` is what it moved.
    pub(super) fn end(&mut self, bytes: usize) {
        let ms = self.current.started.elapsed().as_secs_f64() * 1000.0;
        self.print(bytes as u64, ms);
    }

    /// Takes over a step that the LPA reports.
    pub(super) fn relay(&mut self, line: &Value) {
        let Some(name) = line["step"].as_str() else { return };
        self.current = Step {
            name: name.to_owned(),
            interface: line["interface"].as_str().unwrap_or("local").to_owned(),
            started: Instant::now(),
        };
        // A failure's last line names its step again, and has no `ok`.
        if line["ok"] == true {
            self.print(line["bytes"].as_u64().unwrap_or(0), line["ms"].as_f64().unwrap_or(0.0));
        }
    }

    /// Shows the activation code and the QR code that a phone would scan.
    pub(super) fn show_code(&self, code: &str) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        let qr = qrcode::QrCode::new(code.as_bytes()).context("the activation code does not fit a QR code")?;
        let image = qr.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build();
        println!("\n{image}\n     {code}\n");
        Ok(())
    }

    pub(super) fn total_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub(super) fn finish(&self, summary: &Value) {
        if self.json {
            println!("{summary}");
            return;
        }
        let field = |name: &str| summary[name].as_str().unwrap_or_default().to_owned();
        println!("\nThe network knows its subscriber: {} authenticated.", field("imsi"));
        println!("eUICC {}, profile {}, {} ms in all.", field("eid"), field("iccid"), summary["total_ms"]);
    }

    pub(super) fn fail(&self, error: &anyhow::Error, exit: Exit) {
        if self.json {
            let (step, error) = (&self.current.name, format!("{error:#}"));
            println!("{}", json!({"result": "failed", "step": step, "error": error, "exit": exit as u8}));
        } else {
            eprintln!("error: step {} failed: {error:#}", self.current.name);
        }
    }

    fn print(&mut self, bytes: u64, ms: f64) {
        self.count += 1;
        let Step { name, interface, .. } = &self.current;
        if self.json {
            let ms = (ms * 1000.0).round() / 1000.0;
            let n = self.count;
            println!("{}", json!({"step": name, "n": n, "interface": interface, "ms": ms, "bytes": bytes, "ok": true}));
        } else {
            println!("{:>3}  {name:<28} {interface:<7} {bytes:>9} {ms:>9.1}", self.count);
        }
    }
}
