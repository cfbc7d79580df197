//! The exit codes of every command; the table in docs/exit-codes.md is this one.

use std::fmt;
use std::process::ExitCode;

/// How a command ends that did not do what was asked; 0 is left to those that did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It failed for a reason of its own.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A file, code or message is not what it should be.
    Input = 3,
    /// The server refused, with a subject and reason code.
    Refused = 4,
    /// The card refused, or cannot be reached.
    Card = 5,
    /// The server cannot be reached, or TLS does not hold.
    Network = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error that knows how the program shall end.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// An error to be returned through `anyhow`.
    #[allow(clippy::new_ret_no_self, reason = "no caller wants the type: all of them return the error")]
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> anyhow::Error {
        anyhow::Error::new(Self { exit, message: message.to_string() })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The exit code of an error: its own if any link of its chain has one, else [`Exit::Failed`].
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(|link| link.downcast_ref::<Failure>()).map_or(Exit::Failed, |failure| failure.exit)
}
