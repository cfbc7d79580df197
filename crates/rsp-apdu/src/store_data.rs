//! STORE DATA as ES10 uses it (SGP.22 5.7.2, GlobalPlatform Card Specification 11.11): one request in blocks.

use crate::{CardAccess, CardError, Class, Command, StatusWord};

/// INS of STORE DATA.
pub const INS: u8 = 0xE2;
/// P1 of a block that others follow.
pub const MORE: u8 = 0x11;
/// P1 of the last block.
pub const LAST: u8 = 0x91;
/// P1 of the last block when no answer data is wanted (the case-3 form of Enable and Delete).
pub const LAST_WITHOUT_ANSWER: u8 = 0x90;
/// P1 of a block that others follow, in the case-3 form.
const MORE_WITHOUT_ANSWER: u8 = 0x10;

/// Cuts `data` into STORE DATA commands of `block` bytes, P2 counting from 00.
///
/// # Errors
/// [`CardError::ChainTooLong`] when more than 256 blocks would be needed or `block` is not 1 to 255;
/// [`CardError::Protocol`] for a channel above 19.
pub fn commands(channel: u8, data: &[u8], block: usize) -> Result<Vec<Vec<u8>>, CardError> {
    let class =
        Class::proprietary(channel).ok_or_else(|| CardError::Protocol(format!("there is no channel {channel}")))?;
    let too_long = || CardError::ChainTooLong { length: data.len(), block };
    if !(1..=255).contains(&block) || data.is_empty() {
        return Err(too_long());
    }
    let count = data.len().div_ceil(block);
    data.chunks(block)
        .enumerate()
        .map(|(number, chunk)| {
            let p1 = if number + 1 == count { LAST } else { MORE };
            let p2 = u8::try_from(number).map_err(|_| too_long())?;
            Ok(Command::new(class, INS, p1, p2).with_data(chunk).to_bytes()?)
        })
        .collect()
}

/// Sends one request in blocks and brings back the whole answer.
///
/// # Errors
/// [`CardError::Refused`] with the number of the refused block; [`CardError::ChainTooLong`]; what broke on the way.
pub fn send(access: &mut dyn CardAccess, channel: u8, data: &[u8], block: usize) -> Result<Vec<u8>, CardError> {
    let commands = commands(channel, data, block)?;
    let count = commands.len();
    let mut answer = Vec::new();
    for (number, command) in commands.iter().enumerate() {
        let mut response = access.transmit(command)?;
        if !response.sw.is_success() {
            let tag = hex::encode_upper(&data[..data.len().min(2)]);
            let what = format!("STORE DATA block {} of {count} of the request {tag}…", number + 1);
            return Err(CardError::Refused { what, sw: response.sw });
        }
        answer.append(&mut response.data);
    }
    Ok(answer)
}

/// Puts the blocks of a request together again, on the card's side; one per logical channel.
#[derive(Debug, Default)]
pub struct Assembler {
    buffer: Vec<u8>,
    /// The block number that must come next; 0 when no chain is open.
    next: u16,
}

/// What a block led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// The chain is not complete: answer 9000.
    More,
    /// The request is complete.
    Complete {
        /// All blocks joined.
        request: Vec<u8>,
        /// Whether the terminal can take answer data (P1 = 91, not 90).
        wants_answer: bool,
    },
}

impl Assembler {
    /// The longest request that is assembled, in bytes: more than any ES10 request or BPP segment needs.
    pub const CAPACITY: usize = 32 * 1024;

    /// Takes the next block. A block 00 starts a new request and drops what was there, since a terminal that lost its way
    /// begins again; a wrong block drops the chain as well.
    ///
    /// # Errors
    /// The status word to answer: 6A86 for a P1 or block number out of place, 6A84 when the request gets too long.
    pub fn push(&mut self, p1: u8, p2: u8, data: &[u8]) -> Result<Progress, StatusWord> {
        if p2 == 0 {
            self.clear();
        }
        if !matches!(p1, MORE | LAST | LAST_WITHOUT_ANSWER | MORE_WITHOUT_ANSWER) || u16::from(p2) != self.next {
            self.clear();
            return Err(StatusWord::WRONG_P1_P2);
        }
        if self.buffer.len() + data.len() > Self::CAPACITY {
            self.clear();
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        self.buffer.extend_from_slice(data);
        self.next += 1;
        if p1 & 0x80 == 0 {
            return Ok(Progress::More);
        }
        let request = std::mem::take(&mut self.buffer);
        self.clear();
        Ok(Progress::Complete { request, wants_answer: p1 & 0x01 != 0 })
    }

    /// Forgets an open chain, as SELECT and reset do.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.next = 0;
    }
}
