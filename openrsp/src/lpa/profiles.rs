//! `openrsp lpa profile`: what is on the eUICC, and which of it is in use.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_asn1::{Iccid, IsdpAid, OctetString, ProfileClass, ProfileIdentifier, ProfileInfo, ProfileState};
use rsp_lpa::sanitise::for_display;
use rsp_lpa::{Error, Lpa};
use serde_json::{Value, json};

use super::download::{self, DownloadArgs};
use super::notifications::NotificationArgs;
use super::report::{self, Reporter};
use super::{Aid, Session, parse_aid, prompt};

#[derive(Subcommand)]
pub(super) enum ProfileCommand {
    /// List the profiles.
    List,
    /// Download a profile and install it; it stays disabled.
    Download(Box<DownloadArgs>),
    /// Enable a profile; the one in use is disabled.
    Enable(SwitchArgs),
    /// Disable the profile in use.
    Disable(SwitchArgs),
    /// Delete a disabled profile for good.
    Delete(DeleteArgs),
    /// Give a profile a name of your own.
    Nickname {
        /// The profile's ICCID.
        #[arg(value_parser = parse_iccid)]
        iccid: Iccid,
        /// The name, at most 64 characters; without it the profile loses the name that it has.
        #[arg(default_value = "", hide_default_value = true, value_parser = parse_nickname)]
        name: String,
    },
}

#[derive(Args)]
pub(super) struct SwitchArgs {
    /// The profile: its ICCID, or the AID of its ISD-P.
    #[arg(value_name = "ICCID|AID", value_parser = parse_profile)]
    profile: ProfileIdentifier,

    /// Let the eUICC ask the device for a REFRESH, and switch only then. Without it the eUICC switches at once.
    #[arg(long)]
    refresh: bool,

    #[command(flatten)]
    notifications: NotificationArgs,
}

#[derive(Args)]
pub(super) struct DeleteArgs {
    /// The profile: its ICCID, or the AID of its ISD-P.
    #[arg(value_name = "ICCID|AID", value_parser = parse_profile)]
    profile: ProfileIdentifier,

    /// Do not ask.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    notifications: NotificationArgs,
}

fn parse_iccid(text: &str) -> Result<Iccid, String> {
    text.parse().map_err(|error: rsp_asn1::ParseIdError| error.to_string())
}

/// A name that fits SetNickname (SGP.22 5.7.21).
fn parse_nickname(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0..=64 => Ok(text.to_owned()),
        count => Err(format!("the name has {count} characters, and 64 are the most")),
    }
}

/// Digits are an ICCID; an AID begins with a letter.
fn parse_profile(text: &str) -> Result<ProfileIdentifier, String> {
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let Aid(aid) = parse_aid(text)?;
        return Ok(ProfileIdentifier::IsdpAid(IsdpAid(OctetString::from(aid))));
    }
    parse_iccid(text).map(ProfileIdentifier::Iccid)
}

pub(super) fn run(session: &Session, command: ProfileCommand) -> anyhow::Result<ExitCode> {
    match command {
        ProfileCommand::List => list(session),
        ProfileCommand::Download(args) => download::run(session, *args),
        ProfileCommand::Enable(args) => {
            let enable = |lpa: &mut Lpa<'_>| lpa.enable_profile(&args.profile, args.refresh);
            change(session, "enabled", &args.profile, &args.notifications, enable)
        }
        ProfileCommand::Disable(args) => {
            let disable = |lpa: &mut Lpa<'_>| lpa.disable_profile(&args.profile, args.refresh);
            change(session, "disabled", &args.profile, &args.notifications, disable)
        }
        ProfileCommand::Delete(args) => {
            let question = "Really delete the profile? It cannot be brought back. [y/N] ";
            prompt::require_consent(args.yes, question, "nothing was deleted")?;
            let delete = |lpa: &mut Lpa<'_>| lpa.delete_profile(&args.profile);
            change(session, "deleted", &args.profile, &args.notifications, delete)
        }
        ProfileCommand::Nickname { iccid, name } => nickname(session, iccid, &name),
    }
}

/// Changes a profile and sends the notifications of it.
fn change(
    session: &Session,
    done: &str,
    profile: &ProfileIdentifier,
    notifications: &NotificationArgs,
    run: impl FnOnce(&mut Lpa<'_>) -> Result<(), Error>,
) -> anyhow::Result<ExitCode> {
    let network = notifications.network(&session.network)?;
    let mut reporter = Reporter::new(session.json);
    let aftermath = session.with_lpa(&mut reporter, |lpa| {
        run(lpa).map_err(report::failure)?;
        notifications.after(session, lpa, network.as_ref())
    })?;
    let profile = match profile {
        ProfileIdentifier::Iccid(iccid) => iccid.to_string(),
        ProfileIdentifier::IsdpAid(aid) => hex::encode_upper(&aid.0),
    };
    if session.json {
        let (bytes, notifications) = (reporter.es10c_bytes(), aftermath.as_json());
        let line =
            json!({"result": "ok", "profile": profile, "now": done, "bytes": bytes, "notifications": notifications});
        println!("{line}");
    } else {
        println!("Profile {profile} is {done}.");
        aftermath.tell();
    }
    Ok(ExitCode::SUCCESS)
}

fn list(session: &Session) -> anyhow::Result<ExitCode> {
    let mut reporter = Reporter::new(session.json);
    let profiles = session.with_lpa(&mut reporter, |lpa| lpa.profiles().map_err(report::failure))?;
    if session.json {
        println!("{}", json!({"result": "ok", "profiles": profiles.iter().map(as_json).collect::<Vec<_>>()}));
        return Ok(ExitCode::SUCCESS);
    }
    if profiles.is_empty() {
        println!("No profile is installed.");
    }
    for profile in &profiles {
        let text = |name: Option<&str>| name.map(for_display).unwrap_or_default();
        let iccid = profile.iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
        let nickname = match text(profile.profile_nickname.as_deref()) {
            name if name.is_empty() => name,
            name => format!("  “{name}”"),
        };
        let (provider, name) = (text(profile.service_provider_name.as_deref()), text(profile.profile_name.as_deref()));
        println!("{iccid:20}  {:8}  {:12}  {provider}: {name}{nickname}", state(profile), class(profile));
    }
    Ok(ExitCode::SUCCESS)
}

fn nickname(session: &Session, iccid: Iccid, name: &str) -> anyhow::Result<ExitCode> {
    let mut reporter = Reporter::new(session.json);
    session.with_lpa(&mut reporter, |lpa| lpa.set_nickname(iccid, name).map_err(report::failure))?;
    if session.json {
        println!("{}", json!({"result": "ok", "profile": iccid.to_string(), "nickname": name}));
    } else if name.is_empty() {
        println!("Profile {iccid} has no nickname any more.");
    } else {
        println!("Profile {iccid} is called “{}”.", for_display(name));
    }
    Ok(ExitCode::SUCCESS)
}

fn state(profile: &ProfileInfo) -> &'static str {
    profile.profile_state.and_then(ProfileState::name).unwrap_or("unknown")
}

/// A profile without a class is operational.
fn class(profile: &ProfileInfo) -> &'static str {
    profile.profile_class.unwrap_or(ProfileClass::OPERATIONAL).name().unwrap_or("unknown")
}

fn as_json(profile: &ProfileInfo) -> Value {
    json!({
        "iccid": profile.iccid.map(|iccid| iccid.to_string()),
        "isdp_aid": profile.isdp_aid.as_ref().map(|aid| hex::encode_upper(&aid.0)),
        "state": state(profile),
        "class": class(profile),
        "nickname": profile.profile_nickname.as_deref(),
        "service_provider_name": profile.service_provider_name.as_deref(),
        "profile_name": profile.profile_name.as_deref(),
        "policy_rules": profile.profile_policy_rules.as_ref().map(|rules| rules.bits().collect::<Vec<_>>()),
    })
}
