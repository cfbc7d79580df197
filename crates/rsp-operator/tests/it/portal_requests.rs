//! Requests to the portal that no page sends: whatever comes is answered on a page of the portal, and who may not is refused
//! before anything of it is read.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};

use crate::portal::{ORIGIN, Site};

/// What is sent where another thing belongs; no page repeats all of it.
const LONG: usize = 3_000;

/// A route: its pattern, and whether it can be looked at and sent to.
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) get: bool,
    pub(crate) post: bool,
}

/// Every route of the portal, out of the source that makes it.
pub(crate) fn routes() -> Vec<Route> {
    let sources = [include_str!("../../src/portal/mod.rs"), include_str!("../../src/handing_out.rs")];
    let mut routes: Vec<_> = sources
        .iter()
        .flat_map(|source| source.split(".route(\"").skip(1))
        .map(|text| {
            let (path, rest) = text.split_once('"').unwrap();
            let rest = rest.split(['\n', ';']).next().unwrap();
            Route { path: path.to_owned(), get: rest.contains("get("), post: rest.contains("post(") }
        })
        .collect();
    // The routes that take files are named by a list of the guard's.
    let guard = include_str!("../../src/portal/guard.rs");
    let uploads = guard.split("const UPLOADS").nth(1).and_then(|rest| rest.split('=').nth(1)).unwrap();
    let uploads = uploads.split(']').next().unwrap().split('"').skip(1).step_by(2);
    routes.extend(uploads.map(|path| Route { path: path.to_owned(), get: true, post: true }));
    let made: usize = sources.iter().map(|source| source.matches(".route(").count()).sum();
    assert_eq!(routes.len(), made, "one is written in another way than this reads");
    assert!(routes.len() > 50 && routes.iter().all(|route| route.get || route.post));
    routes
}

/// The addresses of a route, with what cannot be read in the place of what it names.
fn addresses(route: &Route) -> Vec<String> {
    let Some((before, rest)) = route.path.split_once('{') else { return vec![route.path.clone()] };
    let after = rest.split_once('}').unwrap().1;
    let long = "7".repeat(LONG);
    ["x", "%FF", "%00", "-1", "8900101000000000008", &long].map(|name| format!("{before}{name}{after}")).into()
}

/// Bodies that no form has, with their types.
fn bodies(csrf: &str) -> Vec<(&'static str, Vec<u8>)> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let with_token = |rest: &str| format!("csrf={csrf}&{rest}").into_bytes();
    let mut octets = with_token("name=");
    octets.extend([0xff, 0xfe, 0x00]);
    vec![
        (FORM, with_token("")),
        (FORM, with_token("disabled=perhaps&closed=perhaps&hours=many&role=king&name=%FF%00&plan=x&id=x")),
        (FORM, with_token(&format!("name={0}&role={0}&tenant={0}&plan={0}&iccids={0}&url={0}", "E".repeat(LONG)))),
        (FORM, octets),
        (FORM, with_token(&"x".repeat(70 * 1024))),
        (FORM, Vec::new()),
        ("application/json", b"{".to_vec()),
        ("multipart/form-data", b"--x".to_vec()),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"once\"\r\n\r\n1".to_vec()),
        ("", with_token("")),
    ]
}

const QUERY: &str = "days=x&state=x&kind=x&to=x&outcome=x&after=x&before=x&from=2026-13-01&until=x&codes=x&next=%FF";

/// What is answered to a request that cannot be read is a page, with the portal's headers, and has no library's words.
fn assert_page(what: &str, status: StatusCode, headers: &HeaderMap, body: &str) {
    assert!(!status.is_server_error(), "{what}: {status}");
    let value = |name: header::HeaderName| headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert!(value(header::CONTENT_SECURITY_POLICY).contains("default-src 'self'"), "{what}");
    assert!(!body.contains(&"E".repeat(600)) && !body.contains(&"7".repeat(600)), "{what} is repeated");
    for words in ["deserialize", "Invalid URL", "Expected request", "boundary", "buffer the request", "missing field `"]
    {
        assert!(!body.contains(words), "{what}: {words}");
    }
    if status.is_client_error() {
        assert!(value(header::CONTENT_TYPE).starts_with("text/html"), "{what}: {status} {body}");
        assert!(body.contains("· OpenRSP</title>") && body.contains("<h1>"), "{what}: {status} {body}");
    }
}

async fn ask(site: &Site, request: axum::http::request::Builder, body: Vec<u8>) -> (StatusCode, HeaderMap, String) {
    let (response, body) = site.send(request.header(header::ORIGIN, ORIGIN).body(Body::from(body)).unwrap()).await;
    (response.status(), response.headers().clone(), body)
}

#[tokio::test]
async fn whatever_cannot_be_read_is_answered_on_a_page_of_the_portal() {
    let site = Site::new().await;
    let (cookie, csrf) = site.sign_in("ann@A").await;
    let mut refused = 0;
    // Who signs out is not there any more.
    for route in routes().iter().filter(|route| route.path != "/sign-out") {
        for address in addresses(route) {
            for address in [address.clone(), format!("{address}?{QUERY}")] {
                let request = Request::get(&address).header(header::COOKIE, &cookie);
                let (status, headers, body) = ask(&site, request, Vec::new()).await;
                assert_page(&format!("GET {address}"), status, &headers, &body);
                refused += u32::from(status.is_client_error());
            }
            for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
                let request = Request::builder().method(&method).uri(&address).header(header::COOKIE, &cookie);
                let (status, headers, body) = ask(&site, request.header("x-csrf-token", &csrf), Vec::new()).await;
                assert_page(&format!("{method} {address}"), status, &headers, &body);
                assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {address}");
                assert!(headers.contains_key(header::ALLOW), "{method} {address}");
            }
            for (number, (kind, body)) in bodies(&csrf).into_iter().enumerate() {
                let request = Request::post(&address).header(header::COOKIE, &cookie);
                let request = request.header(header::CONTENT_TYPE, kind).header("x-csrf-token", &csrf);
                let (status, headers, body) = ask(&site, request, body).await;
                assert_page(&format!("POST {address}, {number}"), status, &headers, &body);
                refused += u32::from(status.is_client_error());
            }
        }
    }
    assert!(refused > 500, "{refused}");
    let request = Request::get("/nowhere/at%FFall?x=y").header(header::COOKIE, &cookie);
    let (status, headers, body) = ask(&site, request, Vec::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_page("/nowhere", status, &headers, &body);
    // The form that lacks something says what, and how to go on.
    let (status, body) = site.post(&cookie, "/users", ORIGIN, format!("csrf={csrf}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("name") && body.contains("is missing") && body.contains("load the page again"), "{body}");
}

#[tokio::test]
async fn who_may_not_is_refused_before_anything_is_read() {
    let site = Site::new().await;
    let (cookie, csrf) = site.sign_in("eye@A").await;
    let mut sent = 0;
    for route in routes() {
        let own = ["/sign-in", "/sign-out", "/account", "/assets"].iter().any(|start| route.path.starts_with(start));
        if own || !route.post {
            continue;
        }
        for address in addresses(&route) {
            // As a page of the portal sends it, and without its token.
            for token in [csrf.as_str(), ""] {
                for (number, (kind, body)) in bodies(token).into_iter().enumerate() {
                    let request = Request::post(&address).header(header::COOKIE, &cookie);
                    let (status, headers, body) = ask(&site, request.header(header::CONTENT_TYPE, kind), body).await;
                    assert_eq!(status, StatusCode::FORBIDDEN, "{address}, {number}: {body}");
                    assert!(!token.is_empty() || body.contains("Not with your role"), "{address}, {number}: {body}");
                    assert_page(&address, status, &headers, &body);
                    sent += 1;
                }
            }
        }
    }
    assert!(sent > 500, "{sent}");
    for path in ["/log?before=x", "/users?x=%FF", "/keys", "/webhooks/x", "/provision", "/orders/x/qr.png", "/import"] {
        assert_eq!(site.get(&cookie, path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn parts_of_pages_and_scripts_are_told_in_their_form() {
    let site = Site::new().await;
    let (cookie, csrf) = site.sign_in("ann@A").await;
    let request = Request::get("/live/orders/x").header(header::COOKIE, &cookie).header("hx-request", "true");
    let (status, headers, body) = ask(&site, request, Vec::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert!(body.starts_with("<p class=\"note bad\" role=\"alert\">") && !body.contains("<html"), "{body}");
    for (path, cookie) in [("/sign-in/passkey", ""), ("/account/passkeys", &cookie), ("/account/passkeys", "")] {
        let request = Request::post(path).header(header::COOKIE, cookie).header(header::ACCEPT, "application/json");
        let request = request.header(header::CONTENT_TYPE, "application/json").header("x-csrf-token", &csrf);
        let (status, headers, body) = ask(&site, request, b"{\"credential\":1}".to_vec()).await;
        let expected = if path == "/account/passkeys" && cookie.is_empty() { 401 } else { 400 };
        assert_eq!(status, expected, "{path}: {body}");
        assert!(headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/json"), "{path}");
        assert!(body.starts_with("{\"problem\":") && !body.contains("credential"), "{path}: {body}");
    }
}
