//! Webhooks: their secrets, their limits, and who may see what.

use std::collections::HashSet;

use rsp_operator::webhooks::{MOST_SECRETS, WantedWebhook, verify};
use rsp_operator::{Actor, Error, Right, Rights};
use rsp_store::EventKind;

use crate::shop::{Shop, tenant};
use crate::support::NOW;
use crate::webhook_signatures::header;
use crate::webhooks::{Receiver, URL, attempt, deliver, json, wanted, webhooks};

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
    assert!(matches!(webhooks.rotate(&owner, &id, 3600).await, Err(Error::Full { .. })));
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
    assert!(matches!(webhooks.add(&tenant("A"), &wanted(URL)).await, Err(Error::Full { .. })));
    assert!(webhooks.add(&tenant("B"), &wanted(URL)).await.is_ok());
}
