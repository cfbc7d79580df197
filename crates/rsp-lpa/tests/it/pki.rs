//! One hierarchy for all tests, and certificates that differ from its own in one property.

use std::sync::OnceLock;

use rsp_asn1::{ObjectIdentifier, Raw, Timestamp, pkix};
use rsp_crypto::Curve;
use rsp_pki::directory::{InitOptions, Mint, PkiDirectory};
use rsp_pki::issue::{Host, Minted};
use rsp_pki::{Role, TrustStore};
use rsp_testkit::SeededRandomness;

/// 2026-11-20.
pub(crate) const NOW: Timestamp = Timestamp(1_795_132_800);

pub(crate) struct Pki {
    directory: PkiDirectory,
    _files: tempfile::TempDir,
}

impl Pki {
    pub(crate) fn get() -> &'static Self {
        static PKI: OnceLock<Pki> = OnceLock::new();
        PKI.get_or_init(|| {
            let files = tempfile::tempdir().unwrap();
            let mut randomness = SeededRandomness::new("lpa tests");
            let directory = PkiDirectory::init(files.path(), &InitOptions::default(), NOW, &mut randomness).unwrap();
            Self { directory, _files: files }
        })
    }

    pub(crate) fn anchors(&self) -> TrustStore {
        self.directory.trust_store()
    }

    pub(crate) fn certificate(&self, curve: Curve, role: Role) -> Raw<pkix::Certificate> {
        self.directory.require(curve, role).unwrap().certificate().raw().clone()
    }

    pub(crate) fn entity(&self, curve: Curve, role: Role) -> &rsp_pki::directory::Entity {
        self.directory.require(curve, role).unwrap()
    }

    /// The OID of the SM-DP+.
    pub(crate) fn smdp_oid(&self) -> ObjectIdentifier {
        self.entity(Curve::P256, Role::DpAuth).certificate().oid().unwrap()
    }

    pub(crate) fn mint(&self, curve: Curve, role: Role, oid: &ObjectIdentifier, host: &str, now: Timestamp) -> Minted {
        let mut randomness = SeededRandomness::new(format!("{role} {host} {}", now.0));
        let mint = Mint { now, randomness: &mut randomness };
        let host: Host = host.parse().unwrap();
        self.directory.mint_server(curve, role, oid, &host, mint).unwrap()
    }
}
