//! The portal's pages: every figure counts the rows that it links to, and no form of another site is taken.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use rsp_crypto::{Randomness as _, RandomnessExt as _, Zeroizing};
use rsp_operator::account::{Accounts, Add, NewPassword, Origin, Role};
use rsp_operator::webhooks::AddressRules;
use rsp_operator::{Actor, Rights, Service};
use rsp_store::{EventKind, NewEvent, NewProfile, NewProfileType, ProfileState};
use tower::ServiceExt as _;

use crate::bed::{Bed, bed};
use crate::support::{Counter, NOW};

pub(crate) const ORIGIN: &str = "https://portal.example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The portal with the users ann of A and bob of B (administrators), and eye of A, who only looks.
pub(crate) struct Site {
    pub(crate) bed: Bed,
    pub(crate) router: Router,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) service: Arc<Service>,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let bed = bed().await;
        let origin = Origin::of(ORIGIN).unwrap();
        let rules = AddressRules::default();
        let certificates = Box::new(crate::pages::Ci(crate::pages::ci()));
        let service = Service::new(Arc::clone(&bed.desk), origin, rules, certificates, true);
        let accounts = Arc::clone(&service.accounts);
        for (name, operator, role) in [("ann", "A", Role::Admin), ("bob", "B", Role::Admin), ("eye", "A", Role::Viewer)]
        {
            let password = NewPassword::chosen(Zeroizing::new(PASSWORD.to_owned())).unwrap();
            let add =
                Add { name: name.to_owned(), operator: Some(operator.to_owned()), role, password: Some(password) };
            accounts.add_user(&Actor::new(None, "test", Rights::ALL), add).await.unwrap();
        }
        Self { router: Arc::clone(&service).router(), bed, accounts, service }
    }

    /// A browser's cookie, and the token of its forms.
    pub(crate) async fn sign_in(&self, name: &str) -> (String, String) {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let signed_in = self.accounts.sign_in(name, password, None).await.unwrap_or_else(|error| panic!("{error}"));
        let session = self.accounts.session(&signed_in.token).await.unwrap().unwrap();
        (format!("__Host-openrsp={}", *signed_in.token), session.csrf)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (Response<()>, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (Response::from_parts(parts, ()), String::from_utf8_lossy(&body).into_owned())
    }

    pub(crate) async fn get(&self, cookie: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let (response, body) = self.send(request).await;
        (response.status(), body)
    }

    pub(crate) async fn post(&self, cookie: &str, path: &str, origin: &str, form: String) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::COOKIE, cookie)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (response, body) = self.send(request.body(Body::from(form)).unwrap()).await;
        (response.status(), body)
    }

    /// Rows of a list over all its pages.
    pub(crate) async fn rows(&self, cookie: &str, address: &str) -> u64 {
        let (mut rows, mut next) = (0, Some(address.to_owned()));
        while let Some(address) = next {
            let (status, body) = self.get(cookie, &address).await;
            assert_eq!(status, StatusCode::OK, "{address}");
            let body = body.split("<tbody>").nth(1).unwrap_or_default();
            rows += body.matches("<tr>").count() as u64;
            let link = body.split("<a class=\"button\" href=\"").find(|link| link.contains("rel=\"next\""));
            next = link.and_then(|link| unescape(link.split('"').next()?)).filter(|_| body.contains("rel=\"next\""));
        }
        rows
    }
}

pub(crate) fn unescape(text: &str) -> Option<String> {
    Some(text.replace("&#38;", "&").replace("&amp;", "&"))
}

/// Addresses and numbers of everything on the dashboard that is counted.
fn figures(page: &str) -> Vec<(String, u64)> {
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok();
    let mut found = Vec::new();
    for part in page.split("href=\"").skip(1) {
        let Some((address, rest)) = part.split_once('"') else { continue };
        let value = if rest.contains("class=\"value\"") && address.starts_with("/events") {
            rest.split("class=\"value\">").nth(1)
        } else if address.starts_with("/orders?state=") {
            rest.split('>').nth(1)
        } else if address.starts_with("/events?") {
            rest.split("class=\"number\">").nth(1)
        } else {
            None
        };
        let value = value.and_then(|value| number(value.split('<').next()?));
        found.extend(unescape(address).zip(value));
    }
    found
}

/// What devices and operators could have done with 200 orders: installed, refused, given up, left alone.
async fn random_orders(site: &Site) {
    let mut chance = Counter(4711);
    chance.fill(&mut [0; 8]);
    let types: Result<(), rsp_store::Error> = site
        .bed
        .store
        .run_tx("types", |tx| {
            for (name, operator) in [("alpha", "A"), ("beta", "A"), ("other", "B")] {
                tx.insert_profile_type(&NewProfileType {
                    name: name.to_owned(),
                    operator: Some(operator.to_owned()),
                    iccids: None,
                    metadata: vec![1],
                    template: None,
                    created_at: NOW,
                })?;
            }
            Ok(())
        })
        .await;
    types.unwrap();
    for number in 0..200u32 {
        let [which, fate, wrong, days] = chance.bytes::<4>();
        let (profile_type, operator) = [("alpha", "A"), ("beta", "A"), ("other", "B")][usize::from(which % 3)];
        let digits = format!("8901000000{number:08}");
        let iccid = (0..10).find_map(|check| format!("{digits}{check}").parse::<rsp_asn1::Iccid>().ok()).unwrap();
        let at = NOW.plus_seconds(-i64::from(days % 10) * 86_400);
        let fates: &[ProfileState] = match fate % 4 {
            0 => &[ProfileState::Downloaded, ProfileState::Installed],
            1 => &[ProfileState::Downloaded, ProfileState::Error],
            2 => &[ProfileState::Unavailable],
            _ => &[],
        };
        let new = move || NewProfile {
            iccid,
            profile_type: profile_type.to_owned(),
            operator: Some(operator.to_owned()),
            state: ProfileState::Released,
            metadata: vec![1],
            package: Zeroizing::new(vec![1]),
            at,
            by: "test".to_owned(),
        };
        site.bed.store.run_tx("order", move |tx| tx.insert_profile(&new())).await.unwrap();
        for (seconds, state) in (1..).zip(fates) {
            let profile = site.bed.store.profile(&iccid).await.unwrap().unwrap();
            let mut change = profile.change("test", at.plus_seconds(seconds * 7));
            change.state = *state;
            let change = std::sync::Mutex::new(Some(change));
            let changed = site.bed.store.run_tx("change", move |tx| {
                let change = change.lock().unwrap().take().expect("one run");
                tx.change_profile(&change)
            });
            assert!(changed.await.unwrap());
        }
        for step in ["AuthenticateClient", "GetBoundProfilePackage"] {
            let refused = match wrong % 5 {
                0 => Some(("8.2.6".to_owned(), "3.8".to_owned())),
                1 => Some(("8.2.7".to_owned(), "3.8".to_owned())),
                _ => None,
            };
            let event = NewEvent {
                at,
                operator: Some(operator.to_owned()),
                iccid: Some(iccid),
                profile_type: Some(profile_type.to_owned()),
                kind: EventKind::Step,
                actor: "LPA".to_owned(),
                step: Some(step.to_owned()),
                refused,
                detail: None,
            };
            site.bed.store.run_tx("step", move |tx| tx.record_event(&event)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_figure_counts_the_rows_that_it_links_to_and_those_in_the_database() {
    let site = Site::new().await;
    random_orders(&site).await;
    let (cookie, _) = site.sign_in("ann@A").await;
    let database = rusqlite::Connection::open(site.bed.dir.path().join("test.db")).unwrap();
    let count = |condition: &str| -> u64 {
        let text = format!("SELECT count(*) FROM events WHERE operator = 'A' AND {condition}");
        database.query_row(&text, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
    };
    let today = NOW.0 / 86_400;
    for days in [1, 7, 30] {
        let (status, page) = site.get(&cookie, &format!("/?days={days}")).await;
        assert_eq!(status, StatusCode::OK);
        let found = figures(&page);
        assert!(found.len() >= 8, "{found:?}");
        let mut all = 0;
        for (address, figure) in &found {
            if address.contains("activations=") {
                continue;
            }
            assert_eq!(site.rows(&cookie, address).await, *figure, "{address}");
            all += figure;
        }
        assert!(all > 0);
        let since = (today + 1 - days) * 86_400;
        for (part, condition) in [
            ("to=Installed&", "kind = 'State' AND to_state = 'Installed'"),
            ("to=Unavailable&", "kind = 'State' AND to_state = 'Unavailable'"),
            ("step=AuthenticateClient&outcome=taken", "step = 'AuthenticateClient' AND subject IS NULL"),
            ("step=GetBoundProfilePackage&outcome=taken", "step = 'GetBoundProfilePackage' AND subject IS NULL"),
            ("kind=Step&outcome=refused", "subject IS NOT NULL"),
        ] {
            let (_, figure) =
                found.iter().find(|(address, _)| address.contains(part)).unwrap_or_else(|| panic!("{part}"));
            assert_eq!(*figure, count(&format!("{condition} AND at >= {since}")), "{days} days, {part}");
        }
    }
}

#[tokio::test]
async fn a_role_can_do_what_it_may_and_no_more() {
    let site = Site::new().await;
    let sold = site.bed.sell("A", 7).await;
    let (cookie, csrf) = site.sign_in("eye@A").await;
    for path in ["/", "/orders", "/events", "/plans", "/account"] {
        assert_eq!(site.get(&cookie, path).await.0, StatusCode::OK, "{path}");
    }
    let (_, body) = site.get(&cookie, &format!("/orders/{sold}")).await;
    assert!(!body.contains("MATCHING-ID-7"), "who may not provision is not told activation codes");
    for path in ["/users", "/log", "/keys", "/webhooks", "/provision", &format!("/orders/{sold}/qr.png")] {
        assert_eq!(site.get(&cookie, path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["/users", "/plans", "/keys", "/webhooks", "/provision", &format!("/orders/{sold}/cancel")] {
        let form = format!("csrf={csrf}&name=x&role=admin&url=https://x.example&sealed=");
        let (status, _) = site.post(&cookie, path, ORIGIN, form).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn prices_are_shown_as_they_were_filled_in() {
    let site = Site::new().await;
    let (cookie, csrf) = site.sign_in("ann@A").await;
    let new = NewProfileType {
        name: "alpha".to_owned(),
        operator: Some("A".to_owned()),
        iccids: None,
        metadata: vec![1],
        template: None,
        created_at: NOW,
    };
    site.bed.store.run_tx("type", move |tx| tx.insert_profile_type(&new)).await.unwrap();
    for (name, price, currency, kept, shown) in [
        ("yen", "1000", "JPY", 1000, "1000 JPY"),
        ("euro", "9,9", "eur", 990, "9.90 EUR"),
        ("dinar", "1.234", "KWD", 1234, "1.234 KWD"),
    ] {
        let form = format!(
            "csrf={csrf}&carrier=C&name={name}&profile_type=alpha&country=DE&price={price}&currency={currency}"
        );
        let (status, body) = site.post(&cookie, "/plans", ORIGIN, form).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(body.contains(&format!(">{shown}<")), "{shown}: {body}");
        assert_eq!(site.bed.store.plan("A", "C", name).await.unwrap().unwrap().price, Some(kept), "{name}");
    }
    let form = format!("csrf={csrf}&carrier=C&name=n&profile_type=alpha&country=DE&price=9.90&currency=JPY");
    let (status, body) = site.post(&cookie, "/plans", ORIGIN, form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("no amount such as 990"), "{body}");
}

#[tokio::test]
async fn no_form_of_another_site_or_session_is_taken() {
    let site = Site::new().await;
    let (cookie, csrf) = site.sign_in("ann@A").await;
    let (_, bobs) = site.sign_in("bob@B").await;
    let form = |csrf: &str| format!("csrf={csrf}&name=eve&role=viewer");
    for (origin, token) in [
        ("https://evil.example", csrf.as_str()),
        ("null", &csrf),
        (ORIGIN, ""),
        (ORIGIN, &bobs),
        ("http://portal.example.com", &csrf),
    ] {
        let (status, _) = site.post(&cookie, "/users", origin, form(token)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{origin} {token}");
    }
    assert_eq!(site.bed.store.users_of("A").await.unwrap().len(), 2);
    let (status, body) = site.post(&cookie, "/users", ORIGIN, form(&csrf)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(site.bed.store.users_of("A").await.unwrap().len(), 3);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_safe() {
    let site = Site::new().await;
    let (cookie, _) = site.sign_in("ann@A").await;
    for path in ["/", "/sign-in", "/assets/portal.css", "/nowhere", "/orders/1", "/users"] {
        let request = Request::get(path).header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
        let (response, body) = site.send(request).await;
        let value = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = value("content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert!(value("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(!body.contains(" style=") && !body.contains("<script>") && !body.contains(" onclick="), "{path}");
        assert!(!body.contains("src=\"http") && !body.contains("href=\"http"), "{path}");
    }
    let request = Request::get("/orders?state=Released").body(Body::empty()).unwrap();
    let (response, _) = site.send(request).await;
    assert_eq!(response.headers()[header::LOCATION], "/sign-in?next=/orders%3Fstate%3DReleased");
    let form = format!("name=ann%40A&password={}", PASSWORD.replace(' ', "+"));
    let request = Request::post("/sign-in")
        .header(header::ORIGIN, ORIGIN)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let (response, _) = site.send(request).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-openrsp="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}
