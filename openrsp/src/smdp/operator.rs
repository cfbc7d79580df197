//! `openrsp smdp operator`: who may order over ES2+ (SGP.22 5.3).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rsp_crypto::hash;
use rsp_pki::Certificate;
use rsp_smdp::{Error, Orders};
use rsp_store::Operator;
use serde_json::{Value, json};

use super::{bad_input, failure, or_dash, parse_address, print_table, read};
use crate::config::ServerDir;
use crate::serve::check_operator;
use crate::system::now;

/// Operators: who may order over ES2+, each known by its TLS client certificate.
#[derive(Subcommand)]
pub(super) enum OperatorCommand {
    /// Add an operator.
    Add(AddArgs),
    /// List the operators.
    List,
    /// Give an operator another certificate, endpoint or prefix; what is not named stays.
    Change(ChangeArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// The operator's name here.
    name: String,
    /// Its TLS client certificate, PEM or DER, for example of `openrsp pki issue operator NAME`.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Where its notifications go (HandleDownloadProgressInfo); without it, it gets none.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_address)]
    endpoint: Option<String>,
    /// Digits with which each ICCID begins that it may name; without them, any.
    #[arg(long, value_name = "DIGITS", default_value = "", hide_default_value = true)]
    iccid_prefix: String,
    /// Digits with which each IMSI begins that it may import and have suspended, MCC and MNC first; without them, none.
    #[arg(long, value_name = "DIGITS", default_value = "", hide_default_value = true)]
    imsi_prefix: String,
}

#[derive(Args)]
pub(super) struct ChangeArgs {
    /// The operator's name.
    name: String,
    /// Its new TLS client certificate, PEM or DER. The old one is not let in any more.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Where its notifications go from now on, those that wait included.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_address)]
    endpoint: Option<String>,
    /// It gets no notifications any more.
    #[arg(long, conflicts_with = "endpoint")]
    no_endpoint: bool,
    /// Digits with which each ICCID begins that it may name; an empty text for any.
    #[arg(long, value_name = "DIGITS")]
    iccid_prefix: Option<String>,
    /// Digits with which each IMSI begins that it may import and have suspended; an empty text for none.
    #[arg(long, value_name = "DIGITS")]
    imsi_prefix: Option<String>,
}

pub(super) async fn run(
    server: &ServerDir,
    orders: &Orders,
    command: OperatorCommand,
    json: bool,
) -> anyhow::Result<()> {
    match command {
        OperatorCommand::Add(args) => add(server, orders, args, json).await,
        OperatorCommand::List => list(orders, json).await,
        OperatorCommand::Change(args) => change(server, orders, args, json).await,
    }
}

async fn add(server: &ServerDir, orders: &Orders, args: AddArgs, json: bool) -> anyhow::Result<()> {
    let operator = Operator {
        name: args.name,
        certificate: admitted(server, &args.certificate)?,
        endpoint: args.endpoint,
        iccid_prefix: args.iccid_prefix,
        imsi_prefix: args.imsi_prefix,
        created_at: now(),
    };
    orders.add_operator(operator.clone()).await.map_err(failure)?;
    print(&operator, json);
    Ok(())
}

async fn change(server: &ServerDir, orders: &Orders, args: ChangeArgs, json: bool) -> anyhow::Result<()> {
    let found = orders.store().operator(&args.name).await?;
    let mut operator = found.ok_or_else(|| bad_input(format!("there is no operator {:?}", args.name)))?;
    if let Some(file) = &args.certificate {
        operator.certificate = admitted(server, file)?;
    }
    if args.endpoint.is_some() || args.no_endpoint {
        operator.endpoint = args.endpoint;
    }
    if let Some(prefix) = args.iccid_prefix {
        operator.iccid_prefix = prefix;
    }
    if let Some(prefix) = args.imsi_prefix {
        operator.imsi_prefix = prefix;
    }
    orders.change_operator(operator.clone()).await.map_err(|error| match error {
        Error::OperatorUnknown => bad_input(format!("there is no operator {:?}", operator.name)),
        other => failure(other),
    })?;
    print(&operator, json);
    Ok(())
}

async fn list(orders: &Orders, json: bool) -> anyhow::Result<()> {
    let operators = orders.store().operators().await?;
    if json {
        operators.iter().for_each(|operator| println!("{}", describe(operator)));
        return Ok(());
    }
    let rows: Vec<_> = operators
        .iter()
        .map(|operator| {
            let prefix = Some(&operator.iccid_prefix).filter(|prefix| !prefix.is_empty());
            let certificate = hex::encode(operator.certificate);
            [operator.name.clone(), or_dash(operator.endpoint.as_ref()), or_dash(prefix), certificate]
        })
        .collect();
    print_table(["NAME", "ENDPOINT", "ICCIDS", "SHA-256 OF CERTIFICATE"], &rows);
    Ok(())
}

/// SHA-256 of the certificate in a file, by which its operator is known. One that has expired is taken with a warning.
pub(super) fn fingerprint_of(file: &Path) -> anyhow::Result<[u8; 32]> {
    let certificate = read_certificate(file)?;
    warn_if_expired(file, &certificate);
    Ok(fingerprint(&certificate))
}

/// The same for a certificate with which an operator comes to this server: whatever keeps it out is warned of. It may be
/// valid tomorrow, or its CI be added, so it is taken.
fn admitted(server: &ServerDir, file: &Path) -> anyhow::Result<[u8; 32]> {
    let certificate = read_certificate(file)?;
    if !warn_if_expired(file, &certificate)
        && let Err(error) = check_operator(server, &certificate)?
    {
        eprintln!("warning: {}: {error}; its operator will not be let in", file.display());
    }
    Ok(fingerprint(&certificate))
}

fn read_certificate(file: &Path) -> anyhow::Result<Certificate> {
    Certificate::from_file_content(&read(file)?)
        .map_err(|error| bad_input(format!("{}: no certificate: {error}", file.display())))
}

fn warn_if_expired(file: &Path, certificate: &Certificate) -> bool {
    let (end, file) = (certificate.not_after(), file.display());
    let expired = end < now();
    if expired {
        eprintln!("warning: {file}: the certificate expired on {end}; its operator will not be let in");
    }
    expired
}

/// SHA-256 of a certificate, by which its operator is known.
pub(super) fn fingerprint(certificate: &Certificate) -> [u8; 32] {
    hash::sha256(certificate.der())
}

fn print(operator: &Operator, json: bool) {
    if json {
        println!("{}", describe(operator));
    } else {
        println!("{}: certificate {}", operator.name, hex::encode(operator.certificate));
    }
}

fn describe(operator: &Operator) -> Value {
    json!({
        "operator": operator.name,
        "certificate_sha256": hex::encode(operator.certificate),
        "endpoint": operator.endpoint,
        "iccid_prefix": operator.iccid_prefix,
        "imsi_prefix": operator.imsi_prefix,
        "created_at": operator.created_at.to_string(),
    })
}
