//! Sessions and their compare-and-set.

use rsp_asn1::{Eid, Iccid, TransactionId};
use rsp_crypto::Zeroizing;
use rsp_store::{
    Error, NewSession, Notification, OrderKey, Profile, ProfileState, SessionAdvance, SessionState, Step, Stepped,
};

use crate::support::{Database, NOW, PACKAGE};

const ICCID: Iccid = Iccid([1; 10]);

fn id() -> TransactionId {
    TransactionId::from([5; 16])
}

async fn with_session() -> Database {
    let database = Database::with_profile(ICCID).await;
    let new =
        NewSession { transaction_id: id(), data: Zeroizing::new(b"first".to_vec()), expires_at: NOW.plus_seconds(60) };
    assert_eq!(database.store.step("open", Step::Open(new)).await.unwrap(), Stepped::Done);
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

fn authenticated() -> SessionAdvance {
    advance(SessionState::ExpectAuthenticateClient, SessionState::ExpectGetBoundProfilePackage)
}

#[tokio::test]
async fn a_session_advances_once() {
    let database = with_session().await;
    for expected in [Stepped::Done, Stepped::Conflict] {
        let step = Step::Advance(authenticated(), None);
        assert_eq!(database.store.step("advance", step).await.unwrap(), expected);
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
    let profile = || async { database.store.profile(&ICCID).await.unwrap().unwrap() };
    let downloaded = |from: &Profile| {
        let mut change = from.change("test", NOW);
        change.state = ProfileState::Downloaded;
        change
    };
    let read = profile().await;
    let mut stale = downloaded(&read);
    stale.version -= 1;
    let step = Step::Advance(authenticated(), Some(stale));
    assert_eq!(database.store.step("stale profile", step).await.unwrap(), Stepped::Conflict);
    assert_eq!(profile().await.state, ProfileState::Available);

    let step = Step::Advance(authenticated(), Some(downloaded(&read)));
    assert_eq!(database.store.step("both", step).await.unwrap(), Stepped::Done);
    assert_eq!(profile().await.state, ProfileState::Downloaded);

    let step = Step::Advance(authenticated(), Some(profile().await.change("test", NOW)));
    assert_eq!(database.store.step("stale session", step).await.unwrap(), Stepped::Conflict);
    assert_eq!(profile().await.version, 2);
}

#[tokio::test]
async fn a_notification_takes_effect_with_all_that_follows_or_not_at_all() {
    let database = with_session().await;
    let read = database.store.profile(&ICCID).await.unwrap().unwrap();
    let notification = |seq_number| Notification {
        eid: Eid([0x89; 16]),
        seq_number,
        iccid: Some(ICCID),
        event: "notificationInstall".to_owned(),
        body: vec![1],
        received_at: NOW,
    };
    let installed = |version| {
        let mut change = read.change("test", NOW);
        change.state = ProfileState::Installed;
        change.version = version;
        change
    };
    let closed = || advance(SessionState::ExpectAuthenticateClient, SessionState::Closed);
    let late = || advance(SessionState::ExpectResult, SessionState::Closed);
    let cases = [
        ("late session", Step::TakeResult(notification(1), late(), Some(installed(1))), Stepped::Conflict),
        ("late profile", Step::TakeResult(notification(1), closed(), Some(installed(9))), Stepped::Conflict),
        ("late session alone", Step::TakeResult(notification(1), late(), None), Stepped::Conflict),
        ("late profile alone", Step::Take(notification(1), Some(installed(9))), Stepped::Conflict),
        ("all", Step::TakeResult(notification(1), closed(), Some(installed(1))), Stepped::Done),
        // A result is identified by its session, which is over; the number counts for nothing else.
        ("replay", Step::TakeResult(notification(1), closed(), Some(installed(2))), Stepped::Conflict),
        ("used number", Step::Take(notification(1), Some(installed(2))), Stepped::Known),
        ("profile", Step::Take(notification(2), Some(installed(2))), Stepped::Done),
        ("replay", Step::Take(notification(2), Some(installed(3))), Stepped::Known),
    ];
    for (name, step, expected) in cases {
        let before = database.store.profile(&ICCID).await.unwrap().unwrap().version;
        assert_eq!(database.store.step(name, step).await.unwrap(), expected, "{name}");
        let after = database.store.profile(&ICCID).await.unwrap().unwrap().version;
        assert_eq!(after - before, i64::from(expected == Stepped::Done), "{name}");
    }
    assert_eq!(database.store.notifications(&ICCID).await.unwrap().len(), 2);
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
            tx.change_profile(&change)
        })
        .await;
    assert!(done.unwrap());
    for (key, found) in [
        (OrderKey::MatchingId("MID".to_owned()), true),
        (OrderKey::MatchingId("mid".to_owned()), false),
        (OrderKey::Eid(eid), true),
        (OrderKey::Eid(Eid([0x12; 16])), false),
    ] {
        let (session, order) = database.store.session_and_order(&id(), &key, NOW).await.unwrap().unwrap();
        assert_eq!(session.data.as_slice(), b"first");
        assert_eq!(order.is_some(), found);
    }
    let unknown = TransactionId::from([6; 16]);
    assert!(database.store.session_and_order(&unknown, &OrderKey::Eid(eid), NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn expired_sessions_are_purged() {
    let database = with_session().await;
    for (seconds, expected) in [(59, 0), (61, 1)] {
        let purged: Result<u64, Error> =
            database.store.run_tx("purge", move |tx| tx.purge_sessions(NOW.plus_seconds(seconds))).await;
        assert_eq!(purged.unwrap(), expected);
    }
}
