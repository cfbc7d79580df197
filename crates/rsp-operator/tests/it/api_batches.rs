//! The REST API: lists of orders.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use rsp_operator::batch::Worker;
use rsp_operator::{Right, Rights, api};
use serde_json::{Value, json};

use crate::api::{Api, LIMITS, json_of, request};
use crate::batch::{REFUSE, selling};

/// An API whose lists are sold by somebody who always has some, and who works them off.
async fn api_and_worker() -> (Api, Worker) {
    let mut api = Api::new(LIMITS).await;
    let batches = selling(&api.bed);
    let worker = batches.worker();
    Arc::get_mut(&mut api.service).unwrap().batches = Arc::new(batches);
    api.router = api::router(&api.service, LIMITS);
    (api, worker)
}

fn row(reference: &str) -> Value {
    json!({ "carrier": "Alpha", "plan": "5 GB", "reference": reference })
}

async fn post_csv(api: &Api, key: &str, query: &str, list: &str) -> (StatusCode, Value) {
    let request = Request::post(format!("/api/v1/batches{query}"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "text/csv; charset=utf-8");
    let response = api.send(request.body(Body::from(list.to_owned())).unwrap()).await;
    (response.status(), json_of(response).await)
}

#[tokio::test]
async fn a_list_is_ordered_once_and_says_how_far_it_is_and_what_became_of_each_row() {
    let (api, mut worker) = api_and_worker().await;
    let key = api.key("A", Rights::of([Right::Read, Right::Provision])).await;
    let list = json!({ "rows": [row("1"), row(REFUSE), row("3")] });
    let post = async || {
        let mut request = request(&key, "POST", "/api/v1/batches?name=May", Some(&list));
        request.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        let response = api.send(request).await;
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        (response.status(), location, json_of(response).await)
    };
    let (status, location, batch) = post().await;
    let counts = |waiting, done, failed| json!({ "waiting": waiting, "working": 0, "done": done, "failed": failed, "unclear": 0, "cancelled": 0 });
    assert_eq!((status, &batch["name"], &batch["total"]), (StatusCode::ACCEPTED, &"May".into(), &3.into()));
    assert_eq!((&batch["rows"], &batch["finished"]), (&counts(3, 0, 0), &0.into()));
    assert_eq!(post().await, (status, location.clone(), batch.clone()), "a repetition orders nothing");

    while worker.step().await.unwrap() {}
    let (_, first) = api.call(&key, "GET", &format!("{location}?limit=2"), None).await;
    assert_eq!((&first["batch"]["rows"], &first["batch"]["finished"]), (&counts(0, 2, 1), &3.into()));
    let (_, second) = api.call(&key, "GET", &format!("{location}?limit=2&after={}", first["next"]), None).await;
    assert_eq!((&first["next"], &second["next"]), (&2.into(), &Value::Null));
    let rows: Vec<_> = [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    let states: Vec<_> =
        rows.iter().map(|row| (row["line"].as_u64().unwrap(), row["state"].as_str().unwrap())).collect();
    assert_eq!(states, [(1, "done"), (2, "failed"), (3, "done")]);
    assert!(rows[0]["iccid"].is_string() && rows[1]["problem"].is_string(), "{rows:?}");
    assert!(!first.to_string().contains("MATCHING-ID"));
    let (_, lists) = api.call(&key, "GET", "/api/v1/batches", None).await;
    assert_eq!((lists["items"].as_array().unwrap().len(), &lists["items"][0]), (1, &first["batch"]));
    let log = api.bed.store.log(Some("A"), None, 10).await.unwrap();
    let said: Vec<_> = log.iter().filter(|one| one.entry.action == "upload batch").collect();
    assert_eq!((said.len(), said[0].entry.actor.clone()), (1, format!("key {}", &key[5..21])));
}

#[tokio::test]
async fn a_list_is_taken_as_csv_too_and_can_be_cancelled_and_lists_come_in_pages() {
    let (api, mut worker) = api_and_worker().await;
    let key = api.key("A", Rights::ALL).await;
    let (status, batch) = post_csv(&api, &key, "", "carrier,plan,reference\nAlpha,5 GB,1\nAlpha,5 GB,2\n").await;
    assert_eq!((status, &batch["name"], &batch["total"]), (StatusCode::ACCEPTED, &"API".into(), &2.into()));
    let path = format!("/api/v1/batches/{}", batch["number"]);
    let (status, cancelled) = api.call(&key, "POST", &format!("{path}/cancel"), None).await;
    assert_eq!((status, &cancelled["rows"]["cancelled"]), (StatusCode::OK, &2.into()));
    assert!(!worker.step().await.unwrap());
    let (_, second) = post_csv(&api, &key, "", "carrier,plan\nAlpha,5 GB\n").await;
    post_csv(&api, &key, "", "carrier,plan\nAlpha,5 GB\n").await;
    let (_, page) = api.call(&key, "GET", "/api/v1/batches?limit=2", None).await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (2, &second["number"]));
    let (_, page) = api.call(&key, "GET", &format!("/api/v1/batches?limit=2&before={}", second["number"]), None).await;
    assert_eq!((&page["items"][0]["number"], &page["next"]), (&batch["number"], &Value::Null));
    for before in ["0", "-1", "x"] {
        let (status, _) = api.call(&key, "GET", &format!("/api/v1/batches?before={before}"), None).await;
        assert!(status.is_client_error(), "{before}");
    }
    for path in ["/api/v1/batches/0", "/api/v1/batches/4", "/api/v1/batches/x", "/api/v1/batches/99999999999999999999"]
    {
        assert_eq!(api.call(&key, "GET", path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn of_a_list_with_something_wrong_nothing_is_taken() {
    let (api, _) = api_and_worker().await;
    let key = api.key("A", Rights::ALL).await;
    let with = |member: &str, value: &str| {
        let mut row = row("2");
        row[member] = value.into();
        json!({ "rows": [row.clone(), row] })
    };
    for (list, field, detail) in [
        (json!({ "rows": [] }), "rows", "it has not 1 to 10000 orders"),
        (with("plan", "none"), "rows", "line 1: there is no plan"),
        (with("eid", "89049032123451234512345678901236"), "rows[0].eid", "its check digits are wrong"),
        (with("eid", "1"), "rows[0].eid", "an EID has 32 digits"),
        (with("confirmation_code", "auto"), "rows[0].confirmation_code", "there is no such member"),
        (json!({ "rows": vec![json!({ "carrier": "A", "plan": "B" }); 10_001] }), "rows", "are more than 10000"),
    ] {
        let (status, problem) = api.call(&key, "POST", "/api/v1/batches", Some(&list)).await;
        assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &field.into()), "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with(detail), "{problem}");
    }
    let (status, problem) = post_csv(&api, &key, "", "carrier,plan\nAlpha\n").await;
    assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"list".into()));
    let (status, problem) = post_csv(&api, &key, "", &"x".repeat(2 * 1024 * 1024 + 1)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"body-too-large".into()));
    let (_, lists) = api.call(&key, "GET", "/api/v1/batches", None).await;
    assert_eq!(lists["items"], json!([]));
    let reader = api.key("A", Rights::of([Right::Read])).await;
    let (status, _) = api.call(&reader, "POST", "/api/v1/batches", Some(&json!({ "rows": [row("1")] }))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
