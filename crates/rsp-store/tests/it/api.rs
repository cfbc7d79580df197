//! API keys, and requests that are executed once.

use rsp_asn1::Timestamp;
use rsp_store::{ApiKey, Claimed, IdempotentRequest, Operator};

use crate::support::{Database, NOW};

fn key(id: &str, operator: &str) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        operator: operator.to_owned(),
        name: "shop".to_owned(),
        rights: "read,provision".to_owned(),
        hash: "first".to_owned(),
        previous: None,
        created_at: NOW,
        rotated_at: None,
        expires_at: Some(NOW.plus_seconds(1000)),
        revoked_at: None,
        used_at: None,
    }
}

async fn database() -> Database {
    let database = Database::new().await;
    let inserted = database.store.run_tx("fixture", |tx| {
        for (number, name) in ["A", "B"].into_iter().enumerate() {
            tx.insert_operator(&Operator {
                name: name.to_owned(),
                certificate: [number as u8; 32],
                endpoint: None,
                iccid_prefix: String::new(),
                imsi_prefix: String::new(),
                created_at: NOW,
            })?;
        }
        Ok::<_, rsp_store::Error>([
            tx.insert_api_key(&key("1", "A"))?,
            tx.insert_api_key(&key("2", "B"))?,
            tx.insert_api_key(&key("3", "nobody"))?,
        ])
    });
    assert_eq!(inserted.await.unwrap(), [true, true, false], "a key belongs to an operator that is there");
    database
}

#[tokio::test]
async fn a_key_comes_back_as_it_was_and_lists_are_of_one_operator() {
    let database = database().await;
    assert!(database.store.api_key("1").await.unwrap() == Some(key("1", "A")));
    assert!(database.store.api_key("3").await.unwrap().is_none());
    let ids = async |operator| {
        let keys = database.store.api_keys(operator).await.unwrap();
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None).await, ["1", "2"]);
    assert_eq!(ids(Some("B")).await, ["2"]);
    assert!(ids(Some("C")).await.is_empty());
}

#[tokio::test]
async fn rotation_keeps_the_old_secret_for_a_while_and_revocation_none() {
    let database = database().await;
    let store = &database.store;
    let until = NOW.plus_seconds(60);
    let rotate = |operator: Option<&'static str>| {
        store.run_tx("test", move |tx| tx.rotate_api_key(operator, "1", "second", until, NOW.plus_seconds(1)))
    };
    assert!(rotate(Some("B")).await.unwrap().is_none(), "another operator's");
    assert_eq!(rotate(Some("A")).await.unwrap().as_deref(), Some("A"));
    let found = store.api_key("1").await.unwrap().unwrap();
    assert_eq!((found.hash.as_str(), found.rotated_at), ("second", Some(NOW.plus_seconds(1))));
    assert!(found.previous.is_some_and(|previous| previous.hash == "first" && previous.until == until));
    let revoke =
        |operator: Option<&'static str>| store.run_tx("test", move |tx| tx.revoke_api_key(operator, "1", until));
    assert!(revoke(Some("B")).await.unwrap().is_none());
    assert_eq!(revoke(None).await.unwrap().as_deref(), Some("A"));
    assert!(revoke(None).await.unwrap().is_none(), "it is revoked already");
    assert!(rotate(None).await.unwrap().is_none(), "what was revoked stays so");
    let found = store.api_key("1").await.unwrap().unwrap();
    assert!(found.previous.is_none() && found.revoked_at == Some(until) && !found.is_live(NOW));
}

#[tokio::test]
async fn a_key_lives_to_its_last_second_and_its_use_is_noted_by_the_minute() {
    let mut key = key("1", "A");
    assert!(key.is_live(NOW.plus_seconds(1000)));
    assert!(!key.is_live(NOW.plus_seconds(1001)));
    assert!(key.notes_use(NOW));
    key.used_at = Some(NOW);
    assert!(!key.notes_use(NOW.plus_seconds(59)));
    assert!(key.notes_use(NOW.plus_seconds(60)));
    let database = database().await;
    database.store.run_tx("test", |tx| tx.note_api_key_used("1", NOW)).await.unwrap();
    assert_eq!(database.store.api_key("1").await.unwrap().unwrap().used_at, Some(NOW));
}

fn request(operator: &str, request: u8) -> IdempotentRequest {
    IdempotentRequest { operator: operator.to_owned(), key: "once".to_owned(), request: [request; 32] }
}

async fn claim(database: &Database, wanted: IdempotentRequest, at: Timestamp) -> Claimed {
    database.store.run_tx("test", move |tx| tx.claim_request(&wanted, at)).await.unwrap()
}

#[tokio::test]
async fn a_request_is_claimed_once_and_its_answer_comes_back() {
    let database = Database::new().await;
    let Claimed::New(mine) = claim(&database, request("A", 1), NOW).await else { panic!("nobody claimed it") };
    let later = NOW.plus_seconds(9);
    assert!(matches!(claim(&database, request("A", 1), later).await, Claimed::Begun { at } if at == NOW));
    assert!(matches!(claim(&database, request("A", 2), later).await, Claimed::Other));
    assert!(
        matches!(claim(&database, request("B", 2), later).await, Claimed::New(_)),
        "each operator has its own keys"
    );
    let answer = move |claim: [u8; 16], text: &'static [u8]| database_answer(request("A", 1), claim, text);
    database.store.run_tx("test", answer([0; 16], b"another execution's")).await.unwrap();
    assert!(matches!(claim(&database, request("A", 1), later).await, Claimed::Begun { .. }));
    database.store.run_tx("test", answer(mine, b"canary answer")).await.unwrap();
    let Claimed::Answered(answered) = claim(&database, request("A", 1), later).await else { panic!("it was answered") };
    assert_eq!(*answered, b"canary answer");
    for file in std::fs::read_dir(database.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "it is sealed");
    }
}

fn database_answer(
    wanted: IdempotentRequest,
    claim: [u8; 16],
    text: &'static [u8],
) -> impl Fn(&mut rsp_store::Transaction) -> Result<(), rsp_store::Error> {
    move |tx| tx.answer_request(&wanted, &claim, text)
}

#[tokio::test]
async fn what_was_forgotten_can_be_claimed_again() {
    let database = Database::new().await;
    let Claimed::New(first) = claim(&database, request("A", 1), NOW).await else { panic!("nobody claimed it") };
    database.store.run_tx("test", move |tx| tx.forget_request(&request("A", 1), &first)).await.unwrap();
    let Claimed::New(second) = claim(&database, request("A", 2), NOW).await else { panic!("it was forgotten") };
    assert_ne!(first, second);
    database.store.run_tx("test", move |tx| tx.forget_request(&request("A", 2), &first)).await.unwrap();
    assert!(matches!(claim(&database, request("A", 2), NOW).await, Claimed::Begun { .. }), "only the own execution's");
    assert_eq!(database.store.run_tx("test", |tx| tx.forget_requests(NOW)).await.unwrap(), 0);
    assert_eq!(database.store.run_tx("test", |tx| tx.forget_requests(NOW.plus_seconds(1))).await.unwrap(), 1);
}

#[tokio::test]
async fn the_first_receipt_key_stays_and_is_sealed() {
    let database = Database::new().await;
    for (id, secret) in [("first", b"canary secret"), ("other", b"canary second")] {
        database.store.run_tx("test", move |tx| tx.insert_first_receipt_key(id, secret, NOW)).await.unwrap();
    }
    let keys = database.store.receipt_keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].id.as_str(), keys[0].secret.as_slice()), ("first", b"canary secret".as_slice()));
    for file in std::fs::read_dir(database.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
    }
}
