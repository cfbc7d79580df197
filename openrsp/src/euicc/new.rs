//! `openrsp euicc new`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rsp_asn1::{Eid, GetRatResponse};
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

    /// The Rules Authorisation Table: the answer of ES10b.GetRAT (BF43…) in DER or hexadecimal. Without it every operator may
    /// set PPR1 and PPR2 if the End User agrees.
    #[arg(long, value_name = "FILE")]
    rat: Option<PathBuf>,
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
    if let Some(path) = &args.rat {
        manufacture = manufacture.rat(read_rat(path)?);
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

/// A table as GetRAT answers it.
fn read_rat(path: &Path) -> anyhow::Result<GetRatResponse> {
    let bad = |what: String| Failure::new(Exit::Input, format!("{}: {what}", path.display()));
    let content = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let text: Vec<u8> = content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let der = hex::decode(text).unwrap_or(content);
    rsp_asn1::decode(&der).map_err(|error| bad(format!("no Rules Authorisation Table: {error}")))
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

#[cfg(test)]
mod tests {
    use super::read_rat;

    #[test]
    fn a_table_is_read_in_either_form_and_nothing_else_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |content: &[u8]| {
            std::fs::write(file.path(), content).unwrap();
            read_rat(file.path()).map(|table| table.rat.len()).map_err(|error| error.to_string())
        };
        let der =
            b"\xBF\x43\x17\xA0\x15\x30\x13\x80\x02\x05\x60\xA1\x09\x30\x07\x80\x03\xEE\xEE\xEE\x81\x00\x82\x02\x07\x80";
        assert_eq!(read(der), Ok(1));
        assert_eq!(read(b"BF43 17A0153013800205 60A10930078003EEEEEE8100 82020780\n"), Ok(1));
        assert_eq!(read(b"BF4302A000"), Ok(0));
        for bad in [b"".as_slice(), b"BF43", b"no table", b"BF4302A00000"] {
            assert!(read(bad).unwrap_err().contains("no Rules Authorisation Table"), "{bad:?}");
        }
        assert!(read_rat(std::path::Path::new("/nowhere/rat")).is_err());
    }
}
