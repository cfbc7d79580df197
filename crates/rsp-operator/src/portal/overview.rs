//! The dashboard: figures from the journal, each with a link to the rows that it counts.

use askama::Template;
use axum::response::Response;
use rsp_store::ProfileState;

use super::events::UNPLANNED;
use super::failure::Failure;
use super::input::Query;
use super::live;
use super::marks;
use super::query::{self, Pairs, link, of_events, value};
use super::shell::{Mark, Shell, page};
use super::visit::Visit;
use crate::desk::{Figure, Figures, Sales};
use crate::error::Error;

/// Days that can be looked at.
const RANGES: [(i64, &str); 3] = [(1, "Today"), (7, "7 days"), (30, "30 days")];
const USUAL: i64 = 7;
/// Lines of a list, and of a list on a page of its own.
const LINES: usize = 8;
const ALL_LINES: usize = 1_000;

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
    /// Where all of them are listed.
    all: String,
    lists: Vec<List>,
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

/// The parts of a figure: the largest, and where all are.
struct List {
    id: &'static str,
    title: &'static str,
    empty: String,
    bars: Vec<Bar>,
    /// How many there are, if not all are shown.
    all: Option<(usize, String)>,
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
    fn of(pairs: &Pairs) -> Result<Self, Error> {
        let days = query::days(pairs, &RANGES.map(|(days, _)| days))?.unwrap_or(USUAL);
        Ok(Self { days, tenant: value(pairs, "tenant").map(str::to_owned) })
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let tenant = self.tenant.clone().map(|tenant| ("tenant", tenant));
        [("days", self.days.to_string())].into_iter().chain(tenant).collect()
    }

    async fn figures(&self, visit: &Visit) -> Result<Figures, Error> {
        let today = visit.service.desk.now().0.div_euclid(86_400);
        let days = today + 1 - self.days..today + 1;
        visit.service.desk.figures(visit.actor(), self.tenant.as_deref(), days).await
    }

    /// Where the rows of a figure are; those of some sales, if they are named.
    fn rows(&self, figure: &Figure, sales: Option<&Sales>) -> String {
        let tenant = self.tenant.clone().map(|tenant| ("tenant", tenant));
        let rows = of_events(&figure.rows).into_iter().filter(|(name, _)| sales.is_none() || *name != "type");
        let pairs: Vec<_> = rows.chain(sales.map(query::of_sales)).chain(tenant).collect();
        link("/events", &pairs)
    }
}

/// `GET /`.
pub(super) async fn show(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    let asked = Asked::of(&pairs)?;
    let (live, _) = part(&visit, &asked).await?;
    let ranges = RANGES.into_iter().map(|(days, label)| Range {
        href: link("/", &Asked { days, tenant: asked.tenant.clone() }.pairs()),
        label,
        here: days == asked.days,
    });
    Ok(page(&OverviewPage {
        shell: Shell::new(&visit.viewer, "Overview", "/"),
        ranges: ranges.collect(),
        tenants: visit.tenants().await?,
        tenant: asked.tenant.unwrap_or_default(),
        days: asked.days,
        live,
    }))
}

/// `GET /live/overview`: the figures again, or nothing if they are the same.
pub(super) async fn again(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    Ok(live::again(part(&visit, &Asked::of(&pairs)?).await?, &pairs))
}

async fn part(visit: &Visit, asked: &Asked) -> Result<live::Part, Failure> {
    let drawn = Live::of(&asked.figures(visit).await?, asked);
    live::wrap("/live/overview", &asked.pairs(), "2s", &drawn)
}

#[derive(Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    shell: Shell,
    list: List,
    back: String,
    since: String,
    /// Lines that found no room.
    more: usize,
}

/// `GET /figures`: one list of the overview, whole.
pub(super) async fn all(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    let asked = Asked::of(&pairs)?;
    let figures = asked.figures(&visit).await?;
    let lists = lists(&figures, &asked, ALL_LINES);
    let list = lists.into_iter().find(|list| value(&pairs, "of") == Some(list.id));
    let list = list.ok_or_else(|| Error::not_found("list of figures", value(&pairs, "of").unwrap_or_default()))?;
    Ok(page(&FiguresPage {
        shell: Shell::new(&visit.viewer, list.title, "/"),
        back: link("/", &asked.pairs()),
        since: query::date(figures.days.start),
        more: list.all.as_ref().map_or(0, |(all, _)| all - list.bars.len()),
        list,
    }))
}

/// The lists of the overview, each with its largest parts.
fn lists(figures: &Figures, asked: &Asked, lines: usize) -> Vec<List> {
    let list = |id: &'static str, title, empty: &str, all: usize, bars: Vec<Bar>| {
        let pairs: Vec<_> = [("of", id.to_owned())].into_iter().chain(asked.pairs()).collect();
        let all = (all > bars.len()).then(|| (all, link("/figures", &pairs)));
        List { id, title, empty: empty.to_owned(), bars, all }
    };
    let longest = figures.refusals_by_reason.first().map_or(1, |figure| figure.count.max(1));
    let refusal = |figure: &Figure| {
        let step = figure.rows.step.clone().unwrap_or_default();
        let (subject, reason) = figure.rows.refused.clone().unwrap_or_default();
        Bar {
            label: format!("{step} {subject}/{reason}"),
            hint: marks::refusal(&subject, &reason).map_or("", |(meaning, _)| meaning).to_owned(),
            count: marks::number(figure.count),
            href: asked.rows(figure, None),
            width: figure.count * 1000 / longest,
        }
    };
    let refusals = figures.refusals_by_reason.iter().take(lines).map(refusal).collect();
    let none = format!("No installations since {}.", query::date(figures.days.start));
    let mut all = vec![list(
        "failures",
        "Refusals by step and reason",
        "Nothing was refused.",
        figures.refusals_by_reason.len(),
        refusals,
    )];
    for (id, title, slices, sold_as) in [
        ("carriers", "Installations by carrier", &figures.by_carrier, Sales::Carrier as fn(String) -> Sales),
        ("countries", "Installations by country", &figures.by_country, Sales::Country),
    ] {
        let longest = slices.first().map_or(1, |slice| slice.figure.count.max(1));
        let bars = slices.iter().take(lines).map(|slice| {
            let sales = slice.name.clone().map_or(Sales::Unplanned, sold_as);
            Bar {
                label: slice.name.clone().unwrap_or_else(|| UNPLANNED.to_owned()),
                hint: String::new(),
                count: marks::number(slice.figure.count),
                href: asked.rows(&slice.figure, Some(&sales)),
                width: slice.figure.count * 1000 / longest,
            }
        });
        all.push(list(id, title, &none, slices.len(), bars.collect()));
    }
    all
}

impl Live {
    fn of(figures: &Figures, asked: &Asked) -> Self {
        let tile = |label, figure: &Figure, note: &str| Tile {
            label,
            value: marks::number(figure.count),
            note: note.to_owned(),
            href: asked.rows(figure, None),
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
        tiles.push(Tile { label: "Activation time", value, note, href: asked.rows(&figure, None) });
        let tenant = || asked.tenant.clone().map(|tenant| ("tenant", tenant));
        let states: Vec<_> = figures
            .orders
            .iter()
            .filter(|(state, count)| *count > 0 && *state != ProfileState::Available)
            .map(|(state, count)| {
                let pairs: Vec<_> = [("state", state.to_string())].into_iter().chain(tenant()).collect();
                StateLine { mark: marks::state(*state), count: marks::number(*count), href: link("/orders", &pairs) }
            })
            .collect();
        let ordered = figures.orders.iter().filter(|(state, _)| *state != ProfileState::Available);
        let total = ordered.map(|(_, count)| count).sum();
        Self {
            tiles,
            states,
            total: marks::number(total),
            all: link("/orders", &tenant().into_iter().collect::<Vec<_>>()),
            lists: lists(figures, asked, LINES),
            since: query::date(figures.days.start),
        }
    }
}
