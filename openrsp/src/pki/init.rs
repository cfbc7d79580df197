//! `openrsp pki init`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rsp_asn1::Eid;
use rsp_crypto::Curve;
use rsp_pki::directory::{DEFAULT_EID, InitOptions, PkiDirectory};
use rsp_pki::issue::Host;
use serde_json::json;

use super::bad_input;
use crate::system::{OsRandomness, now};

#[derive(Args)]
pub(super) struct InitArgs {
    /// The directory; made if it is not there, refused if it holds anything.
    dir: PathBuf,

    /// The curve of the hierarchy: p256 or brainpool; may be given twice. Both by default.
    #[arg(long = "curve", value_name = "CURVE")]
    curves: Vec<Curve>,

    /// The host name or IP address of the SM-DP+, for its TLS certificate.
    #[arg(long, value_name = "HOST", default_value = "testsmdpplus1.example.com")]
    host: Host,

    /// The host name or IP address of the SM-DS, for its TLS certificate.
    #[arg(long, value_name = "HOST", default_value = "testrootsmds.example.com")]
    ds_host: Host,

    /// The EID of the eUICC. Its first eight digits become the prefix that the EUM may use.
    #[arg(long, default_value = DEFAULT_EID)]
    eid: Eid,

    /// Replace the certificates and keys of a directory that is not empty.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: InitArgs, json: bool) -> anyhow::Result<ExitCode> {
    let curves = if args.curves.is_empty() { Curve::ALL.to_vec() } else { args.curves };
    let options = InitOptions { curves, dp_host: args.host, ds_host: args.ds_host, eid: args.eid, force: args.force };
    let pki = PkiDirectory::init(&args.dir, &options, now(), &mut OsRandomness).map_err(bad_input)?;
    if !args.eid.check_digits_valid() {
        eprintln!("warning: the check digits of EID {} are wrong", args.eid);
    }
    if json {
        let files: Vec<_> = pki
            .entities()
            .map(|entity| {
                let certificate = entity.certificate();
                json!({
                    "role": certificate.role().map(|role| role.to_string()),
                    "curve": certificate.curve().map(|curve| curve.to_string()),
                    "certificate": entity.file(),
                    "key": entity.file().with_extension("key"),
                })
            })
            .collect();
        println!("{}", json!({ "dir": args.dir, "entities": files }));
    } else {
        for entity in pki.entities() {
            println!("{}  {}", entity.file().display(), entity.certificate().subject());
        }
    }
    Ok(ExitCode::SUCCESS)
}
