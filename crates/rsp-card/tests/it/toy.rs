//! A toy chip: one application, an echo, and answers by GET RESPONSE.

use rsp_apdu::{Card, Command, Response, StatusWord};

/// The toy's only application.
pub(crate) const AID: [u8; 5] = [0xA0, 0, 0, 0, 1];

#[derive(Default)]
pub(crate) struct Toy {
    pub(crate) power_ons: usize,
    open: bool,
    pending: Vec<u8>,
}

impl Card for Toy {
    fn power_on(&mut self) -> Vec<u8> {
        *self = Self { power_ons: self.power_ons + 1, ..Self::default() };
        vec![0x3B, 0x00]
    }

    fn reset(&mut self) -> Vec<u8> {
        vec![0x3B, 0x01]
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let command = match Command::parse(command) {
            Ok(command) => command,
            Err(error) => return error.status_word().to_bytes().to_vec(),
        };
        let response = match (command.ins, command.p1) {
            (0x70, 0x00) if !self.open => {
                self.open = true;
                Response::ok(vec![1])
            }
            (0x70, 0x80) if self.open => {
                self.open = false;
                StatusWord::OK.into()
            }
            (0x70, _) => StatusWord::FUNCTION_NOT_SUPPORTED.into(),
            (0xA4, 0x04) if command.data == AID => StatusWord::OK.into(),
            (0xA4, _) => StatusWord::NOT_FOUND.into(),
            (0xE2, _) => {
                self.pending = command.data;
                StatusWord::more_data(self.pending.len()).into()
            }
            (0xC0, _) if command.le.map(usize::from) == Some(self.pending.len()) => {
                Response::ok(std::mem::take(&mut self.pending))
            }
            (0xC0, _) => StatusWord::wrong_le(self.pending.len() as u8).into(),
            _ => StatusWord::INSTRUCTION_NOT_SUPPORTED.into(),
        };
        response.to_bytes()
    }
}
