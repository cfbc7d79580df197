//! An SM-DS in a directory of its own, with a clock that tests set and randomness that they can repeat.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use rsp_asn1::{ObjectIdentifier, Timestamp};
use rsp_auth::{Credential, ServerAddress};
use rsp_crypto::{Curve, Provider, SecretKey};
use rsp_es::server::{Es11, Es12};
use rsp_es::status::StatusCode;
use rsp_pki::directory::{InitOptions, Mint, PkiDirectory};
use rsp_pki::issue::Host;
use rsp_pki::{Certificate, Crl, Role};
use rsp_smds::{Clock, Credentials, Es15, Settings, SharedRandomness, Smds};
use rsp_store::{Datastore, KeyEncryptionKey};
use rsp_testkit::SeededRandomness;
use tempfile::TempDir;

use crate::euicc::TestEuicc;

pub(crate) const ADDRESS: &str = "smds.example.com";
pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000);

/// A clock that stands until it is moved.
pub(crate) struct MockClock(AtomicI64);

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Server {
    pub(crate) dir: TempDir,
    pub(crate) pki: &'static PkiDirectory,
    pub(crate) store: Arc<Datastore>,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) smds: Arc<Smds>,
    es15: Es15,
}

/// How a test's server differs from the usual one.
pub(crate) struct Wanted {
    pub(crate) settings: Settings,
    /// Host and port.
    pub(crate) address: String,
    /// OID of its DSauth certificates.
    pub(crate) oid: ObjectIdentifier,
    /// Curves with DSauth.
    pub(crate) curves: Vec<Curve>,
    pub(crate) crls: Vec<Crl>,
    pub(crate) pki: &'static PkiDirectory,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            address: format!("{ADDRESS}:8443"),
            oid: oid(&[2, 999, 15]),
            curves: Curve::ALL.to_vec(),
            crls: Vec::new(),
            pki: pki(),
        }
    }
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(Wanted::default()).await
    }

    pub(crate) async fn with_settings(settings: Settings) -> Self {
        Self::with(Wanted { settings, ..Wanted::default() }).await
    }

    pub(crate) async fn with(wanted: Wanted) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let kek = KeyEncryptionKey::generate(&mut SeededRandomness::new("kek"));
        let sealing = Box::new(SeededRandomness::new("sealing"));
        let store = Arc::new(Datastore::create(&dir.path().join("test.db"), &kek, sealing).await.unwrap());
        let clock = Arc::new(MockClock(AtomicI64::new(NOW.0)));
        let pki = wanted.pki;
        let smds = Arc::new(smds(&store, &clock, wanted).unwrap());
        Self { dir, pki, store, clock, es15: Es15(Arc::clone(&smds)), smds }
    }

    /// The same database served by another process, configured otherwise.
    pub(crate) fn restarted(self, wanted: Wanted) -> Self {
        let smds = Arc::new(smds(&self.store, &self.clock, wanted).unwrap());
        Self { es15: Es15(Arc::clone(&smds)), smds, ..self }
    }

    /// An eUICC of this PKI.
    pub(crate) fn euicc(&self, curve: Curve) -> TestEuicc {
        TestEuicc::of_pki(self.pki, curve)
    }

    /// The contents of the database's files.
    pub(crate) fn files(&self) -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(Result::unwrap);
        // The index of the log says who reads, not what is there.
        let kept = entries.filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"));
        let mut files: Vec<_> = kept.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect();
        files.sort();
        files
    }

    pub(crate) fn advance_clock(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn es11(&self) -> &dyn Es11 {
        &*self.smds
    }

    pub(crate) fn es12(&self) -> &dyn Es12 {
        &*self.smds
    }

    pub(crate) fn es15(&self) -> &dyn Es12 {
        &self.es15
    }
}

/// An SM-DS over a database; for its errors.
pub(crate) fn smds(store: &Arc<Datastore>, clock: &Arc<MockClock>, wanted: Wanted) -> Result<Smds, rsp_smds::Error> {
    let provider = rsp_crypto::aws_lc();
    let credentials = Credentials {
        ds_auth: wanted.curves.iter().map(|curve| ds_auth(&wanted, provider, *curve)).collect(),
        anchors: wanted.pki.trust_store(),
        crls: wanted.crls,
    };
    let address = ServerAddress::parse(&wanted.address).unwrap();
    // Two servers draw different numbers.
    let randomness = SharedRandomness::new(Box::new(SeededRandomness::new(&wanted.address)));
    Smds::new(Arc::clone(store), address, credentials, provider, clock.clone(), randomness, wanted.settings)
}

fn ds_auth(wanted: &Wanted, provider: &dyn Provider, curve: Curve) -> Credential {
    let (certificate, key) = mint_under(wanted.pki, Role::DsAuth, curve, &wanted.oid, ADDRESS);
    Credential::new(certificate, provider.signer(&key).unwrap()).unwrap()
}

/// A certificate with its key under the CI of a curve.
pub(crate) fn mint(role: Role, curve: Curve, oid: &ObjectIdentifier, host: &str) -> (Certificate, SecretKey) {
    mint_under(pki(), role, curve, oid, host)
}

fn mint_under(
    pki: &PkiDirectory,
    role: Role,
    curve: Curve,
    oid: &ObjectIdentifier,
    host: &str,
) -> (Certificate, SecretKey) {
    let mut randomness = SeededRandomness::new(format!("{role} {oid} {host}"));
    let mint = Mint { now: NOW, randomness: &mut randomness };
    let minted = pki.mint_server(curve, role, oid, &Host::Dns(host.to_owned()), mint).unwrap();
    (minted.certificate, minted.key)
}

pub(crate) fn oid(arcs: &[u32]) -> ObjectIdentifier {
    ObjectIdentifier::new(arcs.to_vec()).unwrap()
}

/// One hierarchy for all tests.
pub(crate) fn pki() -> &'static PkiDirectory {
    static PKI: LazyLock<PkiDirectory> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = InitOptions { ds_host: Host::Dns(ADDRESS.to_owned()), ..InitOptions::default() };
        PkiDirectory::init(dir.path(), &options, NOW, &mut SeededRandomness::new("pki")).unwrap()
    });
    &PKI
}

/// Whether an answer is a refusal with exactly this code.
#[track_caller]
pub(crate) fn assert_refused<T>(answer: Result<T, StatusCode>, expected: &StatusCode) {
    match answer {
        Ok(_) => panic!("accepted, where {expected} was expected"),
        Err(found) => assert!(found.is(expected), "{found}, where {expected} was expected"),
    }
}
