//! Our SM-DP+ under lpac: every answer to the recorded ES9+ requests. The database is made anew from the recorded orders.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use rsp_asn1::{NotificationEvent, Timestamp};
use rsp_auth::{Credential, DerivedChallenges, ServerAddress};
use rsp_crypto::{RandomnessExt as _, SecretKey, Zeroizing, rust_crypto};
use rsp_pki::{Certificate, TrustStore};
use rsp_smdp::{
    Clock, ConfirmationCode, Credentials, Identity, Import, MetadataOptions, NewOrder, Notify, Orders, Settings,
    SharedRandomness, Smdp,
};
use rsp_store::{Datastore, KeyEncryptionKey};
use rsp_testkit::SeededRandomness;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{Draws, Header, LPAC, flip, read};

/// One request and its answer.
#[derive(Clone)]
struct Exchange {
    path: String,
    request: Vec<u8>,
    status: u16,
    response: Vec<u8>,
}

/// A server's part of a transcript.
#[derive(Clone)]
struct ServerRecord {
    exchanges: Vec<Exchange>,
    /// What the clock said, each time that it was asked.
    times: VecDeque<Timestamp>,
    draws: Draws,
}

impl ServerRecord {
    fn of(transcript: &str) -> Self {
        let (mut exchanges, mut times, mut draws) = (Vec::<Exchange>::new(), VecDeque::new(), VecDeque::new());
        for line in read(transcript, "server/transcript.jsonl").lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |member: &str| line[member].as_str().map(str::to_owned);
            if let (Some(path), Some(request)) = (text("path"), text("request")) {
                exchanges.push(Exchange { path, request: request.into(), status: 0, response: Vec::new() });
            } else if let (Some(response), Some(exchange)) = (text("response"), exchanges.last_mut()) {
                exchange.response = response.into();
                exchange.status = line["status"].as_u64().unwrap().try_into().unwrap();
            } else if let Some(draw) = text("draw") {
                draws.push_back(hex::decode(draw).unwrap());
            } else if let Some(now) = line["now"].as_i64() {
                times.push_back(Timestamp(now));
            }
        }
        Self { exchanges, times, draws: Draws(draws) }
    }

    /// Plays the recorded LPA.
    ///
    /// # Errors
    /// The number of the first request, from 1, whose answer is not the recorded one; a number past the last when in the
    /// end the database says something else.
    async fn replay(&self) -> Result<usize, usize> {
        let server = Server::new(LPAC, self).await;
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let (status, response) = server.post(&exchange.path, exchange.request.clone()).await;
            if (status, &response) != (exchange.status, &exchange.response) {
                return Err(index + 1);
            }
        }
        let expected: Value = serde_json::from_str(&read(LPAC, "server/outcome.json")).unwrap();
        if server.outcome(&expected).await == expected {
            Ok(self.exchanges.len())
        } else {
            Err(self.exchanges.len() + 1)
        }
    }

    /// The numbers of the requests that did something. A refusal may well be the same for another request.
    fn effective(&self) -> impl Iterator<Item = usize> {
        let is_success = |exchange: &Exchange| {
            exchange.response.is_empty() || String::from_utf8_lossy(&exchange.response).contains("Executed-Success")
        };
        (0..self.exchanges.len()).filter(move |index| is_success(&self.exchanges[*index]))
    }
}

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

/// A server in the state of the recorded one, which draws what that one drew.
struct Server {
    router: Router,
    store: Arc<Datastore>,
    _dir: TempDir,
}

impl Server {
    async fn new(transcript: &str, record: &ServerRecord) -> Self {
        let header = Header::of(transcript);
        let clock: Arc<dyn Clock> = Arc::new(Standing(header.clock()));
        let dir = tempfile::tempdir().unwrap();
        // What seals the database does not show in any answer.
        let mut own = SeededRandomness::new("replay");
        let key = KeyEncryptionKey::generate(&mut own);
        let store = Datastore::create(&dir.path().join("openrsp.db"), &key, Box::new(own)).await.unwrap();
        let store = Arc::new(store);
        let randomness = SharedRandomness::new(Box::new(SeededRandomness::new("orders")));
        let identity = Identity { address: header.text("address"), oid: "2.999.10".to_owned() };
        let orders = Orders::new(Arc::clone(&store), identity, Arc::clone(&clock), randomness, "replay");
        let sales: Value = serde_json::from_str(&read(transcript, "server/sales.json")).unwrap();
        for sale in sales.as_array().unwrap() {
            sell(&orders, sale).await;
        }
        let address = ServerAddress::parse(&header.text("address")).unwrap();
        let mut randomness = SharedRandomness::new(Box::new(record.draws.clone()));
        let challenges = DerivedChallenges::new(Zeroizing::new(randomness.bytes()));
        let clock: Arc<dyn Clock> = Arc::new(Recorded(Mutex::new(record.times.clone())));
        let credentials = credentials(transcript);
        let smdp = Smdp::new(
            Arc::clone(&store),
            address,
            credentials,
            rust_crypto(),
            clock,
            randomness,
            Settings { session_seconds: 1800, ..Settings::default() },
        );
        let smdp = smdp.unwrap().with_challenges(Box::new(challenges));
        Self { router: rsp_es::server::router(Arc::new(smdp)), store, _dir: dir }
    }

    /// What became of the orders that are `expected`, in the same form.
    async fn outcome(&self, expected: &Value) -> Value {
        let mut outcome = Vec::new();
        for expected in expected.as_array().unwrap() {
            let matching_id = expected["matching_id"].as_str().unwrap();
            let profile = self.store.profile_by_matching_id(matching_id).await.unwrap().unwrap();
            let notifications = self.store.notifications(&profile.iccid).await.unwrap();
            let notifications: Vec<Value> = notifications.iter().map(|n| json!([n.seq_number, n.event])).collect();
            outcome.push(json!({
                "matching_id": matching_id, "state": profile.state.as_str(), "notifications": notifications,
                "download_tries": profile.download_tries, "confirmation_tries": profile.confirmation_tries,
            }));
        }
        Value::Array(outcome)
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let request = Request::post(path)
            .header(header::USER_AGENT, "gsma-rsp-lpad")
            .header("X-Admin-Protocol", "gsma/rsp/v2.2.2")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
    }
}

async fn sell(orders: &Orders, sale: &Value) {
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
        class: Some(rsp_asn1::ProfileClass::OPERATIONAL),
        notify: notify.collect(),
        ..MetadataOptions::default()
    };
    let package = Zeroizing::new(hex::decode(text("package").unwrap()).unwrap());
    let import =
        Import { type_name: text("type").unwrap(), operator: None, package, template: false, iccids: None, metadata };
    orders.import(import).await.unwrap();
    let confirmation_code = text("confirmation_code").map(|code| ConfirmationCode::new(Zeroizing::new(code)).unwrap());
    let order =
        NewOrder { matching_id: text("matching_id"), confirmation_code, ..NewOrder::of(&text("type").unwrap()) };
    orders.order(order).await.unwrap();
}

fn credentials(transcript: &str) -> Credentials {
    let mut anchors = Vec::new();
    let mut credentials =
        Credentials { dp_auth: Vec::new(), dp_pb: Vec::new(), anchors: TrustStore::new(Vec::new()), crls: Vec::new() };
    for curve in ["p256", "brainpool"] {
        let file = |name: &str| read(transcript, &format!("server/pki/{curve}/{name}"));
        let credential = |name: &str| {
            let key = SecretKey::from_pem(&file(&format!("{name}.key"))).unwrap();
            let certificate = Certificate::from_pem(&file(&format!("{name}.pem"))).unwrap();
            Credential::new(certificate, rust_crypto().signer(&key).unwrap()).unwrap()
        };
        credentials.dp_auth.push(credential("dpauth"));
        credentials.dp_pb.push(credential("dppb"));
        anchors.push(Certificate::from_pem(&file("ci.pem")).unwrap());
    }
    credentials.anchors = TrustStore::new(anchors);
    credentials
}

#[tokio::test]
async fn an_smdp_under_lpac_answers_as_recorded() {
    let record = ServerRecord::of(LPAC);
    assert!(record.exchanges.len() > 20, "{}", record.exchanges.len());
    assert_eq!(record.replay().await, Ok(record.exchanges.len()));
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_response() {
    let record = ServerRecord::of(LPAC);
    for index in (0..record.exchanges.len()).filter(|index| !record.exchanges[*index].response.is_empty()).step_by(4) {
        let mut changed = record.clone();
        flip(&mut changed.exchanges[index].response);
        assert_eq!(changed.replay().await, Err(index + 1));
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_request() {
    let record = ServerRecord::of(LPAC);
    for index in record.effective().step_by(3) {
        let mut changed = record.clone();
        flip(&mut changed.exchanges[index].request);
        assert!(changed.replay().await.is_err(), "request {}", index + 1);
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_draw() {
    let record = ServerRecord::of(LPAC);
    for number in (0..record.draws.0.len()).step_by(3) {
        let mut changed = record.clone();
        flip(&mut changed.draws.0[number]);
        assert!(changed.replay().await.is_err(), "draw {number}");
    }
}
