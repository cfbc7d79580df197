//! Events, and the log of who did what.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rsp_store::{Event, EventKind, Outcome};

use super::failure::Failure;
use super::guard::Viewer;
use super::input::Query;
use super::marks;
use super::query::{self, Pairs, link, value};
use super::shell::{Mark, Shell, moment, page};
use crate::actor::Right;
use crate::service::Service;

/// Rows on a page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    shell: Shell,
    kinds: Vec<Choice>,
    taken: bool,
    refused: bool,
    from: String,
    until: String,
    chips: Vec<String>,
    rows: Vec<Row>,
    next: Option<String>,
    staff: bool,
    filtered: bool,
}

struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

struct Row {
    at: String,
    mark: Mark,
    text: String,
    more: String,
    iccid: Option<String>,
    actor: String,
    operator: String,
}

/// `GET /events`.
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let filter = query::events(&pairs);
    let tenant = value(&pairs, "tenant");
    let found = service.desk.events(&viewer.actor, tenant, &filter, query::event_cursor(&pairs), ROWS).await?;
    let kinds = EventKind::ALL.into_iter().map(|kind| Choice {
        value: kind.as_str(),
        label: match kind {
            EventKind::State => "Changes of orders",
            EventKind::Step => "Steps of downloads",
            EventKind::Usage => "Usage",
            EventKind::Network => "Network",
            EventKind::Test => "Tests",
        },
        chosen: filter.kind == Some(kind),
    });
    let mut chips = Vec::new();
    chips.extend(filter.to.map(|state| format!("To {}", marks::state_name(state))));
    chips.extend(filter.step.as_deref().map(marks::step_name));
    chips.extend(filter.refused.as_ref().map(|(subject, reason)| format!("Refused with {subject}/{reason}")));
    chips.extend(filter.activations.then(|| "Time to activation is known".to_owned()));
    chips.extend(filter.profile_types.iter().flatten().map(|name| format!("Type {name}")));
    chips.extend(tenant.map(|tenant| format!("Tenant {tenant}")));
    let row = |event: Event| {
        let line = marks::event(&event);
        Row {
            at: moment(event.at),
            mark: line.mark,
            text: line.text,
            more: line.more,
            iccid: event.iccid.map(|iccid| iccid.to_string()),
            actor: event.actor,
            operator: event.operator.unwrap_or_else(|| "the server".to_owned()),
        }
    };
    let kept = pairs.iter().filter(|(name, value)| name != "after" && !value.is_empty());
    let next = found.next.map(|cursor| {
        let after = ("after", query::of_event_cursor(&cursor));
        let pairs: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.clone())).chain([after]).collect();
        link("/events", &pairs)
    });
    Ok(page(&EventsPage {
        shell: Shell::new(&viewer, "Events", "/events"),
        kinds: kinds.collect(),
        taken: filter.outcome == Some(Outcome::Taken),
        refused: filter.outcome == Some(Outcome::Refused),
        from: value(&pairs, "from").and_then(query::day).map(query::date).unwrap_or_default(),
        until: value(&pairs, "until").and_then(query::day).map(query::date).unwrap_or_default(),
        chips,
        rows: found.items.into_iter().map(row).collect(),
        next,
        staff: viewer.actor.tenant().is_none(),
        filtered: pairs.iter().any(|(_, value)| !value.is_empty()),
    }))
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    shell: Shell,
    rows: Vec<LogRow>,
    next: Option<String>,
    staff: bool,
}

struct LogRow {
    at: String,
    actor: String,
    action: String,
    subject: String,
    operator: String,
}

/// `GET /log`.
pub(super) async fn log(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let before = value(&pairs, "before").and_then(|number| number.parse().ok());
    let entries = service.desk.store().log(viewer.actor.tenant(), before, ROWS).await?;
    let full = entries.len() == ROWS as usize;
    let next = entries.last().filter(|_| full).map(|last| link("/log", &[("before", last.number.to_string())]));
    let row = |entry: rsp_store::LogEntry| LogRow {
        at: moment(entry.entry.at),
        actor: entry.entry.actor,
        action: entry.entry.action,
        subject: rsp_es::printable::printable(&entry.entry.subject, 200),
        operator: entry.operator.unwrap_or_else(|| "the server".to_owned()),
    };
    Ok(page(&LogPage {
        shell: Shell::new(&viewer, "Activity log", "/log"),
        rows: entries.into_iter().map(row).collect(),
        next,
        staff: viewer.actor.tenant().is_none(),
    }))
}
