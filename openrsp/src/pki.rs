//! `openrsp pki`: makes, shows, verifies and issues certificates.

mod init;
mod issue;
mod show;
mod verify;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_pki::Certificate;

use crate::exit::{Exit, Failure};

/// Certificates of a test PKI.
#[derive(Args)]
pub(crate) struct PkiArgs {
    #[command(subcommand)]
    command: PkiCommand,
}

#[derive(Subcommand)]
enum PkiCommand {
    /// Make a complete test hierarchy: CI, EUM, eUICC, SM-DP+ and SM-DS, shaped like SGP.26.
    ///
    /// Writes DIR/p256 and DIR/brainpool with one certificate (.pem) and one private key (.key, mode 0600) for each role.
    /// TLS certificates are on P-256 only, under the P-256 CI.
    Init(init::InitArgs),
    /// Show what certificates and CRLs say.
    Show(show::ShowArgs),
    /// Verify a certificate by the rules of RSP, up to a CI.
    ///
    /// The first file is the certificate, further files are its issuers (for an eUICC its EUM; with --pki the directory's
    /// EUM is found by itself). Exit code 0 when the path holds, 1 when it is refused, 3 when a file cannot be read.
    Verify(verify::VerifyArgs),
    /// Issue one more certificate under the CI or EUM of a directory.
    Issue(issue::IssueArgs),
}

/// Runs the command.
///
/// # Errors
/// With [`Exit::Input`] for files and directories that are not what they should be.
pub(crate) fn run(args: PkiArgs, json: bool) -> anyhow::Result<ExitCode> {
    match args.command {
        PkiCommand::Init(args) => init::run(args, json),
        PkiCommand::Show(args) => show::run(args, json),
        PkiCommand::Verify(args) => verify::run(args, json),
        PkiCommand::Issue(args) => issue::run(args, json),
    }
}

/// An error in a file or value that the user named.
fn bad_input(error: impl Display) -> anyhow::Error {
    Failure::new(Exit::Input, error)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| bad_input(format!("{}: {error}", file.display())))
}

fn read_certificate(file: &Path) -> anyhow::Result<Certificate> {
    Certificate::from_file_content(&read(file)?).map_err(|error| bad_input(format!("{}: {error}", file.display())))
}

/// Upper-case hexadecimal, as key identifiers are written in RSP.
fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}
