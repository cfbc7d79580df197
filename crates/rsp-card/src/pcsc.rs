//! A card in a PC/SC reader.

use std::ffi::CString;
use std::io;

use pcsc::{Card, Context, MAX_BUFFER_SIZE, Protocol, Protocols, ReaderState, Scope, ShareMode, State};
use rsp_apdu::{CardAccess, CardError, Response, exchange};

use crate::in_process::{close_channel, open_channel};
use crate::readers::{candidates, list, without_le};

/// Why no card of a PC/SC reader can be used. Where there is no card at all, the device cannot have an eSIM, and the
/// messages say so first.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcscError {
    /// pcscd does not run, or does not let us in.
    #[error("eSIM not supported: the PC/SC service cannot be reached, is pcscd running? ({0})")]
    Service(pcsc::Error),
    /// There is no reader.
    #[error("eSIM not supported: there is no PC/SC reader")]
    NoReader,
    /// No reader has this number or this part of a name.
    #[error("no PC/SC reader matches {wanted:?}; there are{}", list(readers))]
    NoMatch {
        /// What was asked for.
        wanted: String,
        /// The names of the readers, in order.
        readers: Vec<String>,
    },
    /// The readers are empty.
    #[error("eSIM not supported: no card in {}", readers.join(" or in "))]
    NoCard {
        /// The names of the readers that were looked at.
        readers: Vec<String>,
    },
    /// Another program has the card.
    #[error("another program is using the card in {reader}")]
    InUse {
        /// The reader's name.
        reader: String,
    },
    /// The card does not answer, or the reader failed.
    #[error("the card in {reader} cannot be used: {source}")]
    Connect {
        /// The reader's name.
        reader: String,
        /// What PC/SC says.
        source: pcsc::Error,
    },
}

/// A terminal over PC/SC, with the card for itself alone until it is dropped: no other program can select something else
/// in between. The card is reset then, so that the next program finds no open channels, and an enabled profile.
pub struct PcscCard {
    card: Card,
    reader: String,
    /// With T=0 a command with data has no Le: the card says 61xx instead.
    t0: bool,
}

impl PcscCard {
    /// Connects to the first card of the readers that `wanted` names: a number in the order of the system, from 0, or a
    /// part of the name. Without it, of all readers.
    ///
    /// # Errors
    /// [`PcscError`], which lists the readers where another choice would help.
    pub fn connect(wanted: Option<&str>) -> Result<Self, PcscError> {
        let context = Context::establish(Scope::User).map_err(PcscError::Service)?;
        let names = match context.list_readers_owned() {
            Ok(names) => names,
            Err(pcsc::Error::NoReadersAvailable) => Vec::new(),
            Err(error) => return Err(PcscError::Service(error)),
        };
        if names.is_empty() {
            return Err(PcscError::NoReader);
        }
        let readers: Vec<String> = names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let chosen = candidates(&readers, wanted);
        if chosen.is_empty() {
            return Err(PcscError::NoMatch { wanted: wanted.unwrap_or_default().to_owned(), readers });
        }
        for &number in &chosen {
            if has_card(&context, &names[number])? {
                return Self::open(&context, &names[number], readers[number].clone());
            }
        }
        Err(PcscError::NoCard { readers: chosen.iter().map(|&number| readers[number].clone()).collect() })
    }

    /// The reader's name.
    pub fn reader(&self) -> &str {
        &self.reader
    }

    fn open(context: &Context, name: &CString, reader: String) -> Result<Self, PcscError> {
        let card = match context.connect(name, ShareMode::Exclusive, Protocols::T0 | Protocols::T1) {
            Ok(card) => card,
            Err(pcsc::Error::SharingViolation) => return Err(PcscError::InUse { reader }),
            Err(source) => return Err(PcscError::Connect { reader, source }),
        };
        match card.status2_owned() {
            Ok(status) => Ok(Self { t0: status.protocol2() == Some(Protocol::T0), card, reader }),
            Err(source) => Err(PcscError::Connect { reader, source }),
        }
    }

    fn raw(&self, apdu: &[u8]) -> Result<Vec<u8>, CardError> {
        let command = if self.t0 { without_le(apdu) } else { apdu };
        let mut buffer = [0; MAX_BUFFER_SIZE];
        match self.card.transmit(command, &mut buffer) {
            Ok(answer) => Ok(answer.to_vec()),
            Err(error) => Err(self.broken(error)),
        }
    }

    /// What it means for the user that a command did not get through.
    fn broken(&self, error: pcsc::Error) -> CardError {
        let (kind, what) = match error {
            pcsc::Error::RemovedCard | pcsc::Error::NoSmartcard => {
                (io::ErrorKind::NotConnected, "the card was taken out of")
            }
            pcsc::Error::ResetCard => (io::ErrorKind::ConnectionReset, "somebody reset the card in"),
            pcsc::Error::UnpoweredCard | pcsc::Error::UnresponsiveCard => {
                (io::ErrorKind::ConnectionAborted, "there is no answer any more from the card in")
            }
            pcsc::Error::ReaderUnavailable | pcsc::Error::UnknownReader => {
                (io::ErrorKind::NotFound, "unplugged was the reader")
            }
            pcsc::Error::NoService | pcsc::Error::ServiceStopped | pcsc::Error::InvalidHandle => {
                (io::ErrorKind::BrokenPipe, "the PC/SC service ended, with it the connection to")
            }
            _ => (io::ErrorKind::Other, "the command did not get through to the card in"),
        };
        CardError::Link { what: format!("{what} {}", self.reader), source: io::Error::new(kind, error) }
    }
}

impl CardAccess for PcscCard {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        open_channel(&mut |apdu| self.raw(apdu), aid)
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        exchange(|apdu| self.raw(apdu), apdu)
    }

    fn close_channel(&mut self, channel: u8) -> Result<(), CardError> {
        close_channel(&mut |apdu| self.raw(apdu), channel)
    }
}

/// Whether a reader has a card now.
fn has_card(context: &Context, reader: &CString) -> Result<bool, PcscError> {
    let mut states = [ReaderState::new(reader.clone(), State::UNAWARE)];
    match context.get_status_change(std::time::Duration::ZERO, &mut states) {
        Ok(()) => Ok(states[0].event_state().contains(State::PRESENT)),
        // Nothing to tell, or unplugged in this moment.
        Err(pcsc::Error::Timeout | pcsc::Error::UnknownReader) => Ok(false),
        Err(error) => Err(PcscError::Service(error)),
    }
}
