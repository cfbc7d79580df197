//! What happened, and how often, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use rsp_asn1::Timestamp;
use rsp_store::{EventCursor, EventFilter, EventKind, Outcome};
use serde::{Deserialize, Serialize};
use time::Date;
use time::macros::format_description;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::esims::State as OrderState;
use super::input::{Answer, Parameters, bounded};
use super::problem::Problem;
use crate::actor::Actor;
use crate::desk::{self, Slice};
use crate::receipts::explanation;
use crate::webhooks::EventIds;

/// Days that figures count without any other wish.
const DAYS: i64 = 30;

/// Events of a page without any other wish.
const A_PAGE: u32 = 50;

/// What an event is about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(crate) enum Kind {
    /// An order changed its state.
    State,
    /// A step of a session.
    Step,
    /// Something was used, or topped up.
    Usage,
    /// The network was told something.
    Network,
    /// A test.
    Test,
}

impl From<EventKind> for Kind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::State => Self::State,
            EventKind::Step => Self::Step,
            EventKind::Usage => Self::Usage,
            EventKind::Network => Self::Network,
            EventKind::Test => Self::Test,
        }
    }
}

impl From<Kind> for EventKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::State => Self::State,
            Kind::Step => Self::Step,
            Kind::Usage => Self::Usage,
            Kind::Network => Self::Network,
            Kind::Test => Self::Test,
        }
    }
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its name, by which webhooks call it, too.
    #[schema(pattern = "^evt_[0-9a-f]{32}$")]
    number: String,
    /// When (RFC 3339).
    at: String,
    kind: Kind,
    /// The eSIM.
    iccid: Option<String>,
    profile_type: Option<String>,
    /// The state before, of a change of state.
    from: Option<OrderState>,
    /// The state after.
    to: Option<OrderState>,
    /// The function of a session, of a step.
    step: Option<String>,
    /// The subject code, of a step that was refused.
    subject_code: Option<String>,
    /// The reason code.
    reason_code: Option<String>,
    /// What the codes mean.
    meaning: Option<&'static str>,
    /// What can be done.
    remedy: Option<&'static str>,
    /// Seconds from the release, of an installation.
    seconds: Option<i64>,
    /// More, of usage and the network.
    detail: Option<String>,
    /// Who did it.
    actor: String,
}

impl Event {
    pub(crate) fn of(event: rsp_store::Event, ids: &EventIds) -> Self {
        let codes = event.subject.as_deref().zip(event.reason.as_deref());
        let explanation = codes.and_then(|(subject, reason)| explanation(subject, reason));
        Self {
            number: ids.of(event.number),
            at: event.at.to_string(),
            kind: event.kind.into(),
            iccid: event.iccid.map(|iccid| iccid.to_string()),
            profile_type: event.profile_type,
            from: event.from.map(OrderState::from),
            to: event.to.map(OrderState::from),
            step: event.step,
            subject_code: event.subject,
            reason_code: event.reason,
            meaning: explanation.map(|explanation| explanation.meaning),
            remedy: explanation.map(|explanation| explanation.remedy),
            seconds: event.seconds,
            detail: event.detail,
            actor: event.actor,
        }
    }
}

/// Some events.
#[derive(Serialize, ToSchema)]
pub(crate) struct Events {
    items: Vec<Event>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this kind.
    kind: Option<Kind>,
    /// Changes into this state.
    state: Option<OrderState>,
    /// Steps of this function.
    #[param(min_length = 1, max_length = 64)]
    step: Option<String>,
    /// Only what was refused, or only what was not.
    refused: Option<bool>,
    /// As `next` of the page before said.
    #[param(min_length = 1, max_length = 64, pattern = "^[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What happened, newest first. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "Events",
    operation_id = "list_events",
    params(Which),
    responses((status = 200, body = Events)),
    security(("key" = []))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(which): Parameters<Which>,
) -> Answer<Events> {
    bounded("step", which.step.as_deref(), 64)?;
    let after = which.cursor.as_deref().map(|cursor| cursor_of(&api, cursor));
    let filter = EventFilter {
        kind: which.kind.map(EventKind::from),
        to: which.state.map(Into::into),
        step: which.step,
        outcome: which.refused.map(|refused| if refused { Outcome::Refused } else { Outcome::Taken }),
        ..EventFilter::default()
    };
    let limit = page_size(which.limit)?;
    let page = api.desk.events(&actor, None, &filter, after.transpose()?, limit).await?;
    Ok(Json(Events {
        items: page.items.into_iter().map(|event| Event::of(event, &api.event_ids)).collect(),
        next: page.next.map(|next| api.desk.cursors().of_event(&next)),
    }))
}

/// The place in a list of events that a cursor names.
pub(crate) fn cursor_of(api: &Api, cursor: &str) -> Result<EventCursor, Problem> {
    let problem = || Problem::invalid("cursor", "take the member \"next\" of the page before");
    api.desk.cursors().event(cursor).ok_or_else(problem)
}

/// How many things of a list are given at once.
pub(crate) fn page_size(wanted: Option<u32>) -> Result<u32, Problem> {
    match wanted {
        None => Ok(A_PAGE),
        Some(limit) if (1..=200).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::invalid("limit", "1 to 200")),
    }
}

/// Which days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day, UTC; without it 30 days are counted.
    #[param(format = Date)]
    from: Option<String>,
    /// The last day, UTC; without it today.
    #[param(format = Date)]
    until: Option<String>,
}

/// A number for a name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Named {
    /// Null for what belongs to no plan.
    name: Option<String>,
    count: u64,
}

/// How many orders stand in a state.
#[derive(Serialize, ToSchema)]
pub(crate) struct InState {
    state: OrderState,
    count: u64,
}

/// How often a step was refused for a reason.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refusals {
    step: Option<String>,
    subject_code: Option<String>,
    reason_code: Option<String>,
    meaning: Option<&'static str>,
    count: u64,
}

/// How long it takes from release to installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Activation {
    /// Over so many installations, the newest.
    installations: u64,
    /// Half of them took at most so many seconds.
    median_seconds: i64,
    /// Nine of ten took at most so many seconds.
    ninth_decile_seconds: i64,
}

/// The figures of some days.
#[derive(Serialize, ToSchema)]
pub(crate) struct Figures {
    /// The first day that is counted.
    from: String,
    /// The last one.
    until: String,
    /// Orders in each state now, whatever the days.
    orders: Vec<InState>,
    /// Sessions in which an eUICC authenticated itself.
    sessions: u64,
    /// Packages delivered.
    deliveries: u64,
    installs: u64,
    deletions: u64,
    cancels: u64,
    /// Steps that were refused.
    refusals: u64,
    refusals_by_reason: Vec<Refusals>,
    /// Installations by carrier.
    by_carrier: Vec<Named>,
    /// Installations by the carrier's country.
    by_country: Vec<Named>,
    activation: Option<Activation>,
}

/// Figures of some days. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/figures",
    tag = "Events",
    operation_id = "figures",
    params(Days),
    responses((status = 200, body = Figures)),
    security(("key" = []))
)]
pub(crate) async fn figures(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(days): Parameters<Days>,
) -> Answer<Figures> {
    let until = match days.until {
        Some(text) => day("until", &text)?,
        None => api.desk.now().0.div_euclid(86_400),
    };
    let from = match days.from {
        Some(text) => day("from", &text)?,
        None => until.saturating_sub(DAYS - 1),
    };
    let figures = api.desk.figures(&actor, None, from..until.saturating_add(1)).await?;
    Ok(Json(view(figures, from, until)))
}

fn view(figures: desk::Figures, from: i64, until: i64) -> Figures {
    let named = |slices: Vec<Slice>| {
        slices.into_iter().map(|slice| Named { name: slice.name, count: slice.figure.count }).collect()
    };
    let refusals = figures.refusals_by_reason.into_iter().map(|figure| {
        let (subject_code, reason_code) = figure.rows.refused.unzip();
        let codes = subject_code.as_deref().zip(reason_code.as_deref());
        let meaning = codes.and_then(|(subject, reason)| explanation(subject, reason)).map(|found| found.meaning);
        Refusals { step: figure.rows.step, meaning, subject_code, reason_code, count: figure.count }
    });
    let date = |day: i64| Timestamp(day.saturating_mul(86_400)).to_string().chars().take(10).collect();
    Figures {
        from: date(from),
        until: date(until),
        orders: figures.orders.into_iter().map(|(state, count)| InState { state: state.into(), count }).collect(),
        sessions: figures.sessions.count,
        deliveries: figures.deliveries.count,
        installs: figures.installs.count,
        deletions: figures.deletions.count,
        cancels: figures.cancels.count,
        refusals: figures.refusals.count,
        refusals_by_reason: refusals.collect(),
        by_carrier: named(figures.by_carrier),
        by_country: named(figures.by_country),
        activation: figures.activation.map(|(installations, median_seconds, ninth_decile_seconds)| Activation {
            installations,
            median_seconds,
            ninth_decile_seconds,
        }),
    }
}

/// Days since 1970 of a date.
fn day(field: &'static str, text: &str) -> Result<i64, Problem> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let date = date.map_err(|_| Problem::invalid(field, "a date, such as 2026-11-30"))?;
    Ok(i64::from(date.to_julian_day()) - i64::from(time::macros::date!(1970 - 01 - 01).to_julian_day()))
}
