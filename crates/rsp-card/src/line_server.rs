//! A card offered to another program, line by line.

use std::io::{self, BufRead, Write};

use rsp_apdu::{Card, CardError};
use serde_json::Value;

use crate::in_process::{close_channel, open_channel};
use crate::line_message::{Answer, Envelope, MAX_LINE, Request};
use crate::lines::{Line, read_line};

/// Answers requests until the input ends. Every `connect` is a power-on; objects of the types `progress` and `lpa`, which
/// lpac writes to the same stream, are skipped; whatever else is not understood is answered with `ecode` -1 and a reason.
///
/// # Errors
/// Only those of reading and writing.
pub fn serve(card: &mut dyn Card, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut session = Session { card, connected: false };
    while let Some(line) = read_line(&mut input, MAX_LINE)? {
        let answer = match line {
            Line::TooLong => Some(Answer::failed(format!("a line of more than {MAX_LINE} bytes"))),
            Line::Text(text) => session.answer(&text),
        };
        if let Some(answer) = answer {
            let mut text = serde_json::to_vec(&Envelope::apdu(answer))?;
            text.push(b'\n');
            output.write_all(&text)?;
            output.flush()?;
        }
    }
    Ok(())
}

struct Session<'a> {
    card: &'a mut dyn Card,
    connected: bool,
}

impl Session<'_> {
    /// The answer to one line; none for what wants none.
    fn answer(&mut self, line: &[u8]) -> Option<Answer> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        let envelope: Envelope<Value> = match serde_json::from_slice(line) {
            Ok(envelope) => envelope,
            Err(error) => return Some(Answer::failed(format!("not an object with a type: {error}"))),
        };
        match envelope.kind.as_str() {
            "apdu" => {}
            "progress" | "lpa" => return None,
            other => return Some(Answer::failed(format!("objects of the type {other:?} are not served here"))),
        }
        Some(match serde_json::from_value::<Request>(envelope.payload) {
            Ok(request) => self.perform(&request).unwrap_or_else(Answer::failed),
            Err(error) => Answer::failed(format!("not a request: {error}")),
        })
    }

    fn perform(&mut self, request: &Request) -> Result<Answer, String> {
        let param = match &request.param {
            Some(text) => hex::decode(text).map_err(|error| format!("param is not hexadecimal: {error}"))?,
            None => Vec::new(),
        };
        match request.func.as_str() {
            "connect" => {
                self.card.power_on();
                self.connected = true;
                return Ok(Answer::code(0));
            }
            "disconnect" => {
                self.connected = false;
                return Ok(Answer::code(0));
            }
            _ if !self.connected => return Err(format!("{} before connect", request.func)),
            _ => {}
        }
        let mut raw = |apdu: &[u8]| Ok::<_, CardError>(self.card.transmit(apdu));
        match (request.func.as_str(), param.as_slice()) {
            ("logic_channel_open", aid) => {
                open_channel(&mut raw, aid).map(|n| Answer::code(i64::from(n))).map_err(|e| e.to_string())
            }
            ("logic_channel_close", &[channel]) => {
                close_channel(&mut raw, channel).map(|()| Answer::code(0)).map_err(|e| e.to_string())
            }
            ("logic_channel_close", _) => Err("param of logic_channel_close is one byte".into()),
            ("transmit", []) => Err("transmit without a command".into()),
            ("transmit", apdu) => Ok(Answer::data(&self.card.transmit(apdu))),
            (other, _) => Err(format!("no function {other:?}")),
        }
    }
}
