//! Webhooks: what reaches a receiver, in which order and how often, and what does not.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rsp_operator::webhooks::{
    Address, AddressRules, Attempted, Fault, LONGEST_TRIED, NotSent, Sender, Sent, VerifyError, WantedWebhook,
    Webhooks, verify,
};
use rsp_store::{DeliveryOutcome, EventKind, Message};
use serde_json::Value;

use crate::shop::{CANARY, Shop, iccid, randomness, tenant};
use crate::support::NOW;
use crate::webhook_signatures::header;

pub(crate) const URL: &str = "https://partner.example.com/events?token=canary";

pub(crate) fn webhooks(shop: &Shop) -> Webhooks {
    Webhooks::new(Arc::clone(&shop.store), shop.clock(), randomness(), AddressRules::default())
}

pub(crate) fn wanted(url: &str) -> WantedWebhook {
    WantedWebhook { tenant: None, url: url.to_owned(), kinds: vec![EventKind::State, EventKind::Step] }
}

/// A receiver that remembers what it got, and answers as it is told.
#[derive(Default)]
pub(crate) struct Receiver {
    pub(crate) got: Mutex<Vec<(String, Vec<u8>)>>,
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
pub(crate) async fn deliver(shop: &Shop, webhooks: &Webhooks, sender: &dyn Sender) -> usize {
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

pub(crate) async fn attempt(shop: &Shop, webhooks: &Webhooks, sender: &dyn Sender, message: &Message) -> bool {
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

pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
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
