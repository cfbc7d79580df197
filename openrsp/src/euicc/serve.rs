//! `openrsp euicc stdio` and `openrsp euicc serve`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rsp_apdu::Card;
use rsp_card::{TcpServer, Vpcd, VpcdEvent};

use super::{open_card, parse_address, record};
use crate::exit::{Exit, Failure};

/// Which eUICC.
#[derive(Args)]
pub(crate) struct StdioArgs {
    /// The eUICC's file.
    file: PathBuf,

    #[command(flatten)]
    recording: RecordingArgs,
}

/// Which eUICC, and where.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The eUICC's file.
    file: PathBuf,

    /// Where to listen; port 0 takes a free one. Whoever reaches it can use the card: there is no authentication.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0", value_parser = parse_address)]
    tcp: String,

    /// Put the card into the virtual PC/SC reader of vsmartcard (Debian: vsmartcard-vpcd) that listens there, usually
    /// 127.0.0.1:35963, instead of listening. Every PC/SC program of the machine then sees it. The card comes back when
    /// pcscd is started again.
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "tcp", value_parser = parse_address)]
    vpcd: Option<String>,

    /// End after the first connection.
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    recording: RecordingArgs,
}

/// A record of everything, to be replayed by tests.
#[derive(Args)]
struct RecordingArgs {
    /// Write the eUICC's state as it is now, every random draw and every APDU into this new directory, so that a test can
    /// replay the session byte for byte. THE RECORD HOLDS THE CARD'S SECRET KEYS: for test cards only.
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    record: Option<PathBuf>,
}

impl RecordingArgs {
    fn open(&self, file: &Path) -> anyhow::Result<Box<dyn Card>> {
        Ok(match &self.record {
            Some(directory) => Box::new(record::open(file, directory)?),
            None => Box::new(open_card(file)?),
        })
    }
}

pub(super) fn stdio(args: &StdioArgs) -> anyhow::Result<ExitCode> {
    let mut card = args.recording.open(&args.file)?;
    rsp_card::serve(&mut *card, io::stdin().lock(), io::stdout().lock())
        .map_err(|error| Failure::new(Exit::Card, format!("standard input or output: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn serve(args: &ServeArgs, json: bool) -> anyhow::Result<ExitCode> {
    let mut card = args.recording.open(&args.file)?;
    if let Some(reader) = &args.vpcd {
        return in_reader(&mut *card, reader, args.once, json);
    }
    let unusable = |error: io::Error| Failure::new(Exit::Network, format!("{}: {error}", args.tcp));
    let server = TcpServer::bind(args.tcp.as_str()).map_err(unusable)?;
    let address = server.local_addr().map_err(unusable)?;
    if !address.ip().is_loopback() {
        eprintln!("warning: everybody who reaches {address} can use this card");
    }
    match json {
        true => println!("{}", serde_json::json!({"listening": address.to_string()})),
        false => println!("{address}"),
    }
    match args.once {
        true => server.serve_one(&mut *card),
        false => server.serve(&mut *card),
    }
    .map_err(unusable)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves the card in a virtual reader. Its connections are told on standard output, since whoever starts this waits for them.
fn in_reader(card: &mut dyn Card, reader: &str, once: bool, json: bool) -> anyhow::Result<ExitCode> {
    let tell = |state: &str| match json {
        true => println!("{}", serde_json::json!({"reader": state, "vpcd": reader})),
        false => println!("{state} {reader}"),
    };
    let mut hear = |event: VpcdEvent<'_>| match event {
        VpcdEvent::Connected => tell("connected"),
        VpcdEvent::Disconnected => tell("disconnected"),
        VpcdEvent::Waiting(error) => {
            eprintln!("no virtual reader at {reader} yet ({error}): waiting for pcscd with it")
        }
    };
    let vpcd = Vpcd::new(reader);
    match once {
        true => vpcd.serve_one(card, &mut hear),
        false => vpcd.serve(card, &mut hear),
    }
    .map_err(|error| Failure::new(Exit::Network, format!("{reader}: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
