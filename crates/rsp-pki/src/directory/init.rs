//! Making a hierarchy.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
use rsp_crypto::{Curve, Randomness, SecretKey, Zeroizing};

use super::{Entity, Layout, PkiDirectory, file_stem, problem, subdirectory};
use crate::issue::{Authority, Host, Minted, OperatorName, Subject, Template, Validity, random_serial};
use crate::{Error, Role, oid};

/// The first digits of all EIDs of the test EUM (SGP.26).
pub const DEFAULT_EUM_PREFIX: &str = "89049032";
/// The EID of the test eUICC (SGP.26 EID1).
pub const DEFAULT_EID: &str = "89049032123451234512345678901235";

const EUM_ORGANISATION: &str = "OpenRSP Test EUM";
const CRL_URLS: [&str; 2] = ["http://ci.openrsp.example/CRL-A.crl", "http://ci.openrsp.example/CRL-B.crl"];

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
/// 7496-01-24T09:48:58Z, the end of the published eUICC certificates.
const END_OF_EUICCS: Timestamp = Timestamp(174_385_734_538);

/// What a new hierarchy is to look like.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The curves of CI, EUM, eUICC, DPauth, DPpb and DSauth. TLS is on P-256 in any case.
    pub curves: Vec<Curve>,
    /// The host of the SM-DP+.
    pub dp_host: Host,
    /// The host of the SM-DS.
    pub ds_host: Host,
    /// The EID of the eUICC. Its first eight digits become the prefix of the EUM.
    pub eid: Eid,
    /// Whether files that are already there are replaced.
    pub force: bool,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self {
            curves: Curve::ALL.to_vec(),
            dp_host: Host::Dns("testsmdpplus1.example.com".to_owned()),
            ds_host: Host::Dns("testrootsmds.example.com".to_owned()),
            eid: Eid::from_str(DEFAULT_EID).expect("invariant: the default EID is 32 digits"),
            force: false,
        }
    }
}

impl PkiDirectory {
    /// Makes a complete hierarchy and writes it, key files with mode 0600 (see the module's text for the layout).
    ///
    /// # Errors
    /// [`Error::File`] when the directory holds anything and `force` is not set, or when writing fails.
    pub fn init(
        root: &Path,
        options: &InitOptions,
        now: Timestamp,
        randomness: &mut dyn Randomness,
    ) -> Result<Self, Error> {
        let occupied = root.is_dir() && fs::read_dir(root).map_err(|error| problem(root, error))?.next().is_some();
        if occupied && !options.force {
            return Err(problem(root, "is not empty: name another directory, or say that it may be overwritten"));
        }
        let mut made = Vec::new();
        for curve in Curve::ALL {
            made.extend(make(root, curve, options, now, randomness)?);
        }
        // Everything is made before anything is written.
        for (entity, key) in &made {
            write(entity, key)?;
        }
        let entities = made.into_iter().map(|(entity, key)| Entity { key: Some(Arc::new(key)), ..entity }).collect();
        Ok(Self { root: root.to_owned(), layout: Layout::OpenRsp, entities, crls: Vec::new() })
    }
}

/// The certificates of one curve, with their keys apart.
fn make(
    root: &Path,
    curve: Curve,
    options: &InitOptions,
    now: Timestamp,
    randomness: &mut dyn Randomness,
) -> Result<Vec<(Entity, SecretKey)>, Error> {
    let complete = options.curves.contains(&curve);
    if !complete && curve != Curve::P256 {
        return Ok(Vec::new());
    }
    let ci = make_ci(curve, now, randomness)?;
    let mut made = Vec::new();
    let authority = Authority::new(rsp_crypto::rust_crypto(), &ci.certificate, &ci.key)?;
    if complete {
        let eum = make_eum(&authority, options.eid, now, randomness)?;
        made.push(make_euicc(&eum, options.eid, now, randomness)?);
        made.push(eum);
        for role in [Role::DpAuth, Role::DpPb, Role::DsAuth] {
            made.push(make_server(&authority, role, &default_oid(role), &options.dp_host, now, randomness)?);
        }
    }
    if curve == Curve::P256 {
        for (role, host) in [(Role::DpTls, &options.dp_host), (Role::DsTls, &options.ds_host)] {
            made.push(make_server(&authority, role, &default_oid(role), host, now, randomness)?);
        }
    }
    made.push(ci);
    let dir = root.join(subdirectory(curve));
    Ok(made
        .into_iter()
        .map(|Minted { certificate, key }| {
            let stem = file_stem(certificate.role().unwrap_or(Role::Ci));
            (Entity { certificate, key: None, file: dir.join(stem).with_extension("pem") }, key)
        })
        .collect())
}

fn make_ci(curve: Curve, now: Timestamp, randomness: &mut dyn Randomness) -> Result<Minted, Error> {
    let key = SecretKey::generate(curve, randomness);
    let subject = Subject::new()
        .common_name("OpenRSP Test CI")
        .organisational_unit("TESTCERT")
        .organisation("OpenRSP")
        .country("IT");
    let validity = Validity { not_before: backdated(now), not_after: now.plus_seconds(35 * YEAR) };
    let serial = random_serial(randomness);
    let urls = CRL_URLS.map(str::to_owned);
    let template = Template::ci(&subject, key.public_key(), &default_oid(Role::Ci), &urls, serial, validity);
    let signer = rsp_crypto::Provider::signer(rsp_crypto::rust_crypto(), &key)?;
    Ok(Minted { certificate: template.sign(&*signer)?, key })
}

fn make_eum(ci: &Authority<'_>, eid: Eid, now: Timestamp, randomness: &mut dyn Randomness) -> Result<Minted, Error> {
    let key = ci.fresh_key(randomness);
    let prefix = &eid.to_string()[..DEFAULT_EUM_PREFIX.len()];
    let validity = Validity { not_before: backdated(now), not_after: now.plus_seconds(34 * YEAR) };
    let serial = random_serial(randomness);
    let oid = default_oid(Role::Eum);
    let template =
        Template::eum(ci, key.public_key(), EUM_ORGANISATION, "OpenRSP EUM Test", prefix, &oid, serial, validity);
    Ok(Minted { certificate: template.sign(ci.signer())?, key })
}

/// An eUICC under an EUM whose key is at hand.
pub(super) fn make_euicc(
    eum: &Minted,
    eid: Eid,
    now: Timestamp,
    randomness: &mut dyn Randomness,
) -> Result<Minted, Error> {
    let authority = Authority::new(rsp_crypto::rust_crypto(), &eum.certificate, &eum.key)?;
    issue_euicc(&authority, eid, now, randomness)
}

/// An eUICC with a fresh key, valid until the year 7496.
pub(super) fn issue_euicc(
    eum: &Authority<'_>,
    eid: Eid,
    now: Timestamp,
    randomness: &mut dyn Randomness,
) -> Result<Minted, Error> {
    let key = eum.fresh_key(randomness);
    let validity = Validity { not_before: backdated(now), not_after: END_OF_EUICCS };
    let certificate = eum.euicc(key.public_key(), eid, random_serial(randomness), validity)?;
    Ok(Minted { certificate, key })
}

/// A server's certificate with a fresh key: ten years, for TLS 825 days, but no longer than its CI.
pub(super) fn make_server(
    ci: &Authority<'_>,
    role: Role,
    oid: &ObjectIdentifier,
    host: &Host,
    now: Timestamp,
    randomness: &mut dyn Randomness,
) -> Result<Minted, Error> {
    let key = ci.fresh_key(randomness);
    let validity = lifetime(ci, role, now);
    let certificate = ci.server(role, key.public_key(), oid, host, random_serial(randomness), validity)?;
    Ok(Minted { certificate, key })
}

/// An operator's certificate with a fresh key, as long as those of servers for TLS.
pub(super) fn make_operator(
    ci: &Authority<'_>,
    name: &OperatorName,
    host: Option<&Host>,
    oid: Option<&ObjectIdentifier>,
    now: Timestamp,
    randomness: &mut dyn Randomness,
) -> Result<Minted, Error> {
    let key = ci.fresh_key(randomness);
    let validity = lifetime(ci, Role::OperatorTls, now);
    let certificate = ci.operator(name, key.public_key(), host, oid, random_serial(randomness), validity)?;
    Ok(Minted { certificate, key })
}

fn lifetime(ci: &Authority<'_>, role: Role, now: Timestamp) -> Validity {
    let lifetime = if role.is_tls() { 825 * DAY } else { 10 * YEAR };
    let not_after = now.plus_seconds(lifetime).min(ci.certificate().not_after());
    Validity { not_before: backdated(now), not_after }
}

/// The OIDs of SGP.26: 2.999 is the arc for examples.
pub(super) fn default_oid(role: Role) -> ObjectIdentifier {
    let last = match role {
        Role::Ci => 1,
        Role::Eum | Role::Euicc => 5,
        Role::DpAuth | Role::DpPb | Role::DpTls => 10,
        Role::DsAuth | Role::DsTls => 15,
        // SGP.26 has no operators; theirs is beside the others.
        Role::OperatorTls => 30,
    };
    ObjectIdentifier::new(oid::EXAMPLE.iter().copied().chain([last]).collect::<Vec<u32>>())
        .expect("invariant: arcs under 2.999 make an OID")
}

/// An hour ago, so that a peer whose clock is a little behind accepts what was just made.
fn backdated(now: Timestamp) -> Timestamp {
    now.plus_seconds(-3600)
}

fn write(entity: &Entity, key: &SecretKey) -> Result<(), Error> {
    let file = &entity.file;
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).map_err(|error| problem(dir, error))?;
    }
    write_key(&file.with_extension("key"), key)?;
    fs::write(file, entity.certificate.to_pem()).map_err(|error| problem(file, error))
}

/// Writes a private key that only its owner can read, replacing what was there.
pub(super) fn write_key(file: &Path, key: &SecretKey) -> Result<PathBuf, Error> {
    let pem: Zeroizing<String> = key.to_pem()?;
    // A file that is there keeps its mode when it is overwritten, so it goes first.
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(problem(file, error)),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut handle = options.open(file).map_err(|error| problem(file, error))?;
    handle.write_all(pem.as_bytes()).map_err(|error| problem(file, error))?;
    Ok(file.to_owned())
}
