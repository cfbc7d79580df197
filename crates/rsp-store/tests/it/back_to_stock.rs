//! What is kept of an eSIM whose profile lies in stock again.

use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_store::{
    Amounts, Datastore, Error, Esim, NetworkState, NewHandoff, NewProfile, NewProfileType, Operator, ProfileState,
    Transaction, UsageCounters, Whose,
};
use rusqlite::Connection;

use crate::support::{Counter, Database, NOW, key, new_profile};

const ICCID: Iccid = Iccid([0x98, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x05]);
const OTHER: Iccid = Iccid([0x98, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x06]);

fn operator(number: u8, name: &str) -> Operator {
    Operator {
        name: name.to_owned(),
        certificate: [number; 32],
        endpoint: None,
        iccid_prefix: String::new(),
        imsi_prefix: String::new(),
        created_at: NOW,
    }
}

fn used() -> UsageCounters {
    UsageCounters { used: Amounts { data_bytes: 900, ..Amounts::default() }, ..UsageCounters::default() }
}

/// An eSIM with a link that was used, one that was not, and something used.
fn sell(tx: &mut Transaction, operator: &str, iccid: Iccid, first_link: u8) -> Result<(), Error> {
    tx.insert_esim(&Esim {
        operator: operator.to_owned(),
        iccid,
        carrier: "Alpha".to_owned(),
        plan: "5 GB".to_owned(),
        profile_type: "basic".to_owned(),
        country: "DE".to_owned(),
        smdp: "own".to_owned(),
        own: false,
        activation_code: Zeroizing::new("LPA:1$smdp.example.com$ONCE".to_owned()),
        confirmation_code_required: false,
        eid: None,
        device_id: None,
        reference: None,
        network: NetworkState::Active,
        cancelled: false,
        created_at: NOW,
        created_by: "user ann".to_owned(),
    })?;
    for link in [first_link, first_link + 1] {
        tx.insert_handoff(&NewHandoff {
            link: [link; 32],
            operator: operator.to_owned(),
            iccid,
            created_at: NOW,
            created_by: "user ann".to_owned(),
            expires_at: NOW.plus_seconds(3600),
        })?;
    }
    assert!(tx.use_handoff(&[first_link; 32], NOW)?.is_some());
    tx.put_usage_counters(operator, &iccid, &used())
}

/// Two profiles of Alpha's that it sold; Beta has an eSIM of another SM-DP+ under the ICCID of the first.
async fn sold() -> Database {
    let database = Database::new().await;
    let fixture = |tx: &mut Transaction| -> Result<(), Error> {
        tx.insert_operator(&operator(1, "Alpha"))?;
        tx.insert_operator(&operator(2, "Beta"))?;
        tx.insert_profile_type(&NewProfileType {
            name: "basic".to_owned(),
            operator: Some("Alpha".to_owned()),
            iccids: None,
            metadata: vec![1],
            template: None,
            created_at: NOW,
        })?;
        for iccid in [ICCID, OTHER] {
            let (operator, state) = (Some("Alpha".to_owned()), ProfileState::Released);
            tx.insert_profile(&NewProfile { operator, state, ..new_profile(iccid) })?;
        }
        sell(tx, "Alpha", ICCID, 1)?;
        sell(tx, "Alpha", OTHER, 3)?;
        sell(tx, "Beta", ICCID, 5)
    };
    database.store.run_tx("fixture", fixture).await.unwrap();
    database
}

async fn move_to(store: &Datastore, iccid: Iccid, state: ProfileState) {
    let profile = store.profile(&iccid).await.unwrap().unwrap();
    let moved = store.run_tx("move", move |tx| {
        let mut change = profile.change("test", NOW);
        change.state = state;
        tx.change_profile(&change)
    });
    assert!(moved.await.unwrap());
}

/// Whether there is an eSIM, which of its two links were used, and what it used.
async fn kept(store: &Datastore, operator: &str, iccid: &Iccid) -> (bool, Vec<Option<Timestamp>>, UsageCounters) {
    let esim = store.listed(&Whose::Of(operator.to_owned()), iccid).await.unwrap().and_then(|found| found.esim);
    let mut links: Vec<_> =
        store.handoffs(operator, iccid).await.unwrap().into_iter().map(|link| link.used_at).collect();
    links.sort();
    (esim.is_some(), links, store.usage_counters(operator, iccid).await.unwrap())
}

async fn only_the_first_is_gone(store: &Datastore) {
    let gone = (false, vec![Some(NOW)], UsageCounters::default());
    assert_eq!(kept(store, "Alpha", &ICCID).await, gone);
    for (operator, iccid) in [("Alpha", OTHER), ("Beta", ICCID)] {
        assert_eq!(kept(store, operator, &iccid).await, (true, vec![None, Some(NOW)], used()), "{operator} {iccid}");
    }
}

#[tokio::test]
async fn a_profile_that_goes_back_to_stock_is_nobodys_esim() {
    let database = sold().await;
    move_to(&database.store, OTHER, ProfileState::Unavailable).await;
    move_to(&database.store, ICCID, ProfileState::Available).await;
    only_the_first_is_gone(&database.store).await;
    // It can be sold again.
    database.store.run_tx("sell", |tx| sell(tx, "Alpha", ICCID, 7)).await.unwrap();
}

#[tokio::test]
async fn what_lay_in_stock_before_the_schema_knew_of_it_is_nobodys_esim_either() {
    let database = sold().await;
    let connection = Connection::open(database.path()).unwrap();
    connection.execute_batch("DROP TRIGGER profile_back_to_stock").unwrap();
    move_to(&database.store, ICCID, ProfileState::Available).await;
    assert!(kept(&database.store, "Alpha", &ICCID).await.2 == used());
    // The version before it, which the last one is.
    connection.pragma_update(None, "user_version", 18).unwrap();
    drop(connection);
    let Database { dir, store } = database;
    drop(store);
    let path = dir.path().join("test.db");
    let store = Datastore::open(&path, &key(7), Box::new(Counter(9000))).await.unwrap();
    only_the_first_is_gone(&store).await;
}
