//! `openrsp provision-esim`: an eSIM in one command, ordered over ES2+ at the SM-DP+ of a carrier.

mod offline;
mod own;
mod report;
mod traces;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rsp_asn1::Eid;
use rsp_crypto::Zeroizing;
use rsp_es::printable::printable;
use rsp_operator::provisioning::{self, Error, Insecure, NoTraces, Order, Supplier, Traces};
use rsp_smdp::ConfirmationCode;
use serde_json::{Map, Value, json};

use crate::config::suppliers::CarriersFile;
use crate::exit::{Exit, Failure};
use crate::smdp::order::confirmation_code;
use crate::system::OsRandomness;
pub(crate) use offline::Maker;
use report::Provisioned;
use traces::Files;

/// Longest name that a message repeats, in characters.
const MAX_NAME: usize = 64;

/// Order an eSIM and print what goes to its user: ICCID, activation code, QR code.
///
/// The order goes over ES2+ with mutual TLS to the SM-DP+s that the configuration names for the carrier, one after the other
/// until one has a profile; one wish never sells two. Without any configuration an SM-DP+ of your own is made and used, with
/// test profiles: `openrsp serve` on its directory then delivers them.
///
/// The confirmation code, if there is one, is printed on a line of its own on standard error (with --json as a member of its
/// own): it has to reach the user on another way than the activation code.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct ProvisionArgs {
    /// The carrier, as the configuration names it.
    #[arg(long, value_name = "NAME", value_parser = name)]
    carrier: String,
    /// The plan, as the configuration names it for this carrier.
    #[arg(long, value_name = "NAME", value_parser = name)]
    plan: String,
    /// Demand TLS 1.3 and a pinned key on the connection to the SM-DP+, and an order bound to an EID or a confirmation code.
    /// Prints what was agreed on, or refuses and says why. The phone's own connection is not part of it.
    #[arg(long)]
    secure: bool,
    /// The only eUICC that may download it, 32 digits.
    #[arg(long, value_parser = eid)]
    eid: Option<Eid>,
    /// Whether a confirmation code is needed: `auto` makes one, `none` does without, `ask` asks for one, @FILE reads one.
    #[arg(long, value_name = "auto|none|ask|@FILE", default_value = "none")]
    confirmation_code: String,
    /// Write the QR code to a new file, which only you can read. With --count, -1, -2, … stands before the dot.
    #[arg(long, value_name = "FILE.png|FILE.svg", value_parser = report::parse_picture)]
    qr: Option<PathBuf>,
    /// Call nobody: make codes under ICCIDs of your own, and a batch signed with your key, which `openrsp smdp load-batch` at
    /// the SM-DP+ takes later. Until then it refuses them.
    #[arg(long, conflicts_with = "secure")]
    offline: bool,
    /// Where the batch goes: a new file, which only you can read. Without it offline-….batch here.
    #[arg(long, value_name = "FILE", requires = "offline")]
    out: Option<PathBuf>,
    /// Number of eSIMs.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Where carriers are configured; without it openrsp/provision.toml in $XDG_CONFIG_HOME or ~/.config, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const EXAMPLE: &str = "\
Examples:
  openrsp provision-esim --carrier Example --plan 5GB --qr example.png
  openrsp provision-esim --carrier Example --plan 5GB --offline --count 1000 --out codes.batch
  openrsp provision-esim --carrier Example --plan 5GB --secure --confirmation-code auto --json

Exit codes: 0 provisioned, 2 wrong usage, 3 configuration, 4 refused by the SM-DP+, 6 no SM-DP+ answered or its connection is
not as --secure demands. Details with --json: subject, reason, insecure (no-pin, wrong-pin, tls-version, unbound), uncertain.";

/// Runs it.
pub(crate) fn run(args: &ProvisionArgs, json: bool) -> anyhow::Result<ExitCode> {
    let code = code(args)?;
    if args.secure && args.eid.is_none() && code.is_none() {
        return Err(insecure(&Insecure::Unbound, None));
    }
    report::check_pictures(args.qr.as_deref(), args.count)?;
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match configured(args)? {
        Some((file, config)) => {
            let name = |name: &str| printable(name, MAX_NAME);
            let bad = |problem: String| Failure::new(Exit::Input, format!("{}: {problem}", file.display()));
            let known = |names: Vec<&String>| names.into_iter().map(|it| name(it)).collect::<Vec<_>>().join(", ");
            let section = config.carrier.get(&args.carrier).ok_or_else(|| {
                let known = known(config.carrier.keys().collect());
                bad(format!("carrier {:?} is not configured; there are: {known}", name(&args.carrier)))
            })?;
            let profile_type = section.plans.get(&args.plan).ok_or_else(|| {
                let known = known(section.plans.keys().collect());
                bad(format!("carrier {:?} has no plan {:?}; there are: {known}", name(&args.carrier), name(&args.plan)))
            })?;
            if args.offline {
                let maker = section.maker(file.parent().unwrap_or(Path::new(".")), profile_type).map_err(bad)?;
                offline::run(args, &maker, code, json)?;
                return Ok(ExitCode::SUCCESS);
            }
            let suppliers = section.open(file.parent().unwrap_or(Path::new(".")))?;
            let traces = Files::new();
            traces.report();
            runtime()?.block_on(provision(args, &suppliers, profile_type, code, Some(traces), json))?;
        }
        None => {
            let own = own::open()?;
            if args.offline {
                drop(runtime()?.block_on(own.prepare())?);
                offline::run(args, &own.maker()?, code, json)?;
                return Ok(ExitCode::SUCCESS);
            }
            runtime()?.block_on(async {
                let store = own.prepare().await?;
                crate::serve::with_es2plus(own.server(), store, async |suppliers| {
                    let supplier = suppliers.own(own::TENANT).map_err(|problem| Failure::new(Exit::Failed, problem))?;
                    // Its database has the order.
                    provision(args, &[supplier], own::PROFILE_TYPE, code, None, json).await
                })
                .await
            })?;
            if !json {
                eprintln!("to deliver it: openrsp serve {}", own.dir().display());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A name that says something. It is compared, and given back, as it stands.
fn name(text: &str) -> Result<String, String> {
    match text.trim().is_empty() {
        true => Err("a name must not be empty".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// An EID with its check digits: one wrong digit would sell an eSIM that nobody can download.
fn eid(text: &str) -> Result<Eid, String> {
    let eid: Eid = text.parse().map_err(|_| "an EID has 32 digits".to_owned())?;
    let right = eid.with_check_digits();
    if eid.check_digits_valid() {
        Ok(eid)
    } else {
        Err(format!("its check digits are wrong: one of the digits is mistyped, or it ends like {right}"))
    }
}

/// Where a confirmation code comes from: made for each eSIM, or one that was given.
enum Code {
    Auto,
    Given(ConfirmationCode),
}

fn code(args: &ProvisionArgs) -> anyhow::Result<Option<Code>> {
    match args.confirmation_code.as_str() {
        "none" => Ok(None),
        "auto" => Ok(Some(Code::Auto)),
        _ if args.count > 1 => {
            let problem =
                "--confirmation-code: one code for several eSIMs is none: give `auto`, which makes one for each";
            Err(Failure::new(Exit::Usage, problem))
        }
        source => Ok(Some(Code::Given(confirmation_code(source)?))),
    }
}

/// The configuration that was named, or the usual one if it is there.
fn configured(args: &ProvisionArgs) -> anyhow::Result<Option<(PathBuf, CarriersFile)>> {
    let file = match &args.config {
        Some(file) => file.clone(),
        None => match own::config_home().map(|home| home.join("openrsp/provision.toml")).filter(|file| file.exists()) {
            Some(file) => file,
            None => return Ok(None),
        },
    };
    let config = CarriersFile::read(&file)?;
    Ok(Some((file, config)))
}

/// Orders them one after the other, and prints each when it is there.
async fn provision(
    args: &ProvisionArgs,
    suppliers: &[Arc<Supplier>],
    profile_type: &str,
    code: Option<Code>,
    mut traces: Option<Files>,
    json: bool,
) -> anyhow::Result<()> {
    for number in 1..=args.count {
        let made = matches!(code, Some(Code::Auto)).then(|| ConfirmationCode::generate(&mut OsRandomness));
        let given = match &code {
            Some(Code::Given(given)) => Some(given),
            _ => made.as_ref(),
        };
        let order = Order {
            profile_type: profile_type.to_owned(),
            eid: args.eid,
            confirmation_code: given.map(|code| Zeroizing::new(code.reveal().to_owned())),
            secure: args.secure,
        };
        let noted: &mut dyn Traces = match &mut traces {
            Some(files) => files,
            None => &mut NoTraces,
        };
        let placed = provisioning::order(suppliers, &order, noted, &mut OsRandomness).await.map_err(|error| {
            let failure = failure(&error);
            if args.count > 1 {
                failure.context(format!("{} of {} were provisioned", number - 1, args.count))
            } else {
                failure
            }
        })?;
        let picture = args.qr.as_deref().map(|file| report::numbered(file, number, args.count));
        let provisioned = Provisioned {
            carrier: &args.carrier,
            plan: &args.plan,
            supplier: suppliers.get(placed.supplier).map_or("", |supplier| &supplier.name),
            placed: &placed,
            eid: args.eid,
            // Whoever gave a code knows it.
            made_code: made.as_ref().map(ConfirmationCode::reveal),
            code_required: given.is_some(),
            picture: picture.as_deref(),
            secure: args.secure,
        };
        let printed = provisioned.print(json);
        if let Some(files) = &mut traces {
            files.end(&placed.call_id);
        }
        printed?;
    }
    Ok(())
}

/// How an order failed, for people and for scripts.
fn failure(error: &Error) -> anyhow::Error {
    let mut details = Map::new();
    if let Some(status) = error.status() {
        details.insert("subject".to_owned(), status.subject.as_str().into());
        details.insert("reason".to_owned(), status.reason.as_str().into());
        details.insert("remedy".to_owned(), json!(status.explanation().map(|explanation| explanation.remedy)));
        return Failure::detailed(Exit::Refused, error, details);
    }
    match error {
        Error::NoSupplier => Failure::new(Exit::Input, "the carrier has no [[carrier.NAME.smdp]]: nowhere to order"),
        Error::Untraced => Failure::new(Exit::Failed, error),
        Error::Uncertain { supplier, iccid, call_id, .. } => {
            details.insert("uncertain".to_owned(), true.into());
            details.insert("supplier".to_owned(), supplier.as_str().into());
            details.insert("iccid".to_owned(), iccid.to_string().into());
            details.insert("call_id".to_owned(), call_id.as_str().into());
            Failure::detailed(Exit::Network, error, details)
        }
        error => match error.insecure() {
            Some(reason) => insecure(reason, Some(error)),
            None => Failure::new(Exit::Network, error),
        },
    }
}

/// Why nothing was ordered with --secure.
fn insecure(reason: &Insecure, error: Option<&Error>) -> anyhow::Error {
    let (exit, word, remedy) = match reason {
        Insecure::NoPin => {
            (Exit::Input, "no-pin", "set pin to the SHA-256 of its public key, as `openrsp pki show` prints it")
        }
        Insecure::WrongPin(_) => (
            Exit::Network,
            "wrong-pin",
            "ask those who run the SM-DP+ whether its key has changed; it may be another server",
        ),
        Insecure::TlsVersion(_) => (Exit::Network, "tls-version", "the SM-DP+ must offer TLS 1.3"),
        _ => (Exit::Usage, "unbound", "give --eid EID or --confirmation-code auto"),
    };
    let said = error.map_or_else(|| reason.to_string(), ToString::to_string);
    let details = [("insecure", Value::from(word)), ("remedy", remedy.into())];
    let details = details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Failure::detailed(exit, format!("--secure: {said}; nothing was ordered\n  remedy: {remedy}"), details)
}
