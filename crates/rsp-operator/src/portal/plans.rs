//! The catalogue.

use askama::Template;
use axum::response::Response;
use rsp_store::Plan;
use serde::Deserialize;

use super::failure::{Failure, kept};
use super::input::Form;
use super::outcome::{Board, Outcome, after, show};
use super::provision::{plan_of, plan_value};
use super::shell::{Mark, Shell, page_with};
use super::visit::Visit;
use crate::actor::Right;
use crate::currency;
use crate::desk::NewPlan;
use crate::error::Error;

#[derive(Template)]
#[template(path = "plans.html")]
struct PlansPage {
    shell: Shell,
    rows: Vec<Row>,
    staff: bool,
    may_manage: bool,
    tenants: Vec<String>,
    types: Vec<String>,
    form: Filled,
    outcome: Outcome,
}

struct Row {
    value: String,
    carrier: String,
    name: String,
    operator: String,
    country: String,
    coverage: String,
    data: String,
    validity: String,
    price: String,
    profile_type: String,
    state: Mark,
    closed: bool,
}

/// A plan as it was filled in.
#[derive(Deserialize, Default)]
pub(super) struct Filled {
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    carrier: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    profile_type: String,
    #[serde(default)]
    country: String,
    #[serde(default)]
    coverage: String,
    #[serde(default)]
    data_mb: String,
    #[serde(default)]
    validity_days: String,
    #[serde(default)]
    price: String,
    #[serde(default)]
    currency: String,
}

impl Filled {
    /// As a form shows it again that was refused.
    fn again(mut self) -> Self {
        for field in [
            &mut self.tenant,
            &mut self.carrier,
            &mut self.name,
            &mut self.profile_type,
            &mut self.country,
            &mut self.coverage,
            &mut self.data_mb,
            &mut self.validity_days,
            &mut self.price,
            &mut self.currency,
        ] {
            *field = kept(field);
        }
        self
    }
}

impl Board for PlansPage {
    async fn of(visit: &Visit, mut outcome: Outcome) -> Result<Self, Failure> {
        let plans = visit.service.desk.plans(visit.actor(), true).await?;
        let may_manage = visit.may(Right::Manage);
        let types = visit.service.desk.store().profile_types().await?.into_iter();
        let types = types.filter(|found| found.operator.is_some() && visit.actor().sees(found.operator.as_deref()));
        Ok(Self {
            shell: outcome.shell(visit, "Plans", "/plans"),
            rows: plans.iter().map(row).collect(),
            staff: visit.is_staff(),
            may_manage,
            tenants: if may_manage { visit.tenants().await? } else { Vec::new() },
            types: types.map(|found| found.name).collect(),
            form: Filled::default(),
            outcome,
        })
    }
}

/// `GET /plans`.
pub(super) async fn list(visit: Visit) -> Result<Response, Failure> {
    show::<PlansPage>(&visit).await
}

fn row(plan: &Plan) -> Row {
    Row {
        value: plan_value(plan),
        carrier: plan.carrier.clone(),
        name: plan.name.clone(),
        operator: plan.operator.clone(),
        country: plan.country.clone(),
        coverage: match plan.coverage.as_slice() {
            few if few.len() <= 6 => few.join(" "),
            many => format!("{} countries", many.len()),
        },
        data: match plan.data_bytes {
            None => "unlimited".to_owned(),
            Some(octets @ 0..1_000_000_000) => format!("{} MB", octets / 1_000_000),
            Some(octets) => format!("{:.1} GB", octets as f64 / 1e9),
        },
        validity: plan.validity_days.map_or_else(|| "no end".to_owned(), |days| format!("{days} days")),
        price: match (plan.price, &plan.currency) {
            (Some(price), Some(currency)) => format!("{} {currency}", currency::amount(price, currency)),
            _ => "–".to_owned(),
        },
        profile_type: plan.profile_type.clone(),
        state: if plan.closed { Mark::new("", "pause", "Closed") } else { Mark::new("good", "good", "On sale") },
        closed: plan.closed,
    }
}

/// `POST /plans`.
pub(super) async fn add(visit: Visit, Form(form): Form<Filled>) -> Result<Response, Failure> {
    let added = match new_plan(&form) {
        Ok(new) => visit.service.desk.add_plan(visit.actor(), new).await,
        Err(wrong) => Err(wrong),
    };
    let added = added.map(|plan| Outcome::done(format!("{} / {} is on sale.", plan.carrier, plan.name)));
    let (status, outcome) = Outcome::settle(added)?;
    let is_refused = outcome.problem.is_some();
    let mut shown = PlansPage::of(&visit, outcome).await?;
    if is_refused {
        shown.form = form.again();
    }
    Ok(page_with(status, &shown))
}

fn new_plan(form: &Filled) -> Result<NewPlan, Error> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let number = |field: &'static str, value: &str| {
        let number = text(value).map(|value| value.parse::<i64>());
        number.transpose().map_err(|_| Error::invalid(field, "is no whole number"))
    };
    let currency = text(&form.currency).map(|currency| currency.to_uppercase());
    let price = text(&form.price).map(|price| currency::parse(&price, currency.as_deref().unwrap_or_default()));
    let megabytes = number("data", &form.data_mb)?;
    let data_bytes = match megabytes.map(|megabytes| megabytes.checked_mul(1_000_000)) {
        Some(None) => return Err(Error::invalid("data", "is out of range")),
        Some(octets) => octets,
        None => None,
    };
    Ok(NewPlan {
        tenant: text(&form.tenant),
        carrier: form.carrier.trim().to_owned(),
        name: form.name.trim().to_owned(),
        profile_type: form.profile_type.trim().to_owned(),
        country: form.country.trim().to_owned(),
        coverage: form.coverage.split([' ', ',', ';']).filter_map(text).collect(),
        data_bytes,
        validity_days: number("validity", &form.validity_days)?,
        price: price.transpose()?,
        currency,
        ..NewPlan::default()
    })
}

#[derive(Deserialize)]
pub(super) struct CloseForm {
    plan: String,
    closed: bool,
}

/// `POST /plans/close`.
pub(super) async fn close(visit: Visit, Form(form): Form<CloseForm>) -> Result<Response, Failure> {
    let (tenant, carrier, name) = plan_of(&form.plan).ok_or_else(|| Error::not_found("plan", ""))?;
    let done = visit.service.desk.close_plan(visit.actor(), Some(&tenant), (&carrier, &name), form.closed).await;
    let what = if form.closed { "is sold no more; what was sold stays" } else { "is on sale again" };
    after::<PlansPage>(&visit, done.map(|()| Outcome::done(format!("{carrier} / {name} {what}.")))).await
}
