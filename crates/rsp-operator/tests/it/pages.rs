//! The portal's pages about many eSIMs and handing them out, as a browser asks for them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use rsp_crypto::{Curve, Zeroizing};
use rsp_operator::account::{Add, Origin, Role};
use rsp_operator::batch::MAX_SIZE;
use rsp_operator::certificates::{Certificates, Held};
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{Actor, Rights, Service};
use rsp_pki::Certificate;
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_testkit::SeededRandomness;
use tower::ServiceExt;

use crate::bed::{Bed, bed, iccid, manager};
use crate::programs::run;
use crate::support::NOW;

const ORIGIN: &str = "https://portal.example.com";

/// The CI of a PKI of tests as the server's, and the same as each operator's.
pub(crate) struct Ci(pub(crate) Certificate);

pub(crate) fn ci() -> Certificate {
    let dir = tempfile::tempdir().unwrap();
    let pki = PkiDirectory::init(dir.path(), &InitOptions::default(), NOW, &mut SeededRandomness::new("pki")).unwrap();
    pki.ci(Curve::P256).unwrap().certificate().clone()
}

impl Certificates for Ci {
    fn held(&self) -> Result<Vec<Held>, String> {
        let of = |purpose: &str, operator: Option<&str>| Held {
            purpose: purpose.to_owned(),
            operator: operator.map(str::to_owned),
            certificate: self.0.clone(),
        };
        Ok(vec![of("CI", None), of("Client of A", Some("A")), of("Client of B", Some("B"))])
    }
}

pub(crate) struct Portal {
    pub(crate) bed: Bed,
    pub(crate) router: Router,
    pub(crate) service: Arc<Service>,
}

/// A browser that is signed in.
pub(crate) struct Browser {
    router: Router,
    cookie: String,
    csrf: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: String,
    pub(crate) location: String,
    pub(crate) retry_after: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) async fn portal() -> Portal {
    portal_at(bed().await, |_| {}).await
}

/// A portal at a desk, put together otherwise in some part.
pub(crate) async fn portal_at(bed: Bed, otherwise: impl FnOnce(&mut Service)) -> Portal {
    let origin = Origin::of(ORIGIN).unwrap();
    let rules = AddressRules::default();
    let mut service = Service::new(Arc::clone(&bed.desk), origin, rules, Box::new(Ci(ci())), true);
    otherwise(Arc::get_mut(&mut service).unwrap());
    Portal { bed, router: Arc::clone(&service).router(), service }
}

impl Portal {
    pub(crate) async fn sign_in(&self, name: &str, operator: Option<&str>, role: Role) -> Browser {
        let accounts = &self.service.accounts;
        let password = accounts.generate_password();
        let secret = Zeroizing::new(password.reveal().to_owned());
        let add = Add { name: name.to_owned(), operator: operator.map(str::to_owned), role, password: Some(password) };
        let name = accounts.add_user(&Actor::new(None, "test", Rights::ALL), add).await.unwrap().name;
        let Ok(signed_in) = accounts.sign_in(&name, secret, None).await else { panic!("{name} is not let in") };
        let csrf = accounts.session(&signed_in.token).await.unwrap().unwrap().csrf;
        let cookie = format!("{}={}", accounts.origin().cookie(), *signed_in.token);
        Browser { router: self.router.clone(), cookie, csrf }
    }
}

impl Browser {
    async fn ask(&self, request: axum::http::request::Builder, body: Vec<u8>) -> Answer {
        let request = request.header(header::COOKIE, &self.cookie).header("sec-fetch-site", "same-origin");
        let request = request.header(header::ORIGIN, ORIGIN).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = |name| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        let (kind, location) = (text(header::CONTENT_TYPE), text(header::LOCATION));
        Answer { status, kind, location, retry_after: text(header::RETRY_AFTER), body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path), Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let body = format!("csrf={}&{form}", self.csrf);
        self.ask(Request::post(path).header(header::CONTENT_TYPE, kind), body.into_bytes()).await
    }

    pub(crate) async fn upload(&self, path: &str, fields: &[(&str, &str)], file: &str) -> Answer {
        let page = self.get(path).await.text();
        let once = page.split("name=\"once\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        self.upload_once(path, once.unwrap_or_default(), fields, file).await
    }

    pub(crate) async fn upload_once(&self, path: &str, once: &str, fields: &[(&str, &str)], file: &str) -> Answer {
        let mut body = String::new();
        for (name, value) in [("csrf", self.csrf.as_str()), ("once", once)].iter().chain(fields) {
            body += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body += "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"<b>list.csv\"\r\n\r\n";
        body += &format!("{file}\r\n--x--\r\n");
        let kind = "multipart/form-data; boundary=x";
        self.ask(Request::post(path).header(header::CONTENT_TYPE, kind), body.into_bytes()).await
    }
}

#[tokio::test]
async fn every_page_is_there_for_whoever_may_see_it_and_shows_nothing_of_others() {
    let portal = portal().await;
    let own = portal.bed.sell("A", 1).await;
    portal.bed.sell("B", 2).await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    let viewer = portal.sign_in("vic", Some("A"), Role::Viewer).await;
    let staff = portal.sign_in("root", None, Role::Admin).await;
    for path in ["/batches", "/import", "/library", "/certificates", &format!("/orders/{own}/links")] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert!(answer.text().contains("<h1>") && !answer.text().contains("style=\""), "{path}");
        assert_eq!(staff.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/library", "/certificates", "/batches"] {
        assert_eq!(viewer.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/import", "/export/orders.zip", "/export/orders.csv?codes=true", &format!("/orders/{own}/sheet.pdf")]
    {
        assert_eq!(viewer.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let (shown, all) = (admin.get("/certificates").await.text(), staff.get("/certificates").await.text());
    assert!(shown.contains("Client of A") && !shown.contains("Client of B") && all.contains("Client of B"));
    for path in ["links", "sheet.pdf", "hand-out.eml"] {
        let others = admin.get(&format!("/orders/{}/{path}", iccid(2))).await;
        let none = admin.get(&format!("/orders/{}/{path}", iccid(9))).await;
        assert_eq!((others.status, none.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
        assert_eq!(others.text().replace(&iccid(2).to_string(), ""), none.text().replace(&iccid(9).to_string(), ""));
    }
    for path in ["/batches/1", "/batches/99999", "/batches/x", "/orders/%00/links", "/export/orders.csv?state=x"] {
        let status = admin.get(path).await.status;
        assert!(status.is_client_error(), "{path}: {status}");
    }
}

#[tokio::test]
async fn an_order_leaves_as_sheet_mail_link_table_and_archive() {
    let portal = portal().await;
    let own = portal.bed.sell("A", 1).await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    let code = "LPA:1$smdp.example.com$MATCHING-ID-1$$1";
    let sheet = admin.get(&format!("/orders/{own}/sheet.pdf")).await;
    assert_eq!((sheet.status, sheet.kind.as_str()), (StatusCode::OK, "application/pdf"));
    let again = admin.post("/sheets", &format!("iccids={own}&layout=one")).await;
    assert_eq!(again.body, sheet.body);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sheet.pdf"), &sheet.body).unwrap();
    if run("pdftotext", &["-raw"], &dir.path().join("sheet.pdf")).is_some() {
        let text = std::fs::read_to_string(dir.path().join("sheet.txt")).unwrap();
        assert!(text.contains("For order 1") && text.replace('\n', "").contains(code), "{text}");
    }
    let mail = admin.get(&format!("/orders/{own}/hand-out.eml?to=bob@example.org")).await.text();
    assert!(mail.starts_with("From: esim@portal.example.com\r\nTo: bob@example.org\r\nSubject: "), "{mail}");
    let refused = admin.get(&format!("/orders/{own}/hand-out.eml?to=a%0d%0aBcc:b@c.de")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let made = admin.post(&format!("/orders/{own}/links"), "hours=24").await.text();
    let token = made.split(&format!("{ORIGIN}/e/")).nth(1).unwrap().split('<').next().unwrap();
    let open = portal.router.clone();
    let redeem = async || {
        let request = Request::post(format!("/e/{token}")).body(Body::empty()).unwrap();
        open.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!((redeem().await, redeem().await), (StatusCode::OK, StatusCode::NOT_FOUND));
    assert!(admin.get(&format!("/orders/{own}/links")).await.text().contains("Used "));
    let table = admin.get("/export/orders.csv?codes=true").await;
    assert!(table.text().contains(code) && table.kind.starts_with("text/csv"));
    assert!(!admin.get("/export/orders.csv").await.text().contains("MATCHING"));
    let archive = admin.get("/export/orders.zip").await;
    assert!(archive.status == StatusCode::OK && archive.body.starts_with(b"PK"));
}

#[tokio::test]
async fn a_list_has_at_most_16_mib_and_a_form_without_a_file_64_kib() {
    let portal = portal().await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    for (path, list, read) in [
        ("/batches", "carrier,plan\nA,B\n#", "line 2: there is no plan"),
        (
            "/import",
            "imsi,k,opc\n001010000000001,00112233445566778899aabbccddeeff,00112233445566778899aabbccddeeff\n#",
            "no plan",
        ),
    ] {
        let fields = [("plan", "A\nX\nY")];
        let largest = list.to_owned() + &"x".repeat(MAX_SIZE - list.len());
        let answer = admin.upload_once(path, "one", &fields, &largest).await.text();
        assert!(answer.contains(read), "{answer}");
        let too_large = admin.upload_once(path, "two", &fields, &(largest + "x")).await;
        assert_eq!(too_large.status, StatusCode::BAD_REQUEST);
        assert!(too_large.text().contains("larger than 16 MiB"), "{}", too_large.text());
        let far = admin.upload_once(path, "three", &fields, &"x".repeat(MAX_SIZE + 65 * 1024)).await;
        assert_eq!(far.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert!(admin.get("/batches").await.text().contains("and 16 MiB"));
    let long = "x".repeat(1025);
    let field =
        admin.upload_once("/import", "four", &[("plan", &*format!("A\u{1f}{long}\u{1f}Y"))], "imsi,k,opc\n1,2,3").await;
    assert!(field.text().contains("more than 1024 octets") && !field.text().contains(&long), "{}", field.text());
    let line = "x".repeat(1023) + "\n";
    let elsewhere = admin.upload_once("/plans", "one", &[], &line.repeat(65)).await;
    assert_eq!(elsewhere.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_list_that_is_sent_again_by_a_reload_is_not_ordered_again() {
    let portal = portal().await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    for (once, file, problem) in [
        ("", "carrier,plan\nA,B", "load the page again"),
        ("one", "carrier,plan\nA,B", "line 2"),
        ("one", "carrier,plan\nA,B", "was sent already"),
        ("one", "carrier,plan\nA,C", "line 2"),
        ("two", "carrier,plan\nA,B", "line 2"),
    ] {
        let answer = admin.upload_once("/batches", once, &[], file).await.text();
        assert!(answer.contains(problem), "{once}: {answer}");
    }
    let fields = [("plan", "A\r\nX\r\nY")];
    let list = "imsi,k,opc\n001010000000001,00112233445566778899aabbccddeeff,00112233445566778899aabbccddeeff";
    let first = admin.upload_once("/import", "one", &fields, list).await.text();
    let second = admin.upload_once("/import", "one", &fields, list).await.text();
    assert!(!first.contains("was sent already") && second.contains("was sent already"), "{first}\n{second}");
}

#[tokio::test]
async fn uploads_are_checked_and_shown_with_their_hostile_names_escaped() {
    let portal = portal().await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    let staff = portal.sign_in("root", None, Role::Admin).await;
    for (file, problem) in [("", "not empty"), ("a,b\n1,2", "none of the columns"), ("carrier,plan\nA,B", "line 2")] {
        let refused = admin.upload("/batches", &[], file).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text().contains(problem), "{problem}: {}", refused.text());
    }
    let long = format!("carrier,plan\n{},B", "A".repeat(10_000));
    let refused = admin.upload("/batches", &[], &long).await.text();
    assert!(refused.contains("line 2") && !refused.contains(&"A".repeat(200)) && refused.contains(&"A".repeat(150)));
    let refused = admin.upload("/import", &[("plan", "A\nX\nY")], "imsi,k,opc\n1,secret-key,x").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(!refused.text().contains("secret-key"));
    let new = rsp_store::NewBatch {
        operator: "A".to_owned(),
        name: "<script>x</script>".to_owned(),
        created_at: portal.bed.desk.now(),
        created_by: manager("A").name().to_owned(),
        rows: vec![rsp_store::NewBatchRow {
            line: 2,
            carrier: "<i>".to_owned(),
            plan: "\"".to_owned(),
            eid: None,
            device_id: None,
            reference: Some("\u{202E}<b>".to_owned()),
        }],
    };
    let number = portal.bed.store.run_tx("fixture", move |tx| tx.insert_batch(&new)).await.unwrap();
    for browser in [&admin, &staff] {
        for path in ["/batches".to_owned(), format!("/batches/{number}"), format!("/batches/{number}/progress")] {
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(
                !answer.text().contains("<script>x")
                    && !answer.text().contains("<b>")
                    && !answer.text().contains('\u{202E}')
            );
        }
    }
    let polled = admin.get(&format!("/batches/{number}/progress")).await.text();
    assert!(polled.contains("hx-trigger=\"every 1s\"") && polled.contains("0 of 1"));
    let other = portal.sign_in("bea", Some("B"), Role::Admin).await;
    for path in [format!("/batches/{number}"), format!("/batches/{number}/progress")] {
        assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(other.post(&format!("/batches/{number}/cancel"), "").await.status, StatusCode::NOT_FOUND);
    let cancelled = admin.post(&format!("/batches/{number}/cancel"), "").await;
    assert_eq!((cancelled.status, cancelled.location), (StatusCode::SEE_OTHER, format!("/batches/{number}")));
    let settled = admin.get(&format!("/batches/{number}/progress")).await.text();
    assert!(!settled.contains("hx-trigger") && settled.contains("1 of 1") && settled.contains("Cancelled"));
}

/// An SM-DP+ elsewhere names the ICCID of B's profile in an order of A's: A's sheet does not say whose subscriber that is.
#[tokio::test]
async fn atk_tenant_cross_by_a_sheet_of_an_iccid_of_another_smdp() {
    let portal = portal().await;
    let sim = iccid(7);
    let elsewhere = rsp_store::Esim { reference: None, ..crate::bed::esim("A", 7) };
    portal.bed.store.run_tx("elsewhere", move |tx| tx.insert_esim(&elsewhere)).await.unwrap();
    let bought = move |tx: &mut rsp_store::Transaction| {
        tx.insert_profile_type(&rsp_store::NewProfileType {
            name: "beta".to_owned(),
            operator: Some("B".to_owned()),
            iccids: None,
            metadata: vec![],
            template: None,
            created_at: NOW,
        })?;
        tx.insert_profile(&rsp_store::NewProfile {
            iccid: sim,
            profile_type: "beta".to_owned(),
            operator: Some("B".to_owned()),
            state: rsp_store::ProfileState::Available,
            metadata: vec![],
            package: Zeroizing::new(vec![1]),
            at: NOW,
            by: "test".to_owned(),
        })?;
        let imsi = "001010100000007".to_owned();
        tx.insert_subscriber(&rsp_store::Subscriber { iccid: sim, imsi, keys: Zeroizing::new([7; 32]) })
    };
    portal.bed.store.run_tx("B's", bought).await.unwrap();
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    let sheet = admin.get(&format!("/orders/{sim}/sheet.pdf")).await;
    assert_eq!(sheet.status, StatusCode::OK, "{}", sheet.text());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sheet.pdf"), &sheet.body).unwrap();
    if run("pdftotext", &["-raw"], &dir.path().join("sheet.pdf")).is_some() {
        let text = std::fs::read_to_string(dir.path().join("sheet.txt")).unwrap();
        assert!(
            text.contains(&sim.to_string()) && !text.contains("IMSI") && !text.contains("001010100000007"),
            "{text}"
        );
    }
}
