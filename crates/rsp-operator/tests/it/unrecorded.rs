//! What a supplier sold, and could not be noted: nobody may take it for not sold.

use std::sync::Arc;

use rsp_asn1::Iccid;
use rsp_operator::provisioning::{Supplier, Suppliers};
use rsp_operator::{Actor, Confirmation, Desk, Error, Right, Rights, Wanted};
use rsp_smdp::{Identity, Orders};
use rsp_store::{NewProfile, NewProfileType, ProfileState};

use crate::provisioning::{Smdp, serve};
use crate::shop::{Shop, randomness, tenant};
use crate::support::NOW;

pub(crate) struct Elsewhere(pub(crate) Arc<Supplier>);

impl Suppliers for Elsewhere {
    fn of(&self, _: &str, _: &str) -> Result<Vec<Arc<Supplier>>, String> {
        Ok(vec![Arc::clone(&self.0)])
    }

    fn own(&self, _: &str) -> Result<Arc<Supplier>, String> {
        Err("there is none".to_owned())
    }
}

pub(crate) fn wanted() -> Wanted {
    Wanted {
        tenant: None,
        carrier: "Example".to_owned(),
        plan: "S".to_owned(),
        eid: None,
        device_id: None,
        reference: None,
        confirmation: Confirmation::None,
        secure: false,
    }
}

pub(crate) fn desk(shop: &Shop, supplier: &Arc<Supplier>) -> Desk {
    let identity = Identity { address: "smdp.example.com".to_owned(), oid: "2.999.10".to_owned() };
    let orders = Orders::new(Arc::clone(&shop.store), identity, shop.clock(), randomness(), "test");
    Desk::new(Arc::clone(&shop.store), orders, Arc::new(Elsewhere(Arc::clone(supplier))), shop.clock(), randomness())
}

/// The ICCID that the supplier of this number sells when one is left.
pub(crate) fn last_of(number: u64) -> Iccid {
    let digits = format!("8900101{:011}", number * 1_000);
    format!("{digits}{}", Iccid::luhn_digit(&digits).unwrap()).parse().unwrap()
}

#[tokio::test]
async fn an_iccid_that_is_there_already_is_sold_and_said_to_be() {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let (smdp, supplier) = serve(Smdp::new(7, 1)).await;
    let row = rsp_store::Esim { iccid: last_of(7), ..crate::bed::esim("A", 1) };
    shop.store.run_tx("before", move |tx| tx.insert_esim(&row)).await.unwrap();
    let desk = desk(&shop, &Arc::new(supplier));
    let error = desk.provision(&tenant("A"), wanted()).await.err().unwrap();
    assert!(matches!(&error, Error::Unrecorded { iccid, supplier, .. } if *iccid == last_of(7) && supplier == "smdp7"));
    assert!(error.to_string().contains(&last_of(7).to_string()), "{error}");
    assert_eq!(smdp.sold(), 1);
    // It is not taken from whoever has it: somebody has to look.
    assert_eq!(desk.give_up_due().await.unwrap(), 1);
    assert_eq!(smdp.sold(), 1);
    let open = shop.store.intents(2).await.unwrap();
    assert!(open[0].problem.as_ref().unwrap().contains("handed out before") && open.len() == 1, "{open:?}");
    // Whoever runs the server sees it, and forgets it when it is settled; no tenant does.
    let (staff, call) = (Actor::new(None, "staff", Rights::ALL), open[0].call_id.as_str());
    for actor in [tenant("A"), Actor::new(None, "reader", Rights::of([Right::Read]))] {
        assert!(matches!(desk.intents(&actor).await, Err(Error::Forbidden(_))));
        assert!(matches!(desk.forget_intent(&actor, call).await, Err(Error::Forbidden(_))));
    }
    assert_eq!(desk.intents(&staff).await.unwrap(), open);
    assert!(matches!(desk.forget_intent(&staff, "none").await, Err(Error::NotFound { .. })));
    desk.forget_intent(&staff, call).await.unwrap();
    assert!(desk.intents(&staff).await.unwrap().is_empty());
    let forgotten = &shop.store.log(Some("A"), None, 1).await.unwrap()[0].entry;
    let subject = format!("{}, ordered by user of A", last_of(7));
    assert_eq!((forgotten.action.as_str(), &forgotten.subject), ("forget order", &subject));
}

#[tokio::test]
async fn atk_tenant_cross_a_supplier_elsewhere_names_no_profile_of_another() {
    for owner in [Some("B"), None] {
        let shop = Shop::new().await;
        shop.plan("S", |_| {}).await;
        let there = move |tx: &mut rsp_store::Transaction| {
            tx.insert_profile_type(&NewProfileType {
                name: "basic".to_owned(),
                operator: None,
                iccids: None,
                metadata: vec![1],
                template: None,
                created_at: NOW,
            })?;
            tx.insert_profile(&NewProfile {
                iccid: last_of(7),
                profile_type: "basic".to_owned(),
                operator: owner.map(str::to_owned),
                state: ProfileState::Released,
                metadata: vec![1],
                package: rsp_crypto::Zeroizing::new(vec![1]),
                at: NOW,
                by: "test".to_owned(),
            })
        };
        shop.store.run_tx("there", there).await.unwrap();
        let (smdp, supplier) = serve(Smdp::new(7, 1)).await;
        let desk = desk(&shop, &Arc::new(supplier));
        let error = desk.provision(&tenant("A"), wanted()).await.err().unwrap();
        assert!(matches!(error, Error::Unrecorded { .. }), "{error}");
        assert!(matches!(desk.esim(&tenant("A"), &last_of(7)).await, Err(Error::NotFound { .. })));
        // The SM-DP+ takes back what it sold, and nobody's profile here changes.
        assert_eq!((desk.give_up_due().await.unwrap(), smdp.sold()), (0, 0));
        let profile = shop.store.profile(&last_of(7)).await.unwrap().unwrap();
        assert_eq!(profile.state, ProfileState::Released);
    }
}
