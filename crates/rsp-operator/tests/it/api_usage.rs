//! The REST API: reports of usage, one and many.

use axum::http::StatusCode;
use rsp_operator::Rights;
use serde_json::{Value, json};

use crate::api::{Api, LIMITS};

async fn used(api: &Api, key: &str, iccid: &str) -> Value {
    api.call(key, "GET", &format!("/api/v1/esims/{iccid}/usage"), None).await.1["used"]["data_bytes"].clone()
}

async fn log(api: &Api) -> Vec<(String, String)> {
    let log = api.bed.store.log(Some("A"), None, 20).await.unwrap().into_iter().map(|one| one.entry);
    log.filter(|entry| entry.action == "report usage").map(|entry| (entry.actor, entry.subject)).collect()
}

#[tokio::test]
async fn reports_of_many_esims_count_all_or_not_at_all_and_are_one_line_of_the_log() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let (one, two) = (api.bed.sell("A", 1).await.to_string(), api.bed.sell("A", 2).await.to_string());
    let foreign = api.bed.sell("B", 3).await.to_string();
    let report = |id: &str, iccid: &str, octets: i64| json!({ "id": id, "iccid": iccid, "data_bytes": octets });
    let post =
        async |records: Vec<Value>| api.call(&key, "POST", "/api/v1/usage", Some(&json!({ "records": records }))).await;
    let (status, answer) = post(vec![report("a", &one, 5), report("b", &two, 7), report("a", &one, 5)]).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({ "counted": 2, "repeated": 1 })));
    for (wrong, status, field) in [
        (report("c", &foreign, 1), 404, "records[1]"),
        (report("c", "8900101000000000990", 1), 404, "records[1]"),
        (report("c", "x", 1), 404, "records[1]"),
        (report("c", &one, 0), 422, "records[1].data_bytes"),
        (report("c", &one, -1), 422, "records[1].data_bytes"),
        (json!({ "id": "c", "iccid": one, "data_bytes": 1, "at": "yesterday" }), 422, "records[1].at"),
        (json!({ "id": "c", "iccid": one, "data_bytes": "1" }), 422, "records[1].data_bytes"),
        (report("b", &two, 8), 409, "records[1]"),
    ] {
        let (answered, problem) = post(vec![report("new", &one, 1), wrong]).await;
        assert_eq!((answered.as_u16(), &problem["field"]), (status, &field.into()), "{problem}");
    }
    assert_eq!((used(&api, &key, &one).await, used(&api, &key, &two).await), (5.into(), 7.into()));
    let (status, _) = post(Vec::new()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    // More than another route takes, and the most that this one does.
    let many: Vec<_> = (0..1001).map(|number| report(&format!("{number:064}"), &one, 1)).collect();
    assert_eq!(post(many.clone()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, answer) = post(many[1..].to_vec()).await;
    assert_eq!((status, &answer["counted"]), (StatusCode::OK, &1000.into()));

    let path = format!("/api/v1/esims/{one}/usage");
    let single = json!({ "id": "single", "data_bytes": 1 });
    for _ in 0..2 {
        assert_eq!(api.call(&key, "POST", &path, Some(&single)).await.0, StatusCode::OK);
    }
    let actor = format!("key {}", &key[5..21]);
    let line = |subject: String| (actor.clone(), subject);
    let expected = [
        line(format!("{one} by single")),
        line(format!("1000 reports from {:064} on", 1)),
        line("2 reports from a on".to_owned()),
    ];
    assert_eq!(log(&api).await, expected, "what was repeated or refused moved nothing");
}

#[tokio::test]
async fn what_is_wrong_with_a_report_is_said_as_it_is() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let path = format!("/api/v1/esims/{}/usage", api.bed.sell("A", 1).await);
    for (report, field, detail) in [
        (json!({ "id": "a", "data_bytes": 1, "at": "1969-12-31T23:59:59Z" }), "at", "is before 1970"),
        (json!({ "id": "a", "data_bytes": 1, "at": "2126-12-31T23:59:59Z" }), "at", "is not in the past"),
        (json!({ "id": "a" }), "data_bytes", "is 0, and so is all else: a report says what was used"),
    ] {
        let (status, problem) = api.call(&key, "POST", &path, Some(&report)).await;
        let said = (status, &problem["field"], &problem["detail"]);
        assert_eq!(said, (StatusCode::UNPROCESSABLE_ENTITY, &field.into(), &detail.into()));
    }
    let (status, _) =
        api.call(&key, "POST", &path, Some(&json!({ "id": "a", "messages": 1, "at": "1970-01-01T00:00:00Z" }))).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_told_an_activation_code_stands_in_the_log() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    assert_eq!(api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/handoff"), None).await.0, StatusCode::OK);
    let log = api.bed.store.log(Some("A"), None, 1).await.unwrap();
    let entry = &log[0].entry;
    let said = (entry.actor.clone(), entry.action.as_str(), entry.subject.clone());
    assert_eq!(said, (format!("key {}", &key[5..21]), "tell activation code", iccid.to_string()));
}
