//! `openrsp operator tenant`: operators of the SM-DP+ in whose names portal and REST API order.

use clap::Subcommand;
use rsp_operator::Desk;
use rsp_store::Operator;
use serde_json::json;

use crate::config::ServerDir;
use crate::exit::{Exit, Failure};
use crate::smdp::issue::{files, issue};
use crate::smdp::{failure, print_table};
use crate::system::now;

#[derive(Subcommand)]
pub(super) enum TenantCommand {
    /// Add a tenant: make its certificate for ES2+ under the CI of this server, and make it known to the SM-DP+. For an
    /// operator that is known already the certificate that was made is taken, if it is there.
    Add {
        /// The tenant's name.
        name: String,
        /// Digits with which each ICCID begins that it may name; without them, any.
        #[arg(long, value_name = "DIGITS", default_value = "", hide_default_value = true)]
        iccid_prefix: String,
        /// Digits with which each IMSI begins that it may import and have suspended, MCC and MNC first; without them, none.
        #[arg(long, value_name = "DIGITS")]
        imsi_prefix: Option<String>,
    },
    /// Say which IMSIs are a tenant's: those alone it may import, suspend and resume.
    Set {
        /// The tenant's name.
        name: String,
        /// Digits with which each of its IMSIs begins, MCC and MNC first, 5 to 14, and no other tenant's; an empty text
        /// for none.
        #[arg(long, value_name = "DIGITS")]
        imsi_prefix: String,
    },
    /// List operators, and which of them are tenants: those whose certificate and key are here.
    List,
}

pub(super) async fn run(server: &ServerDir, desk: &Desk, command: TenantCommand, json: bool) -> anyhow::Result<()> {
    match command {
        TenantCommand::Add { name, iccid_prefix, imsi_prefix } => {
            add(server, desk, name, iccid_prefix, imsi_prefix, json).await
        }
        TenantCommand::Set { name, imsi_prefix } => set(desk, &name, imsi_prefix, json).await,
        TenantCommand::List => list(server, desk, json).await,
    }
}

async fn add(
    server: &ServerDir,
    desk: &Desk,
    name: String,
    iccid_prefix: String,
    imsi_prefix: Option<String>,
    json: bool,
) -> anyhow::Result<()> {
    let known = desk.store().operator(&name).await?;
    let issued = issue(server, &name, None).map_err(|problem| Failure::new(Exit::Input, problem.message))?;
    match known {
        Some(known) if known.certificate == issued.fingerprint => {
            if let Some(imsi_prefix) = imsi_prefix {
                desk.orders().change_operator(Operator { imsi_prefix, ..known }).await.map_err(failure)?;
            }
        }
        Some(_) => {
            let (certificate, key) = files(server, &name);
            let problem = format!(
                "{name:?} orders with a certificate of its own: put it and its key into {} and {}, or give it the new one: \
                 openrsp smdp operator change {name:?} --certificate {}",
                certificate.display(),
                key.display(),
                certificate.display()
            );
            return Err(Failure::new(Exit::Input, problem));
        }
        None => {
            let operator = Operator {
                name: name.clone(),
                certificate: issued.fingerprint,
                endpoint: None,
                iccid_prefix,
                imsi_prefix: imsi_prefix.unwrap_or_default(),
                created_at: now(),
            };
            desk.orders().add_operator(operator).await.map_err(failure)?;
        }
    }
    if json {
        println!("{}", json!({ "tenant": name, "certificate": issued.certificate, "key": issued.key }));
    } else {
        println!("{name}: orders with {}", issued.certificate.display());
    }
    Ok(())
}

async fn set(desk: &Desk, name: &str, imsi_prefix: String, json: bool) -> anyhow::Result<()> {
    let unknown = || Failure::new(Exit::Input, format!("there is no operator {name:?}"));
    let known = desk.store().operator(name).await?.ok_or_else(unknown)?;
    desk.orders().change_operator(Operator { imsi_prefix: imsi_prefix.clone(), ..known }).await.map_err(failure)?;
    if json {
        println!("{}", json!({ "tenant": name, "imsi_prefix": imsi_prefix }));
    } else if imsi_prefix.is_empty() {
        println!("{name}: no IMSI is its own");
    } else {
        println!("{name}: IMSIs that begin with {imsi_prefix} are its own");
    }
    Ok(())
}

async fn list(server: &ServerDir, desk: &Desk, json: bool) -> anyhow::Result<()> {
    let operators = desk.store().operators().await?;
    let tenant = |operator: &Operator| {
        let (certificate, key) = files(server, &operator.name);
        certificate.is_file() && key.is_file()
    };
    if json {
        for operator in &operators {
            println!(
                "{}",
                json!({ "operator": operator.name, "tenant": tenant(operator), "imsi_prefix": operator.imsi_prefix })
            );
        }
        return Ok(());
    }
    let rows: Vec<_> = operators
        .iter()
        .map(|operator| {
            let tenant = if tenant(operator) { "yes" } else { "no" };
            let prefix = Some(operator.imsi_prefix.as_str()).filter(|prefix| !prefix.is_empty());
            [operator.name.clone(), tenant.to_owned(), prefix.unwrap_or("-").to_owned()]
        })
        .collect();
    print_table(["OPERATOR", "TENANT", "IMSIS"], &rows);
    Ok(())
}
