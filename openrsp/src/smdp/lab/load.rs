//! `openrsp smdp load`: carries out what a set-up file asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use rsp_crypto::Zeroizing;
use rsp_es::es12::Function;
use rsp_smdp::{Error, Orders};
use rsp_store::{Operator, ProfileState};
use serde_json::json;

use super::file::{LabFile, Place};
use super::plan::{Known, Plan, PlannedOperator, PlannedOrder, PlannedType};
use crate::config::ServerDir;
use crate::exit::{Exit, Failure, exit_of};
use crate::smdp::issue::{Issued, issue};
use crate::smdp::{bad_input, failure, order::Printed};
use crate::system::{now, require_private};

/// Load operators, profile types and orders from one TOML file, and print the activation code of each order.
///
/// docs/orders.md says what the file may hold; examples/lab.toml is one. The whole file is checked before anything is
/// changed. A server that has orders is refused without --reset.
#[derive(Args)]
pub(in crate::smdp) struct LoadArgs {
    /// The file; paths in it are relative to its directory.
    file: PathBuf,
    /// Delete every operator, profile, order, session, message and SM-DS event of the server first, and forget which matching
    /// IDs were given out. For test labs only: of profiles that are on eUICCs the server then knows nothing any more, nobody is
    /// told what waits to be told, and events at the SM-DSs of others stay there.
    #[arg(long)]
    reset: bool,
}

/// What was done so far, for the one who must know it when something fails.
#[derive(Default)]
struct Loaded {
    reset: bool,
    operators: usize,
    types: usize,
    orders: usize,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reset, operators, types, orders } = self;
        let reset = if *reset { "the server was reset; " } else { "" };
        write!(f, "{reset}{operators} operators, {types} profile types and {orders} orders were loaded before")
    }
}

pub(in crate::smdp) async fn run(
    server: &ServerDir,
    orders: &Orders,
    args: &LoadArgs,
    json: bool,
) -> anyhow::Result<()> {
    let address = server.address()?;
    let store = orders.store();
    let mut known = Known { address: &address, now: now(), operators: [].into(), types: [].into() };
    if !args.reset {
        let ordered = store.profiles().await?.iter().filter(|profile| profile.state != ProfileState::Available).count();
        if ordered > 0 {
            return Err(bad_input(format!(
                "the server has {ordered} orders: load into a new one, or delete everything first with --reset"
            )));
        }
        let operators = store.operators().await?.into_iter();
        known.operators = operators.map(|operator| (operator.name, operator.iccid_prefix)).collect();
        known.types = store.profile_types().await?.into_iter().map(|found| found.name).collect();
    }
    let file = LabFile::read(&args.file)?;
    if file.holds_secrets()
        && let Err(open) = require_private(&args.file)
    {
        eprintln!("warning: {open:#}; or use it for tests only");
    }
    let plan = Plan::new(file, known)?;
    let mut loader = Loader { server, orders, address: address.to_string(), json, loaded: Loaded::default() };
    if args.reset {
        warn_of_events(orders).await?;
        orders.reset().await.map_err(failure)?;
        loader.loaded.reset = true;
    }
    let done = loader.carry_out(plan).await;
    done.map_err(|error| Failure::new(exit_of(&error), format!("{error:#}; {}", loader.loaded)))
}

/// Says how many events stay at which SM-DSs when nobody is left who could delete them.
async fn warn_of_events(orders: &Orders) -> anyhow::Result<()> {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let offered = |state| matches!(state, ProfileState::Released | ProfileState::Downloaded);
    for profile in orders.store().profiles().await?.into_iter().filter(|profile| offered(profile.state)) {
        if let Some(smds) = profile.smds_address {
            *left.entry(smds).or_default() += 1;
        }
    }
    for message in orders.store().waiting_messages().await? {
        if Function::from_path(&message.function).is_some_and(|(_, function)| function == Function::DeleteEvent) {
            *left.entry(message.recipient).or_default() += 1;
        }
    }
    for (smds, events) in left {
        eprintln!(
            "warning: --reset: events that may stay at the SM-DS {smds}, for nobody deletes them there: {events}"
        );
    }
    Ok(())
}

/// Carries out a plan, one thing after the other.
struct Loader<'a> {
    server: &'a ServerDir,
    orders: &'a Orders,
    address: String,
    json: bool,
    loaded: Loaded,
}

impl Loader<'_> {
    async fn carry_out(&mut self, plan: Plan) -> anyhow::Result<()> {
        for planned in plan.operators {
            self.operator(planned).await?;
            self.loaded.operators += 1;
        }
        let mut closed = Vec::new();
        for planned in plan.types {
            closed.extend(planned.closed.then(|| (planned.place.clone(), planned.name.clone())));
            self.profile_type(planned).await?;
            self.loaded.types += 1;
        }
        for planned in plan.orders {
            self.order(planned).await?;
            self.loaded.orders += 1;
        }
        // Last: the file's own orders are still taken.
        for (place, name) in closed {
            self.orders.close_type(&name, true).await.map_err(|error| refused(&place, error))?;
        }
        Ok(())
    }

    async fn operator(&mut self, planned: PlannedOperator) -> anyhow::Result<()> {
        let PlannedOperator { place, mut operator, issue: wanted } = planned;
        let issued = match wanted {
            true => Some(issue(self.server, &operator.name, operator.endpoint.as_deref()).map_err(|problem| {
                let remedy = "give the operator's own certificate instead: certificate = \"FILE\"";
                let remedy = if problem.key == "issue" { format!("; {remedy}") } else { String::new() };
                place.problem(problem.key, format_args!("{}{remedy}", problem.message))
            })?),
            false => None,
        };
        if let Some(issued) = &issued {
            operator.certificate = issued.fingerprint;
        }
        self.orders.add_operator(operator.clone()).await.map_err(|error| refused(&place, error))?;
        self.tell_operator(&operator, issued.as_ref());
        Ok(())
    }

    fn tell_operator(&self, operator: &Operator, issued: Option<&Issued>) {
        if self.json {
            let line = json!({
                "operator": operator.name,
                "certificate_sha256": hex::encode(operator.certificate),
                "certificate": issued.map(|issued| &issued.certificate),
                "key": issued.map(|issued| &issued.key),
            });
            println!("{line}");
        } else if let Some(issued) = issued {
            println!("operator {}: {}, {}", operator.name, issued.certificate.display(), issued.key.display());
        } else {
            println!("operator {}", operator.name);
        }
    }

    async fn profile_type(&mut self, planned: PlannedType) -> anyhow::Result<()> {
        let PlannedType { place, name, template, imports, subscribers, .. } = planned;
        let (profiles, waiting) = (imports.len(), subscribers.len());
        // Only a template has subscribers, and it is one import.
        let mut subscribers = Some(subscribers);
        for import in imports {
            let subscribers = subscribers.take().unwrap_or_default();
            self.orders.import_with(import, subscribers).await.map_err(|error| refused(&place, error))?;
        }
        if self.json {
            println!("{}", json!({ "type": name, "template": template, "profiles": profiles, "subscribers": waiting }));
        } else if template {
            println!("type {name}: template");
        } else {
            println!("type {name}: {profiles} profiles");
        }
        Ok(())
    }

    async fn order(&mut self, planned: PlannedOrder) -> anyhow::Result<()> {
        let PlannedOrder { place, order, eid, made_code } = planned;
        let (type_name, wanted) = (order.type_name.clone(), order.state);
        let placed = self.orders.order(order).await.map_err(|error| refused(&place, error))?;
        if placed.state != wanted {
            return Err(place.problem("state", format!("the order got to {} and not further", placed.state)));
        }
        let code = made_code.as_ref().map(|code: &Zeroizing<String>| code.as_str());
        let printed = Printed { address: &self.address, placed: &placed, eid, code };
        if self.json {
            let mut line = printed.describe()?;
            line["type"] = type_name.into();
            println!("{line}");
        } else {
            let with_code = code.map(|code| format!("  confirmation code {code}")).unwrap_or_default();
            let activation_code = printed.activation_code()?;
            let shown = activation_code.as_ref().map_or("-", |code| code.as_str());
            let whose = eid.map(|eid| format!("  for EID {eid}")).unwrap_or_default();
            println!("order {}  {:<11}  {shown}{with_code}{whose}", placed.iccid, placed.state.as_str());
        }
        Ok(())
    }
}

/// What the server refused, with the key that it is about and what to do.
fn refused(place: &Place, error: Error) -> anyhow::Error {
    let (key, remedy) = match &error {
        Error::OperatorExists(_) => ("name", "each operator has its own name and certificate"),
        Error::IccidRange(_) => ("iccid_prefix", "give digits, or leave it out"),
        Error::ImsiPrefix(_) => ("imsi_prefix", "give such digits, or leave it out"),
        Error::ImsiPrefixTaken { .. } => ("imsi_prefix", "give each operator IMSIs of its own, or leave it out"),
        Error::ProfileTypeExists(_) => ("name", "a name is one template's, or one inventory's of one operator"),
        Error::ProfileTypeUnavailable(_) => ("type", "give the type more packages, ICCIDs or subscribers"),
        Error::ProfileTypeClosed(_) => ("type", "open it with: openrsp smdp open TYPE"),
        Error::IccidExists(_) => ("package", "each package is imported once"),
        Error::Package(_) => ("package", "give a package of the TCA profile format, DER, with ICCID and IMSI"),
        Error::PackageOpen(_) => {
            ("package", "give the security domain keys of its own, or for a test profile, allow_published_keys = true")
        }
        Error::Metadata { .. } => ("metadata", "see docs/orders.md for what it may hold"),
        Error::ImsiExists(_) | Error::ImsiInvalid(_) => ("subscribers", "each IMSI belongs to one subscriber"),
        Error::IccidUnknown(_) | Error::IccidInUse(_) | Error::ProfileTypeRefused(_) => {
            ("iccid", "name a profile of this type's inventory that no other order has, or leave it out")
        }
        Error::MatchingIdInvalid => ("matching_id", "choose another, or leave it out for a random one"),
        Error::MatchingIdInUse => ("matching_id", "none is given out twice: choose another, or load with --reset"),
        Error::EidMissing => ("eid", "add the eid"),
        Error::SmdsAddressInvalid(_) => ("smds", "give HOST[:PORT]"),
        Error::Transition(_) => ("state", "choose another state or policy"),
        _ => {
            let exit = if matches!(error, Error::Store(_)) { Exit::Failed } else { Exit::Input };
            return Failure::new(exit, format!("{place}: {error}"));
        }
    };
    place.problem(key, format!("{error}; {remedy}"))
}
