//! `openrsp operator key`: keys with which a tenant's programs call the REST API.

use clap::{Args, Subcommand};
use rsp_asn1::Timestamp;
use rsp_operator::Rights;
use rsp_operator::keys::{Keys, NewKey};
use rsp_store::ApiKey;
use serde_json::json;

use super::{ACTOR, failure};
use crate::smdp::{or_dash, parse_timestamp, print_table};
use crate::system::now;

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    Add(AddArgs),
    /// List the keys, with what they may do and when they were used.
    List {
        /// Only those of this tenant.
        #[arg(long, value_name = "NAME")]
        tenant: Option<String>,
    },
    /// Give a key another secret, which is printed once. The present one is good for a while beside it.
    Rotate {
        /// Its public part: the 16 digits after `orsp_`.
        id: String,
        /// Hours for which the present secret stays good, at most 720.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap: u16,
    },
    /// Revoke a key, at once and for good.
    Revoke {
        /// Its public part: the 16 digits after `orsp_`.
        id: String,
    },
}

/// Make a key, which is printed once: only a hash of it is kept.
#[derive(Args)]
pub(super) struct AddArgs {
    /// The tenant whose key it is.
    tenant: String,
    /// What people call it, for example the program that uses it.
    name: String,
    /// What it may do: read, provision, codes (be told confirmation codes), manage (plans, webhooks).
    #[arg(long, value_name = "RIGHT,…", default_value = "read,provision")]
    rights: Rights,
    /// Its last moment, for example 2027-01-31T12:00:00Z; without it, it is good until it is revoked.
    #[arg(long, value_name = "TIME", value_parser = parse_timestamp)]
    expires: Option<Timestamp>,
}

pub(super) async fn run(keys: &Keys, command: KeyCommand, json: bool) -> anyhow::Result<()> {
    match command {
        KeyCommand::Add(args) => {
            let new = NewKey { tenant: args.tenant, name: args.name, rights: args.rights, expires_at: args.expires };
            let (key, text) = keys.add(new, ACTOR, now()).await.map_err(failure)?;
            show(&key.id, &text, json);
        }
        KeyCommand::List { tenant } => list(&keys.list(tenant.as_deref()).await.map_err(failure)?, json),
        KeyCommand::Rotate { id, overlap } => {
            let rotated = keys.rotate(None, &id, i64::from(overlap) * 3_600, ACTOR, now()).await;
            show(&id, &rotated.map_err(failure)?, json);
        }
        KeyCommand::Revoke { id } => {
            keys.revoke(None, &id, ACTOR, now()).await.map_err(failure)?;
            if json {
                println!("{}", json!({ "id": id, "revoked": true }));
            } else {
                println!("{id}: revoked");
            }
        }
    }
    Ok(())
}

fn show(id: &str, text: &str, json: bool) {
    if json {
        println!("{}", json!({ "id": id, "key": text }));
    } else {
        println!("{text}");
        eprintln!("This is the only time that the key is shown.");
    }
}

fn list(keys: &[ApiKey], json: bool) {
    let now = now();
    let state = |key: &ApiKey| match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "good",
        None => "expired",
    };
    if json {
        for key in keys {
            let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
            let previous = key.previous.as_ref().map(|previous| previous.until).filter(|until| now <= *until);
            println!(
                "{}",
                json!({
                    "id": key.id,
                    "tenant": key.operator,
                    "name": key.name,
                    "rights": key.rights,
                    "state": state(key),
                    "created_at": key.created_at.to_string(),
                    "rotated_at": time(key.rotated_at),
                    "previous_secret_until": time(previous),
                    "expires_at": time(key.expires_at),
                    "revoked_at": time(key.revoked_at),
                    "used_at": time(key.used_at),
                })
            );
        }
        return;
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let columns = [&key.id, &key.operator, &key.name, &key.rights].map(Clone::clone);
            let [id, tenant, name, rights] = columns;
            let time = |time: Option<Timestamp>| or_dash(time.map(|time| time.to_string()).as_ref());
            [id, tenant, name, rights, state(key).to_owned(), time(key.expires_at), time(key.used_at)]
        })
        .collect();
    print_table(["ID", "TENANT", "NAME", "RIGHTS", "STATE", "EXPIRES", "USED"], &rows);
}
