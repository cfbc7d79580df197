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
    /// A card in a PC/SC reader, which a number or a part of its name chooses.
    Pcsc(Option<String>),
}

impl FromStr for CardSpec {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        match spec.split_once(':') {
            None if spec == "pcsc" => Ok(Self::Pcsc(None)),
            Some((_, "")) => Err(format!("{spec} names no card after the colon")),
            Some(("file", file)) => Ok(Self::File(PathBuf::from(file))),
            Some(("stdio", command)) => Ok(Self::Stdio(command.to_owned())),
            Some(("tcp", address)) => crate::euicc::parse_address(address).map(Self::Tcp),
            Some(("pcsc", reader)) => Ok(Self::Pcsc(Some(reader.to_owned()))),
            _ => Err("a card is file:FILE, stdio:COMMAND, tcp:ADDR:PORT or pcsc[:READER]".to_owned()),
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
            Self::Pcsc(reader) => in_reader(reader.as_deref())?,
        })
    }
}

/// The card in a PC/SC reader.
#[cfg(feature = "pcsc")]
fn in_reader(wanted: Option<&str>) -> anyhow::Result<Box<dyn CardAccess>> {
    let card = rsp_card::PcscCard::connect(wanted).map_err(|error| Failure::new(Exit::Card, error))?;
    Ok(Box::new(card))
}

/// Without PC/SC, what to do about it.
#[cfg(not(feature = "pcsc"))]
fn in_reader(_: Option<&str>) -> anyhow::Result<Box<dyn CardAccess>> {
    Err(Failure::new(Exit::Usage, crate::system::WITHOUT_PCSC))
}
