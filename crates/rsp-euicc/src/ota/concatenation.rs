//! Puts a command packet together that came in several short messages (3GPP TS 23.040 9.2.3.24.1, 3GPP TS 31.115 4.2).

use super::envelope::{Part, ShortMessage};

/// The message that is being received. Another one takes its place: nothing of it is authenticated yet, so nothing of it
/// may hold up others.
#[derive(Default)]
pub(crate) struct Concatenation {
    origin: Vec<u8>,
    reference: u16,
    is_command_packet: bool,
    parts: Vec<Option<Vec<u8>>>,
}

impl Concatenation {
    /// Takes a message in. Gives back a whole command packet, or `None` while there is none.
    pub(crate) fn take(&mut self, message: &ShortMessage<'_>) -> Option<Vec<u8>> {
        let Some(part) = message.part else {
            return message.is_command_packet.then(|| message.data.to_vec());
        };
        if part.number == 0 || part.number > part.total {
            return None;
        }
        if !self.is_of(message.origin, part) {
            *self = Self {
                origin: message.origin.to_vec(),
                reference: part.reference,
                is_command_packet: false,
                parts: vec![None; part.total.into()],
            };
        }
        // The first message alone says what they are together.
        self.is_command_packet |= part.number == 1 && message.is_command_packet;
        if let Some(place) = self.parts.get_mut(usize::from(part.number) - 1) {
            *place = Some(message.data.to_vec());
        }
        if self.parts.iter().any(Option::is_none) {
            return None;
        }
        let whole = std::mem::take(self);
        whole.is_command_packet.then(|| whole.parts.into_iter().flatten().flatten().collect())
    }

    fn is_of(&self, origin: &[u8], part: Part) -> bool {
        self.origin == origin && self.reference == part.reference && self.parts.len() == usize::from(part.total)
    }
}
