//! Where the secrets of an order, of who ordered it and of a subscriber are not: in the log, in problems, in the audit, in the
//! journal, in what webhooks are told, in what is printed for debugging, and in the files of the database.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use rsp_crypto::Zeroizing;
use rsp_operator::account::{Add, NewPassword, Origin, Role};
use rsp_operator::keys::NewKey;
use rsp_operator::open5gs::read;
use rsp_operator::webhooks::{AddressRules, Attempted};
use rsp_operator::{Actor, Desk, Rights, Service};
use rsp_smdp::{Identity, Orders};
use rsp_store::{EventFilter, Whose};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::{json_of, request};
use crate::bed::{Bed, manager};
use crate::import::{importing, shop};
use crate::portal::ORIGIN;
use crate::provisioning::{Smdp, serve};
use crate::support::NOW;
use crate::unrecorded::Elsewhere;
use crate::webhooks::Receiver;

const PASSWORD: &str = "staple canary 4711";
const K: &str = "c0ffee00c0ffee01c0ffee02c0ffee03";
const OPC: &str = "decade00decade01decade02decade03";

/// What was logged by whichever thread, while somebody listens.
static LOG: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// Writes there.
struct Here;

impl std::io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(log) = LOG.lock().unwrap().as_mut() {
            log.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A server that sells at an SM-DP+ elsewhere, and who asks it.
struct Asked {
    bed: Bed,
    service: Arc<Service>,
    router: Router,
    /// Everything that was said where no secret belongs.
    said: String,
}

impl Asked {
    async fn new(bed: Bed) -> Self {
        let (_, supplier) = serve(Smdp::new(4711, 1)).await;
        let identity = Identity { address: "smdp.example.com".to_owned(), oid: "2.999.1".to_owned() };
        let (store, clock) = (Arc::clone(&bed.store), bed.clock.clone());
        let orders = Orders::new(Arc::clone(&store), identity, clock.clone(), bed.desk.randomness(), "test");
        let elsewhere = Arc::new(Elsewhere(Arc::new(supplier)));
        let desk = Arc::new(Desk::new(store, orders, elsewhere, clock, bed.desk.randomness()));
        let (origin, rules) = (Origin::of(ORIGIN).unwrap(), AddressRules::default());
        let service = Service::new(desk, origin, rules, Box::new(crate::pages::Ci(crate::pages::ci())), true);
        Self { bed, router: Arc::clone(&service).router(), service, said: String::new() }
    }

    /// Calls the API; problems are kept.
    async fn call(&mut self, key: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let response = self.router.clone().oneshot(request(key, method, path, body.as_ref())).await.unwrap();
        let failed = response.status().is_client_error() || response.status().is_server_error();
        let answer = json_of(response).await;
        if failed {
            self.said += &answer.to_string();
        }
        answer
    }

    /// Asks the portal; refusals are kept. The cookie that it sets, and the page.
    async fn browse(&mut self, cookie: &str, method: &str, path: &str, form: &str) -> (String, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, cookie)
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = self.router.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
        let failed = response.status().is_client_error() || response.status().is_server_error();
        let set = response.headers().get(header::SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned());
        let page = response.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8_lossy(&page).into_owned();
        if failed {
            self.said += &page;
        }
        (set.unwrap_or_default().split(';').next().unwrap_or_default().to_owned(), page)
    }

    /// Everything that webhooks are told.
    async fn deliver(&mut self) {
        let (receiver, webhooks) = (Receiver::default(), Arc::clone(&self.service.webhooks));
        while webhooks.dispatch().await.unwrap() > 0 {}
        for message in self.bed.store.claim_messages(NOW, NOW.plus_seconds(60), 100).await.unwrap() {
            assert!(matches!(webhooks.deliver(&message, &receiver).await.unwrap(), Attempted::Settled));
            self.bed.store.message_delivered(&message).await.unwrap();
        }
        let got = receiver.got.lock().unwrap().clone();
        assert!(!got.is_empty());
        for (signature, body) in got {
            self.said += &format!("{signature} {}", String::from_utf8_lossy(&body));
        }
    }
}

#[tokio::test]
async fn atk_log_leak() {
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Here);
    tracing::subscriber::set_global_default(subscriber.with_ansi(false).without_time().finish()).unwrap();
    *LOG.lock().unwrap() = Some(Vec::new());

    // A subscriber who is imported, and one whose list is wrong.
    let (bed, seller) = shop(1).await;
    let subscribers = read(format!("imsi,k,opc\n001010000000001,{K},{OPC}").as_bytes());
    let subscribers = subscribers.unwrap_or_else(|error| panic!("{error}"));
    let imported = importing(&bed, &seller, &manager("A"), &subscribers).await.unwrap();
    assert!(imported.left.is_none());
    let mut asked = Asked::new(bed).await;
    for wrong in
        [format!("imsi,k,opc\n{K},001010000000001,{OPC}"), format!("[{{\"imsi\":\"{K}\",\"security\":{OPC}}}]")]
    {
        let error = read(wrong.as_bytes()).err().unwrap();
        write!(asked.said, "{error} {error:?}").unwrap();
    }

    // Who asks: a browser and a program. Each comes with a wrong secret, too, that resembles the right one.
    let password = NewPassword::chosen(Zeroizing::new(PASSWORD.to_owned())).unwrap();
    let add =
        Add { name: "ann".to_owned(), operator: Some("A".to_owned()), role: Role::Admin, password: Some(password) };
    asked.service.accounts.add_user(&Actor::new(None, "test", Rights::ALL), add).await.unwrap();
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("name", "ann@A").finish();
    let form = |password: &str| format!("{form}&password={}", password.replace(' ', "+"));
    asked.browse("", "POST", "/sign-in", &form(&format!("{PASSWORD}!"))).await;
    let (cookie, _) = asked.browse("", "POST", "/sign-in", &form(PASSWORD)).await;
    let session = cookie.split_once('=').expect("a session").1.to_owned();
    let new = NewKey { tenant: "A".to_owned(), name: "test".to_owned(), rights: Rights::ALL, expires_at: None };
    let key = asked.service.keys.add(new, "test", NOW).await.unwrap().1.to_string();
    let wrong = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    asked.call(&wrong, "GET", "/api/v1/esims", None).await;

    let hook = json!({ "url": "https://a.example.com/hook?token=QUERYCANARY", "kinds": ["state", "step", "network", "usage"] });
    let added = asked.call(&key, "POST", "/api/v1/webhooks", Some(hook)).await;
    let (secret, id) =
        (added["secret"].as_str().unwrap().to_owned(), added["webhook"]["id"].as_str().unwrap().to_owned());

    // An order with all its secrets.
    let order = || json!({ "carrier": "Alpha", "plan": "Home", "confirmation_code": "auto" });
    let sold = asked.call(&key, "POST", "/api/v1/esim/provision", Some(order())).await;
    let code = sold["confirmation_code"].as_str().unwrap_or_else(|| panic!("{sold}")).to_owned();
    let activation_code = sold["activation_code"].as_str().unwrap().to_owned();
    let matching_id = activation_code.split('$').nth(2).unwrap().to_owned();
    assert!(code.len() >= 6 && matching_id == "MATCHING-4711", "{matching_id}");
    let iccid = sold["iccid"].as_str().unwrap().to_owned();
    let path = |rest: &str| format!("/api/v1/esims/{iccid}{rest}");
    let link = asked.call(&key, "POST", &path("/links"), Some(json!({}))).await;
    let token = link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();

    // What is done with it, and what is done wrong.
    let amount = json!({ "id": "1", "data_bytes": 1 });
    for (method, path, body) in [
        ("GET", path("/handoff"), None),
        ("GET", path("/links"), None),
        ("GET", path(""), None),
        ("POST", path("/usage"), Some(amount.clone())),
        ("POST", path("/suspend"), None),
        ("POST", format!("/api/v1/webhooks/{id}/rotate"), Some(json!({}))),
        ("POST", format!("/api/v1/webhooks/{id}/test"), None),
        ("POST", "/api/v1/esim/provision".to_owned(), Some(order())),
        (
            "POST",
            "/api/v1/esim/provision".to_owned(),
            Some(json!({ "carrier": "Alpha", "plan": "Home", "confirmation_code": code })),
        ),
        ("POST", "/api/v1/esim/provision".to_owned(), Some(json!({ "carrier": matching_id, "plan": { "x": code } }))),
        ("GET", format!("/api/v1/esims/{matching_id}"), None),
        ("GET", format!("/api/v1/esims?search={matching_id}&state={code}"), None),
        ("GET", format!("/api/v1/{}", &key[22..]), None),
        ("POST", format!("/api/v1/esims/{iccid}/links?token={token}"), Some(json!({ "valid_hours": code }))),
    ] {
        asked.call(&key, method, &path, body).await;
    }
    for path in ["", "/hand-out", "/qr.png", "/links", "/sheet.pdf", "/hand-out.eml"] {
        asked.browse(&cookie, "GET", &format!("/orders/{iccid}{path}"), "").await;
    }
    asked.browse(&cookie, "GET", &format!("/orders?q={matching_id}"), "").await;
    asked.browse("", "POST", &format!("/e/{token}"), "").await;
    asked.browse("", "POST", &format!("/e/{token}"), "").await;
    asked.call(&key, "POST", &path("/cancel"), None).await;
    asked.deliver().await;

    // What a reader is told of all that, and what is printed.
    for path in [
        "/api/v1/events?limit=200".to_owned(),
        path("/history"),
        path("/receipt"),
        "/api/v1/keys".to_owned(),
        "/api/v1/webhooks".to_owned(),
        format!("/api/v1/webhooks/{id}/deliveries"),
    ] {
        let answer = asked.call(&key, "GET", &path, None).await;
        // Where they are told, addresses of webhooks are told whole to whoever may manage.
        asked.said += &answer.to_string().replace("QUERYCANARY", "");
    }
    let store = &asked.bed.store;
    let log = store.log(None, None, 200).await.unwrap();
    let journal = store.event_list(&Whose::All, &EventFilter::default(), None, 500).await.unwrap();
    assert!(log.len() > 10 && !journal.is_empty(), "{} {}", log.len(), journal.len());
    let intents = store.intents(10).await.unwrap();
    let links = asked.service.handoffs.links(&manager("A"), &iccid.parse().unwrap()).await.unwrap();
    write!(asked.said, "{log:?} {journal:?} {intents:?} {links:?}").unwrap();
    let mut files = Vec::new();
    for file in std::fs::read_dir(asked.bed.dir.path()).unwrap() {
        files.extend(std::fs::read(file.unwrap().path()).unwrap());
    }

    let logged = String::from_utf8(LOG.lock().unwrap().take().unwrap()).unwrap();
    assert!(logged.contains("answered"), "it was listened to: {} octets", logged.len());
    let raw = [K, OPC].map(|text| hex::decode(text).unwrap());
    for (what, canary) in [
        ("confirmation code", code.as_str()),
        ("matching ID", &matching_id),
        ("activation code", &activation_code),
        ("link", &token),
        ("K", K),
        ("OPc", OPC),
        ("K, as a list of numbers", &format!("{:?}", raw[0]).replace(['[', ']'], "")),
        ("OPc, as a list of numbers", &format!("{:?}", raw[1]).replace(['[', ']'], "")),
        ("API key", &key[22..80]),
        ("secret of a webhook", &secret[6..]),
        ("address of a webhook", "QUERYCANARY"),
        ("password", PASSWORD),
        ("session", &session),
    ] {
        let lines: Vec<_> = logged.lines().filter(|line| line.contains(canary)).collect();
        assert!(lines.is_empty(), "{what} in the log: {lines:?}");
        let place = asked
            .said
            .find(canary)
            .map(|at| String::from_utf8_lossy(&asked.said.as_bytes()[at.saturating_sub(300)..at + canary.len()]));
        assert!(place.is_none(), "{what} was said: {place:?}");
        let is_stored = files.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!is_stored, "{what} lies open in the database");
    }
    for (number, key) in raw.iter().enumerate() {
        assert!(!files.windows(key.len()).any(|window| window == key), "key {number} lies open in the database");
    }
}
