//! The page on which one eSIM is handed out.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use rsp_asn1::Iccid;
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_es::printable::printable;
use serde::Deserialize;

use super::files::saved;
use super::sheets::{HandedOut, Which, handed_out, print};
use crate::actor::Right;
use crate::error::Error;
use crate::handoff::{LIFETIME, Links, Mail, links};
use crate::portal::{Failure, Mark, Shell, Viewer, moment, page};
use crate::service::Service;
use crate::sheet::{Layout, Sheet};

/// Characters of a name.
const NAME: usize = 100;

#[derive(Template)]
#[template(path = "handing_out/panel.html")]
struct PanelPage {
    shell: Shell,
    iccid: String,
    carrier: String,
    plan: String,
    links: Links,
    confirmation_code_required: bool,
    test_pki: bool,
    past: Vec<Past>,
    made: Option<Made>,
}

/// A link that was made before.
struct Past {
    at: String,
    by: String,
    mark: Mark,
    until: String,
}

/// A link that is told once.
struct Made {
    address: Zeroizing<String>,
    until: String,
}

/// The one eSIM; whoever has no right to it, or nothing to hand out, is told so.
async fn find(service: &Service, viewer: &Viewer, iccid: &str) -> Result<HandedOut, Error> {
    handed_out(&service.desk, &viewer.actor, &parsed(iccid)?).await
}

fn parsed(iccid: &str) -> Result<Iccid, Error> {
    iccid.parse().map_err(|_| Error::not_found("eSIM", printable(iccid, 40)))
}

async fn panel(service: &Service, viewer: &Viewer, sheet: &Sheet) -> Result<PanelPage, Failure> {
    let now = service.desk.now();
    let past = service.handoffs.links(&viewer.actor, &sheet.iccid).await?;
    let past = past.into_iter().map(|link| Past {
        at: moment(link.created_at),
        by: link.created_by,
        mark: match link.used_at {
            Some(at) => Mark::new("good", "good", format!("Used {}", moment(at))),
            None if link.expires_at <= now => Mark::new("", "pause", "Expired"),
            None => Mark::new("busy", "wait", "Not used yet"),
        },
        until: moment(link.expires_at),
    });
    let code: &ActivationCode = &sheet.activation_code;
    Ok(PanelPage {
        shell: Shell::new(viewer, "Hand out an eSIM", "/orders"),
        iccid: sheet.iccid.to_string(),
        carrier: printable(&sheet.carrier, NAME),
        plan: printable(&sheet.plan, NAME),
        links: links(code),
        confirmation_code_required: code.confirmation_code_required(),
        test_pki: service.test_pki,
        past: past.collect(),
        made: None,
    })
}

/// `GET /orders/{iccid}/links`.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    let HandedOut { sheet, .. } = find(&service, &viewer, &iccid).await?;
    Ok(page(&panel(&service, &viewer, &sheet).await?))
}

#[derive(Deserialize)]
pub(super) struct LinkForm {
    hours: Option<i64>,
}

/// `POST /orders/{iccid}/links`.
pub(super) async fn link(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Failure> {
    let HandedOut { sheet, .. } = find(&service, &viewer, &iccid).await?;
    let lifetime = form.hours.map_or(LIFETIME, |hours| hours.saturating_mul(3_600));
    let offered = service.handoffs.offer(&viewer.actor, &sheet.iccid, lifetime).await?;
    let origin = service.accounts.origin().as_str();
    let mut shown = panel(&service, &viewer, &sheet).await?;
    shown.made = Some(Made {
        address: Zeroizing::new(format!("{origin}/e/{}", *offered.token)),
        until: moment(offered.expires_at),
    });
    Ok(page(&shown))
}

/// To whom; without it the one who sends it says so.
#[derive(Deserialize)]
pub(super) struct MailQuery {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// `GET /orders/{iccid}/hand-out.eml`: a message to be saved.
pub(super) async fn mail(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
    Query(query): Query<MailQuery>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let HandedOut { sheet, operator } = find(&service, &viewer, &iccid).await?;
    let name = format!("{}.eml", sheet.iccid);
    let kept = Arc::clone(&service);
    let written = async move {
        let service = kept;
        let ours = format!("esim@{}", service.accounts.origin().host());
        let from = Some(query.from.trim()).filter(|from| !from.is_empty()).unwrap_or(&ours);
        let mail = Mail {
            from,
            to: Some(query.to.trim()).filter(|to| !to.is_empty()),
            carrier: &sheet.carrier,
            plan: &sheet.plan,
            activation_code: &sheet.activation_code,
            test_pki: service.test_pki,
        };
        let message = mail.eml(service.desk.now(), &mut service.desk.randomness())?;
        service.desk.audit(&viewer.actor, "save e-mail", &sheet.iccid.to_string(), operator).await?;
        Ok(message)
    };
    let message = service.workshop.run(written).await?;
    Ok(saved("message/rfc822", &name, message.to_vec()))
}

/// `GET /orders/{iccid}/sheet.pdf`.
pub(super) async fn sheet(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    let iccid = parsed(&iccid)?;
    let document = print(&service, viewer.actor, Which::These(vec![iccid]), Layout::One).await?;
    Ok(saved("application/pdf", &format!("{iccid}.pdf"), document.to_vec()))
}
