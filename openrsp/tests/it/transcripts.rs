//! Recorded runs with foreign programs, replayed byte for byte: with the recorded randomness and clock, our bytes must be
//! the recorded ones.
//!
//! The transcripts in `tests/transcripts` were written by the conformance runner (`--record`); docs/interoperability.md
//! says with which programs.

mod card;
mod lpa;
mod seen;
mod server;

use std::collections::VecDeque;
use std::path::Path;

use rsp_asn1::Timestamp;
use rsp_crypto::Randomness;
use serde_json::Value;

/// An unmodified lpac over stdio and HTTPS.
const LPAC: &str = "lpac-2.3.0.r454.8f68d5c";
/// Its release 2.2.1.
const LPAC_RELEASED: &str = "lpac-2.2.1";
/// The first once more, with the eUICC in a PC/SC reader, which other PC/SC programs looked at as well.
const LPAC_PCSC: &str = "lpac-pcsc-2.3.0.r454.8f68d5c";
/// An unmodified osmo-smdpp, for our LPA and eUICC.
const OSMO_SMDPP: &str = "osmo-smdpp-597f1e0";

/// A file of a transcript.
fn read(transcript: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(transcript).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a transcript says of itself.
struct Header(Value);

impl Header {
    fn of(transcript: &str) -> Self {
        Self(serde_json::from_str(&read(transcript, "header.json")).unwrap())
    }

    fn text(&self, member: &str) -> String {
        self.0[member].as_str().unwrap_or_else(|| panic!("no {member}")).to_owned()
    }

    fn clock(&self) -> Timestamp {
        Timestamp(self.0["clock"].as_i64().unwrap())
    }
}

/// The draws of a recording, in order. One that was not recorded is all zeros: what follows from it deviates.
#[derive(Clone)]
struct Draws(VecDeque<Vec<u8>>);

impl Randomness for Draws {
    fn fill(&mut self, buffer: &mut [u8]) {
        match self.0.pop_front() {
            Some(draw) if draw.len() == buffer.len() => buffer.copy_from_slice(&draw),
            _ => buffer.fill(0),
        }
    }
}

/// Changes one bit of a byte in the middle.
fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}
