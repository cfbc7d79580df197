//! API keys: who gets in, and what it costs.

use std::sync::Arc;

use rsp_operator::keys::{Keys, NewKey};
use rsp_operator::{Actor, Error, Right, Rights};
use rsp_smdp::SharedRandomness;
use rsp_store::Datastore;

use crate::support::{Counter, NOW, database};

struct Bed {
    dir: tempfile::TempDir,
    store: Arc<Datastore>,
    keys: Keys,
}

async fn bed() -> Bed {
    let (dir, store) = database(&["A", "B"]).await;
    let keys = keys(&store);
    Bed { dir, store, keys }
}

fn keys(store: &Arc<Datastore>) -> Keys {
    Keys::new(Arc::clone(store), SharedRandomness::new(Box::new(Counter(1000))))
}

fn new(tenant: &str) -> NewKey {
    NewKey {
        tenant: tenant.to_owned(),
        name: "shop".to_owned(),
        rights: Rights::of([Right::Read]),
        expires_at: Some(NOW.plus_seconds(100)),
    }
}

#[tokio::test]
async fn a_key_lets_its_tenant_in_and_is_hashed_once() {
    let bed = bed().await;
    let (key, text) = bed.keys.add(new("A"), "test", NOW).await.unwrap();
    assert!(text.starts_with(&format!("orsp_{}_", key.id)) && text.len() == 5 + 16 + 1 + 64);
    let before = bed.keys.hashes_computed();
    for _ in 0..5 {
        let actor = bed.keys.authenticate(&text, NOW).await.unwrap();
        let expected = Actor::new(Some("A".to_owned()), format!("key {}", key.id), Rights::of([Right::Read]));
        assert_eq!(actor, Some(expected));
    }
    assert_eq!(bed.keys.hashes_computed() - before, 1, "what was right is remembered");
    assert_eq!(bed.store.api_key(&key.id).await.unwrap().unwrap().used_at, Some(NOW));
}

#[tokio::test]
async fn a_wrong_secret_costs_a_hash_and_an_unknown_key_none() {
    let bed = bed().await;
    let (_, text) = bed.keys.add(new("A"), "test", NOW).await.unwrap();
    bed.keys.authenticate(&text, NOW).await.unwrap();
    let unknown = text.replace(&text[5..21], "0123456789abcdef");
    let wrong = format!("{}{}", &text[..text.len() - 1], if text.ends_with('0') { "1" } else { "0" });
    for (presented, cost) in [(&unknown, 0), (&wrong, 1)] {
        let before = bed.keys.hashes_computed();
        assert_eq!(bed.keys.authenticate(presented, NOW).await.unwrap(), None);
        assert_eq!(bed.keys.hashes_computed() - before, cost, "{presented}");
    }
    for presented in ["", "orsp_", "orsp__", &text[1..], &text.to_uppercase(), &format!("{}0", *text)] {
        assert_eq!(bed.keys.authenticate(presented, NOW).await.unwrap(), None, "{presented}");
    }
}

#[tokio::test]
async fn more_wrong_keys_at_once_than_can_be_checked_are_refused() {
    let bed = bed().await;
    let (_, text) = bed.keys.add(new("A"), "test", NOW).await.unwrap();
    let wrong: Vec<_> = (0..60).map(|number| format!("{}{number:02}", &text[..text.len() - 2])).collect();
    let (before, asked) = (bed.keys.hashes_computed(), wrong.iter().filter(|wrong| ***wrong != **text));
    let answers = futures_util::future::join_all(asked.map(|wrong| bed.keys.authenticate(wrong, NOW))).await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(Error::Busy))).count();
    assert!(busy > 0 && bed.keys.hashes_computed() - before <= 34, "{busy} of {}", answers.len());
    assert!(answers.into_iter().flatten().all(|actor| actor.is_none()));
    assert!(bed.keys.authenticate(&text, NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn revocation_and_expiry_act_at_once_although_the_secret_is_remembered() {
    let bed = bed().await;
    let (key, text) = bed.keys.add(new("A"), "test", NOW).await.unwrap();
    assert!(bed.keys.authenticate(&text, NOW.plus_seconds(100)).await.unwrap().is_some());
    assert!(bed.keys.authenticate(&text, NOW.plus_seconds(101)).await.unwrap().is_none());
    let foreign = bed.keys.revoke(Some("B"), &key.id, "test", NOW).await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
    assert!(bed.keys.authenticate(&text, NOW).await.unwrap().is_some());
    // Another process revokes it.
    keys(&bed.store).revoke(Some("A"), &key.id, "test", NOW).await.unwrap();
    assert!(bed.keys.authenticate(&text, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rotated_key_has_two_secrets_for_as_long_as_they_overlap() {
    let bed = bed().await;
    let (key, first) = bed.keys.add(new("A"), "test", NOW).await.unwrap();
    bed.keys.authenticate(&first, NOW).await.unwrap();
    let second = bed.keys.rotate(Some("A"), &key.id, 10, "test", NOW).await.unwrap();
    assert_ne!(first, second);
    for (text, at, counts) in [(&first, 9, true), (&second, 9, true), (&first, 10, false), (&second, 10, true)] {
        let actor = bed.keys.authenticate(text, NOW.plus_seconds(at)).await.unwrap();
        assert_eq!(actor.is_some(), counts, "after {at} s");
    }
    let third = bed.keys.rotate(None, &key.id, 0, "test", NOW).await.unwrap();
    for (text, counts) in [(&first, false), (&second, false), (&third, true)] {
        assert_eq!(bed.keys.authenticate(text, NOW).await.unwrap().is_some(), counts);
    }
    for overlap in [-1, rsp_operator::keys::LONGEST_OVERLAP + 1] {
        let refused = bed.keys.rotate(None, &key.id, overlap, "test", NOW).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "overlap", .. })));
    }
    let foreign = bed.keys.rotate(Some("B"), &key.id, 0, "test", NOW).await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_key_needs_a_tenant_and_a_name_that_can_be_seen() {
    let bed = bed().await;
    assert!(matches!(bed.keys.add(new("C"), "test", NOW).await, Err(Error::NotFound { .. })));
    for name in ["", "  ", "a\u{202e}b", "a\nb", &"x".repeat(65)] {
        let refused = bed.keys.add(NewKey { name: name.to_owned(), ..new("A") }, "test", NOW).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "name", .. })), "{name:?}");
    }
    let past = bed.keys.add(NewKey { expires_at: Some(NOW), ..new("A") }, "test", NOW).await;
    assert!(matches!(past, Err(Error::Invalid { field: "expires_at", .. })));
}

#[tokio::test]
async fn who_did_what_to_keys_stands_in_the_audit_and_secrets_stand_nowhere() {
    let bed = bed().await;
    let (key, first) = bed.keys.add(new("A"), "ann", NOW).await.unwrap();
    let second = bed.keys.rotate(Some("A"), &key.id, 10, "ann", NOW).await.unwrap();
    bed.keys.revoke(Some("A"), &key.id, "bob", NOW).await.unwrap();
    let audit = bed.store.audit(10).await.unwrap();
    let said: Vec<_> = audit.iter().rev().map(|entry| (entry.actor.as_str(), entry.action.as_str())).collect();
    assert_eq!(said, [("ann", "add API key"), ("ann", "rotate API key"), ("bob", "revoke API key")]);
    for text in [first, second] {
        let secret = text.rsplit('_').next().unwrap().as_bytes().to_vec();
        for file in std::fs::read_dir(bed.dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
}

#[tokio::test]
async fn what_becomes_of_a_tenants_key_is_in_the_tenants_log_whoever_did_it() {
    let bed = bed().await;
    let (key, _) = bed.keys.add(new("A"), "test", NOW).await.unwrap();
    // Whoever runs the server names no tenant.
    bed.keys.rotate(None, &key.id, 0, "test", NOW).await.unwrap();
    bed.keys.revoke(None, &key.id, "test", NOW).await.unwrap();
    let log = bed.store.log(Some("A"), None, 10).await.unwrap();
    let actions: Vec<_> = log.iter().map(|one| (one.entry.action.as_str(), one.entry.subject.as_str())).collect();
    let subject = format!("{} of A", key.id);
    assert_eq!(actions, ["revoke API key", "rotate API key", "add API key"].map(|action| (action, subject.as_str())));
    assert!(bed.store.log(Some("B"), None, 10).await.unwrap().is_empty());
}
