//! `openrsp smdp import`: profile packages into the stock.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use rsp_asn1::{NotificationEvent, PprIds, ProfileClass};
use rsp_crypto::Zeroizing;
use rsp_smdp::{Error, IccidRange, Icon, Import, MetadataOptions, Notify, Orders};
use serde::Deserialize;
use serde_json::json;

use super::{bad_input, check_range, failure, read, require_operator, subscribers};

/// Add a profile package to the inventory, or a template.
#[derive(Args)]
pub(super) struct ImportArgs {
    /// The unprotected profile package, DER.
    file: PathBuf,
    /// Name under which it is ordered.
    #[arg(long = "type", value_name = "NAME")]
    type_name: String,
    /// The operator whose it is, and who can order it over ES2+; without it the server's own.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
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
    /// The ICCIDs of a template's copies, check digit left out: 18 or 19 digits each. Without it they are random.
    #[arg(long, value_name = "FIRST-LAST", requires = "template")]
    iccids: Option<IccidRange>,
    /// The subscribers of a template's copies, a line of IMSI,K,OPc each, keys in hexadecimal; nobody else may be able to
    /// read the file. Without it they are random.
    #[arg(long, value_name = "FILE", requires = "template")]
    subscribers: Option<PathBuf>,
    /// Take a test profile whose security domain opens with published keys, such as TS.48's, or that takes messages over the
    /// air without a checksum. Whoever knows the keys then changes what he likes in it.
    #[arg(long)]
    allow_published_keys: bool,
}

/// What a profile is for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    Test,
    Provisioning,
    Operational,
}

impl From<Class> for ProfileClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Test => Self::TEST,
            Class::Provisioning => Self::PROVISIONING,
            Class::Operational => Self::OPERATIONAL,
        }
    }
}

/// Profile policy rules (SGP.22 2.9.1).
#[derive(Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ppr {
    /// The profile cannot be disabled.
    Ppr1,
    /// The profile cannot be deleted.
    Ppr2,
}

impl Ppr {
    /// The bit of [`PprIds`].
    pub(super) fn bit(self) -> usize {
        match self {
            Self::Ppr1 => PprIds::PPR1,
            Self::Ppr2 => PprIds::PPR2,
        }
    }
}

/// The words for the events that can be notified, with their bits of [`NotificationEvent`].
pub(super) const EVENTS: [(&str, usize); 4] = [
    ("install", NotificationEvent::INSTALL),
    ("enable", NotificationEvent::ENABLE),
    ("disable", NotificationEvent::DISABLE),
    ("delete", NotificationEvent::DELETE),
];

/// A notification to be configured, `EVENT=HOST`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct NotifyArg(pub(super) Notify);

impl FromStr for NotifyArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (event, address) = text.split_once('=').ok_or("expected EVENT=HOST")?;
        match EVENTS.iter().find(|(word, _)| *word == event) {
            Some((_, event)) => Ok(Self(Notify { event: *event, address: address.to_owned() })),
            None => Err(format!("{event:?} is none of install, enable, disable, delete")),
        }
    }
}

impl TryFrom<String> for NotifyArg {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// An icon from a file.
pub(super) fn read_icon(file: &Path) -> anyhow::Result<Icon> {
    Icon::new(read(file)?).map_err(failure).with_context(|| file.display().to_string())
}

pub(super) async fn run(orders: &Orders, args: ImportArgs, json: bool) -> anyhow::Result<()> {
    let package = Zeroizing::new(read(&args.file)?);
    let metadata = MetadataOptions {
        service_provider_name: args.spn,
        profile_name: args.profile_name,
        class: Some(args.class.into()),
        icon: args.icon.as_deref().map(read_icon).transpose()?,
        policy_rules: args.ppr.iter().map(|rule| rule.bit()).collect(),
        owner: args.owner,
        notify: args.notify.into_iter().map(|notify| notify.0).collect(),
    };
    let subscribers = args.subscribers.as_deref().map(subscribers::read_file).transpose()?.unwrap_or_default();
    let waiting = subscribers.len();
    let operator = require_operator(orders, args.operator.as_deref()).await?;
    if let (Some(range), Some(operator)) = (&args.iccids, operator) {
        check_range(range, &operator.iccid_prefix).map_err(|problem| bad_input(format!("--iccids: {problem}")))?;
    }
    let import = Import {
        type_name: args.type_name.clone(),
        operator: args.operator.clone(),
        package,
        template: args.template,
        iccids: args.iccids,
        metadata,
        allow_published_keys: args.allow_published_keys,
    };
    let imported = orders.import_with(import, subscribers).await.map_err(|error| {
        let file = match &error {
            Error::ImsiExists(_) | Error::ImsiInvalid(_) => args.subscribers.as_ref(),
            _ => None,
        };
        let file = file.unwrap_or(&args.file).display().to_string();
        failure(error).context(file)
    })?;
    if json {
        let iccid = imported.iccid.to_string();
        let line = json!({
            "type": args.type_name,
            "iccid": iccid,
            "bytes": imported.package_size,
            "template": args.template,
            "operator": args.operator,
            "subscribers": args.subscribers.is_some().then_some(waiting),
        });
        println!("{line}");
    } else {
        let kind = if args.template { "template" } else { "profile" };
        println!("{}: {kind} {}, {} bytes", args.type_name, imported.iccid, imported.package_size);
    }
    Ok(())
}
