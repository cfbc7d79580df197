//! `openrsp smdp order`, `release`, `cancel`: what becomes of orders.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_smdp::{ConfirmationCode, Error, NewOrder, Orders, PlacedOrder};
use rsp_store::{OrderPolicy, ProfileState};
use serde_json::{Value, json};

use super::{failure, find, parse_address, parse_timestamp};
use crate::config::{ServerDir, require_code};
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now, require_private_if_kept};

/// Order a profile and print its activation code.
#[derive(Args)]
pub(super) struct OrderArgs {
    /// Name of the profile type.
    #[arg(long = "type", value_name = "NAME")]
    type_name: String,
    /// One profile of an inventory; without it the oldest.
    #[arg(long)]
    iccid: Option<Iccid>,
    /// The only eUICC that may download it; without it, the first that comes.
    #[arg(long)]
    eid: Option<Eid>,
    /// Matching ID of your choice (0-9, A-Z, -); by default 26 random characters. An empty one ('') makes an order by EID
    /// alone: the eUICC whose default SM-DP+ this is asks for it by itself.
    #[arg(long, value_name = "ID")]
    matching_id: Option<String>,
    /// Require a confirmation code: `auto` makes one, `@FILE` reads one, `ask` asks for one.
    #[arg(long, value_name = "auto|@FILE|ask")]
    confirmation_code: Option<String>,
    /// The SM-DS that is told, so that the eUICC finds the order there; needs --eid.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_address)]
    smds: Option<String>,
    /// How often it can be downloaded.
    #[arg(long, value_enum, default_value = "one-time")]
    policy: Policy,
    /// Seconds until the order expires.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    lifetime: Option<u32>,
    /// When the order expires, for example 2026-12-24T18:00:00Z.
    #[arg(long, value_name = "TIMESTAMP", value_parser = parse_timestamp, conflicts_with = "lifetime")]
    expires: Option<Timestamp>,
    /// Deliveries before the order ends, instead of the server's limit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    downloads: Option<u32>,
    /// Wrong confirmation codes before the order ends, instead of the server's limit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10), requires = "confirmation_code")]
    code_tries: Option<u32>,
    /// Confirm the order without releasing it: it cannot be downloaded before `openrsp smdp release`.
    #[arg(long)]
    hold: bool,
    /// Number of orders, one line each.
    #[arg(
        long,
        default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..),
        conflicts_with_all = ["matching_id", "confirmation_code", "iccid"]
    )]
    count: u32,
}

/// How often an order can be downloaded.
#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// Until it is installed.
    OneTime,
    /// Again after its installation, by the same eUICC.
    SameEid,
    /// Again and again, by any eUICC. For tests only: no network can have the same subscriber twice.
    Reusable,
}

impl From<Policy> for OrderPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::OneTime => Self::OneTime,
            Policy::SameEid => Self::SameEid,
            Policy::Reusable => Self::Reusable,
        }
    }
}

/// What becomes of the profile of a cancelled order.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Final {
    /// It can be ordered again.
    Available,
    /// It is withdrawn.
    Unavailable,
}

impl OrderArgs {
    /// The order without its code, which can be given once only.
    fn order(&self) -> NewOrder {
        NewOrder {
            iccid: self.iccid,
            eid: self.eid,
            matching_id: self.matching_id.clone(),
            smds_address: self.smds.clone(),
            policy: self.policy.into(),
            expires_at: self.expires.or_else(|| self.lifetime.map(|seconds| now().plus_seconds(i64::from(seconds)))),
            download_limit: self.downloads,
            confirmation_limit: self.code_tries,
            state: if self.hold { ProfileState::Confirmed } else { ProfileState::Released },
            ..NewOrder::of(&self.type_name)
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let usage = |problem: &str| Err(Failure::new(Exit::Usage, problem));
        if self.eid.is_none() && self.matching_id.as_deref() == Some("") {
            return usage("--matching-id '': an order by EID alone needs --eid");
        }
        if self.eid.is_none() && self.smds.is_some() {
            return usage("--smds: an SM-DS keeps events by EID: give --eid");
        }
        Ok(())
    }
}

pub(super) async fn run(server: &ServerDir, orders: Orders, args: OrderArgs, json: bool) -> anyhow::Result<()> {
    args.check()?;
    if !args.matching_id.as_deref().is_none_or(has_matching_id_characters) {
        return Err(failure(Error::MatchingIdInvalid));
    }
    let code = args.confirmation_code.as_deref().map(confirmation_code).transpose()?;
    let address = server.address()?;
    // Before the order is placed: one whose code cannot be written would be lost.
    require_code(&address, args.matching_id.as_deref().unwrap_or_default(), code.is_some())?;
    let address = address.to_string();
    if args.expires.is_some_and(|end| end < now()) {
        eprintln!("warning: --expires: that time is over, so the order has expired already");
    }
    if matches!(args.policy, Policy::Reusable) {
        eprintln!("warning: a reusable order is for tests only: every eUICC that downloads it has the same subscriber");
    }
    if args.count > 1 {
        return order_many(orders, &address, &args, json).await;
    }
    // Shown only when it was made here: whoever gave a code knows it.
    let shown = code.as_ref().filter(|_| args.confirmation_code.as_deref() == Some("auto"));
    let shown = shown.map(|code| Zeroizing::new(code.reveal().to_owned()));
    let order = NewOrder { confirmation_code: code, ..args.order() };
    let placed = orders.order(order).await.map_err(failure)?;
    Printed { address: &address, placed: &placed, eid: args.eid, code: shown.as_ref().map(|code| code.as_str()) }
        .print(json)
}

/// Orders that are placed together share their commits. Every order that was placed is printed, whatever became of others.
async fn order_many(orders: Orders, address: &str, args: &OrderArgs, json: bool) -> anyhow::Result<()> {
    const TOGETHER: u32 = 64;
    let orders = Arc::new(orders);
    let (mut left, mut placed) = (args.count, 0);
    while left > 0 {
        let now_many = left.min(TOGETHER);
        let tasks: Vec<_> = (0..now_many)
            .map(|_| {
                let (orders, order) = (Arc::clone(&orders), args.order());
                tokio::spawn(async move { orders.order(order).await })
            })
            .collect();
        let mut failed = None;
        for task in tasks {
            match task.await? {
                Ok(order) => {
                    Printed { address, placed: &order, eid: args.eid, code: None }.print(json)?;
                    placed += 1;
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(failure(error).context(format!("{placed} of {} orders were placed", args.count)));
        }
        left -= now_many;
    }
    Ok(())
}

/// An order as it is told to the one who placed it.
pub(super) struct Printed<'a> {
    /// The server's address.
    pub(super) address: &'a str,
    pub(super) placed: &'a PlacedOrder,
    pub(super) eid: Option<Eid>,
    /// The confirmation code, where it was made here.
    pub(super) code: Option<&'a str>,
}

impl Printed<'_> {
    /// The activation code alone on standard output. A confirmation code reaches the user on another way, so it goes apart.
    fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", self.describe()?);
            return Ok(());
        }
        if let Some(code) = self.activation_code()? {
            println!("{}", code.as_str());
        }
        if let (true, Some(eid)) = (self.placed.matching_id.is_empty(), self.eid) {
            let address = self.address;
            eprintln!(
                "for EID {eid} alone: it asks for it by itself if its default SM-DP+ is {address}, or with this code"
            );
        }
        if self.placed.state == ProfileState::Confirmed {
            eprintln!("not released yet: openrsp smdp release {}", self.placed.iccid);
        }
        if let Some(code) = self.code {
            eprintln!("confirmation code (give it to the user apart from the activation code): {code}");
        }
        Ok(())
    }

    /// The order for `--json`.
    pub(super) fn describe(&self) -> anyhow::Result<Value> {
        let activation_code = self.activation_code()?;
        let mut line = json!({
            "activation_code": activation_code.as_ref().map(|code| code.as_str()),
            "matching_id": activation_code.is_some().then_some(&self.placed.matching_id),
            "iccid": self.placed.iccid.to_string(),
            "eid": self.eid.map(|eid| eid.to_string()),
            "state": self.placed.state.as_str(),
            "confirmation_code_required": self.placed.confirmation_code_required,
        });
        if let Some(code) = self.code {
            line["confirmation_code"] = Value::from(code);
        }
        Ok(line)
    }

    /// `LPA:1$address$matchingId`, without matching ID for an order by EID alone. `None` before the order is confirmed: until
    /// then it has neither.
    pub(super) fn activation_code(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
        if matches!(self.placed.state, ProfileState::Allocated | ProfileState::Linked) {
            return Ok(None);
        }
        let required = self.placed.confirmation_code_required;
        Ok(Some(ActivationCode::new(self.address, &self.placed.matching_id, None, required)?.to_uri()))
    }
}

/// Whether a text has no other characters than a MatchingID may have (SGP.22 4.1).
pub(crate) fn has_matching_id_characters(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-')
}

/// Where the code comes from; never the command line itself, which others can see.
pub(crate) fn confirmation_code(source: &str) -> anyhow::Result<ConfirmationCode> {
    let flag = "--confirmation-code";
    let code = match source.strip_prefix('@') {
        Some(path) => {
            require_private_if_kept(Path::new(path)).context(flag)?;
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(Exit::Input, format!("{flag} {source}: {error}")))?;
            Zeroizing::new(Zeroizing::new(text).trim_end_matches(['\r', '\n']).to_owned())
        }
        None if source == "auto" => return Ok(ConfirmationCode::generate(&mut OsRandomness)),
        None if source == "ask" => {
            if !std::io::stdin().is_terminal() {
                return Err(Failure::new(Exit::Usage, format!("{flag} ask: no terminal; use {flag} @FILE")));
            }
            Zeroizing::new(rpassword::prompt_password("Confirmation code: ")?)
        }
        None => return Err(Failure::new(Exit::Usage, format!("{flag}: use auto, ask or @FILE, not the code itself"))),
    };
    ConfirmationCode::new(code).map_err(failure)
}

pub(super) async fn release(orders: &Orders, text: &str, json: bool) -> anyhow::Result<()> {
    let profile = find(orders, text).await?;
    orders.release(&profile.iccid).await.map_err(|error| match error {
        Error::NotToBeReleased(iccid, state) => {
            let problem = format!("{iccid}: the profile is {state}, and only a confirmed order can be released");
            Failure::new(Exit::Failed, problem)
        }
        error => failure(error),
    })?;
    print_state(&profile.iccid, ProfileState::Released, json);
    Ok(())
}

pub(super) async fn cancel(orders: &Orders, text: &str, to: Final, json: bool) -> anyhow::Result<()> {
    let profile = find(orders, text).await?;
    let state = orders.cancel(&profile.iccid, matches!(to, Final::Available)).await.map_err(|error| match error {
        Error::Transition(_) | Error::DownloadedAlready(..) => {
            let problem = format!("{}: the profile is {}, and nothing is left to cancel", profile.iccid, profile.state);
            Failure::new(Exit::Failed, problem)
        }
        error => failure(error),
    })?;
    print_state(&profile.iccid, state, json);
    Ok(())
}

fn print_state(iccid: &Iccid, state: ProfileState, json: bool) {
    if json {
        println!("{}", json!({ "iccid": iccid.to_string(), "state": state.as_str() }));
    } else {
        println!("{iccid}: {state}");
    }
}
