//! One order: what its device does, and what can be done with it.

use askama::Template;
use axum::response::Response;
use rsp_store::{NetworkState, ProfileState};

use super::failure::Failure;
use super::input::Query;
use super::live;
use super::marks;
use super::orders::plan_name;
use super::query::{Pairs, value};
use super::shell::{Mark, Notice, Shell, moment, page, see_other};
use super::visit::{AtEsim, Visit};
use crate::actor::Right;
use crate::desk::Esim;

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
pub(super) async fn show(at: AtEsim, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    let done = value(&pairs, "done").and_then(|done| Action::ALL.into_iter().find(|action| action.done() == done));
    let notice = done.map(|action| Notice::good(action.notice()));
    let esim = at.esim().await?;
    let (live, _) = part(&at.visit, &esim).await?;
    let shell = Shell::new(&at.visit.viewer, format!("Order {}", at.iccid), "/orders").with(notice);
    Ok(page(&OrderPage { shell, iccid: at.iccid.to_string(), plan: plan_name(&esim), live }))
}

/// `GET /live/orders/{iccid}`.
pub(super) async fn again(at: AtEsim, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    Ok(live::again(part(&at.visit, &at.esim().await?).await?, &pairs))
}

/// How often an order is asked for: while something is awaited faster than people notice.
fn pace(state: ProfileState) -> &'static str {
    if marks::is_final(state) { "5s" } else { "400ms" }
}

async fn part(visit: &Visit, esim: &Esim) -> Result<live::Part, Failure> {
    let history = visit.service.desk.history(visit.actor(), &esim.iccid).await?;
    let line = |event: &rsp_store::Event| {
        let line = marks::event(event);
        HistoryLine {
            tone: line.tone,
            text: line.text,
            more: line.more,
            at: moment(event.at),
            actor: marks::actor(&event.actor).to_owned(),
        }
    };
    let may = visit.may(Right::Provision);
    // What was given up is in no network.
    let network = esim.plan.as_ref().map(|plan| plan.network).filter(|_| esim.state != ProfileState::Unavailable);
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
        csrf: visit.viewer.session.csrf.clone(),
        state: marks::state(esim.state),
        meaning: marks::meaning(esim.state),
        steps: steps(esim.state),
        facts: facts(esim, visit.is_staff()),
        code: esim.code_to_hand_out().map(|code| code.to_uri().to_string()).filter(|_| may),
        code_required: esim.confirmation_code_required,
        lines: history.iter().rev().map(line).collect(),
        network: network.map(marks::network),
        can,
    };
    live::wrap(&format!("/live/orders/{}", esim.iccid), &[], pace(esim.state), &drawn)
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

/// What is known of an order. Which SM-DP+ has it is for the server's `staff` only.
fn facts(esim: &Esim, staff: bool) -> Vec<(&'static str, String)> {
    let mut facts = vec![("ICCID", esim.iccid.to_string())];
    if let Some(plan) = &esim.plan {
        facts.push(("Carrier and plan", format!("{} / {} ({})", plan.carrier, plan.name, plan.country)));
        facts.extend(plan.reference.clone().map(|reference| ("Reference", reference)));
        facts.extend(plan.device_id.clone().map(|device| ("Device", device)));
        facts.push(("Ordered by", plan.created_by.clone()));
        facts.extend(staff.then(|| ("SM-DP+", plan.smdp.clone())));
    }
    facts.push(("Profile type", esim.profile_type.clone()));
    facts.extend(esim.eid.map(|eid| ("EID", eid.to_string())));
    // What an order asked for that was given up is not kept.
    if esim.state != ProfileState::Unavailable {
        if esim.eid.is_none() {
            facts.push(("EID", "the first device that comes".to_owned()));
        }
        let code = if esim.confirmation_code_required { "required" } else { "not required" };
        facts.push(("Confirmation code", code.to_owned()));
    }
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

/// What can be done with an order.
#[derive(Clone, Copy)]
enum Action {
    Release,
    Cancel,
    Suspend,
    Resume,
}

impl Action {
    const ALL: [Self; 4] = [Self::Release, Self::Cancel, Self::Suspend, Self::Resume];

    /// What an address calls it afterwards.
    fn done(self) -> &'static str {
        match self {
            Self::Release => "released",
            Self::Cancel => "cancelled",
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
        }
    }

    /// What its order's page says afterwards.
    fn notice(self) -> &'static str {
        match self {
            Self::Release => "The order is released: it can be downloaded now.",
            Self::Cancel => "The order is cancelled.",
            Self::Suspend => "The network does not let this subscriber in any more.",
            Self::Resume => "The network lets this subscriber in again.",
        }
    }
}

/// Does something with an order, and leads to its page.
async fn act(at: AtEsim, action: Action) -> Result<Response, Failure> {
    let (desk, actor, iccid) = (&at.visit.service.desk, at.visit.actor(), &at.iccid);
    actor.require(Right::Provision)?;
    match action {
        Action::Release => desk.release(actor, iccid).await?,
        Action::Cancel => desk.cancel(actor, iccid).await?,
        Action::Suspend => desk.suspend(actor, iccid).await?,
        Action::Resume => desk.resume(actor, iccid).await?,
    };
    Ok(see_other(&format!("/orders/{iccid}?done={}", action.done())))
}

/// `POST /orders/{iccid}/release`.
pub(super) async fn release(at: AtEsim) -> Result<Response, Failure> {
    act(at, Action::Release).await
}

/// `POST /orders/{iccid}/cancel`.
pub(super) async fn cancel(at: AtEsim) -> Result<Response, Failure> {
    act(at, Action::Cancel).await
}

/// `POST /orders/{iccid}/suspend`.
pub(super) async fn suspend(at: AtEsim) -> Result<Response, Failure> {
    act(at, Action::Suspend).await
}

/// `POST /orders/{iccid}/resume`.
pub(super) async fn resume(at: AtEsim) -> Result<Response, Failure> {
    act(at, Action::Resume).await
}

#[derive(Template)]
#[template(path = "orders/cancel.html")]
struct CancelPage {
    shell: Shell,
    iccid: String,
    state: Mark,
}

/// `GET /orders/{iccid}/cancel`.
pub(super) async fn ask_to_cancel(at: AtEsim) -> Result<Response, Failure> {
    at.visit.actor().require(Right::Provision)?;
    let esim = at.esim().await?;
    let shell = Shell::new(&at.visit.viewer, "Cancel the order", "/orders");
    Ok(page(&CancelPage { shell, iccid: at.iccid.to_string(), state: marks::state(esim.state) }))
}
