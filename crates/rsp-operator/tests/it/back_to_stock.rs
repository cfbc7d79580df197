//! A profile that goes back to stock is nobody's eSIM any more, and is sold again as if it were new.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode as Http};
use rsp_asn1::Iccid;
use rsp_crypto::Zeroizing;
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    ReleaseProfileRequest,
};
use rsp_es::server::{Caller, Es2Plus, es2plus_router};
use rsp_es::status::StatusCode;
use rsp_operator::account::Origin;
use rsp_operator::api::{self, Limits};
use rsp_operator::keys::NewKey;
use rsp_operator::usage::{NewTopUp, NewUsage, Usage};
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{Error, Rights, Service};
use rsp_smdp::{Courier, Identity, OperatorInterface, Orders, Undelivered};
use rsp_store::{Amounts, Message, NewProfile, NewProfileType, Operator, ProfileState, UsageCounters};
use tower::ServiceExt as _;

use crate::provisioning::supplier_at;
use crate::shop::{Shop, iccid, randomness, tenant};
use crate::support::NOW;
use crate::unrecorded::{desk, wanted};

struct Nobody;

#[async_trait]
impl Courier for Nobody {
    async fn deliver(&self, _: &Message) -> Result<(), Undelivered> {
        Err(Undelivered::Inaccessible("nobody is there".to_owned()))
    }
}

/// The SM-DP+ over this database, to which whoever calls is A.
struct AsA(OperatorInterface);

fn a() -> Caller {
    Caller { certificate: Some(Arc::from(&b"A"[..])), ..Caller::default() }
}

#[async_trait]
impl Es2Plus for AsA {
    async fn download_order(&self, _: &Caller, r: DownloadOrderRequest) -> Result<DownloadOrderResponse, StatusCode> {
        self.0.download_order(&a(), r).await
    }

    async fn confirm_order(&self, _: &Caller, r: ConfirmOrderRequest) -> Result<ConfirmOrderResponse, StatusCode> {
        self.0.confirm_order(&a(), r).await
    }

    async fn cancel_order(&self, _: &Caller, r: CancelOrderRequest) -> Result<(), StatusCode> {
        self.0.cancel_order(&a(), r).await
    }

    async fn release_profile(&self, _: &Caller, r: ReleaseProfileRequest) -> Result<(), StatusCode> {
        self.0.release_profile(&a(), r).await
    }
}

fn identity() -> Identity {
    Identity { address: "smdp.example.com".to_owned(), oid: "2.999.10".to_owned() }
}

/// An inventory of one.
async fn stock(shop: &Shop) -> Iccid {
    let iccid = iccid(1);
    let add = move |tx: &mut rsp_store::Transaction| -> Result<(), rsp_store::Error> {
        tx.change_operator(&Operator {
            name: "A".to_owned(),
            certificate: rsp_crypto::hash::sha256(b"A"),
            endpoint: None,
            iccid_prefix: String::new(),
            imsi_prefix: String::new(),
            created_at: NOW,
        })?;
        tx.insert_profile_type(&NewProfileType {
            name: "basic".to_owned(),
            operator: Some("A".to_owned()),
            iccids: None,
            metadata: vec![1],
            template: None,
            created_at: NOW,
        })?;
        tx.insert_profile(&NewProfile {
            iccid,
            profile_type: "basic".to_owned(),
            operator: Some("A".to_owned()),
            state: ProfileState::Available,
            metadata: vec![1],
            package: Zeroizing::new(vec![1]),
            at: NOW,
            by: "test".to_owned(),
        })
    };
    shop.store.run_tx("stock", add).await.unwrap();
    iccid
}

#[tokio::test]
async fn what_goes_back_to_stock_is_sold_again_under_another_code_and_with_nothing_used() {
    let shop = Shop::new().await;
    shop.plan("S", |plan| plan.data_bytes = Some(1000)).await;
    let iccid = stock(&shop).await;
    let (store, smdp_clock) = (Arc::clone(&shop.store), shop.clock());
    let smdp = OperatorInterface::new(store, identity(), smdp_clock, randomness(), Arc::new(Nobody), None);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let supplier = Arc::new(supplier_at("own", &listener.local_addr().unwrap().to_string()));
    tokio::spawn(async move { axum::serve(listener, es2plus_router(Arc::new(AsA(smdp)))).await });
    let (desk, owner) = (Arc::new(desk(&shop, &supplier)), tenant("A"));
    let origin = Origin::of("https://localhost").unwrap();
    let certificates = Box::new(crate::pages::Ci(crate::pages::ci()));
    let service = Service::new(Arc::clone(&desk), origin, AddressRules::default(), certificates, true);
    let new = NewKey { tenant: "A".to_owned(), name: "test".to_owned(), rights: Rights::ALL, expires_at: None };
    let key = service.keys.add(new, "test", NOW).await.unwrap().1.to_string();
    let router = api::router(&service, Limits { requests: 100, failures: 3 });
    let handoff = async || {
        let request = Request::get(format!("/api/v1/esims/{iccid}/handoff"))
            .header("authorization", format!("Bearer {key}"))
            .body(Body::empty());
        router.clone().oneshot(request.unwrap()).await.unwrap().status()
    };
    let usage = Usage::new(Arc::clone(&shop.store), shop.clock());

    let first = desk.provision(&owner, wanted()).await.unwrap();
    assert_eq!((first.esim.iccid, first.esim.own, handoff().await), (iccid, true, Http::OK));
    let used = Amounts { data_bytes: 900, ..Amounts::default() };
    let report = NewUsage { id: "r1".to_owned(), iccid, used, at: None };
    usage.post(&owner, &[report]).await.unwrap();
    let top_up = NewTopUp { id: "t1".to_owned(), iccid, added: used, days: 3 };
    usage.top_up(&owner, &top_up).await.unwrap();
    let orders = Orders::new(Arc::clone(&shop.store), identity(), shop.clock(), randomness(), "test");
    assert_eq!(orders.cancel(&iccid, true).await.unwrap(), ProfileState::Available);

    assert_eq!(handoff().await, Http::NOT_FOUND);
    let second = desk.provision(&owner, wanted()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((second.esim.iccid, second.esim.own, handoff().await), (iccid, true, Http::OK));
    assert!(second.activation_code.matching_id() != first.activation_code.matching_id());
    let code = desk.esim(&owner, &iccid).await.unwrap().code_to_hand_out().unwrap();
    assert!(code.matching_id() == second.activation_code.matching_id());
    assert_eq!(usage.standing(&owner, &iccid).await.unwrap().counters, UsageCounters::default());
    assert!(shop.store.intents(9).await.unwrap().is_empty());
    // What the first buyer did stays.
    let log = shop.store.log(Some("A"), None, 9).await.unwrap();
    assert_eq!(log.iter().filter(|entry| entry.entry.action == "provision").count(), 2, "{log:?}");
    assert!(matches!(orders.cancel(&iccid, false).await, Ok(ProfileState::Unavailable)));
    assert!(
        !matches!(desk.esim(&owner, &iccid).await, Err(Error::NotFound { .. })),
        "what ends Unavailable is still there"
    );
}
