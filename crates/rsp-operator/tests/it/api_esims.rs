//! The REST API: ways from an eSIM to its user, and all that happened to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use rsp_asn1::Iccid;
use rsp_crypto::{Zeroizing, aws_lc};
use rsp_operator::export::{archive, csv};
use rsp_operator::receipts::{Jwks, verify};
use rsp_operator::workshop::Workshop;
use rsp_operator::{EsimFilter, Right, Rights};
use rsp_store::{EventKind, NewEvent, NewProfile, NewProfileType, ProfileState};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::{Api, LIMITS, json_of, request};
use crate::bed::{Bed, esim, iccid, manager};
use crate::portal::Site;
use crate::programs::run;
use crate::support::NOW;

const WAITS: [ProfileState; 2] = [ProfileState::Released, ProfileState::Downloaded];

/// An eSIM of A's own SM-DP+ whose order went through these states after it was released.
async fn ordered(bed: &Bed, number: u8, states: &[ProfileState]) -> Iccid {
    let iccid = iccid(number);
    let exists = bed.store.profile_type("alpha").await.unwrap().is_some();
    let insert = move |tx: &mut rsp_store::Transaction| -> Result<(), rsp_store::Error> {
        if !exists {
            tx.insert_profile_type(&NewProfileType {
                name: "alpha".to_owned(),
                operator: Some("A".to_owned()),
                iccids: None,
                metadata: vec![1],
                template: None,
                created_at: NOW,
            })?;
        }
        tx.insert_profile(&NewProfile {
            iccid,
            profile_type: "alpha".to_owned(),
            operator: Some("A".to_owned()),
            state: ProfileState::Released,
            metadata: vec![1],
            package: Zeroizing::new(vec![1]),
            at: NOW,
            by: "test".to_owned(),
        })?;
        tx.insert_esim(&rsp_store::Esim { own: true, ..esim("A", number) })
    };
    bed.store.run_tx("order", insert).await.unwrap();
    for state in states {
        let profile = bed.store.profile(&iccid).await.unwrap().unwrap();
        let mut change = profile.change("test", NOW);
        change.state = *state;
        let change = std::sync::Mutex::new(Some(change));
        let changed = bed.store.run_tx("change", move |tx| {
            let change = change.lock().unwrap().take().expect("one run");
            tx.change_profile(&change)
        });
        assert!(changed.await.unwrap());
    }
    iccid
}

/// Orders in every state that one with a code can have.
async fn in_all_states(bed: &Bed) -> Vec<(ProfileState, Iccid)> {
    let ways: [&[ProfileState]; 6] = [
        &[],
        &[ProfileState::Downloaded],
        &[ProfileState::Downloaded, ProfileState::Installed],
        &[ProfileState::Downloaded, ProfileState::Installed, ProfileState::Deleted],
        &[ProfileState::Downloaded, ProfileState::Error],
        &[ProfileState::Unavailable],
    ];
    let mut orders = Vec::new();
    for (number, way) in (10..).zip(ways) {
        let state = way.last().copied().unwrap_or(ProfileState::Released);
        orders.push((state, ordered(bed, number, way).await));
    }
    orders
}

#[tokio::test]
async fn the_api_hands_out_a_code_as_long_as_somebody_can_download_with_it() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    for (state, iccid) in in_all_states(&api.bed).await {
        let waits = WAITS.contains(&state);
        let (status, answer) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/handoff"), None).await;
        assert_eq!(status, if waits { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{state}: {answer}");
        assert_eq!(answer.to_string().contains("MATCHING-ID"), waits, "{state}: {answer}");
        let (status, answer) = api.call(&key, "POST", &format!("/api/v1/esims/{iccid}/links"), Some(&json!({}))).await;
        assert_eq!(status, if waits { StatusCode::CREATED } else { StatusCode::CONFLICT }, "{state}: {answer}");
    }
}

#[tokio::test]
async fn pages_and_files_have_a_code_as_long_as_somebody_can_download_with_it() {
    let site = Site::new().await;
    let (cookie, _) = site.sign_in("ann@A").await;
    let orders = in_all_states(&site.bed).await;
    for (state, iccid) in &orders {
        let waits = WAITS.contains(state);
        for path in ["/hand-out", "/qr.svg", "/qr.png", "/links", "/sheet.pdf", "/hand-out.eml"] {
            let (status, _) = site.get(&cookie, &format!("/orders/{iccid}{path}")).await;
            assert_eq!(status == StatusCode::OK, waits, "{state} {path}: {status}");
        }
        let (_, page) = site.get(&cookie, &format!("/orders/{iccid}")).await;
        assert_eq!(page.contains("MATCHING-ID"), waits, "{state}");
    }
    let (desk, filter) = (Arc::clone(&site.bed.desk), EsimFilter::default());
    let rows = csv(Arc::new(Workshop::default()), desk, manager("A"), filter.clone(), true).await.unwrap();
    let rows = String::from_utf8(rows.try_collect::<Vec<_>>().await.unwrap().concat()).unwrap();
    let packed = archive(&site.bed.desk, &manager("A"), &filter).await.unwrap();
    for (state, iccid) in &orders {
        let row = rows.lines().find(|row| row.contains(&iccid.to_string())).unwrap();
        assert_eq!(row.contains("MATCHING-ID"), WAITS.contains(state), "{state}: {row}");
        let picture = format!("{iccid}.png");
        let is_there = packed.windows(picture.len()).any(|name| name == picture.as_bytes());
        assert_eq!(is_there, WAITS.contains(state), "{state}: {picture}");
    }
}

#[tokio::test]
async fn a_handoff_has_the_qr_code_too() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    let (_, handoff) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/handoff"), None).await;
    let picture = STANDARD.decode(handoff["qr_code_base64"].as_str().unwrap()).unwrap();
    let file = api.bed.dir.path().join("qr.png");
    std::fs::write(&file, picture).unwrap();
    let Some(read) = run("zbarimg", &["--quiet", "--raw"], &file) else { return };
    assert_eq!(read.trim_end(), handoff["lpa"]);
}

#[tokio::test]
async fn a_link_is_told_once_works_once_and_says_what_became_of_it() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    let path = format!("/api/v1/esims/{iccid}/links");
    let post = async |once: &str, body: Value| {
        let mut request = request(&key, "POST", &path, Some(&body));
        request.headers_mut().insert("idempotency-key", once.parse().unwrap());
        let response = api.send(request).await;
        (response.status(), json_of(response).await)
    };
    let (status, first) = post("one", json!({ "valid_hours": 2 })).await;
    assert_eq!((status, &first["expires_at"]), (StatusCode::CREATED, &NOW.plus_seconds(7_200).to_string().into()));
    let url = first["url"].as_str().unwrap();
    let token = url.strip_prefix("https://localhost/e/").unwrap().to_owned();
    let (status, again) = post("one", json!({ "valid_hours": 2 })).await;
    assert_eq!((status, again.get("url")), (StatusCode::CREATED, Some(&Value::Null)));
    assert!(first.get("remedy").is_none() && again["remedy"].as_str().unwrap().contains("another link"), "{again}");
    for hours in [0, -1, 721, i64::MAX] {
        let (status, problem) = post("bad", json!({ "valid_hours": hours })).await;
        assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &"valid_hours".into()));
    }
    post("two", json!({ "valid_hours": 1 })).await;
    post("three", json!({})).await;
    // It leads to the page that shows the code once.
    let portal = Arc::clone(&api.service).router();
    let redeem = async || {
        let request = Request::post(format!("/e/{token}")).body(Body::empty()).unwrap();
        portal.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!((redeem().await, redeem().await), (StatusCode::OK, StatusCode::NOT_FOUND));
    api.bed.clock.pass(3_600);
    let states = async || {
        let (status, list) = api.call(&key, "GET", &path, None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!list.to_string().contains(&token), "{list}");
        let mut states: Vec<_> =
            list["items"].as_array().unwrap().iter().map(|link| link["state"].as_str().unwrap().to_owned()).collect();
        states.sort_unstable();
        states
    };
    assert_eq!(states().await, ["expired", "open", "used"]);
    api.bed.store.run_tx("cancel", move |tx| tx.cancel_esim("A", &iccid)).await.unwrap();
    assert_eq!(states().await, ["expired", "used", "void"]);
    let log = api.bed.store.log(Some("A"), None, 10).await.unwrap();
    let lines: Vec<_> = log.iter().map(|line| (line.entry.action.as_str(), line.entry.actor.as_str())).collect();
    let by = format!("key {}", &key[5..21]);
    assert_eq!(lines.iter().filter(|line| **line == ("make link", by.as_str())).count(), 3, "{lines:?}");
    // Whoever may only read is told neither the code nor a link, and not who made some.
    let reader = api.key("A", Rights::of([Right::Read])).await;
    assert_eq!(api.call(&reader, "GET", &path, None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(api.call(&reader, "POST", &path, Some(&json!({}))).await.0, StatusCode::FORBIDDEN);
}

/// So many events of an operator about a profile.
async fn happen(api: &Api, operator: &'static str, iccid: Iccid, number: usize, detail: &'static str) {
    let event = NewEvent {
        at: NOW,
        operator: Some(operator.to_owned()),
        iccid: Some(iccid),
        profile_type: None,
        kind: EventKind::Network,
        actor: "test".to_owned(),
        step: None,
        refused: None,
        detail: Some(detail.to_owned()),
    };
    let insert = move |tx: &mut rsp_store::Transaction| (0..number).try_for_each(|_| tx.record_event(&event));
    api.bed.store.run_tx("events", insert).await.unwrap();
}

#[tokio::test]
async fn a_history_goes_on_page_by_page_and_a_receipt_says_what_it_leaves_out() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    // An SM-DP+ elsewhere gave B the same ICCID.
    api.bed.store.run_tx("other", |tx| tx.insert_esim(&esim("B", 1))).await.unwrap();
    let all = async || {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/esims/{iccid}/history?limit=200{next}");
            let (status, page) = api.call(&key, "GET", &path, None).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 200);
            seen.extend(items.iter().map(|item| item["detail"].as_str().unwrap_or_default().to_owned()));
            match page["next"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return seen,
            }
        }
    };
    let (_, keys) = api.call("", "GET", "/.well-known/openrsp-receipts.json", None).await;
    let keys: Jwks = serde_json::from_value(keys).unwrap();
    let claims = async || {
        let (_, answer) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/receipt"), None).await;
        verify(answer["receipt"].as_str().unwrap(), &keys, aws_lc()).unwrap()
    };
    happen(&api, "A", iccid, 1, "suspended").await;
    happen(&api, "B", iccid, 1_100, "others").await;
    happen(&api, "A", iccid, 1, "active").await;
    assert_eq!(all().await, ["suspended", "active"]);
    let told = claims().await;
    let details: Vec<_> = told.history.iter().filter_map(|event| event.detail.as_deref()).collect();
    assert_eq!((&details[..], told.history_complete), (&["suspended", "active"][..], true));

    happen(&api, "A", iccid, 998, "more").await;
    let told = claims().await;
    assert_eq!((told.history.len(), told.history_complete), (1_000, true));
    happen(&api, "A", iccid, 1, "last").await;
    let (told, all) = (claims().await, all().await);
    assert_eq!((told.history.len(), told.history_complete, all.len()), (1_000, false, 1_001));
    assert_eq!((all[0].as_str(), all[1_000].as_str()), ("suspended", "last"));
    let ends = [&told.history[0], &told.history[999]].map(|event| event.detail.as_deref().unwrap());
    assert_eq!(ends, ["active", "last"], "the last ones are in it");
    for query in ["cursor=x", "cursor=1", "limit=0", "limit=201", &format!("cursor={}", "0".repeat(32))] {
        let path = format!("/api/v1/esims/{iccid}/history?{query}");
        let (status, problem) = api.call(&key, "GET", &path, None).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {problem}");
    }
}

#[tokio::test]
async fn of_who_lacks_the_right_nothing_is_read() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::of([Right::Read])).await;
    for path in ["/api/v1/esim/provision", "/api/v1/webhooks", "/api/v1/batches", "/api/v1/keys/x/rotate"] {
        let asked = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&asked);
        let body = futures_util::stream::once(async move {
            seen.store(true, Ordering::SeqCst);
            Ok::<_, std::io::Error>(Bytes::from_static(b"{}"))
        });
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "one")
            .body(Body::from_stream(body))
            .unwrap();
        let response = api.send(request).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(!asked.load(Ordering::SeqCst), "{path}: the body was read");
    }
}
