//! `openrsp operator webhook`: where a tenant's events go.

use clap::{Args, Subcommand};
use rsp_asn1::Timestamp;
use rsp_operator::webhooks::{
    KINDS, LONGEST_OVERLAP, MOST_DELIVERIES, USUAL_OVERLAP, WantedWebhook, WebhookShown, Webhooks, kind, kind_name,
};
use rsp_store::{Delivery, EventKind};
use serde_json::{Value, json};

use super::{actor, failure};
use crate::smdp::print_table;

#[derive(Subcommand)]
pub(super) enum WebhookCommand {
    /// Add a webhook; its secret is shown this once.
    Add(AddArgs),
    /// List the webhooks.
    List(ListArgs),
    /// Make a new secret, which is shown this once; the old ones count for a while longer.
    Rotate(RotateArgs),
    /// Send an event of type webhook.test; `openrsp serve` delivers it.
    Test(NamedArgs),
    /// Show the last attempts, the newest first.
    Deliveries(DeliveriesArgs),
    /// Remove a webhook with what waits for it.
    Remove(NamedArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// The tenant.
    tenant: String,
    /// Where events go: https://…; http://… only for hosts in [egress] of openrsp.toml.
    url: String,
    /// A kind of events: state, step, usage or network; may be given several times. All of them without any.
    #[arg(long = "kind", value_name = "KIND", value_parser = parse_kind)]
    kinds: Vec<EventKind>,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Only those of this tenant.
    tenant: Option<String>,
}

#[derive(Args)]
pub(super) struct NamedArgs {
    /// The webhook, as `list` shows it.
    id: String,
}

#[derive(Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// Seconds for which messages are signed with the old secrets, too; 0 ends them at once.
    #[arg(long, value_name = "SECONDS", default_value_t = USUAL_OVERLAP, value_parser = clap::value_parser!(i64).range(0..=LONGEST_OVERLAP))]
    overlap: i64,
}

#[derive(Args)]
pub(super) struct DeliveriesArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DELIVERIES)))]
    limit: u32,
}

pub(super) async fn run(webhooks: &Webhooks, command: WebhookCommand, json: bool) -> anyhow::Result<()> {
    let actor = actor();
    match command {
        WebhookCommand::Add(args) => {
            let all = || KINDS.iter().map(|(_, kind)| *kind).collect();
            let kinds = if args.kinds.is_empty() { all() } else { args.kinds };
            let wanted = WantedWebhook { tenant: Some(args.tenant), url: args.url, kinds };
            let added = webhooks.add(&actor, &wanted).await.map_err(failure)?;
            if json {
                let mut said = describe(&added.webhook);
                said["secret"] = added.secret.as_str().into();
                println!("{said}");
            } else {
                println!("{}: {}", added.webhook.id, added.webhook.url);
                println!("secret: {}", *added.secret);
                eprintln!("The secret is not shown again.");
            }
        }
        WebhookCommand::List(args) => {
            let list = webhooks.list(&actor, args.tenant.as_deref()).await.map_err(failure)?;
            print_list(&list, json);
        }
        WebhookCommand::Rotate(args) => {
            let secret = webhooks.rotate(&actor, &args.named.id, args.overlap).await.map_err(failure)?;
            if json {
                println!("{}", json!({ "id": args.named.id, "secret": *secret, "overlap_seconds": args.overlap }));
            } else {
                println!("secret: {}", *secret);
                eprintln!("The secret is not shown again. The old ones count for {} s.", args.overlap);
            }
        }
        WebhookCommand::Test(named) => {
            let event = webhooks.test(&actor, &named.id).await.map_err(failure)?;
            if json {
                println!("{}", json!({ "id": named.id, "event": event }));
            } else {
                println!("{event}: on its way; see `openrsp operator webhook deliveries {}`", named.id);
            }
        }
        WebhookCommand::Deliveries(args) => {
            let tried = webhooks.deliveries(&actor, &args.named.id, args.limit).await.map_err(failure)?;
            print_deliveries(&tried, json);
        }
        WebhookCommand::Remove(named) => {
            webhooks.remove(&actor, &named.id).await.map_err(failure)?;
            if json {
                println!("{}", json!({ "id": named.id, "removed": true }));
            } else {
                println!("{}: removed", named.id);
            }
        }
    }
    Ok(())
}

fn parse_kind(text: &str) -> Result<EventKind, String> {
    kind(text).ok_or_else(|| format!("{text:?} is none of state, step, usage, network"))
}

fn print_list(webhooks: &[WebhookShown], json: bool) {
    if json {
        webhooks.iter().for_each(|webhook| println!("{}", describe(webhook)));
        return;
    }
    let rows: Vec<_> = webhooks
        .iter()
        .map(|webhook| {
            let kinds: Vec<_> = webhook.kinds.iter().map(|kind| kind_name(*kind)).collect();
            let last =
                webhook.last.as_ref().map_or("-".to_owned(), |last| format!("{} {}", last.at, last.outcome.as_str()));
            [
                webhook.id.clone(),
                webhook.operator.clone(),
                webhook.url.clone(),
                kinds.join(","),
                webhook.delivered.to_string(),
                webhook.given_up.to_string(),
                last,
            ]
        })
        .collect();
    print_table(["WEBHOOK", "TENANT", "URL", "KINDS", "DELIVERED", "GIVEN UP", "LAST ATTEMPT"], &rows);
}

fn print_deliveries(tried: &[Delivery], json: bool) {
    if json {
        tried.iter().for_each(|tried| println!("{}", delivery(tried)));
        return;
    }
    let rows: Vec<_> = tried
        .iter()
        .map(|tried| {
            [
                tried.at.to_string(),
                tried.event_id.clone(),
                kind_name(tried.kind).to_owned(),
                tried.attempt.to_string(),
                tried.status.map_or("-".to_owned(), |status| status.to_string()),
                format!("{} ms", tried.milliseconds),
                tried.outcome.as_str().to_owned(),
                tried.problem.clone().unwrap_or_default(),
            ]
        })
        .collect();
    print_table(["AT", "EVENT", "KIND", "ATTEMPT", "STATUS", "TOOK", "OUTCOME", "PROBLEM"], &rows);
}

fn describe(webhook: &WebhookShown) -> Value {
    let kinds: Vec<_> = webhook.kinds.iter().map(|kind| kind_name(*kind)).collect();
    let time = |at: Timestamp| at.to_string();
    let secrets: Vec<_> = webhook
        .secrets
        .iter()
        .map(|secret| json!({ "created_at": time(secret.created_at), "expires_at": secret.expires_at.map(time) }))
        .collect();
    json!({
        "id": webhook.id,
        "tenant": webhook.operator,
        "url": webhook.url,
        "kinds": kinds,
        "secrets": secrets,
        "created_at": time(webhook.created_at),
        "created_by": webhook.created_by,
        "attempts": webhook.attempts,
        "delivered": webhook.delivered,
        "given_up": webhook.given_up,
        "last": webhook.last.as_ref().map(delivery),
    })
}

fn delivery(tried: &Delivery) -> Value {
    json!({
        "event": tried.event_id,
        "kind": kind_name(tried.kind),
        "iccid": tried.iccid.map(|iccid| iccid.to_string()),
        "attempt": tried.attempt,
        "at": tried.at.to_string(),
        "milliseconds": tried.milliseconds,
        "status": tried.status,
        "problem": tried.problem,
        "outcome": tried.outcome.as_str(),
    })
}
