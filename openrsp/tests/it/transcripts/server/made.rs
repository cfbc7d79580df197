//! The recorded servers, made anew: with the recorded certificates, orders, times and draws.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use rsp_asn1::{NotificationEvent, ProfileClass, Timestamp};
use rsp_auth::{Credential, DerivedChallenges, ServerAddress};
use rsp_crypto::{RandomnessExt as _, SecretKey, Zeroizing, rust_crypto};
use rsp_es::server::{Caller, es11_router, es12_router, es15_router};
use rsp_pki::{Certificate, TrustStore};
use rsp_smdp::{
    Clock, ConfirmationCode, Identity, Import, MetadataOptions, NewOrder, Notify, Orders, SharedRandomness, Smdp,
};
use rsp_smds::{Es15, Smds};
use rsp_store::{Datastore, KeyEncryptionKey, ProfileState};
use rsp_testkit::SeededRandomness;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::super::{Header, read};
use super::{Exchange, Process, ServerRecord};

/// After everything that is to be done some day.
const LATER: Timestamp = Timestamp(1 << 40);

/// The clock of the recording: says what it said then, and after that the last time again.
struct Recorded(Mutex<VecDeque<Timestamp>>);

impl Clock for Recorded {
    fn now(&self) -> Timestamp {
        let mut times = self.0.lock().unwrap();
        if times.len() > 1 { times.pop_front().unwrap() } else { times[0] }
    }
}

/// The time when the recording began.
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A process in the state of the recorded one, which draws what that one drew.
pub(super) struct Server {
    es9plus: Router,
    es11: Router,
    es12: Router,
    transcript: &'static str,
    store: Arc<Datastore>,
    _dir: TempDir,
}

/// What the roles of one process share: the recorded draws and times are for all of them, in the order in which they ask.
struct Shared {
    transcript: &'static str,
    header: Header,
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
}

impl Server {
    pub(super) async fn new(record: &ServerRecord) -> Self {
        let transcript = record.transcript;
        let dir = tempfile::tempdir().unwrap();
        // What seals the database does not show in any answer.
        let mut own = SeededRandomness::new("replay");
        let key = KeyEncryptionKey::generate(&mut own);
        let store = Datastore::create(&dir.path().join("openrsp.db"), &key, Box::new(own)).await.unwrap();
        let store = Arc::new(store);
        let shared = Shared {
            transcript,
            header: Header::of(transcript),
            store: Arc::clone(&store),
            clock: Arc::new(Recorded(Mutex::new(record.times.clone()))),
            randomness: SharedRandomness::new(Box::new(record.draws.clone())),
        };
        let (es9plus, smds) = match record.process {
            Process::Server => {
                shared.sell_all().await;
                // In this order: each draws a key when it is made.
                let smdp = rsp_es::server::router(Arc::new(shared.smdp()));
                (smdp, shared.smds("smds", Some("parent")))
            }
            Process::Root => (Router::new(), shared.smds("root_smds", None)),
        };
        let es12 = es12_router(smds.clone()).merge(es15_router(Arc::new(Es15(smds.clone()))));
        Self { es9plus, es11: es11_router(smds), es12, transcript, store, _dir: dir }
    }

    /// Status and body of the answer to a recorded request.
    pub(super) async fn post(&self, exchange: &Exchange) -> (u16, Vec<u8>) {
        let router = match exchange.interface.as_deref() {
            None => &self.es9plus,
            Some("es11") => &self.es11,
            _ => &self.es12,
        };
        let request = Request::post(&exchange.path)
            .header(header::USER_AGENT, "gsma-rsp-lpad")
            .header("X-Admin-Protocol", "gsma/rsp/v2.2.2")
            .header(header::CONTENT_TYPE, "application/json")
            .extension(self.caller(exchange))
            .body(Body::from(exchange.request.clone()))
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
    }

    /// The servers of the recording show who they are.
    fn caller(&self, exchange: &Exchange) -> Caller {
        let certificate = exchange.is_between_servers().then(|| {
            let name = if exchange.path.contains("/es15/") { "dstls" } else { "dptls" };
            let certificate = Certificate::from_pem(&read(self.transcript, &format!("pki/{name}.pem"))).unwrap();
            Arc::from(certificate.der())
        });
        Caller { certificate, ..Caller::default() }
    }

    /// What became of the orders that are `expected`, in the same form.
    pub(super) async fn outcome(&self, expected: &Value) -> Value {
        let mut outcome = Vec::new();
        for expected in expected.as_array().unwrap() {
            let iccid = expected["iccid"].as_str().unwrap();
            let profile = self.store.profile(&iccid.parse().unwrap()).await.unwrap().unwrap();
            let notifications = self.store.notifications(&profile.iccid).await.unwrap();
            let notifications: Vec<Value> = notifications.iter().map(|n| json!([n.seq_number, n.event])).collect();
            outcome.push(json!({
                "iccid": iccid, "state": profile.state.as_str(), "notifications": notifications,
                "download_tries": profile.download_tries, "confirmation_tries": profile.confirmation_tries,
            }));
        }
        Value::Array(outcome)
    }

    /// What this process has to tell others: the path of each function, and the body; sorted.
    pub(super) async fn told(&self) -> Vec<(String, String)> {
        let mut told = Vec::new();
        loop {
            let messages = self.store.claim_messages(LATER, LATER, 100).await.unwrap();
            if messages.is_empty() {
                told.sort();
                return told;
            }
            for message in messages {
                told.push((message.function.clone(), String::from_utf8(message.body.to_vec()).unwrap()));
                self.store.message_delivered(&message).await.unwrap();
            }
        }
    }
}

impl Shared {
    /// The recorded orders, as they were placed before the server was started.
    async fn sell_all(&self) {
        let clock: Arc<dyn Clock> = Arc::new(Standing(self.header.clock()));
        let randomness = SharedRandomness::new(Box::new(SeededRandomness::new("orders")));
        let identity = Identity { address: self.header.text("address"), oid: "2.999.10".to_owned() };
        let orders = Orders::new(Arc::clone(&self.store), identity, clock, randomness, "replay");
        let sales: Value = serde_json::from_str(&read(self.transcript, "server/sales.json")).unwrap();
        for sale in sales.as_array().unwrap() {
            sell(&orders, sale, self.header.clock()).await;
        }
    }

    fn smdp(&self) -> Smdp {
        let challenges = DerivedChallenges::new(Zeroizing::new(self.randomness.clone().bytes()));
        let credentials = rsp_smdp::Credentials {
            dp_auth: self.credentials("dpauth"),
            dp_pb: self.credentials("dppb"),
            anchors: self.anchors(),
            crls: Vec::new(),
        };
        let (store, clock, randomness) = (Arc::clone(&self.store), Arc::clone(&self.clock), self.randomness.clone());
        let settings = rsp_smdp::Settings::default();
        let smdp = Smdp::new(store, self.address("address"), credentials, rust_crypto(), clock, randomness, settings);
        smdp.unwrap().with_challenges(Box::new(challenges))
    }

    /// The SM-DS with the address that the header has under this name.
    fn smds(&self, address: &str, parent: Option<&str>) -> Arc<Smds> {
        let challenges = DerivedChallenges::new(Zeroizing::new(self.randomness.clone().bytes()));
        let (ds_auth, anchors) = (self.credentials("dsauth"), self.anchors());
        let credentials = rsp_smds::Credentials { ds_auth, anchors, crls: Vec::new() };
        let (store, clock, randomness) = (Arc::clone(&self.store), Arc::clone(&self.clock), self.randomness.clone());
        let parent = parent.map(|parent| self.address(parent));
        let settings = rsp_smds::Settings { parent, ..rsp_smds::Settings::default() };
        let smds = Smds::new(store, self.address(address), credentials, rust_crypto(), clock, randomness, settings);
        Arc::new(smds.unwrap().with_challenges(Box::new(challenges)))
    }

    fn address(&self, member: &str) -> ServerAddress {
        ServerAddress::parse(&self.header.text(member)).unwrap()
    }

    /// The certificates of this name on each curve, with their keys.
    fn credentials(&self, name: &str) -> Vec<Credential> {
        let credential = |curve| {
            let file = |suffix: &str| read(self.transcript, &format!("pki/{curve}/{name}.{suffix}"));
            let key = SecretKey::from_pem(&file("key")).unwrap();
            let certificate = Certificate::from_pem(&file("pem")).unwrap();
            Credential::new(certificate, rust_crypto().signer(&key).unwrap()).unwrap()
        };
        CURVES.map(credential).into()
    }

    fn anchors(&self) -> TrustStore {
        let anchor = |curve| Certificate::from_pem(&read(self.transcript, &format!("pki/{curve}/ci.pem"))).unwrap();
        TrustStore::new(CURVES.map(anchor).into())
    }
}

const CURVES: [&str; 2] = ["p256", "brainpool"];

async fn sell(orders: &Orders, sale: &Value, now: Timestamp) {
    let text = |member: &str| sale[member].as_str().map(str::to_owned);
    let event = |name: &Value| match name.as_str() {
        Some("install") => NotificationEvent::INSTALL,
        Some("enable") => NotificationEvent::ENABLE,
        Some("disable") => NotificationEvent::DISABLE,
        _ => NotificationEvent::DELETE,
    };
    let notify = sale["notify"].as_array().unwrap().iter();
    let notify = notify.map(|n| Notify { event: event(&n[0]), address: n[1].as_str().unwrap().to_owned() });
    let metadata = MetadataOptions {
        service_provider_name: text("spn"),
        profile_name: text("profile_name"),
        class: Some(ProfileClass::OPERATIONAL),
        notify: notify.collect(),
        ..MetadataOptions::default()
    };
    let package = Zeroizing::new(hex::decode(text("package").unwrap()).unwrap());
    let import = Import {
        allow_published_keys: false,
        type_name: text("type").unwrap(),
        operator: None,
        package,
        template: false,
        iccids: None,
        metadata,
    };
    orders.import(import).await.unwrap();
    let confirmation_code = text("confirmation_code").map(|code| ConfirmationCode::new(Zeroizing::new(code)).unwrap());
    let order = NewOrder {
        matching_id: text("matching_id"),
        confirmation_code,
        eid: text("eid").map(|eid| eid.parse().unwrap()),
        smds_address: text("smds_address"),
        expires_at: (sale["expired"] == true).then(|| now.plus_seconds(-1)),
        state: if sale["held"] == true { ProfileState::Confirmed } else { ProfileState::Released },
        ..NewOrder::of(&text("type").unwrap())
    };
    orders.order(order).await.unwrap();
}
