//! `openrsp operator`: the operator's side of a server: who sells what, and who may come in.

mod import;
mod intent;
mod key;
mod plan;
mod receipt;
mod tenant;
mod user;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use rsp_operator::account::{Accounts, Origin};
use rsp_operator::keys::Keys;
use rsp_operator::provisioning::{Supplier, Suppliers};
use rsp_operator::{Actor, Desk, Error, Rights};
use rsp_smdp::SharedRandomness;

use crate::config::{ServerDir, SystemClock};
use crate::exit::{Exit, Failure};
use crate::serve::webhooks::webhooks;
use crate::serve::{OwnSmdp, is_test_pki};
use crate::system::OsRandomness;

/// Who acts on the command line: whoever has the server's files may do everything.
const ACTOR: &str = "openrsp operator";

/// Run the operator's side: tenants, what they sell, and who may come in.
///
/// A tenant is an operator of the SM-DP+ (`openrsp smdp operator`) whose certificate and key are kept in the server's
/// directory, so that portal and REST API can order over ES2+ in its name. Section [operator] of openrsp.toml says where these
/// two are served.
#[derive(Args)]
pub(crate) struct OperatorArgs {
    /// The server's directory, made by `openrsp init`.
    #[arg(long, env = "OPENRSP_DIR", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tenants: operators that portal and REST API order for.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// The catalogue: what tenants sell.
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Users of the portal.
    #[command(subcommand)]
    User(user::UserCommand),
    /// API keys: what tenants' programs call the REST API with.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Import a list of subscribers as Open5GS exports it: an eSIM for each is ordered, and a PDF has a sheet for each.
    ImportSubscribers(import::ImportArgs),
    /// Receipts: what a server signed.
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Webhooks: where tenants' events go.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Orders that were begun at an SM-DP+ and are nobody's yet.
    #[command(subcommand)]
    Intent(intent::IntentCommand),
}

/// Runs one command.
pub(crate) fn run(args: OperatorArgs, json: bool) -> anyhow::Result<ExitCode> {
    if let Command::Receipt(command) = &args.command {
        receipt::run(command, json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let server = ServerDir::open(&args.dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let desk = desk(&server).await?;
        match args.command {
            Command::Tenant(command) => tenant::run(&server, &desk, command, json).await?,
            Command::Plan(command) => plan::run(&desk, command, json).await?,
            Command::User(command) => user::run(&accounts(&server, &desk)?, command, json).await?,
            Command::Key(command) => {
                let keys = Keys::new(Arc::clone(desk.store()), desk.randomness());
                key::run(&keys, command, json).await?;
            }
            Command::ImportSubscribers(args) => {
                let test_pki = is_test_pki(&server.trust()?.0);
                import::run(&ordering_desk(&server).await?, &actor(), args, test_pki, json).await?;
            }
            Command::Intent(command) => intent::run(&desk, command, json).await?,
            // Needs no server, and was run before.
            Command::Receipt(_) => {}
            Command::Webhook(command) => {
                let webhooks = webhooks(&server, Arc::clone(desk.store()), Arc::new(SystemClock));
                webhook::run(&webhooks, command, json).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The desk of a server, for what needs no SM-DP+ to be reached.
async fn desk(server: &ServerDir) -> anyhow::Result<Desk> {
    let orders = server.orders(ACTOR).await?;
    let store = server.store().await?;
    let randomness = SharedRandomness::new(Box::new(OsRandomness));
    Ok(Desk::new(store, orders, Arc::new(Nowhere), Arc::new(SystemClock), randomness))
}

/// The desk of a server that runs: it orders over ES2+.
async fn ordering_desk(server: &ServerDir) -> anyhow::Result<Desk> {
    let no_es2plus = || Failure::new(Exit::Input, "orders go over ES2+: set es2plus.listen");
    let es2plus = server.config.es2plus_listen().ok_or_else(no_es2plus)?;
    let suppliers = Arc::new(OwnSmdp::new(server.again()?, es2plus)?);
    let (orders, store) = (server.orders(ACTOR).await?, server.store().await?);
    let randomness = SharedRandomness::new(Box::new(OsRandomness));
    Ok(Desk::new(store, orders, suppliers, Arc::new(SystemClock), randomness))
}

/// The accounts of a server.
fn accounts(server: &ServerDir, desk: &Desk) -> anyhow::Result<Accounts> {
    // Passkeys are made in browsers: without a portal any address does.
    let url = server.config.operator.as_ref().map_or("https://localhost", |section| section.url.as_str());
    let origin = Origin::of(url)?;
    Ok(Accounts::new(Arc::clone(desk.store()), Arc::new(SystemClock), desk.randomness(), origin))
}

/// Whoever has the server's files.
fn actor() -> Actor {
    Actor::new(None, ACTOR, Rights::ALL)
}

/// Commands order nothing: a server must run for that.
struct Nowhere;

impl Suppliers for Nowhere {
    fn of(&self, _: &str, _: &str) -> Result<Vec<Arc<Supplier>>, String> {
        Ok(Vec::new())
    }

    fn own(&self, _: &str) -> Result<Arc<Supplier>, String> {
        Err("the server does not run".to_owned())
    }
}

/// Bad values are the caller's input; the rest failed.
fn failure(error: Error) -> anyhow::Error {
    let exit = match &error {
        Error::Invalid { .. } | Error::NotFound { .. } | Error::Exists { .. } => Exit::Input,
        Error::Refused(_) => Exit::Refused,
        Error::Unreachable(_) => Exit::Network,
        _ => Exit::Failed,
    };
    Failure::new(exit, error)
}
