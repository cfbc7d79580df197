//! Events, and the log of who did what.

use askama::Template;
use axum::response::Response;
use rsp_es::printable::printable;
use rsp_store::{Event, EventKind, Outcome};

use super::failure::Failure;
use super::input::Query;
use super::marks;
use super::query::{self, Pairs, link, value};
use super::shell::{Mark, Shell, moment, page};
use super::visit::Visit;
use crate::actor::Right;
use crate::desk::Sales;

/// Rows on a page.
const ROWS: u32 = 50;
/// Characters of something that the list is filtered by, and how many of a kind are named.
const CHIP: usize = 64;
const CHIPS: usize = 8;
/// What was sold at the SM-DP+ alone.
pub(super) const UNPLANNED: &str = "Sold without a plan";

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
pub(super) async fn list(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    let (mut filter, after) = (query::events(&pairs)?, query::event_cursor(&pairs, visit.service.desk.cursors())?);
    let tenant = value(&pairs, "tenant");
    let sales = query::sales(&pairs);
    let named: Vec<_> = filter.profile_types.iter().flatten().cloned().collect();
    if let Some(sales) = &sales {
        filter.profile_types = Some(visit.service.desk.types_sold(visit.actor(), tenant, sales).await?);
    }
    let found = visit.service.desk.events(visit.actor(), tenant, &filter, after, ROWS).await?;
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
    let text = |text: &str| printable(text, CHIP);
    chips.extend(filter.step.as_deref().map(|step| text(&marks::step_name(step))));
    chips.extend(filter.refused.as_ref().map(|(subject, reason)| text(&format!("Refused with {subject}/{reason}"))));
    chips.extend(filter.activations.then(|| "Time to activation is known".to_owned()));
    chips.extend(sales.map(|sales| match sales {
        Sales::Carrier(name) => text(&format!("Carrier {name}")),
        Sales::Country(name) => text(&format!("Country {name}")),
        Sales::Unplanned => UNPLANNED.to_owned(),
    }));
    chips.extend(named.iter().take(CHIPS).map(|name| text(&format!("Type {name}"))));
    chips.extend(tenant.map(|tenant| text(&format!("Tenant {tenant}"))));
    let row = |event: Event| {
        let line = marks::event(&event);
        Row {
            at: moment(event.at),
            mark: line.mark,
            text: line.text,
            more: line.more,
            iccid: event.iccid.map(|iccid| iccid.to_string()),
            actor: marks::actor(&event.actor).to_owned(),
            operator: event.operator.unwrap_or_else(|| "the server".to_owned()),
        }
    };
    let kept = pairs.iter().filter(|(name, value)| name != "after" && !value.is_empty());
    let next = found.next.map(|cursor| {
        let after = ("after", visit.service.desk.cursors().of_event(&cursor));
        let pairs: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.clone())).chain([after]).collect();
        link("/events", &pairs)
    });
    Ok(page(&EventsPage {
        shell: Shell::new(&visit.viewer, "Events", "/events"),
        kinds: kinds.collect(),
        taken: filter.outcome == Some(Outcome::Taken),
        refused: filter.outcome == Some(Outcome::Refused),
        from: value(&pairs, "from").and_then(query::day).map(query::date).unwrap_or_default(),
        until: value(&pairs, "until").and_then(query::day).map(query::date).unwrap_or_default(),
        chips,
        rows: found.items.into_iter().map(row).collect(),
        next,
        staff: visit.is_staff(),
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
pub(super) async fn log(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    visit.actor().require(Right::Manage)?;
    let cursors = visit.service.desk.cursors();
    let before = query::log_cursor(&pairs, cursors)?;
    let entries = visit.service.desk.store().log(visit.actor().tenant(), before, ROWS).await?;
    let full = entries.len() == ROWS as usize;
    let next = entries.last().filter(|_| full).map(|last| link("/log", &[("before", cursors.of_entry(last.number))]));
    let row = |entry: rsp_store::LogEntry| LogRow {
        at: moment(entry.entry.at),
        actor: entry.entry.actor,
        action: entry.entry.action,
        subject: printable(&entry.entry.subject, 200),
        operator: entry.operator.unwrap_or_else(|| "the server".to_owned()),
    };
    Ok(page(&LogPage {
        shell: Shell::new(&visit.viewer, "Activity log", "/log"),
        rows: entries.into_iter().map(row).collect(),
        next,
        staff: visit.is_staff(),
    }))
}
