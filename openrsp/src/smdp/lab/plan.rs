//! What a set-up file asks for, with everything that it names read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use openrsp::subscription::Subscription;
use rsp_asn1::{Eid, Timestamp};
use rsp_auth::ServerAddress;
use rsp_crypto::Zeroizing;
use rsp_smdp::{ConfirmationCode, IccidRange, Import, MetadataOptions, NewOrder};
use rsp_store::{Operator, OrderPolicy, ProfileState, SubscriberInStock};
use toml::Value;

use super::file::{
    Builtin, Entry, LabFile, Metadata, OperatorEntry, OrderEntry, Packages, Place, Subscribers, TypeEntry,
};
use crate::config::require_code;
use crate::smdp::import::read_icon;
use crate::smdp::operator::fingerprint_of;
use crate::smdp::orders::parse_state;
use crate::smdp::{check_range, parse_address, parse_timestamp, read, subscribers};
use crate::system::OsRandomness;

/// Confirmation codes that the program makes are asked for with this word.
pub(super) const AUTO: &str = "auto";
/// The most wrong confirmation codes that an order can bear, as on the command line.
const MOST_CODE_TRIES: u32 = 10;

/// Everything that a file asks for.
pub(super) struct Plan {
    pub(super) operators: Vec<PlannedOperator>,
    pub(super) types: Vec<PlannedType>,
    pub(super) orders: Vec<PlannedOrder>,
}

/// An operator to be added.
pub(super) struct PlannedOperator {
    pub(super) place: Place,
    /// Its certificate is all zeros while `issue` is set.
    pub(super) operator: Operator,
    /// Whether its certificate is made by the server.
    pub(super) issue: bool,
}

/// A profile type to be filled.
pub(super) struct PlannedType {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) template: bool,
    pub(super) imports: Vec<Import>,
    pub(super) subscribers: Vec<SubscriberInStock>,
    pub(super) closed: bool,
}

/// An order to be placed.
pub(super) struct PlannedOrder {
    pub(super) place: Place,
    pub(super) order: NewOrder,
    pub(super) eid: Option<Eid>,
    /// The confirmation code, if it was made here.
    pub(super) made_code: Option<Zeroizing<String>>,
}

/// What the server is, and what it has already.
pub(super) struct Known<'a> {
    pub(super) address: &'a ServerAddress,
    pub(super) now: Timestamp,
    /// With the digits with which each ICCID begins that they may name.
    pub(super) operators: BTreeMap<String, String>,
    pub(super) types: BTreeSet<String>,
}

impl Plan {
    /// Reads what the file names and checks what can be checked without changing anything.
    ///
    /// # Errors
    /// With place and key of the first thing that is wrong, and what to do.
    pub(super) fn new(file: LabFile, mut known: Known<'_>) -> anyhow::Result<Self> {
        let LabFile { dir, operators, types, orders } = file;
        let mut plan = Self { operators: Vec::new(), types: Vec::new(), orders: Vec::new() };
        for Entry { place, value } in operators {
            if known.operators.insert(value.name.clone(), value.iccid_prefix.clone()).is_some() {
                let problem = format!("there is already an operator {:?}: give each its own name", value.name);
                return Err(place.problem("name", problem));
            }
            plan.operators.push(operator(place, value, &dir, known.now)?);
        }
        for Entry { place, value } in types {
            let prefix = match &value.operator {
                None => "",
                Some(name) => known.operators.get(name).ok_or_else(|| {
                    let problem = format!("there is no operator {name:?}: add an [[operator]] with this name");
                    place.problem("operator", problem)
                })?,
            };
            if !known.types.insert(value.name.clone()) && value.template {
                let problem = format!("there is already a profile type {:?}: give a template its own name", value.name);
                return Err(place.problem("name", problem));
            }
            plan.types.push(profile_type(place, value, &dir, prefix)?);
        }
        let mut matching_ids = BTreeMap::new();
        for Entry { place, value } in orders {
            if !known.types.contains(&value.type_name) {
                let problem = format!("there is no profile type {:?}: add a [[type]] with this name", value.type_name);
                return Err(place.problem("type", problem));
            }
            if let Some(id) = value.matching_id.as_ref().filter(|id| !id.is_empty())
                && let Some(first) = matching_ids.insert(id.clone(), place.clone())
            {
                return Err(place.problem("matching_id", format!("{id:?} is taken by {first}: each is given out once")));
            }
            plan.orders.push(order(place, value, &known)?);
        }
        Ok(plan)
    }
}

fn operator(place: Place, entry: OperatorEntry, dir: &Path, now: Timestamp) -> anyhow::Result<PlannedOperator> {
    let certificate = match (&entry.certificate, &entry.certificate_sha256, entry.issue) {
        (Some(file), None, false) => {
            fingerprint_of(&dir.join(file)).map_err(|error| place.problem("certificate", format!("{error:#}")))?
        }
        (None, Some(text), false) => {
            let mut fingerprint = [0; 32];
            hex::decode_to_slice(text, &mut fingerprint)
                .map_err(|_| place.problem("certificate_sha256", "a SHA-256 is 64 hexadecimal digits"))?;
            fingerprint
        }
        (None, None, true) => [0; 32],
        _ => {
            let problem = "give one of: certificate = \"FILE\", certificate_sha256 = \"HEX\", issue = true";
            return Err(place.problem("certificate", problem));
        }
    };
    let endpoint = entry.endpoint.as_deref().map(parse_address).transpose();
    let endpoint = endpoint.map_err(|problem| place.problem("endpoint", problem))?;
    let operator = Operator {
        name: entry.name,
        certificate,
        endpoint,
        iccid_prefix: entry.iccid_prefix,
        imsi_prefix: entry.imsi_prefix,
        created_at: now,
    };
    Ok(PlannedOperator { place, operator, issue: entry.issue })
}

/// `prefix` is that of the operator.
fn profile_type(place: Place, entry: TypeEntry, dir: &Path, prefix: &str) -> anyhow::Result<PlannedType> {
    let packages = packages(&place, &entry, dir)?;
    let iccids: Option<IccidRange> = entry.iccids.as_deref().map(str::parse).transpose().map_err(|error| {
        place.problem("iccids", format!("{error}; for example \"890010100000000001-890010100000000999\""))
    })?;
    if let Some(range) = &iccids {
        check_range(range, prefix).map_err(|problem| place.problem("iccids", problem))?;
    }
    for (key, given) in [("iccids", iccids.is_some()), ("subscribers", entry.subscribers.is_some())] {
        if given && !entry.template {
            return Err(place.problem(key, "only a template is personalised: add template = true, or leave this out"));
        }
    }
    let subscribers = match entry.subscribers {
        None => Vec::new(),
        Some(Subscribers::File(file)) => subscribers::read_file(&dir.join(file))
            .map_err(|error| place.problem("subscribers", format!("{error:#}")))?,
        Some(Subscribers::Inline(list)) => list
            .iter()
            .enumerate()
            .map(|(index, one)| {
                subscribers::subscriber(&one.imsi, &one.k.0, &one.opc.0)
                    .map_err(|problem| place.problem(&format!("subscribers[{index}]"), problem))
            })
            .collect::<anyhow::Result<_>>()?,
    };
    let metadata = metadata(&place, entry.metadata, dir)?;
    let (name, template) = (entry.name, entry.template);
    let import = |package| Import {
        type_name: name.clone(),
        operator: entry.operator.clone(),
        package,
        template,
        iccids,
        metadata: metadata.clone(),
        allow_published_keys: entry.allow_published_keys,
    };
    let imports = packages.into_iter().map(import).collect();
    Ok(PlannedType { place, name, template, imports, subscribers, closed: entry.closed })
}

fn packages(place: &Place, entry: &TypeEntry, dir: &Path) -> anyhow::Result<Vec<Zeroizing<Vec<u8>>>> {
    let files = match (&entry.package, &entry.builtin) {
        (Some(Packages::One(file)), None) => std::slice::from_ref(file),
        (Some(Packages::Many(files)), None) => files.as_slice(),
        (None, Some(Builtin::Demo)) => {
            let package = Subscription::fresh(&mut OsRandomness)?.package().to_vec();
            return Ok(vec![Zeroizing::new(package)]);
        }
        _ => return Err(place.problem("package", "give one of: package = \"FILE\", builtin = \"demo\"")),
    };
    if files.is_empty() || (entry.template && files.len() > 1) {
        let problem = "a template is made of one package, an inventory of one or more";
        return Err(place.problem("package", problem));
    }
    let read = |file| read(&dir.join(file)).map(Zeroizing::new);
    files.iter().map(read).collect::<anyhow::Result<_>>().map_err(|error| place.problem("package", error))
}

fn metadata(place: &Place, entry: Metadata, dir: &Path) -> anyhow::Result<MetadataOptions> {
    let icon = entry.icon.map(|file| read_icon(&dir.join(file))).transpose();
    Ok(MetadataOptions {
        service_provider_name: entry.spn,
        profile_name: entry.name,
        class: entry.class.map(Into::into),
        icon: icon.map_err(|error| place.problem("metadata.icon", format!("{error:#}")))?,
        policy_rules: entry.ppr.iter().map(|rule| rule.bit()).collect(),
        owner: entry.owner,
        notify: entry.notify.into_iter().map(|notify| notify.0).collect(),
    })
}

fn order(place: Place, entry: OrderEntry, known: &Known<'_>) -> anyhow::Result<PlannedOrder> {
    let eid = entry.eid.map(|eid| eid.0);
    let state = state(&place, &entry)?;
    let policy = match entry.policy.as_deref() {
        None => OrderPolicy::OneTime,
        Some(text) => text.parse().map_err(|_| {
            let known = OrderPolicy::ALL.map(OrderPolicy::as_str).join(", ");
            place.problem("policy", format!("{text:?} is none of {known}"))
        })?,
    };
    let smds_address = entry.smds.as_deref().map(parse_address).transpose();
    let smds_address = smds_address.map_err(|problem| place.problem("smds", problem))?;
    if eid.is_none() && (smds_address.is_some() || entry.matching_id.as_deref() == Some("")) {
        return Err(
            place.problem("eid", "an order by EID alone (matching_id = \"\") and one with an SM-DS need an eid")
        );
    }
    for (key, limit) in [("downloads", entry.downloads), ("code_tries", entry.code_tries)] {
        if limit == Some(0) {
            return Err(place.problem(key, "0 is no limit: the least is 1"));
        }
    }
    if entry.code_tries.is_some_and(|tries| tries > MOST_CODE_TRIES) {
        return Err(place.problem("code_tries", format!("the most is {MOST_CODE_TRIES}: more could be guessed")));
    }
    let code = entry.confirmation_code.as_ref().map(|code| confirmation_code(&place, &code.0)).transpose()?;
    let made = entry.confirmation_code.is_some_and(|code| *code.0 == AUTO);
    let made_code = code.as_ref().filter(|_| made).map(|code| Zeroizing::new(code.reveal().to_owned()));
    require_code(known.address, entry.matching_id.as_deref().unwrap_or_default(), code.is_some())
        .map_err(|error| place.problem("matching_id", error))?;
    let order = NewOrder {
        iccid: entry.iccid.map(|iccid| iccid.0),
        eid,
        expires_at: expiry(&place, entry.expires_at.as_ref(), entry.expires_in, known.now)?,
        matching_id: entry.matching_id,
        confirmation_code: code,
        smds_address,
        policy,
        download_limit: entry.downloads,
        confirmation_limit: entry.code_tries,
        state,
        download_tries: entry.download_tries,
        confirmation_tries: entry.confirmation_tries,
        ..NewOrder::of(&entry.type_name)
    };
    Ok(PlannedOrder { place, order, eid, made_code })
}

/// The state, with what an order in it cannot have.
fn state(place: &Place, entry: &OrderEntry) -> anyhow::Result<ProfileState> {
    let Some(text) = &entry.state else { return Ok(ProfileState::Released) };
    let state = parse_state(text).map_err(|problem| place.problem("state", problem))?;
    match (state, entry.eid.is_some()) {
        (ProfileState::Linked, false) => return Err(place.problem("eid", "an order that is Linked is for one eid")),
        (ProfileState::Allocated, true) => {
            return Err(place.problem("state", "an order for an eid is Linked before it is confirmed"));
        }
        _ => {}
    }
    let before_confirmation = matches!(state, ProfileState::Allocated | ProfileState::Linked);
    let terms = [
        ("matching_id", entry.matching_id.is_some()),
        ("confirmation_code", entry.confirmation_code.is_some()),
        ("smds", entry.smds.is_some()),
        ("policy", entry.policy.is_some()),
        ("expires_at", entry.expires_at.is_some()),
        ("expires_in", entry.expires_in.is_some()),
        ("downloads", entry.downloads.is_some()),
        ("code_tries", entry.code_tries.is_some()),
        ("download_tries", entry.download_tries > 0),
        ("confirmation_tries", entry.confirmation_tries > 0),
    ];
    match terms.into_iter().find(|(_, given)| before_confirmation && *given) {
        Some((key, _)) => Err(place.problem(key, format!("an order that is {state} has none yet: leave it out"))),
        None => Ok(state),
    }
}

fn confirmation_code(place: &Place, text: &Zeroizing<String>) -> anyhow::Result<ConfirmationCode> {
    if **text == AUTO {
        return Ok(ConfirmationCode::generate(&mut OsRandomness));
    }
    ConfirmationCode::new(text.clone()).map_err(|error| place.problem("confirmation_code", error))
}

/// When the order ends, as a date of TOML, as text, or in seconds from now.
fn expiry(place: &Place, at: Option<&Value>, within: Option<i64>, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    let text = match (at, within) {
        (None, within) => return Ok(within.map(|seconds| now.plus_seconds(seconds))),
        (Some(_), Some(_)) => return Err(place.problem("expires_in", "give this or expires_at, not both")),
        (Some(Value::String(text)), None) => text.clone(),
        (Some(Value::Datetime(time)), None) => time.to_string(),
        (Some(other), None) => other.to_string(),
    };
    parse_timestamp(&text).map(Some).map_err(|problem| place.problem("expires_at", problem))
}
