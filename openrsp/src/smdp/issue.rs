//! Certificates for the operators of this server: made once, kept in its directory, and the same whenever they are asked for.

use std::path::{Path, PathBuf};

use rsp_crypto::{Curve, SecretKey};
use rsp_pki::Certificate;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::{Host, OperatorName};

use super::operator::fingerprint;
use crate::config::ServerDir;
use crate::system::{OsRandomness, create_private_dir, now};

/// Where they are kept, in the server's directory.
const OPERATORS: &str = "operators";

/// An operator's certificate and key that were made here.
pub(crate) struct Issued {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) fingerprint: [u8; 32],
}

/// Why none can be had.
pub(crate) struct Problem {
    /// Of which of the things that were given: `name`, `endpoint` or `issue`, which means that a certificate is to be made.
    pub(crate) key: &'static str,
    /// What is wrong.
    pub(crate) message: String,
}

impl Problem {
    fn of(key: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |message| Self { key, message: message.to_string() }
    }
}

/// Where an operator's certificate and key are kept.
pub(crate) fn files(server: &ServerDir, name: &str) -> (PathBuf, PathBuf) {
    let dir = server.path(Path::new(OPERATORS));
    (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")))
}

/// The operator's certificate under the server's P-256 CI: the one that is there if it still holds, else a new one. It is
/// also for the server at the operator's endpoint.
pub(crate) fn issue(server: &ServerDir, name: &str, endpoint: Option<&str>) -> Result<Issued, Problem> {
    let operator: OperatorName = name.parse().map_err(|error| Problem::of("name")(&error))?;
    let host: Option<Host> = match endpoint.and_then(rsp_auth::ServerAddress::parse) {
        Some(address) => Some(address.host().parse().map_err(|error| Problem::of("endpoint")(&error))?),
        None => None,
    };
    let wrong = |message: &dyn std::fmt::Display| Problem::of("issue")(message);
    let pki = server.pki().map_err(|error| wrong(&format_args!("{error:#}")))?;
    let dir = server.path(Path::new(OPERATORS));
    let (certificate, key) = files(server, name);
    if let Some(there) = kept(&pki, &certificate, &key, host.as_ref()) {
        return Ok(Issued { certificate, key, fingerprint: fingerprint(&there) });
    }
    let mint = Mint { now: now(), randomness: &mut OsRandomness };
    let minted = pki.mint_operator(&operator, host.as_ref(), None, mint).map_err(|error| wrong(&error))?;
    create_private_dir(&dir).map_err(|error| wrong(&format_args!("{error:#}")))?;
    let (certificate, key) = PkiDirectory::write_minted(&minted, &dir, name).map_err(|error| wrong(&error))?;
    Ok(Issued { certificate, key, fingerprint: fingerprint(&minted.certificate) })
}

/// The certificate that is there, if it is of the CI that is there now, has not expired, names the host, and has its key.
fn kept(pki: &PkiDirectory, certificate: &Path, key: &Path, host: Option<&Host>) -> Option<Certificate> {
    let there = Certificate::from_file_content(&std::fs::read(certificate).ok()?).ok()?;
    let secret = SecretKey::from_pem(&zeroize::Zeroizing::new(std::fs::read_to_string(key).ok()?)).ok()?;
    let ci = pki.ci(Curve::P256)?.certificate();
    let named = match host {
        None => true,
        Some(Host::Dns(name)) => there.dns_names().contains(name),
        Some(Host::Ip(address)) => there.ip_addresses().contains(address),
    };
    let holds = named
        && there.not_after() > now()
        && there.authority_key_identifier() == ci.subject_key_identifier()
        && there.public_key().is_ok_and(|public| public == secret.public_key());
    holds.then_some(there)
}
