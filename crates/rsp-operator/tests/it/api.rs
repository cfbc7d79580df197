//! The REST API: who is let in, what is done once, what strangers see, and that its description is the checked-in one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use rsp_asn1::Iccid;
use rsp_crypto::{aws_lc, hash};
use rsp_es::server::Caller;
use rsp_operator::account::Origin;
use rsp_operator::api::{self, Limits};
use rsp_operator::keys::NewKey;
use rsp_operator::receipts::{Jwks, ReceiptError, verify};
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{NewPlan, Right, Rights, Service};
use rsp_store::{EventKind, IdempotentRequest, NewEvent, NewProfileType};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::bed::{Bed, bed, manager};
use crate::support::NOW;

const LIMITS: Limits = Limits { requests: 10_000, failures: 3 };

/// A key with which nobody can come in.
const STRANGER: &str = "orsp_0123456789abcdef_0000000000000000000000000000000000000000000000000000000000000000";

struct Api {
    bed: Bed,
    service: Arc<Service>,
    router: Router,
}

impl Api {
    async fn new(limits: Limits) -> Self {
        let bed = bed().await;
        let origin = Origin::of("https://localhost").unwrap();
        let certificates = Box::new(crate::pages::Ci(crate::pages::ci()));
        let service = Service::new(Arc::clone(&bed.desk), origin, AddressRules::default(), certificates, true);
        let router = api::router(&service, limits);
        Self { bed, service, router }
    }

    async fn key(&self, tenant: &str, rights: Rights) -> String {
        let new = NewKey { tenant: tenant.to_owned(), name: "test".to_owned(), rights, expires_at: None };
        self.service.keys.add(new, "test", NOW).await.unwrap().1.to_string()
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn call(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let response = self.send(request(key, method, path, body)).await;
        let status = response.status();
        (status, json_of(response).await)
    }

    async fn plan(&self, tenant: &str, carrier: &str) {
        let kind = NewProfileType {
            name: format!("type of {tenant}"),
            operator: Some(tenant.to_owned()),
            iccids: None,
            metadata: vec![1],
            template: None,
            created_at: NOW,
        };
        self.bed.store.run_tx("type", move |tx| tx.insert_profile_type(&kind)).await.unwrap();
        let plan = NewPlan {
            carrier: carrier.to_owned(),
            name: "Basic".to_owned(),
            profile_type: format!("type of {tenant}"),
            country: "DE".to_owned(),
            ..NewPlan::default()
        };
        self.service.desk.add_plan(&manager(tenant), plan).await.unwrap();
    }
}

fn request(key: &str, method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()
}

async fn text_of(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text_of(response).await).unwrap_or_default()
}

/// Method, path and the operation's description, of every operation.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

async fn description(api: &Api) -> Value {
    serde_json::from_str(&api::description(&api.service)).unwrap()
}

/// `OPENRSP_BLESS=1` writes it anew.
#[tokio::test]
async fn the_description_is_the_one_that_is_checked_in() {
    let api = Api::new(LIMITS).await;
    let made = api::description(&api.service);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("OPENRSP_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(made == kept, "docs/openapi.json is not what the routes say: run this test with OPENRSP_BLESS=1");
    let served = json_of(api.send(request("", "GET", "/api/v1/openapi.json", None)).await).await;
    assert_eq!(served, serde_json::from_str::<Value>(&made).unwrap());
}

#[tokio::test]
async fn every_operation_but_the_open_ones_needs_a_key_and_a_right() {
    let api = Api::new(LIMITS).await;
    let (none, every) = (api.key("A", Rights::default()).await, operations(&description(&api).await));
    assert!(every.len() > 25, "{}", every.len());
    let mut ids = BTreeSet::new();
    for (method, path, operation) in every {
        let path_is_open = ["/healthz", "/.well-known/openrsp-receipts.json"].contains(&path.as_str());
        let path = path.replace("{iccid}", "8900101000000000001").replace(['{', '}'], "");
        let (status, problem) = api.call(STRANGER, &method, &path, None).await;
        assert_eq!(status == StatusCode::UNAUTHORIZED, !path_is_open, "{method} {path}: {status}");
        assert_eq!(operation.get("security").is_none(), path_is_open, "{method} {path}");
        if !path_is_open {
            assert_eq!(problem["code"], "unauthenticated");
            assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
            // What carriers there are is for everybody who may read.
            let (status, problem) = api.call(&none, &method, &path, None).await;
            assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &"forbidden".into()), "{method} {path}");
        }
    }
}

/// Walks every operation of the description with B's key and what A has: a new one without a case fails here.
#[tokio::test]
async fn atk_tenant_cross() {
    let api = Api::new(LIMITS).await;
    let (a, b) = (api.key("A", Rights::ALL).await, api.key("B", Rights::ALL).await);
    let iccid = api.bed.sell("A", 1).await.to_string();
    api.plan("A", "Alpha").await;
    let hook = json!({ "url": "https://a.example.com/hook", "kinds": ["state"] });
    let (status, added) = api.call(&a, "POST", "/api/v1/webhooks", Some(&hook)).await;
    assert_eq!(status, StatusCode::CREATED);
    let webhook = added["webhook"]["id"].as_str().unwrap().to_owned();

    let everything = async |key: &str| {
        let mut seen = Vec::new();
        for path in [
            "/api/v1/esims".to_owned(),
            "/api/v1/plans?closed=true".to_owned(),
            "/api/v1/webhooks".to_owned(),
            "/api/v1/events".to_owned(),
            "/api/v1/figures".to_owned(),
            format!("/api/v1/esims/{iccid}"),
            format!("/api/v1/esims/{iccid}/history"),
            format!("/api/v1/esims/{iccid}/handoff"),
            format!("/api/v1/esims/{iccid}/usage"),
            format!("/api/v1/webhooks/{webhook}/deliveries"),
        ] {
            seen.push(api.call(key, "GET", &path, None).await);
        }
        seen
    };
    let before = everything(&a).await;
    assert!(before.iter().all(|(status, _)| *status == StatusCode::OK), "{before:?}");

    for (method, path, operation) in operations(&description(&api).await) {
        if operation.get("security").is_none() {
            continue;
        }
        let id = operation["operationId"].as_str().unwrap();
        // A path of A's things, and one of things that nobody has.
        let theirs = path.replace("{iccid}", &iccid).replace("{id}", &webhook);
        let theirs = theirs.replace("{carrier}", "Alpha").replace("{name}", "Basic");
        let nobodys =
            path.replace("{iccid}", "8900101000000000990").replace("{id}", "wh_00000000000000000000000000000000");
        let nobodys = nobodys.replace("{carrier}", "Nobody").replace("{name}", "Nothing");
        let order = |carrier: &str| json!({ "carrier": carrier, "plan": "Basic" });
        let device = |carrier: &str| json!({ "carrier": carrier, "plan": "Basic", "eid": "89049032123451234512345678901235", "device_id": "d" });
        let bodies = match id {
            "provision" => Some((order("Alpha"), order("Nobody"))),
            "provision_iot" => Some((device("Alpha"), device("Nobody"))),
            // Another's type and one that nobody has: B has no supplier elsewhere.
            "add_plan" => {
                let plan = |of| json!({ "carrier": "C", "name": "N", "profile_type": format!("type of {of}"), "country": "DE" });
                Some((plan("A"), plan("nobody")))
            }
            "change_plan" => Some((json!({ "closed": true }), json!({ "closed": true }))),
            "rotate_webhook" => Some((json!({ "overlap_seconds": 0 }), json!({ "overlap_seconds": 0 }))),
            "report_usage" | "top_up" => {
                let report = json!({ "id": "1", "data_bytes": 1 });
                Some((report.clone(), report))
            }
            // Lists, what is added to one's own, and the carriers, who are nobody's: nothing of A is in the answer.
            "list_esims" | "list_plans" | "list_events" | "figures" | "list_webhooks" | "list_carriers" => {
                let (status, seen) = api.call(&b, &method, &theirs, None).await;
                assert_eq!(status, StatusCode::OK, "{method} {path}");
                let seen = seen.to_string();
                for canary in [&iccid, &webhook, "a.example.com", "type of A"] {
                    assert!(!seen.contains(canary), "{method} {path}: {seen}");
                }
                continue;
            }
            "get_carrier" | "add_webhook" => continue,
            "get_esim" | "get_history" | "get_receipt" | "get_handoff" | "get_usage" | "cancel_esim"
            | "release_esim" | "suspend_esim" | "resume_esim" | "get_webhook" | "remove_webhook" | "test_webhook"
            | "list_deliveries" => None,
            _ => panic!("{method} {path}: no case of this test knows {id}"),
        };
        let (with, without) = bodies.unzip();
        let (foreign, foreign_body) = api.call(&b, &method, &theirs, with.as_ref()).await;
        let (unknown, unknown_body) = api.call(&b, &method, &nobodys, without.as_ref()).await;
        assert_eq!(foreign, StatusCode::NOT_FOUND, "{method} {path}: {foreign_body}");
        assert_eq!((foreign, foreign_body), (unknown, unknown_body), "{method} {path}");
    }
    assert_eq!(everything(&a).await, before, "nothing of A's has changed");
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_secrets_are_told_once() {
    let api = Api::new(LIMITS).await;
    let (a, b) = (api.key("A", Rights::ALL).await, api.key("B", Rights::ALL).await);
    let hook = json!({ "url": "https://a.example.com/hook", "kinds": ["state"] });
    let post = async |key: &str, once: &str, body: &Value| {
        let mut request = request(key, "POST", "/api/v1/webhooks", Some(body));
        request.headers_mut().insert("idempotency-key", once.parse().unwrap());
        let response = api.send(request).await;
        let replayed = response.headers().contains_key("idempotency-replayed");
        (response.status(), replayed, json_of(response).await)
    };
    let (status, replayed, first) = post(&a, "one", &hook).await;
    assert_eq!((status, replayed), (StatusCode::CREATED, false));
    assert!(first["secret"].as_str().unwrap().starts_with("whsec_"));
    let (status, replayed, again) = post(&a, "one", &hook).await;
    assert_eq!((status, replayed), (StatusCode::CREATED, true));
    assert_eq!((&again["webhook"]["id"], again.get("secret")), (&first["webhook"]["id"], None));

    let other = json!({ "url": "https://a.example.com/other", "kinds": ["state"] });
    let (status, _, problem) = post(&a, "one", &other).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &"idempotency-key-reused".into()));
    assert_eq!(post(&b, "one", &other).await.0, StatusCode::CREATED, "another tenant's keys are others");
    // An answer is for the API key that asked: another one of the tenant may not have the right to it.
    let reader = api.key("A", Rights::of([Right::Read])).await;
    let (status, replayed, problem) = post(&reader, "one", &hook).await;
    assert_eq!((status, replayed), (StatusCode::FORBIDDEN, false), "{problem}");

    // What was refused did nothing, and its key is free again.
    assert_eq!(post(&a, "two", &json!({ "url": "x" })).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&a, "two", &hook).await.0, StatusCode::CREATED);
    for bad in ["", "a b", &"x".repeat(129)] {
        assert_eq!(post(&a, bad, &hook).await.2["field"], "Idempotency-Key");
    }
    let (_, list) = api.call(&a, "GET", "/api/v1/webhooks", None).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    // A day later it is a new request.
    api.bed.clock.pass(86_401);
    assert!(!post(&a, "one", &hook).await.1);
}

#[tokio::test]
async fn a_request_that_is_being_executed_is_not_executed_beside() {
    let api = Api::new(LIMITS).await;
    let a = api.key("A", Rights::ALL).await;
    let hook = json!({ "url": "https://a.example.com/hook", "kinds": ["state"] });
    let post = async |once: &str| {
        let mut request = request(&a, "POST", "/api/v1/webhooks", Some(&hook));
        request.headers_mut().insert("idempotency-key", once.parse().unwrap());
        json_of(api.send(request).await).await
    };
    // Whether the second one waits or gets the first one's answer is chance: it never makes another.
    let answers = tokio::join!(post("a"), post("a"), post("a"), post("a"));
    let made = [&answers.0, &answers.1, &answers.2, &answers.3].map(|answer| answer["secret"].is_string());
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{answers:?}");

    let digests = [b"POST".as_slice(), b"/api/v1/webhooks", hook.to_string().as_bytes()].map(hash::sha256).concat();
    let key = format!("key {}: b", &a[5..21]);
    let begun = IdempotentRequest { operator: "A".to_owned(), key, request: hash::sha256(&digests) };
    api.bed.store.run_tx("begin", move |tx| tx.claim_request(&begun, NOW).map(drop)).await.unwrap();
    assert_eq!(post("b").await["code"], "idempotency-key-in-use");
    // The server stopped over it: nobody knows what became of it, so it is not done again.
    api.bed.clock.pass(301);
    assert_eq!(post("b").await["code"], "outcome-unknown");
    let (_, list) = api.call(&a, "GET", "/api/v1/webhooks", None).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_quota_is_announced_and_kept_and_comes_back() {
    let api = Api::new(Limits { requests: 2, failures: 3 }).await;
    let (a, b) = (api.key("A", Rights::ALL).await, api.key("B", Rights::ALL).await);
    let get = async |key: &str| api.send(request(key, "GET", "/api/v1/plans", None)).await;
    let first = get(&a).await;
    assert_eq!(first.headers()["ratelimit-policy"], "\"key\";q=2;w=60");
    assert_eq!(first.headers()["ratelimit"], "\"key\";r=1;t=0");
    assert_eq!(get(&a).await.status(), StatusCode::OK);
    let refused = get(&a).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "30");
    assert_eq!(get(&b).await.status(), StatusCode::OK);
    api.bed.clock.pass(30);
    assert_eq!(get(&a).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn wrong_keys_stop_their_address_and_not_who_was_in_before() {
    let api = Api::new(LIMITS).await;
    let (known, fresh) = (api.key("A", Rights::ALL).await, api.key("A", Rights::ALL).await);
    let from = async |address: &str, key: &str| {
        let mut request = request(key, "GET", "/api/v1/plans", None);
        let address = Some(address.parse::<IpAddr>().unwrap());
        request.extensions_mut().insert(Caller { address, ..Caller::default() });
        api.send(request).await.status()
    };
    assert_eq!(from("192.0.2.1", &known).await, StatusCode::OK);
    let before = api.service.keys.hashes_computed();
    let wrong = format!("{}{}", &fresh[..fresh.len() - 1], if fresh.ends_with('0') { "1" } else { "0" });
    // All at once: each is counted before it is looked at.
    let burst = futures_util::future::join_all([&wrong; 9].map(|key| from("192.0.2.1", key))).await;
    let count = |wanted| burst.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(StatusCode::UNAUTHORIZED), count(StatusCode::TOO_MANY_REQUESTS)), (3, 6), "{burst:?}");
    for key in [STRANGER, &fresh] {
        assert_eq!(from("192.0.2.1", key).await, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(api.service.keys.hashes_computed() - before, 3, "what is refused costs no hash");
    assert_eq!(from("192.0.2.1", &known).await, StatusCode::OK);
    assert_eq!(from("192.0.2.2", &fresh).await, StatusCode::OK);
    api.bed.clock.pass(20);
    assert_eq!(from("192.0.2.1", &fresh).await, StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem_and_never_a_failure() {
    let api = Api::new(LIMITS).await;
    let a = api.key("A", Rights::ALL).await;
    let post = async |content_type: &str, body: Vec<u8>| {
        let request = Request::post("/api/v1/esim/provision")
            .header("authorization", format!("bearer {a}"))
            .header("content-type", content_type)
            .body(Body::from(body))
            .unwrap();
        let response = api.send(request).await;
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        (response.status().as_u16(), json_of(response).await["code"].as_str().unwrap().to_owned())
    };
    let json = "application/json";
    for (content_type, body, expected) in [
        ("text/plain", b"{}".to_vec(), (415, "unsupported-media-type")),
        (json, b"".to_vec(), (400, "malformed")),
        (json, b"\xff".to_vec(), (400, "malformed")),
        (json, b"{} {}".to_vec(), (422, "invalid-value")),
        (json, b"{\"carrier\":1}".to_vec(), (422, "invalid-value")),
        (json, vec![b'['; 60_000], (422, "invalid-value")),
        (json, [b"{\"carrier\":", vec![b'['; 60_000].as_slice()].concat(), (422, "invalid-value")),
        (json, vec![b' '; 70_000], (413, "body-too-large")),
        ("application/json; charset=utf-8", b"{\"carrier\":\"x\",\"plan\":\"y\"}".to_vec(), (404, "not-found")),
        (json, b"{\"carrier\":\"x\",\"plan\":\"y\",\"price\":1}".to_vec(), (422, "invalid-value")),
    ] {
        let (status, code) = post(content_type, body.clone()).await;
        assert_eq!((status, code.as_str()), expected, "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
    let secret = post(json, br#"{"carrier":"x","plan":"y","confirmation_code":"4711-CANARY"}"#.to_vec()).await;
    assert!(!format!("{secret:?}").contains("CANARY"), "what was sent is not repeated");
    for path in
        ["/api/v1/esims/%ff", "/api/v1/esims/..%2f..%2fetc", "/api/v1/nothing", "/api/v2/esims", "/api/v1/esims/1"]
    {
        assert_eq!(api.call(&a, "GET", path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let response = api.send(request(&a, "DELETE", "/api/v1/esims", None)).await;
    assert_eq!(
        (response.status(), &response.headers()["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().unwrap())
    );
}

#[tokio::test]
async fn a_confirmation_code_is_for_keys_that_may_be_told_it() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::of([Right::Read, Right::Provision])).await;
    api.plan("A", "Alpha").await;
    let order = json!({ "carrier": "Alpha", "plan": "Basic", "confirmation_code": "auto" });
    let (status, problem) = api.call(&key, "POST", "/api/v1/esim/provision", Some(&order)).await;
    assert_eq!((status, &problem["detail"]), (StatusCode::FORBIDDEN, &"the right \"codes\" is needed".into()));
    let order = json!({ "carrier": "Alpha", "plan": "Basic" });
    let (status, problem) = api.call(&key, "POST", "/api/v1/esim/provision", Some(&order)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &"no-supplier".into()));
}

#[tokio::test]
async fn who_may_only_read_gets_no_activation_code() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::of([Right::Read])).await;
    let iccid = api.bed.sell("A", 1).await;
    for path in ["", "/history", "/receipt", "/usage"] {
        let (status, seen) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}{path}"), None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!seen.to_string().contains("MATCHING-ID"), "{seen}");
    }
    let (status, _) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/handoff"), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let key = api.key("A", Rights::of([Right::Read, Right::Provision])).await;
    let (_, handoff) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/handoff"), None).await;
    assert_eq!(
        (&handoff["lpa"], &handoff["matching_id"]),
        (&"LPA:1$smdp.example.com$MATCHING-ID-1$$1".into(), &"MATCHING-ID-1".into())
    );
}

#[tokio::test]
async fn without_a_network_suspending_is_the_problem_that_says_so() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    for verb in ["suspend", "resume"] {
        let (status, problem) = api.call(&key, "POST", &format!("/api/v1/esims/{iccid}/{verb}"), None).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::CONFLICT, &"urn:openrsp:problem:no-network-adapter".into())
        );
    }
}

async fn refuse(api: &Api, iccid: Iccid) {
    let event = NewEvent {
        at: NOW,
        operator: Some("A".to_owned()),
        iccid: Some(iccid),
        profile_type: None,
        kind: EventKind::Step,
        actor: "eUICC".to_owned(),
        step: Some("GetBoundProfilePackage".to_owned()),
        refused: Some(("8.2.7".to_owned(), "3.8".to_owned())),
        detail: None,
    };
    api.bed.store.run_tx("fixture", move |tx| tx.record_event(&event)).await.unwrap();
}

#[tokio::test]
async fn a_receipt_says_why_and_cannot_be_changed() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    refuse(&api, iccid).await;
    let (_, answer) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/receipt"), None).await;
    let (_, keys) = api.call("", "GET", "/.well-known/openrsp-receipts.json", None).await;
    let keys: Jwks = serde_json::from_value(keys).unwrap();
    let receipt = answer["receipt"].as_str().unwrap();
    let claims = verify(receipt, &keys, aws_lc()).unwrap();
    assert_eq!(serde_json::to_value(&claims).unwrap(), answer["claims"]);
    // The bed's eSIMs were ordered elsewhere: of their state nothing is signed.
    assert_eq!((claims.state_known, &claims.state, &claims.server), (false, &None, &None));
    let refusal = claims.last_refusal.clone().unwrap();
    assert_eq!((refusal.subject_code.as_str(), refusal.reason_code.as_str()), ("8.2.7", "3.8"));
    assert_eq!(refusal.meaning.as_deref(), Some("The confirmation code is wrong."));
    assert_eq!((claims.iss.as_str(), claims.iat, claims.iccid), ("2.999.1", NOW.0, iccid.to_string()));

    for at in 0..receipt.len() {
        let mut changed = receipt.to_owned();
        changed.replace_range(at..=at, if &receipt[at..=at] == "A" { "B" } else { "A" });
        assert!(verify(&changed, &keys, aws_lc()).is_err(), "{at}");
    }
    assert!(verify(&receipt[..receipt.len() - 4], &keys, aws_lc()).is_err());
    // Another server's key, though it is called by the same name.
    let other = Api::new(LIMITS).await;
    other.bed.desk.randomness().with(|source| source.fill(&mut [0; 8]));
    let (_, others) = other.call("", "GET", "/.well-known/openrsp-receipts.json", None).await;
    let mut others: Jwks = serde_json::from_value(others).unwrap();
    assert_eq!(verify(receipt, &others, aws_lc()), Err(ReceiptError::UnknownKey));
    others.keys[0].kid = keys.keys[0].kid.clone();
    assert_eq!(verify(receipt, &others, aws_lc()), Err(ReceiptError::Signature));
}

#[tokio::test]
async fn lists_go_on_where_a_page_ended() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    for number in 1..=7 {
        api.bed.sell("A", number).await;
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (_, page) = api.call(&key, "GET", &format!("/api/v1/esims?limit=3{cursor}"), None).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["iccid"].to_string()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len(), pages), (7, 7, 3));
    for query in ["cursor=x", "cursor=1:2", "limit=0", "limit=201", "state=Gone", "country=DEU", "limit=1&limit=2"] {
        let (status, _) = api.call(&key, "GET", &format!("/api/v1/esims?{query}"), None).await;
        assert!(status.is_client_error(), "{query}: {status}");
    }
}

thread_local! {
    /// What was logged on this thread, if somebody listens.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes where the thread listens.
struct Here;

impl std::io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// On one thread, so that everything that is logged is logged here.
#[tokio::test(flavor = "current_thread")]
async fn atk_log_leak() {
    // One for all threads: with one for this thread alone, what others log first would be taken for what nobody wants.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Here).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    LOG.set(Some(Vec::new()));
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    refuse(&api, iccid).await;
    let hook = json!({ "url": "https://a.example.com/hook?token=QUERYCANARY", "kinds": ["state"] });
    let (_, added) = api.call(&key, "POST", "/api/v1/webhooks", Some(&hook)).await;
    let secret = added["secret"].as_str().unwrap().to_owned();
    let id = added["webhook"]["id"].as_str().unwrap().to_owned();
    let order = json!({ "carrier": "x", "plan": "y", "confirmation_code": "CODECANARY" });
    let mut problems = String::new();
    for (method, path, body) in [
        ("GET", format!("/api/v1/esims/{iccid}/handoff"), None),
        ("GET", format!("/api/v1/esims/{iccid}/receipt"), None),
        ("POST", format!("/api/v1/esims/{iccid}/cancel"), None),
        ("POST", format!("/api/v1/webhooks/{id}/rotate"), Some(json!({}))),
        ("POST", format!("/api/v1/webhooks/{id}/test"), None),
        ("POST", "/api/v1/esim/provision".to_owned(), Some(order.clone())),
        ("GET", format!("/api/v1/{}", &key[22..]), None),
    ] {
        let (status, answer) = api.call(&key, method, &path, body.as_ref()).await;
        if status.is_client_error() || status.is_server_error() {
            problems += &answer.to_string();
        }
    }
    // A wrong key that resembles the right one.
    let wrong = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    problems += &api.call(&wrong, "POST", "/api/v1/esim/provision", Some(&order)).await.1.to_string();
    let log = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(log.contains("answered"), "it was listened to: {log}");
    for canary in [&key[22..80], &secret[6..], "MATCHING-ID-1", "CODECANARY", "QUERYCANARY"] {
        assert!(!problems.contains(canary), "{problems}");
        let logged: Vec<_> = log.lines().filter(|line| line.contains(canary)).collect();
        assert!(logged.is_empty(), "{logged:?}");
    }
}
