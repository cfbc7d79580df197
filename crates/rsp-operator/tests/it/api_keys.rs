//! The REST API: a tenant's keys.

use axum::http::StatusCode;
use rsp_operator::{Right, Rights};
use serde_json::{Value, json};

use crate::api::{Api, LIMITS};

fn path_of(key: &str, verb: &str) -> String {
    format!("/api/v1/keys/{}/{verb}", &key[5..21])
}

#[tokio::test]
async fn an_administrator_lists_rotates_and_revokes_and_it_stands_in_the_log() {
    let api = Api::new(LIMITS).await;
    let (admin, shop) = (api.key("A", Rights::ALL).await, api.key("A", Rights::of([Right::Read])).await);
    let (_, list) = api.call(&admin, "GET", "/api/v1/keys", None).await;
    let items = list["items"].as_array().unwrap();
    let listed = items.iter().find(|item| item["id"] == shop[5..21]).unwrap();
    assert_eq!((items.len(), &listed["rights"], &listed["used_at"]), (2, &json!(["read"]), &Value::Null));
    assert!(!list.to_string().contains("argon2") && !list.to_string().contains(&shop[22..]), "{list}");

    let (status, rotated) =
        api.call(&admin, "POST", &path_of(&shop, "rotate"), Some(&json!({ "overlap_seconds": 10 }))).await;
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert_eq!((status, &rotated["id"]), (StatusCode::OK, &shop[5..21].into()));
    let get = async |key: &str| api.call(key, "GET", "/api/v1/plans", None).await.0;
    assert_eq!((get(&shop).await, get(&second).await), (StatusCode::OK, StatusCode::OK));
    api.bed.clock.pass(10);
    assert_eq!((get(&shop).await, get(&second).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));

    let (status, revoked) = api.call(&admin, "POST", &path_of(&second, "revoke"), None).await;
    assert!(status == StatusCode::OK && revoked["revoked_at"].is_string(), "{revoked}");
    assert_eq!(get(&second).await, StatusCode::UNAUTHORIZED);
    for verb in ["rotate", "revoke"] {
        let (status, _) = api.call(&admin, "POST", &path_of(&second, verb), Some(&json!({}))).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{verb}");
    }
    let log = api.bed.store.log(Some("A"), None, 2).await.unwrap();
    let said: Vec<_> = log.iter().map(|one| (one.entry.actor.as_str(), one.entry.action.as_str())).collect();
    let actor = format!("key {}", &admin[5..21]);
    assert_eq!(said, [(actor.as_str(), "revoke API key"), (actor.as_str(), "rotate API key")]);
}

#[tokio::test]
async fn nobody_gets_a_right_by_rotating_a_key_that_has_it() {
    let api = Api::new(LIMITS).await;
    let admin = api.key("A", Rights::of([Right::Read, Right::Manage])).await;
    let shop = api.key("A", Rights::of([Right::Read, Right::Codes])).await;
    let (status, problem) = api.call(&admin, "POST", &path_of(&shop, "rotate"), Some(&json!({}))).await;
    assert_eq!((status, &problem["detail"]), (StatusCode::FORBIDDEN, &"the right \"codes\" is needed".into()));
    assert_eq!(api.call(&shop, "GET", "/api/v1/plans", None).await.0, StatusCode::OK);
    for overlap in [-1, 2_592_001] {
        let wrong = json!({ "overlap_seconds": overlap });
        let (status, problem) = api.call(&admin, "POST", &path_of(&admin, "rotate"), Some(&wrong)).await;
        assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &Value::from("overlap_seconds")));
    }
}
