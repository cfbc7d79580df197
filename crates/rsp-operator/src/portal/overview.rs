//! The dashboard: figures from the journal, each with a link to the rows that it counts.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rsp_store::ProfileState;

use super::failure::Failure;
use super::guard::Viewer;
use super::input::Query;
use super::marks;
use super::query::{self, Pairs, link, of_events, value};
use super::shell::{Mark, Shell, page};
use crate::desk::{Figure, Figures, Slice};
use crate::service::Service;

/// Days that can be looked at.
const RANGES: [(i64, &str); 3] = [(1, "Today"), (7, "7 days"), (30, "30 days")];
const USUAL: i64 = 7;
/// Lines of a list.
const LINES: usize = 8;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    ranges: Vec<Range>,
    tenants: Vec<String>,
    tenant: String,
    days: i64,
    live: String,
}

struct Range {
    href: String,
    label: &'static str,
    here: bool,
}

#[derive(Template)]
#[template(path = "overview_live.html")]
struct Live {
    tiles: Vec<Tile>,
    states: Vec<StateLine>,
    total: String,
    failures: Vec<Bar>,
    carriers: Vec<Bar>,
    countries: Vec<Bar>,
    since: String,
}

/// A figure.
struct Tile {
    label: &'static str,
    value: String,
    note: String,
    href: String,
}

struct StateLine {
    mark: Mark,
    count: String,
    href: String,
}

/// Part of a figure, and how long its bar is, of a thousand.
struct Bar {
    label: String,
    hint: String,
    count: String,
    href: String,
    width: u64,
}

/// What was asked for.
struct Asked {
    days: i64,
    tenant: Option<String>,
}

impl Asked {
    fn of(pairs: &Pairs) -> Self {
        let days = value(pairs, "days").and_then(|days| days.parse().ok());
        let days = days.filter(|days| RANGES.iter().any(|(range, _)| range == days)).unwrap_or(USUAL);
        Self { days, tenant: value(pairs, "tenant").map(str::to_owned) }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let tenant = self.tenant.clone().map(|tenant| ("tenant", tenant));
        [("days", self.days.to_string())].into_iter().chain(tenant).collect()
    }
}

/// `GET /`.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let asked = Asked::of(&pairs);
    let (live, _) = live_part(&service, &viewer, &asked).await?;
    let tenants = match viewer.actor.tenant() {
        Some(_) => Vec::new(),
        None => service.desk.store().operators().await?.into_iter().map(|operator| operator.name).collect(),
    };
    let ranges = RANGES.into_iter().map(|(days, label)| Range {
        href: link("/", &Asked { days, tenant: asked.tenant.clone() }.pairs()),
        label,
        here: days == asked.days,
    });
    Ok(page(&OverviewPage {
        shell: Shell::new(&viewer, "Overview", "/"),
        ranges: ranges.collect(),
        tenants,
        tenant: asked.tenant.unwrap_or_default(),
        days: asked.days,
        live,
    }))
}

/// `GET /live/overview`: the figures again, or nothing if they are the same.
pub(super) async fn live(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let (live, tag) = live_part(&service, &viewer, &Asked::of(&pairs)).await?;
    if value(&pairs, "seen") == Some(tag.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(axum::response::Html(live).into_response())
}

async fn live_part(service: &Service, viewer: &Viewer, asked: &Asked) -> Result<(String, String), Failure> {
    let today = service.desk.now().0.div_euclid(86_400);
    let days = today + 1 - asked.days..today + 1;
    let figures = service.desk.figures(&viewer.actor, asked.tenant.as_deref(), days).await?;
    let drawn = Live::of(&figures, asked);
    super::live::wrap("/live/overview", &asked.pairs(), "2s", &drawn)
}

impl Live {
    fn of(figures: &Figures, asked: &Asked) -> Self {
        let rows = |figure: &Figure| {
            let tenant = asked.tenant.clone().map(|tenant| ("tenant", tenant));
            let pairs: Vec<_> = of_events(&figure.rows).into_iter().chain(tenant).collect();
            link("/events", &pairs)
        };
        let tile = |label, figure: &Figure, note: &str| Tile {
            label,
            value: marks::number(figure.count),
            note: note.to_owned(),
            href: rows(figure),
        };
        let mut tiles = vec![
            tile("Installed", &figures.installs, "profiles on devices"),
            tile("Devices came", &figures.sessions, "sessions that authenticated"),
            tile("Deliveries", &figures.deliveries, "packages bound for a device"),
            tile("Refused steps", &figures.refusals, "see the reasons below"),
            tile("Cancelled", &figures.cancels, "orders given up"),
        ];
        let activations =
            rsp_store::EventFilter { activations: true, days: Some(figures.days.clone()), ..Default::default() };
        let (value, note) = match figures.activation {
            Some((count, half, most)) => (
                marks::duration(half),
                format!("median of {}; 9 in 10 within {}", marks::number(count), marks::duration(most)),
            ),
            None => ("–".to_owned(), "from release to installation".to_owned()),
        };
        let figure = Figure { count: 0, rows: activations };
        tiles.push(Tile { label: "Activation time", value, note, href: rows(&figure) });
        let states: Vec<_> = figures
            .orders
            .iter()
            .filter(|(state, count)| *count > 0 && *state != ProfileState::Available)
            .map(|(state, count)| {
                let tenant = asked.tenant.clone().map(|tenant| ("tenant", tenant));
                let pairs: Vec<_> = [("state", state.to_string())].into_iter().chain(tenant).collect();
                StateLine { mark: marks::state(*state), count: marks::number(*count), href: link("/orders", &pairs) }
            })
            .collect();
        let ordered = figures.orders.iter().filter(|(state, _)| *state != ProfileState::Available);
        let total = ordered.map(|(_, count)| count).sum();
        let longest = figures.refusals_by_reason.first().map_or(1, |figure| figure.count.max(1));
        let failures = figures.refusals_by_reason.iter().take(LINES).map(|figure| {
            let step = figure.rows.step.clone().unwrap_or_default();
            let (subject, reason) = figure.rows.refused.clone().unwrap_or_default();
            let hint = marks::refusal(&subject, &reason).map_or("", |(meaning, _)| meaning).to_owned();
            Bar {
                label: format!("{step} {subject}/{reason}"),
                hint,
                count: marks::number(figure.count),
                href: rows(figure),
                width: figure.count * 1000 / longest,
            }
        });
        let bars = |slices: &[Slice], unknown: &str| {
            let longest = slices.first().map_or(1, |slice| slice.figure.count.max(1));
            let bar = |slice: &Slice| Bar {
                label: slice.name.clone().unwrap_or_else(|| unknown.to_owned()),
                hint: String::new(),
                count: marks::number(slice.figure.count),
                href: rows(&slice.figure),
                width: slice.figure.count * 1000 / longest,
            };
            slices.iter().take(LINES).map(bar).collect::<Vec<_>>()
        };
        Self {
            tiles,
            states,
            total: marks::number(total),
            failures: failures.collect(),
            carriers: bars(&figures.by_carrier, "Sold without a plan"),
            countries: bars(&figures.by_country, "Sold without a plan"),
            since: query::date(figures.days.start),
        }
    }
}
