//! Provisioning an eSIM, and what is handed out: the QR code on one page, the confirmation code on another.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::aead::Aes256Gcm;
use rsp_crypto::{RandomnessExt as _, Zeroizing, hash};
use rsp_es::activation_code::ActivationCode;
use rsp_store::{Plan, ProfileState};
use serde::Deserialize;

use super::failure::{Failure, kept, said, sentence};
use super::guard::Viewer;
use super::input::{Form, Path, Query};
use super::marks;
use super::orders::read;
use super::shell::{Mark, Shell, page, page_with};
use crate::account::Session;
use crate::actor::Right;
use crate::desk::{Confirmation, Esim, Wanted};
use crate::error::Error;
use crate::service::Service;

/// Seconds for which a form can be sent, and a confirmation code be shown.
const LIFETIME: i64 = 3600;

#[derive(Template)]
#[template(path = "orders/provision.html")]
struct ProvisionPage {
    shell: Shell,
    plans: Vec<PlanChoice>,
    form: Filled,
    once: String,
    may_codes: bool,
    may_manage: bool,
    problem: Option<String>,
    remedy: Option<String>,
}

struct PlanChoice {
    value: String,
    label: String,
    chosen: bool,
}

/// What was filled in.
#[derive(Deserialize, Default)]
pub(super) struct Filled {
    #[serde(default)]
    plan: String,
    #[serde(default)]
    eid: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    device_id: String,
    /// `none` or `auto`.
    #[serde(default)]
    confirmation: String,
    #[serde(default)]
    secure: String,
    /// A form is sent once.
    #[serde(default)]
    once: String,
}

impl Filled {
    /// As a form shows it again that was refused.
    fn again(mut self) -> Self {
        for field in [&mut self.eid, &mut self.reference, &mut self.device_id] {
            *field = kept(field);
        }
        self
    }

    fn auto(&self) -> bool {
        self.confirmation == "auto"
    }

    fn is_secure(&self) -> bool {
        self.secure == "yes"
    }
}

/// `GET /provision`.
pub(super) async fn form(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    Ok(page(&provision_page(&service, &viewer, Filled::default(), None).await?))
}

async fn provision_page(
    service: &Service,
    viewer: &Viewer,
    form: Filled,
    wrong: Option<&Error>,
) -> Result<ProvisionPage, Failure> {
    let plans = service.desk.plans(&viewer.actor, false).await?;
    let staff = viewer.actor.tenant().is_none();
    let choice = |plan: &Plan| {
        let value = plan_value(plan);
        let tenant = if staff { format!("{}: ", plan.operator) } else { String::new() };
        let label = format!("{tenant}{} / {}{}", plan.carrier, plan.name, terms(plan));
        PlanChoice { chosen: value == form.plan, value, label }
    };
    let remedy = match wrong {
        Some(Error::Provisioning(crate::provisioning::Error::Refused { status, .. }) | Error::Refused(status)) => {
            status.explanation().map(|explanation| explanation.remedy.to_owned())
        }
        _ => None,
    };
    Ok(ProvisionPage {
        shell: Shell::new(viewer, "Provision an eSIM", "/provision"),
        plans: plans.iter().map(choice).collect(),
        once: new_once(service),
        may_codes: viewer.actor.rights().has(Right::Codes),
        may_manage: viewer.actor.rights().has(Right::Manage),
        problem: wrong.map(|wrong| sentence(&said(wrong).detail)),
        remedy,
        form: form.again(),
    })
}

/// What a plan comes with, in a few words.
pub(super) fn terms(plan: &Plan) -> String {
    let data = plan.data_bytes.map(|octets| match octets {
        0..1_000_000_000 => format!("{} MB", octets / 1_000_000),
        _ => format!("{} GB", octets / 1_000_000_000),
    });
    let days = plan.validity_days.map(|days| format!("{days} days"));
    let parts: Vec<_> = [data, days].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A plan in one value of a form: tenant, carrier and name, none of which has a line end.
pub(super) fn plan_value(plan: &Plan) -> String {
    [plan.operator.as_str(), &plan.carrier, &plan.name].join("\n")
}

/// The parts of [`plan_value`]. Browsers write line ends as CR LF.
pub(super) fn plan_of(value: &str) -> Option<(String, String, String)> {
    let mut parts = value.split('\n').map(|part| part.trim_end_matches('\r').to_owned());
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// `POST /provision`.
pub(super) async fn provision(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<Filled>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let wanted = match wanted(&form, &viewer) {
        Ok(wanted) => wanted,
        Err(wrong) => return again(&service, &viewer, form, &wrong).await,
    };
    // Spent after what the user can mend was looked at, and before anything is bought.
    if let Err(wrong) = service.desk.validate(&viewer.actor, &wanted).await {
        return again(&service, &viewer, form, &wrong).await;
    }
    if !spend(&service, &viewer.session, form.once.as_bytes()).await? {
        let problem = "was sent already: look for the eSIM among the orders before you send another one";
        return again(&service, &viewer, form, &Error::invalid("form", problem)).await;
    }
    let sold = match service.desk.provision(&viewer.actor, wanted).await {
        Ok(sold) => sold,
        Err(wrong) => return again(&service, &viewer, form, &wrong).await,
    };
    let sealed = match &sold.confirmation_code {
        Some(code) if viewer.actor.rights().has(Right::Codes) => {
            Some(seal(&service, &viewer.session, &sold.esim.iccid, code)?)
        }
        _ => None,
    };
    hand_out_page(&viewer, &sold.esim, sealed, true)
}

async fn again(service: &Service, viewer: &Viewer, form: Filled, wrong: &Error) -> Result<Response, Failure> {
    let status = said(wrong).status;
    Ok(page_with(status, &provision_page(service, viewer, form, Some(wrong)).await?))
}

fn wanted(form: &Filled, viewer: &Viewer) -> Result<Wanted, Error> {
    let (tenant, carrier, plan) = plan_of(&form.plan).ok_or_else(|| Error::invalid("plan", "choose one"))?;
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let eid = text(&form.eid).map(|eid| eid.replace(' ', "").parse::<rsp_asn1::Eid>());
    let eid = eid.transpose().map_err(|_| Error::invalid("EID", "has 32 digits"))?;
    if eid.is_some_and(|eid| !eid.check_digits_valid()) {
        return Err(Error::invalid("EID", "its check digits are wrong: one of the digits is mistyped"));
    }
    if form.auto() && !viewer.actor.rights().has(Right::Codes) {
        return Err(Error::Forbidden(Right::Codes));
    }
    Ok(Wanted {
        tenant: Some(tenant),
        carrier,
        plan,
        eid,
        device_id: text(&form.device_id),
        reference: text(&form.reference),
        confirmation: if form.auto() { Confirmation::Auto } else { Confirmation::None },
        secure: form.is_secure(),
    })
}

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
pub(super) async fn hand_out(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let esim = service.desk.esim(&viewer.actor, &read(&iccid)?).await?;
    hand_out_page(&viewer, &esim, None, false)
}

fn hand_out_page(viewer: &Viewer, esim: &Esim, sealed: Option<String>, fresh: bool) -> Result<Response, Failure> {
    let code = code_of(esim)?;
    let (live, _) = hand_out_part(esim)?;
    let plan = esim.plan.as_ref().map(|plan| format!("{} / {}", plan.carrier, plan.name));
    Ok(page(&HandOutPage {
        shell: Shell::new(viewer, "Hand out the eSIM", "/orders"),
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

fn hand_out_part(esim: &Esim) -> Result<(String, String), Failure> {
    let iccid = esim.iccid.to_string();
    let pace = if marks::is_final(esim.state) { "" } else { "400ms" };
    let drawn =
        HandOutLive { iccid: iccid.clone(), state: marks::state(esim.state), meaning: marks::meaning(esim.state) };
    super::live::wrap(&format!("/live/hand-out/{iccid}"), &[], pace, &drawn)
}

/// `GET /live/hand-out/{iccid}`.
pub(super) async fn hand_out_live(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
    Query(pairs): Query<super::query::Pairs>,
) -> Result<Response, Failure> {
    let esim = service.desk.esim(&viewer.actor, &read(&iccid)?).await?;
    let (live, tag) = hand_out_part(&esim)?;
    if super::query::value(&pairs, "seen") == Some(tag.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(axum::response::Html(live).into_response())
}

fn code_of(esim: &Esim) -> Result<ActivationCode, Failure> {
    let code = esim.activation_code.as_ref().and_then(|code| ActivationCode::parse_strict(code).ok());
    let over = || Failure(Error::not_found("activation code of", esim.iccid));
    code.filter(|_| esim.state != ProfileState::Unavailable).ok_or_else(over)
}

/// `GET /orders/{iccid}/qr.svg`.
pub(super) async fn qr_svg(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let esim = service.desk.esim(&viewer.actor, &read(&iccid)?).await?;
    let svg = crate::qr::svg(&code_of(&esim)?.to_uri());
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// `GET /orders/{iccid}/qr.png`.
pub(super) async fn qr_png(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let esim = service.desk.esim(&viewer.actor, &read(&iccid)?).await?;
    let name = format!("attachment; filename=\"esim-{}.png\"", esim.iccid);
    let headers = [(header::CONTENT_TYPE, "image/png".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, crate::qr::png(&code_of(&esim)?.to_uri())).into_response())
}

#[derive(Template)]
#[template(path = "orders/code.html")]
struct CodePage {
    shell: Shell,
    iccid: String,
    code: Zeroizing<String>,
}

#[derive(Deserialize)]
pub(super) struct SealedForm {
    sealed: String,
}

/// `POST /orders/{iccid}/code`: the confirmation code, once.
pub(super) async fn code(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
    Form(form): Form<SealedForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Codes)?;
    let iccid = read(&iccid)?;
    // Whose it is, before anything is opened.
    let esim = service.desk.esim(&viewer.actor, &iccid).await?;
    let gone = || {
        let problem = "can be shown once, within an hour, to whoever provisioned it";
        Failure(Error::invalid("confirmation code", problem))
    };
    let code = open(&service, &viewer.session, &iccid, &form.sealed).ok_or_else(gone)?;
    if !spend(&service, &viewer.session, form.sealed.as_bytes()).await? {
        return Err(gone());
    }
    service.desk.audit(&viewer.actor, "show confirmation code", &iccid.to_string(), esim.operator).await?;
    let shell = Shell::new(&viewer, "Confirmation code", "/orders");
    Ok(page(&CodePage { shell, iccid: iccid.to_string(), code }))
}

#[derive(Template)]
#[template(path = "orders/cancel.html")]
struct CancelPage {
    shell: Shell,
    iccid: String,
    state: Mark,
}

/// `GET /orders/{iccid}/cancel`.
pub(super) async fn ask_to_cancel(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let esim = service.desk.esim(&viewer.actor, &read(&iccid)?).await?;
    let shell = Shell::new(&viewer, "Cancel the order", "/orders");
    Ok(page(&CancelPage { shell, iccid: esim.iccid.to_string(), state: marks::state(esim.state) }))
}

/// What makes a form one that is sent once.
pub(crate) fn new_once(service: &Service) -> String {
    hex::encode(service.desk.randomness().bytes::<16>())
}

/// Whether this is the first time in this session that something is used that counts once.
pub(crate) async fn spend(service: &Service, session: &Session, what: &[u8]) -> Result<bool, Error> {
    let what = hash::sha256(&[session.token.as_slice(), what].concat());
    let now = service.desk.now();
    Ok(service
        .desk
        .store()
        .run_tx("use once", move |tx| tx.spend_challenge(&what, now.plus_seconds(LIFETIME), now))
        .await?)
}

/// A confirmation code on its way from the page where it was made to the page where it is shown: only this session can have
/// it opened, for this eSIM and for an hour. It is stored nowhere.
fn seal(service: &Service, session: &Session, iccid: &Iccid, code: &str) -> Result<String, Error> {
    let mut plain = Zeroizing::new(service.desk.now().plus_seconds(LIFETIME).0.to_be_bytes().to_vec());
    plain.extend_from_slice(code.as_bytes());
    let key = Aes256Gcm::new(&service.desk.store().derive_key("portal confirmation codes"));
    let sealed = key.seal(&mut service.desk.randomness(), &place(session, iccid), &plain).map_err(Error::Crypto)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn open(service: &Service, session: &Session, iccid: &Iccid, sealed: &str) -> Option<Zeroizing<String>> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let key = Aes256Gcm::new(&service.desk.store().derive_key("portal confirmation codes"));
    let plain = key.open(&place(session, iccid), &sealed).ok()?;
    let (end, code) = plain.split_first_chunk::<8>()?;
    let in_time = service.desk.now() <= Timestamp(i64::from_be_bytes(*end));
    in_time.then(|| std::str::from_utf8(code).ok().map(|code| Zeroizing::new(code.to_owned())))?
}

fn place(session: &Session, iccid: &Iccid) -> Vec<u8> {
    [session.token.as_slice(), &iccid.0].concat()
}

#[cfg(test)]
mod tests {
    use super::plan_of;

    #[test]
    fn a_plan_is_read_as_browsers_send_it() {
        let parts = Some(("Alpha".to_owned(), "Carrier / x".to_owned(), "1 GB".to_owned()));
        assert_eq!(plan_of("Alpha\nCarrier / x\n1 GB"), parts);
        assert_eq!(plan_of("Alpha\r\nCarrier / x\r\n1 GB"), parts);
        assert_eq!(plan_of("Alpha"), None);
    }
}
