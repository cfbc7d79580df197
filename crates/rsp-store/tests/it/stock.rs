//! Operators, profile types and what their orders take away.

use rsp_asn1::Iccid;
use rsp_crypto::Zeroizing;
use rsp_store::{AuditEntry, CallKey, Error, NewProfileType, Operator, Subscriber, SubscriberInStock};

use crate::support::{Database, NOW, new_profile};

const ICCID: Iccid = Iccid([1; 10]);

fn subscriber(imsi: &str, key: u8) -> SubscriberInStock {
    SubscriberInStock { imsi: imsi.to_owned(), keys: Zeroizing::new([key; 32]) }
}

#[tokio::test]
async fn subscribers_are_taken_once_in_the_order_of_their_import() {
    let database = Database::with_profile(ICCID).await;
    let taken: Result<Vec<_>, Error> = database
        .store
        .run_tx("take", |tx| {
            tx.stock_subscriber("basic", &subscriber("001010000000002", 2))?;
            tx.stock_subscriber("basic", &subscriber("001010000000001", 1))?;
            let mut taken = Vec::new();
            while let Some(next) = tx.take_subscriber("basic")? {
                taken.push((next.imsi, next.keys[0]));
            }
            Ok(taken)
        })
        .await;
    assert_eq!(taken.unwrap(), [("001010000000002".to_owned(), 2), ("001010000000001".to_owned(), 1)]);
}

#[tokio::test]
async fn those_who_wait_are_told_in_the_order_in_which_they_are_taken() {
    let database = Database::with_profile(ICCID).await;
    let done: Result<(), Error> = database
        .store
        .run_tx("stock", |tx| {
            tx.stock_subscriber("basic", &subscriber("001010000000002", 2))?;
            tx.stock_subscriber("basic", &subscriber("001010000000001", 1))
        })
        .await;
    done.unwrap();
    let waiting = database.store.waiting_subscribers("basic").await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|waiting| (waiting.imsi.as_str(), waiting.keys[31])).collect();
    assert_eq!(waiting, [("001010000000002", 2), ("001010000000001", 1)]);
    assert_eq!(database.store.subscribers_in_stock("basic").await.unwrap(), 2, "telling takes nobody away");
}

#[tokio::test]
async fn a_wiped_database_has_nothing_but_its_key_and_its_audit() {
    let database = Database::with_profile(ICCID).await;
    let audit = AuditEntry { at: NOW, actor: "a".to_owned(), action: "b".to_owned(), subject: "c".to_owned() };
    let kept = audit.clone();
    let done: Result<(), Error> = database
        .store
        .run_tx("fill and wipe", move |tx| {
            tx.record_audit(&audit)?;
            tx.stock_subscriber("basic", &subscriber("001010000000001", 1))?;
            let keys = Zeroizing::new([1; 32]);
            tx.insert_subscriber(&Subscriber { iccid: ICCID, imsi: "001010000000002".to_owned(), keys })?;
            tx.reserve_matching_id("USED", &ICCID, NOW)?;
            tx.wipe()
        })
        .await;
    done.unwrap();
    assert!(database.store.profiles().await.unwrap().is_empty());
    assert!(database.store.profile_types().await.unwrap().is_empty());
    assert!(database.store.profile_events(&ICCID).await.unwrap().is_empty());
    assert!(database.store.package(&ICCID).await.unwrap().is_none());
    assert_eq!(database.store.subscribers_in_stock("basic").await.unwrap(), 0);
    assert_eq!(database.store.audit(10).await.unwrap(), [kept]);
    let again: Result<(), Error> =
        database.store.run_tx("again", |tx| tx.reserve_matching_id("USED", &ICCID, NOW)).await;
    again.unwrap();
}

#[tokio::test]
async fn an_imsi_waits_once_and_not_after_it_was_taken() {
    let database = Database::with_profile(ICCID).await;
    let twice: Result<(), Error> = database
        .store
        .run_tx("twice", |tx| {
            tx.stock_subscriber("basic", &subscriber("001010000000001", 1))?;
            tx.stock_subscriber("basic", &subscriber("001010000000001", 1))
        })
        .await;
    assert!(matches!(twice, Err(Error::Duplicate { what: "IMSI" })));
    let taken: Result<(), Error> = database
        .store
        .run_tx("taken", |tx| {
            let keys = Zeroizing::new([1; 32]);
            tx.insert_subscriber(&Subscriber { iccid: ICCID, imsi: "001010000000001".to_owned(), keys })?;
            tx.stock_subscriber("basic", &subscriber("001010000000001", 1))
        })
        .await;
    assert!(matches!(taken, Err(Error::Duplicate { what: "IMSI" })));
}

#[tokio::test]
async fn a_range_gives_each_iccid_once_and_then_none() {
    let database = Database::new().await;
    let given: Result<Vec<_>, Error> = database
        .store
        .run_tx("range", |tx| {
            tx.insert_profile_type(&NewProfileType {
                name: "ranged".to_owned(),
                operator: None,
                iccids: Some((899_990_000_000_000_007, 899_990_000_000_000_009)),
                metadata: vec![],
                template: Some(Zeroizing::new(vec![1])),
                created_at: NOW,
            })?;
            (0..5).map(|_| tx.next_iccid("ranged")).collect()
        })
        .await;
    let start = 899_990_000_000_000_007;
    assert_eq!(given.unwrap(), [Some(start), Some(start + 1), Some(start + 2), None, None]);
    let kept = database.store.profile_type("ranged").await.unwrap().unwrap();
    assert_eq!(kept.iccids, Some((start + 3, start + 2)));
}

#[tokio::test]
async fn a_certificate_is_one_operator() {
    let database = Database::new().await;
    let operator = |name: &str, certificate| Operator {
        name: name.to_owned(),
        certificate,
        endpoint: None,
        iccid_prefix: "8999".to_owned(),
        imsi_prefix: String::new(),
        created_at: NOW,
    };
    let (first, second) = (operator("first", [1; 32]), operator("second", [1; 32]));
    let added = first.clone();
    let done: Result<(), Error> = database.store.run_tx("first", move |tx| tx.insert_operator(&added)).await;
    done.unwrap();
    let refused: Result<(), Error> = database.store.run_tx("second", move |tx| tx.insert_operator(&second)).await;
    assert!(matches!(refused, Err(Error::Duplicate { what: "operator" })));
    assert_eq!(database.store.operator_by_certificate(&[1; 32]).await.unwrap(), Some(first));
    assert_eq!(database.store.operator_by_certificate(&[2; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_is_remembered_until_another_one_moves_its_order_or_it_is_forgotten() {
    let database = Database::with_profile(ICCID).await;
    let key = |call_id: &str| CallKey { operator: "a".to_owned(), call_id: call_id.to_owned(), request: [3; 32] };
    let answers: Result<_, Error> = database
        .store
        .run_tx("calls", move |tx| {
            let (first, other) = (key("1"), key("2"));
            let found = |tx: &mut rsp_store::Transaction, key| Ok::<_, Error>(tx.executed_call(key)?.is_some());
            tx.remember_call(&first, b"answer", &ICCID, NOW)?;
            let mut answers = vec![found(tx, &first)?, found(tx, &other)?];
            // What a device does is no other order; what an operator does, is.
            for (state, remembered) in [
                (rsp_store::ProfileState::Downloaded, true),
                (rsp_store::ProfileState::Error, true),
                (rsp_store::ProfileState::Released, false),
                (rsp_store::ProfileState::Installed, false),
            ] {
                let mut change = tx.profile(&ICCID)?.unwrap().change("somebody", NOW);
                change.state = state;
                tx.change_profile(&change)?;
                assert_eq!(found(tx, &first)?, remembered, "{state}");
            }
            answers.push(found(tx, &first)?);
            tx.remember_call(&first, b"another", &ICCID, NOW)?;
            answers.push(tx.executed_call(&first)?.is_some_and(|answer| *answer == *b"another"));
            tx.forget_call(&first)?;
            answers.push(found(tx, &first)?);
            tx.remember_call(&other, b"answer", &ICCID, NOW)?;
            Ok((answers, tx.forget_calls(NOW)?, tx.forget_calls(NOW.plus_seconds(1))?))
        })
        .await;
    assert_eq!(answers.unwrap(), (vec![true, false, false, true, false], 0, 1));
}

#[tokio::test]
async fn orders_that_ended_are_found_until_they_are_closed() {
    let database = Database::with_profile(ICCID).await;
    let profile = database.store.profile(&ICCID).await.unwrap().unwrap();
    let done: Result<bool, Error> = database
        .store
        .run_tx("order", move |tx| {
            tx.insert_profile(&new_profile(Iccid([2; 10])))?;
            let mut change = profile.change("clerk", NOW);
            change.state = rsp_store::ProfileState::Released;
            change.expires_at = Some(NOW);
            tx.change_profile(&change)
        })
        .await;
    assert!(done.unwrap());
    assert!(database.store.expired_orders(NOW, 10).await.unwrap().is_empty(), "it lives until then");
    let expired = database.store.expired_orders(NOW.plus_seconds(1), 10).await.unwrap();
    assert_eq!(expired.iter().map(|profile| profile.iccid).collect::<Vec<_>>(), [ICCID]);
}

#[tokio::test]
async fn the_audit_shows_the_newest_first() {
    let database = Database::new().await;
    let entry = |action: &str| AuditEntry {
        at: NOW,
        actor: "clerk".to_owned(),
        action: action.to_owned(),
        subject: "a".to_owned(),
    };
    let (one, two) = (entry("one"), entry("two"));
    let done: Result<(), Error> = database
        .store
        .run_tx("audit", move |tx| {
            tx.record_audit(&one)?;
            tx.record_audit(&two)
        })
        .await;
    done.unwrap();
    assert_eq!(database.store.audit(1).await.unwrap(), [entry("two")]);
}
