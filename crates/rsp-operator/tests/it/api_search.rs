//! The REST API: eSIMs that are searched for.

use axum::http::StatusCode;
use rsp_asn1::{Eid, Iccid};
use rsp_operator::{Right, Rights};
use rsp_store::{Esim, NewProfile, ProfileState};
use serde_json::Value;

use crate::api::{Api, LIMITS};
use crate::bed;
use crate::support::NOW;

const EID: &str = "89049032123451234512345678901235";

/// Sells what another SM-DP+ has.
async fn sell(api: &Api, number: u8, change: impl Fn(&mut Esim) + Send + 'static, operator: &'static str) -> String {
    let sold = move || {
        let mut esim = bed::esim(operator, number);
        change(&mut esim);
        esim
    };
    api.bed.store.run_tx("sell", move |tx| tx.insert_esim(&sold())).await.unwrap();
    bed::iccid(number).to_string()
}

/// An order of a tenant that this server's SM-DP+ has.
async fn order(api: &Api, tenant: &'static str, iccid: Iccid, matching_id: &'static str, eid: Option<Eid>) {
    let new = NewProfile {
        iccid,
        profile_type: format!("type of {tenant}"),
        operator: Some(tenant.to_owned()),
        state: ProfileState::Available,
        metadata: vec![1],
        package: rsp_crypto::Zeroizing::new(vec![1]),
        at: NOW,
        by: "test".to_owned(),
    };
    api.bed.store.run_tx("stock", move |tx| tx.insert_profile(&new)).await.unwrap();
    let mut change = api.bed.store.profile(&iccid).await.unwrap().unwrap().change("test", NOW);
    change.state = ProfileState::Released;
    change.matching_id = Some(matching_id.to_owned());
    change.eid = eid;
    let changed: Result<bool, rsp_store::Error> =
        api.bed.store.run_tx("order", move |tx| tx.change_profile(&change)).await;
    assert!(changed.unwrap());
}

/// The ICCIDs that are found.
async fn found(api: &Api, key: &str, query: &str) -> Vec<String> {
    let (status, page) = api.call(key, "GET", &format!("/api/v1/esims?{query}"), None).await;
    assert_eq!(status, StatusCode::OK, "{query}: {page}");
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["iccid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn esims_are_found_by_whatever_names_them_and_by_their_owner_alone() {
    let api = Api::new(LIMITS).await;
    let (a, b) = (api.key("A", Rights::ALL).await, api.key("B", Rights::ALL).await);
    let elsewhere = sell(&api, 1, |esim| esim.eid = EID.parse().ok(), "A").await;
    let twin = sell(&api, 2, |esim| esim.reference = Some("order 1".to_owned()), "A").await;
    let foreign = sell(&api, 3, |esim| esim.eid = EID.parse().ok(), "B").await;
    api.plan("A", "Alpha").await;
    let here = bed::iccid(9);
    order(&api, "A", here, "MATCHING-ID-HERE", EID.parse().ok()).await;
    let here = here.to_string();

    for (query, expected) in [
        (format!("search={}", &elsewhere[..18]), vec![&here, &twin, &elsewhere]),
        (format!("search={elsewhere}"), vec![&elsewhere]),
        (format!("search={EID}"), vec![&here, &elsewhere]),
        (format!("search={}", &EID[..9]), vec![&here, &elsewhere]),
        ("search=matching-id-h".to_owned(), vec![&here]),
        ("reference=order%201".to_owned(), vec![&twin, &elsewhere]),
        (format!("reference=order%201&search={EID}"), vec![&elsewhere]),
        ("reference=order".to_owned(), vec![]),
        (format!("search={EID}&carrier=nobody"), vec![]),
        (format!("search={EID}&state=Installed"), vec![]),
        (format!("search={EID}&state=Released"), vec![&here, &elsewhere]),
        ("reference=order%203".to_owned(), vec![]),
        (format!("search={foreign}"), vec![]),
    ] {
        assert_eq!(found(&api, &a, &query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (query, expected) in [
        (format!("search={EID}"), vec![&foreign]),
        ("reference=order%203".to_owned(), vec![&foreign]),
        ("reference=order%201".to_owned(), vec![]),
        ("search=MATCHING-ID-HERE".to_owned(), vec![]),
        (format!("search={here}"), vec![]),
    ] {
        assert_eq!(found(&api, &b, &query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for query in
        ["search=89001", "search=%25%25%25%25%25%25", "search=", "reference=", "search=%C3%A9%C3%A9%C3%A9%C3%A9"]
    {
        let (status, problem) = api.call(&a, "GET", &format!("/api/v1/esims?{query}"), None).await;
        let field = query.split('=').next().unwrap();
        assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &field.into()), "{query}");
    }
}

/// Else a matching ID would be found out one character after the other.
#[tokio::test]
async fn who_may_have_no_activation_code_finds_nothing_by_a_part_of_one() {
    let api = Api::new(LIMITS).await;
    api.plan("A", "Alpha").await;
    order(&api, "A", bed::iccid(9), "MATCHING-ID-HERE", None).await;
    let reader = api.key("A", Rights::of([Right::Read])).await;
    let seller = api.key("A", Rights::of([Right::Read, Right::Provision])).await;
    assert_eq!(found(&api, &seller, "search=MATCHING-ID-HER").await.len(), 1);
    assert!(found(&api, &reader, "search=MATCHING-ID-HER").await.is_empty());
    assert_eq!(found(&api, &reader, "search=MATCHING-ID-HERE").await.len(), 1);
    assert_eq!(found(&api, &reader, &format!("search={}", &bed::iccid(9).to_string()[..10])).await.len(), 1);
}

#[tokio::test]
async fn what_is_found_comes_in_pages_too() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    for number in 1..=7 {
        sell(&api, number, |esim| esim.reference = Some("many".to_owned()), "A").await;
    }
    for query in ["reference=many", "search=890010"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let (_, page) = api.call(&key, "GET", &format!("/api/v1/esims?limit=3&{query}{cursor}"), None).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["iccid"].to_string()));
            match &page["next"] {
                Value::String(next) => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        seen.dedup();
        assert_eq!(seen.len(), 7, "{query}");
    }
}
