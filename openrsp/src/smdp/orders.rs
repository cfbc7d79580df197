//! `openrsp smdp orders` and `show`: profiles and what happened to them.

use clap::Args;
use rsp_smdp::Orders;
use rsp_store::{Notification, Profile, ProfileEvent, ProfileState, Waiting};
use serde_json::{Value, json};

use super::journal;
use super::{find, or_dash, print_table, require_operator};
use crate::system::now;

/// List profiles and their orders.
#[derive(Args)]
pub(super) struct ListArgs {
    /// Only those of this operator.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Only those in this state, for example Released.
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Option<ProfileState>,
}

/// Reads the standard's word for a state, in any case.
pub(super) fn parse_state(text: &str) -> Result<ProfileState, String> {
    let found = ProfileState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let known: Vec<_> = ProfileState::ALL.iter().map(|state| state.as_str()).collect();
        format!("{text:?} is none of {}", known.join(", "))
    })
}

pub(super) async fn list(orders: &Orders, args: &ListArgs, json: bool) -> anyhow::Result<()> {
    require_operator(orders, args.operator.as_deref()).await?;
    let mut profiles = match &args.operator {
        Some(operator) => orders.store().profiles_of(operator).await?,
        None => orders.store().profiles().await?,
    };
    profiles.retain(|profile| args.state.is_none_or(|state| state == profile.state));
    if json {
        profiles.iter().for_each(|profile| println!("{}", describe(profile)));
        return Ok(());
    }
    let rows: Vec<_> = profiles
        .iter()
        .map(|profile| {
            let matching_id = if profile.unnamed { Some("(by EID)") } else { profile.matching_id.as_deref() };
            [
                profile.iccid.to_string(),
                if is_expired(profile) { format!("{}, expired", profile.state) } else { profile.state.to_string() },
                profile.profile_type.clone(),
                or_dash(profile.operator.as_ref()),
                or_dash(profile.eid),
                or_dash(profile.expires_at),
                or_dash(matching_id),
            ]
        })
        .collect();
    print_table(["ICCID", "STATE", "TYPE", "OPERATOR", "EID", "EXPIRES", "MATCHING ID"], &rows);
    Ok(())
}

/// Whether the time of an order is over that nobody has closed yet: it can be downloaded no more.
fn is_expired(profile: &Profile) -> bool {
    use ProfileState::{Allocated, Confirmed, Downloaded, Linked, Released};
    let open = matches!(profile.state, Allocated | Linked | Confirmed | Released | Downloaded);
    open && profile.expires_at.is_some_and(|end| end < now())
}

/// Everything about a profile that is no secret of its subscriber. The matching ID of an order by EID alone is empty: what
/// stands in its row is told to nobody.
fn describe(profile: &Profile) -> Value {
    let ordered = profile.matching_id.is_some();
    json!({
        "iccid": profile.iccid.to_string(),
        "type": profile.profile_type,
        "operator": profile.operator,
        "state": profile.state.as_str(),
        "eid": profile.eid.map(|eid| eid.to_string()),
        "matching_id": if profile.unnamed { Some("") } else { profile.matching_id.as_deref() },
        "smds": profile.smds_address,
        "policy": ordered.then(|| profile.policy.as_str()),
        "bytes": profile.package_size,
        "confirmation_code_required": profile.confirmation_code.is_some(),
        "confirmation_tries": profile.confirmation_tries,
        "confirmation_limit": profile.confirmation_limit,
        "download_tries": profile.download_tries,
        "download_limit": profile.download_limit,
        "expires_at": profile.expires_at.map(|at| at.to_string()),
        "expired": is_expired(profile),
        "updated_at": profile.updated_at.to_string(),
        "updated_by": profile.updated_by,
    })
}

pub(super) async fn show(orders: &Orders, text: &str, json: bool) -> anyhow::Result<()> {
    let profile = find(orders, text).await?;
    let store = orders.store();
    let events = store.profile_events(&profile.iccid).await?;
    let notifications = store.notifications(&profile.iccid).await?;
    let waiting = orders.waiting_messages(&profile).await.map_err(super::failure)?;
    let mut description = describe(&profile);
    description["imsi"] = store.subscriber(&profile.iccid).await?.map(|subscriber| subscriber.imsi).into();
    if json {
        description["events"] = events.iter().map(describe_event).collect();
        description["notifications"] = notifications.iter().map(describe_notification).collect();
        description["waiting_messages"] = waiting.iter().map(journal::describe).collect();
        println!("{description}");
    } else {
        print(&description, &events, &notifications, &waiting);
    }
    Ok(())
}

fn describe_event(event: &ProfileEvent) -> Value {
    let from = event.from.map(ProfileState::as_str);
    json!({ "at": event.at.to_string(), "actor": event.actor, "from": from, "to": event.to.as_str() })
}

fn describe_notification(taken: &Notification) -> Value {
    let at = taken.received_at.to_string();
    json!({ "at": at, "eid": taken.eid.to_string(), "seq": taken.seq_number, "event": taken.event })
}

fn print(description: &Value, events: &[ProfileEvent], notifications: &[Notification], waiting: &[Waiting]) {
    for (name, value) in description.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        println!("{name:<27} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    for event in events {
        let from = event.from.map_or("-", ProfileState::as_str);
        println!("{}  {from} -> {}  by {}", event.at, event.to, event.actor);
    }
    for taken in notifications {
        println!("{}  {} number {} of {}", taken.received_at, taken.event, taken.seq_number, taken.eid);
    }
    for message in waiting {
        let problem = message.problem.as_deref().map(|problem| format!(": {problem}")).unwrap_or_default();
        let (name, recipient) = (journal::name(message), &message.recipient);
        println!("{}  {name} waits for {recipient}, tried {} times{problem}", message.created_at, message.attempts);
    }
}
