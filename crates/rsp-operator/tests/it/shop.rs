//! Tenants with plans, profiles and eSIMs that were sold, and a clock that stands until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_operator::{Actor, Rights};
use rsp_smdp::{Clock, SharedRandomness};
use rsp_store::{Datastore, Esim, EventKind, NetworkState, NewEvent, NewProfile, NewProfileType, Plan, ProfileState};
use tempfile::TempDir;

use crate::support::{Counter, NOW, database};

pub(crate) struct MockClock(AtomicI64);

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl MockClock {
    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

pub(crate) struct Shop {
    pub(crate) _dir: TempDir,
    pub(crate) store: Arc<Datastore>,
    pub(crate) clock: Arc<MockClock>,
}

impl Shop {
    /// The tenants A and B.
    pub(crate) async fn new() -> Self {
        let (dir, store) = database(&["A", "B"]).await;
        Self { _dir: dir, store, clock: Arc::new(MockClock(AtomicI64::new(NOW.0))) }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as _
    }

    /// A plan of A.
    pub(crate) async fn plan(&self, name: &str, change: impl Fn(&mut Plan)) {
        let mut plan = Plan {
            operator: "A".to_owned(),
            carrier: "Example".to_owned(),
            name: name.to_owned(),
            profile_type: "basic".to_owned(),
            country: "DE".to_owned(),
            coverage: vec!["DE".to_owned()],
            data_bytes: None,
            voice_seconds: None,
            messages: None,
            validity_days: None,
            throttle_kbps: None,
            price: None,
            currency: None,
            closed: false,
            created_at: NOW,
        };
        change(&mut plan);
        self.store.run_tx("plan", move |tx| tx.insert_plan(&plan)).await.unwrap();
    }

    /// An eSIM of a tenant with this plan; released.
    pub(crate) async fn sell(&self, tenant: &str, number: u8, plan: &str) -> Iccid {
        let (tenant, plan, iccid) = (tenant.to_owned(), plan.to_owned(), iccid(number));
        let exists = self.store.profile_type("basic").await.unwrap().is_some();
        let done: Result<(), rsp_store::Error> = self
            .store
            .run_tx("sell", move |tx| {
                if !exists {
                    tx.insert_profile_type(&NewProfileType {
                        name: "basic".to_owned(),
                        operator: None,
                        iccids: None,
                        metadata: vec![1],
                        template: None,
                        created_at: NOW,
                    })?;
                }
                tx.insert_profile(&NewProfile {
                    iccid,
                    profile_type: "basic".to_owned(),
                    operator: Some(tenant.clone()),
                    state: ProfileState::Released,
                    metadata: vec![1],
                    package: Zeroizing::new(vec![1]),
                    at: NOW,
                    by: "test".to_owned(),
                })?;
                tx.insert_esim(&Esim {
                    operator: tenant.clone(),
                    iccid,
                    carrier: "Example".to_owned(),
                    plan: plan.clone(),
                    profile_type: "basic".to_owned(),
                    country: "DE".to_owned(),
                    smdp: "own".to_owned(),
                    own: true,
                    activation_code: Zeroizing::new(CANARY.to_owned()),
                    confirmation_code_required: false,
                    eid: None,
                    device_id: None,
                    reference: Some("order 17".to_owned()),
                    network: NetworkState::Active,
                    cancelled: false,
                    created_at: NOW,
                    created_by: "test".to_owned(),
                })
            })
            .await;
        done.unwrap();
        iccid
    }

    /// A step of a session, as an event.
    pub(crate) async fn happen(&self, tenant: &str, iccid: Iccid, detail: &str) {
        let event = NewEvent {
            at: self.clock.now(),
            operator: Some(tenant.to_owned()),
            iccid: Some(iccid),
            profile_type: Some("basic".to_owned()),
            kind: EventKind::Step,
            actor: "test".to_owned(),
            step: Some("AuthenticateClient".to_owned()),
            refused: None,
            detail: Some(detail.to_owned()),
        };
        self.store.run_tx("event", move |tx| tx.record_event(&event)).await.unwrap();
    }
}

/// In every activation code here.
pub(crate) const CANARY: &str = "LPA:1$smdp.example.com$CANARYCANARY";

pub(crate) fn iccid(number: u8) -> Iccid {
    let digits = format!("89010{number:013}");
    (0..10).find_map(|check| format!("{digits}{check}").parse().ok()).unwrap()
}

pub(crate) fn randomness() -> SharedRandomness {
    SharedRandomness::new(Box::new(Counter(1000)))
}

pub(crate) fn tenant(name: &str) -> Actor {
    Actor::new(Some(name.to_owned()), format!("user of {name}"), Rights::ALL)
}
