//! Suspending and resuming: nothing is noted that the network did not do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rsp_crypto::Zeroizing;
use rsp_operator::provisioning::{Supplier, Suppliers};
use rsp_operator::{Actor, Desk, Error, NetworkAdapter, Right, Rights};
use rsp_smdp::{Identity, Orders};
use rsp_store::{EventKind, NetworkState, Subscriber};
use tokio::sync::Notify;

use crate::shop::{Shop, iccid, randomness, tenant};

struct NoSuppliers;

impl Suppliers for NoSuppliers {
    fn of(&self, _: &str, _: &str) -> Result<Vec<Arc<Supplier>>, String> {
        Ok(Vec::new())
    }

    fn own(&self, _: &str) -> Result<Arc<Supplier>, String> {
        Err("there is none".to_owned())
    }
}

/// Remembers what it was told.
#[derive(Default)]
struct Register {
    told: Mutex<Vec<String>>,
    broken: AtomicBool,
    /// What it lets everybody use; nothing at first.
    access: Mutex<Option<String>>,
}

impl Register {
    fn hear(&self, what: &str, imsi: &str) -> Result<(), String> {
        self.told.lock().unwrap().push(format!("{what} {imsi}"));
        if self.broken.load(Ordering::SeqCst) { Err("the register is not there".to_owned()) } else { Ok(()) }
    }
}

#[async_trait]
impl NetworkAdapter for Register {
    async fn access(&self, _: &str) -> Result<Option<String>, String> {
        Ok(self.access.lock().unwrap().clone())
    }

    async fn suspend(&self, imsi: &str) -> Result<(), String> {
        self.hear("suspend", imsi)?;
        *self.access.lock().unwrap() = None;
        Ok(())
    }

    async fn resume(&self, imsi: &str, access: Option<&str>) -> Result<(), String> {
        self.hear("resume", imsi)?;
        *self.access.lock().unwrap() = Some(access.unwrap_or("all").to_owned());
        Ok(())
    }
}

fn desk(shop: &Shop) -> Desk {
    let identity = Identity { address: "smdp.example.com".to_owned(), oid: "2.999.10".to_owned() };
    let orders = Orders::new(Arc::clone(&shop.store), identity, shop.clock(), randomness(), "test");
    Desk::new(Arc::clone(&shop.store), orders, Arc::new(NoSuppliers), shop.clock(), randomness())
}

#[tokio::test]
async fn what_the_network_did_is_noted_and_nothing_else() {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let sim = shop.sell("A", 1, "S").await;
    let owner = tenant("A");
    let register = Arc::new(Register::default());
    let desk = desk(&shop).with_network(Arc::clone(&register) as _);
    let state = |esim: &rsp_operator::Esim| esim.plan.as_ref().unwrap().network;
    // Without an IMSI nobody can be named.
    assert!(matches!(desk.suspend(&owner, &sim).await, Err(Error::Network(_))));
    let subscriber = move |tx: &mut rsp_store::Transaction| {
        let keys = Zeroizing::new([7; 32]);
        tx.insert_subscriber(&Subscriber { iccid: sim, imsi: "001010000000001".to_owned(), keys })
    };
    shop.store.run_tx("subscriber", subscriber).await.unwrap();
    *register.access.lock().unwrap() = Some("ps".to_owned());
    register.broken.store(true, Ordering::SeqCst);
    let failed = desk.suspend(&owner, &sim).await.err().unwrap();
    assert_eq!(failed.to_string(), "the network did not do it: the register is not there");
    assert_eq!(state(&desk.esim(&owner, &sim).await.unwrap()), NetworkState::Active);
    register.broken.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(state(&desk.suspend(&owner, &sim).await.unwrap()), NetworkState::Suspended);
    }
    register.broken.store(true, Ordering::SeqCst);
    assert!(desk.resume(&owner, &sim).await.is_err());
    assert_eq!(state(&desk.esim(&owner, &sim).await.unwrap()), NetworkState::Suspended);
    register.broken.store(false, Ordering::SeqCst);
    assert_eq!(state(&desk.resume(&owner, &sim).await.unwrap()), NetworkState::Active);
    assert_eq!(register.access.lock().unwrap().as_deref(), Some("ps"), "not what was there before");
    let told = register.told.lock().unwrap().join(", ");
    let [one, two] = ["suspend 001010000000001", "resume 001010000000001"];
    assert_eq!(told, [one, one, one, two, two].join(", "));
    let events = shop.store.events_of(Some("A"), &sim, 100).await.unwrap();
    let noted: Vec<_> =
        events.into_iter().filter(|event| event.kind == EventKind::Network).filter_map(|event| event.detail).collect();
    assert_eq!(noted, ["suspended", "active"]);
}

#[tokio::test]
async fn without_a_network_or_a_right_or_an_esim_nothing_is_told() {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let sim = shop.sell("A", 1, "S").await;
    let without = desk(&shop);
    assert!(matches!(without.suspend(&tenant("A"), &sim).await, Err(Error::NoNetworkAdapter)));
    let register = Arc::new(Register::default());
    let desk = desk(&shop).with_network(Arc::clone(&register) as _);
    for sim in [sim, iccid(99)] {
        for desk in [&desk, &without] {
            for answer in [desk.suspend(&tenant("B"), &sim).await.err(), desk.resume(&tenant("B"), &sim).await.err()] {
                assert_eq!(answer.unwrap().to_string(), format!("there is no eSIM \"{sim}\""));
            }
        }
    }
    let reader = Actor::new(Some("A".to_owned()), "reader", Rights::of([Right::Read]));
    assert!(matches!(desk.suspend(&reader, &sim).await, Err(Error::Forbidden(Right::Provision))));
    assert!(register.told.lock().unwrap().is_empty());
}

/// An SM-DP+ elsewhere names the ICCID of A's profile in an order of B's: A's subscriber stays in.
#[tokio::test]
async fn atk_tenant_cross_by_an_iccid_of_another_smdp() {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let sim = shop.sell("A", 1, "S").await;
    let subscribe = move |tx: &mut rsp_store::Transaction| {
        let keys = Zeroizing::new([7; 32]);
        tx.insert_subscriber(&Subscriber { iccid: sim, imsi: "001010000000001".to_owned(), keys })?;
        tx.insert_esim(&rsp_store::Esim { iccid: sim, ..crate::bed::esim("B", 2) })
    };
    shop.store.run_tx("elsewhere", subscribe).await.unwrap();
    let register = Arc::new(Register::default());
    let desk = desk(&shop).with_network(Arc::clone(&register) as _);
    assert!(matches!(desk.suspend(&tenant("B"), &sim).await, Err(Error::WrongState { .. })));
    assert!(matches!(desk.resume(&tenant("B"), &sim).await, Err(Error::WrongState { .. })));
    assert!(register.told.lock().unwrap().is_empty());
    assert_eq!(shop.store.imsi("B", &sim).await.unwrap(), None);
    assert_eq!(shop.store.imsi("A", &sim).await.unwrap().as_deref(), Some("001010000000001"));
}

/// A's subscriber with an IMSI, a register that lets it in to this, and a desk at it.
async fn subscribed(imsi: &'static str, access: Option<&str>) -> (Shop, Arc<Register>, Desk, rsp_asn1::Iccid) {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let iccid = shop.sell("A", 1, "S").await;
    let subscribe = move |tx: &mut rsp_store::Transaction| {
        tx.insert_subscriber(&Subscriber { iccid, imsi: imsi.to_owned(), keys: Zeroizing::new([7; 32]) })
    };
    shop.store.run_tx("subscriber", subscribe).await.unwrap();
    let register = Arc::new(Register { access: Mutex::new(access.map(str::to_owned)), ..Register::default() });
    let desk = desk(&shop).with_network(Arc::clone(&register) as _);
    (shop, register, desk, iccid)
}

/// Whoever imports an IMSI proves nothing of it: the register serves every tenant.
#[tokio::test]
async fn atk_tenant_cross_by_an_imsi_that_is_not_the_tenants() {
    let (shop, register, desk, sim) = subscribed("001010100000001", Some("cs+ps")).await;
    for answer in [desk.suspend(&tenant("A"), &sim).await, desk.resume(&tenant("A"), &sim).await] {
        assert!(matches!(answer, Err(Error::NoNetworkAdapter)));
    }
    let mut operator = shop.store.operator("A").await.unwrap().unwrap();
    operator.imsi_prefix = String::new();
    shop.store.run_tx("no prefix", move |tx| tx.change_operator(&operator)).await.unwrap();
    assert!(matches!(desk.suspend(&tenant("A"), &sim).await, Err(Error::NoNetworkAdapter)));
    assert!(register.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whom_the_network_did_not_let_in_before_is_not_let_in_by_resuming() {
    let (shop, register, desk, sim) = subscribed("001010000000001", None).await;
    let owner = tenant("A");
    desk.suspend(&owner, &sim).await.unwrap();
    let noted = shop.store.log(Some("A"), None, 1).await.unwrap().remove(0).entry;
    assert_eq!(noted.subject, format!("{sim}: the network did not let it in before either"));
    let refused = desk.resume(&owner, &sim).await.err().unwrap().to_string();
    assert!(refused.contains("it was not let in before it was suspended here either"), "{refused}");
    assert_eq!(*register.access.lock().unwrap(), None);
    *register.access.lock().unwrap() = Some("cs".to_owned());
    let resumed = desk.resume(&owner, &sim).await.unwrap();
    assert_eq!(resumed.plan.unwrap().network, NetworkState::Active);
    assert_eq!(register.access.lock().unwrap().as_deref(), Some("cs"));
    // One that was never suspended here stays as it is.
    desk.resume(&owner, &sim).await.unwrap();
    assert_eq!(*register.told.lock().unwrap(), ["suspend 001010000000001"]);
}

/// A network that is asked about one subscriber and does not answer until it is let.
struct Slow {
    imsi: &'static str,
    asked: Notify,
    go: Notify,
    told: Mutex<Vec<String>>,
}

impl Slow {
    async fn hear(&self, what: &str, imsi: &str) -> Result<(), String> {
        self.told.lock().unwrap().push(format!("{what} {imsi}"));
        if what == "suspend" && imsi == self.imsi {
            self.asked.notify_one();
            self.go.notified().await;
        }
        Ok(())
    }
}

#[async_trait]
impl NetworkAdapter for Slow {
    async fn access(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some("cs+ps".to_owned()))
    }

    async fn suspend(&self, imsi: &str) -> Result<(), String> {
        self.hear("suspend", imsi).await
    }

    async fn resume(&self, imsi: &str, _: Option<&str>) -> Result<(), String> {
        self.hear("resume", imsi).await
    }
}

/// The time only passes where everybody waits for everybody.
#[tokio::test(start_paused = true)]
async fn a_network_that_is_slow_about_one_keeps_no_other_waiting() {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let (one, other) = (shop.sell("A", 1, "S").await, shop.sell("A", 2, "S").await);
    for (iccid, imsi) in [(one, "001010000000001"), (other, "001010000000002")] {
        let subscribe = move |tx: &mut rsp_store::Transaction| {
            tx.insert_subscriber(&Subscriber { iccid, imsi: imsi.to_owned(), keys: Zeroizing::new([7; 32]) })
        };
        shop.store.run_tx("subscriber", subscribe).await.unwrap();
    }
    let slow = Slow { imsi: "001010000000001", asked: Notify::new(), go: Notify::new(), told: Mutex::default() };
    let (network, owner) = (Arc::new(slow), tenant("A"));
    let desk = desk(&shop).with_network(Arc::clone(&network) as _);
    let mut first = Box::pin(desk.suspend(&owner, &one));
    tokio::select! {
        _ = &mut first => panic!("the network has not answered"),
        () = network.asked.notified() => {}
    }
    let second = tokio::time::timeout(std::time::Duration::from_secs(1), desk.suspend(&owner, &other)).await;
    assert!(second.expect("it waits for another's").is_ok());
    // Of the same one it is resumed after it was suspended, as it was asked for.
    let mut third = Box::pin(desk.resume(&owner, &one));
    tokio::select! {
        biased;
        _ = &mut third => panic!("it overtook the suspension"),
        () = std::future::ready(()) => {}
    }
    network.go.notify_one();
    let (suspended, resumed) = tokio::join!(first, third);
    let state = |esim: Result<rsp_operator::Esim, Error>| esim.unwrap().plan.unwrap().network;
    assert_eq!(state(resumed), NetworkState::Active);
    drop(suspended);
    let told = network.told.lock().unwrap().join(", ");
    assert_eq!(told, "suspend 001010000000001, suspend 001010000000002, resume 001010000000001");
}
