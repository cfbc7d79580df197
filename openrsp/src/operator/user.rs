//! `openrsp operator user`: who may sign in at the portal.

use std::io::IsTerminal as _;
use std::path::Path;

use clap::Subcommand;
use rsp_crypto::Zeroizing;
use rsp_operator::account::{Accounts, Add, NewPassword, Role};
use serde_json::json;

use super::{actor, failure};
use crate::exit::{Exit, Failure};
use crate::smdp::print_table;

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a user; a password that was made is printed once.
    Add {
        /// What it is called. A user of a tenant signs in as NAME@TENANT, which is printed.
        name: String,
        /// The tenant for whom it works; without one it belongs to the staff of the server, and sees every tenant.
        #[arg(long, value_name = "NAME")]
        tenant: Option<String>,
        /// What it may do: viewer, operator or admin.
        #[arg(long, default_value = "operator", value_parser = str::parse::<Role>)]
        role: Role,
        /// Where the password comes from: `auto` makes one, `@FILE` reads one, `ask` asks for one.
        #[arg(long, default_value = "auto", value_name = "auto|@FILE|ask")]
        password: String,
    },
    /// List users.
    List,
    /// Give a user another password, and sign its browsers out.
    Password {
        /// The user, by the name that it signs in with.
        name: String,
        /// Where the password comes from: `auto` makes one, `@FILE` reads one, `ask` asks for one.
        #[arg(long, default_value = "auto", value_name = "auto|@FILE|ask")]
        password: String,
    },
    /// Keep a user from signing in, and sign its browsers out.
    Disable {
        /// The user, by the name that it signs in with.
        name: String,
    },
    /// Let a user sign in again.
    Enable {
        /// The user, by the name that it signs in with.
        name: String,
    },
}

pub(super) async fn run(accounts: &Accounts, command: UserCommand, json: bool) -> anyhow::Result<()> {
    match command {
        UserCommand::Add { name, tenant, role, password } => {
            let (password, made) = new_password(accounts, &password)?;
            let add = Add { name, operator: tenant, role, password: Some(password) };
            let name = accounts.add_user(&actor(), add).await.map_err(failure)?.name;
            tell(&name, made, &format!("{name} can sign in as {role}"), json);
        }
        UserCommand::List => list(accounts, json).await?,
        UserCommand::Password { name, password } => {
            let (password, made) = new_password(accounts, &password)?;
            accounts.set_password(&actor(), &name, &password).await.map_err(failure)?;
            tell(&name, made, &format!("{name} has another password"), json);
        }
        UserCommand::Disable { name } => {
            accounts.disable_user(&actor(), &name, true).await.map_err(failure)?;
            tell(&name, None, &format!("{name} cannot sign in any more"), json);
        }
        UserCommand::Enable { name } => {
            accounts.disable_user(&actor(), &name, false).await.map_err(failure)?;
            tell(&name, None, &format!("{name} can sign in again"), json);
        }
    }
    Ok(())
}

fn tell(name: &str, made: Option<Zeroizing<String>>, text: &str, json: bool) {
    match made {
        Some(password) if json => println!("{}", json!({ "user": name, "password": *password })),
        None if json => println!("{}", json!({ "user": name })),
        Some(password) => {
            println!("{text}; its password, shown this once:");
            println!("{}", *password);
        }
        None => println!("{text}"),
    }
}

async fn list(accounts: &Accounts, json: bool) -> anyhow::Result<()> {
    let users = accounts.users(&actor()).await.map_err(failure)?;
    if json {
        for user in &users {
            let line = json!({
                "user": user.name, "role": user.role, "tenant": user.operator, "disabled": user.disabled,
                "signed_in_at": user.signed_in_at.map(|at| at.to_string()),
            });
            println!("{line}");
        }
        return Ok(());
    }
    let rows: Vec<_> = users
        .into_iter()
        .map(|user| {
            let state = if user.disabled { "disabled" } else { "active" };
            let signed_in_at = user.signed_in_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
            [user.name, user.role, user.operator.unwrap_or_default(), state.to_owned(), signed_in_at]
        })
        .collect();
    print_table(["USER", "ROLE", "TENANT", "STATE", "SIGNED IN"], &rows);
    Ok(())
}

/// The password, and once more to be printed if it was made here. It never comes from the command line itself, which others
/// can read.
fn new_password(accounts: &Accounts, source: &str) -> anyhow::Result<(NewPassword, Option<Zeroizing<String>>)> {
    let text = match source.strip_prefix('@') {
        Some(path) => {
            crate::system::require_private_if_kept(Path::new(path))?;
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(Exit::Input, format!("--password {source}: {error}")))?;
            Zeroizing::new(Zeroizing::new(text).trim_end_matches(['\r', '\n']).to_owned())
        }
        None if source == "auto" => {
            let made = accounts.generate_password();
            let told = Zeroizing::new(made.reveal().to_owned());
            return Ok((made, Some(told)));
        }
        None if source == "ask" => {
            if !std::io::stdin().is_terminal() {
                let problem = "--password ask: no terminal; use --password @FILE";
                return Err(Failure::new(Exit::Usage, problem));
            }
            let typed = Zeroizing::new(rpassword::prompt_password("Password: ")?);
            if *typed != rpassword::prompt_password("Once more: ")? {
                return Err(Failure::new(Exit::Usage, "the two are not the same"));
            }
            typed
        }
        None => return Err(Failure::new(Exit::Usage, "--password: use auto, ask or @FILE, not the password itself")),
    };
    let password = NewPassword::chosen(text).map_err(|error| Failure::new(Exit::Input, error))?;
    Ok((password, None))
}
