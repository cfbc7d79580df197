//! Sessions and their compare-and-set.

use rsp_asn1::{Eid, Iccid, TransactionId};
use rsp_crypto::Zeroizing;
use rsp_store::{Error, NewSession, OrderKey, ProfileState, SessionAdvance, SessionState};

use crate::support::{Database, NOW, PACKAGE};

const ICCID: Iccid = Iccid([1; 10]);

fn id() -> TransactionId {
    TransactionId::from([5; 16])
}

async fn with_session() -> Database {
    let database = Database::with_profile(ICCID).await;
    let result: Result<(), Error> = database
        .store
        .run_tx("open", |tx| {
            Box::pin(async move {
                tx.insert_session(&NewSession {
                    transaction_id: id(),
                    data: Zeroizing::new(b"first".to_vec()),
                    expires_at: NOW.plus_seconds(60),
                })
                .await
            })
        })
        .await;
    result.unwrap();
    database
}

fn advance(from: SessionState, to: SessionState) -> SessionAdvance {
    SessionAdvance {
        transaction_id: id(),
        from,
        to,
        data: Some(Zeroizing::new(b"second".to_vec())),
        iccid: Some(ICCID),
        expires_at: NOW.plus_seconds(120),
    }
}

#[tokio::test]
async fn a_session_advances_once() {
    let database = with_session().await;
    for expected in [true, false] {
        let advanced: Result<bool, Error> = database
            .store
            .run_tx("advance", |tx| {
                Box::pin(async move {
                    tx.advance_session(&advance(
                        SessionState::ExpectAuthenticateClient,
                        SessionState::ExpectGetBoundProfilePackage,
                    ))
                    .await
                })
            })
            .await;
        assert_eq!(advanced.unwrap(), expected);
    }
    let (session, order) = database.store.session_profile_and_package(&id()).await.unwrap().unwrap();
    assert_eq!(session.state, SessionState::ExpectGetBoundProfilePackage);
    assert_eq!(session.data.as_slice(), b"second");
    let (profile, package) = order.unwrap();
    assert_eq!(profile.iccid, ICCID);
    assert_eq!(package.as_slice(), PACKAGE);
}

#[tokio::test]
async fn session_and_profile_change_together_or_not_at_all() {
    let database = with_session().await;
    let profile = database.store.profile(&ICCID).await.unwrap().unwrap();
    let both: Result<bool, Error> = database
        .store
        .run_tx("both", move |tx| {
            let mut change = profile.change("test", NOW);
            change.state = ProfileState::Downloaded;
            Box::pin(async move {
                tx.advance_session_and_profile(
                    &advance(SessionState::ExpectAuthenticateClient, SessionState::ExpectResult),
                    &change,
                )
                .await
            })
        })
        .await;
    assert!(both.unwrap());
    let profile = database.store.profile(&ICCID).await.unwrap().unwrap();
    assert_eq!(profile.state, ProfileState::Downloaded);
    let refused: Result<(), Error> = database
        .store
        .run_tx("late", move |tx| {
            let change = profile.change("test", NOW);
            Box::pin(async move {
                let stale = advance(SessionState::ExpectAuthenticateClient, SessionState::Closed);
                if tx.advance_session_and_profile(&stale, &change).await? { Ok(()) } else { Err(Error::Busy) }
            })
        })
        .await;
    assert!(matches!(refused, Err(Error::Busy)));
    assert_eq!(database.store.profile(&ICCID).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn an_order_is_found_by_matching_id_or_by_eid() {
    let database = with_session().await;
    let profile = database.store.profile(&ICCID).await.unwrap().unwrap();
    let eid = Eid([0x89; 16]);
    let done: Result<bool, Error> = database
        .store
        .run_tx("release", move |tx| {
            let mut change = profile.change("test", NOW);
            change.state = ProfileState::Released;
            change.eid = Some(eid);
            change.matching_id = Some("MID".to_owned());
            Box::pin(async move { tx.change_profile(&change).await })
        })
        .await;
    assert!(done.unwrap());
    for (key, found) in [
        (OrderKey::MatchingId("MID".to_owned()), true),
        (OrderKey::MatchingId("mid".to_owned()), false),
        (OrderKey::Eid(eid), true),
        (OrderKey::Eid(Eid([0x12; 16])), false),
    ] {
        let (session, order) = database.store.session_and_order(&id(), &key).await.unwrap().unwrap();
        assert_eq!(session.data.as_slice(), b"first");
        assert_eq!(order.is_some(), found);
    }
    let unknown = TransactionId::from([6; 16]);
    assert!(database.store.session_and_order(&unknown, &OrderKey::Eid(eid)).await.unwrap().is_none());
}

#[tokio::test]
async fn expired_sessions_are_purged() {
    let database = with_session().await;
    for (seconds, expected) in [(59, 0), (61, 1)] {
        let purged: Result<u64, Error> = database
            .store
            .run_tx("purge", move |tx| Box::pin(async move { tx.purge_sessions(NOW.plus_seconds(seconds)).await }))
            .await;
        assert_eq!(purged.unwrap(), expected);
    }
}
