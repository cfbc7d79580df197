//! Black-box runner: foreign programs against this stack, each step checked.
//!
//! `lpac` drives an unmodified lpac through its whole life with our eUICC, our SM-DP+ and two SM-DSs of ours in cascade;
//! `smdp` takes profiles from a foreign SM-DP+ with our LPA and eUICC. Ours are the processes of the program `openrsp`, as
//! its users run them. What passes can be kept as a transcript, which the tests of `openrsp` replay byte for byte.

mod bed;
mod card;
mod lpac;
mod lpac_life;
mod package;
mod report;
mod site;
mod smdp;
mod transcript;
mod usim;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use report::Report;

/// Runs foreign programs against OpenRSP and checks what they do.
#[derive(Parser)]
#[command(name = "conformance", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Lpac(lpac_life::LpacArgs),
    Smdp(smdp::SmdpArgs),
}

fn main() -> ExitCode {
    let mut report = Report::default();
    let run = match Cli::parse().command {
        Command::Lpac(args) => lpac_life::run(&args, &mut report),
        Command::Smdp(args) => smdp::run(&args, &mut report),
    };
    report.finish(run)
}
