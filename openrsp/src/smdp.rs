//! `openrsp smdp`: the operator's commands. They work on the database, whether the server runs or not.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use rsp_asn1::{Eid, Iccid, NotificationEvent, PprIds, ProfileClass};
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_smdp::{ConfirmationCode, Error, Icon, Import, MetadataOptions, NewOrder, Notify, Orders, PlacedOrder};
use rsp_store::Profile;
use serde_json::{Value, json};

use crate::config::{ServerDir, require_code};
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now};

/// Operate an SM-DP+: import profiles, order, show and cancel.
#[derive(Args)]
pub(crate) struct SmdpArgs {
    /// The server's directory.
    #[arg(long, value_name = "DIR", env = "OPENRSP_DIR", default_value = ".")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Import(Box<ImportArgs>),
    Order(OrderArgs),
    /// List profiles and their orders.
    Orders,
    /// Show one profile, its order, what happened to it, and its notifications.
    Show {
        /// ICCID or matching ID.
        profile: String,
    },
    /// Cancel an order; its matching ID is never used again.
    Cancel {
        /// ICCID or matching ID.
        profile: String,
        /// What becomes of the profile.
        #[arg(long, value_name = "STATE", value_enum, default_value = "available")]
        to: Final,
    },
}

/// Add a profile package to the inventory, or a template.
#[derive(Args)]
struct ImportArgs {
    /// The unprotected profile package, DER.
    file: PathBuf,
    /// Name under which it is ordered.
    #[arg(long = "type", value_name = "NAME")]
    type_name: String,
    /// Service provider name that users see; by default the one in the package.
    #[arg(long)]
    spn: Option<String>,
    /// Profile name that users see; by default the name of the type.
    #[arg(long)]
    profile_name: Option<String>,
    /// What the profile is for.
    #[arg(long, value_enum, default_value = "operational")]
    class: Class,
    /// Icon, PNG or JPEG of at most 1024 bytes.
    #[arg(long, value_name = "FILE")]
    icon: Option<PathBuf>,
    /// Profile policy rule; may be given twice.
    #[arg(long, value_name = "RULE", value_enum)]
    ppr: Vec<Ppr>,
    /// Network of the profile's owner, as its IMSI begins.
    #[arg(long, value_name = "MCCMNC")]
    owner: Option<String>,
    /// Notification to be sent: install, enable, disable or delete, and where to; may be repeated.
    #[arg(long, value_name = "EVENT=HOST")]
    notify: Vec<NotifyArg>,
    /// Each order gets a fresh ICCID, IMSI and keys.
    #[arg(long)]
    template: bool,
}

/// Order a profile and print its activation code.
#[derive(Args)]
struct OrderArgs {
    /// Name of the profile type.
    #[arg(long = "type", value_name = "NAME")]
    type_name: String,
    /// The only eUICC that may download it; without it, the first that comes.
    #[arg(long)]
    eid: Option<Eid>,
    /// Matching ID of your choice (0-9, A-Z, -); by default 26 random characters.
    #[arg(long, value_name = "ID")]
    matching_id: Option<String>,
    /// Require a confirmation code: `auto` makes one, `@FILE` reads one, `ask` asks for one.
    #[arg(long, value_name = "auto|@FILE|ask")]
    confirmation_code: Option<String>,
    /// Seconds until the order expires.
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u32>,
    /// Number of orders, one line each.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["matching_id", "confirmation_code"])]
    count: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Final {
    Available,
    Unavailable,
}

#[derive(Clone, Copy, ValueEnum)]
enum Class {
    Test,
    Provisioning,
    Operational,
}

#[derive(Clone, Copy, ValueEnum)]
enum Ppr {
    /// The profile cannot be disabled.
    Ppr1,
    /// The profile cannot be deleted.
    Ppr2,
}

#[derive(Clone)]
struct NotifyArg(Notify);

impl FromStr for NotifyArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (event, address) = text.split_once('=').ok_or("expected EVENT=HOST")?;
        let event = match event {
            "install" => NotificationEvent::INSTALL,
            "enable" => NotificationEvent::ENABLE,
            "disable" => NotificationEvent::DISABLE,
            "delete" => NotificationEvent::DELETE,
            other => return Err(format!("{other:?} is none of install, enable, disable, delete")),
        };
        Ok(Self(Notify { event, address: address.to_owned() }))
    }
}

/// Runs one command.
pub(crate) fn run(args: SmdpArgs, json: bool) -> anyhow::Result<ExitCode> {
    let server = ServerDir::open(&args.dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let orders = server.orders("openrsp smdp").await?;
        match args.command {
            Command::Import(import) => run_import(&orders, *import, json).await?,
            Command::Order(order) => run_order(&server, orders, order, json).await?,
            Command::Orders => run_list(&orders, json).await?,
            Command::Show { profile } => run_show(&orders, &profile, json).await?,
            Command::Cancel { profile, to } => run_cancel(&orders, &profile, to, json).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Bad files and values are the caller's input; the rest failed.
fn failure(error: Error) -> anyhow::Error {
    let exit = match &error {
        Error::Package(_)
        | Error::Metadata { .. }
        | Error::MatchingIdInvalid
        | Error::ConfirmationCodeInvalid
        | Error::ProfileTypeUnknown(_)
        | Error::ProfileTypeExists(_)
        | Error::IccidUnknown(_)
        | Error::IccidExists(_)
        | Error::MatchingIdInUse => Exit::Input,
        _ => Exit::Failed,
    };
    Failure::new(exit, error)
}

async fn run_import(orders: &Orders, args: ImportArgs, json: bool) -> anyhow::Result<()> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", path.display())))
    };
    let package = Zeroizing::new(read(&args.file)?);
    let icon = args.icon.as_deref().map(|path| Icon::new(read(path)?).map_err(failure)).transpose()?;
    let metadata = MetadataOptions {
        service_provider_name: args.spn,
        profile_name: args.profile_name,
        class: Some(match args.class {
            Class::Test => ProfileClass::TEST,
            Class::Provisioning => ProfileClass::PROVISIONING,
            Class::Operational => ProfileClass::OPERATIONAL,
        }),
        icon,
        policy_rules: args
            .ppr
            .iter()
            .map(|rule| match rule {
                Ppr::Ppr1 => PprIds::PPR1,
                Ppr::Ppr2 => PprIds::PPR2,
            })
            .collect(),
        owner: args.owner,
        notify: args.notify.into_iter().map(|notify| notify.0).collect(),
    };
    let import = Import {
        type_name: args.type_name.clone(),
        operator: None,
        package,
        template: args.template,
        iccids: None,
        metadata,
    };
    let imported = orders.import(import).await.map_err(failure).with_context(|| args.file.display().to_string())?;
    if json {
        let iccid = imported.iccid.to_string();
        let size = imported.package_size;
        println!("{}", json!({ "type": args.type_name, "iccid": iccid, "bytes": size, "template": args.template }));
    } else {
        let kind = if args.template { "template" } else { "profile" };
        println!("{}: {kind} {}, {} bytes", args.type_name, imported.iccid, imported.package_size);
    }
    Ok(())
}

async fn run_order(server: &ServerDir, orders: Orders, args: OrderArgs, json: bool) -> anyhow::Result<()> {
    let code = args.confirmation_code.as_deref().map(confirmation_code).transpose()?;
    let expires_at = args.lifetime.map(|seconds| now().plus_seconds(i64::from(seconds)));
    let address = server.address()?;
    // Before the order is placed: one whose code cannot be written would be lost.
    require_code(&address, args.matching_id.as_deref().unwrap_or_default(), code.is_some())?;
    let address = address.to_string();
    if args.count > 1 {
        return order_many(orders, &address, &args, json).await;
    }
    // Shown only when it was made here: whoever gave a code knows it.
    let shown = code.as_ref().filter(|_| args.confirmation_code.as_deref() == Some("auto"));
    let shown = shown.map(|code| Zeroizing::new(code.reveal().to_owned()));
    let order = NewOrder {
        eid: args.eid,
        matching_id: args.matching_id,
        confirmation_code: code,
        expires_at,
        ..NewOrder::of(&args.type_name)
    };
    let placed = orders.order(order).await.map_err(failure)?;
    print_order(&address, &placed, shown.as_ref().map(|code| code.as_str()), json)
}

/// Orders that are placed together share their commits. Every order that was placed is printed, whatever became of others.
async fn order_many(orders: Orders, address: &str, args: &OrderArgs, json: bool) -> anyhow::Result<()> {
    const TOGETHER: u32 = 64;
    let orders = std::sync::Arc::new(orders);
    let (mut left, mut placed) = (args.count, 0);
    while left > 0 {
        let now_many = left.min(TOGETHER);
        let tasks: Vec<_> = (0..now_many)
            .map(|_| {
                let orders = std::sync::Arc::clone(&orders);
                let order = NewOrder {
                    eid: args.eid,
                    expires_at: args.lifetime.map(|seconds| now().plus_seconds(i64::from(seconds))),
                    ..NewOrder::of(&args.type_name)
                };
                tokio::spawn(async move { orders.order(order).await })
            })
            .collect();
        let mut failed = None;
        for task in tasks {
            match task.await? {
                Ok(order) => {
                    print_order(address, &order, None, json)?;
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

/// The activation code alone on standard output. A confirmation code reaches the user on another way, so it goes apart.
fn print_order(address: &str, placed: &PlacedOrder, code: Option<&str>, json: bool) -> anyhow::Result<()> {
    let activation =
        ActivationCode::new(address, &placed.matching_id, None, placed.confirmation_code_required)?.to_uri();
    if json {
        let mut line = json!({
            "activation_code": activation.as_str(),
            "matching_id": placed.matching_id,
            "iccid": placed.iccid.to_string(),
            "confirmation_code_required": placed.confirmation_code_required,
        });
        if let Some(code) = code {
            line["confirmation_code"] = Value::from(code);
        }
        println!("{line}");
    } else {
        println!("{}", activation.as_str());
        if let Some(code) = code {
            eprintln!("confirmation code (give it to the user apart from the activation code): {code}");
        }
    }
    Ok(())
}

/// Where the code comes from; never the command line itself, which others can see.
pub(crate) fn confirmation_code(source: &str) -> anyhow::Result<ConfirmationCode> {
    let flag = "--confirmation-code";
    let code = match source.strip_prefix('@') {
        Some(path) => {
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

async fn run_list(orders: &Orders, json: bool) -> anyhow::Result<()> {
    let profiles = orders.store().profiles().await?;
    for profile in &profiles {
        if json {
            println!("{}", describe(profile));
        } else {
            let matching_id = profile.matching_id.as_deref().unwrap_or("-");
            let eid = profile.eid.map_or_else(|| "-".to_owned(), |eid| eid.to_string());
            println!(
                "{}  {:<11}  {:<16}  {matching_id:<26}  {eid}",
                profile.iccid, profile.state, profile.profile_type
            );
        }
    }
    Ok(())
}

/// Everything about a profile that is no secret of its subscriber.
fn describe(profile: &Profile) -> Value {
    json!({
        "iccid": profile.iccid.to_string(),
        "type": profile.profile_type,
        "state": profile.state.as_str(),
        "eid": profile.eid.map(|eid| eid.to_string()),
        "matching_id": profile.matching_id,
        "bytes": profile.package_size,
        "confirmation_code_required": profile.confirmation_code.is_some(),
        "confirmation_tries": profile.confirmation_tries,
        "download_tries": profile.download_tries,
        "expires_at": profile.expires_at.map(|at| at.to_string()),
        "updated_at": profile.updated_at.to_string(),
        "updated_by": profile.updated_by,
    })
}

/// A profile by ICCID or matching ID.
async fn find(orders: &Orders, text: &str) -> anyhow::Result<Profile> {
    let by_matching_id = orders.store().profile_by_matching_id(text).await?;
    let found = match (by_matching_id, text.parse::<Iccid>()) {
        (Some(profile), _) => Some(profile),
        (None, Ok(iccid)) => orders.store().profile(&iccid).await?,
        (None, Err(_)) => None,
    };
    found.ok_or_else(|| Failure::new(Exit::Input, format!("{text}: no profile has this ICCID or matching ID")))
}

async fn run_show(orders: &Orders, text: &str, json: bool) -> anyhow::Result<()> {
    let profile = find(orders, text).await?;
    let events = orders.store().profile_events(&profile.iccid).await?;
    let notifications = orders.store().notifications(&profile.iccid).await?;
    let imsi = orders.store().subscriber(&profile.iccid).await?.map(|subscriber| subscriber.imsi);
    let mut description = describe(&profile);
    description["imsi"] = imsi.into();
    if json {
        description["events"] = events
            .iter()
            .map(|event| {
                let from = event.from.map(|state| state.as_str());
                json!({ "at": event.at.to_string(), "actor": event.actor, "from": from, "to": event.to.as_str() })
            })
            .collect();
        description["notifications"] = notifications
            .iter()
            .map(|taken| {
                let at = taken.received_at.to_string();
                json!({ "at": at, "eid": taken.eid.to_string(), "seq": taken.seq_number, "event": taken.event })
            })
            .collect();
        println!("{description}");
        return Ok(());
    }
    for (name, value) in description.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        println!("{name:<27} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    for event in events {
        let from = event.from.map_or("-", |state| state.as_str());
        println!("{}  {from} -> {}  by {}", event.at, event.to, event.actor);
    }
    for taken in notifications {
        println!("{}  {} number {} of {}", taken.received_at, taken.event, taken.seq_number, taken.eid);
    }
    Ok(())
}

async fn run_cancel(orders: &Orders, text: &str, to: Final, json: bool) -> anyhow::Result<()> {
    let profile = find(orders, text).await?;
    let state = orders.cancel(&profile.iccid, matches!(to, Final::Available)).await.map_err(|error| match error {
        Error::Transition(_) | Error::DownloadedAlready(..) => {
            let problem = format!("{}: the profile is {}, and nothing is left to cancel", profile.iccid, profile.state);
            Failure::new(Exit::Failed, problem)
        }
        error => failure(error),
    })?;
    if json {
        println!("{}", json!({ "iccid": profile.iccid.to_string(), "state": state.as_str() }));
    } else {
        println!("{}: {state}", profile.iccid);
    }
    Ok(())
}
