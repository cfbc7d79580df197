//! Webhooks: what reaches a receiver, in which order and how often, what does not, and who may see what.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderValue};
use rsp_asn1::Timestamp;
use rsp_es::client::{
    AllowedHost, EgressPolicy, Limits, NameResolver, NetworkTransport, Origin, Scheme, web_tls_config,
};
use rsp_operator::webhooks::{
    Address, AddressRules, Attempted, Fault, LONGEST_TRIED, MOST_SECRETS, NetworkSender, NotSent, SIGNATURE_HEADER,
    Sender, Sent, TOLERANCE, VerifyError, WantedWebhook, Webhooks, sign, verify,
};
use rsp_operator::{Actor, Error, Right, Rights};
use rsp_store::{DeliveryOutcome, EventKind, Message};
use serde_json::Value;

use crate::shop::{CANARY, Shop, iccid, randomness, tenant};
use crate::support::NOW;

const ID: &str = "evt_0123456789abcdef0123456789abcdef";
const URL: &str = "https://partner.example.com/events?token=canary";

fn webhooks(shop: &Shop) -> Webhooks {
    Webhooks::new(Arc::clone(&shop.store), shop.clock(), randomness(), AddressRules::default())
}

fn wanted(url: &str) -> WantedWebhook {
    WantedWebhook { tenant: None, url: url.to_owned(), kinds: vec![EventKind::State, EventKind::Step] }
}

/// A receiver that remembers what it got, and answers as it is told.
#[derive(Default)]
struct Receiver {
    got: Mutex<Vec<(String, Vec<u8>)>>,
    down: std::sync::atomic::AtomicBool,
    /// Answers that are lost although the message was taken.
    loses: AtomicUsize,
}

#[async_trait]
impl Sender for Receiver {
    async fn send(&self, _: &Address, signature: &str, body: &[u8]) -> Sent {
        let took = Duration::from_millis(7);
        if self.down.load(Ordering::SeqCst) {
            return Sent { answer: Err(NotSent::Failed(Fault::Connection, "connection refused".to_owned())), took };
        }
        self.got.lock().unwrap().push((signature.to_owned(), body.to_owned()));
        let lost = self.loses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        Sent { answer: if lost { Err(NotSent::Failed(Fault::Http, "reset".to_owned())) } else { Ok(204) }, took }
    }
}

/// Delivers everything that is due now; how many have been settled.
async fn deliver(shop: &Shop, webhooks: &Webhooks, sender: &dyn Sender) -> usize {
    let mut settled = 0;
    loop {
        let now = shop.clock().now();
        let due = shop.store.claim_messages(now, now.plus_seconds(60), 32).await.unwrap();
        if due.is_empty() {
            return settled;
        }
        for message in due {
            settled += usize::from(attempt(shop, webhooks, sender, &message).await);
        }
    }
}

async fn attempt(shop: &Shop, webhooks: &Webhooks, sender: &dyn Sender, message: &Message) -> bool {
    match webhooks.deliver(message, sender).await.unwrap() {
        Attempted::Settled => {
            shop.store.message_delivered(message).await.unwrap();
            true
        }
        Attempted::Again(problem) => {
            shop.store.message_failed(message, shop.clock().now().plus_seconds(60), &problem).await.unwrap();
            false
        }
    }
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn header(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(value).unwrap());
    headers
}

#[test]
fn the_signature_is_that_of_another_implementation() {
    // Computed with Python's hmac and hashlib.
    let value = sign(&["whsec_abc"], "evt_1", Timestamp(1_790_000_000), br#"{"id":"evt_1"}"#);
    assert_eq!(value, "t=1790000000,id=evt_1,v1=9fb019fe05cc0bcb5fd293c993b7fd0acc70f13c14a167c9fdac35fb7f492bd1");
}

#[test]
fn atk_webhook_forge() {
    let (secrets, body) = (["whsec_new", "whsec_old"], br#"{"id":"x","type":"esim.state"}"#);
    let check = |headers: &HeaderMap, body: &[u8], secrets: &[&str]| {
        verify(headers, body, secrets, NOW, TOLERANCE, &mut HashSet::new())
    };
    let value = sign(&secrets, ID, NOW, body);
    assert_eq!(check(&header(&value), body, &secrets).as_deref(), Ok(ID));
    // One of two is enough on either side.
    assert!(check(&header(&value), body, &["whsec_old"]).is_ok());
    assert!(check(&header(&sign(&["whsec_old"], ID, NOW, body)), body, &secrets).is_ok());
    // No octet of what is signed may be another.
    for place in 0..body.len() {
        let mut other = body.to_vec();
        other[place] ^= 1;
        assert_eq!(check(&header(&value), &other, &secrets), Err(VerifyError::Forged));
    }
    assert_eq!(check(&header(&value), b"", &secrets), Err(VerifyError::Forged));
    let later = value.replace(&format!("t={}", NOW.0), &format!("t={}", NOW.0 + 1));
    assert_eq!(check(&header(&later), body, &secrets), Err(VerifyError::Forged));
    assert_eq!(check(&header(&value.replace("evt_0", "evt_1")), body, &secrets), Err(VerifyError::Forged));
    // What ends the id and what begins the time are not to be moved.
    let moved = sign(&["whsec_new"], "evt_1", Timestamp(NOW.0), b".x");
    assert_eq!(check(&header(&moved), format!("{}.x", NOW.0).as_bytes(), &secrets), Err(VerifyError::Forged));
    for secrets in [&["whsec_other"][..], &[""], &[]] {
        assert_eq!(check(&header(&value), body, secrets), Err(VerifyError::Forged));
    }
    assert_eq!(check(&HeaderMap::new(), body, &secrets), Err(VerifyError::Missing));
    let mut twice = header(&value);
    twice.append(SIGNATURE_HEADER, HeaderValue::from_static("t=1,id=a,v1=00"));
    assert_eq!(check(&twice, body, &secrets), Err(VerifyError::Missing));
    let zeros = "0".repeat(64);
    for malformed in [
        String::new(),
        "v1".to_owned(),
        format!("t={}", NOW.0),
        format!("t={},id={ID}", NOW.0),
        format!("t={},id={ID},v1=", NOW.0),
        format!("t={},id={ID},v1={}", NOW.0, &zeros[1..]),
        format!("t={},id={ID},v1={zeros}x", NOW.0),
        format!("t=0{},id={ID},v1={zeros}", NOW.0),
        format!("t=+{},id={ID},v1={zeros}", NOW.0),
        format!("t=99999999999999999999,id={ID},v1={zeros}"),
        format!("t={},t={},id={ID},v1={zeros}", NOW.0, NOW.0),
        format!("t={},id={ID},id={ID},v1={zeros}", NOW.0),
        format!("t={},id=,v1={zeros}", NOW.0),
        format!("t={},id=a.b,v1={zeros}", NOW.0),
        format!("t={},id={ID}{}", NOW.0, format!(",v1={zeros}").repeat(17)),
        "x".repeat(5000),
    ] {
        assert_eq!(check(&header(&malformed), body, &secrets), Err(VerifyError::Malformed), "{malformed}");
    }
    let unsigned = format!("t={},id={ID},v0={zeros}", NOW.0);
    assert_eq!(check(&header(&unsigned), body, &secrets), Err(VerifyError::Malformed));
    assert_eq!(check(&header(&format!("t={},id={ID},v1={zeros}", NOW.0)), body, &secrets), Err(VerifyError::Forged));
}

#[test]
fn atk_webhook_replay() {
    let (secrets, body, mut seen) = (["whsec_a"], b"{}", HashSet::new());
    let value = header(&sign(&secrets, ID, NOW, body));
    let mut at = |now: Timestamp| verify(&value, body, &secrets, now, TOLERANCE, &mut seen);
    // Forged ones are not remembered, nor are those of another time.
    for late in [NOW.0 + TOLERANCE + 1, NOW.0 - TOLERANCE - 1, i64::MAX, i64::MIN] {
        assert_eq!(at(Timestamp(late)), Err(VerifyError::Stale));
    }
    assert!(at(NOW.plus_seconds(TOLERANCE)).is_ok());
    assert_eq!(at(NOW), Err(VerifyError::Seen));
    // The same event, signed anew because the answer was lost, is the same event.
    let again = header(&sign(&secrets, ID, NOW.plus_seconds(9), body));
    assert_eq!(verify(&again, body, &secrets, NOW, TOLERANCE, &mut seen), Err(VerifyError::Seen));
    let forged = header(&sign(&["whsec_b"], "evt_new", NOW, body));
    assert_eq!(verify(&forged, body, &secrets, NOW, TOLERANCE, &mut seen), Err(VerifyError::Forged));
    assert!(verify(&header(&sign(&secrets, "evt_new", NOW, body)), body, &secrets, NOW, TOLERANCE, &mut seen).is_ok());
}

#[tokio::test]
async fn an_event_reaches_those_who_want_it_signed_and_without_codes() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    shop.plan("S", |_| {}).await;
    let iccid = shop.sell("A", 1, "S").await;
    let added = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap();
    webhooks.add(&tenant("B"), &wanted(URL)).await.unwrap();
    let only_usage = WantedWebhook { kinds: vec![EventKind::Usage], ..wanted(URL) };
    webhooks.add(&tenant("A"), &only_usage).await.unwrap();
    shop.happen("A", iccid, "one").await;
    let late = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap();
    assert_eq!(webhooks.dispatch().await.unwrap(), 1, "neither what was before nor what is another's");
    webhooks.remove(&tenant("A"), &late.webhook.id).await.unwrap();
    assert_eq!(webhooks.dispatch().await.unwrap(), 0);
    let receiver = Receiver::default();
    assert_eq!(deliver(&shop, &webhooks, &receiver).await, 1);
    let got = receiver.got.lock().unwrap().clone();
    let [(signature, body)] = &got[..] else { panic!("{got:?}") };
    let id = verify(&header(signature), body, &[added.secret.as_str()], NOW, 0, &mut HashSet::new()).unwrap();
    let told = json(body);
    assert_eq!(told["id"], id);
    assert_eq!(told["type"], "esim.step");
    assert_eq!(told["data"]["iccid"], iccid.to_string());
    assert_eq!(told["data"]["reference"], "order 17");
    assert_eq!(told["data"]["detail"], "one");
    let text = String::from_utf8(body.clone()).unwrap();
    assert!(!text.contains("CANARY") && !text.contains(CANARY) && !text.contains("user of"), "{text}");
    let delivery = webhooks.deliveries(&tenant("A"), &added.webhook.id, 10).await.unwrap();
    assert_eq!(delivery.len(), 1);
    assert_eq!((delivery[0].status, delivery[0].milliseconds, delivery[0].attempt), (Some(204), 7, 1));
    assert_eq!((delivery[0].event_id.as_str(), delivery[0].outcome), (id.as_str(), DeliveryOutcome::Delivered));
}

#[tokio::test]
async fn what_nobody_wants_is_passed_over_at_once() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    let many = |tx: &mut rsp_store::Transaction| {
        (0..5000).try_for_each(|number| {
            tx.record_event(&rsp_store::NewEvent {
                at: NOW,
                operator: Some("A".to_owned()),
                iccid: None,
                profile_type: None,
                kind: EventKind::Step,
                actor: "test".to_owned(),
                step: None,
                refused: None,
                detail: Some(format!("{number}")),
            })
        })
    };
    shop.store.run_tx("many", many).await.unwrap();
    webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap();
    let skipped = shop.store.run_tx("skip", |tx| {
        tx.skip_unwanted_events()?;
        tx.events_for_webhooks(10)
    });
    let skipped: Result<_, rsp_store::Error> = skipped.await;
    assert!(skipped.unwrap().is_empty());
    shop.happen("A", iccid(1), "one").await;
    assert_eq!(webhooks.dispatch().await.unwrap(), 1);
    assert!(!shop.store.is_webhook_behind().await.unwrap());
}

/// Goal R10 at a hundredth.
#[tokio::test]
async fn each_event_arrives_at_a_receiver_that_is_down_half_of_the_time_and_in_its_order() {
    const EVENTS: usize = 100;
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    shop.plan("S", |_| {}).await;
    let added = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap();
    let mut iccids = Vec::new();
    for number in 0..7 {
        iccids.push(shop.sell("A", number, "S").await);
    }
    let receiver = Receiver { loses: AtomicUsize::new(10), ..Receiver::default() };
    let mut settled = 0;
    let sold = webhooks.dispatch().await.unwrap();
    for number in 0..EVENTS {
        shop.happen("A", iccids[number % iccids.len()], &number.to_string()).await;
        receiver.down.store(number / 10 % 2 == 0, Ordering::SeqCst);
        webhooks.dispatch().await.unwrap();
        settled += deliver(&shop, &webhooks, &receiver).await;
        shop.clock.forward(7);
    }
    receiver.down.store(false, Ordering::SeqCst);
    for _ in 0..EVENTS {
        shop.clock.forward(61);
        settled += deliver(&shop, &webhooks, &receiver).await;
    }
    assert_eq!(settled, EVENTS + sold);
    let got = receiver.got.lock().unwrap().clone();
    let (mut seen, mut of_iccid, mut events) = (HashSet::new(), HashMap::<String, Vec<usize>>::new(), 0);
    let mut repeated = 0;
    for (signature, body) in &got {
        let told = json(body);
        match verify(&header(signature), body, &[added.secret.as_str()], NOW, i64::MAX, &mut seen) {
            Err(VerifyError::Seen) => repeated += 1,
            other => {
                assert_eq!(other.as_deref(), Ok(told["id"].as_str().unwrap()));
                if let Some(number) = told["data"]["detail"].as_str() {
                    let iccid = told["data"]["iccid"].as_str().unwrap().to_owned();
                    of_iccid.entry(iccid).or_default().push(number.parse().unwrap());
                    events += 1;
                }
            }
        }
    }
    assert_eq!((events, repeated, of_iccid.len()), (EVENTS, 10, 7));
    assert!(of_iccid.values().all(|numbers| numbers.is_sorted()), "{of_iccid:?}");
    let shown = webhooks.get(&tenant("A"), &added.webhook.id).await.unwrap();
    assert_eq!((shown.delivered, shown.given_up), ((EVENTS + sold) as u64, 0));
    assert!(shown.attempts > shown.delivered + 10);
}

#[tokio::test]
async fn what_never_arrives_is_given_up_and_said_and_what_is_behind_it_goes() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    shop.plan("S", |_| {}).await;
    let iccid = shop.sell("A", 1, "S").await;
    let id = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap().webhook.id;
    shop.happen("A", iccid, "one").await;
    webhooks.dispatch().await.unwrap();
    let receiver = Receiver::default();
    receiver.down.store(true, Ordering::SeqCst);
    assert_eq!(deliver(&shop, &webhooks, &receiver).await, 0);
    shop.clock.forward(LONGEST_TRIED - 1);
    assert_eq!(deliver(&shop, &webhooks, &receiver).await, 0);
    shop.happen("A", iccid, "two").await;
    webhooks.dispatch().await.unwrap();
    shop.clock.forward(61);
    assert_eq!(deliver(&shop, &webhooks, &receiver).await, 1);
    let outcomes: Vec<_> =
        webhooks.deliveries(&tenant("A"), &id, 10).await.unwrap().into_iter().map(|tried| tried.outcome).collect();
    use DeliveryOutcome::{Failed, GivenUp};
    assert_eq!(outcomes, [Failed, GivenUp, Failed, Failed]);
    receiver.down.store(false, Ordering::SeqCst);
    shop.clock.forward(61);
    assert_eq!(deliver(&shop, &webhooks, &receiver).await, 1);
    assert_eq!(json(&receiver.got.lock().unwrap()[0].1)["data"]["detail"], "two");
    let shown = webhooks.get(&tenant("A"), &id).await.unwrap();
    assert_eq!((shown.given_up, shown.delivered), (1, 1));
    let audit = shop.store.audit(1).await.unwrap();
    assert_eq!(audit[0].action, "give up");
    assert!(audit[0].subject.contains(&id) && audit[0].subject.contains("no connection"), "{}", audit[0].subject);
}

#[tokio::test]
async fn only_success_is_success() {
    struct Answers(u16);
    #[async_trait]
    impl Sender for Answers {
        async fn send(&self, _: &Address, _: &str, _: &[u8]) -> Sent {
            Sent { answer: Ok(self.0), took: Duration::ZERO }
        }
    }
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    let id = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap().webhook.id;
    for (status, arrives) in
        [(200, true), (299, true), (100, false), (300, false), (302, false), (404, false), (410, false), (500, false)]
    {
        webhooks.test(&tenant("A"), &id).await.unwrap();
        let settled = deliver(&shop, &webhooks, &Answers(status)).await;
        assert_eq!(settled, usize::from(arrives), "{status}");
        shop.clock.forward(61);
        deliver(&shop, &webhooks, &Answers(200)).await;
    }
}

#[tokio::test]
async fn secrets_overlap_are_shown_once_and_end() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    let owner = tenant("A");
    let added = webhooks.add(&owner, &wanted(URL)).await.unwrap();
    let (id, first) = (added.webhook.id, added.secret);
    let second = webhooks.rotate(&owner, &id, 3600).await.unwrap();
    assert_ne!(*first, *second);
    let receiver = Receiver::default();
    webhooks.test(&owner, &id).await.unwrap();
    deliver(&shop, &webhooks, &receiver).await;
    shop.clock.forward(3600);
    webhooks.test(&owner, &id).await.unwrap();
    deliver(&shop, &webhooks, &receiver).await;
    let got = receiver.got.lock().unwrap().clone();
    let accepts = |number: usize, secret: &str| {
        let (signature, body) = &got[number];
        verify(&header(signature), body, &[secret], NOW, 3600, &mut HashSet::new()).is_ok()
    };
    assert!(accepts(0, &first) && accepts(0, &second));
    assert!(!accepts(1, &first) && accepts(1, &second));
    assert_eq!(json(&got[0].1)["type"], "webhook.test");
    // A leaked one is ended at once.
    let third = webhooks.rotate(&owner, &id, 0).await.unwrap();
    webhooks.test(&owner, &id).await.unwrap();
    deliver(&shop, &webhooks, &receiver).await;
    let (signature, body) = receiver.got.lock().unwrap()[2].clone();
    assert_eq!(signature.matches("v1=").count(), 1);
    assert!(verify(&header(&signature), &body, &[&*third], NOW, 3600, &mut HashSet::new()).is_ok());
    for _ in 1..MOST_SECRETS {
        webhooks.rotate(&owner, &id, 3600).await.unwrap();
    }
    assert!(matches!(webhooks.rotate(&owner, &id, 3600).await, Err(Error::Invalid { field: "overlap", .. })));
    for overlap in [-1, i64::MIN, i64::MAX, 31 * 86_400] {
        assert!(matches!(webhooks.rotate(&owner, &id, overlap).await, Err(Error::Invalid { field: "overlap", .. })));
    }
    // Nothing of them lies open in the database, nor does what follows the host.
    shop.store.run_tx("end", |_| Ok::<_, rsp_store::Error>(())).await.unwrap();
    for entry in std::fs::read_dir(shop._dir.path()).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [first.as_bytes(), second.as_bytes(), third.as_bytes(), b"token=canary"] {
            assert!(!file.windows(secret.len()).any(|window| window == secret));
        }
    }
    assert!(!format!("{:?}", webhooks.get(&owner, &id).await.unwrap()).contains("canary"));
}

#[tokio::test]
async fn what_is_removed_gets_nothing_more() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    shop.plan("S", |_| {}).await;
    let iccid = shop.sell("A", 1, "S").await;
    let id = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap().webhook.id;
    let kept = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap().webhook.id;
    shop.happen("A", iccid, "one").await;
    assert_eq!(webhooks.dispatch().await.unwrap(), 2);
    let now = shop.clock().now();
    let under_way = shop.store.claim_messages(now, now.plus_seconds(60), 32).await.unwrap();
    webhooks.remove(&tenant("A"), &id).await.unwrap();
    let receiver = Receiver::default();
    for message in &under_way {
        assert!(attempt(&shop, &webhooks, &receiver, message).await);
    }
    assert_eq!(receiver.got.lock().unwrap().len(), 1);
    assert!(shop.store.waiting_messages().await.unwrap().is_empty());
    assert!(matches!(webhooks.get(&tenant("A"), &id).await, Err(Error::NotFound { .. })));
    assert_eq!(webhooks.get(&tenant("A"), &kept).await.unwrap().delivered, 1);
}

#[tokio::test]
async fn another_tenant_finds_nothing_and_without_the_right_nothing_is_done() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    let id = webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap().webhook.id;
    let other = tenant("B");
    for id in [id.as_str(), "wh_none"] {
        let answers = [
            webhooks.get(&other, id).await.err(),
            webhooks.rotate(&other, id, 0).await.err(),
            webhooks.remove(&other, id).await.err(),
            webhooks.test(&other, id).await.err(),
            webhooks.deliveries(&other, id, 1).await.err(),
        ];
        for answer in answers {
            assert_eq!(answer.unwrap().to_string(), format!("there is no webhook {id:?}"));
        }
    }
    assert!(webhooks.list(&other, None).await.unwrap().is_empty());
    assert!(matches!(webhooks.list(&other, Some("A")).await, Err(Error::NotFound { what: "tenant", .. })));
    let foreign = WantedWebhook { tenant: Some("A".to_owned()), ..wanted(URL) };
    assert!(matches!(webhooks.add(&other, &foreign).await, Err(Error::NotFound { what: "tenant", .. })));
    let reader = Actor::new(Some("A".to_owned()), "reader", Rights::of([Right::Read]));
    assert_eq!(webhooks.list(&reader, None).await.unwrap().len(), 1);
    let nobody = Actor::new(Some("A".to_owned()), "nobody", Rights::default());
    assert!(matches!(webhooks.list(&nobody, None).await, Err(Error::Forbidden(Right::Read))));
    for answer in [
        webhooks.add(&reader, &wanted(URL)).await.err(),
        webhooks.rotate(&reader, &id, 0).await.err(),
        webhooks.remove(&reader, &id).await.err(),
        webhooks.test(&reader, &id).await.err(),
    ] {
        assert!(matches!(answer, Some(Error::Forbidden(Right::Manage))));
    }
    // Whoever runs the server sees all, and says for whom it adds one.
    let root = Actor::new(None, "root", Rights::ALL);
    assert_eq!(webhooks.list(&root, None).await.unwrap().len(), 1);
    assert!(matches!(webhooks.add(&root, &wanted(URL)).await, Err(Error::Invalid { field: "tenant", .. })));
    assert_eq!(webhooks.add(&root, &foreign).await.unwrap().webhook.operator, "A");
}

#[tokio::test]
async fn kinds_and_numbers_have_limits() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    for kinds in [vec![], vec![EventKind::Test]] {
        let wrong = WantedWebhook { kinds, ..wanted(URL) };
        assert!(matches!(webhooks.add(&tenant("A"), &wrong).await, Err(Error::Invalid { field: "kinds", .. })));
    }
    for _ in 0..20 {
        webhooks.add(&tenant("A"), &wanted(URL)).await.unwrap();
    }
    assert!(matches!(webhooks.add(&tenant("A"), &wanted(URL)).await, Err(Error::Invalid { field: "url", .. })));
    assert!(webhooks.add(&tenant("B"), &wanted(URL)).await.is_ok());
}

/// Refused when a webhook is added.
const NO_WEBHOOKS: &[&str] = &[
    // Itself and its neighbours.
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.255.255.254/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://intranet/",
    "https://printer.local/",
    "https://db.internal/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    // The metadata of a cloud.
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://metadata.google.internal/",
    "https://printer.corp/",
    "https://router.home/",
    "https://a.invalid/",
    // IPv4 inside of IPv6.
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    // Numbers in disguise.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.01/",
    "https://1.2.3.4.5/",
    "https://127.0.0.1./",
    // Other schemes.
    "http://partner.example.com/",
    "gopher://partner.example.com:70/_",
    "file:///etc/passwd",
    "ftp://partner.example.com/",
    "HTTPS://partner.example.com/",
    "javascript:alert(1)",
    "//partner.example.com/",
    "https:/partner.example.com/",
    // User names, fragments, and what two programs read in two ways.
    "https://user:canary@partner.example.com/",
    "https://partner.example.com@127.0.0.1/",
    "https://127.0.0.1#@partner.example.com/",
    "https://127.0.0.1\\@partner.example.com/",
    "https://partner.example.com/\r\nHost: localhost",
    "https://partner.example.com/a b",
    "https://pärtner.example.com/",
    "https://partner.example.com%2f@localhost/",
    "https://%31%32%37.0.0.1/",
    "https://[::1%25lo]/",
    "https://[127.0.0.1]/",
    "https:///",
    "https://",
    "",
    // Ports of other services.
    "https://partner.example.com:22/",
    "https://partner.example.com:25/",
    "https://partner.example.com:0/",
    "https://partner.example.com:65536/",
    "https://partner.example.com:/",
];

/// Taken, as far as can be seen of them, and not called: their names lead elsewhere.
const NOT_CALLED: &[(&str, &[&str])] = &[
    ("https://loop.example.com/", &["127.0.0.1"]),
    ("https://meta.example.com/", &["169.254.169.254"]),
    ("https://private.example.com/", &["10.1.2.3"]),
    ("https://mapped.example.com/", &["::ffff:127.0.0.1"]),
    ("https://six.example.com/", &["::1"]),
    ("https://both.example.com/", &["93.184.215.14", "127.0.0.1"]),
    ("https://zero.example.com/", &["0.0.0.0"]),
    ("https://127.0.0.1.nip.io/", &["127.0.0.1"]),
];

/// Gives each name its addresses, and counts who asks.
struct Names {
    known: HashMap<String, Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl NameResolver for Names {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let addresses = self.known.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

/// The first answer is this machine, and every other one is this machine under another address.
struct Rebinding(AtomicUsize);

#[async_trait]
impl NameResolver for Rebinding {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let address = if self.0.fetch_add(1, Ordering::SeqCst) == 0 { "127.0.0.1" } else { "127.0.0.2" };
        Ok(vec![SocketAddr::new(address.parse().unwrap(), port)])
    }
}

/// A listener on this machine that counts who connects.
async fn listener() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, count)
}

fn transport(resolver: Arc<dyn NameResolver>, allow: &[&str]) -> NetworkTransport {
    let bundle = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../openrsp/tests/transcripts/lpac-pcsc-2.3.0.r454.8f68d5c/pki/p256/ci.pem"
    ))
    .unwrap();
    let allow = allow.iter().map(|text| text.parse::<AllowedHost>().unwrap()).collect();
    let second = Duration::from_millis(300);
    NetworkTransport::new(web_tls_config(&bundle).unwrap())
        .with_resolver(resolver)
        .with_egress(EgressPolicy::Guarded { allow })
        .with_limits(Limits { connect: second, exchange: second, body: 1024 })
}

#[tokio::test]
async fn atk_ssrf_callback() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    let owner = tenant("A");
    for url in NO_WEBHOOKS {
        let refused = webhooks.add(&owner, &wanted(url)).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "url", .. })), "{url}");
        let audit = shop.store.audit(1).await.unwrap().remove(0);
        assert_eq!(audit.action, "refused a webhook", "{url}");
        assert!(!audit.subject.contains("canary") && !audit.subject.contains('\n'), "{}", audit.subject);
    }
    assert!(webhooks.list(&owner, None).await.unwrap().is_empty());

    let (address, connections) = listener().await;
    let parse = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let name = |url: &str| url.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let known = NOT_CALLED.iter().map(|(url, addresses)| (name(url), parse(addresses))).collect();
    let names = Arc::new(Names { known, asked: AtomicUsize::new(0) });
    let resolver = Arc::clone(&names);
    let sender = NetworkSender::new(move || transport(Arc::clone(&resolver) as _, &[]), []);
    for (number, (url, _)) in NOT_CALLED.iter().enumerate() {
        let url = format!("{}:{}/hook", url.trim_end_matches('/'), address.port());
        let id = webhooks.add(&owner, &wanted(&url)).await.unwrap().webhook.id;
        webhooks.test(&owner, &id).await.unwrap();
        assert_eq!(deliver(&shop, &webhooks, &sender).await, 0, "{url}");
        assert_eq!(names.asked.load(Ordering::SeqCst), number + 1, "{url} is resolved once");
        let tried = webhooks.deliveries(&owner, &id, 10).await.unwrap();
        assert!(tried.len() == 1 && tried[0].status.is_none(), "{tried:?}");
        let problem = tried[0].problem.as_deref().unwrap_or_default();
        assert!(problem == "the host does not belong to the public internet", "{url}: {problem}");
        let audit = shop.store.audit(1).await.unwrap().remove(0);
        assert_eq!(audit.action, "refused to call", "{url}");
        assert!(audit.subject.contains(&id), "{}", audit.subject);
        webhooks.remove(&owner, &id).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    assert!(NO_WEBHOOKS.len() + NOT_CALLED.len() >= 30);
}

#[tokio::test]
async fn atk_ssrf_callback_by_rebinding_or_redirect() {
    let (address, connections) = listener().await;
    let rebinding = Arc::new(Rebinding(AtomicUsize::new(0)));
    let resolver = Arc::clone(&rebinding);
    let named = format!("receiver.example.com:{}", address.port());
    let (origin, allow) = (Origin::new(Scheme::PlainHttp, &named).unwrap(), named.clone());
    let fresh = move || transport(Arc::clone(&resolver) as _, &[&allow]);
    let sender = NetworkSender::new(fresh, [origin.clone()]);
    let to = Address::parse(&format!("http://{named}/"), &AddressRules::new([origin])).unwrap();
    // An exception is called where it was at first, and its name is asked for once each time.
    assert!(matches!(sender.send(&to, "t", b"{}").await.answer, Err(NotSent::Failed(Fault::Http, _))));
    assert_eq!((rebinding.0.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (1, 1));
    assert!(matches!(sender.send(&to, "t", b"{}").await.answer, Err(NotSent::Refused(_))));
    assert_eq!((rebinding.0.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (2, 1));

    // A receiver that may be private redirects to this machine.
    let app = axum::Router::new().fallback(move || async move {
        axum::response::Redirect::temporary(&format!("http://{address}/latest/meta-data"))
    });
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let allowed = receiver.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(receiver, app).await });
    let origin = Origin::new(Scheme::PlainHttp, &allowed).unwrap();
    let allow = allowed.clone();
    let fresh = move || transport(Arc::new(rsp_es::client::SystemResolver), &[&allow]);
    let sender = NetworkSender::new(fresh, [origin.clone()]);
    let to = Address::parse(&format!("http://{allowed}/hook"), &AddressRules::new([origin])).unwrap();
    assert_eq!(sender.send(&to, "t", b"{}").await.answer, Ok(307));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn exceptions_are_hosts_at_ports_and_nothing_else() {
    let rules = AddressRules::new([Origin::new(Scheme::Https, "127.0.0.1:8080").unwrap()]);
    for url in ["http://127.0.0.1:8080/x", "https://127.0.0.1:8080/"] {
        assert!(Address::parse(url, &rules).is_ok(), "{url}");
    }
    for url in ["http://127.0.0.1:8081/x", "http://127.0.0.2:8080/", "http://2130706433:8080/", "http://127.1:8080/"] {
        assert!(Address::parse(url, &rules).is_err(), "{url}");
    }
    for url in ["https://partner.example.com", "https://partner.example.com:8443/a/b?c=d", "https://8.8.8.8/", URL] {
        assert!(Address::parse(url, &AddressRules::default()).is_ok(), "{url}");
    }
    let address = Address::parse("https://partner.example.com?x=y", &AddressRules::default()).unwrap();
    assert_eq!(address.target(), "/?x=y");
    assert_eq!(address.shown(), "https://partner.example.com/?…");
    assert!(Address::parse(&format!("https://a.example.com/{}", "x".repeat(3000)), &rules).is_err());
}
