//! The REST API: plans, carriers and events, their filters and pages, and what lists have in common.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use rsp_operator::carriers::Directory;
use rsp_operator::{Right, Rights};
use rsp_store::{EventKind, NewEvent};
use serde_json::json;

use crate::api::{Api, LIMITS, description, operations};
use crate::support::NOW;

#[tokio::test]
async fn plans_are_listed_by_country_and_page() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    api.plan("A", "Älpha ☎").await;
    api.plan("B", "Beta").await;
    let template = api.bed.store.plan("A", "Älpha ☎", "Basic").await.unwrap().unwrap();
    let plans = [
        ("Älpha ☎", "1 GB", "DE", false),
        ("Beta", "Basic", "FR", false),
        ("Beta", "Old", "FR", true),
        ("C", "N", "DE", false),
    ];
    for (carrier, name, country, closed) in plans {
        let (carrier, name, country) = (carrier.to_owned(), name.to_owned(), country.to_owned());
        let plan = rsp_store::Plan { carrier, name, country, closed, ..template.clone() };
        api.bed.store.run_tx("plan", move |tx| tx.insert_plan(&plan)).await.unwrap();
    }
    let pages = async |query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = api.call(&key, "GET", &format!("/api/v1/plans?{query}{cursor}"), None).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let items = page["items"].as_array().unwrap().clone();
            seen.push(
                items
                    .iter()
                    .map(|item| format!("{} {}", item["carrier"].as_str().unwrap(), item["name"].as_str().unwrap()))
                    .collect::<Vec<_>>(),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break seen,
            }
        }
    };
    assert_eq!(pages("").await, [["Beta Basic", "C N", "Älpha ☎ 1 GB", "Älpha ☎ Basic"]]);
    assert_eq!(pages("country=de").await, [["C N", "Älpha ☎ 1 GB", "Älpha ☎ Basic"]]);
    assert_eq!(pages("country=DE&limit=2").await, [vec!["C N", "Älpha ☎ 1 GB"], vec!["Älpha ☎ Basic"]]);
    assert_eq!(pages("limit=1&country=FR&closed=true").await, [["Beta Basic"], ["Beta Old"]]);
    assert!(pages("country=US").await.concat().is_empty());
    for query in ["country=DEU", "limit=0", "limit=201", "cursor=", "cursor=x", "cursor=QmV0YQ", "cursor=%C3%A4"] {
        let (status, problem) = api.call(&key, "GET", &format!("/api/v1/plans?{query}"), None).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {problem}");
    }
}

#[tokio::test]
async fn parameters_that_an_operation_does_not_know_are_refused_by_all() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    for (method, path, operation) in operations(&description(&api).await) {
        if operation.get("security").is_none() {
            continue;
        }
        let path = path.replace("{iccid}", "8900101000000000990").replace("{id}", "x");
        let path = path.replace("{carrier}", "Alpha").replace("{name}", "Basic");
        for query in ["countri=CANARY", "CANARY", "limit=1&LIMIT=1"] {
            let (status, problem) = api.call(&key, &method, &format!("{path}?{query}"), Some(&json!({}))).await;
            assert_eq!((status.as_u16(), &problem["code"]), (400, &"malformed".into()), "{method} {path}?{query}");
            assert!(!problem.to_string().contains("CANARY"), "{problem}");
        }
        let head = if method == "GET" { "HEAD" } else { continue };
        assert_eq!(api.call(&key, head, &format!("{path}?a=b"), None).await.0, StatusCode::BAD_REQUEST, "{path}");
    }
    let (_, problem) = api.call(&key, "GET", "/api/v1/plans?countri=DE", None).await;
    assert_eq!(problem["detail"], "the query has a parameter that is none of closed, country, cursor, limit");
}

#[tokio::test]
async fn a_mistyped_eid_is_refused_by_its_name() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let wanted = json!({ "carrier": "Alpha", "plan": "Basic", "eid": "89049032123451234512345678901236" });
    let (status, problem) = api.call(&key, "POST", "/api/v1/esim/provision", Some(&wanted)).await;
    assert_eq!((status.as_u16(), &problem["field"]), (422, &"eid".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("check digits"), "{problem}");
}

#[tokio::test]
async fn prices_have_as_many_digits_as_their_currency() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    api.plan("A", "Alpha").await;
    let plan = |name, price, currency| json!({ "carrier": "Alpha", "name": name, "profile_type": "type of A", "country": "DE", "price": price, "currency": currency });
    let wanted = plan("Yen", 1000, "JPY");
    let (status, added) = api.call(&key, "POST", "/api/v1/plans", Some(&wanted)).await;
    assert_eq!((status, &added["price"]), (StatusCode::CREATED, &1000.into()), "{added}");
}

#[tokio::test]
async fn carriers_are_found_as_the_directory_searches_them() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::of([Right::Read])).await;
    for text in ["vodafone", "262", "262-02", "Telefónica", "google"] {
        let found = Directory::embedded().search(text, None).len();
        assert!(found > 0, "{text}");
        let query = text.replace('ó', "%C3%B3");
        let (_, answer) = api.call(&key, "GET", &format!("/api/v1/carriers?limit=1&name={query}"), None).await;
        assert_eq!(answer["total"], found, "{text}");
    }
}

/// What happens to all tenants is numbered in one order, which no tenant sees.
#[tokio::test]
async fn events_are_named_and_paged_without_their_numbers() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    for number in 1..=7 {
        for tenant in ["A", "B"] {
            let event = NewEvent {
                at: NOW,
                operator: Some(tenant.to_owned()),
                iccid: None,
                profile_type: None,
                kind: EventKind::Usage,
                actor: "test".to_owned(),
                step: None,
                refused: None,
                detail: Some(number.to_string()),
            };
            api.bed.store.run_tx("event", move |tx| tx.record_event(&event)).await.unwrap();
        }
    }
    let (mut seen, mut names, mut cursor) = (Vec::new(), BTreeSet::new(), String::new());
    loop {
        let (_, page) = api.call(&key, "GET", &format!("/api/v1/events?kind=Usage&limit=3{cursor}"), None).await;
        for item in page["items"].as_array().unwrap() {
            let name = item["number"].as_str().unwrap();
            assert!(name.len() == 36 && name.starts_with("evt_"), "{name}");
            names.insert(name.to_owned());
            seen.push(item["detail"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else { break };
        assert!(next.len() == 32 && next.bytes().all(|byte| byte.is_ascii_hexdigit()), "{next}");
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen.join(" ").as_str(), names.len()), ("7 6 5 4 3 2 1", 7));
    for cursor in ["x", "1790000000:7", &"0".repeat(32)] {
        let (status, problem) = api.call(&key, "GET", &format!("/api/v1/events?cursor={cursor}"), None).await;
        assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"cursor".into()), "{cursor}");
    }
}
