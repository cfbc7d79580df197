//! What can go wrong between a terminal and a card, sorted by whose fault it is.

use crate::{ParseError, StatusWord};

/// Why a card could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The caller's fault: these bytes are not a command.
    #[error("not a command: {0}")]
    InvalidCommand(#[from] ParseError),
    /// The caller's fault: the data does not fit one STORE DATA chain of 256 blocks, or the block size is not 1 to 255.
    #[error("{length} bytes do not fit one STORE DATA chain with blocks of {block} bytes")]
    ChainTooLong {
        /// Bytes to send.
        length: usize,
        /// Bytes per block.
        block: usize,
    },
    /// The way to the card broke: a process, a socket, a reader.
    #[error("{what}: {source}")]
    Link {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program or device that leads to the card answered something that its protocol does not know.
    #[error("the card's side answered out of protocol: {0}")]
    Protocol(String),
    /// The program or device that leads to the card refused; it gives no status word.
    #[error("{what} was refused by the card's side{}", reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default())]
    Backend {
        /// What was being done.
        what: &'static str,
        /// The reason, when one was given.
        reason: Option<String>,
    },
    /// The card answered less than a status word.
    #[error("the card answered {length} bytes, which is not even a status word")]
    ShortAnswer {
        /// Bytes received.
        length: usize,
    },
    /// The card keeps announcing data (61xx, 6Cxx) without end.
    #[error("the card announces more and more data: stopped after {length} bytes")]
    EndlessAnswer {
        /// Bytes received so far.
        length: usize,
    },
    /// The card has no application of this AID, or its ISD-R is hidden.
    #[error("no application {} on the card: {sw}", hex::encode_upper(aid))]
    NoApplication {
        /// The AID asked for.
        aid: Vec<u8>,
        /// The card's answer to SELECT.
        sw: StatusWord,
    },
    /// The card refused a command.
    #[error("the card refused {what}: {sw}")]
    Refused {
        /// Which command, in words.
        what: String,
        /// Its status word.
        sw: StatusWord,
    },
    /// A replayed dialogue met a command that was not recorded at this place.
    #[error("step {step} deviates from the recorded dialogue: expected {expected}, got {got}")]
    Deviation {
        /// Number of the step, from 1.
        step: usize,
        /// What was recorded, or `the end`.
        expected: String,
        /// What came.
        got: String,
    },
}
