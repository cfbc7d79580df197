//! Messages to other servers: at least once, in order within a lane, one taker at a time.

use rsp_asn1::Timestamp;
use rsp_crypto::Zeroizing;
use rsp_store::{Error, Front, Message, NewMessage, Operator, Recipient, Room};

use crate::support::{Database, NOW};

const LEASE: i64 = 60;

fn message(lane: &str, body: &str) -> NewMessage {
    NewMessage {
        lane: lane.to_owned(),
        function: "/gsma/rsp2/es12/registerEvent".to_owned(),
        recipient: Recipient::Server("smds.example.com".to_owned()),
        body: Zeroizing::new(body.as_bytes().to_vec()),
        at: NOW,
        not_before: NOW,
    }
}

async fn enqueue(database: &Database, messages: impl IntoIterator<Item = NewMessage>) {
    let messages: Vec<_> = messages.into_iter().collect();
    let done: Result<(), Error> =
        database.store.run_tx("enqueue", move |tx| messages.iter().try_for_each(|message| tx.enqueue(message))).await;
    done.unwrap();
}

async fn claim(database: &Database, after: i64) -> Vec<Message> {
    let now = NOW.plus_seconds(after);
    database.store.claim_messages(now, now.plus_seconds(LEASE), 10).await.unwrap()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| std::str::from_utf8(&message.body).unwrap()).collect()
}

#[tokio::test]
async fn a_lane_gives_its_messages_one_after_the_other() {
    let database = Database::new().await;
    enqueue(&database, [message("a", "a1"), message("a", "a2"), message("b", "b1")]).await;
    let first = claim(&database, 0).await;
    assert_eq!(bodies(&first), ["a1", "b1"]);
    assert!(claim(&database, 0).await.is_empty(), "nobody else gets what is taken");
    database.store.message_delivered(&first[0]).await.unwrap();
    assert_eq!(bodies(&claim(&database, 0).await), ["a2"]);
}

#[tokio::test]
async fn what_failed_comes_back_before_what_follows_it() {
    let database = Database::new().await;
    enqueue(&database, [message("a", "a1"), message("a", "a2")]).await;
    let first = claim(&database, 0).await;
    database.store.message_failed(&first[0], NOW.plus_seconds(5), "no connection").await.unwrap();
    assert!(claim(&database, 4).await.is_empty());
    let waiting = database.store.waiting_messages().await.unwrap();
    assert_eq!(waiting[0].problem.as_deref(), Some("no connection"));
    let again = claim(&database, 5).await;
    assert_eq!((bodies(&again), again[0].attempts), (vec!["a1"], 2));
}

#[tokio::test]
async fn what_failed_can_be_made_due_and_what_is_under_way_or_not_due_yet_stays() {
    let database = Database::new().await;
    let store = &database.store;
    enqueue(&database, [message("a", "a1"), message("a", "a2"), message("b", "b1")]).await;
    let first = claim(&database, 0).await;
    enqueue(&database, [NewMessage { not_before: NOW.plus_seconds(90), ..message("c", "c1") }]).await;
    store.message_failed(&first[0], NOW.plus_seconds(3600), "not allowed").await.unwrap();
    let behind: Vec<_> = store.waiting_messages().await.unwrap().iter().map(|waiting| waiting.behind).collect();
    assert_eq!(behind, [false, true, false, false]);
    assert!(claim(&database, 1).await.is_empty());
    let retry = || store.run_tx("retry", |tx| tx.retry_messages(NOW.plus_seconds(1)));
    assert_eq!(retry().await.unwrap(), 1);
    assert_eq!(bodies(&claim(&database, 1).await), ["a1"]);
    assert_eq!(retry().await.unwrap(), 0);
}

#[tokio::test]
async fn a_taker_that_vanishes_loses_its_message_and_cannot_settle_it_later() {
    let database = Database::new().await;
    enqueue(&database, [message("a", "a1")]).await;
    let lost = claim(&database, 0).await;
    assert!(claim(&database, LEASE - 1).await.is_empty());
    let taken = claim(&database, LEASE).await;
    assert_eq!(bodies(&taken), ["a1"]);
    database.store.message_delivered(&lost[0]).await.unwrap();
    assert_eq!(database.store.waiting_messages().await.unwrap().len(), 1, "it is another's now");
    database.store.message_delivered(&taken[0]).await.unwrap();
    assert!(database.store.waiting_messages().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_late_taker_cannot_settle_a_message_that_has_the_place_of_its_own() {
    let database = Database::new().await;
    enqueue(&database, [message("a", "a1")]).await;
    let lost = claim(&database, 0).await;
    let taken = claim(&database, LEASE).await;
    database.store.message_delivered(&taken[0]).await.unwrap();
    enqueue(&database, [message("a", "a2")]).await;
    assert_eq!(bodies(&claim(&database, LEASE).await), ["a2"]);
    database.store.message_delivered(&lost[0]).await.unwrap();
    assert_eq!(database.store.waiting_messages().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_front_of_a_lane_is_given_whenever_it_is_due_but_not_while_another_delivers_it() {
    let database = Database::new().await;
    let front = async |after| {
        let now = NOW.plus_seconds(after);
        match database.store.claim_lane("a", now, now.plus_seconds(LEASE)).await.unwrap() {
            Front::Empty => "empty".to_owned(),
            Front::Taken => "taken".to_owned(),
            Front::Message(message) => String::from_utf8(message.body.to_vec()).unwrap(),
        }
    };
    assert_eq!(front(0).await, "empty");
    enqueue(&database, [NewMessage { not_before: NOW.plus_seconds(30), ..message("a", "a1") }]).await;
    assert_eq!(front(0).await, "a1");
    assert_eq!(front(LEASE - 1).await, "taken");
    let again = claim(&database, LEASE).await;
    database.store.message_failed(&again[0], NOW.plus_seconds(1000), "no connection").await.unwrap();
    assert_eq!(front(LEASE).await, "a1");
}

fn operator(name: &str, endpoint: Option<&str>) -> Operator {
    Operator {
        name: name.to_owned(),
        certificate: [name.len() as u8; 32],
        endpoint: endpoint.map(str::to_owned),
        iccid_prefix: String::new(),
        imsi_prefix: String::new(),
        created_at: NOW,
    }
}

fn to_operator(name: &str) -> NewMessage {
    NewMessage { recipient: Recipient::Operator(name.to_owned()), ..message(name, name) }
}

/// Two operators with a message each, of which one has an endpoint from the beginning; then it changes to `then`.
async fn operators(then: Option<&str>) -> Database {
    let database = Database::new().await;
    let (silent, told) = (operator("a", None), operator("bb", Some("old.example.com")));
    let messages = [to_operator("a"), to_operator("bb")];
    let changed = operator("bb", then);
    let done: Result<bool, Error> = database
        .store
        .run_tx("operators", move |tx| {
            tx.insert_operator(&silent)?;
            tx.insert_operator(&told)?;
            messages.iter().try_for_each(|message| tx.enqueue(message))?;
            tx.change_operator(&changed)
        })
        .await;
    assert!(done.unwrap());
    database
}

#[tokio::test]
async fn an_operator_gets_its_messages_where_it_is_now() {
    let database = operators(Some("new.example.com")).await;
    assert_eq!(database.store.waiting_messages().await.unwrap()[0].recipient, "new.example.com");
    let taken = claim(&database, 0).await;
    assert_eq!(bodies(&taken), ["bb"]);
    assert_eq!(taken[0].recipient, "new.example.com");
}

#[tokio::test]
async fn an_operator_whose_endpoint_was_removed_is_told_nothing_and_the_audit_says_so() {
    let database = operators(None).await;
    let store = &database.store;
    assert!(claim(&database, 0).await.is_empty());
    assert!(matches!(store.claim_lane("bb", NOW, NOW).await.unwrap(), Front::Empty));
    assert_eq!(store.waiting_messages().await.unwrap()[0].recipient, "");
    let entries = store.give_up_messages(NOW, Timestamp(0), "courier").await.unwrap();
    let subject = "/gsma/rsp2/es12/registerEvent for \"bb\", messages: 1; it has no endpoint any more";
    assert_eq!(entries.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), [subject]);
    assert_eq!(store.audit(10).await.unwrap(), entries);
    assert_eq!(store.waiting_messages().await.unwrap(), []);
}

#[tokio::test]
async fn what_is_too_old_is_given_up_and_what_follows_it_goes() {
    let database = Database::new().await;
    let store = &database.store;
    enqueue(&database, [message("a", "a1"), message("b", "b1")]).await;
    enqueue(&database, [NewMessage { at: NOW.plus_seconds(1), ..message("a", "a2") }]).await;
    let taken = claim(&database, 0).await;
    store.message_failed(&taken[0], NOW.plus_seconds(1000), "refused").await.unwrap();
    assert!(store.give_up_messages(NOW, NOW.plus_seconds(-1), "courier").await.unwrap().is_empty());
    let entries = store.give_up_messages(NOW, NOW, "courier").await.unwrap();
    let subject = "/gsma/rsp2/es12/registerEvent for \"smds.example.com\", messages: 1; too old; refused";
    assert_eq!(entries.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), [subject]);
    assert_eq!(store.audit(10).await.unwrap(), entries);
    assert_eq!(bodies(&claim(&database, 0).await), ["a2"]);
    assert_eq!(store.waiting_messages().await.unwrap().len(), 2, "nothing that is under way is given up");
}

#[tokio::test]
async fn a_recipient_gets_no_more_than_its_share() {
    let database = Database::new().await;
    let store = &database.store;
    let others = |lane: &str, address: &str| NewMessage {
        recipient: Recipient::Server(address.to_owned()),
        not_before: NOW.plus_seconds(1),
        ..message(lane, lane)
    };
    enqueue(&database, (0..9).map(|lane| message(&format!("a{lane}"), &format!("a{lane}")))).await;
    enqueue(&database, [others("b", "other.example.com"), others("c", "SMDS.example.com")]).await;
    let now = NOW.plus_seconds(1);
    let share = async |now: Timestamp| {
        store.claim_messages(now, now.plus_seconds(LEASE), Room { all: 4, each: 3 }).await.unwrap()
    };
    let first = share(now).await;
    assert_eq!(bodies(&first), ["a0", "b", "a1", "a2"], "each has one before anybody has two");
    assert!(share(now).await.is_empty(), "all of its share is under way");
    store.message_delivered(&first[0]).await.unwrap();
    assert_eq!(bodies(&share(now).await), ["a3"]);
    store.message_failed(&first[2], now.plus_seconds(1000), "no connection").await.unwrap();
    assert_eq!(bodies(&share(now).await), ["a4"]);
    // Those who vanished hold no place.
    assert_eq!(share(now.plus_seconds(LEASE)).await.len(), 4);
}

#[tokio::test]
async fn a_lease_can_be_renewed_by_who_has_it() {
    let database = Database::new().await;
    let store = &database.store;
    enqueue(&database, [message("a", "a1")]).await;
    let taken = claim(&database, 0).await;
    assert!(store.renew_lease(&taken[0], NOW.plus_seconds(2 * LEASE)).await.unwrap());
    assert!(claim(&database, 2 * LEASE - 1).await.is_empty());
    let again = claim(&database, 2 * LEASE).await;
    assert!(!store.renew_lease(&taken[0], NOW.plus_seconds(9 * LEASE)).await.unwrap(), "it is another's now");
    store.message_failed(&again[0], NOW.plus_seconds(3 * LEASE), "no connection").await.unwrap();
    assert!(!store.renew_lease(&again[0], NOW.plus_seconds(9 * LEASE)).await.unwrap(), "it was given back");
    assert_eq!(bodies(&claim(&database, 3 * LEASE).await), ["a1"]);
}

#[tokio::test]
async fn an_attempt_without_known_outcome_may_have_been_executed() {
    let database = Database::new().await;
    let store = &database.store;
    enqueue(&database, [message("a", "a1")]).await;
    let attempt = async |after, refused| {
        let taken = claim(&database, after).await.remove(0);
        if refused {
            store.message_unexecuted(&taken).await.unwrap();
        }
        taken.is_possibly_executed()
    };
    assert!(!attempt(0, true).await, "the first");
    assert!(!attempt(LEASE, false).await, "after a refusal");
    assert!(attempt(2 * LEASE, true).await, "after a taker that vanished");
    assert!(attempt(3 * LEASE, true).await, "a refusal afterwards changes nothing");
}

#[tokio::test]
async fn what_is_not_due_waits_and_can_be_taken_back() {
    let database = Database::new().await;
    let later = Timestamp(NOW.0 + 30);
    enqueue(&database, [NewMessage { not_before: later, ..message("a", "a1") }]).await;
    assert!(claim(&database, 29).await.is_empty());
    let taken_back: Result<usize, Error> = database.store.run_tx("retract", |tx| tx.retract_messages("a")).await;
    assert_eq!(taken_back.unwrap(), 1);
    assert!(claim(&database, 30).await.is_empty());
}

#[tokio::test]
async fn bodies_are_sealed_and_belong_to_their_place() {
    let database = Database::new().await;
    enqueue(&database, [message("a", "canary: a MatchingID"), message("b", "b1")]).await;
    let connection = rusqlite::Connection::open(database.path()).unwrap();
    let body: Vec<u8> = connection.query_row("SELECT body FROM outbox WHERE lane = 'a'", [], |row| row.get(0)).unwrap();
    assert!(!body.windows(6).any(|window| window == b"canary"));
    connection.execute("UPDATE outbox SET body = (SELECT body FROM outbox WHERE lane = 'a')", []).unwrap();
    assert!(database.store.claim_messages(NOW, NOW, 10).await.is_err());
}
