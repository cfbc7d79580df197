//! `openrsp euicc`: makes, serves and shows software eUICCs, one file each.

mod new;
mod record;
mod serve;
mod show;

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_euicc::{Error, Euicc, FileStore};

use crate::exit::{Exit, Failure};
use crate::system::OsRandomness;

/// A software eUICC, kept in one file.
#[derive(Args)]
pub(crate) struct EuiccArgs {
    #[command(subcommand)]
    command: EuiccCommand,
}

#[derive(Subcommand)]
enum EuiccCommand {
    /// Make an eUICC from the certificates and keys of a PKI directory.
    New(new::NewArgs),
    /// Offer an eUICC to another program on standard input and output, in lpac's JSON lines.
    ///
    /// Each `connect` is a power-on. lpac uses it with LPAC_APDU=stdio.
    Stdio(serve::StdioArgs),
    /// Offer an eUICC on a TCP socket, in lpac's JSON lines, or in a virtual PC/SC reader.
    ///
    /// On the socket it has one connection at a time, and each is a power-on; the first line of the output says where it
    /// listens. With --vpcd each line says when the card came into the reader, or out of it.
    Serve(serve::ServeArgs),
    /// Show what an eUICC is and holds: no secrets. Also while it is in use.
    Show(show::ShowArgs),
}

/// Runs the command.
///
/// # Errors
/// With [`Exit::Input`] for files that are not what they should be, [`Exit::Card`] for an eUICC that is in use.
pub(crate) fn run(args: EuiccArgs, json: bool) -> anyhow::Result<ExitCode> {
    match args.command {
        EuiccCommand::New(args) => new::run(&args, json),
        EuiccCommand::Stdio(args) => serve::stdio(&args),
        EuiccCommand::Serve(args) => serve::serve(&args, json),
        EuiccCommand::Show(args) => show::run(&args, json),
    }
}

/// The eUICC in a file, for use in this process.
///
/// # Errors
/// As [`run`].
pub(crate) fn open_card(path: &Path) -> anyhow::Result<Euicc<FileStore>> {
    let (store, state) = FileStore::open(path).map_err(|error| failure(path, error))?;
    Euicc::new(state, store, Box::new(OsRandomness)).map_err(|error| failure(path, error))
}

/// What the crate's errors mean for the exit code; those that do not name the file get its name.
fn failure(path: &Path, error: Error) -> anyhow::Error {
    match error {
        Error::InUse { .. } => Failure::new(Exit::Card, error),
        Error::Io { ref source, .. } if is_full(source.kind()) => Failure::new(Exit::Failed, error),
        Error::Io { .. }
        | Error::Permissions { .. }
        | Error::NotAFile { .. }
        | Error::ReservedName { .. }
        | Error::TooLarge { .. }
        | Error::Linked { .. } => Failure::new(Exit::Input, error),
        error => Failure::new(Exit::Input, format!("{}: {error}", path.display())),
    }
}

/// Where a card is served, as an argument: a host that is not looked up yet, and a port.
pub(crate) fn parse_address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err(format!("{text} is not ADDR:PORT")),
    }
}

/// Whether there is no room left, which is nobody's wrong input.
pub(crate) fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
