//! Network access applications of the enabled profile: the commands of ETSI TS 102 221 and 3GPP TS 31.102 and 31.103.
//!
//! A [`Session`] is the state of one logical channel. Whatever lasts is in the [`ProfileContents`] that it works on.

pub mod aka;
mod authenticate;
pub mod codes;
mod data_objects;
pub mod ecies;
mod files;
mod identity;
pub mod milenage;
mod pin_commands;
mod remote;
mod search;
mod select;
pub mod sequence;
pub mod suci;
pub mod test_algorithm;
pub mod tuak;

use rsp_apdu::{Command, Response, SecureMessaging, StatusWord};
use rsp_crypto::{Randomness, RandomnessExt};

use self::data_objects::Transfer;
use crate::fs::NodeId;
use crate::interpreter::ProfileContents;
pub(crate) use remote::RemoteAccess;

/// What is selected on one logical channel.
#[derive(Debug, Clone)]
pub struct Session {
    df: NodeId,
    ef: Option<NodeId>,
    application: Option<NodeId>,
    record: usize,
    /// A data object that is being transferred in blocks.
    transfer: Option<Transfer>,
    /// Of a session over the air: what it may do without any code.
    remote: Option<RemoteAccess>,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// All data and the status word; cutting it for GET RESPONSE is the card's business.
    pub response: Response,
    /// Whether the profile changed and must be stored before the answer goes out.
    pub changed: bool,
}

/// Data and whether the profile changed, or the status word of a refusal and whether the profile changed.
type Executed = Result<(Vec<u8>, StatusWord, bool), (StatusWord, bool)>;

/// Data with 9000, nothing changed.
fn done(data: Vec<u8>) -> Executed {
    Ok((data, StatusWord::OK, false))
}

/// 9000 without data, the profile changed.
fn stored() -> Executed {
    Ok((Vec::new(), StatusWord::OK, true))
}

/// A refusal that changed nothing.
fn refused<T>(sw: StatusWord) -> Result<T, (StatusWord, bool)> {
    Err((sw, false))
}

impl Default for Session {
    fn default() -> Self {
        Self { df: NodeId::MF, ef: None, application: None, record: 0, transfer: None, remote: None }
    }
}

impl Session {
    /// A channel with the MF selected, as after a reset or MANAGE CHANNEL.
    pub fn new() -> Self {
        Self::default()
    }

    /// A channel opened from this one, which inherits what is selected (ETSI TS 102 221 11.1.17).
    pub fn inherited(&self) -> Self {
        Self { transfer: None, ..self.clone() }
    }

    /// AID of the application that is active on this channel.
    pub fn application_aid<'a>(&self, contents: &'a ProfileContents) -> Option<&'a [u8]> {
        contents.files().df(self.application?)?.aid.as_deref()
    }

    /// Carries out one command. MANAGE CHANNEL, GET RESPONSE and toolkit commands are the card's, not the application's.
    pub fn process(&mut self, contents: &mut ProfileContents, command: &Command, rng: &mut dyn Randomness) -> Answer {
        let (ef, record) = (self.ef, self.record);
        match self.execute(contents, command, rng) {
            Ok((data, sw, changed)) => Answer { response: Response { data, sw }, changed },
            Err((sw, changed)) => {
                // A short identifier in a command that fails selects nothing.
                (self.ef, self.record) = (ef, record);
                Answer { response: Response::status(sw), changed }
            }
        }
    }

    fn execute(&mut self, contents: &mut ProfileContents, command: &Command, rng: &mut dyn Randomness) -> Executed {
        if command.class.secure_messaging != SecureMessaging::None {
            return refused(StatusWord::SECURE_MESSAGING_NOT_SUPPORTED);
        }
        if command.class.chaining {
            return refused(StatusWord::CHAINING_NOT_SUPPORTED);
        }
        // Any command that is not the next block ends a transfer.
        let under_way = self.transfer.take();
        match (command.class.proprietary, command.ins) {
            (false, 0xA4) => self.select(contents, command),
            (true, 0xF2) => self.status(contents, command),
            (false, 0xB0) => self.read_binary(contents, command),
            (false, 0xD6) => self.update_binary(contents, command),
            (false, 0xB2) => self.read_record(contents, command),
            (false, 0xDC) => self.update_record(contents, command),
            (false, 0xA2) => self.search_record(contents, command),
            (true, 0x32) => self.increase(contents, command),
            (true, 0xCB) => self.retrieve_data(contents, command, under_way),
            (true, 0xDB) => self.set_data(contents, command, under_way),
            (false, 0x04) => self.set_activated(contents, command, false),
            (false, 0x44) => self.set_activated(contents, command, true),
            (false, 0x20) => self.verify_pin(contents, command),
            (false, 0x24) => self.change_pin(contents, command),
            (false, 0x26) => self.set_pin_enabled(contents, command, false),
            (false, 0x28) => self.set_pin_enabled(contents, command, true),
            (false, 0x2C) => self.unblock_pin(contents, command),
            (false, 0x88) => self.authenticate(contents, command),
            (true, 0x78) => self.get_identity(contents, command, rng),
            (false, 0x84) => get_challenge(command, rng),
            (_, 0xA2 | 0xA4 | 0xF2 | 0xB0 | 0xD6 | 0xB2 | 0xDC | 0x32 | 0x04 | 0x44 | 0xCB | 0xDB) => {
                refused(StatusWord::CLASS_NOT_SUPPORTED)
            }
            (_, 0x20 | 0x24 | 0x26 | 0x28 | 0x2C | 0x78 | 0x84 | 0x88 | 0x10 | 0xAA) => {
                refused(StatusWord::CLASS_NOT_SUPPORTED)
            }
            _ => refused(StatusWord::INSTRUCTION_NOT_SUPPORTED),
        }
    }
}

/// GET CHALLENGE (ISO/IEC 7816-4 11.5.3).
fn get_challenge(command: &Command, rng: &mut dyn Randomness) -> Executed {
    if (command.p1, command.p2) != (0, 0) {
        return refused(StatusWord::WRONG_P1_P2);
    }
    let challenge: [u8; 8] = rng.bytes();
    cut(challenge.to_vec(), command)
}

/// An answer whose length the terminal must know: another Le than that (or 256, "whatever there is") gets 6Cxx, and so does
/// a command with neither data nor Le, which T=0 sends with a length of zero. More than 256 bytes cannot be answered to a
/// command without data, for which there is no GET RESPONSE.
fn cut(data: Vec<u8>, command: &Command) -> Executed {
    if data.len() > 256 && command.data.is_empty() {
        return refused(StatusWord::WRONG_LENGTH);
    }
    match command.le {
        Some(256) => done(data),
        // GET RESPONSE asks for the length.
        None if !command.data.is_empty() || data.is_empty() => done(data),
        Some(le) if usize::from(le) == data.len() => done(data),
        // 256 bytes are written as 00.
        _ => refused(StatusWord::wrong_le(u8::try_from(data.len()).unwrap_or(0))),
    }
}
