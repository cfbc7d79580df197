//! The REST API: what one tenant learns of another.

use axum::http::StatusCode;
use rsp_operator::Rights;
use rsp_store::{NewBatch, NewBatchRow};
use serde_json::json;

use crate::api::{Api, LIMITS, description, operations};
use crate::support::NOW;

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
    let list = NewBatch {
        operator: "A".to_owned(),
        name: "LISTCANARY".to_owned(),
        created_at: NOW,
        created_by: "test".to_owned(),
        rows: vec![NewBatchRow {
            line: 1,
            carrier: "Alpha".to_owned(),
            plan: "Basic".to_owned(),
            eid: None,
            device_id: None,
            reference: None,
        }],
    };
    let batch = api.bed.store.run_tx("fixture", move |tx| tx.insert_batch(&list)).await.unwrap().to_string();
    let key_of_a = a[5..21].to_owned();

    let everything = async |key: &str| {
        let mut seen = Vec::new();
        for path in [
            "/api/v1/esims".to_owned(),
            "/api/v1/plans?closed=true".to_owned(),
            "/api/v1/webhooks".to_owned(),
            "/api/v1/events".to_owned(),
            "/api/v1/figures".to_owned(),
            "/api/v1/keys".to_owned(),
            "/api/v1/batches".to_owned(),
            format!("/api/v1/batches/{batch}"),
            format!("/api/v1/esims/{iccid}"),
            format!("/api/v1/esims/{iccid}/history"),
            format!("/api/v1/esims/{iccid}/handoff"),
            format!("/api/v1/esims/{iccid}/links"),
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
        let named = if path.starts_with("/api/v1/keys") { &key_of_a } else { &webhook };
        let theirs = path.replace("{iccid}", &iccid).replace("{id}", named).replace("{number}", &batch);
        let theirs = theirs.replace("{carrier}", "Alpha").replace("{name}", "Basic");
        let nobodys =
            path.replace("{iccid}", "8900101000000000990").replace("{id}", "wh_00000000000000000000000000000000");
        let nobodys = nobodys.replace("{number}", "4711");
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
            "report_usage_of_many" => {
                let reports = |iccid: &str| json!({ "records": [{ "iccid": iccid, "id": "1", "data_bytes": 1 }] });
                Some((reports(&iccid), reports("8900101000000000990")))
            }
            // Plans of A and of nobody: the answer names what was asked for, and nothing else.
            "add_batch" => {
                let rows = |carrier: &str| json!({ "rows": [{ "carrier": carrier, "plan": "Basic" }] });
                let (foreign, body) = api.call(&b, &method, &theirs, Some(&rows("Alpha"))).await;
                let (unknown, nothing) = api.call(&b, &method, &theirs, Some(&rows("Nobody"))).await;
                assert_eq!((foreign, unknown), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
                assert_eq!(body.to_string().replace("Alpha", "Nobody"), nothing.to_string());
                continue;
            }
            "rotate_webhook" | "rotate_key" => Some((json!({ "overlap_seconds": 0 }), json!({ "overlap_seconds": 0 }))),
            "make_link" => Some((json!({}), json!({}))),
            "report_usage" | "top_up" => {
                let report = json!({ "id": "1", "data_bytes": 1 });
                Some((report.clone(), report))
            }
            // Lists, what is added to one's own, and the carriers, who are nobody's: nothing of A is in the answer.
            "list_esims" | "list_plans" | "list_events" | "figures" | "list_webhooks" | "list_carriers"
            | "list_batches" | "list_keys" => {
                let (status, seen) = api.call(&b, &method, &theirs, None).await;
                assert_eq!(status, StatusCode::OK, "{method} {path}");
                let seen = seen.to_string();
                for canary in [&iccid, &webhook, &key_of_a, "a.example.com", "type of A", "LISTCANARY"] {
                    assert!(!seen.contains(canary), "{method} {path}: {seen}");
                }
                continue;
            }
            "get_carrier" | "add_webhook" => continue,
            "get_esim" | "get_history" | "get_receipt" | "get_handoff" | "list_links" | "get_usage" | "cancel_esim"
            | "release_esim" | "suspend_esim" | "resume_esim" | "get_webhook" | "remove_webhook" | "test_webhook"
            | "list_deliveries" | "get_batch" | "cancel_batch" | "revoke_key" => None,
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
