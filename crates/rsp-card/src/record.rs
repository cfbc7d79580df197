//! Recording what passes between a terminal and a card, as `rsp_apdu::dialogue` writes it.

use std::io::Write;

use rsp_apdu::dialogue::Step;
use rsp_apdu::{Card, CardAccess, CardError, Response};

/// Writes steps as they happen. A recording that cannot be written must not change what the card does: the failure is
/// kept, and the owner asks for it.
struct Log<W> {
    writer: W,
    failure: Option<std::io::Error>,
}

impl<W: Write> Log<W> {
    fn write(&mut self, step: &Step) {
        if self.failure.is_none() {
            self.failure = write!(self.writer, "{step}").and_then(|()| self.writer.flush()).err();
        }
    }
}

/// A card whose dialogue is written down, GET RESPONSE and all.
pub struct RecordingCard<C, W> {
    card: C,
    log: Log<W>,
}

impl<C: Card, W: Write> RecordingCard<C, W> {
    /// Records `card` to `writer`.
    pub fn new(card: C, writer: W) -> Self {
        Self { card, log: Log { writer, failure: None } }
    }

    /// The card itself.
    pub fn card(&self) -> &C {
        &self.card
    }

    /// Why the recording stopped, if it did; asking clears it.
    pub fn take_failure(&mut self) -> Option<std::io::Error> {
        self.log.failure.take()
    }
}

impl<C: Card, W: Write> Card for RecordingCard<C, W> {
    fn power_on(&mut self) -> Vec<u8> {
        let atr = self.card.power_on();
        self.log.write(&Step::PowerOn(atr.clone()));
        atr
    }

    fn reset(&mut self) -> Vec<u8> {
        let atr = self.card.reset();
        self.log.write(&Step::Reset(atr.clone()));
        atr
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.card.transmit(command);
        self.log.write(&Step::Apdu { command: command.to_vec(), answer: answer.clone() });
        answer
    }
}

/// A terminal whose use is written down: whole answers, without the GET RESPONSE commands that brought them.
pub struct RecordingAccess<A, W> {
    access: A,
    log: Log<W>,
}

impl<A: CardAccess, W: Write> RecordingAccess<A, W> {
    /// Records `access` to `writer`.
    pub fn new(access: A, writer: W) -> Self {
        Self { access, log: Log { writer, failure: None } }
    }

    /// Why the recording stopped, if it did; asking clears it.
    pub fn take_failure(&mut self) -> Option<std::io::Error> {
        self.log.failure.take()
    }
}

impl<A: CardAccess, W: Write + Send> CardAccess for RecordingAccess<A, W> {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        let opened = self.access.open_channel(aid);
        self.log.write(&Step::OpenChannel { aid: aid.to_vec(), channel: opened.as_ref().ok().copied() });
        opened
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        let response = self.access.transmit(apdu)?;
        self.log.write(&Step::Apdu { command: apdu.to_vec(), answer: response.to_bytes() });
        Ok(response)
    }

    fn close_channel(&mut self, channel: u8) -> Result<(), CardError> {
        self.access.close_channel(channel)?;
        self.log.write(&Step::CloseChannel(channel));
        Ok(())
    }
}
