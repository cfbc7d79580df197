//! APDU dialogues as text: `>` a command, `<` its answer, `!` an event, `#` a comment; spaces between bytes are allowed.
//!
//! ```text
//! ! power-on 3B9F96803FC7828031E073FE211F57AA78
//! > 00A4040010A0000005591010FFFFFFFF890000010000
//! < 6121
//! ```

use std::fmt;

/// One step of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The card was powered on; the bytes are its ATR.
    PowerOn(Vec<u8>),
    /// The card was reset; the bytes are its ATR.
    Reset(Vec<u8>),
    /// A channel was opened through a terminal that hides the APDUs of it.
    OpenChannel {
        /// The application selected.
        aid: Vec<u8>,
        /// The channel, or nothing when it was refused.
        channel: Option<u8>,
    },
    /// A channel was closed through a terminal that hides the APDUs of it.
    CloseChannel(u8),
    /// One command and its answer, status word included.
    Apdu {
        /// As sent.
        command: Vec<u8>,
        /// As received.
        answer: Vec<u8>,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerOn(atr) => writeln!(f, "! power-on {}", hex::encode_upper(atr)),
            Self::Reset(atr) => writeln!(f, "! reset {}", hex::encode_upper(atr)),
            Self::OpenChannel { aid, channel: Some(channel) } => {
                writeln!(f, "! open-channel {} {channel:02X}", hex::encode_upper(aid))
            }
            Self::OpenChannel { aid, channel: None } => {
                writeln!(f, "! open-channel {} refused", hex::encode_upper(aid))
            }
            Self::CloseChannel(channel) => writeln!(f, "! close-channel {channel:02X}"),
            Self::Apdu { command, answer } => {
                writeln!(f, "> {}\n< {}", hex::encode_upper(command), hex::encode_upper(answer))
            }
        }
    }
}

/// Why a text is not a dialogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct DialogueError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Reads a dialogue.
///
/// # Errors
/// The line that is not of the format, or stands out of order.
pub fn parse(text: &str) -> Result<Vec<Step>, DialogueError> {
    let mut steps = Vec::new();
    let mut pending: Option<Vec<u8>> = None;
    for (index, line) in text.lines().enumerate() {
        let error = |problem| DialogueError { line: index + 1, problem };
        let line = line.trim();
        let (mark, rest) = match line.chars().next() {
            None | Some('#') => continue,
            Some(mark) => (mark, &line[mark.len_utf8()..]),
        };
        if pending.is_some() && mark != '<' {
            return Err(error("a command is not answered"));
        }
        match mark {
            '>' => pending = Some(bytes(rest).ok_or_else(|| error("not hexadecimal"))?),
            '<' => {
                let command = pending.take().ok_or_else(|| error("an answer without a command"))?;
                let answer = bytes(rest).ok_or_else(|| error("not hexadecimal"))?;
                steps.push(Step::Apdu { command, answer });
            }
            '!' => steps.push(event(rest).ok_or_else(|| error("an unknown event"))?),
            _ => return Err(error("a line begins with > < ! or #")),
        }
    }
    match pending {
        Some(_) => Err(DialogueError { line: text.lines().count(), problem: "the last command is not answered" }),
        None => Ok(steps),
    }
}

fn event(text: &str) -> Option<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(match *words {
        ["power-on", atr] => Step::PowerOn(bytes(atr)?),
        ["reset", atr] => Step::Reset(bytes(atr)?),
        ["open-channel", aid, "refused"] => Step::OpenChannel { aid: bytes(aid)?, channel: None },
        ["open-channel", aid, channel] => {
            Step::OpenChannel { aid: bytes(aid)?, channel: Some(u8::from_str_radix(channel, 16).ok()?) }
        }
        ["close-channel", channel] => Step::CloseChannel(u8::from_str_radix(channel, 16).ok()?),
        _ => return None,
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_whitespace().collect();
    hex::decode(digits).ok()
}
