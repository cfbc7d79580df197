//! A browser that goes away does not leave a change half done.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use rsp_crypto::Zeroizing;
use rsp_operator::account::{Add, Origin, Role};
use rsp_operator::provisioning::{Supplier, Suppliers};
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{Actor, Desk, EsimFilter, Rights, Service};
use rsp_smdp::{Identity, Orders};
use tower::ServiceExt as _;

use crate::portal::ORIGIN;
use crate::provisioning::{Smdp, serve};
use crate::shop::{Shop, randomness, tenant};

struct Elsewhere(Arc<Supplier>);

impl Suppliers for Elsewhere {
    fn of(&self, _: &str, _: &str) -> Result<Vec<Arc<Supplier>>, String> {
        Ok(vec![Arc::clone(&self.0)])
    }

    fn own(&self, _: &str) -> Result<Arc<Supplier>, String> {
        Err("there is none".to_owned())
    }
}

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_order_whose_tab_is_closed_at_once_is_placed_and_noted() {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let (smdp, supplier) = serve(Smdp::new(7, 1)).await;
    let identity = Identity { address: "smdp.example.com".to_owned(), oid: "2.999.10".to_owned() };
    let orders = Orders::new(Arc::clone(&shop.store), identity, shop.clock(), randomness(), "test");
    let suppliers = Arc::new(Elsewhere(Arc::new(supplier)));
    let desk = Arc::new(Desk::new(Arc::clone(&shop.store), orders, suppliers, shop.clock(), randomness()));
    let certificates = Box::new(crate::pages::Ci(crate::pages::ci()));
    let origin = Origin::of(ORIGIN).unwrap();
    let service = Service::new(Arc::clone(&desk), origin, AddressRules::default(), certificates, true);
    let accounts = Arc::clone(&service.accounts);
    let router = service.router();

    let password = accounts.generate_password();
    let secret = Zeroizing::new(password.reveal().to_owned());
    let (name, operator) = ("ann".to_owned(), Some("A".to_owned()));
    let add = Add { name, operator, role: Role::Operator, password: Some(password) };
    accounts.add_user(&Actor::new(None, "test", Rights::ALL), add).await.unwrap();
    let Ok(signed_in) = accounts.sign_in("ann@A", secret, None).await else { panic!("ann is not let in") };
    let csrf = accounts.session(&signed_in.token).await.unwrap().unwrap().csrf;
    let cookie = format!("{}={}", accounts.origin().cookie(), *signed_in.token);

    let request = Request::get("/provision").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
    let page = router.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8_lossy(&page).into_owned();
    let once = page.split("name=\"once\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = Request::post("/provision")
        .header(header::COOKIE, &cookie)
        .header(header::ORIGIN, ORIGIN)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("csrf={csrf}&once={once}&plan=A%0D%0AExample%0D%0AS&confirmation=none")))
        .unwrap();
    let mut answer = Box::pin(router.oneshot(request));
    let asked = async {
        while smdp.calls() == 0 {
            assert!((&mut answer).now_or_never().is_none(), "answered before the SM-DP+ was asked");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap();
    assert!(desk.esims(&tenant("A"), &EsimFilter::default(), None, 1).await.unwrap().items.is_empty());
    // The tab is closed: nobody waits for the answer.
    drop(answer);
    let noted = async {
        while desk.esims(&tenant("A"), &EsimFilter::default(), None, 1).await.unwrap().items.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, noted).await.expect("the order was placed, and is not noted");
    assert_eq!(smdp.sold(), 1);
    let log = shop.store.log(Some("A"), None, 10).await.unwrap();
    assert!(log.iter().any(|entry| entry.entry.action == "provision" && entry.entry.actor == "user ann@A"));
}
