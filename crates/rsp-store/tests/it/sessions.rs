//! Sessions and their compare-and-set.

use rsp_asn1::{Eid, Iccid, TransactionId};
use rsp_crypto::Zeroizing;
use rsp_store::{
    Error, Installation, NewSession, Notification, OrderKey, OrderPolicy, Profile, ProfileState, Reported,
    SessionAdvance, SessionState, Step, Stepped,
};

use crate::support::{Database, NOW, PACKAGE, new_profile};

const ICCID: Iccid = Iccid([1; 10]);
const EID: Eid = Eid([0x89; 16]);

fn id() -> TransactionId {
    TransactionId::from([5; 16])
}

async fn with_session() -> Database {
    let database = Database::with_profile(ICCID).await;
    assert_eq!(database.store.step("open", Step::Open(new_session(), None)).await.unwrap(), Stepped::Done);
    database
}

fn new_session() -> NewSession {
    NewSession {
        transaction_id: id(),
        data: Zeroizing::new(b"first".to_vec()),
        iccid: ICCID,
        begins_by: NOW.plus_seconds(90),
        expires_at: NOW.plus_seconds(60),
    }
}

fn advance(from: SessionState, to: SessionState) -> SessionAdvance {
    SessionAdvance {
        transaction_id: id(),
        from,
        to,
        data: Some(Zeroizing::new(b"second".to_vec())),
        expires_at: NOW.plus_seconds(120),
    }
}

fn delivered() -> SessionAdvance {
    advance(SessionState::ExpectGetBoundProfilePackage, SessionState::ExpectResult)
}

#[tokio::test]
async fn a_session_advances_once() {
    let database = with_session().await;
    for expected in [Stepped::Done, Stepped::Conflict] {
        let step = Step::Advance(delivered(), None);
        assert_eq!(database.store.step("advance", step).await.unwrap(), expected);
    }
    let (session, order) = database.store.session_profile_and_package(&id()).await.unwrap().unwrap();
    assert_eq!(session.state, SessionState::ExpectResult);
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
    let step = Step::Advance(delivered(), Some(stale));
    assert_eq!(database.store.step("stale profile", step).await.unwrap(), Stepped::Conflict);
    assert_eq!(profile().await.state, ProfileState::Available);

    let step = Step::Advance(delivered(), Some(downloaded(&read)));
    assert_eq!(database.store.step("both", step).await.unwrap(), Stepped::Done);
    assert_eq!(profile().await.state, ProfileState::Downloaded);

    let step = Step::Advance(delivered(), Some(profile().await.change("test", NOW)));
    assert_eq!(database.store.step("stale session", step).await.unwrap(), Stepped::Conflict);
    assert_eq!(profile().await.version, 2);
}

#[tokio::test]
async fn a_notification_takes_effect_with_all_that_follows_or_not_at_all() {
    let database = with_session().await;
    let read = database.store.profile(&ICCID).await.unwrap().unwrap();
    let notification = |seq_number| Notification {
        eid: EID,
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
    let reported = |version| {
        let installation =
            Installation { iccid: ICCID, eid: EID, installed: version, deleted: None, settled: None, awaited: None };
        Some(Reported { changes: vec![installed(version)], installation })
    };
    let closed = || advance(SessionState::ExpectGetBoundProfilePackage, SessionState::Closed);
    let late = || advance(SessionState::ExpectResult, SessionState::Closed);
    let cases = [
        ("late session", Step::TakeResult(notification(1), late(), reported(1)), Stepped::Conflict),
        ("late profile", Step::TakeResult(notification(1), closed(), reported(9)), Stepped::Conflict),
        ("late session alone", Step::TakeResult(notification(1), late(), None), Stepped::Conflict),
        ("late profile alone", Step::Take(notification(1), reported(9)), Stepped::Conflict),
        ("all", Step::TakeResult(notification(1), closed(), reported(1)), Stepped::Done),
        // A result is identified by its session, which is over; the number counts for nothing else.
        ("replay", Step::TakeResult(notification(1), closed(), reported(2)), Stepped::Conflict),
        ("used number", Step::Take(notification(1), reported(2)), Stepped::Known),
        ("profile", Step::Take(notification(2), reported(2)), Stepped::Done),
        ("replay", Step::Take(notification(2), reported(3)), Stepped::Known),
    ];
    for (name, step, expected) in cases {
        let before = database.store.profile(&ICCID).await.unwrap().unwrap().version;
        assert_eq!(database.store.step(name, step).await.unwrap(), expected, "{name}");
        let after = database.store.profile(&ICCID).await.unwrap().unwrap().version;
        assert_eq!(after - before, i64::from(expected == Stepped::Done), "{name}");
    }
    // What is known of the installation is written with the rest.
    let kept = database.store.installation(&ICCID, &EID).await.unwrap();
    assert_eq!(kept.map(|kept| kept.installed), Some(2));
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
        for (id, begun) in [(id(), true), (TransactionId::from([6; 16]), false)] {
            let order = database.store.order_for_session(&id, &key, NOW).await.unwrap();
            assert_eq!((order.begun, order.profile.is_some()), (begun, found));
        }
    }
}

#[tokio::test]
async fn of_several_orders_for_an_euicc_the_one_that_is_its_alone_goes_first() {
    let database = Database::with_profile(Iccid([1; 10])).await;
    // From the one that goes last to the one that goes first.
    let orders = [
        (7u8, ProfileState::Error, true, OrderPolicy::OneTime, None),
        (1, ProfileState::Released, false, OrderPolicy::OneTime, Some(NOW.plus_seconds(-1))),
        (2, ProfileState::Installed, true, OrderPolicy::SameEid, None),
        (3, ProfileState::Downloaded, false, OrderPolicy::OneTime, None),
        (4, ProfileState::Released, false, OrderPolicy::OneTime, None),
        (5, ProfileState::Downloaded, true, OrderPolicy::OneTime, None),
        (6, ProfileState::Released, true, OrderPolicy::OneTime, Some(NOW)),
    ];
    let placed: Result<(), Error> = database
        .store
        .run_tx("orders", move |tx| {
            for (number, state, unnamed, policy, expires_at) in orders {
                let iccid = Iccid([number; 10]);
                if number != 1 {
                    tx.insert_profile(&new_profile(iccid))?;
                }
                let mut change = tx.profile(&iccid)?.unwrap().change("test", NOW);
                (change.state, change.eid, change.unnamed, change.policy) = (state, Some(EID), unnamed, policy);
                change.matching_id = Some(format!("MID-{number}"));
                change.expires_at = expires_at;
                assert!(tx.change_profile(&change)?);
            }
            Ok(())
        })
        .await;
    placed.unwrap();
    for number in [6, 5, 4, 3, 2, 1, 7u8] {
        let iccid = Iccid([number; 10]);
        let found = database.store.order_for_session(&id(), &OrderKey::Eid(EID), NOW).await.unwrap();
        assert_eq!(found.profile.map(|profile| profile.iccid), Some(iccid));
        let ended: Result<bool, Error> = database
            .store
            .run_tx("end", move |tx| {
                let mut change = tx.profile(&iccid)?.unwrap().change("test", NOW);
                change.state = ProfileState::Unavailable;
                tx.change_profile(&change)
            })
            .await;
        assert!(ended.unwrap());
    }
    let found = database.store.order_for_session(&id(), &OrderKey::Eid(EID), NOW).await.unwrap();
    assert!(found.profile.is_none());
}

#[tokio::test]
async fn a_session_begins_once_together_with_its_profile_or_not_at_all() {
    let database = Database::with_profile(ICCID).await;
    let profile = || async { database.store.profile(&ICCID).await.unwrap().unwrap() };
    let read = profile().await;
    let locked = |version| {
        let mut change = read.change("test", NOW);
        change.eid = Some(Eid([0x89; 16]));
        change.version = version;
        Some(change)
    };
    for (name, version, expected) in
        [("stale profile", 9, Stepped::Conflict), ("good", 1, Stepped::Done), ("again", 2, Stepped::Conflict)]
    {
        let stepped = database.store.step(name, Step::Open(new_session(), locked(version))).await.unwrap();
        assert_eq!(stepped, expected, "{name}");
        let begun = database.store.session_and_profile(&id()).await.unwrap().is_some();
        assert_eq!(begun, name != "stale profile", "{name}");
        assert_eq!(profile().await.version, if begun { 2 } else { 1 }, "{name}");
    }
}

/// How many sessions end when they are purged this many seconds after [`NOW`].
async fn purge(database: &Database, seconds: i64) -> u64 {
    let purged: Result<u64, Error> =
        database.store.run_tx("purge", move |tx| tx.purge_sessions(NOW.plus_seconds(seconds))).await;
    purged.unwrap()
}

#[tokio::test]
async fn expired_sessions_are_purged_when_they_cannot_begin_again() {
    let database = with_session().await;
    for (seconds, expected) in [(61, 0), (90, 0), (91, 1)] {
        assert_eq!(purge(&database, seconds).await, expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_session_that_goes_on_is_purged_after_its_new_end() {
    const DAY: i64 = 24 * 60 * 60;
    let database = with_session().await;
    let mut longer = delivered();
    longer.expires_at = NOW.plus_seconds(3 * DAY);
    assert_eq!(database.store.step("advance", Step::Advance(longer, None)).await.unwrap(), Stepped::Done);
    for seconds in [91, DAY, 2 * DAY, 3 * DAY] {
        assert_eq!(purge(&database, seconds).await, 0, "after {seconds} s");
    }
    assert_eq!(purge(&database, 3 * DAY + 1).await, 1);
}

#[tokio::test]
async fn a_session_that_ends_within_a_day_is_purged_when_it_ends() {
    let database = with_session().await;
    let mut longer = delivered();
    longer.expires_at = NOW.plus_seconds(1000);
    assert_eq!(database.store.step("advance", Step::Advance(longer, None)).await.unwrap(), Stepped::Done);
    for (seconds, expected) in [(91, 0), (1000, 0), (1001, 1)] {
        assert_eq!(purge(&database, seconds).await, expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_session_that_ends_early_is_purged_within_a_day() {
    const DAY: i64 = 24 * 60 * 60;
    let database = with_session().await;
    let mut longer = delivered();
    longer.expires_at = NOW.plus_seconds(30 * DAY);
    assert_eq!(database.store.step("advance", Step::Advance(longer, None)).await.unwrap(), Stepped::Done);
    assert_eq!(purge(&database, 100).await, 0);
    let mut closed = advance(SessionState::ExpectResult, SessionState::Closed);
    closed.expires_at = NOW.plus_seconds(200);
    assert_eq!(database.store.step("close", Step::Advance(closed, None)).await.unwrap(), Stepped::Done);
    assert_eq!(purge(&database, 100 + DAY).await, 0);
    assert_eq!(purge(&database, 101 + DAY).await, 1);
}
