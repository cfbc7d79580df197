//! The outbox towards real servers on loopback. No test waits for the clock: each says what time it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rsp_crypto::Zeroizing;
use rsp_es::es12::{DeleteEventRequest, RegisterEventRequest, Request as _, RequestHeader};
use rsp_es::server::{Caller, Es12, es12_router, es15_router};
use rsp_operator::usage::Usage;
use rsp_store::{Front, KeyEncryptionKey, NewMessage, Recipient, Waiting};

use super::*;
use crate::config::CONFIG_FILE;
use crate::serve::testing::{Bench, HOST, Served};
use crate::serve::upkeep::Upkeep;
use crate::system::{OsRandomness, now, write_private};

const EID: &str = "89049032123451234512345678901235";
const SERVERS: &[Role] = &[Role::DpTls, Role::DsTls];
const REGISTER: es12::Function = es12::Function::RegisterEvent;
const DELETE: es12::Function = es12::Function::DeleteEvent;

/// An SM-DS that answers as it is told, and notes who asked for what.
#[derive(Default)]
struct Smds {
    refusal: Mutex<Option<StatusCode>>,
    /// Held by whoever wants answers to wait.
    gate: tokio::sync::Mutex<()>,
    heard: Mutex<Vec<(String, [u8; 32])>>,
}

impl Smds {
    fn refuse(&self, status: StatusCode) {
        *self.refusal.lock().unwrap() = Some(status);
    }

    fn hear(&self, caller: &Caller, what: String) -> Result<(), StatusCode> {
        self.heard.lock().unwrap().push((what, hash::sha256(caller.certificate.as_deref().unwrap())));
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(what, _)| what.clone()).collect()
    }
}

#[async_trait]
impl Es12 for Smds {
    async fn register_event(&self, caller: &Caller, request: RegisterEventRequest) -> Result<(), StatusCode> {
        drop(self.gate.lock().await);
        self.hear(caller, format!("register {}", request.event_id))
    }

    async fn delete_event(&self, caller: &Caller, request: DeleteEventRequest) -> Result<(), StatusCode> {
        self.hear(caller, format!("delete {}", request.event_id))
    }
}

/// A server directory with an SM-DS beside it.
struct Fixture {
    bench: Bench,
    smds: Arc<Smds>,
    served: Served,
    store: Arc<Datastore>,
    courier: Arc<NetworkCourier>,
    client: [u8; 32],
}

impl Fixture {
    /// `more` is added to the configuration, with `PORT` for the port of the SM-DS.
    async fn new(more: &str) -> Self {
        Self::with(more, |_| {}).await
    }

    /// The same, with something done to the PKI first.
    async fn with(more: &str, prepare: impl FnOnce(&Bench)) -> Self {
        let bench = Bench::new();
        prepare(&bench);
        let smds = Arc::new(Smds::default());
        let router = es12_router(smds.clone()).merge(es15_router(smds.clone()));
        let served = bench.serve(Role::DsTls, bench.verifier(SERVERS, &[]), router).await;
        let (store, courier, client) = courier(&bench, &more.replace("PORT", &served.address.port().to_string())).await;
        Self { bench, smds, served, store, courier, client }
    }

    fn address(&self) -> String {
        format!("{HOST}:{}", self.served.address.port())
    }

    async fn enqueue(&self, path: &str, to: Recipient, body: &str) {
        self.enqueue_in("lane", path, to, body).await;
    }

    async fn enqueue_in(&self, lane: &str, path: &str, to: Recipient, body: &str) {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        let (lane, function, at) = (lane.to_owned(), path.to_owned(), now());
        let message = NewMessage { lane, function, recipient: to, body, at, not_before: at };
        self.store.run_tx("enqueue", move |tx| tx.enqueue(&message)).await.unwrap();
    }

    async fn event(&self, interface: Interface, function: es12::Function, to: &str, event_id: &str) {
        let header = RequestHeader {
            function_requester_identifier: "2.999.10".to_owned(),
            function_call_identifier: "1".to_owned(),
        };
        let (eid, event_id) = (EID.parse().unwrap(), event_id.to_owned());
        let body = match function {
            REGISTER => RegisterEventRequest {
                header,
                eid,
                rsp_server_address: HOST.to_owned(),
                event_id,
                forwarding_indicator: false,
            }
            .to_json(),
            DELETE => DeleteEventRequest { header, eid, event_id }.to_json(),
        };
        self.enqueue(function.path(interface), Recipient::Server(to.to_owned()), &body).await;
    }

    async fn waiting(&self) -> Vec<Waiting> {
        self.store.waiting_messages().await.unwrap()
    }
}

/// The courier of a new server directory with this configuration, and the fingerprint of its certificate.
async fn courier(bench: &Bench, more: &str) -> (Arc<Datastore>, Arc<NetworkCourier>, [u8; 32]) {
    let dir = bench.dir.path();
    let identity = bench.identity(Role::DpTls);
    let text = format!(
        "[smdp]\naddress = {HOST:?}\npki = \"pki\"\n[tls]\ncertificate = \"DPtls.pem\"\nkey = \"DPtls.key\"\n\
         [store]\ndatabase = \"db\"\nkey_encryption_key = \"kek\"\n{more}"
    );
    std::fs::write(dir.join(CONFIG_FILE), text).unwrap();
    let key = KeyEncryptionKey::generate(&mut OsRandomness);
    write_private(&dir.join("db"), b"").unwrap();
    let store = Arc::new(Datastore::create(&dir.join("db"), &key, Box::new(OsRandomness)).await.unwrap());
    let server = ServerDir::open(dir).unwrap();
    let courier = NetworkCourier::new(&server, Arc::clone(&store), Arc::new(crate::config::SystemClock)).unwrap();
    (store, Arc::new(courier), hash::sha256(identity.certificate().der()))
}

const CLIENT: &str = "[es12.client]\ncertificate = \"DPtls.pem\"\nkey = \"DPtls.key\"\n";
const PARENT: &str = "[smds]\naddress = \"a.example\"\nlisten = \"127.0.0.1:0\"\nparent = \"localhost:PORT\"\n\
                      [smds.tls]\ncertificate = \"DPtls.pem\"\nkey = \"DPtls.key\"\n";
const ALLOWED: &str = "[egress]\nallow = [\"localhost:PORT\"]\n";

fn configured() -> String {
    format!("{CLIENT}{ALLOWED}")
}

#[tokio::test]
async fn messages_of_a_lane_arrive_in_order_under_the_certificate_of_the_server() {
    let fixture = Fixture::new(&configured()).await;
    let to = fixture.address();
    fixture.event(Interface::Es12, REGISTER, &to, "A").await;
    fixture.event(Interface::Es12, DELETE, &to, "A").await;
    fixture.event(Interface::Es12, REGISTER, &to, "B").await;
    assert_eq!(fixture.courier.deliver_due(now()).await, 3);
    assert_eq!(fixture.smds.heard(), ["register A", "delete A", "register B"]);
    assert!(fixture.smds.heard.lock().unwrap().iter().all(|(_, who)| *who == fixture.client));
    assert!(fixture.waiting().await.is_empty());
    assert_eq!(fixture.courier.deliver_due(now()).await, 0, "each arrives once");
    fixture.served.stop().await;
}

#[tokio::test]
async fn what_the_sm_ds_has_already_has_arrived() {
    let (known, unknown) = (StatusCode::EVENT_RECORD_ALREADY_IN_USE, StatusCode::EVENT_RECORD_UNKNOWN);
    for interface in [Interface::Es12, Interface::Es15] {
        for (function, answer, lost, arrived) in [
            (REGISTER, &known, true, 1),
            (REGISTER, &known, false, 0),
            (REGISTER, &unknown, true, 0),
            (DELETE, &unknown, false, 1),
            (DELETE, &known, true, 0),
        ] {
            let fixture = Fixture::new(&format!("{CLIENT}{PARENT}{ALLOWED}")).await;
            fixture.smds.refuse(answer.clone());
            fixture.event(interface, function, &fixture.address(), "A").await;
            let mut time = now();
            if lost {
                // Taken out, and no more is known of it.
                assert_eq!(fixture.store.claim_messages(time, time, 1).await.unwrap().len(), 1);
            }
            assert_eq!(fixture.courier.deliver_due(time).await, arrived, "{interface:?} {function} {answer} {lost}");
            // A repetition of what was refused proves nothing.
            for _ in 0..2 {
                time = time.plus_seconds(3600);
                assert_eq!(fixture.courier.deliver_due(time).await, 0);
            }
            assert_eq!(fixture.waiting().await.len(), 1 - arrived);
        }
    }
}

#[tokio::test]
async fn what_a_killed_process_had_taken_out_goes_after_a_minute() {
    let fixture = Fixture::new(&configured()).await;
    fixture.event(Interface::Es12, REGISTER, &fixture.address(), "A").await;
    let time = now();
    assert_eq!(fixture.courier.claim(time, 1).await.len(), 1);
    assert_eq!(fixture.courier.deliver_due(time.plus_seconds(59)).await, 0);
    assert_eq!(fixture.courier.deliver_due(time.plus_seconds(60)).await, 1);
}

#[tokio::test]
async fn a_message_that_is_under_way_for_long_stays_the_courier_s() {
    let mut fixture = Fixture::new(&configured()).await;
    Arc::get_mut(&mut fixture.courier).unwrap().renewal = Duration::from_millis(10);
    fixture.event(Interface::Es12, REGISTER, &fixture.address(), "A").await;
    let (time, gate) = (now(), fixture.smds.gate.lock().await);
    let message = fixture.store.claim_messages(time, time.plus_seconds(1), 1).await.unwrap().remove(0);
    let courier = Arc::clone(&fixture.courier);
    let settling = tokio::spawn(async move { courier.settle(message, time).await });
    let renewed = async {
        while fixture.waiting().await[0].due_at < time.plus_seconds(60) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), renewed).await.expect("its lease is renewed");
    drop(gate);
    assert!(settling.await.unwrap());
    assert!(fixture.waiting().await.is_empty());
}

#[tokio::test]
async fn a_recipient_that_does_not_answer_holds_up_no_other() {
    let fixture = Fixture::new(&configured()).await;
    for lane in 0..40 {
        let to = Recipient::Server("black.example".to_owned());
        fixture.enqueue_in(&format!("a{lane}"), REGISTER.path(Interface::Es12), to, "{}").await;
    }
    fixture.event(Interface::Es12, REGISTER, &fixture.address(), "A").await;
    let time = now();
    let taken = fixture.courier.claim(time, UNDER_WAY).await;
    let recipients: Vec<_> = taken.iter().map(|message| message.recipient.as_str()).collect();
    let dead = recipients.iter().filter(|recipient| **recipient == "black.example").count();
    assert_eq!((dead, recipients.contains(&fixture.address().as_str())), (4, true), "{recipients:?}");
}

#[tokio::test]
async fn what_nobody_takes_is_given_up_after_thirty_days_and_audited() {
    let fixture = Fixture::new(CLIENT).await;
    let time = now();
    fixture.event(Interface::Es12, DELETE, &fixture.address(), "A").await;
    assert_eq!(fixture.courier.deliver_due(time).await, 0);
    fixture.courier.deliver_due(time.plus_seconds(30 * 86_400 - 10)).await;
    assert_eq!(fixture.waiting().await.len(), 1);
    fixture.courier.deliver_due(time.plus_seconds(30 * 86_400 + 10)).await;
    assert!(fixture.waiting().await.is_empty());
    let entry = fixture.store.audit(1).await.unwrap().remove(0);
    assert_eq!((entry.actor.as_str(), entry.action.as_str()), ("courier", "give up"));
    let subject = format!("/gsma/rsp2/es12/deleteEvent for {:?}, messages: 1; too old; ", fixture.address());
    assert!(entry.subject.starts_with(&subject), "{}", entry.subject);
}

#[tokio::test]
async fn a_message_that_does_not_arrive_is_tried_again_after_longer_and_longer_pauses() {
    let fixture = Fixture::new(&configured()).await;
    let to = fixture.address();
    fixture.smds.refuse(StatusCode::FUNCTION_EXECUTION_ERROR);
    fixture.event(Interface::Es12, REGISTER, &to, "A").await;
    fixture.event(Interface::Es12, DELETE, &to, "A").await;
    let mut time = now();
    for (attempt, pause) in [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600].into_iter().enumerate() {
        assert_eq!(fixture.courier.deliver_due(time).await, 0);
        assert_eq!(fixture.courier.deliver_due(time.plus_seconds(pause - 1)).await, 0);
        assert_eq!(fixture.smds.heard().len(), attempt + 1, "once for each time that is due");
        let waiting = fixture.waiting().await;
        assert_eq!(waiting[0].due_at, time.plus_seconds(pause));
        assert!(waiting[0].problem.as_deref().unwrap().starts_with("refused: "), "{waiting:?}");
        time = time.plus_seconds(pause);
    }
    *fixture.smds.refusal.lock().unwrap() = None;
    assert_eq!(fixture.courier.deliver_due(time).await, 2, "what waited behind it follows at once");
}

#[tokio::test]
async fn atk_ssrf_smds_what_is_not_on_the_list_is_not_called_and_is_audited() {
    let fixture = Fixture::new(CLIENT).await;
    let time = now();
    fixture.event(Interface::Es12, REGISTER, &fixture.address(), "A").await;
    assert_eq!(fixture.courier.deliver_due(time).await, 0);
    assert!(fixture.smds.heard().is_empty());
    let waiting = fixture.waiting().await;
    assert_eq!(waiting[0].due_at, time.plus_seconds(3600));
    let entry = fixture.store.audit(1).await.unwrap().remove(0);
    assert_eq!((entry.actor.as_str(), entry.action.as_str()), ("courier", "refused to call"));
    assert!(entry.subject.contains("/gsma/rsp2/es12/registerEvent: localhost is "), "{}", entry.subject);
    assert_eq!(fixture.courier.deliver_due(time.plus_seconds(3600)).await, 0);
    assert_eq!(fixture.store.audit(10).await.unwrap().len(), 1, "a repetition is no news");
    // The way on which an operator waits for the answer is the same.
    let front = fixture.store.claim_lane("lane", time, time.plus_seconds(1)).await.unwrap();
    let Front::Message(message) = front else { panic!("the message waits in its lane") };
    let refused = fixture.courier.deliver(&message).await.unwrap_err();
    assert!(matches!(refused, Undelivered::Inaccessible(_)) && fixture.smds.heard().is_empty(), "{refused}");
}

#[tokio::test]
async fn atk_crl_newer_lists_are_taken_while_the_server_runs() {
    let fixture = Fixture::new(&configured()).await;
    let (bench, operator) = (&fixture.bench, fixture.bench.mint(Role::OperatorTls, 0));
    let clients = Arc::new(bench.verifier(&[Role::OperatorTls], &[]));
    let server = ServerDir::open(bench.dir.path()).unwrap();
    let courier = Arc::clone(&fixture.courier);
    let usage = Usage::new(Arc::clone(&fixture.store), Arc::new(crate::config::SystemClock));
    let mut upkeep = Upkeep::new(&server, Vec::new(), None, vec![Arc::clone(&clients)], courier, usage).unwrap();
    let router = axum::Router::new().route("/", axum::routing::post(async || ""));
    let es2plus = bench.serve_shared(Role::DpTls, clients, router).await;
    bench.post(es2plus.address, Role::DpTls, Some(&operator)).await.unwrap();

    let crl = bench.crl(&[&operator, &bench.minted(Role::DsTls)], 0);
    std::fs::write(bench.dir.path().join("pki/p256/new.crl"), crl.der()).unwrap();
    bench.post(es2plus.address, Role::DpTls, Some(&operator)).await.unwrap();
    upkeep.renew().await;
    let refused = bench.post(es2plus.address, Role::DpTls, Some(&operator)).await.unwrap_err().to_string();
    assert!(refused.contains("alert"), "{refused}");
    // The SM-DS whose certificate was revoked is not told anything any more, either.
    fixture.event(Interface::Es12, REGISTER, &fixture.address(), "A").await;
    assert_eq!(fixture.courier.deliver_due(now()).await, 0);
    let problem = fixture.waiting().await.remove(0).problem.unwrap();
    assert!(problem.contains("revoked"), "{problem}");

    // A list that cannot be read changes nothing.
    std::fs::write(bench.dir.path().join("pki/p256/new.crl"), "nothing").unwrap();
    upkeep.renew().await;
    bench.post(es2plus.address, Role::DpTls, Some(&operator)).await.unwrap_err();
    es2plus.stop().await;
}

#[tokio::test]
async fn atk_crl_without_a_list_no_server_is_called_where_lists_are_required() {
    for (age, arrives) in [(Some(0), 1), (Some(2 * 86_400), 0), (None, 0)] {
        let more = format!("{}[crl]\nrequired = true\nmax_age_days = 1\n", configured());
        let fixture = Fixture::with(&more, |bench| {
            if let Some(age) = age {
                std::fs::write(bench.dir.path().join("pki/p256/ci.crl"), bench.crl(&[], age).der()).unwrap();
            }
        });
        let fixture = fixture.await;
        fixture.event(Interface::Es12, REGISTER, &fixture.address(), "A").await;
        assert_eq!(fixture.courier.deliver_due(now()).await, arrives, "{age:?}");
    }
}

#[tokio::test]
async fn an_sm_ds_is_called_where_the_configuration_says() {
    let endpoints = "endpoints = { \"smds.example.com:8445\" = \"localhost:PORT\" }\n";
    let fixture = Fixture::new(&format!("{CLIENT}{endpoints}{ALLOWED}")).await;
    fixture.event(Interface::Es12, REGISTER, "SMDS.example.com:8445", "A").await;
    assert_eq!(fixture.courier.deliver_due(now()).await, 1);
    assert_eq!(fixture.smds.heard(), ["register A"]);
}

#[tokio::test]
async fn an_sm_ds_shows_its_own_certificate_to_the_one_above_it() {
    let fixture = Fixture::new(&format!("{PARENT}{ALLOWED}")).await;
    fixture.event(Interface::Es15, REGISTER, &fixture.address(), "A").await;
    assert_eq!(fixture.courier.deliver_due(now()).await, 1);
    assert_eq!(fixture.smds.heard.lock().unwrap()[0].1, fixture.client, "that of smds.tls");
    // Without [es12.client] nobody is called on ES12.
    fixture.event(Interface::Es12, REGISTER, &fixture.address(), "B").await;
    assert_eq!(fixture.courier.deliver_due(now()).await, 0);
    assert_eq!(fixture.waiting().await[0].problem.as_deref(), Some("openrsp.toml has no es12.client"));
}

#[tokio::test]
async fn an_operator_is_told_at_its_endpoint_if_that_proves_to_be_a_server() {
    let client = "[es2plus.client]\ncertificate = \"DPtls.pem\"\nkey = \"DPtls.key\"\n";
    for (role, server_purpose, arrives) in
        [(Role::OperatorTls, true, true), (Role::OperatorTls, false, false), (Role::DpTls, true, false)]
    {
        let fixture = Fixture::new("").await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let path = es2plus::Function::HandleDownloadProgressInfo.path();
        let answer = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { axum::http::StatusCode::NO_CONTENT }
        };
        let router = axum::Router::new().route(path, axum::routing::post(answer));
        let (bench, clients) = (&fixture.bench, fixture.bench.verifier(&[Role::DpTls], &[]));
        let minted = bench.with_purposes(bench.mint(role, 0), server_purpose, true);
        let operator = bench.serve_as(&bench.read(&minted, "operator"), clients, router).await;
        let port = operator.address.port();
        std::fs::remove_file(fixture.bench.dir.path().join("db")).unwrap();
        let allowed = format!("{client}{}", ALLOWED.replace("PORT", &port.to_string()));
        let (store, courier, _) = courier(&fixture.bench, &allowed).await;
        let fixture = Fixture { store, courier, ..fixture };
        fixture.enqueue(path, Recipient::Server(format!("{HOST}:{port}")), "{}").await;
        assert_eq!(fixture.courier.deliver_due(now()).await, usize::from(arrives), "{role} {server_purpose}");
        assert_eq!(calls.load(Ordering::Relaxed), usize::from(arrives));
        operator.stop().await;
    }
}
