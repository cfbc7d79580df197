//! `openrsp lpa discover`: what waits for the eUICC, and its download.

use std::process::ExitCode;

use clap::Args;
use rsp_lpa::sanitise::for_display;
use rsp_lpa::{Discovery, Error, Event, Installed};
use serde_json::{Map, Value, json};

use super::Session;
use super::download::{self, InstallArgs};
use super::network::Network;
use super::report::{self, Reporter};
use crate::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct DiscoverArgs {
    /// Address of the SM-DS; without it, the root SM-DS that the eUICC names.
    #[arg(long, value_name = "HOST[:PORT]")]
    smds: Option<String>,

    /// Download and install each profile that is found. The options of `profile download` apply.
    #[arg(long)]
    download: bool,

    #[command(flatten)]
    install: InstallArgs,
}

/// An event, and what became of its download if there was one.
struct Outcome {
    event: Event,
    download: Option<Result<Installed, Error>>,
}

pub(super) fn run(session: &Session, args: &DiscoverArgs) -> anyhow::Result<ExitCode> {
    if args.install.answers_given() && !args.download {
        let message = "--yes and --confirmation-code are for an installation: give --download, too";
        return Err(Failure::new(Exit::Usage, message));
    }
    // Before anything is asked: an answer that will be needed must be there.
    let mut terminal = args.download.then(|| args.install.terminal(false)).transpose()?;
    let device = args.install.device()?;
    let network = session.network.open()?;
    let mut reporter = Reporter::new(session.json).telling_steps();
    let (eid, discovery, outcomes, aftermath) = session.with_lpa(&mut reporter, |lpa| {
        let eid = lpa.eid().map_err(report::failure)?;
        let trust = network.trust();
        let call = lpa.discover(&network.servers, args.smds.as_deref(), &device, &trust);
        let mut discovery = session.block_on(call).map_err(report::failure)?;
        let mut outcomes = Vec::new();
        for event in std::mem::take(&mut discovery.events) {
            let download = terminal.as_mut().map(|terminal| {
                let request = event.download_request(device.clone());
                session.block_on(lpa.download(&network.servers, &request, &trust, terminal))
            });
            outcomes.push(Outcome { event, download });
        }
        // A failed installation has its notification, too.
        let attempted = outcomes.iter().any(|outcome| outcome.download.is_some());
        let aftermath = attempted.then(|| args.install.notifications.after(session, lpa, Some(&network)));
        Ok((eid, discovery, outcomes, aftermath.transpose()?))
    })?;

    let mut members = members(&discovery, &outcomes);
    members.insert("eid".to_owned(), eid.to_string().into());
    members.insert("notifications".to_owned(), aftermath.as_ref().map_or(Value::Null, |left| left.as_json()));
    members.insert("total_ms".to_owned(), reporter.total_ms().into());
    if !session.json {
        tell(&discovery, &outcomes, &network);
        if let Some(aftermath) = &aftermath {
            aftermath.tell();
        }
    }
    match failure(discovery, outcomes, args.download) {
        Some(error) if session.json => Err(Failure::detailed(report::exit(&error), &error, members)),
        Some(error) => Err(report::failure(error)),
        None => {
            if session.json {
                members.insert("result".to_owned(), "ok".into());
                println!("{}", Value::Object(members));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What makes the command fail: the first profile that was wanted and is not there.
fn failure(discovery: Discovery, outcomes: Vec<Outcome>, wanted: bool) -> Option<Error> {
    let failed = outcomes.into_iter().find_map(|outcome| outcome.download?.err());
    failed.or_else(|| discovery.unresolved.into_iter().next().filter(|_| wanted).map(|unresolved| unresolved.error))
}

fn members(discovery: &Discovery, outcomes: &[Outcome]) -> Map<String, Value> {
    let events = outcomes.iter().map(|Outcome { event, download }| {
        let (installed, error) = match download {
            Some(Ok(installed)) => (Some(download::installed_members(installed)), None),
            Some(Err(error)) => (None, Some(report::details(error))),
            None => (None, None),
        };
        json!({
            "event_id": event.event_id,
            "smdp_address": event.smdp_address,
            "smds_address": event.smds_address,
            "installed": installed,
            "failure": error,
        })
    });
    let unresolved = discovery.unresolved.iter().map(|unresolved| {
        json!({
            "event_id": unresolved.event_id,
            "address": unresolved.address,
            "smds_address": unresolved.smds_address,
            "failure": report::details(&unresolved.error),
        })
    });
    let members = [
        ("smds_address", json!(discovery.smds_address)),
        ("events", events.collect()),
        ("unresolved", unresolved.collect()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Addresses and identifiers are the words of servers.
fn tell(discovery: &Discovery, outcomes: &[Outcome], network: &Network) {
    let smds = for_display(&discovery.smds_address);
    match outcomes.len() {
        0 => println!("Nothing waits for this eUICC at {smds}."),
        1 => println!("1 profile waits for this eUICC, says {smds}:"),
        count => println!("{count} profiles wait for this eUICC, says {smds}:"),
    }
    for Outcome { event, .. } in outcomes {
        let behind = match event.smds_address == discovery.smds_address {
            true => String::new(),
            false => format!("  (by way of {})", for_display(&event.smds_address)),
        };
        println!("  {}  at {}{behind}", for_display(&event.event_id), for_display(&event.smdp_address));
    }
    for unresolved in &discovery.unresolved {
        let (event_id, address) = (for_display(&unresolved.event_id), for_display(&unresolved.address));
        eprintln!("Event {event_id} at {address} leads nowhere: {}", unresolved.error);
        eprintln!("  remedy: {}", unresolved.error.remedy());
    }
    for Outcome { event, download } in outcomes {
        match download {
            Some(Ok(installed)) => download::tell(installed, network),
            Some(Err(error)) => eprintln!("Event {} was not installed: {error}", for_display(&event.event_id)),
            None => {}
        }
    }
}
