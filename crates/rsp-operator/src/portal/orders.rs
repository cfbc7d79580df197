//! Orders: the list, one of them, and what can be done with it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rsp_asn1::Iccid;
use rsp_store::{NetworkState, ProfileState};

use super::failure::{Failure, kept};
use super::guard::Viewer;
use super::input::{Path, Query};
use super::marks;
use super::query::{self, Pairs, link, value};
use super::shell::{Mark, Notice, Shell, moment, page, see_other};
use crate::actor::Right;
use crate::desk::Esim;
use crate::error::Error;
use crate::service::Service;

/// Orders on a page.
const ROWS: u32 = 25;
/// Characters of a search at least.
const SEARCH: usize = 6;
/// States that the list can be filtered by.
const STATES: [ProfileState; 8] = [
    ProfileState::Allocated,
    ProfileState::Linked,
    ProfileState::Confirmed,
    ProfileState::Released,
    ProfileState::Downloaded,
    ProfileState::Installed,
    ProfileState::Deleted,
    ProfileState::Error,
];

#[derive(Template)]
#[template(path = "orders/list.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<Row>,
    search: String,
    states: Vec<Choice>,
    chips: Vec<String>,
    next: Option<String>,
    is_first: bool,
    staff: bool,
    filtered: bool,
    may_provision: bool,
    problem: Option<String>,
}

struct Row {
    iccid: String,
    state: Mark,
    plan: String,
    operator: String,
    eid: String,
    reference: String,
    created_at: String,
}

struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

/// `GET /orders`.
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let search = value(&pairs, "q").unwrap_or_default().trim().to_owned();
    let filter = query::esims(&pairs);
    let mut problem = None;
    let (found, next) = if search.is_empty() {
        let found = service.desk.esims(&viewer.actor, &filter, query::order_cursor(&pairs), ROWS).await?;
        (found.items, found.next)
    } else if search.chars().count() < SEARCH {
        problem = Some(format!(
            "Enter at least the first {SEARCH} characters of an ICCID, EID, matching ID, reference or device."
        ));
        (Vec::new(), None)
    } else {
        (service.desk.search(&viewer.actor, &search, ROWS).await?, None)
    };
    let row = |esim: Esim| Row {
        iccid: esim.iccid.to_string(),
        state: marks::state(esim.state),
        plan: plan_name(&esim),
        operator: esim.operator.unwrap_or_else(|| "the server".to_owned()),
        eid: esim.eid.map(|eid| eid.to_string()).unwrap_or_default(),
        reference: esim.plan.and_then(|plan| plan.reference.or(plan.device_id)).unwrap_or_default(),
        created_at: moment(esim.created_at),
    };
    let others = pairs.iter().filter(|(name, value)| name != "after" && !value.is_empty());
    let next = next.map(|cursor| {
        let after = ("after", query::of_order_cursor(&cursor));
        let pairs: Vec<_> = others.map(|(name, value)| (name.as_str(), value.clone())).chain([after]).collect();
        link("/orders", &pairs)
    });
    let chips = [("Carrier", &filter.carrier), ("Country", &filter.country), ("Type", &filter.profile_type)];
    let chips = chips.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}: {value}")));
    let chips = chips.chain(filter.tenant.iter().map(|tenant| format!("Tenant: {tenant}")));
    let choices = STATES.into_iter().chain([ProfileState::Unavailable]).map(|state| Choice {
        value: state.as_str(),
        label: marks::state_name(state),
        chosen: filter.states == [state],
    });
    Ok(page(&ListPage {
        shell: Shell::new(&viewer, "Orders", "/orders"),
        rows: found.into_iter().map(row).collect(),
        states: choices.collect(),
        chips: chips.collect(),
        next,
        is_first: value(&pairs, "after").is_none(),
        staff: viewer.actor.tenant().is_none(),
        filtered: !search.is_empty() || pairs.iter().any(|(_, value)| !value.is_empty()),
        may_provision: viewer.actor.rights().has(Right::Provision),
        search: kept(&search),
        problem,
    }))
}

fn plan_name(esim: &Esim) -> String {
    match &esim.plan {
        Some(plan) => format!("{} / {}", plan.carrier, plan.name),
        None => esim.profile_type.clone(),
    }
}

#[derive(Template)]
#[template(path = "orders/order.html")]
struct OrderPage {
    shell: Shell,
    iccid: String,
    plan: String,
    live: String,
}

#[derive(Template)]
#[template(path = "orders/order_live.html")]
struct OrderLive {
    iccid: String,
    csrf: String,
    state: Mark,
    meaning: &'static str,
    steps: Vec<StepMark>,
    facts: Vec<(&'static str, String)>,
    code: Option<String>,
    code_required: bool,
    lines: Vec<HistoryLine>,
    network: Option<Mark>,
    can: Can,
}

/// What can be done now, by whoever looks.
struct Can {
    release: bool,
    cancel: bool,
    suspend: bool,
    resume: bool,
}

struct StepMark {
    label: &'static str,
    class: &'static str,
    said: &'static str,
}

struct HistoryLine {
    tone: &'static str,
    text: String,
    more: String,
    at: String,
    actor: String,
}

/// `GET /orders/{iccid}`.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let iccid = read(&iccid)?;
    let notice = match value(&pairs, "done") {
        Some("released") => Some(Notice::good("The order is released: it can be downloaded now.")),
        Some("cancelled") => Some(Notice::good("The order is cancelled.")),
        Some("suspended") => Some(Notice::good("The network does not let this subscriber in any more.")),
        Some("resumed") => Some(Notice::good("The network lets this subscriber in again.")),
        _ => None,
    };
    let esim = service.desk.esim(&viewer.actor, &iccid).await?;
    let (live, _) = live_part(&service, &viewer, &esim).await?;
    let shell = Shell::new(&viewer, format!("Order {iccid}"), "/orders").with(notice);
    Ok(page(&OrderPage { shell, iccid: iccid.to_string(), plan: plan_name(&esim), live }))
}

/// `GET /live/orders/{iccid}`.
pub(super) async fn live(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let esim = service.desk.esim(&viewer.actor, &read(&iccid)?).await?;
    let (live, tag) = live_part(&service, &viewer, &esim).await?;
    if value(&pairs, "seen") == Some(tag.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(axum::response::Html(live).into_response())
}

/// How often an order is asked for: while something is awaited faster than people notice.
fn pace(state: ProfileState) -> &'static str {
    if marks::is_final(state) { "5s" } else { "400ms" }
}

async fn live_part(service: &Service, viewer: &Viewer, esim: &Esim) -> Result<(String, String), Failure> {
    let history = service.desk.history(&viewer.actor, &esim.iccid).await?;
    let line = |event: &rsp_store::Event| {
        let line = marks::event(event);
        HistoryLine {
            tone: line.tone,
            text: line.text,
            more: line.more,
            at: moment(event.at),
            actor: event.actor.clone(),
        }
    };
    let may = viewer.actor.rights().has(Right::Provision);
    let network = esim.plan.as_ref().map(|plan| plan.network);
    let reached = esim.state == ProfileState::Installed;
    let open = [
        ProfileState::Allocated,
        ProfileState::Linked,
        ProfileState::Confirmed,
        ProfileState::Released,
        ProfileState::Deleted,
        ProfileState::Error,
    ];
    let can = Can {
        release: may && esim.state == ProfileState::Confirmed,
        cancel: may && open.contains(&esim.state),
        suspend: may && reached && network == Some(NetworkState::Active),
        resume: may && network == Some(NetworkState::Suspended),
    };
    let drawn = OrderLive {
        iccid: esim.iccid.to_string(),
        csrf: viewer.session.csrf.clone(),
        state: marks::state(esim.state),
        meaning: marks::meaning(esim.state),
        steps: steps(esim.state),
        facts: facts(esim),
        code: esim.activation_code.as_ref().map(|code| code.to_string()).filter(|_| may),
        code_required: esim.confirmation_code_required,
        lines: history.iter().rev().map(line).collect(),
        network: network.map(marks::network),
        can,
    };
    super::live::wrap(&format!("/live/orders/{}", esim.iccid), &[], pace(esim.state), &drawn)
}

/// The way of an order, and how far it is.
fn steps(state: ProfileState) -> Vec<StepMark> {
    const WAY: [(&str, ProfileState); 5] = [
        ("Ordered", ProfileState::Allocated),
        ("Confirmed", ProfileState::Confirmed),
        ("Released", ProfileState::Released),
        ("Downloaded", ProfileState::Downloaded),
        ("Installed", ProfileState::Installed),
    ];
    let reached = match state {
        ProfileState::Available => 0,
        ProfileState::Allocated | ProfileState::Linked => 1,
        ProfileState::Confirmed => 2,
        ProfileState::Released => 3,
        ProfileState::Downloaded => 4,
        ProfileState::Installed | ProfileState::Deleted => 5,
        // How far it came before is in the history.
        ProfileState::Error | ProfileState::Unavailable => 0,
    };
    let mark = |(place, (label, _)): (usize, (&'static str, ProfileState))| match place + 1 {
        place if place < reached || place == 5 && reached == 5 => StepMark { label, class: "done", said: "done" },
        place if place == reached => StepMark { label, class: "now", said: "now" },
        _ => StepMark { label, class: "", said: "to come" },
    };
    match state {
        ProfileState::Error => vec![StepMark { label: "Failed", class: "failed", said: "ended" }],
        ProfileState::Unavailable => vec![StepMark { label: "Cancelled", class: "failed", said: "ended" }],
        _ => WAY.into_iter().enumerate().map(mark).collect(),
    }
}

fn facts(esim: &Esim) -> Vec<(&'static str, String)> {
    let mut facts = vec![("ICCID", esim.iccid.to_string())];
    if let Some(plan) = &esim.plan {
        facts.push(("Carrier and plan", format!("{} / {} ({})", plan.carrier, plan.name, plan.country)));
        facts.extend(plan.reference.clone().map(|reference| ("Reference", reference)));
        facts.extend(plan.device_id.clone().map(|device| ("Device", device)));
        facts.push(("Ordered by", plan.created_by.clone()));
        facts.push(("SM-DP+", plan.smdp.clone()));
    }
    facts.push(("Profile type", esim.profile_type.clone()));
    facts.push(("EID", esim.eid.map_or_else(|| "the first device that comes".to_owned(), |eid| eid.to_string())));
    let code = if esim.confirmation_code_required { "required" } else { "not required" };
    facts.push(("Confirmation code", code.to_owned()));
    if esim.confirmation_tries > 0 {
        facts.push(("Wrong codes so far", esim.confirmation_tries.to_string()));
    }
    if esim.download_tries > 0 {
        facts.push(("Deliveries so far", esim.download_tries.to_string()));
    }
    facts.push(("Ordered at", moment(esim.created_at)));
    facts.extend(esim.expires_at.map(|at| ("Ends at", moment(at))));
    facts
}

pub(super) fn read(iccid: &str) -> Result<Iccid, Failure> {
    // What cannot be an ICCID is not there either.
    iccid.parse().map_err(|_| Failure(Error::not_found("eSIM", iccid)))
}

/// `POST /orders/{iccid}/release`.
pub(super) async fn release(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let iccid = read(&iccid)?;
    service.desk.release(&viewer.actor, &iccid).await?;
    Ok(see_other(&format!("/orders/{iccid}?done=released")))
}

/// `POST /orders/{iccid}/cancel`.
pub(super) async fn cancel(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let iccid = read(&iccid)?;
    service.desk.cancel(&viewer.actor, &iccid).await?;
    Ok(see_other(&format!("/orders/{iccid}?done=cancelled")))
}

/// `POST /orders/{iccid}/suspend`.
pub(super) async fn suspend(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let iccid = read(&iccid)?;
    service.desk.suspend(&viewer.actor, &iccid).await?;
    Ok(see_other(&format!("/orders/{iccid}?done=suspended")))
}

/// `POST /orders/{iccid}/resume`.
pub(super) async fn resume(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(iccid): Path<String>,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let iccid = read(&iccid)?;
    service.desk.resume(&viewer.actor, &iccid).await?;
    Ok(see_other(&format!("/orders/{iccid}?done=resumed")))
}
