//! The REST API: what is done once, and how often who may call.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use rsp_crypto::hash;
use rsp_es::server::Caller;
use rsp_operator::api::Limits;
use rsp_operator::{Front, Right, Rights};
use rsp_store::IdempotentRequest;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::{Api, LIMITS, STRANGER, json_of, request};
use crate::support::NOW;

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
    assert_eq!((&again["webhook"]["id"], again.get("secret")), (&first["webhook"]["id"], Some(&Value::Null)));
    assert!(first.get("remedy").is_none() && again["remedy"].as_str().unwrap().contains("rotate"));

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

/// Whatever is told once: the answer that is given again has the form that the description promises, and says what helps.
#[tokio::test]
async fn a_rotation_that_is_repeated_answers_without_the_secret_and_says_what_helps() {
    let api = Api::new(LIMITS).await;
    let a = api.key("A", Rights::ALL).await;
    let hook = json!({ "url": "https://a.example.com/hook", "kinds": ["state"] });
    let (_, added) = api.call(&a, "POST", "/api/v1/webhooks", Some(&hook)).await;
    let webhook = added["webhook"]["id"].as_str().unwrap();
    for (path, member) in [
        (format!("/api/v1/webhooks/{webhook}/rotate"), "secret"),
        (format!("/api/v1/keys/{}/rotate", &a[5..21]), "key"),
    ] {
        let rotate = async || {
            let mut request = request(&a, "POST", &path, Some(&json!({})));
            request.headers_mut().insert("idempotency-key", member.parse().unwrap());
            let response = api.send(request).await;
            let replayed = response.headers().contains_key("idempotency-replayed");
            (response.status(), replayed, json_of(response).await)
        };
        let (status, replayed, first) = rotate().await;
        assert_eq!((status, replayed), (StatusCode::OK, false), "{path}");
        assert!(first[member].is_string() && first.get("remedy").is_none(), "{path}");
        let (status, replayed, again) = rotate().await;
        assert_eq!((status, replayed), (StatusCode::OK, true), "{path}");
        assert_eq!(again.get(member), Some(&Value::Null), "{path}");
        assert!(again["remedy"].as_str().unwrap().contains("overlap_seconds"), "{path}");
        let schema = if member == "key" { "RotatedKey" } else { "Rotated" };
        let description = crate::api::description(&api).await;
        let required = &description["components"]["schemas"][schema]["required"];
        assert!(required.as_array().unwrap().contains(&member.into()), "{required}");
    }
}

#[tokio::test]
async fn wrong_keys_are_counted_from_this_machine_too_and_behind_a_proxy_by_whom_it_saw() {
    let api = Api::new(LIMITS).await;
    let fresh = api.key("A", Rights::ALL).await;
    let wrong = format!("{}{}", &fresh[..fresh.len() - 1], if fresh.ends_with('0') { "1" } else { "0" });
    let front = |behind_proxy| Front { limits: LIMITS, behind_proxy };
    let ask = async |router: &Router, address: &str, forwarded: Option<&'static str>, key: &str| {
        let mut request = request(key, "GET", "/api/v1/plans", None);
        let address = Some(address.parse::<IpAddr>().unwrap());
        request.extensions_mut().insert(Caller { address, ..Caller::default() });
        if let Some(forwarded) = forwarded {
            request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(forwarded));
        }
        router.clone().oneshot(request).await.unwrap().status()
    };
    let direct = Arc::clone(&api.service).router_behind(&front(false));
    for _ in 0..3 {
        assert_eq!(ask(&direct, "127.0.0.1", None, &wrong).await, StatusCode::UNAUTHORIZED);
    }
    // Nobody chooses their address by a header.
    for forwarded in [None, Some("192.0.2.1")] {
        assert_eq!(ask(&direct, "127.0.0.1", forwarded, &fresh).await, StatusCode::TOO_MANY_REQUESTS);
    }
    let behind = Arc::clone(&api.service).router_behind(&front(true));
    for _ in 0..3 {
        assert_eq!(ask(&behind, "127.0.0.1", Some("192.0.2.1"), &wrong).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(&behind, "::1", Some("203.0.113.1, 192.0.2.1"), &fresh).await, StatusCode::TOO_MANY_REQUESTS);
    // Who comes past the proxy says nothing that counts.
    assert_eq!(ask(&behind, "192.0.2.1", Some("192.0.2.9"), &fresh).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(&behind, "127.0.0.1", Some("192.0.2.1, 192.0.2.2"), &fresh).await, StatusCode::OK);
}
