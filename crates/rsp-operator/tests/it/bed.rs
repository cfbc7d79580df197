//! A desk over a database with two operators, without any SM-DP+ behind it: eSIMs are put into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_operator::provisioning::{Supplier, Suppliers};
use rsp_operator::{Actor, Desk, Rights};
use rsp_smdp::{Clock, Identity, Orders, SharedRandomness};
use rsp_store::{Datastore, Esim, NetworkState};
use tempfile::TempDir;

use crate::support::{Counter, NOW, database};

/// A clock that stands until it is moved.
pub(crate) struct MockClock(AtomicI64);

impl MockClock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Nobody;

impl Suppliers for Nobody {
    fn of(&self, _: &str, _: &str) -> Result<Vec<Arc<Supplier>>, String> {
        Ok(Vec::new())
    }

    fn own(&self, _: &str) -> Result<Arc<Supplier>, String> {
        Err("there is none".to_owned())
    }
}

pub(crate) struct Bed {
    pub(crate) dir: TempDir,
    pub(crate) store: Arc<Datastore>,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) desk: Arc<Desk>,
}

pub(crate) async fn bed() -> Bed {
    let (dir, store) = database(&["A", "B"]).await;
    let clock = Arc::new(MockClock(AtomicI64::new(NOW.0)));
    let randomness = SharedRandomness::new(Box::new(Counter(5000)));
    let identity = Identity { address: "smdp.example.com".to_owned(), oid: "2.999.1".to_owned() };
    let orders = Orders::new(Arc::clone(&store), identity, clock.clone(), randomness.clone(), "test");
    let desk = Desk::new(Arc::clone(&store), orders, Arc::new(Nobody), clock.clone(), randomness);
    Bed { dir, store, clock, desk: Arc::new(desk) }
}

/// Somebody of an operator who may do everything.
pub(crate) fn manager(tenant: &str) -> Actor {
    Actor::new(Some(tenant.to_owned()), "user ann", Rights::ALL)
}

pub(crate) fn iccid(number: u8) -> Iccid {
    format!("89001010000000000{number:02}").parse::<Iccid>().unwrap()
}

pub(crate) fn esim(operator: &str, number: u8) -> Esim {
    Esim {
        operator: operator.to_owned(),
        iccid: iccid(number),
        carrier: "Alpha <b>".to_owned(),
        plan: "5 GB & more".to_owned(),
        profile_type: "alpha".to_owned(),
        country: "DE".to_owned(),
        smdp: "main".to_owned(),
        own: false,
        activation_code: Zeroizing::new(format!("LPA:1$smdp.example.com$MATCHING-ID-{number}$$1")),
        confirmation_code_required: true,
        eid: None,
        device_id: None,
        reference: Some(format!("order {number}")),
        network: NetworkState::Active,
        cancelled: false,
        created_at: NOW,
        created_by: "user ann".to_owned(),
    }
}

impl Bed {
    pub(crate) async fn sell(&self, operator: &'static str, number: u8) -> Iccid {
        self.store.run_tx("fixture", move |tx| tx.insert_esim(&esim(operator, number))).await.unwrap();
        iccid(number)
    }
}
