//! An SM-DP+ in a directory of its own, with a clock that tests set and randomness that they can repeat.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use rsp_asn1::Timestamp;
use rsp_auth::{Credential, ServerAddress};
use rsp_crypto::{Curve, Provider, Zeroizing};
use rsp_es::server::Es9Plus;
use rsp_es::status::StatusCode;
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::issue::Host;
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_smdp::{
    Clock, ConfirmationCode, Credentials, Identity, Import, MetadataOptions, NewOrder, Orders, PlacedOrder, Settings,
    SharedRandomness, Smdp, Throttle,
};
use rsp_store::{Datastore, KeyEncryptionKey, Profile, ProfileState};
use rsp_testkit::SeededRandomness;
use tempfile::TempDir;

use crate::euicc::TestEuicc;

pub(crate) const ADDRESS: &str = "smdp.example.com";
pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000);
pub(crate) const KEY: [u8; 16] = *b"canary key K 000";
pub(crate) const OPC: [u8; 16] = *b"canary OPc 00000";
pub(crate) const CODE: &str = "canary-code-4711";

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
    pub(crate) smdp: Arc<Smdp>,
    pub(crate) orders: Orders,
    pub(crate) package: Zeroizing<Vec<u8>>,
}

/// How a test's server differs from the usual one.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) settings: Settings,
    /// Curves with DPauth and DPpb; both if empty.
    pub(crate) curves: Vec<Curve>,
    /// Another hierarchy than the tests' own.
    pub(crate) pki: Option<&'static PkiDirectory>,
    /// Another provider than AWS-LC.
    pub(crate) provider: Option<&'static dyn Provider>,
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(Wanted::default()).await
    }

    pub(crate) async fn with_settings(settings: Settings) -> Self {
        Self::with(Wanted { settings, ..Wanted::default() }).await
    }

    pub(crate) async fn with(wanted: Wanted) -> Self {
        // In memory where that can be: nothing here is about what a loss of power leaves.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let pki = wanted.pki.unwrap_or_else(pki);
        let kek = KeyEncryptionKey::generate(&mut SeededRandomness::new("kek"));
        let sealing = Box::new(SeededRandomness::new("sealing"));
        let store = Arc::new(Datastore::create(&dir.path().join("test.db"), &kek, sealing).await.unwrap());
        let clock = Arc::new(MockClock(AtomicI64::new(NOW.0)));
        let randomness = SharedRandomness::new(Box::new(SeededRandomness::new("server")));
        let curves = if wanted.curves.is_empty() { Curve::ALL.to_vec() } else { wanted.curves };
        let provider = wanted.provider.unwrap_or_else(rsp_crypto::aws_lc);
        let credentials = credentials(pki, &curves, provider);
        let smdp = smdp(&store, credentials, provider, &clock, &randomness, wanted.settings);
        let identity = Identity { address: format!("{ADDRESS}:8443"), oid: "2.999.10".to_owned() };
        let orders = Orders::new(Arc::clone(&store), identity, clock.clone(), randomness, "test");
        Self { dir, pki, store, clock, smdp: Arc::new(smdp), orders, package: package() }
    }

    /// The same server, started again with other settings.
    pub(crate) fn restarted(self, settings: Settings) -> Self {
        let randomness = SharedRandomness::new(Box::new(SeededRandomness::new("restarted")));
        let provider = rsp_crypto::aws_lc();
        let credentials = credentials(self.pki, &Curve::ALL, provider);
        let smdp = Arc::new(smdp(&self.store, credentials, provider, &self.clock, &randomness, settings));
        Self { smdp, ..self }
    }

    /// Another endpoint of the same server, or the same as another: it counts guesses with this throttle.
    pub(crate) fn with_throttle(self, throttle: Arc<Throttle>) -> Self {
        let smdp = Arc::into_inner(self.smdp).expect("no call is running");
        Self { smdp: Arc::new(smdp.with_throttle(throttle)), ..self }
    }

    /// An eUICC of this PKI.
    pub(crate) fn euicc(&self, curve: Curve) -> TestEuicc {
        TestEuicc::of_pki(self.pki, curve)
    }

    /// An order for whoever comes first, of a profile that is imported for it.
    pub(crate) async fn order(&self) -> PlacedOrder {
        self.order_with(|_| {}).await
    }

    pub(crate) async fn order_with(&self, change: impl FnOnce(&mut NewOrder)) -> PlacedOrder {
        self.import(false).await;
        let mut order = new_order();
        change(&mut order);
        self.orders.order(order).await.unwrap()
    }

    pub(crate) async fn import(&self, template: bool) {
        let import = Import {
            allow_published_keys: false,
            type_name: "basic".to_owned(),
            operator: None,
            iccids: None,
            package: self.package.clone(),
            template,
            metadata: MetadataOptions::default(),
        };
        self.orders.import(import).await.unwrap();
    }

    pub(crate) async fn profile(&self, order: &PlacedOrder) -> Profile {
        self.store.profile(&order.iccid).await.unwrap().unwrap()
    }

    pub(crate) async fn state(&self, order: &PlacedOrder) -> ProfileState {
        self.profile(order).await.state
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

    pub(crate) fn es9(&self) -> &dyn Es9Plus {
        &*self.smdp
    }
}

fn smdp(
    store: &Arc<Datastore>,
    credentials: Credentials,
    provider: &'static dyn Provider,
    clock: &Arc<MockClock>,
    randomness: &SharedRandomness,
    settings: Settings,
) -> Smdp {
    let address = ServerAddress::parse(&format!("{ADDRESS}:8443")).unwrap();
    Smdp::new(Arc::clone(store), address, credentials, provider, clock.clone(), randomness.clone(), settings).unwrap()
}

/// One hierarchy for all tests.
fn pki() -> &'static PkiDirectory {
    static PKI: LazyLock<PkiDirectory> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = InitOptions { dp_host: Host::Dns(ADDRESS.to_owned()), ..InitOptions::default() };
        PkiDirectory::init(dir.path(), &options, NOW, &mut SeededRandomness::new("pki")).unwrap()
    });
    &PKI
}

pub(crate) fn new_order() -> NewOrder {
    NewOrder::of("basic")
}

pub(crate) fn code() -> ConfirmationCode {
    ConfirmationCode::new(Zeroizing::new(CODE.to_owned())).unwrap()
}

pub(crate) fn credentials(pki: &PkiDirectory, curves: &[Curve], provider: &'static dyn Provider) -> Credentials {
    let credential = |entity: &rsp_pki::directory::Entity| {
        let signer = provider.signer(entity.require_key().unwrap()).unwrap();
        Credential::new(entity.certificate().clone(), signer).unwrap()
    };
    Credentials {
        dp_auth: curves.iter().map(|curve| credential(pki.dp_auth(*curve).unwrap())).collect(),
        dp_pb: curves.iter().map(|curve| credential(pki.dp_pb(*curve).unwrap())).collect(),
        anchors: pki.trust_store(),
        crls: Vec::new(),
    }
}

/// A whole profile with known keys.
pub(crate) fn package() -> Zeroizing<Vec<u8>> {
    package_of("89001012012341234014")
}

/// The same profile with another ICCID.
pub(crate) fn package_of(iccid: &str) -> Zeroizing<Vec<u8>> {
    let digits = |text: &str| Secret::from(text.as_bytes());
    ProfileBuilder {
        iccid: iccid.to_owned(),
        imsi: "001010123456789".to_owned(),
        mnc_length: 2,
        spn: "Test".to_owned(),
        profile_type: "test".to_owned(),
        msisdn: None,
        gid1: None,
        gid2: None,
        key: Secret::from(&KEY[..]),
        opc: Secret::from(&OPC[..]),
        codes: Codes {
            pin1: digits("0000"),
            puk1: digits("11111111"),
            pin2: digits("0000"),
            puk2: digits("22222222"),
            adm1: digits("55555555"),
        },
        isim: false,
        pad_to: 0,
    }
    .build()
    .unwrap()
    .to_der()
}

/// Whether an answer is a refusal with exactly this code.
#[track_caller]
pub(crate) fn assert_refused<T>(answer: Result<T, StatusCode>, expected: &StatusCode) {
    match answer {
        Ok(_) => panic!("accepted, where {expected} was expected"),
        Err(found) => assert!(found.is(expected), "{found}, where {expected} was expected"),
    }
}
