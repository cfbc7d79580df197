//! Reading a directory.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsp_asn1::Timestamp;
use rsp_crypto::{Curve, SecretKey, Zeroizing};

use super::{Entity, Layout, PkiDirectory, file_stem, problem, subdirectory};
use crate::{Certificate, Crl, Error, Role, TrustStore, Validation, validate};

/// No certificate or key is nearly as large.
const MAX_FILE: u64 = 256 * 1024;
/// The published sets are three levels deep.
const MAX_DEPTH: usize = 5;

/// See [`PkiDirectory::open`].
pub(super) fn open(root: &Path, now: Option<Timestamp>) -> Result<PkiDirectory, Error> {
    if !root.is_dir() {
        return Err(problem(root, "is not a directory"));
    }
    let ours = Curve::ALL.map(|curve| root.join(subdirectory(curve)));
    if ours.iter().any(|dir| dir.join("ci.pem").is_file()) {
        return open_ours(root);
    }
    let directory = open_published(root, now)?;
    if directory.trust_store().is_empty() {
        return Err(problem(
            root,
            "has neither the layout of `openrsp pki init` (p256/ci.pem) nor a CI certificate of SGP.26",
        ));
    }
    Ok(directory)
}

fn open_ours(root: &Path) -> Result<PkiDirectory, Error> {
    let (mut entities, mut crls) = (Vec::new(), Vec::new());
    for curve in Curve::ALL {
        let dir = root.join(subdirectory(curve));
        for role in Role::ALL {
            let file = dir.join(file_stem(role)).with_extension("pem");
            if file.is_file() {
                entities.push(read_entity(file, curve, role)?);
            }
        }
        let lists = files_below(&dir, MAX_DEPTH)?.into_iter().filter(|file| has_extension(file, &["crl"]));
        for file in lists {
            crls.push(Crl::from_file_content(&read(&file)?).map_err(|error| problem(&file, error))?);
        }
    }
    Ok(PkiDirectory { root: root.to_owned(), layout: Layout::OpenRsp, entities, crls })
}

fn read_entity(file: PathBuf, curve: Curve, role: Role) -> Result<Entity, Error> {
    let certificate = Certificate::from_file_content(&read(&file)?).map_err(|error| problem(&file, error))?;
    if certificate.role() != Some(role) || certificate.curve() != Some(curve) {
        return Err(problem(&file, format!("is not the certificate of a {role} on {curve}")));
    }
    let key_file = file.with_extension("key");
    let key = if key_file.is_file() {
        refuse_readable_by_others(&key_file)?;
        let key = read_key(&key_file)?.ok_or_else(|| problem(&key_file, "holds no private key"))?;
        if certificate.public_key() != Ok(key.public_key()) {
            return Err(problem(&key_file, "is the key of another certificate"));
        }
        Some(Arc::new(key))
    } else {
        None
    };
    Ok(Entity { certificate, key, file })
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file).map_err(|error| problem(file, error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(problem(file, format!("is a private key with mode {:04o}: let nobody else read it (chmod 600)", mode & 0o7777)))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &Path) -> Result<(), Error> {
    Ok(())
}

fn open_published(root: &Path, now: Option<Timestamp>) -> Result<PkiDirectory, Error> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut keys: Vec<Arc<SecretKey>> = Vec::new();
    let mut crls: Vec<Crl> = Vec::new();
    for file in files_below(root, MAX_DEPTH)? {
        if has_extension(&file, &["crl"]) {
            crls.push(Crl::from_file_content(&read(&file)?).map_err(|error| problem(&file, error))?);
        } else if has_extension(&file, &["der", "pem", "crt", "cer"]) {
            if let Some(key) = read_key(&file)? {
                keys.push(Arc::new(key));
                continue;
            }
            match Certificate::from_file_content(&read(&file)?) {
                Ok(certificate) if entities.iter().all(|there| there.certificate != certificate) => {
                    entities.push(Entity { certificate, key: None, file });
                }
                // The same certificate in DER and PEM, or a file with a public key.
                Ok(_) | Err(Error::NoPemBlock(_)) => {}
                Err(error) => return Err(problem(&file, error)),
            }
        }
    }
    for entity in &mut entities {
        entity.key = keys.iter().find(|key| entity.certificate.public_key() == Ok(key.public_key())).cloned();
    }
    let mut entities = only_sound(entities);
    entities.sort_by_cached_key(|entity| preference(entity, now));
    Ok(PkiDirectory { root: root.to_owned(), layout: Layout::Sgp26, entities, crls })
}

/// Drops what does not chain to a CI of the directory, dates aside: published sets lie beside invalid cases.
fn only_sound(entities: Vec<Entity>) -> Vec<Entity> {
    let of = |role| entities.iter().map(|entity| &entity.certificate).filter(move |c| c.role() == Some(role));
    let anchors: TrustStore = of(Role::Ci).cloned().collect();
    let eums: Vec<Certificate> = of(Role::Eum).cloned().collect();
    let validation = Validation { provider: rsp_crypto::aws_lc(), now: None, crls: &[], crl_max_age: None };
    let holds = |certificate: &Certificate, role, chain: &[Certificate]| {
        validate(&validation, role, certificate, chain, &anchors).is_ok()
    };
    let sound = |entity: &Entity| {
        let certificate = &entity.certificate;
        match certificate.role() {
            Some(Role::Euicc) => eums.iter().any(|eum| holds(certificate, Role::Euicc, std::slice::from_ref(eum))),
            // An intermediate is sound when it could issue: its own link is all that can be checked alone.
            Some(Role::Eum) => certificate.authority_key_identifier().is_some_and(|id| anchors.get(id).is_some()),
            Some(role) => holds(certificate, role, &[]),
            None => false,
        }
    };
    let keep: Vec<bool> = entities.iter().map(sound).collect();
    entities.into_iter().zip(keep).filter_map(|(entity, keep)| keep.then_some(entity)).collect()
}

/// Smaller goes first.
fn preference(entity: &Entity, now: Option<Timestamp>) -> (bool, bool, Vec<u32>, i64, PathBuf) {
    let certificate = &entity.certificate;
    let over = now.is_some_and(|now| now < certificate.not_before() || now > certificate.not_after());
    let oid = certificate.oid().map(|oid| oid.as_ref().to_vec()).unwrap_or_default();
    (entity.key.is_none(), over, oid, -certificate.not_after().0, entity.file.clone())
}

/// The private key in a PEM file, or none when the file holds something else.
fn read_key(file: &Path) -> Result<Option<SecretKey>, Error> {
    let content = Zeroizing::new(read(file)?);
    let Ok(text) = std::str::from_utf8(&content) else { return Ok(None) };
    if !text.contains("PRIVATE KEY-----") {
        return Ok(None);
    }
    SecretKey::from_pem(text).map(Some).map_err(|error| problem(file, error))
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let handle = fs::File::open(file).map_err(|error| problem(file, error))?;
    let mut content = Vec::new();
    handle.take(MAX_FILE + 1).read_to_end(&mut content).map_err(|error| problem(file, error))?;
    if content.len() as u64 > MAX_FILE {
        return Err(problem(file, "is too large for a certificate or key"));
    }
    Ok(content)
}

fn has_extension(file: &Path, wanted: &[&str]) -> bool {
    file.extension().is_some_and(|extension| wanted.iter().any(|wanted| extension.eq_ignore_ascii_case(wanted)))
}

/// The files of a directory and its subdirectories, sorted. A directory that does not exist has none.
fn files_below(dir: &Path, depth: usize) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    if depth == 0 || !dir.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(dir).map_err(|error| problem(dir, error))? {
        let path = entry.map_err(|error| problem(dir, error))?.path();
        if path.is_dir() {
            files.extend(files_below(&path, depth - 1)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
