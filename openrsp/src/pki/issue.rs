//! `openrsp pki issue`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use rsp_asn1::{Eid, ObjectIdentifier};
use rsp_crypto::Curve;
use rsp_pki::Role;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::{Host, Minted, OperatorName};
use serde_json::json;

use super::{bad_input, show};
use crate::system::{OsRandomness, now};

#[derive(Args)]
pub(super) struct IssueArgs {
    #[command(subcommand)]
    role: IssueRole,
}

#[derive(Subcommand)]
enum IssueRole {
    /// A TLS certificate of an SM-DP+, under the P-256 CI.
    Dptls(TlsArgs),
    /// A TLS certificate of an SM-DS, under the P-256 CI.
    Dstls(TlsArgs),
    /// An SM-DP+ certificate for authentication.
    Dpauth(AuthArgs),
    /// An SM-DP+ certificate for profile package binding.
    Dppb(AuthArgs),
    /// An SM-DS certificate for authentication.
    Dsauth(AuthArgs),
    /// An eUICC certificate for an EID that the EUM may use.
    Euicc(EuiccArgs),
    /// A TLS certificate with which an operator orders on ES2+, under the P-256 CI.
    ///
    /// Writes NAME.pem and NAME.key. The SM-DP+ knows the operator by this very certificate: register it there with
    /// `openrsp smdp operator add NAME --certificate NAME.pem`, then order with `openrsp es2plus`.
    Operator(OperatorArgs),
}

/// What all roles have in common.
#[derive(Args)]
struct Place {
    /// The directory with the issuer's certificate and key, of `openrsp pki init` or SGP.26.
    #[arg(long, value_name = "DIR")]
    pki: PathBuf,

    /// Where NAME.pem and NAME.key (mode 0600) go.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,

    /// The name of the two files without extension; by default the role, or an operator's name.
    #[arg(long)]
    name: Option<String>,

    /// Replace files that are already there.
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct TlsArgs {
    /// The host name or IP address, without port.
    host: Host,

    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct AuthArgs {
    /// The OID of the server, which DPauth, DPpb and DPtls of one SM-DP+ share, for example 2.999.10.
    #[arg(value_parser = parse_oid)]
    oid: ObjectIdentifier,

    /// p256 or brainpool.
    #[arg(long, default_value = "p256")]
    curve: Curve,

    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct EuiccArgs {
    /// The EID, 32 digits.
    eid: Eid,

    /// p256 or brainpool.
    #[arg(long, default_value = "p256")]
    curve: Curve,

    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct OperatorArgs {
    /// The operator's name: up to 64 letters, digits, spaces and any of - _ . It becomes organisation and common name, and
    /// the name of the two files unless --name gives another.
    operator: OperatorName,

    /// The host, without port, at which the operator takes notifications (HandleDownloadProgressInfo). The certificate is
    /// then for that server as well.
    #[arg(long)]
    host: Option<Host>,

    /// The operator's OID, for example 2.999.7; without it the certificate has none.
    #[arg(long, value_parser = parse_oid)]
    oid: Option<ObjectIdentifier>,

    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: IssueArgs, json: bool) -> anyhow::Result<ExitCode> {
    match args.role {
        IssueRole::Dptls(args) => issue_tls(Role::DpTls, args, json),
        IssueRole::Dstls(args) => issue_tls(Role::DsTls, args, json),
        IssueRole::Dpauth(args) => issue_auth(Role::DpAuth, args, json),
        IssueRole::Dppb(args) => issue_auth(Role::DpPb, args, json),
        IssueRole::Dsauth(args) => issue_auth(Role::DsAuth, args, json),
        IssueRole::Euicc(args) => {
            if !args.eid.check_digits_valid() {
                eprintln!("warning: the check digits of EID {} are wrong", args.eid);
            }
            args.place.issue(Role::Euicc, json, |pki, mint| pki.mint_euicc(args.curve, args.eid, mint))
        }
        IssueRole::Operator(mut args) => {
            args.place.name.get_or_insert_with(|| args.operator.to_string());
            args.place.issue(Role::OperatorTls, json, |pki, mint| {
                pki.mint_operator(&args.operator, args.host.as_ref(), args.oid.as_ref(), mint)
            })
        }
    }
}

fn issue_tls(role: Role, args: TlsArgs, json: bool) -> anyhow::Result<ExitCode> {
    args.place.issue(role, json, |pki, mint| pki.mint_tls(role, &args.host, mint))
}

fn issue_auth(role: Role, args: AuthArgs, json: bool) -> anyhow::Result<ExitCode> {
    // A certificate for authentication names no host.
    let host = Host::Dns(String::new());
    args.place.issue(role, json, |pki, mint| pki.mint_server(args.curve, role, &args.oid, &host, mint))
}

impl Place {
    fn issue(
        &self,
        role: Role,
        json: bool,
        mint: impl FnOnce(&PkiDirectory, Mint<'_>) -> Result<Minted, rsp_pki::Error>,
    ) -> anyhow::Result<ExitCode> {
        let pki = PkiDirectory::open(&self.pki, Some(now())).map_err(bad_input)?;
        let stem = self.name.clone().unwrap_or_else(|| role.to_string().to_ascii_lowercase());
        if stem.is_empty() || stem.contains(['/', '\\']) || stem.starts_with('.') {
            return Err(bad_input(format!("--name {stem:?} is not the name of a file")));
        }
        let existing = ["pem", "key"].map(|extension| self.out.join(format!("{stem}.{extension}")));
        if let Some(file) = existing.iter().find(|file| file.exists() && !self.force) {
            return Err(bad_input(format!("{} is already there; use --name, --out or --force", file.display())));
        }
        let minted = mint(&pki, Mint { now: now(), randomness: &mut OsRandomness }).map_err(bad_input)?;
        let (certificate, key) = PkiDirectory::write_minted(&minted, &self.out, &stem).map_err(bad_input)?;
        if json {
            let mut described = show::describe(&minted.certificate);
            described["file"] = json!(certificate);
            described["key_file"] = json!(key);
            println!("{described}");
        } else {
            println!("{}  {}", certificate.display(), minted.certificate.subject());
            println!("{}", key.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn parse_oid(text: &str) -> anyhow::Result<ObjectIdentifier> {
    let arcs: Result<Vec<u32>, _> = text.split('.').map(u32::from_str).collect();
    let oid = arcs.ok().filter(|arcs| arcs.len() >= 2).and_then(ObjectIdentifier::new);
    oid.ok_or_else(|| anyhow!("not an object identifier such as 2.999.10"))
}
