//! `openrsp euicc new`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rsp_asn1::Eid;
use rsp_crypto::{Curve, SecretKey, rust_crypto};
use rsp_euicc::{Credential, FileStore, Manufacture};
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::Minted;
use rsp_pki::{Error as PkiError, Role};

use super::failure;
use crate::config::CONFIG_FILE;
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now};

/// What to make.
#[derive(Args)]
pub(crate) struct NewArgs {
    /// The file to write; it must not exist.
    file: PathBuf,

    /// The PKI: a directory of `openrsp pki init`, or one as SGP.26 publishes it.
    #[arg(long, value_name = "DIR")]
    pki: PathBuf,

    /// The EID, 32 digits. Without it the directory's eUICC is made; for another EID a certificate is issued under the
    /// directory's EUM, whose key must be there.
    #[arg(long, value_name = "EID")]
    eid: Option<Eid>,

    /// The curve of the identity: p256 or brainpool; may be given twice, the preferred one first. By default every curve
    /// that the directory has.
    #[arg(long = "curve", value_name = "CURVE")]
    curves: Vec<Curve>,

    /// The default SM-DP+ address that it leaves the factory with.
    #[arg(long, value_name = "HOST")]
    default_smdp: Option<String>,

    /// The address of the root SM-DS.
    #[arg(long, value_name = "HOST")]
    root_smds: Option<String>,

    /// Memory for profiles in bytes.
    #[arg(long, value_name = "BYTES")]
    memory: Option<u32>,

    /// Published keys are as good as others: profiles whose security domain opens with them are installed whatever their
    /// class, and messages over the air that are protected with them count. For tests only.
    #[arg(long)]
    accept_published_keys: bool,
}

pub(super) fn run(args: &NewArgs, json: bool) -> anyhow::Result<ExitCode> {
    let pki = PkiDirectory::open(&args.pki, Some(now())).map_err(|error| Failure::new(Exit::Input, error))?;
    let curves = if args.curves.is_empty() { pki.curves() } else { args.curves.clone() };
    let credentials = curves
        .into_iter()
        .map(|curve| {
            credential(&pki, curve, args.eid).map_err(|error| {
                Failure::new(Exit::Input, format!("{}, {curve}: {error}{}", args.pki.display(), hint(&args.pki)))
            })
        })
        .collect::<anyhow::Result<Vec<Credential>>>()?;
    let mut manufacture = Manufacture::new(credentials).accept_published_keys(args.accept_published_keys);
    if let Some(address) = &args.default_smdp {
        manufacture = manufacture.default_dp_address(address);
    }
    if let Some(address) = &args.root_smds {
        manufacture = manufacture.root_ds_address(address);
    }
    if let Some(memory) = args.memory {
        manufacture = manufacture.capacity(memory);
    }
    let state = manufacture.build(rust_crypto()).map_err(|error| failure(&args.pki, error))?;
    FileStore::create(&args.file, &state).map_err(|error| failure(&args.file, error))?;
    let eid = state.eid();
    if !eid.check_digits_valid() {
        let right = eid.with_check_digits();
        eprintln!("warning: the check digits of the EID {eid} are wrong: they should be those of {right}");
    }
    match json {
        true => println!("{}", serde_json::json!({"eid": eid.to_string(), "file": args.file})),
        false => println!("{}: eUICC {eid}", args.file.display()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A server's directory has the keys of its PKI one level below.
fn hint(dir: &Path) -> String {
    let below = dir.join("pki");
    match dir.join(CONFIG_FILE).is_file() && below.is_dir() {
        true => format!("; it is a server's directory: did you mean {}?", below.display()),
        false => String::new(),
    }
}

/// The directory's identity on a curve, or one that is issued for another EID.
fn credential(pki: &PkiDirectory, curve: Curve, eid: Option<Eid>) -> Result<Credential, PkiError> {
    let there = pki.candidates(curve, Role::Euicc).find(|entity| match eid {
        Some(eid) => entity.certificate().eid() == Some(eid) && entity.key().is_some(),
        None => true,
    });
    let euicc = match (there, eid) {
        (Some(entity), _) => Minted { certificate: entity.certificate().clone(), key: copy(entity.require_key()?)? },
        (None, Some(eid)) => pki.mint_euicc(curve, eid, Mint { now: now(), randomness: &mut OsRandomness })?,
        (None, None) => return Err(PkiError::NoCertificate(Role::Euicc)),
    };
    Ok(Credential {
        ci: pki.require(curve, Role::Ci)?.certificate().clone(),
        eum: pki.require(curve, Role::Eum)?.certificate().clone(),
        euicc: euicc.certificate,
        key: euicc.key,
    })
}

/// The eUICC gets a key of its own; the directory keeps its.
fn copy(key: &SecretKey) -> Result<SecretKey, PkiError> {
    Ok(SecretKey::from_bytes(key.curve(), &key.to_bytes())?)
}
