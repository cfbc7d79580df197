//! The list of orders.

use askama::Template;
use axum::response::Response;
use rsp_es::printable::printable;
use rsp_store::ProfileState;

use super::failure::{Failure, kept};
use super::input::Query;
use super::marks;
use super::query::{self, Pairs, link, value};
use super::shell::{Mark, Shell, moment, page};
use super::visit::Visit;
use crate::actor::Right;
use crate::desk::{Esim, EsimFilter};

/// Orders on a page.
const ROWS: u32 = 25;
/// Characters of a search at least.
const SEARCH: usize = 6;
/// Characters of what the list is filtered by.
const CHIP: usize = 64;
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
    /// These orders as files; none of a search.
    exports: Option<Exports>,
}

/// Where the orders of a filter are as files.
struct Exports {
    table: String,
    with_codes: String,
    archive: String,
}

impl Exports {
    fn of(filter: &EsimFilter) -> Self {
        let states: Vec<_> = filter.states.iter().map(|state| state.as_str()).collect();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let pairs = [
            ("tenant", text(&filter.tenant)),
            ("state", states.join(",")),
            ("carrier", text(&filter.carrier)),
            ("country", text(&filter.country)),
            ("type", text(&filter.profile_type)),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let with_codes: Vec<_> = pairs.iter().cloned().chain([("codes", "true".to_owned())]).collect();
        Self {
            table: link("/export/orders.csv", &pairs),
            with_codes: link("/export/orders.csv", &with_codes),
            archive: link("/export/orders.zip", &pairs),
        }
    }
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
pub(super) async fn list(visit: Visit, Query(pairs): Query<Pairs>) -> Result<Response, Failure> {
    let search = value(&pairs, "q").unwrap_or_default().trim().to_owned();
    let (filter, after) = (query::esims(&pairs)?, query::order_cursor(&pairs)?);
    let mut problem = None;
    let (found, next) = if search.is_empty() {
        let found = visit.service.desk.esims(visit.actor(), &filter, after, ROWS).await?;
        (found.items, found.next)
    } else if search.chars().count() < SEARCH {
        problem = Some(format!(
            "Enter at least the first {SEARCH} characters of an ICCID, EID, matching ID, reference or device."
        ));
        (Vec::new(), None)
    } else {
        (visit.service.desk.search(visit.actor(), &search, ROWS).await?, None)
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
    let chips = chips.into_iter().chain([("Tenant", &filter.tenant)]);
    let chips =
        chips.filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}: {}", printable(value, CHIP))));
    let choices = STATES.into_iter().chain([ProfileState::Unavailable]).map(|state| Choice {
        value: state.as_str(),
        label: marks::state_name(state),
        chosen: filter.states == [state],
    });
    Ok(page(&ListPage {
        shell: Shell::new(&visit.viewer, "Orders", "/orders"),
        rows: found.into_iter().map(row).collect(),
        states: choices.collect(),
        chips: chips.collect(),
        next,
        is_first: value(&pairs, "after").is_none(),
        staff: visit.is_staff(),
        filtered: !search.is_empty() || pairs.iter().any(|(_, value)| !value.is_empty()),
        may_provision: visit.may(Right::Provision),
        exports: search.is_empty().then(|| Exports::of(&filter)),
        search: kept(&search),
        problem,
    }))
}

/// What was sold, in a few words.
pub(super) fn plan_name(esim: &Esim) -> String {
    match &esim.plan {
        Some(plan) => format!("{} / {}", plan.carrier, plan.name),
        None => esim.profile_type.clone(),
    }
}
