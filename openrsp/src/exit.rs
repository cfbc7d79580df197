//! The exit codes of every command; the table in docs/exit-codes.md is this one.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Map, Value};

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
    /// The server cannot be reached, TLS does not hold, or the answer is malformed or another call's.
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
    /// What is known besides the message, for `--json`.
    details: Map<String, Value>,
}

impl Failure {
    /// An error to be returned through `anyhow`.
    #[allow(clippy::new_ret_no_self, reason = "no caller wants the type: all of them return the error")]
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> anyhow::Error {
        Self::detailed(exit, message, Map::new())
    }

    /// The same, with members for the object that `--json` prints.
    pub(crate) fn detailed(exit: Exit, message: impl fmt::Display, details: Map<String, Value>) -> anyhow::Error {
        anyhow::Error::new(Self { exit, message: message.to_string(), details })
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
    failure_of(error).map_or(Exit::Failed, |failure| failure.exit)
}

/// The last line of a command that failed, with `--json`: result, error, exit code, and what else is known.
pub(crate) fn report_of(error: &anyhow::Error) -> Value {
    let mut report = Map::new();
    report.insert("result".to_owned(), "failed".into());
    report.insert("error".to_owned(), format!("{error:#}").into());
    report.insert("exit".to_owned(), (exit_of(error) as u8).into());
    // Last, because they may say the error better than its text for people does.
    report.extend(failure_of(error).map(|failure| failure.details.clone()).unwrap_or_default());
    Value::Object(report)
}

fn failure_of(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(|link| link.downcast_ref::<Failure>())
}
