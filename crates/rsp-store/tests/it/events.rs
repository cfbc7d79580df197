//! Event records and the sessions in which they are asked for.

use rsp_asn1::{Eid, Timestamp, TransactionId};
use rsp_store::{Error, EventCounts, EventRecord, ForwardedEvent, Transaction};

use crate::support::{Database, NOW};

const EID: Eid = Eid([0x89; 16]);
const OTHER_EID: Eid = Eid([0x88; 16]);

fn record(registrar: &str, event_id: &str, eid: Eid) -> EventRecord {
    EventRecord {
        registrar: registrar.to_owned(),
        event_id: event_id.to_owned(),
        eid,
        rsp_server_address: "smdp.example.com".to_owned(),
        forwarded: None,
        registered_at: NOW,
        expires_at: NOW.plus_seconds(10),
    }
}

/// Runs a closure in a transaction of its own.
async fn run<T: Send + 'static>(
    database: &Database,
    closure: impl Fn(&mut Transaction) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    database.store.run_tx("test", closure).await
}

async fn insert(database: &Database, new: EventRecord) -> Result<(), Error> {
    run(database, move |tx| tx.insert_event(&new)).await
}

async fn counts(database: &Database, registrar: &'static str, eid: Eid) -> (u32, u32) {
    let EventCounts { of_eid, of_registrar } = run(database, move |tx| tx.event_counts(registrar, &eid)).await.unwrap();
    (of_eid, of_registrar)
}

async fn ids(database: &Database, eid: Eid, now: Timestamp) -> Vec<String> {
    database.store.events(&eid, now).await.unwrap().into_iter().map(|record| record.event_id).collect()
}

#[tokio::test]
async fn records_come_back_as_they_were_and_in_the_order_of_their_registration() {
    let database = Database::new().await;
    let forwarded = ForwardedEvent { event_id: "SECOND".to_owned(), parent: "root.example.com:443".to_owned() };
    let first = EventRecord { forwarded: Some(forwarded), ..record("2.999.10", "Z", EID) };
    let second = record("2.999.12", "A", EID);
    for new in [&first, &record("2.999.10", "M", OTHER_EID), &second] {
        insert(&database, new.clone()).await.unwrap();
    }
    assert_eq!(database.store.events(&EID, NOW).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(run(&database, |tx| tx.events(&EID, NOW)).await.unwrap(), [first, second]);
}

#[tokio::test]
async fn an_event_id_is_unique_among_those_of_its_registrar() {
    let database = Database::new().await;
    insert(&database, record("2.999.10", "A", EID)).await.unwrap();
    for eid in [EID, OTHER_EID] {
        let again = insert(&database, record("2.999.10", "A", eid)).await;
        assert!(matches!(again, Err(Error::Duplicate { what: "event" })), "{again:?}");
    }
    insert(&database, record("2.999.12", "A", EID)).await.unwrap();
    assert_eq!(counts(&database, "2.999.10", EID).await, (1, 1));
}

#[tokio::test]
async fn only_the_registrar_deletes_and_only_for_the_right_euicc() {
    let database = Database::new().await;
    insert(&database, record("2.999.10", "A", EID)).await.unwrap();
    for (registrar, eid, event_id) in [("2.999.12", EID, "A"), ("2.999.10", OTHER_EID, "A"), ("2.999.10", EID, "B")] {
        assert_eq!(run(&database, move |tx| tx.delete_event(registrar, &eid, event_id)).await.unwrap(), None);
    }
    let deleted = run(&database, |tx| tx.delete_event("2.999.10", &EID, "A")).await.unwrap();
    assert_eq!(deleted, Some(record("2.999.10", "A", EID)));
    assert_eq!(counts(&database, "2.999.10", EID).await, (0, 0));
    insert(&database, record("2.999.10", "A", OTHER_EID)).await.unwrap();
}

#[tokio::test]
async fn counts_are_kept_for_each_registrar() {
    let database = Database::new().await;
    for (registrar, event_id, eid) in
        [("2.999.10", "A", EID), ("2.999.10", "B", EID), ("2.999.10", "C", OTHER_EID), ("2.999.12", "A", EID)]
    {
        insert(&database, record(registrar, event_id, eid)).await.unwrap();
    }
    assert_eq!(counts(&database, "2.999.10", EID).await, (2, 3));
    assert_eq!(counts(&database, "2.999.10", OTHER_EID).await, (1, 3));
    assert_eq!(counts(&database, "2.999.12", EID).await, (1, 1));
    assert_eq!(counts(&database, "2.999.13", EID).await, (0, 0));
}

#[tokio::test]
async fn what_has_expired_is_found_no_more_and_deleted_oldest_first() {
    let database = Database::new().await;
    for (event_id, seconds) in [("A", 30), ("B", 10), ("C", 20)] {
        let new = EventRecord { expires_at: NOW.plus_seconds(seconds), ..record("2.999.10", event_id, EID) };
        insert(&database, new).await.unwrap();
    }
    assert_eq!(ids(&database, EID, NOW.plus_seconds(10)).await, ["A", "B", "C"]);
    assert_eq!(ids(&database, EID, NOW.plus_seconds(11)).await, ["A", "C"]);
    assert_eq!(run(&database, |tx| tx.delete_expired_events(NOW.plus_seconds(10), 9)).await.unwrap(), []);
    for expected in ["B", "C"] {
        let deleted = run(&database, |tx| tx.delete_expired_events(NOW.plus_seconds(21), 1)).await.unwrap();
        let deleted: Vec<_> = deleted.iter().map(|record| record.event_id.as_str()).collect();
        assert_eq!(deleted, [expected]);
    }
    assert_eq!(run(&database, |tx| tx.delete_expired_events(NOW.plus_seconds(21), 1)).await.unwrap(), []);
    assert_eq!(counts(&database, "2.999.10", EID).await, (1, 1));
}

#[tokio::test]
async fn what_has_expired_is_not_in_the_way() {
    let database = Database::new().await;
    for (registrar, event_id, eid) in
        [("2.999.10", "A", OTHER_EID), ("2.999.10", "B", EID), ("2.999.10", "C", OTHER_EID), ("2.999.12", "A", EID)]
    {
        insert(&database, record(registrar, event_id, eid)).await.unwrap();
    }
    let clear = |seconds| {
        run(&database, move |tx| tx.delete_expired_events_before("2.999.10", &EID, "A", NOW.plus_seconds(seconds)))
    };
    assert_eq!(clear(10).await.unwrap(), []);
    let mut cleared: Vec<_> = clear(11).await.unwrap().into_iter().map(|record| record.event_id).collect();
    cleared.sort();
    assert_eq!(cleared, ["A", "B"]);
    assert_eq!(counts(&database, "2.999.10", OTHER_EID).await, (1, 1));
    assert_eq!(counts(&database, "2.999.12", EID).await, (1, 1));
}

#[tokio::test]
async fn a_session_ends_once_and_is_remembered_while_it_could_begin() {
    let database = Database::new().await;
    let id = TransactionId::from([7; 16]);
    let end = || {
        let id = id.clone();
        run(&database, move |tx| tx.end_event_session(&id, NOW.plus_seconds(10)))
    };
    assert!(!database.store.event_session_ended(&id).await.unwrap());
    assert!(end().await.unwrap());
    assert!(!end().await.unwrap());
    assert!(database.store.event_session_ended(&id).await.unwrap());
    for (seconds, expected) in [(10, 0), (11, 1), (11, 0)] {
        let purged = run(&database, move |tx| tx.purge_event_sessions(NOW.plus_seconds(seconds))).await.unwrap();
        assert_eq!(purged, expected);
    }
    assert!(!database.store.event_session_ended(&id).await.unwrap());
}
