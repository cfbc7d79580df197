//! `openrsp lpa`: the Local Profile Assistant on a command line.

mod activation_code;
mod card;
mod chip;
mod discover;
mod download;
mod network;
mod notifications;
mod profiles;
mod prompt;
mod report;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use rsp_lpa::{Lpa, Options};
use tokio::runtime::{Builder, Runtime};

use crate::exit::{Exit, Failure};
use card::CardSpec;
use network::NetworkArgs;
use report::Reporter;

/// The Local Profile Assistant: downloads, enables and deletes the profiles of an eUICC.
#[derive(Args)]
pub(crate) struct LpaArgs {
    /// The card: file:FILE (a software eUICC, in this process), stdio:COMMAND or tcp:ADDR:PORT (lpac's JSON lines), or
    /// pcsc[:READER] (the first card in a PC/SC reader, which a number or a part of its name chooses).
    #[arg(long, global = true, value_name = "SPEC", env = "OPENRSP_CARD")]
    card: Option<CardSpec>,

    /// AID of the ISD-R, for eUICCs that hide it; may be given several times.
    #[arg(long = "isd-r", global = true, value_name = "AID", value_parser = parse_aid)]
    isd_r: Vec<Aid>,

    /// Bytes of data in one STORE DATA command; some modems take only 120.
    #[arg(long, global = true, value_name = "BYTES", default_value_t = 255, value_parser = clap::value_parser!(u8).range(1..))]
    block: u8,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(subcommand)]
    command: LpaCommand,
}

#[derive(Subcommand)]
enum LpaCommand {
    /// What the eUICC says of itself.
    #[command(subcommand)]
    Chip(chip::ChipCommand),
    /// The profiles on the eUICC.
    #[command(subcommand)]
    Profile(profiles::ProfileCommand),
    /// Ask an SM-DS what waits for the eUICC, and where.
    Discover(Box<discover::DiscoverArgs>),
    /// Notifications that wait on the eUICC for their servers.
    #[command(subcommand)]
    Notification(notifications::NotificationCommand),
    /// Show, set or remove the address of the default SM-DP+.
    DefaultSmdp(chip::DefaultSmdpArgs),
    /// Remove profiles from the eUICC, whatever their policy rules say.
    Reset(chip::ResetArgs),
    /// Explain an activation code field by field; needs no card.
    ActivationCode(activation_code::ActivationCodeArgs),
}

/// Bytes of an AID, as an argument.
#[derive(Clone)]
struct Aid(Vec<u8>);

fn parse_aid(text: &str) -> Result<Aid, String> {
    match hex::decode(text) {
        Ok(aid) if (5..=16).contains(&aid.len()) => Ok(Aid(aid)),
        _ => Err("an AID is 5 to 16 bytes in hexadecimal".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// With the exit code that says on whose side the cause lies.
pub(crate) fn run(args: LpaArgs, json: bool) -> anyhow::Result<ExitCode> {
    let mut options = Options { block: usize::from(args.block), ..Options::default() };
    if !args.isd_r.is_empty() {
        options.isd_r = args.isd_r.into_iter().map(|aid| aid.0).collect();
    }
    let runtime = Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let session = Session { card: args.card, options, network: args.network, runtime, json };
    let outcome = match args.command {
        LpaCommand::Chip(command) => chip::run(&session, &command),
        LpaCommand::Profile(command) => profiles::run(&session, command),
        LpaCommand::Discover(args) => discover::run(&session, &args),
        LpaCommand::Notification(command) => notifications::run(&session, &command),
        LpaCommand::DefaultSmdp(args) => chip::default_smdp(&session, &args),
        LpaCommand::Reset(args) => chip::reset(&session, &args),
        LpaCommand::ActivationCode(args) => activation_code::run(&args, json),
    };
    outcome.map_err(report::finish)
}

/// What every command of the LPA works with.
struct Session {
    card: Option<CardSpec>,
    options: Options,
    network: NetworkArgs,
    /// One for the whole command, so that the connection to a server outlives a procedure.
    runtime: Runtime,
    json: bool,
}

impl Session {
    /// Runs a procedure that talks to servers.
    fn block_on<T>(&self, procedure: impl Future<Output = T>) -> T {
        self.runtime.block_on(procedure)
    }

    /// Opens the card's ISD-R, lets `run` work with it and gives the card back.
    fn with_lpa<T>(
        &self,
        reporter: &mut Reporter,
        run: impl FnOnce(&mut Lpa<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let spec = self.card.as_ref().ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "which card? Give --card file:FILE, stdio:COMMAND, tcp:ADDR:PORT or pcsc[:READER]",
            )
        })?;
        let mut card = spec.open()?;
        let mut lpa = Lpa::open(&mut *card, reporter, &self.options).map_err(report::failure)?;
        run(&mut lpa)
    }
}
