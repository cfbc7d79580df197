//! `openrsp smdp`: what the one does who runs the server. The commands work on the database, whether the server runs or not.

mod batch;
mod import;
pub(crate) mod issue;
mod journal;
mod lab;
mod operator;
pub(crate) mod order;
mod orders;
mod subscribers;
mod types;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_asn1::{Iccid, Timestamp};
use rsp_auth::ServerAddress;
use rsp_smdp::{Error, IccidRange, Orders};
use rsp_store::{Operator, Profile};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::ServerDir;
use crate::exit::{Exit, Failure};

/// Who did it, in the logs.
const ACTOR: &str = "openrsp smdp";

/// Operate an SM-DP+: operators, profiles, orders, and whole set-ups from one file.
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
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    Import(Box<import::ImportArgs>),
    /// List profile types and what is left of them.
    Types,
    /// Take no more orders of a profile type.
    Close {
        /// Name of the profile type.
        #[arg(value_name = "TYPE")]
        type_name: String,
    },
    /// Take orders of a profile type again.
    Open {
        /// Name of the profile type.
        #[arg(value_name = "TYPE")]
        type_name: String,
    },
    Order(Box<order::OrderArgs>),
    /// Release an order that was placed with --hold, or confirmed by its operator without release.
    Release {
        /// ICCID, matching ID or activation code.
        profile: String,
    },
    /// Cancel an order; its matching ID is never used again.
    Cancel {
        /// ICCID, matching ID or activation code.
        profile: String,
        /// What becomes of the profile.
        #[arg(long, value_name = "STATE", value_enum, default_value = "available")]
        to: order::Final,
    },
    Orders(orders::ListArgs),
    /// Show one profile: its order, who did what to it, its notifications, and what other servers are still to be told.
    Show {
        /// ICCID, matching ID or activation code.
        profile: String,
    },
    Outbox(journal::OutboxArgs),
    Audit(journal::AuditArgs),
    Load(lab::LoadArgs),
    /// Load orders that an operator made without this server (`openrsp provision-esim --offline`): all of them or none, and
    /// once. Their profiles are made from the operator's template, under the ICCIDs of the batch.
    LoadBatch {
        /// The batch, signed with the key of the operator's certificate; nobody else may be able to read it.
        file: PathBuf,
    },
    Export(lab::ExportArgs),
}

/// Runs one command.
pub(crate) fn run(args: SmdpArgs, json: bool) -> anyhow::Result<ExitCode> {
    let server = ServerDir::open(&args.dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let orders = server.orders(ACTOR).await?;
        match args.command {
            Command::Operator(command) => operator::run(&server, &orders, command, json).await?,
            Command::Import(import) => import::run(&orders, *import, json).await?,
            Command::Types => types::list(&orders, json).await?,
            Command::Close { type_name } => types::close(&orders, &type_name, true, json).await?,
            Command::Open { type_name } => types::close(&orders, &type_name, false, json).await?,
            Command::Order(order) => order::run(&server, orders, *order, json).await?,
            Command::Release { profile } => order::release(&orders, &profile, json).await?,
            Command::Cancel { profile, to } => order::cancel(&orders, &profile, to, json).await?,
            Command::Orders(args) => orders::list(&orders, &args, json).await?,
            Command::Show { profile } => orders::show(&orders, &profile, json).await?,
            Command::Outbox(args) => journal::outbox(&orders, &args, json).await?,
            Command::Audit(args) => journal::audit(&orders, &args, json).await?,
            Command::LoadBatch { file } => batch::load(&server, &orders, &file, json).await?,
            Command::Load(args) => lab::load(&server, &orders, &args, json).await?,
            Command::Export(args) => lab::export(&orders, &args, json).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Bad files and values are the caller's input; the rest failed.
pub(crate) fn failure(error: Error) -> anyhow::Error {
    let exit = match &error {
        Error::Package(_)
        | Error::PackageOpen(_)
        | Error::KeyNotForTests(_)
        | Error::Metadata { .. }
        | Error::MatchingIdInvalid
        | Error::ConfirmationCodeInvalid
        | Error::ProfileTypeUnknown(_)
        | Error::ProfileTypeExists(_)
        | Error::IccidUnknown(_)
        | Error::IccidExists(_)
        | Error::MatchingIdInUse
        | Error::OperatorExists(_)
        | Error::OperatorUnknown
        | Error::Batch(_)
        | Error::BatchLoaded
        | Error::IccidNotAllowed(_)
        | Error::IccidRange(_)
        | Error::ImsiPrefix(_)
        | Error::ImsiPrefixTaken { .. }
        | Error::NoTemplate(_)
        | Error::ImsiExists(_)
        | Error::ImsiInvalid(_)
        | Error::EidMissing
        | Error::SmdsAddressInvalid(_) => Exit::Input,
        _ => Exit::Failed,
    };
    Failure::new(exit, error)
}

pub(crate) fn bad_input(problem: impl std::fmt::Display) -> anyhow::Error {
    Failure::new(Exit::Input, problem)
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| bad_input(format!("{}: {error}", path.display())))
}

/// A profile by ICCID, matching ID, or the activation code with it.
async fn find(orders: &Orders, text: &str) -> anyhow::Result<Profile> {
    let matching_id = text.contains('$').then(|| text.split('$').nth(2)).flatten().unwrap_or(text);
    let by_matching_id = orders.store().profile_by_matching_id(matching_id).await?;
    let found = match (by_matching_id, text.parse::<Iccid>()) {
        (Some(profile), _) => Some(profile),
        (None, Ok(iccid)) => orders.store().profile(&iccid).await?,
        (None, Err(_)) => None,
    };
    found.ok_or_else(|| bad_input(format!("{text}: no profile has this ICCID or matching ID")))
}

/// An operator by its name; one that is not there is refused.
async fn require_operator(orders: &Orders, name: Option<&str>) -> anyhow::Result<Option<Operator>> {
    let Some(name) = name else { return Ok(None) };
    match orders.store().operator(name).await? {
        Some(operator) => Ok(Some(operator)),
        None => Err(bad_input(format!(
            "there is no operator {name:?}; add it with: openrsp smdp operator add {name:?} --certificate FILE"
        ))),
    }
}

/// Refuses a range with ICCIDs that the operator whose they would be may not name.
fn check_range(range: &IccidRange, prefix: &str) -> Result<(), String> {
    // Both ends are of the same length, so that what is between them begins as they do.
    match range.to_string().split('-').all(|end| end.starts_with(prefix)) {
        true => Ok(()),
        false => Err(format!("the operator's ICCIDs begin with {prefix:?}, and not all of {range} do")),
    }
}

/// A time as RFC 3339 has it, such as `2026-12-24T18:00:00Z`.
pub(crate) fn parse_timestamp(text: &str) -> Result<Timestamp, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(|time| Timestamp(time.unix_timestamp()))
        .map_err(|_| format!("{text:?} is no time such as 2026-12-24T18:00:00Z"))
}

/// An address of another server, `HOST[:PORT]`, as it is stored.
fn parse_address(text: &str) -> Result<String, String> {
    match ServerAddress::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("{text:?} is no HOST[:PORT]")),
    }
}

/// Prints rows under a header, each column as wide as its widest cell; the last one is not filled up.
pub(crate) fn print_table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(header[column].len())
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let print = |cells: &[&str]| {
        let cells: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    };
    print(&header);
    for row in rows {
        print(&row.each_ref().map(String::as_str));
    }
}

/// What a table shows where there is nothing.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::{parse_address, parse_timestamp};

    #[test]
    fn times_have_a_zone() {
        assert_eq!(parse_timestamp("1970-01-02T00:00:00Z").map(|at| at.0), Ok(86_400));
        assert_eq!(parse_timestamp("1970-01-02T01:00:00+01:00").map(|at| at.0), Ok(86_400));
        for bad in ["1970-01-02", "1970-01-02T00:00:00", "tomorrow", ""] {
            assert!(parse_timestamp(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_hosts_with_or_without_port() {
        assert_eq!(parse_address("smds.example.com:8443").as_deref(), Ok("smds.example.com:8443"));
        for bad in ["", "https://smds.example.com", "a b"] {
            assert!(parse_address(bad).is_err(), "{bad}");
        }
    }
}
