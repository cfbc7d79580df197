//! The REST API: who is let in, what strangers see, and that its description is the checked-in one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use rsp_operator::account::Origin;
use rsp_operator::api::{self, Limits};
use rsp_operator::keys::NewKey;
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{NewPlan, Right, Rights, Service};
use rsp_store::NewProfileType;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::bed::{Bed, bed, manager};
use crate::support::NOW;

pub(crate) const LIMITS: Limits = Limits { requests: 10_000, failures: 3 };

/// A key with which nobody can come in.
pub(crate) const STRANGER: &str =
    "orsp_0123456789abcdef_0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) struct Api {
    pub(crate) bed: Bed,
    pub(crate) service: Arc<Service>,
    pub(crate) router: Router,
}

impl Api {
    pub(crate) async fn new(limits: Limits) -> Self {
        let bed = bed().await;
        let origin = Origin::of("https://localhost").unwrap();
        let certificates = Box::new(crate::pages::Ci(crate::pages::ci()));
        let service = Service::new(Arc::clone(&bed.desk), origin, AddressRules::default(), certificates, true);
        let router = api::router(&service, limits);
        Self { bed, service, router }
    }

    pub(crate) async fn key(&self, tenant: &str, rights: Rights) -> String {
        let new = NewKey { tenant: tenant.to_owned(), name: "test".to_owned(), rights, expires_at: None };
        self.service.keys.add(new, "test", NOW).await.unwrap().1.to_string()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn call(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let response = self.send(request(key, method, path, body)).await;
        let status = response.status();
        (status, json_of(response).await)
    }

    pub(crate) async fn plan(&self, tenant: &str, carrier: &str) {
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

pub(crate) fn request(key: &str, method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
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

pub(crate) async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_str(&text_of(response).await).unwrap_or_default()
}

/// Method, path and the operation's description, of every operation.
pub(crate) fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

pub(crate) async fn description(api: &Api) -> Value {
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

/// As the description says.
#[tokio::test]
async fn a_webhook_names_eight_kinds_at_most() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    for (kinds, expected) in [(vec!["state"; 8], 201), (vec!["state"; 9], 422), (vec![], 422)] {
        let hook = json!({ "url": "https://a.example.com/hook", "kinds": kinds });
        let (status, answer) = api.call(&key, "POST", "/api/v1/webhooks", Some(&hook)).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
    }
}
