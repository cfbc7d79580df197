//! A hierarchy of certificates and keys on disk.
//!
//! # Our layout
//! ```text
//! DIR/p256/       ci.pem ci.key  eum.pem eum.key  euicc.pem euicc.key  dpauth.pem dpauth.key  dppb.pem dppb.key
//!                 dptls.pem dptls.key  dsauth.pem dsauth.key  dstls.pem dstls.key
//! DIR/brainpool/  the same without dptls and dstls
//! DIR/*/*.crl     CRLs of that CI, if there are any
//! ```
//! `.pem` is one certificate, `.key` one PKCS#8 private key, both PEM. TLS stays on P-256 under the P-256 CI even when
//! everything else is on brainpoolP256r1, because few TLS libraries have brainpool curves; so that CI is always there.
//! Any file may be missing: a server needs no EUM key, and [`PkiDirectory::require`] says what is missing when it is
//! needed. **A key file that group or others can read is refused.**
//!
//! # The layout of SGP.26
//! A directory as GSMA publishes it (`CertificateIssuer`, `EUM`, `eUICC`, `DPauth`, … with `CERT_*.der` and `SK_*.pem`)
//! is recognised by its CI certificate and read as it is, whatever the names of its subdirectories: a certificate says
//! itself which role it has, and a key belongs to the certificate with its public key. Where several certificates share
//! a role, one with a key goes before one without, one that is valid now before one that is not, and the lowest OID
//! first (so `DPauth` before `DP2auth`); [`PkiDirectory::candidates`] has them all. These keys are public, so nobody's
//! permission bits are looked at.

mod init;
mod mint;
mod scan;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsp_asn1::Timestamp;
use rsp_crypto::{Curve, SecretKey};

use crate::{Certificate, Crl, Error, Role, TrustStore};

pub use init::{DEFAULT_EID, DEFAULT_EUM_PREFIX, InitOptions};
pub use mint::Mint;

/// Whose layout a directory has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Made by [`PkiDirectory::init`].
    OpenRsp,
    /// Published by GSMA: all keys are public.
    Sgp26,
}

/// One certificate of a directory, with its key when that is there.
#[derive(Clone)]
pub struct Entity {
    certificate: Certificate,
    key: Option<Arc<SecretKey>>,
    file: PathBuf,
}

impl Entity {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The private key, if the directory has it.
    pub fn key(&self) -> Option<&SecretKey> {
        self.key.as_deref()
    }

    /// The private key.
    ///
    /// # Errors
    /// [`Error::NoKey`] when the directory does not have it.
    pub fn require_key(&self) -> Result<&SecretKey, Error> {
        self.key().ok_or_else(|| Error::NoKey(self.certificate.role().unwrap_or(Role::Ci)))
    }

    /// The file that the certificate was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// A directory of certificates and keys, read at once.
pub struct PkiDirectory {
    root: PathBuf,
    layout: Layout,
    /// In order of preference within each role and curve.
    entities: Vec<Entity>,
    crls: Vec<Crl>,
}

impl PkiDirectory {
    /// Reads a directory in either layout. `now` decides between published certificates of which some have expired.
    ///
    /// # Errors
    /// [`Error::File`] naming the file: unreadable, not a certificate or key, a key that others can read, a key of
    /// another certificate; or naming the directory, when it has neither layout.
    pub fn open(root: &Path, now: Option<Timestamp>) -> Result<Self, Error> {
        scan::open(root, now)
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whose layout it has.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The curves on which the directory has an EUM, P-256 first.
    pub fn curves(&self) -> Vec<Curve> {
        Curve::ALL.into_iter().filter(|curve| self.get(*curve, Role::Eum).is_some()).collect()
    }

    /// All certificates of a role on a curve, the preferred one first.
    pub fn candidates(&self, curve: Curve, role: Role) -> impl Iterator<Item = &Entity> {
        self.entities
            .iter()
            .filter(move |entity| entity.certificate.role() == Some(role) && entity.certificate.curve() == Some(curve))
    }

    /// The preferred certificate of a role on a curve.
    pub fn get(&self, curve: Curve, role: Role) -> Option<&Entity> {
        self.candidates(curve, role).next()
    }

    /// The preferred certificate of a role on a curve.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] when there is none.
    pub fn require(&self, curve: Curve, role: Role) -> Result<&Entity, Error> {
        self.get(curve, role).ok_or(Error::NoCertificate(role))
    }

    /// The CI on a curve.
    pub fn ci(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::Ci)
    }

    /// The EUM on a curve.
    pub fn eum(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::Eum)
    }

    /// The eUICC on a curve.
    pub fn euicc(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::Euicc)
    }

    /// The SM-DP+ for authentication on a curve.
    pub fn dp_auth(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::DpAuth)
    }

    /// The SM-DP+ for profile package binding on a curve.
    pub fn dp_pb(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::DpPb)
    }

    /// The SM-DP+ for TLS on a curve. The one to serve with is on P-256.
    pub fn dp_tls(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::DpTls)
    }

    /// The SM-DS for authentication on a curve.
    pub fn ds_auth(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::DsAuth)
    }

    /// The SM-DS for TLS on a curve.
    pub fn ds_tls(&self, curve: Curve) -> Option<&Entity> {
        self.get(curve, Role::DsTls)
    }

    /// All entities, in no useful order across roles.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        self.entities.iter()
    }

    /// The CIs of the directory, P-256 first: what a device or server of this hierarchy trusts.
    pub fn trust_store(&self) -> TrustStore {
        let all = Curve::ALL.into_iter().flat_map(|curve| self.candidates(curve, Role::Ci));
        all.map(|entity| entity.certificate.clone()).collect()
    }

    /// The CRLs that lie in the directory.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }
}

/// The name of a curve's subdirectory.
fn subdirectory(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "p256",
        Curve::BrainpoolP256r1 => "brainpool",
    }
}

/// The file name of a role, without extension.
fn file_stem(role: Role) -> String {
    role.to_string().to_ascii_lowercase()
}

fn problem(path: &Path, problem: impl ToString) -> Error {
    Error::File { path: path.to_owned(), problem: problem.to_string() }
}
