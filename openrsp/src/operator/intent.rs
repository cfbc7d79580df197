//! `openrsp operator intent`: orders that were begun at an SM-DP+ and are nobody's yet.

use clap::Subcommand;
use rsp_operator::Desk;
use rsp_store::Intent;
use serde_json::json;

use super::{actor, failure};
use crate::smdp::{or_dash, print_table};

#[derive(Subcommand)]
pub(super) enum IntentCommand {
    /// List them, the oldest first. One that stays is given up at its SM-DP+ by the server that runs; the problem says why that
    /// has not gone so far.
    List,
    /// Forget one that was settled by hand at its SM-DP+: the server gives it up no more.
    Forget {
        /// Its call, as it is listed.
        call: String,
    },
}

pub(super) async fn run(desk: &Desk, command: IntentCommand, json: bool) -> anyhow::Result<()> {
    match command {
        IntentCommand::List => list(&desk.intents(&actor()).await.map_err(failure)?, json),
        IntentCommand::Forget { call } => {
            desk.forget_intent(&actor(), &call).await.map_err(failure)?;
            if json {
                println!("{}", json!({ "call": call, "forgotten": true }));
            } else {
                println!("{call}: forgotten");
            }
        }
    }
    Ok(())
}

fn list(intents: &[Intent], json: bool) {
    if json {
        for intent in intents {
            println!(
                "{}",
                json!({
                    "call": intent.call_id,
                    "tenant": intent.operator,
                    "carrier": intent.carrier,
                    "plan": intent.plan,
                    "smdp": intent.smdp,
                    "iccid": intent.iccid.map(|iccid| iccid.to_string()),
                    "eid": intent.eid.map(|eid| eid.to_string()),
                    "device_id": intent.device_id,
                    "reference": intent.reference,
                    "created_at": intent.created_at.to_string(),
                    "created_by": intent.created_by,
                    "attempts": intent.attempts,
                    "problem": intent.problem,
                })
            );
        }
        return;
    }
    let rows: Vec<_> = intents
        .iter()
        .map(|intent| {
            [
                intent.call_id.clone(),
                intent.operator.clone(),
                intent.smdp.clone(),
                or_dash(intent.iccid),
                intent.created_at.to_string(),
                intent.attempts.to_string(),
                or_dash(intent.problem.as_ref()),
            ]
        })
        .collect();
    print_table(["CALL", "TENANT", "SMDP", "ICCID", "SINCE", "ATTEMPTS", "PROBLEM"], &rows);
}
