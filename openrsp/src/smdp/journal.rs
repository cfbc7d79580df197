//! `openrsp smdp outbox` and `audit`: what is still to be told to others, and who did what to the server.

use clap::Args;
use rsp_smdp::Orders;
use rsp_store::Waiting;
use serde_json::{Value, json};

use super::{failure, or_dash, print_table};

/// Show who did what to the server itself: operators, stock, resets. What was done to orders stands in `show`.
#[derive(Args)]
pub(super) struct AuditArgs {
    /// How many entries, the newest ones.
    #[arg(long, value_name = "N", default_value = "100")]
    limit: u32,
}

/// List the messages that wait to be delivered to operators and SM-DSs, with the reason why the last attempt failed.
///
/// The pause after a failure grows to an hour, and is an hour at once where [egress] does not allow the recipient: when the
/// cause has been mended, --retry ends it.
#[derive(Args)]
pub(super) struct OutboxArgs {
    /// Have the messages that have failed tried again now.
    #[arg(long)]
    retry: bool,
}

/// Lists the messages that wait.
pub(super) async fn outbox(orders: &Orders, args: &OutboxArgs, json: bool) -> anyhow::Result<()> {
    if args.retry {
        let retried = orders.retry_messages().await.map_err(failure)?;
        eprintln!("{retried} messages that had failed are due now");
    }
    let waiting = orders.store().waiting_messages().await?;
    if json {
        waiting.iter().for_each(|message| println!("{}", describe(message)));
        return Ok(());
    }
    let rows: Vec<_> = waiting
        .iter()
        .map(|message| {
            [
                message.created_at.to_string(),
                name(message).to_owned(),
                or_dash(Some(&message.recipient).filter(|recipient| !recipient.is_empty())),
                message.attempts.to_string(),
                if message.behind { "behind an earlier one".to_owned() } else { message.due_at.to_string() },
                or_dash(message.problem.as_ref()),
            ]
        })
        .collect();
    print_table(["SINCE", "FUNCTION", "RECIPIENT", "TRIES", "NEXT TRY", "PROBLEM"], &rows);
    Ok(())
}

/// A message that waits, for `--json`.
pub(super) fn describe(message: &Waiting) -> Value {
    json!({
        "lane": message.lane,
        "function": message.function,
        "recipient": message.recipient,
        "attempts": message.attempts,
        "created_at": message.created_at.to_string(),
        "due_at": message.due_at.to_string(),
        "behind": message.behind,
        "problem": message.problem,
    })
}

/// The last part of the path: the function's name.
pub(super) fn name(message: &Waiting) -> &str {
    message.function.rsplit('/').next().unwrap_or(&message.function)
}

/// Shows the audit, the oldest entry first.
pub(super) async fn audit(orders: &Orders, args: &AuditArgs, json: bool) -> anyhow::Result<()> {
    for entry in orders.store().audit(args.limit).await?.iter().rev() {
        let at = entry.at.to_string();
        if json {
            let (actor, action, subject) = (&entry.actor, &entry.action, &entry.subject);
            println!("{}", json!({ "at": at, "actor": actor, "action": action, "subject": subject }));
        } else {
            println!("{at}  {}: {}  by {}", entry.action, entry.subject, entry.actor);
        }
    }
    Ok(())
}
