//! The page behind a link.
//!
//! Opening it consumes nothing and says nothing, not even whether the link works: programs for mail open links to look for
//! harm. Only the button, which sends a form, redeems it. Links that do not work get one answer, whatever the reason.
//!
//! The pages hold all that they need; they load nothing, keep nothing, and tell the sites behind their links nothing.

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_crypto::hash;
use rsp_es::printable::printable;

use super::link::{HandedOut, Handoffs};
use super::links::{Links, links};
use crate::qr;

/// The one style, which stands in each page.
const STYLE: &str = include_str!("../../templates/handoff/style.css");

/// Characters of a carrier's or plan's name.
const NAME_LIMIT: usize = 100;

/// Only the style with this hash is applied, forms go to the page itself, and nothing is loaded.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(hash::sha256(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    // Of visible ASCII alone.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

#[derive(Clone)]
struct Pages {
    handoffs: Arc<Handoffs>,
    test_pki: bool,
}

#[derive(Template)]
#[template(path = "handoff/offer.html")]
struct OfferPage {
    style: &'static str,
}

#[derive(Template)]
#[template(path = "handoff/gone.html")]
struct GonePage {
    style: &'static str,
}

#[derive(Template)]
#[template(path = "handoff/code.html")]
struct CodePage<'a> {
    style: &'static str,
    carrier: String,
    plan: String,
    iccid: String,
    links: &'a Links,
    qr: String,
    smdp_address: &'a str,
    matching_id: &'a str,
    confirmation_code_required: bool,
    test_pki: bool,
}

/// The page of the links, `/e/{token}`. `test_pki` says whether the SM-DP+ stands under a PKI of tests, which is then said.
pub fn router(handoffs: Arc<Handoffs>, test_pki: bool) -> Router {
    Router::new().route("/e/{token}", get(offer).post(redeem)).with_state(Pages { handoffs, test_pki })
}

async fn offer() -> Response {
    page(StatusCode::OK, &OfferPage { style: STYLE })
}

async fn redeem(State(pages): State<Pages>, token: Result<Path<String>, PathRejection>) -> Response {
    let token = token.map_or_else(|_| String::new(), |Path(token)| token);
    match pages.handoffs.redeem(&token).await {
        Ok(Some(handed_out)) => code_page(&handed_out, pages.test_pki),
        Ok(None) => page(StatusCode::NOT_FOUND, &GonePage { style: STYLE }),
        Err(error) => {
            tracing::error!(%error, "a link was not redeemed");
            page(StatusCode::SERVICE_UNAVAILABLE, &GonePage { style: STYLE })
        }
    }
}

fn code_page(handed_out: &HandedOut, test_pki: bool) -> Response {
    let code = &handed_out.activation_code;
    let links = links(code);
    let name = |name: Option<&String>| printable(name.map_or("", String::as_str), NAME_LIMIT);
    let plan = handed_out.esim.plan.as_ref();
    let shown = CodePage {
        style: STYLE,
        carrier: name(plan.map(|plan| &plan.carrier)),
        plan: name(plan.map(|plan| &plan.name)),
        iccid: handed_out.esim.iccid.to_string(),
        qr: qr::svg(&links.uri),
        links: &links,
        smdp_address: code.smdp_address(),
        matching_id: code.matching_id(),
        confirmation_code_required: code.confirmation_code_required(),
        test_pki,
    };
    page(StatusCode::OK, &shown)
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(text) = template.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow, noarchive"));
    (status, headers, Html(text)).into_response()
}
