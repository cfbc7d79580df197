//! OpenRSP: the open eSIM stack in one program.
//!
//! This crate wires the others together and holds no protocol logic: each module is one command.

mod bench;
mod carrier;
mod config;
mod demo;
mod es2plus;
mod euicc;
mod exit;
mod identity;
mod init;
mod lpa;
mod network;
mod operator;
mod pki;
mod provision;
mod serve;
mod smdp;
mod system;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use exit::{Exit, Failure, exit_of};

/// The open eSIM stack: an SM-DP+, an LPA and a software eUICC that speak GSMA SGP.22.
///
/// Everything here uses a test PKI: no certificate of it is trusted by a commercial device.
#[derive(Parser)]
#[command(name = "openrsp", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    /// Print machine-readable JSON instead of text, one object a line. A command that fails says so in the last one.
    #[arg(long, global = true)]
    json: bool,

    /// What to log on standard error, for example `info` or `rsp_smdp=debug`.
    #[arg(long, global = true, value_name = "FILTER", env = "OPENRSP_LOG", default_value = "warn")]
    log: String,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad input, 4 refused by the server, \
5 card error, 6 network or TLS error.";

#[derive(Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Serve(serve::ServeArgs),
    Smdp(smdp::SmdpArgs),
    Es2plus(es2plus::Es2PlusArgs),
    Operator(operator::OperatorArgs),
    Carrier(carrier::CarrierArgs),
    ProvisionEsim(Box<provision::ProvisionArgs>),
    Euicc(euicc::EuiccArgs),
    Lpa(Box<lpa::LpaArgs>),
    Pki(pki::PkiArgs),
    Bench(bench::BenchArgs),
    /// Write completions for a shell on standard output.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    end_when_nobody_reads();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.json;
    match start_log(&cli.log).and_then(|()| run(cli)) {
        Ok(code) => code,
        Err(error) => {
            if json {
                println!("{}", exit::report_of(&error));
            }
            eprintln!("error: {error:#}");
            exit_of(&error).into()
        }
    }
}

/// Help and version, or what is wrong with the command line.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done for a reader that went away.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    // The command line could not be read, and yet a program that wants JSON must get it.
    if std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        println!("{}", exit::report_of(&Failure::new(Exit::Usage, text)));
    }
    Exit::Usage.into()
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let json = cli.json;
    match cli.command {
        Command::Demo(args) => demo::run(args, json),
        Command::Init(args) => init::run(args, json),
        Command::Serve(args) => serve::run(args, json),
        Command::Smdp(args) => smdp::run(args, json),
        Command::Es2plus(args) => es2plus::run(args, json),
        Command::Operator(args) => operator::run(args, json),
        Command::Carrier(args) => carrier::run(args, json),
        Command::ProvisionEsim(args) => provision::run(&args, json),
        Command::Euicc(args) => euicc::run(args, json),
        Command::Lpa(args) => lpa::run(*args, json),
        Command::Pki(args) => pki::run(args, json),
        Command::Bench(args) => bench::run(args, json),
        Command::Completions { .. } if json => Err(Failure::new(Exit::Usage, "completions are a script, not JSON")),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "openrsp", &mut script);
            print!("{}", String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .parse(filter)
        .map_err(|error| Failure::new(Exit::Usage, format!("--log {filter}: {error}")))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    Ok(())
}

/// `println!` panics when standard output is closed or full, as under `| head -1`. That is the reader's decision and no
/// fault to be traced: the program says so, unless the reader just went away, and ends as failed.
fn end_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        let Some(problem) = message.strip_prefix("failed printing to stdout: ") else { return usual(panic) };
        if !problem.contains("Broken pipe") {
            // Standard error may be gone as well.
            let _ = writeln!(std::io::stderr(), "error: standard output: {problem}");
        }
        std::process::exit(exit::Exit::Failed as i32);
    }));
}
