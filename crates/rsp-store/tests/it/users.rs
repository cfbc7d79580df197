//! Users of the portal, their passkeys and browsers, and the log.

use rsp_asn1::Timestamp;
use rsp_store::{AuditEntry, BrowserSession, Datastore, Error, NewUser, Operator, Passkey};

use crate::support::{Database, NOW};

fn new_user(name: &str, operator: Option<&str>, handle: u8) -> NewUser {
    NewUser {
        name: name.to_owned(),
        operator: operator.map(str::to_owned),
        role: "viewer".to_owned(),
        password: Some("a hash".to_owned()),
        handle: [handle; 32],
        created_at: NOW,
    }
}

async fn add(store: &Datastore, new: NewUser) -> Result<i64, Error> {
    store.run_tx("test", move |tx| tx.insert_user(&new)).await
}

fn session(user: i64, byte: u8) -> BrowserSession {
    BrowserSession { token: [byte; 32], user, created_at: NOW, seen_at: NOW, expires_at: NOW.plus_seconds(100) }
}

#[tokio::test]
async fn a_name_is_taken_whatever_the_case_of_its_letters() {
    let store = Database::new().await.store;
    let id = add(&store, new_user("Ann", None, 1)).await.unwrap();
    assert!(matches!(add(&store, new_user("ann", None, 2)).await, Err(Error::Duplicate { what: "user" })));
    let found = store.user("ANN").await.unwrap().unwrap();
    assert_eq!((found.id, found.name.as_str(), found.has_password), (id, "Ann", true));
    assert_eq!(store.password_hash(id).await.unwrap().as_deref(), Some("a hash"));
}

#[tokio::test]
async fn an_operator_sees_its_own_users() {
    let store = Database::new().await.store;
    for name in ["Alpha", "Beta"] {
        let operator = Operator {
            name: name.to_owned(),
            certificate: [name.as_bytes()[0]; 32],
            endpoint: None,
            iccid_prefix: String::new(),
            imsi_prefix: String::new(),
            created_at: NOW,
        };
        store.run_tx("test", move |tx| tx.insert_operator(&operator)).await.unwrap();
    }
    add(&store, new_user("root", None, 1)).await.unwrap();
    add(&store, new_user("a", Some("Alpha"), 2)).await.unwrap();
    add(&store, new_user("b", Some("Beta"), 3)).await.unwrap();
    assert!(add(&store, new_user("c", Some("Gamma"), 4)).await.is_err(), "an operator that is not there");
    let names = |users: Vec<rsp_store::User>| users.into_iter().map(|user| user.name).collect::<Vec<_>>();
    assert_eq!(names(store.users_of("Alpha").await.unwrap()), ["a"]);
    assert_eq!(names(store.users().await.unwrap()), ["a", "b", "root"]);
}

#[tokio::test]
async fn another_password_and_disabling_sign_every_browser_out() {
    let store = Database::new().await.store;
    let ann = add(&store, new_user("ann", None, 1)).await.unwrap();
    let bob = add(&store, new_user("bob", None, 2)).await.unwrap();
    for change in 0..2 {
        let sessions = [session(ann, 1), session(ann, 2), session(bob, 3)];
        store.run_tx("test", move |tx| sessions.iter().try_for_each(|session| tx.sign_in(session))).await.unwrap();
        store
            .run_tx("test", move |tx| match change {
                0 => tx.set_password(ann, "another hash"),
                _ => tx.disable_user(ann, true),
            })
            .await
            .unwrap();
        for (token, left) in [(1, false), (2, false), (3, true)] {
            assert_eq!(store.browser_session(&[token; 32]).await.unwrap().is_some(), left, "{change} {token}");
        }
        store.run_tx("test", |tx| tx.sign_out(&[3; 32])).await.unwrap();
    }
    assert!(store.user("ann").await.unwrap().unwrap().disabled);
    assert_eq!(store.user("bob").await.unwrap().unwrap().signed_in_at, Some(NOW));
}

#[tokio::test]
async fn a_passkey_counts_upwards_or_not_at_all() {
    let store = Database::new().await.store;
    let user = add(&store, new_user("ann", None, 1)).await.unwrap();
    let passkey = move |credential: u8, counter| Passkey {
        credential: vec![credential],
        user,
        public_key: [4; 65],
        counter,
        label: "key".to_owned(),
        created_at: NOW,
        used_at: None,
    };
    store.run_tx("test", move |tx| tx.insert_passkey(&passkey(1, 5))).await.unwrap();
    store.run_tx("test", move |tx| tx.insert_passkey(&passkey(2, 0))).await.unwrap();
    let taken = store.run_tx("test", move |tx| tx.insert_passkey(&passkey(2, 0))).await;
    assert!(matches!(taken, Err(Error::Duplicate { what: "passkey" })));
    for (credential, counter, accepted) in [
        (1, 5, false),
        (1, 4, false),
        (1, 0, false),
        (1, 6, true),
        (1, 6, false),
        (2, 0, true),
        (2, 0, true),
        (2, 1, true),
        (2, 0, false),
    ] {
        let used = store.run_tx("test", move |tx| tx.use_passkey(&[credential], counter, NOW)).await.unwrap();
        assert_eq!(used, accepted, "{credential} {counter}");
    }
    assert!(!store.run_tx("test", move |tx| tx.delete_passkey(user + 1, &[1])).await.unwrap());
    assert!(store.run_tx("test", move |tx| tx.delete_passkey(user, &[1])).await.unwrap());
    assert_eq!(store.passkeys(user).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_challenge_is_spent_once() {
    let store = Database::new().await.store;
    let spend =
        |now: i64| store.run_tx("test", move |tx| tx.spend_challenge(b"challenge", Timestamp(100), Timestamp(now)));
    assert!(spend(0).await.unwrap());
    assert!(!spend(100).await.unwrap());
}

#[tokio::test]
async fn an_operator_reads_its_own_part_of_the_log_and_the_server_all() {
    let store = Database::new().await.store;
    for (operator, subject) in [(None, "1"), (Some("Alpha"), "2"), (Some("Beta"), "3"), (Some("Alpha"), "4")] {
        let entry =
            AuditEntry { at: NOW, actor: "ann".to_owned(), action: "test".to_owned(), subject: subject.to_owned() };
        store.run_tx("test", move |tx| tx.record_audit_of(operator, &entry)).await.unwrap();
    }
    let log = async |operator, before, limit| {
        let entries = store.log(operator, before, limit).await.unwrap();
        entries.into_iter().map(|entry| (entry.number, entry.entry.subject)).collect::<Vec<_>>()
    };
    let subjects = |entries: Vec<(i64, String)>| entries.into_iter().map(|(_, subject)| subject).collect::<Vec<_>>();
    assert_eq!(subjects(log(Some("Alpha"), None, 10).await), ["4", "2"]);
    let first = log(None, None, 2).await;
    let last = first.last().unwrap().0;
    assert_eq!(subjects(first), ["4", "3"]);
    assert_eq!(subjects(log(None, Some(last), 10).await), ["2", "1"]);
}
