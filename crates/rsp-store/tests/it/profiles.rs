//! Profiles, their orders and the log of their states.

use rsp_asn1::{Eid, Iccid};
use rsp_crypto::Zeroizing;
use rsp_store::{Error, Notification, ProfileState, SealedChange, Step, Stepped};

use crate::support::{Database, NOW, new_profile};

const ICCID: Iccid = Iccid([1; 10]);

#[tokio::test]
async fn a_change_writes_every_column_and_one_line_of_log() {
    let database = Database::with_profile(ICCID).await;
    let profile = database.store.profile(&ICCID).await.unwrap().unwrap();
    let changed = database
        .store
        .run_tx("order", move |tx| {
            let mut change = profile.change("clerk", NOW.plus_seconds(5));
            change.state = ProfileState::Released;
            change.eid = Some(Eid([0x89; 16]));
            change.matching_id = Some("ABC".to_owned());
            change.confirmation_code = SealedChange::Set(Zeroizing::new(vec![9; 32]));
            change.binding = SealedChange::Set(Zeroizing::new(vec![8; 16]));
            change.confirmation_tries = 2;
            change.download_tries = 3;
            change.expires_at = Some(NOW.plus_seconds(100));
            tx.change_profile(&change)
        })
        .await
        .map_err(|error: Error| error)
        .unwrap();
    assert!(changed);
    let profile = database.store.profile_by_matching_id("ABC").await.unwrap().unwrap();
    assert_eq!(profile.iccid, ICCID);
    assert_eq!(profile.state, ProfileState::Released);
    assert_eq!(profile.eid, Some(Eid([0x89; 16])));
    assert_eq!(profile.confirmation_code.unwrap().as_slice(), [9; 32]);
    assert_eq!(profile.binding.unwrap().as_slice(), [8; 16]);
    assert_eq!((profile.confirmation_tries, profile.download_tries), (2, 3));
    assert_eq!(profile.expires_at, Some(NOW.plus_seconds(100)));
    let events = database.store.profile_events(&ICCID).await.unwrap();
    let log: Vec<_> = events.iter().map(|event| (event.from, event.to, event.actor.as_str())).collect();
    assert_eq!(
        log,
        [(None, ProfileState::Available, "test"), (Some(ProfileState::Available), ProfileState::Released, "clerk")]
    );
}

#[tokio::test]
async fn a_change_from_an_old_version_writes_nothing() {
    let database = Database::with_profile(ICCID).await;
    for expected in [true, false] {
        let stale = database.store.profile(&ICCID).await.unwrap().unwrap();
        let changed = database
            .store
            .run_tx("twice", move |tx| {
                let mut change = stale.change("clerk", NOW);
                change.version = 1;
                change.state = ProfileState::Allocated;
                tx.change_profile(&change)
            })
            .await
            .map_err(|error: Error| error)
            .unwrap();
        assert_eq!(changed, expected);
    }
}

#[tokio::test]
async fn a_matching_id_is_given_out_once_for_ever() {
    let database = Database::with_profile(ICCID).await;
    for attempt in 0..2 {
        let result: Result<(), Error> =
            database.store.run_tx("reserve", |tx| tx.reserve_matching_id("ONCE", &ICCID, NOW)).await;
        match attempt {
            0 => result.unwrap(),
            _ => assert!(matches!(result, Err(Error::Duplicate { what: "matching ID" }))),
        }
    }
}

#[tokio::test]
async fn a_matching_id_that_is_kept_for_a_profile_is_given_to_no_other() {
    let database = Database::with_profile(ICCID).await;
    let other = Iccid([2; 10]);
    let reserved: Result<Vec<bool>, Error> = database
        .store
        .run_tx("keep", move |tx| {
            let mut reserved = Vec::new();
            let mut reserve = |tx: &mut rsp_store::Transaction, iccid: &Iccid| {
                reserved.push(tx.reserve_matching_id("KEPT", iccid, NOW).is_ok());
            };
            reserve(tx, &ICCID);
            tx.keep_matching_id_for("KEPT", &ICCID)?;
            reserve(tx, &other);
            reserve(tx, &ICCID);
            reserve(tx, &ICCID);
            Ok(reserved)
        })
        .await;
    assert_eq!(reserved.unwrap(), [true, false, true, false]);
}

#[tokio::test]
async fn an_iccid_is_unique() {
    let database = Database::with_profile(ICCID).await;
    let result: Result<(), Error> = database.store.run_tx("again", |tx| tx.insert_profile(&new_profile(ICCID))).await;
    assert!(matches!(result, Err(Error::Duplicate { what: "ICCID" })));
}

#[tokio::test]
async fn a_sequence_number_counts_once_for_a_profile_of_an_euicc() {
    let database = Database::with_profile(ICCID).await;
    let notification = Notification {
        eid: Eid([0x89; 16]),
        seq_number: 4,
        iccid: Some(ICCID),
        event: "notificationInstall".to_owned(),
        body: vec![1],
        received_at: NOW,
    };
    let mut outcomes = Vec::new();
    let known = Eid([0x89; 16]);
    for (eid, iccid) in [(known, ICCID), (known, ICCID), (Eid([0x12; 16]), ICCID), (known, Iccid([7; 10]))] {
        let step = Step::Take(Notification { eid, iccid: Some(iccid), ..notification.clone() }, None);
        outcomes.push(database.store.step("notify", step).await.unwrap());
    }
    assert_eq!(outcomes, [Stepped::Done, Stepped::Known, Stepped::Done, Stepped::Done]);
    assert_eq!(database.store.notifications(&ICCID).await.unwrap().len(), 2);
}
