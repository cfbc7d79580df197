//! The two sides of the contact: the chip and the terminal.

use crate::{CardError, Command, Response, get_response};

/// The most data that one command may bring back through GET RESPONSE, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// The most follow-up commands that one command may need.
const MAX_FOLLOW_UPS: usize = 8192;

/// A chip: what is on the card's side of the contacts. 61xx and 6Cxx are its own answers.
pub trait Card {
    /// Power on (cold reset): everything volatile is gone. The answer is the ATR.
    fn power_on(&mut self) -> Vec<u8>;

    /// Warm reset. The answer is the ATR.
    fn reset(&mut self) -> Vec<u8>;

    /// One command in, one answer out: data, possibly none, and two bytes of status word. Never fails, whatever comes in.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;
}

impl<C: Card + ?Sized> Card for Box<C> {
    fn power_on(&mut self) -> Vec<u8> {
        (**self).power_on()
    }

    fn reset(&mut self) -> Vec<u8> {
        (**self).reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        (**self).transmit(command)
    }
}

/// A terminal: what lets a program talk to a chip.
pub trait CardAccess: Send {
    /// Opens a logical channel and selects the application `aid` on it.
    ///
    /// # Errors
    /// [`CardError::NoApplication`] when the card does not have it (the channel is closed again); otherwise what broke.
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError>;

    /// Sends one command on the channel that its class byte names. 61xx is followed by GET RESPONSE and 6Cxx by the same
    /// command with the right Le, so that the answer is whole.
    ///
    /// # Errors
    /// What broke on the way; a status word that refuses is not an error here.
    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError>;

    /// Closes a logical channel.
    ///
    /// # Errors
    /// [`CardError::Refused`] when it was not open; otherwise what broke.
    fn close_channel(&mut self, channel: u8) -> Result<(), CardError>;
}

impl<A: CardAccess + ?Sized> CardAccess for Box<A> {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        (**self).open_channel(aid)
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        (**self).transmit(apdu)
    }

    fn close_channel(&mut self, channel: u8) -> Result<(), CardError> {
        (**self).close_channel(channel)
    }
}

/// Sends one command through `raw` and resolves 61xx and 6Cxx (ISO/IEC 7816-4 7.6.1, ETSI TS 102 221 7.3.1.1), staying on
/// the channel of the command.
///
/// # Errors
/// Those of `raw`; [`CardError::InvalidCommand`] before anything is sent; [`CardError::EndlessAnswer`].
pub fn exchange(mut raw: impl FnMut(&[u8]) -> Result<Vec<u8>, CardError>, apdu: &[u8]) -> Result<Response, CardError> {
    let mut command = Command::parse(apdu)?;
    let mut answer = Response::from_bytes(&raw(apdu)?)?;
    let mut data = Vec::new();
    let mut corrected = false;
    for _ in 0..MAX_FOLLOW_UPS {
        match answer.sw.sw1() {
            0x61 => {
                data.append(&mut answer.data);
                let next = get_response(command.class.channel, answer.sw.sw2())
                    .expect("invariant: a parsed class has a channel of at most 19");
                command = Command::parse(&next)?;
                corrected = false;
                answer = Response::from_bytes(&raw(&next)?)?;
            }
            0x6C if !corrected => {
                // Once per command: a card that names a second length for it would be asked for ever.
                corrected = true;
                command.le = Some(if answer.sw.sw2() == 0 { 256 } else { u16::from(answer.sw.sw2()) });
                answer = Response::from_bytes(&raw(&command.to_bytes()?)?)?;
            }
            _ => {
                data.append(&mut answer.data);
                return Ok(Response { data, sw: answer.sw });
            }
        }
        if data.len() > MAX_ANSWER {
            break;
        }
    }
    Err(CardError::EndlessAnswer { length: data.len() })
}
