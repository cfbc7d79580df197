//! What every request to the portal goes through: security headers, whose page it comes from, who is signed in, and whether
//! a form is one of theirs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::asker::Asker;
use super::failure::{self, FAILED, Failure, Said, TOO_LARGE};
use super::rights;
use crate::account::{Origin, Session};
use crate::actor::{Actor, Right};
use crate::error::Error;
use crate::service::Service;

/// Octets of a form, and of one with a file: as large as a list may be, and the other fields.
pub(super) const FORM: usize = 64 * 1024;
pub(crate) const UPLOAD: usize = crate::batch::MAX_SIZE + FORM;
/// Where there are forms with files.
pub(crate) const UPLOADS: [&str; 2] = ["/batches", "/import"];

/// Everything from here; nothing inline; in no frame. Downloads and printing need nothing more.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Somebody who is signed in. As an argument of a handler it is there on every route behind the guard.
#[derive(Clone)]
pub struct Viewer {
    /// The browser's session.
    pub session: Session,
    /// As whom it acts.
    pub actor: Actor,
}

impl Viewer {
    /// Refuses who lacks a right.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require(&self, right: Right) -> Result<(), Failure> {
        if self.actor.rights().has(right) { Ok(()) } else { Err(Failure(Error::Forbidden(right))) }
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// The guard of pages that are for everybody: headers, and whose page a form comes from.
pub(super) async fn open(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let asker = Asker::of(&request);
    if !is_safe(request.method()) && !comes_from_here(request.headers(), service.accounts.origin()) {
        return protect(asker.failure(None, &foreign()), &service);
    }
    let response = next.run(request).await;
    protect(asker.draw(response, None), &service)
}

/// The guard of pages for those who are signed in: who it is, where the request comes from, whether they may, whether the form
/// is one of theirs. What comes later of it is read only if all before holds.
pub(super) async fn closed(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let asker = Asker::of(&request);
    let viewer = match viewer(&service, request.headers()).await {
        Ok(Some(viewer)) => viewer,
        Ok(None) => return protect(asker.to_sign_in(&request), &service),
        Err(error) => return protect(asker.failure(None, &failure::said(&error)), &service),
    };
    let mut request = match admitted(&service, &viewer, request).await {
        Ok(request) => request,
        Err(said) => return protect(asker.failure(Some(&viewer), &said), &service),
    };
    request.extensions_mut().insert(viewer.clone());
    let response = if is_safe(request.method()) {
        next.run(request).await
    } else {
        // In a task of its own: a browser that goes away does not leave a change half done.
        tokio::spawn(next.run(request)).await.unwrap_or_else(|_| asker.failure(Some(&viewer), &panicked()))
    };
    protect(asker.draw(response, Some(&viewer)), &service)
}

/// The request, if it comes from a page of this portal, of somebody who may, and of their session.
async fn admitted(service: &Service, viewer: &Viewer, request: Request) -> Result<Request, Said> {
    let changes = !is_safe(request.method());
    if changes && !comes_from_here(request.headers(), service.accounts.origin()) {
        return Err(foreign());
    }
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        let right = rights::needed(request.method(), route.as_str());
        viewer.actor.require(right).map_err(|error| failure::said(&error))?;
    }
    if changes { with_token(request, &viewer.session).await } else { Ok(request) }
}

/// Who is signed in, by the cookie.
pub(super) async fn viewer(service: &Service, headers: &HeaderMap) -> Result<Option<Viewer>, Error> {
    let name = service.accounts.origin().cookie();
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let Some((_, token)) = values.find(|(key, _)| *key == name) else { return Ok(None) };
    let session = service.accounts.session(token).await?;
    Ok(session.map(|session| Viewer { actor: session.actor(), session }))
}

pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether the browser says that a page of ours sent this. A request of no browser has neither header, and is refused, too:
/// programs have the API.
fn comes_from_here(headers: &HeaderMap, origin: &Origin) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text("sec-fetch-site").map(|site| site == "same-origin");
    let from = text("origin").map(|from| from == origin.as_str());
    match (site, from) {
        (Some(site), Some(from)) => site && from,
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => false,
    }
}

fn foreign() -> Said {
    let detail =
        "This was not sent by a page of this portal, or the portal is reached at another address than its own.";
    Said { status: StatusCode::FORBIDDEN, title: "Refused", detail: detail.to_owned() }
}

fn panicked() -> Said {
    Said { status: StatusCode::INTERNAL_SERVER_ERROR, title: "Something failed here", detail: FAILED.to_owned() }
}

/// The request, if its form or its header carries the session's token.
async fn with_token(request: Request, session: &Session) -> Result<Request, Said> {
    let stale = || Said {
        status: StatusCode::FORBIDDEN,
        title: "This form is out of date",
        detail: "It was made for another session. Go back, load the page again, and repeat it.".to_owned(),
    };
    if let Some(token) = request.headers().get("x-csrf-token") {
        let fits = token.to_str().is_ok_and(|token| session.owns(token));
        return if fits { Ok(request) } else { Err(stale()) };
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let multipart = kind.starts_with("multipart/form-data");
    let (parts, body) = request.into_parts();
    let limit = if multipart && UPLOADS.contains(&parts.uri.path()) { UPLOAD } else { FORM };
    let body = axum::body::to_bytes(body, limit).await.map_err(|_| Said {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        title: "Too large",
        detail: TOO_LARGE.to_owned(),
    })?;
    let token = if multipart { token_of_multipart(&body) } else { token_of_form(&body) };
    match token {
        Some(token) if session.owns(token) => Ok(Request::from_parts(parts, Body::from(body))),
        _ => Err(stale()),
    }
}

/// The token needs no escaping, so that the form need not be decoded to find it.
fn token_of_form(body: &[u8]) -> Option<&str> {
    body.split(|byte| *byte == b'&').find_map(|pair| std::str::from_utf8(pair.strip_prefix(b"csrf=")?).ok())
}

/// The token has to be the first field, before any file: it is looked for in the first part only.
fn token_of_multipart(body: &[u8]) -> Option<&str> {
    let head = std::str::from_utf8(body.get(..body.len().min(400))?)
        .or_else(|error| std::str::from_utf8(&body[..error.valid_up_to()]))
        .ok()?;
    let (first, rest) = head.split_once("\r\n\r\n")?;
    first.contains("name=\"csrf\"").then(|| rest.split_once("\r\n").map(|(token, _)| token))?
}

/// The headers of every answer.
fn protect(mut response: Response, service: &Service) -> Response {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    let permissions = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), \
                       publickey-credentials-create=(self)";
    set(HeaderName::from_static("permissions-policy"), permissions);
    if service.accounts.origin().is_secure() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{comes_from_here, token_of_form, token_of_multipart};
    use crate::account::Origin;

    #[test]
    fn only_pages_of_the_portal_may_send_forms() {
        let origin = Origin::of("https://portal.example.com").unwrap();
        for (site, from, allowed) in [
            (Some("same-origin"), Some("https://portal.example.com"), true),
            (Some("same-origin"), None, true),
            (None, Some("https://portal.example.com"), true),
            (None, None, false),
            (Some("cross-site"), Some("https://portal.example.com"), false),
            (Some("same-site"), None, false),
            (Some("none"), None, false),
            (Some("same-origin"), Some("https://evil.example"), false),
            (None, Some("null"), false),
            (None, Some("http://portal.example.com"), false),
            (None, Some("https://portal.example.com.evil.example"), false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", from)] {
                if let Some(value) = value {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
                }
            }
            assert_eq!(comes_from_here(&headers, &origin), allowed, "{site:?} {from:?}");
        }
    }

    #[test]
    fn the_token_is_found_in_both_kinds_of_forms() {
        assert_eq!(token_of_form(b"a=b&csrf=to-ken_1&c=d"), Some("to-ken_1"));
        assert_eq!(token_of_form(b"xcsrf=1&a=csrf=2"), None);
        let part =
            |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nto-ken\r\n--x--");
        assert_eq!(token_of_multipart(part("csrf").as_bytes()), Some("to-ken"));
        assert_eq!(token_of_multipart([part("csrf").as_bytes(), &[0xff; 500]].concat().as_slice()), Some("to-ken"));
        assert_eq!(token_of_multipart(part("file").as_bytes()), None);
        assert_eq!(token_of_multipart((part("file") + &part("csrf")).as_bytes()), None);
    }
}
