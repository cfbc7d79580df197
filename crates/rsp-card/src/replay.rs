//! A recorded dialogue that plays the card.

use rsp_apdu::dialogue::{DialogueError, Step, parse};
use rsp_apdu::{Card, CardAccess, CardError, Response, StatusWord, exchange};

/// Answers what was recorded as long as exactly the recorded commands come; any other command is refused by name.
pub struct Replay {
    steps: Vec<Step>,
    next: usize,
    deviation: Option<(usize, String, String)>,
}

impl Replay {
    /// Replays a dialogue from its text.
    ///
    /// # Errors
    /// The line of the text that is not of the format.
    pub fn new(text: &str) -> Result<Self, DialogueError> {
        Ok(Self { steps: parse(text)?, next: 0, deviation: None })
    }

    /// Whether every step was played.
    pub fn is_finished(&self) -> bool {
        self.next == self.steps.len() && self.deviation.is_none()
    }

    /// The first command that was not the recorded one, if any.
    pub fn deviation(&self) -> Option<CardError> {
        let (step, expected, got) = self.deviation.clone()?;
        Some(CardError::Deviation { step, expected, got })
    }

    /// Plays the next step when `matches` finds its answer in it, and refuses what was `got` otherwise, now and ever after.
    fn play<T>(&mut self, got: String, matches: impl FnOnce(&Step) -> Option<T>) -> Result<T, CardError> {
        if let Some(deviation) = self.deviation() {
            return Err(deviation);
        }
        let step = self.steps.get(self.next);
        if let Some(answer) = step.and_then(matches) {
            self.next += 1;
            return Ok(answer);
        }
        let expected = step.map_or_else(|| "the end".to_owned(), describe);
        self.deviation = Some((self.next + 1, expected.clone(), got.clone()));
        Err(CardError::Deviation { step: self.next + 1, expected, got })
    }

    fn raw(&mut self, apdu: &[u8]) -> Result<Vec<u8>, CardError> {
        self.play(hex::encode_upper(apdu), |step| match step {
            Step::Apdu { command, answer } if command == apdu => Some(answer.clone()),
            _ => None,
        })
    }
}

/// What a terminal does in this step, without the card's answer.
fn describe(step: &Step) -> String {
    match step {
        Step::PowerOn(_) => "power-on".into(),
        Step::Reset(_) => "reset".into(),
        Step::OpenChannel { aid, .. } => format!("open-channel {}", hex::encode_upper(aid)),
        Step::CloseChannel(channel) => format!("close-channel {channel:02X}"),
        Step::Apdu { command, .. } => hex::encode_upper(command),
    }
}

/// As a chip, a deviation is answered with 6F00 and kept for [`Replay::deviation`].
impl Card for Replay {
    fn power_on(&mut self) -> Vec<u8> {
        let atr = self.play("power-on".into(), |step| match step {
            Step::PowerOn(atr) => Some(atr.clone()),
            _ => None,
        });
        atr.unwrap_or_default()
    }

    fn reset(&mut self) -> Vec<u8> {
        let atr = self.play("reset".into(), |step| match step {
            Step::Reset(atr) => Some(atr.clone()),
            _ => None,
        });
        atr.unwrap_or_default()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.raw(command).unwrap_or_else(|_| StatusWord::NO_DIAGNOSIS.to_bytes().to_vec())
    }
}

/// As a terminal, it plays what [`crate::RecordingAccess`] wrote, and plain APDU recordings too.
impl CardAccess for Replay {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        let got = format!("open-channel {}", hex::encode_upper(aid));
        let channel = self.play(got, |step| match step {
            Step::OpenChannel { aid: recorded, channel } if recorded == aid => Some(*channel),
            _ => None,
        })?;
        channel.ok_or(CardError::Backend { what: "open-channel", reason: Some("it was refused when recorded".into()) })
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        exchange(|apdu| self.raw(apdu), apdu)
    }

    fn close_channel(&mut self, channel: u8) -> Result<(), CardError> {
        self.play(format!("close-channel {channel:02X}"), |step| match step {
            Step::CloseChannel(recorded) if *recorded == channel => Some(()),
            _ => None,
        })
    }
}
