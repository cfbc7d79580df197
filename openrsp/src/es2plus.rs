//! `openrsp es2plus`: an operator's commands towards any SM-DP+ (SGP.22 5.3), and its end of the notifications.

mod answer;
mod connection;
mod listen;
mod order;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(crate) use connection::{issuers, parse_url, requester, transport};

/// Order profiles as an operator does, over ES2+ with mutual TLS.
///
/// A profile is reserved with download-order, made ready with confirm-order, and released with it or later with
/// release-profile; cancel-order gives it up. The SM-DP+ knows the operator by its client certificate.
///
/// Each call has an identifier of its own, which is printed. Where an answer was lost, the same call with --call-id and this
/// identifier is executed at most once.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Es2PlusArgs {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
With a server in DIR, made by `openrsp init`:
  openrsp pki issue operator NAME --pki DIR/pki
  openrsp smdp --dir DIR operator add NAME --certificate NAME.pem
  openrsp es2plus download-order --type TYPE \\
      --url https://localhost:8444 --cert NAME.pem --key NAME.key --pki DIR/pki
  openrsp es2plus confirm-order ICCID --release \\
      --url https://localhost:8444 --cert NAME.pem --key NAME.key --pki DIR/pki";

#[derive(Subcommand)]
enum Command {
    DownloadOrder(order::DownloadOrderArgs),
    ConfirmOrder(order::ConfirmOrderArgs),
    CancelOrder(order::CancelOrderArgs),
    ReleaseProfile(order::ReleaseProfileArgs),
    Listen(listen::ListenArgs),
}

/// Runs one command.
pub(crate) fn run(args: Es2PlusArgs, json: bool) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::DownloadOrder(args) => order::download_order(args, json),
        Command::ConfirmOrder(args) => order::confirm_order(args, json),
        Command::CancelOrder(args) => order::cancel_order(args, json),
        Command::ReleaseProfile(args) => order::release_profile(args, json),
        Command::Listen(args) => listen::run(args, json),
    }
}
