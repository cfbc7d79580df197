//! The catalogue over the API.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode as HttpStatus;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_store::PlanFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::events::page_size;
use super::input::{Answer, Body, Parameters, bounded};
use super::parameters::Once;
use super::problem::Problem;
use crate::actor::Actor;
use crate::desk::NewPlan;
use crate::error::Error;

/// Longest cursor: two names of 64 characters of four octets, in base 64.
const LONGEST_CURSOR: usize = 700;

/// Which plans.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Also those that are sold no more.
    #[serde(default)]
    #[param(required = false)]
    closed: bool,
    /// Of carriers of this country, ISO 3166-1 alpha-2.
    #[param(pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// As `next` of the page before said.
    #[param(min_length = 1, max_length = 700, pattern = "^[0-9A-Za-z_-]+$")]
    cursor: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What is sold.
#[derive(Serialize, ToSchema)]
pub(crate) struct Plan {
    carrier: String,
    name: String,
    /// What is ordered for it at the SM-DP+.
    profile_type: String,
    /// The carrier's country, ISO 3166-1 alpha-2.
    country: String,
    /// Where it is valid.
    coverage: Vec<String>,
    /// Octets of data; no limit without it.
    data_bytes: Option<i64>,
    /// Seconds of calls; no limit without it.
    voice_seconds: Option<i64>,
    /// Messages; no limit without it.
    messages: Option<i64>,
    /// Days from the installation; no limit without it.
    validity_days: Option<i64>,
    /// Kilobits a second when the data are used up.
    throttle_kbps: Option<i64>,
    /// In the smallest unit of the currency (ISO 4217): 990 is 9.90 EUR, 990 JPY or 0.990 KWD.
    price: Option<i64>,
    /// ISO 4217.
    currency: Option<String>,
    /// Whether it is sold no more.
    closed: bool,
    created_at: String,
}

impl From<rsp_store::Plan> for Plan {
    fn from(plan: rsp_store::Plan) -> Self {
        Self {
            carrier: plan.carrier,
            name: plan.name,
            profile_type: plan.profile_type,
            country: plan.country,
            coverage: plan.coverage,
            data_bytes: plan.data_bytes,
            voice_seconds: plan.voice_seconds,
            messages: plan.messages,
            validity_days: plan.validity_days,
            throttle_kbps: plan.throttle_kbps,
            price: plan.price,
            currency: plan.currency,
            closed: plan.closed,
            created_at: plan.created_at.to_string(),
        }
    }
}

/// Some plans.
#[derive(Serialize, ToSchema)]
pub(crate) struct Plans {
    items: Vec<Plan>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// A plan to be sold. What has no limit is left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedPlan {
    #[schema(min_length = 1, max_length = 64, example = "Alpha Mobile")]
    carrier: String,
    #[schema(min_length = 1, max_length = 64, example = "Travel 5 GB")]
    name: String,
    #[schema(min_length = 1, max_length = 64, example = "basic")]
    profile_type: String,
    #[schema(pattern = "^[A-Za-z]{2}$", example = "DE")]
    country: String,
    #[serde(default)]
    #[schema(max_items = 250)]
    coverage: Vec<Country>,
    #[schema(minimum = 0)]
    data_bytes: Option<i64>,
    #[schema(minimum = 0)]
    voice_seconds: Option<i64>,
    #[schema(minimum = 0)]
    messages: Option<i64>,
    #[schema(minimum = 0, maximum = 36500)]
    validity_days: Option<i64>,
    #[schema(minimum = 0)]
    throttle_kbps: Option<i64>,
    /// In the smallest unit of the currency (ISO 4217): 990 is 9.90 EUR, 990 JPY or 0.990 KWD.
    #[schema(minimum = 0)]
    price: Option<i64>,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: Option<String>,
}

/// ISO 3166-1 alpha-2.
#[derive(Deserialize, ToSchema)]
#[schema(pattern = "^[A-Za-z]{2}$")]
pub(crate) struct Country(String);

/// What changes of a plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Whether it is sold no more.
    closed: bool,
}

/// Plans, by carrier and name. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/plans",
    tag = "Plans",
    operation_id = "list_plans",
    params(Which),
    responses((status = 200, body = Plans)),
    security(("key" = []))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(which): Parameters<Which>,
) -> Answer<Plans> {
    bounded("cursor", which.cursor.as_deref(), LONGEST_CURSOR)?;
    let after = which.cursor.as_deref().map(|cursor| {
        place(cursor).ok_or_else(|| Problem::invalid("cursor", "take the member \"next\" of the page before"))
    });
    let filter = PlanFilter { country: which.country, with_closed: which.closed };
    let limit = page_size(which.limit)?;
    let page = api.desk.plan_page(&actor, filter, after.transpose()?, limit).await?;
    Ok(Json(Plans {
        items: page.items.into_iter().map(Plan::from).collect(),
        next: page.next.map(|(carrier, name)| URL_SAFE_NO_PAD.encode(format!("{carrier}\n{name}"))),
    }))
}

/// The carrier and name of a cursor; neither has a line end.
fn place(cursor: &str) -> Option<(String, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.split_once('\n').map(|(carrier, name)| (carrier.to_owned(), name.to_owned()))
}

/// Add a plan. Needs the right `manage`.
#[utoipa::path(
    post,
    path = "/api/v1/plans",
    tag = "Plans",
    operation_id = "add_plan",
    params(Once),
    request_body = WantedPlan,
    responses((status = 201, body = Plan)),
    security(("key" = []))
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Body(wanted): Body<WantedPlan>,
) -> Result<(HttpStatus, Json<Plan>), Problem> {
    let new = NewPlan {
        tenant: None,
        carrier: wanted.carrier,
        name: wanted.name,
        profile_type: wanted.profile_type,
        country: wanted.country,
        coverage: wanted.coverage.into_iter().map(|Country(code)| code).collect(),
        data_bytes: wanted.data_bytes,
        voice_seconds: wanted.voice_seconds,
        messages: wanted.messages,
        validity_days: wanted.validity_days,
        throttle_kbps: wanted.throttle_kbps,
        price: wanted.price,
        currency: wanted.currency,
    };
    Ok((HttpStatus::CREATED, Json(api.desk.add_plan(&actor, new).await?.into())))
}

/// Close a plan for orders, or open it again. Needs the right `manage`.
#[utoipa::path(
    patch,
    path = "/api/v1/plans/{carrier}/{name}",
    tag = "Plans",
    operation_id = "change_plan",
    params(
        ("carrier" = String, Path, min_length = 1, max_length = 64),
        ("name" = String, Path, min_length = 1, max_length = 64)
    ),
    request_body = Change,
    responses((status = 200, body = Plan)),
    security(("key" = []))
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    Body(change): Body<Change>,
) -> Answer<Plan> {
    let Path((carrier, name)) = path.map_err(|_| Problem::not_found())?;
    api.desk.close_plan(&actor, None, (&carrier, &name), change.closed).await?;
    let tenant = api.desk.tenant(&actor, None).await?;
    let plan = api.desk.store().plan(&tenant, &carrier, &name).await?;
    Ok(Json(plan.ok_or_else(|| Error::not_found("plan", name))?.into()))
}
