//! `openrsp lpa notification`, and the notifications that other commands leave behind.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_asn1::{NotificationEvent, NotificationMetadata};
use rsp_lpa::sanitise::for_display;
use rsp_lpa::{Delivery, Lpa};
use serde_json::{Value, json};

use super::Session;
use super::network::{Network, NetworkArgs};
use super::report::{self, Reporter};
use crate::exit::{Exit, Failure};

#[derive(Subcommand)]
pub(super) enum NotificationCommand {
    /// List what waits on the eUICC.
    List,
    /// Send everything to its servers, in order, and remove what they accept.
    Process,
    /// Remove a notification without sending it: its server will never know.
    Remove {
        /// Sequence number, as listed.
        seq_number: u64,
    },
}

/// Whether a command sends the notifications that it causes.
#[derive(Args)]
pub(super) struct NotificationArgs {
    /// Leave notifications on the eUICC instead of sending them now.
    #[arg(long)]
    no_notifications: bool,
}

pub(super) fn run(session: &Session, command: &NotificationCommand) -> anyhow::Result<ExitCode> {
    match command {
        NotificationCommand::List => list(session),
        NotificationCommand::Process => process(session),
        NotificationCommand::Remove { seq_number } => remove(session, *seq_number),
    }
}

fn list(session: &Session) -> anyhow::Result<ExitCode> {
    let mut reporter = Reporter::new(session.json);
    let list = session.with_lpa(&mut reporter, |lpa| lpa.list_notifications().map_err(report::failure))?;
    if session.json {
        println!("{}", json!({"result": "ok", "notifications": list.iter().map(as_json).collect::<Vec<_>>()}));
        return Ok(ExitCode::SUCCESS);
    }
    if list.is_empty() {
        println!("No notification waits.");
    }
    for notification in &list {
        let iccid = notification.iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
        let address = for_display(&notification.notification_address);
        println!("{:6}  {:8}  {iccid:20}  {address}", notification.seq_number, event(notification));
    }
    Ok(ExitCode::SUCCESS)
}

fn process(session: &Session) -> anyhow::Result<ExitCode> {
    let network = session.network.open()?;
    let mut reporter = Reporter::new(session.json).telling_steps();
    let delivery = session.with_lpa(&mut reporter, |lpa| {
        session.block_on(lpa.process_notifications(&network.servers)).map_err(report::failure)
    })?;
    if !delivery.kept.is_empty() {
        return Err(incomplete(session, delivery));
    }
    if session.json {
        println!("{}", json!({"result": "ok", "notifications": report::delivery(&delivery)}));
    } else {
        println!("{}", summary(&delivery));
    }
    Ok(ExitCode::SUCCESS)
}

/// What was delivered is told, and the first failure is the command's.
fn incomplete(session: &Session, delivery: Delivery) -> anyhow::Error {
    if session.json {
        println!("{}", json!({"notifications": report::delivery(&delivery)}));
    } else {
        eprintln!("{}", summary(&delivery));
    }
    match delivery.kept.into_iter().find_map(|(_, error)| error) {
        Some(error) => report::failure(error),
        None => Failure::new(Exit::Failed, "notifications wait on the eUICC"),
    }
}

fn remove(session: &Session, seq_number: u64) -> anyhow::Result<ExitCode> {
    let mut reporter = Reporter::new(session.json);
    let removed =
        session.with_lpa(&mut reporter, |lpa| lpa.remove_notification(seq_number).map_err(report::failure))?;
    if !removed {
        return Err(Failure::new(Exit::Card, format!("no notification {seq_number} waits on the eUICC")));
    }
    if session.json {
        println!("{}", json!({"result": "ok", "seq_number": seq_number}));
    } else {
        println!("Notification {seq_number} is removed.");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a command did with the notifications that it caused.
pub(super) enum Aftermath {
    /// Told not to send them, or there is no way to servers.
    Left(&'static str),
    /// Tried.
    Processed(Delivery),
}

impl NotificationArgs {
    /// Sends what waits, if it may. A server that does not accept does not make the command fail: its notifications stay
    /// on the eUICC.
    pub(super) fn after(
        &self,
        session: &Session,
        lpa: &mut Lpa<'_>,
        network: Option<&Network>,
    ) -> anyhow::Result<Aftermath> {
        if self.no_notifications {
            return Ok(Aftermath::Left("as --no-notifications says"));
        }
        match network {
            Some(network) => {
                let delivery = session.block_on(lpa.process_notifications(&network.servers));
                Ok(Aftermath::Processed(delivery.map_err(report::failure)?))
            }
            None if lpa.list_notifications().map_err(report::failure)?.is_empty() => {
                Ok(Aftermath::Processed(Delivery::default()))
            }
            None => Ok(Aftermath::Left("for no --ci says which servers to trust")),
        }
    }

    /// The way to servers, if it is wanted and named.
    pub(super) fn network(&self, network: &NetworkArgs) -> anyhow::Result<Option<Network>> {
        (!self.no_notifications && network.is_given()).then(|| network.open()).transpose()
    }
}

impl Aftermath {
    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Left(why) => json!({"left": why}),
            Self::Processed(delivery) => report::delivery(delivery),
        }
    }

    /// Says what a person has to know.
    pub(super) fn tell(&self) {
        match self {
            Self::Left(why) => eprintln!("Notifications wait on the eUICC, {why}."),
            Self::Processed(delivery) if delivery.kept.is_empty() => {}
            Self::Processed(delivery) => {
                eprintln!("{} Send the rest later: openrsp lpa notification process", summary(delivery));
                for (_, error) in &delivery.kept {
                    if let Some(error) = error {
                        eprintln!("  {error}\n  remedy: {}", error.remedy());
                    }
                }
            }
        }
    }
}

fn summary(delivery: &Delivery) -> String {
    match delivery.kept.len() {
        0 => format!("{} notifications sent.", delivery.sent.len()),
        kept => format!("{} notifications sent, {kept} could not be sent and wait on the eUICC.", delivery.sent.len()),
    }
}

fn event(notification: &NotificationMetadata) -> &'static str {
    let event = &notification.profile_management_operation;
    let names = [
        (NotificationEvent::INSTALL, "install"),
        (NotificationEvent::ENABLE, "enable"),
        (NotificationEvent::DISABLE, "disable"),
        (NotificationEvent::DELETE, "delete"),
    ];
    names.iter().find(|(bit, _)| event.contains(*bit)).map_or("unknown", |(_, name)| name)
}

fn as_json(notification: &NotificationMetadata) -> Value {
    json!({
        "seq_number": notification.seq_number,
        "event": event(notification),
        "iccid": notification.iccid.map(|iccid| iccid.to_string()),
        "address": notification.notification_address,
    })
}
