//! Many transactions at once.

use std::sync::Arc;

use rsp_asn1::{Iccid, TransactionId};
use rsp_crypto::Zeroizing;
use rsp_store::{Datastore, Error, NewSession, Step, Stepped};

use crate::support::{Counter, Database, NOW, key, new_profile};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_share_a_commit_fail_one_by_one() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let store = Arc::new(database.store);
    let tasks: Vec<_> = (0..100u8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                // Every fourth closure writes, then fails: nothing of it may stay.
                store
                    .run_tx("mixed", move |tx| {
                        tx.insert_profile(&new_profile(Iccid([number + 1; 10])))?;
                        tx.reserve_matching_id(&format!("MID{number}"), &rsp_asn1::Iccid([1; 10]), NOW)?;
                        if number % 4 == 0 { Err(Error::WrongKeyEncryptionKey) } else { Ok(number) }
                    })
                    .await
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let result = task.await.unwrap();
        let exists = store.profile(&Iccid([number as u8 + 1; 10])).await.unwrap().is_some();
        assert_eq!(result.is_ok(), number % 4 != 0);
        assert_eq!(exists, number % 4 != 0, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_wait_for_each_other() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let other = Arc::new(Datastore::open(&database.path(), &key(7), Box::new(Counter(1 << 40))).await.unwrap());
    let first = Arc::new(database.store);
    let tasks: Vec<_> = (0..40u8)
        .map(|number| {
            let store = Arc::clone(if number % 2 == 0 { &first } else { &other });
            tokio::spawn(async move {
                store.run_tx("one of many", move |tx| tx.insert_profile(&new_profile(Iccid([number + 1; 10])))).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().map_err(|error: Error| error).unwrap();
    }
    assert_eq!(other.profiles().await.unwrap().len(), 41);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_store_usable() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let abandoned = database.store.run_tx("abandoned", |tx| tx.insert_profile(&new_profile(Iccid([1; 10]))));
    let outcome = tokio::time::timeout(std::time::Duration::ZERO, abandoned).await;
    drop(outcome);
    let result: Result<(), Error> =
        database.store.run_tx("next", |tx| tx.insert_profile(&new_profile(Iccid([2; 10])))).await;
    result.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_and_closures_share_commits() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let store = Arc::new(database.store);
    let tasks: Vec<_> = (0..60u8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let new = NewSession {
                    transaction_id: TransactionId::from([number; 16]),
                    data: Zeroizing::new(vec![number]),
                    iccid: Iccid([0; 10]),
                    begins_by: NOW,
                    expires_at: NOW,
                };
                let opened = store.step("open", Step::Open(new, None)).await;
                let failed: Result<(), Error> = store
                    .run_tx("fails", move |tx| {
                        tx.insert_profile(&new_profile(Iccid([number + 1; 10])))?;
                        Err(Error::WrongKeyEncryptionKey)
                    })
                    .await;
                (opened, failed)
            })
        })
        .collect();
    for task in tasks {
        let (opened, failed) = task.await.unwrap();
        assert_eq!(opened.unwrap(), Stepped::Done);
        assert!(matches!(failed, Err(Error::WrongKeyEncryptionKey)));
    }
    assert_eq!(store.profiles().await.unwrap().len(), 1);
    for number in 0..60u8 {
        let session = store.session_and_profile(&TransactionId::from([number; 16])).await.unwrap();
        assert_eq!(session.unwrap().0.data.as_slice(), [number]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_that_panics_takes_nobody_with_it() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let store = Arc::new(database.store);
    let tasks: Vec<_> = (0..40u8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let outcome: Result<(), Error> = store
                    .run_tx("some panic", move |tx| {
                        tx.insert_profile(&new_profile(Iccid([number + 1; 10])))?;
                        assert_ne!(number % 4, 0, "on purpose");
                        Ok(())
                    })
                    .await;
                outcome
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        match task.await.unwrap() {
            Ok(()) => assert_ne!(number % 4, 0),
            Err(error) => assert!(number % 4 == 0 && matches!(error, Error::Closed), "{number}: {error}"),
        }
    }
    assert_eq!(store.profiles().await.unwrap().len(), 31);
}

#[tokio::test]
async fn a_transaction_waits_while_another_process_writes() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let other = rusqlite::Connection::open(database.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = Arc::new(database.store);
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.run_tx("waits", |tx| tx.insert_profile(&new_profile(Iccid([1; 10])))).await }
    });
    // The one thread of this test is free meanwhile: nothing waits on it.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    assert_eq!(store.profiles().await.unwrap().len(), 1);
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().map_err(|error: Error| error).unwrap();
    assert_eq!(store.profiles().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_answered_is_seen_by_another_process_at_once() {
    let database = Database::with_profile(Iccid([0; 10])).await;
    let other = rusqlite::Connection::open(database.path()).unwrap();
    for number in 1..=20u8 {
        let result: Result<(), Error> =
            database.store.run_tx("answered", move |tx| tx.insert_profile(&new_profile(Iccid([number; 10])))).await;
        result.unwrap();
        let seen: u8 = other.query_row("SELECT count(*) FROM profiles", [], |row| row.get(0)).unwrap();
        assert_eq!(seen, number + 1);
    }
}
