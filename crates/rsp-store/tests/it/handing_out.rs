//! Links that work once, and lists of orders.

use rsp_asn1::{Iccid, Timestamp};
use rsp_store::{BatchState, Error, NewBatch, NewBatchRow, NewHandoff, Operator};

use crate::support::{Database, NOW};

const ICCID: Iccid = Iccid([0x98, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x05]);

async fn with_operator() -> Database {
    let database = Database::new().await;
    let operator = Operator {
        name: "Alpha".to_owned(),
        certificate: [1; 32],
        endpoint: None,
        iccid_prefix: String::new(),
        imsi_prefix: String::new(),
        created_at: NOW,
    };
    database.store.run_tx("fixture", move |tx| tx.insert_operator(&operator)).await.unwrap();
    database
}

async fn use_link(database: &Database, link: u8, now: Timestamp) -> Option<(String, Iccid)> {
    database.store.run_tx("use", move |tx| tx.use_handoff(&[link; 32], now)).await.unwrap()
}

#[tokio::test]
async fn a_link_works_once_and_until_it_expires() {
    let database = with_operator().await;
    for link in [1, 2] {
        let new = NewHandoff {
            link: [link; 32],
            operator: "Alpha".to_owned(),
            iccid: ICCID,
            created_at: NOW,
            created_by: "user ann".to_owned(),
            expires_at: NOW.plus_seconds(60),
        };
        let again = new.clone();
        database.store.run_tx("add", move |tx| tx.insert_handoff(&new)).await.unwrap();
        let duplicate: Result<(), Error> = database.store.run_tx("add", move |tx| tx.insert_handoff(&again)).await;
        assert!(matches!(duplicate, Err(Error::Duplicate { what: "link" })));
    }
    assert_eq!(use_link(&database, 3, NOW).await, None);
    assert_eq!(use_link(&database, 1, NOW.plus_seconds(59)).await, Some(("Alpha".to_owned(), ICCID)));
    assert_eq!(use_link(&database, 1, NOW).await, None);
    assert_eq!(use_link(&database, 2, NOW.plus_seconds(60)).await, None);
    let links = database.store.handoffs("Alpha", &ICCID).await.unwrap();
    let mut used: Vec<_> = links.iter().map(|link| link.used_at).collect();
    used.sort();
    assert_eq!(used, [None, Some(NOW.plus_seconds(59))]);
    assert!(database.store.handoffs("Beta", &ICCID).await.unwrap().is_empty());
    let forgotten = database.store.run_tx("forget", |tx| tx.forget_handoffs(NOW.plus_seconds(61))).await;
    assert_eq!(forgotten.unwrap(), 2);
}

async fn add_batch(database: &Database, lines: &[u32]) -> i64 {
    let row = |line: &u32| NewBatchRow {
        line: *line,
        carrier: "Alpha".to_owned(),
        plan: "5 GB".to_owned(),
        eid: None,
        device_id: None,
        reference: Some(format!("row {line}")),
    };
    let new = NewBatch {
        operator: "Alpha".to_owned(),
        name: "list.csv".to_owned(),
        created_at: NOW,
        created_by: "user ann".to_owned(),
        rows: lines.iter().map(row).collect(),
    };
    database.store.run_tx("add", move |tx| tx.insert_batch(&new)).await.unwrap()
}

async fn claim(database: &Database, after: i64) -> Option<(i64, u32)> {
    let claimed = database.store.run_tx("claim", move |tx| tx.claim_batch_row(after, &[])).await.unwrap();
    claimed.map(|(batch, row)| (batch, row.wanted.line))
}

#[tokio::test]
async fn the_number_of_a_list_says_when_it_was_made_and_not_how_many_there_are() {
    let database = with_operator().await;
    let mut numbers = Vec::new();
    for _ in 0..50 {
        numbers.push(add_batch(&database, &[2]).await);
    }
    assert!(numbers.is_sorted_by(|one, next| one < next));
    assert!(numbers.iter().all(|number| number >> 20 == NOW.0 && *number < 1 << 53), "{numbers:?}");
    let steps: std::collections::BTreeSet<_> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.len() > 10, "{steps:?}");
}

#[tokio::test]
async fn lists_take_turns_and_no_row_is_claimed_twice() {
    let database = with_operator().await;
    let one = add_batch(&database, &[2, 3, 5]).await;
    let two = add_batch(&database, &[2]).await;
    assert_eq!(claim(&database, 0).await, Some((one, 2)));
    assert_eq!(claim(&database, one).await, Some((two, 2)));
    assert_eq!(claim(&database, two).await, Some((one, 3)));
    assert_eq!(claim(&database, one).await, Some((one, 5)));
    assert_eq!(claim(&database, one).await, None);
    assert_eq!(database.store.claimed_batch_rows().await.unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_finished_or_cancelled_stays_so() {
    let database = with_operator().await;
    let number = add_batch(&database, &[2, 3, 4]).await;
    claim(&database, 0).await;
    let finish = |line, state, iccid| {
        database.store.run_tx("finish", move |tx| tx.finish_batch_row(number, line, state, iccid, Some("why")))
    };
    assert!(finish(2, BatchState::Done, Some(ICCID)).await.unwrap());
    assert!(!finish(2, BatchState::Failed, None).await.unwrap(), "finished already");
    assert!(!finish(3, BatchState::Failed, None).await.unwrap(), "not claimed");
    let cancelled = database.store.run_tx("cancel", move |tx| tx.cancel_batch(number, NOW)).await.unwrap();
    assert_eq!(cancelled, 2);
    assert_eq!(claim(&database, 0).await, None);
    let mut progress = database.store.batch_progress(number).await.unwrap();
    progress.sort_by_key(|(state, _)| state.as_str());
    assert_eq!(progress, [(BatchState::Cancelled, 2), (BatchState::Done, 1)]);
    let rows = database.store.batch_rows(number, 0, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.state.as_str()).collect::<Vec<_>>(), ["done", "cancelled", "cancelled"]);
    assert_eq!((rows[0].iccid, rows[0].problem.as_deref()), (Some(ICCID), Some("why")));
    assert_eq!(database.store.batch_rows(number, 2, 1).await.unwrap(), rows[1..2]);
    let batch = database.store.batch(number).await.unwrap().unwrap();
    assert_eq!(batch.cancelled_at, Some(NOW));
    for operator in [Some("Alpha"), None] {
        assert_eq!(database.store.batches(operator, i64::MAX, 10).await.unwrap(), std::slice::from_ref(&batch));
    }
    assert!(database.store.batches(Some("Beta"), i64::MAX, 10).await.unwrap().is_empty());
    assert!(database.store.batches(None, number, 10).await.unwrap().is_empty());
    assert_eq!(database.store.sold_by("Alpha", "batch 1 line 2").await.unwrap(), None);
}
