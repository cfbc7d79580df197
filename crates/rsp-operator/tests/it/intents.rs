//! No sale without a trace: wherever the server stops while it orders, nothing stays sold that it does not know of.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode as Http};
use http_body_util::BodyExt as _;
use rsp_es::es2plus::FinalProfileStatus;
use rsp_es::status::StatusCode;
use rsp_operator::account::Origin;
use rsp_operator::api::{self, Limits};
use rsp_operator::keys::NewKey;
use rsp_operator::provisioning::{self, Supplier};
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{Error, Rights, Service};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::provisioning::{Fault, Smdp, serve, supplier_at};
use crate::shop::{Shop, tenant};
use crate::support::NOW;
use crate::unrecorded::{desk, last_of, wanted};

/// Longer than an order can take.
const LATER: i64 = 601;

async fn shop(smdp: Smdp) -> (Shop, Arc<Smdp>, Arc<Supplier>) {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let (smdp, supplier) = serve(smdp).await;
    (shop, smdp, Arc::new(supplier))
}

/// What another process finds and does; then nothing is left, here or there.
async fn restart_settles(shop: &Shop, smdp: &Smdp, supplier: &Arc<Supplier>, what: &str) {
    let desk = desk(shop, supplier);
    // It may be another process that is still at it.
    let calls = smdp.calls();
    assert_eq!(desk.give_up_due().await.unwrap(), 0);
    assert_eq!((shop.store.intents(9).await.unwrap().len(), smdp.calls()), (1, calls), "{what}");

    shop.clock.forward(LATER);
    assert_eq!(desk.give_up_due().await.unwrap(), 0, "{what}");
    assert!(shop.store.intents(9).await.unwrap().is_empty(), "{what}");
    assert_eq!(smdp.sold(), 0, "{what}");
    assert!(smdp.books.lock().unwrap().reserved.is_empty(), "{what}");
    let log = shop.store.log(Some("A"), None, 9).await.unwrap();
    let [entry] = &log[..] else { panic!("{what}: {log:?}") };
    assert_eq!((entry.entry.action.as_str(), entry.entry.actor.as_str()), ("give order up", "server"), "{what}");
    let subject = &entry.entry.subject;
    assert!(subject.ends_with(", ordered by user of A: cancelled at its SM-DP+"), "{what}: {subject}");
    assert!(!subject.contains("smdp7"), "{what}: {subject}");
}

#[tokio::test]
async fn an_order_at_which_the_server_stops_is_given_up_by_the_next_one() {
    use Fault::{Fine, NeverAnswered, NeverArrives};
    let (available, unavailable) = (FinalProfileStatus::Available, FinalProfileStatus::Unavailable);
    for (what, faults, to) in [
        ("before the answer to DownloadOrder", &[NeverAnswered][..], available),
        ("after the answer to DownloadOrder", &[Fine, NeverArrives], unavailable),
        ("before the answer to ConfirmOrder", &[Fine, NeverAnswered], unavailable),
    ] {
        let (shop, smdp, supplier) = shop(Smdp::new(7, 1).with(faults)).await;
        let (stopped, anna) = (desk(&shop, &supplier), tenant("A"));
        tokio::select! {
            _ = stopped.provision(&anna, wanted()) => panic!("{what}: it ended"),
            () = smdp.waited_for.notified() => {}
        }
        drop(stopped);
        restart_settles(&shop, &smdp, &supplier, what).await;
        assert_eq!(smdp.books.lock().unwrap().cancelled, [(last_of(7), to)], "{what}");
    }
}

#[tokio::test]
async fn what_was_sold_before_a_stop_and_not_noted_is_given_up() {
    let (shop, smdp, supplier) = shop(Smdp::new(7, 1)).await;
    let database = rusqlite::Connection::open(shop._dir.path().join("test.db")).unwrap();
    // From the answer on nothing is written any more, as if the server were gone.
    let stop = "CREATE TRIGGER gone BEFORE INSERT ON esims BEGIN SELECT RAISE(ABORT, 'gone'); END;
                CREATE TRIGGER gone_too BEFORE UPDATE ON intents WHEN OLD.iccid IS NOT NULL
                BEGIN SELECT RAISE(ABORT, 'gone'); END;";
    database.execute_batch(stop).unwrap();
    let error = desk(&shop, &supplier).provision(&tenant("A"), wanted()).await.err().unwrap();
    assert!(matches!(error, Error::Unrecorded { .. }), "{error}");
    assert_eq!(smdp.sold(), 1);
    database.execute_batch("DROP TRIGGER gone; DROP TRIGGER gone_too").unwrap();
    restart_settles(&shop, &smdp, &supplier, "after the answer to ConfirmOrder").await;
}

#[tokio::test]
async fn an_order_that_is_being_given_up_is_not_gone_on_with() {
    use Fault::{AnsweredLate, Fine};
    for faults in [&[AnsweredLate][..], &[Fine, AnsweredLate]] {
        let (shop, smdp, supplier) = shop(Smdp::new(7, 1).with(faults)).await;
        // Each process has connections of its own.
        let origin = supplier.client.origin();
        let again = Arc::new(supplier_at(&supplier.name, &format!("{}:{}", origin.host(), origin.port())));
        let (slow, other, anna) = (desk(&shop, &supplier), desk(&shop, &again), tenant("A"));
        let given_up = async {
            smdp.waited_for.notified().await;
            shop.clock.forward(LATER);
            assert_eq!(other.give_up_due().await.unwrap(), 0);
            smdp.go.notify_one();
        };
        let (ended, ()) = tokio::join!(slow.provision(&anna, wanted()), given_up);
        assert!(ended.is_err() && smdp.sold() == 0, "{faults:?}");
        assert!(shop.store.listed(&rsp_store::Whose::All, &last_of(7)).await.unwrap().is_none(), "{faults:?}");
        assert!(shop.store.intents(9).await.unwrap().is_empty(), "{faults:?}");
    }
}

#[tokio::test]
async fn an_order_is_tried_to_be_given_up_until_the_smdp_answers() {
    // ConfirmOrder and CancelOrder are executed, or not, without an answer; then the SM-DP+ stays away for a while.
    let faults: Vec<_> = [Fault::Fine].into_iter().chain([Fault::AfterIt; 3]).chain([Fault::BeforeIt; 6]).collect();
    let (shop, smdp, supplier) = shop(Smdp::new(7, 1).with(&faults)).await;
    let desk = desk(&shop, &supplier);
    let error = desk.provision(&tenant("A"), wanted()).await.err().unwrap();
    assert!(matches!(error, Error::Provisioning(provisioning::Error::Uncertain { .. })), "{error}");
    // At once, and then after a pause.
    assert_eq!(desk.give_up_due().await.unwrap(), 1);
    let calls = smdp.calls();
    assert_eq!((desk.give_up_due().await.unwrap(), smdp.calls(), smdp.sold()), (1, calls, 1));
    let open = shop.store.intents(9).await.unwrap();
    assert_eq!((open[0].attempts, open[0].iccid, open[0].problem.is_some()), (1, Some(last_of(7)), true));
    shop.clock.forward(60);
    assert_eq!((desk.give_up_due().await.unwrap(), smdp.sold()), (0, 0));
    assert_eq!(smdp.books.lock().unwrap().cancelled, [(last_of(7), FinalProfileStatus::Unavailable)]);
}

#[tokio::test]
async fn an_order_is_open_until_the_smdp_says_that_nothing_of_it_is_there() {
    for (status, settled) in [
        (StatusCode::ICCID_UNKNOWN, true),
        (StatusCode::ICCID_NOT_ALLOWED, true),
        (StatusCode::ICCID_INVALID_TRANSITION, true),
        (StatusCode::ICCID_ALREADY_IN_USE, false),
        (StatusCode::FUNCTION_REQUESTER_UNKNOWN, false),
    ] {
        let smdp = Smdp::new(7, 1).with(&[Fault::Fine, Fault::NeverAnswered]);
        let (shop, smdp, supplier) = shop(smdp.that_cancels_nothing(status.clone())).await;
        let (desk, anna) = (desk(&shop, &supplier), tenant("A"));
        tokio::select! {
            _ = desk.provision(&anna, wanted()) => panic!("it ended"),
            () = smdp.waited_for.notified() => {}
        }
        shop.clock.forward(LATER);
        assert_eq!(desk.give_up_due().await.unwrap(), usize::from(!settled), "{status}");
        let open = shop.store.intents(9).await.unwrap();
        assert_eq!(open.is_empty(), settled, "{status}");
        assert!(open.iter().all(|open| open.problem.as_ref().unwrap().contains(status.reason.as_str())), "{open:?}");
        // The tenant reads how it ended, and neither at which SM-DP+ nor what that said.
        let log = shop.store.log(Some("A"), None, 9).await.unwrap();
        let ended: Vec<_> = log.iter().map(|one| one.entry.subject.as_str()).collect();
        let how = format!("{}, ordered by user of A: nothing of it is at its SM-DP+", last_of(7));
        assert_eq!(ended, if settled { vec![how.as_str()] } else { vec![] }, "{status}");
    }
}

#[tokio::test]
async fn a_sale_leaves_no_intent_and_a_refusal_neither() {
    let (shop, smdp, supplier) = shop(Smdp::new(7, 1)).await;
    let desk = desk(&shop, &supplier);
    assert!(desk.provision(&tenant("A"), wanted()).await.is_ok());
    assert!(desk.provision(&tenant("A"), wanted()).await.is_err(), "out of stock");
    assert!(shop.store.intents(9).await.unwrap().is_empty());
    shop.clock.forward(LATER);
    assert_eq!((desk.give_up_due().await.unwrap(), smdp.sold()), (0, 1));
}

#[tokio::test]
async fn nothing_is_ordered_that_cannot_be_noted() {
    for (what, calls) in [("INSERT", 0), ("UPDATE", 2)] {
        let (shop, smdp, supplier) = shop(Smdp::new(7, 1)).await;
        let database = rusqlite::Connection::open(shop._dir.path().join("test.db")).unwrap();
        let full = format!("CREATE TRIGGER full BEFORE {what} ON intents BEGIN SELECT RAISE(ABORT, 'full'); END");
        database.execute_batch(&full).unwrap();
        let error = desk(&shop, &supplier).provision(&tenant("A"), wanted()).await.err().unwrap();
        assert!(matches!(error, Error::Store(_)), "{error}");
        // What was reserved was given back.
        assert_eq!((smdp.calls(), smdp.sold()), (calls, 0));
        assert!(smdp.books.lock().unwrap().reserved.is_empty());
    }
}

/// Posts orders under idempotency keys.
struct Caller {
    service: Arc<Service>,
    router: axum::Router,
    key: String,
}

impl Caller {
    async fn new(shop: &Shop, supplier: &Arc<Supplier>) -> Self {
        let origin = Origin::of("https://localhost").unwrap();
        let certificates = Box::new(crate::pages::Ci(crate::pages::ci()));
        let desk = Arc::new(desk(shop, supplier));
        let service = Service::new(desk, origin, AddressRules::default(), certificates, true);
        let router = api::router(&service, Limits { requests: 100, failures: 3 });
        let new = NewKey { tenant: "A".to_owned(), name: "test".to_owned(), rights: Rights::ALL, expires_at: None };
        let key = service.keys.add(new, "test", NOW).await.unwrap().1.to_string();
        Self { service, router, key }
    }

    /// Status, whether it was answered before, Retry-After, and the body.
    async fn post(&self, plan: &str) -> (Http, bool, Option<String>, Value) {
        let body = json!({ "carrier": "Example", "plan": plan, "confirmation_code": "none" });
        let request = Request::post("/api/v1/esim/provision")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("idempotency-key", "one")
            .body(Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (status, again) = (response.status(), response.headers().contains_key("idempotency-replayed"));
        let later = response.headers().get("retry-after").map(|later| later.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, again, later, serde_json::from_slice(&body).unwrap())
    }
}

#[tokio::test]
async fn what_certainly_did_nothing_says_so_and_its_key_is_free_again() {
    let (shop, smdp, supplier) = shop(Smdp::new(7, 1).with(&[Fault::NotThere])).await;
    let caller = Caller::new(&shop, &supplier).await;
    let (status, again, later, problem) = caller.post("S").await;
    assert_eq!((status, again, later.as_deref()), (Http::SERVICE_UNAVAILABLE, false, Some("30")), "{problem}");
    assert_eq!(problem["code"], "nothing-done", "{problem}");
    assert!(!problem.to_string().contains("127.0.0.1") && !problem.to_string().contains("smdp7"), "{problem}");
    let (status, again, _, sold) = caller.post("S").await;
    assert_eq!((status, again, smdp.sold()), (Http::CREATED, false, 1), "{sold}");
    assert!(caller.post("S").await.1);
}

#[tokio::test]
async fn a_request_is_in_use_for_as_long_as_it_is_executed() {
    let (shop, smdp, supplier) = shop(Smdp::new(7, 1).with(&[Fault::AnsweredLate])).await;
    let caller = Caller::new(&shop, &supplier).await;
    let meanwhile = async {
        smdp.waited_for.notified().await;
        for seconds in [0, 301, 86_000] {
            shop.clock.forward(seconds);
            let (status, _, _, problem) = caller.post("S").await;
            assert_eq!((status, &problem["code"]), (Http::CONFLICT, &"idempotency-key-in-use".into()), "{problem}");
        }
        assert_eq!(caller.post("other").await.3["code"], "idempotency-key-reused");
        smdp.go.notify_one();
    };
    let ((status, again, ..), ()) = tokio::join!(caller.post("S"), meanwhile);
    assert_eq!((status, again, smdp.calls()), (Http::CREATED, false, 2));
    assert_eq!((caller.post("S").await.1, smdp.sold()), (true, 1));
}

#[tokio::test]
async fn an_order_ends_in_time_and_says_whether_it_may_have_sold() {
    use Fault::{Fine, NeverAnswered};
    for (faults, may_be_sold) in [(&[NeverAnswered][..], false), (&[Fine, NeverAnswered], true)] {
        let (shop, smdp, supplier) = shop(Smdp::new(7, 1).with(faults)).await;
        let (desk, anna) = (desk(&shop, &supplier), tenant("A"));
        let time_passes = async {
            smdp.waited_for.notified().await;
            tokio::time::pause();
            tokio::time::advance(std::time::Duration::from_secs(151)).await;
        };
        let (ended, ()) = tokio::join!(desk.provision(&anna, wanted()), time_passes);
        tokio::time::resume();
        let Err(Error::Provisioning(error)) = ended else { panic!("no answer of an order: {:?}", ended.err()) };
        match error {
            provisioning::Error::Uncertain { iccid, .. } => assert!(may_be_sold && iccid == last_of(7)),
            provisioning::Error::Unreachable { .. } => assert!(!may_be_sold),
            other => panic!("{other}"),
        }
        // And nobody waits for what is left of it.
        assert_eq!((desk.give_up_due().await.unwrap(), smdp.sold()), (0, 0));
        assert!(smdp.books.lock().unwrap().reserved.is_empty() && shop.store.intents(9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_uncertain_sale_is_told_as_one_and_repeating_the_request_orders_nothing() {
    let faults: Vec<_> = [Fault::Fine].into_iter().chain([Fault::AfterIt; 3]).chain([Fault::BeforeIt; 3]).collect();
    let (shop, smdp, supplier) = shop(Smdp::new(7, 5).with(&faults)).await;
    let caller = Caller::new(&shop, &supplier).await;
    let service = &caller.service;
    let post = async || {
        let (status, again, _, problem) = caller.post("S").await;
        (status, again, problem)
    };
    let (status, again, problem) = post().await;
    assert_eq!((status, again, &problem["code"]), (Http::BAD_GATEWAY, false, &"uncertain".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(&last_of_five()), "{problem}");
    let (calls, sold) = (smdp.calls(), smdp.sold());
    assert_eq!(sold, 1);
    let (status, again, second) = post().await;
    assert_eq!((status, again, &second), (Http::BAD_GATEWAY, true, &problem));
    assert_eq!((smdp.calls(), smdp.sold()), (calls, sold), "nothing more is ordered");
    // And what was sold without anybody having it is given up.
    assert_eq!((service.desk.give_up_due().await.unwrap(), smdp.sold()), (0, 0));
    assert_eq!(post().await, (Http::BAD_GATEWAY, true, problem));
}

/// The ICCID that SM-DP+ 7 sells first of five.
fn last_of_five() -> String {
    let digits = format!("8900101{:011}", 7_004);
    format!("{digits}{}", rsp_asn1::Iccid::luhn_digit(&digits).unwrap())
}
