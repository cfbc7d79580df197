//! Links that hand out one eSIM once, and the page behind them.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use http_body_util::BodyExt;
use rsp_operator::handoff::{Handoffs, LIFETIME, router};
use rsp_operator::{Actor, Error, Right, Rights};
use tower::ServiceExt;

use crate::bed::{Bed, bed, iccid, manager};

async fn pages() -> (Bed, Arc<Handoffs>, Router) {
    let bed = bed().await;
    let handoffs = Arc::new(Handoffs::new(Arc::clone(&bed.desk)));
    let router = router(Arc::clone(&handoffs), true);
    (bed, handoffs, router)
}

struct Answer {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

async fn ask(router: &Router, method: Method, token: &str) -> Answer {
    let request = Request::builder().method(method).uri(format!("/e/{token}")).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let named = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    let mut headers: Vec<_> = response.headers().iter().map(named).collect();
    headers.sort();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

#[tokio::test]
async fn opening_a_link_shows_and_consumes_nothing_and_the_button_shows_the_code_once() {
    let (bed, handoffs, router) = pages().await;
    let iccid = bed.sell("A", 1).await;
    let offered = handoffs.offer(&manager("A"), &iccid, LIFETIME).await.unwrap();
    let forged = ask(&router, Method::GET, "x").await;
    for method in [Method::GET, Method::GET, Method::HEAD] {
        let opened = ask(&router, method.clone(), &offered.token).await;
        assert_eq!(opened.status, StatusCode::OK);
        assert!(!opened.body.contains("smdp.example.com") && !opened.body.contains("Alpha"));
        // Whether a link works is not to be seen.
        assert!(method == Method::HEAD || opened.body == forged.body && opened.headers == forged.headers);
    }
    let shown = ask(&router, Method::POST, &offered.token).await;
    assert_eq!(shown.status, StatusCode::OK);
    for part in [
        "Alpha &#60;b&#62;",
        "5 GB &#38; more",
        "LPA:1$smdp.example.com$MATCHING-ID-1$$1",
        "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=LPA%3A1%24smdp.example.com%24MATCHING-ID-1%24%241",
        "https://esimsetup.android.com/esim_qrcode_provisioning?carddata=LPA%3A1%24smdp.example.com%24MATCHING-ID-1",
        "<svg ",
        "will ask for a confirmation code",
        "accept only an SM-DP+ under a GSMA CI",
    ] {
        assert!(shown.body.contains(part), "{part}\n{}", shown.body);
    }
    let again = ask(&router, Method::POST, &offered.token).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let links = handoffs.links(&manager("A"), &iccid).await.unwrap();
    assert_eq!((links.len(), links[0].used_at, links[0].created_by.as_str()), (1, Some(bed.desk.now()), "user ann"));
    let log: Vec<_> = bed.store.audit(10).await.unwrap().into_iter().map(|entry| (entry.actor, entry.action)).collect();
    let said = |actor: &str, action: &str| (actor.to_owned(), action.to_owned());
    assert_eq!(log, [said("hand-off link", "use link"), said("user ann", "make link")]);
}

#[tokio::test]
async fn links_that_do_not_work_get_one_answer() {
    let (bed, handoffs, router) = pages().await;
    let iccid = bed.sell("A", 1).await;
    let offer = async || handoffs.offer(&manager("A"), &iccid, 60).await.unwrap().token.to_string();
    let (used, expired, cancelled) = (offer().await, offer().await, offer().await);
    let mut changed = offer().await;
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    assert_eq!(ask(&router, Method::POST, &used).await.status, StatusCode::OK);
    let mut answers = Vec::new();
    bed.clock.pass(59);
    let fresh = offer().await;
    bed.clock.pass(1);
    bed.store.run_tx("cancel", move |tx| tx.cancel_esim("A", &iccid)).await.unwrap();
    let random = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([7; 48]);
    for token in
        [&used, &expired, &cancelled, &fresh, &changed, &random, "x", "%00", "%ff", "..%2f..", &"A".repeat(5_000)]
    {
        answers.push(ask(&router, Method::POST, token).await);
    }
    // What handed out nothing is not used up.
    let links = handoffs.links(&manager("A"), &iccid).await.unwrap();
    assert_eq!(links.iter().filter(|link| link.used_at.is_some()).count(), 1);
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!((&answer.body, &answer.headers), (&answers[0].body, &answers[0].headers));
    }
}

#[tokio::test]
async fn only_the_hash_of_a_link_is_in_the_database_and_links_differ() {
    let (bed, handoffs, _) = pages().await;
    let iccid = bed.sell("A", 1).await;
    let (mut seen, mut parts) = (Vec::new(), HashSet::new());
    for _ in 0..50 {
        let token = handoffs.offer(&manager("A"), &iccid, 60).await.unwrap().token.to_string();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert_eq!((token.len(), bytes.len()), (64, 48));
        assert!(parts.insert(bytes[..32].to_vec()) && parts.insert(bytes[32..].to_vec()));
        seen.push(bytes);
    }
    let mut files = Vec::new();
    for file in std::fs::read_dir(bed.dir.path()).unwrap() {
        files.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let is_stored = |bytes: &[u8]| files.windows(bytes.len()).any(|window| window == bytes);
    let link = &seen[0];
    assert!(is_stored(&rsp_crypto::hash::sha256(link)));
    assert!(!is_stored(&link[..32]) && !is_stored(&link[32..]));
}

#[tokio::test]
async fn only_who_may_provision_makes_links_and_only_to_own_esims_that_wait() {
    let (bed, handoffs, _) = pages().await;
    let own = bed.sell("A", 1).await;
    let reader = Actor::new(Some("A".to_owned()), "user bob", Rights::of([Right::Read]));
    assert!(matches!(handoffs.offer(&reader, &own, 60).await.err(), Some(Error::Forbidden(Right::Provision))));
    let others = handoffs.offer(&manager("B"), &own, 60).await.err().unwrap().to_string();
    let none = handoffs.offer(&manager("B"), &iccid(9), 60).await.err().unwrap().to_string();
    assert_eq!(others.replace(&own.to_string(), ""), none.replace(&iccid(9).to_string(), ""));
    assert!(matches!(handoffs.links(&manager("B"), &own).await.err(), Some(Error::NotFound { .. })));
    for lifetime in [59, 0, -1, i64::MIN, 30 * 86_400 + 1, i64::MAX] {
        let refused = handoffs.offer(&manager("A"), &own, lifetime).await.err();
        assert!(matches!(refused, Some(Error::Invalid { field: "lifetime", .. })));
    }
    bed.store.run_tx("cancel", move |tx| tx.cancel_esim("A", &own)).await.unwrap();
    assert!(matches!(handoffs.offer(&manager("A"), &own, 60).await.err(), Some(Error::WrongState { .. })));
}

#[tokio::test]
async fn the_pages_load_nothing_and_tell_nobody() {
    let (bed, handoffs, router) = pages().await;
    let iccid = bed.sell("A", 1).await;
    let offered = handoffs.offer(&manager("A"), &iccid, LIFETIME).await.unwrap();
    let offer = ask(&router, Method::GET, &offered.token).await;
    let code = ask(&router, Method::POST, &offered.token).await;
    let gone = ask(&router, Method::POST, &offered.token).await;
    for answer in [offer, code, gone] {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        // The policy lets the style through: its hash is that of what stands in the page.
        let style = answer.body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = rsp_crypto::hash::sha256(style.as_bytes());
        assert!(policy.contains(&base64::engine::general_purpose::STANDARD.encode(hash)));
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.header("x-robots-tag").contains("noindex") && answer.header("set-cookie").is_empty());
        for forbidden in ["<script", "style=\"", " src=", "url(", "@import", "<link", "<iframe", "onload"] {
            assert!(!answer.body.contains(forbidden), "{forbidden}");
        }
        assert!(answer.body.contains("name=\"viewport\"") && answer.body.contains("<html lang=\"en\">"));
    }
}
