//! Certificates for the operators of a set-up: made once, kept in the server's directory, and the same at each load.

use std::path::{Path, PathBuf};

use rsp_crypto::{Curve, SecretKey};
use rsp_pki::Certificate;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::{Host, OperatorName};

use super::file::Place;
use crate::config::ServerDir;
use crate::smdp::operator::fingerprint;
use crate::system::{OsRandomness, create_private_dir, now};

/// Where they are kept, in the server's directory.
const OPERATORS: &str = "operators";

/// An operator's certificate and key that were made here.
pub(super) struct Issued {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) fingerprint: [u8; 32],
}

/// The operator's certificate under the server's P-256 CI: the one that is there if it still holds, else a new one. It is
/// also for the server at the operator's endpoint.
pub(super) fn issue(server: &ServerDir, place: &Place, name: &str, endpoint: Option<&str>) -> anyhow::Result<Issued> {
    let wrong = |key: &str, problem: &dyn std::fmt::Display| place.problem(key, problem);
    let operator: OperatorName = name.parse().map_err(|error| wrong("name", &error))?;
    let host: Option<Host> = match endpoint.and_then(rsp_auth::ServerAddress::parse) {
        Some(address) => Some(address.host().parse().map_err(|error| wrong("endpoint", &error))?),
        None => None,
    };
    let pki = server.pki()?;
    let dir = server.path(Path::new(OPERATORS));
    let (certificate, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    if let Some(there) = kept(&pki, &certificate, &key, host.as_ref()) {
        return Ok(Issued { certificate, key, fingerprint: fingerprint(&there) });
    }
    let mint = Mint { now: now(), randomness: &mut OsRandomness };
    let minted = pki.mint_operator(&operator, host.as_ref(), None, mint).map_err(|error| {
        wrong("issue", &format!("{error}; give the operator's own certificate instead: certificate = \"FILE\""))
    })?;
    create_private_dir(&dir)?;
    let (certificate, key) = PkiDirectory::write_minted(&minted, &dir, name).map_err(|error| wrong("issue", &error))?;
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
