//! Which card, and how to reach it.

use std::path::PathBuf;
use std::str::FromStr;

use rsp_apdu::{CardAccess, CardError};
use rsp_card::{InProcess, LineClient};

use crate::exit::{Exit, Failure};

/// A card as `--card` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CardSpec {
    /// A software eUICC, in this process.
    File(PathBuf),
    /// A program that speaks lpac's JSON lines on its standard input and output.
    Stdio(String),
    /// A server that speaks lpac's JSON lines.
    Tcp(String),
}

impl FromStr for CardSpec {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        match spec.split_once(':') {
            Some((_, "")) => Err(format!("{spec} names no card after the colon")),
            Some(("file", file)) => Ok(Self::File(PathBuf::from(file))),
            Some(("stdio", command)) => Ok(Self::Stdio(command.to_owned())),
            Some(("tcp", address)) => crate::euicc::parse_address(address).map(Self::Tcp),
            _ => Err("a card is file:FILE, stdio:COMMAND or tcp:ADDR:PORT".to_owned()),
        }
    }
}

impl CardSpec {
    /// Powers the card on.
    pub(super) fn open(&self) -> anyhow::Result<Box<dyn CardAccess>> {
        let unreachable = |error: CardError| Failure::new(Exit::Card, error);
        Ok(match self {
            Self::File(file) => Box::new(InProcess::new(crate::euicc::open_card(file)?)),
            Self::Stdio(command) => Box::new(LineClient::spawn(command).map_err(unreachable)?),
            Self::Tcp(address) => Box::new(LineClient::tcp(address.as_str()).map_err(unreachable)?),
        })
    }
}
