//! What is handed out: the QR code and what can be typed in. The confirmation code stands on another page.

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rsp_es::activation_code::ActivationCode;

use super::failure::Failure;
use super::input::Query;
use super::live;
use super::marks;
use super::query::Pairs;
use super::shell::{Mark, Shell, page};
use super::visit::{AtEsim, Visit};
use crate::actor::Right;
use crate::desk::Esim;
use crate::error::Error;

#[derive(Template)]
#[template(path = "orders/hand_out.html")]
struct HandOutPage {
    shell: Shell,
    iccid: String,
    plan: String,
    code: String,
    address: String,
    matching_id: String,
    code_required: bool,
    sealed: Option<String>,
    fresh: bool,
    downloadable: bool,
    live: String,
}

#[derive(Template)]
#[template(path = "orders/hand_out_live.html")]
struct HandOutLive {
    iccid: String,
    state: Mark,
    meaning: &'static str,
}

/// `GET /orders/{iccid}/hand-out`.
pub(super) async fn show(at: AtEsim) -> Result<Response, Failure> {
    at.visit.actor().require(Right::Provision)?;
    fresh(&at.visit, &at.esim().await?, None, false)
}

/// The page of an eSIM. `sealed` is its confirmation code, for the page where it is shown; `fresh` says that it was just
/// provisioned.
pub(super) fn fresh(visit: &Visit, esim: &Esim, sealed: Option<String>, fresh: bool) -> Result<Response, Failure> {
    // One that was just sold is shown whatever its device did meanwhile: with it goes its confirmation code.
    let code = if fresh {
        esim.activation_code.as_ref().and_then(|code| ActivationCode::parse_strict(code).ok())
    } else {
        None
    };
    let code = code.map_or_else(|| code_of(esim), Ok)?;
    let (live, _) = part(esim)?;
    let plan = esim.plan.as_ref().map(|plan| format!("{} / {}", plan.carrier, plan.name));
    Ok(page(&HandOutPage {
        shell: Shell::new(&visit.viewer, "Hand out the eSIM", "/orders"),
        iccid: esim.iccid.to_string(),
        plan: plan.unwrap_or_else(|| esim.profile_type.clone()),
        address: code.smdp_address().to_owned(),
        matching_id: code.matching_id().to_owned(),
        code: code.to_uri().to_string(),
        code_required: esim.confirmation_code_required,
        sealed,
        fresh,
        downloadable: esim.is_downloadable(),
        live,
    }))
}

fn part(esim: &Esim) -> Result<live::Part, Failure> {
    let iccid = esim.iccid.to_string();
    let pace = if marks::is_final(esim.state) { "" } else { "400ms" };
    let drawn =
        HandOutLive { iccid: iccid.clone(), state: marks::state(esim.state), meaning: marks::meaning(esim.state) };
    live::wrap(&format!("/live/hand-out/{iccid}"), &[], pace, &drawn)
}

/// `GET /live/hand-out/{iccid}`.
pub(super) async fn again(at: AtEsim, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    Ok(live::again(part(&at.esim().await?)?, &pairs))
}

fn code_of(esim: &Esim) -> Result<ActivationCode, Failure> {
    esim.code_to_hand_out().ok_or_else(|| Failure(Error::not_found("activation code of", esim.iccid)))
}

/// `GET /orders/{iccid}/qr.svg`.
pub(super) async fn svg(at: AtEsim) -> Result<Response, Failure> {
    at.visit.actor().require(Right::Provision)?;
    let svg = crate::qr::svg(&code_of(&at.esim().await?)?.to_uri());
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// `GET /orders/{iccid}/qr.png`.
pub(super) async fn png(at: AtEsim) -> Result<Response, Failure> {
    at.visit.actor().require(Right::Provision)?;
    let esim = at.esim().await?;
    let png = crate::qr::png(&code_of(&esim)?.to_uri());
    // The page itself shows the SVG: this is a file that takes a code along.
    let desk = &at.visit.service.desk;
    desk.audit(at.visit.actor(), "save QR code", &esim.iccid.to_string(), esim.operator).await?;
    let name = format!("attachment; filename=\"esim-{}.png\"", esim.iccid);
    let headers = [(header::CONTENT_TYPE, "image/png".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, png).into_response())
}
