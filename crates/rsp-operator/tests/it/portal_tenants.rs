//! The portal: what one tenant learns of another, on every route that there is.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use rsp_operator::keys::NewKey;
use rsp_operator::webhooks::WantedWebhook;
use rsp_operator::{NewPlan, Rights};
use rsp_store::{EventKind, NewBatch, NewBatchRow, NewProfileType};

use crate::bed::{iccid, manager};
use crate::portal::{ORIGIN, Site};
use crate::portal_requests::routes;
use crate::support::NOW;

/// A thing of B's and one that nobody has, of each kind that a route or a form can name.
struct Named {
    iccid: [String; 2],
    webhook: [String; 2],
    key: [String; 2],
    number: [String; 2],
}

const TENANT: [&str; 2] = ["B", "Z"];
const CARRIER: [&str; 2] = ["Canarycarrier", "Nobodycarrier"];
const USER: [&str; 2] = ["bob@B", "nil@Z"];
const KIND: [&str; 2] = ["type of B", "type of Z"];

/// B has one of everything.
async fn give_to_b(site: &Site) -> Named {
    let theirs = site.bed.sell("B", 7).await;
    let bob = manager("B");
    let kind = NewProfileType {
        name: KIND[0].to_owned(),
        operator: Some("B".to_owned()),
        iccids: None,
        metadata: vec![1],
        template: None,
        created_at: NOW,
    };
    let list = NewBatch {
        operator: "B".to_owned(),
        name: "LISTCANARY".to_owned(),
        created_at: NOW,
        created_by: "user bob".to_owned(),
        rows: vec![NewBatchRow {
            line: 1,
            carrier: CARRIER[0].to_owned(),
            plan: "Basic".to_owned(),
            eid: None,
            device_id: None,
            reference: None,
        }],
    };
    let insert = move |tx: &mut rsp_store::Transaction| {
        tx.insert_profile_type(&kind)?;
        tx.insert_batch(&list)
    };
    let number = site.bed.store.run_tx("fixture", insert).await.unwrap();
    let plan = NewPlan {
        carrier: CARRIER[0].to_owned(),
        name: "Basic".to_owned(),
        profile_type: KIND[0].to_owned(),
        country: "DE".to_owned(),
        ..NewPlan::default()
    };
    site.bed.desk.add_plan(&bob, plan).await.unwrap();
    let new = NewKey { tenant: "B".to_owned(), name: "KEYCANARY".to_owned(), rights: Rights::ALL, expires_at: None };
    let key = site.service.keys.add(new, "test", NOW).await.unwrap().1[5..21].to_owned();
    let wanted = WantedWebhook {
        tenant: None,
        url: "https://canary.example.com/hook".to_owned(),
        kinds: vec![EventKind::State],
    };
    let webhook = site.service.webhooks.add(&bob, &wanted).await.unwrap().webhook.id;
    Named {
        iccid: [theirs.to_string(), iccid(8).to_string()],
        webhook: [webhook, "wh_00000000000000000000000000000000".to_owned()],
        key: [key, "0000000000000000".to_owned()],
        number: [number.to_string(), "4711471147114711".to_owned()],
    }
}

impl Named {
    /// The pairs of names of which one is B's.
    fn pairs(&self) -> Vec<[&str; 2]> {
        let owned = [&self.iccid, &self.webhook, &self.key, &self.number];
        let mut pairs: Vec<_> = owned.iter().map(|[theirs, nobodys]| [theirs.as_str(), nobodys.as_str()]).collect();
        pairs.extend([CARRIER, USER, KIND, TENANT]);
        pairs
    }

    /// A page without the names, whichever it was asked for, and without what is drawn anew for each form.
    fn without_names(&self, page: &str) -> String {
        let mut parts = page.split("name=\"once\" value=\"");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str(part.split_once('"').map_or("", |(_, rest)| rest));
        }
        self.pairs().into_iter().flatten().fold(text, |text, name| text.replace(name, "X"))
    }

    /// The route's address, with B's thing or nobody's.
    fn address(&self, route: &str, which: usize) -> String {
        route
            .replace("{iccid}", &self.iccid[which])
            .replace("{number}", &self.number[which])
            .replace("{id}", &self.webhook[which])
    }
}

/// Routes that are about whoever asks and nobody else, or the same for everybody.
const OWN: [&str; 10] = [
    "/assets/{name}",
    "/sign-in",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
    "/sign-out",
    "/account",
    "/account/password",
    "/account/passkeys",
    "/account/passkeys/options",
    "/account/passkeys/remove",
];

/// Everything that a form of this route can name.
fn form(route: &str, named: &Named, which: usize) -> Vec<(&'static str, String)> {
    let text = |pair: [&str; 2]| pair[which].to_owned();
    let plan = [TENANT[which], CARRIER[which], "Basic"].join("\n");
    match route {
        "/provision" | "/import" => vec![("plan", plan), ("confirmation", "none".to_owned())],
        "/plans" => vec![
            ("carrier", "C".to_owned()),
            ("name", "N".to_owned()),
            ("country", "DE".to_owned()),
            ("profile_type", text(KIND)),
        ],
        "/plans/close" => vec![("plan", plan), ("closed", "true".to_owned())],
        "/keys" => vec![("tenant", text(TENANT)), ("name", "new".to_owned()), ("right", "read".to_owned())],
        "/keys/rotate" | "/keys/revoke" => vec![("id", named.key[which].clone())],
        "/webhooks" => vec![
            ("tenant", text(TENANT)),
            ("url", "https://a.example.com/hook".to_owned()),
            ("kind", "state".to_owned()),
        ],
        "/webhooks/test" | "/webhooks/rotate" | "/webhooks/remove" => vec![("id", named.webhook[which].clone())],
        "/users" => {
            vec![("name", text(["carl", "dora"])), ("role", "viewer".to_owned()), ("operator", text(TENANT))]
        }
        "/users/password" | "/users/role" | "/users/disable" => {
            vec![("name", text(USER)), ("role", "viewer".to_owned()), ("disabled", "true".to_owned())]
        }
        "/sheets" => vec![("iccids", named.iccid[which].clone())],
        "/batches" => vec![("tenant", text(TENANT))],
        route if route.contains('{') => vec![("sealed", "AAAA".to_owned()), ("hours", "1".to_owned())],
        _ => panic!("POST {route}: no case of this test knows it"),
    }
}

/// A form with a file, as browsers send it.
fn multipart(fields: &[(&'static str, String)], file: &str) -> (String, String) {
    let part = |head: &str, text: &str| format!("--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
    let mut body: String = fields.iter().map(|(name, value)| part(&format!("name=\"{name}\""), value)).collect();
    body += &part("name=\"file\"; filename=\"list\"", file);
    ("multipart/form-data; boundary=edge".to_owned(), body + "--edge--\r\n")
}

async fn send(site: &Site, cookie: &str, csrf: &str, route: &str, named: &Named, which: usize) -> (StatusCode, String) {
    let mut fields = vec![("csrf", csrf.to_owned())];
    // Forms that are sent once say so, for each time anew.
    if ["/provision", "/import", "/batches"].contains(&route) {
        fields.push(("once", format!("{route} {which}")));
    }
    fields.extend(form(route, named, which));
    let (kind, body) = match route {
        "/import" => multipart(
            &fields,
            "imsi,k,opc\n001010000000001,000102030405060708090a0b0c0d0e0f,000102030405060708090a0b0c0d0e0f\n",
        ),
        "/batches" => multipart(&fields, &format!("carrier,plan\n{},Basic\n", CARRIER[which])),
        _ => {
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(fields);
            ("application/x-www-form-urlencoded".to_owned(), body.finish())
        }
    };
    let request = Request::post(named.address(route, which))
        .header(header::COOKIE, cookie)
        .header(header::ORIGIN, ORIGIN)
        .header(header::CONTENT_TYPE, kind);
    let (response, body) = site.send(request.body(Body::from(body)).unwrap()).await;
    (response.status(), body)
}

/// What B sees of its things.
async fn everything(site: &Site, cookie: &str, named: &Named) -> Vec<String> {
    let mut seen = Vec::new();
    for path in [
        "/orders".to_owned(),
        format!("/orders/{}", named.iccid[0]),
        format!("/orders/{}/links", named.iccid[0]),
        "/plans".to_owned(),
        "/keys".to_owned(),
        "/webhooks".to_owned(),
        format!("/webhooks/{}", named.webhook[0]),
        "/users".to_owned(),
        "/batches".to_owned(),
        format!("/batches/{}", named.number[0]),
        "/log".to_owned(),
    ] {
        let (status, page) = site.get(cookie, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        seen.push(named.without_names(&page));
    }
    seen
}

/// Walks every route: what is B's answers A as what nobody has. A new route is walked by itself; a new form without a case fails.
#[tokio::test]
async fn nothing_of_another_tenant_is_there_on_any_route() {
    let site = Site::new().await;
    let named = give_to_b(&site).await;
    let (cookie, csrf) = site.sign_in("ann@A").await;
    let (bobs, _) = site.sign_in("bob@B").await;
    let before = everything(&site, &bobs, &named).await;
    let mut canaries =
        vec!["LISTCANARY", "KEYCANARY", CARRIER[0], USER[0], KIND[0], "canary.example.com", "MATCHING-ID-7"];
    canaries.extend([&named.iccid, &named.webhook, &named.key, &named.number].map(|pair| pair[0].as_str()));
    let mut walked = 0;
    for route in routes().iter().filter(|route| !OWN.contains(&route.path.as_str())) {
        let path = &route.path;
        let names = path.contains('{');
        if route.get {
            // Without any wish, and with that for another tenant or for its things.
            for query in [
                "",
                "?tenant={t}",
                "?tenant={t}&of=carriers",
                "?q={i}",
                "?type={k}",
                "?carrier={c}",
                "?operator={t}&name={u}",
            ] {
                let [theirs, nobodys] = [0, 1].map(|which| {
                    let query = query.replace("{t}", TENANT[which]).replace("{i}", &named.iccid[which]);
                    let query = query.replace("{k}", &KIND[which].replace(' ', "+")).replace("{c}", CARRIER[which]);
                    named.address(path, which) + &query.replace("{u}", USER[which])
                });
                let (status, page) = site.get(&cookie, &theirs).await;
                let (same, nothing) = site.get(&cookie, &nobodys).await;
                assert_eq!(status, same, "GET {theirs}");
                assert_eq!(named.without_names(&page), named.without_names(&nothing), "GET {theirs}");
                assert!(!names || status == StatusCode::NOT_FOUND, "GET {theirs}: {status}");
                let leaked = canaries
                    .iter()
                    .find(|canary| page.contains(**canary) && !theirs.replace('+', " ").contains(**canary));
                assert_eq!(leaked, None, "GET {theirs}: {page}");
                walked += 1;
            }
        }
        if route.post {
            let (status, page) = send(&site, &cookie, &csrf, path, &named, 0).await;
            let (same, nothing) = send(&site, &cookie, &csrf, path, &named, 1).await;
            walked += 1;
            if path == "/users" {
                // Whoever is no member of the staff adds users of their own, whatever the form names.
                assert_eq!((status, same), (StatusCode::OK, StatusCode::OK), "POST {path}: {page}");
                let leaked = canaries.iter().find(|canary| page.contains(**canary) || nothing.contains(**canary));
                assert_eq!(leaked, None, "POST {path}: {page}");
                continue;
            }
            assert_eq!(status, same, "POST {path}: {page}\n{nothing}");
            assert_eq!(named.without_names(&page), named.without_names(&nothing), "POST {path}");
            assert_eq!(status, StatusCode::NOT_FOUND, "POST {path}: {page}");
        }
    }
    assert!(walked > 200, "{walked}");
    assert!(everything(&site, &bobs, &named).await == before, "something of B's has changed");
}
