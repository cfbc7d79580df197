//! Lists of orders over the API: taken whole or not at all, and worked off in the background.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode as HttpStatus;
use axum::http::header::LOCATION;
use axum::{Extension, Json};
use rsp_store::{BatchRow, BatchState, NewBatchRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::esims::order::eid;
use super::events::page_size;
use super::input::{Answer, BodyOrCsv, Parameters, PathNumber, bounded};
use super::parameters::Once;
use super::problem::Problem;
use crate::actor::Actor;
use crate::batch::{MAX_ROWS, Progress};

/// What a list is called that nobody has named.
const UNNAMED: &str = "API";

/// One order of a list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedRow {
    /// The carrier of a plan.
    #[schema(min_length = 1, max_length = 64, example = "Alpha Mobile")]
    carrier: String,
    /// The plan's name.
    #[schema(min_length = 1, max_length = 64, example = "Travel 5 GB")]
    plan: String,
    /// The only eUICC that may download it.
    #[schema(pattern = "^[0-9]{32}$", example = "89049032123451234512345678901235")]
    eid: Option<String>,
    /// The device, as its owner calls it.
    #[schema(min_length = 1, max_length = 64)]
    device_id: Option<String>,
    /// What its buyer calls it.
    #[schema(min_length = 1, max_length = 64)]
    reference: Option<String>,
}

/// Orders that are wanted. There are no confirmation codes in lists: each has to be told to somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedBatch {
    #[schema(min_items = 1, max_items = 10_000)]
    rows: Vec<WantedRow>,
}

/// What a list is called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Named {
    /// What people call the list.
    #[param(min_length = 1, max_length = 64)]
    name: Option<String>,
}

/// How many rows of a list stand where.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowCounts {
    /// Nothing was done for them yet.
    waiting: u64,
    /// Their order is under way.
    working: u64,
    /// They were sold.
    done: u64,
    /// They were refused.
    failed: u64,
    /// They may have been sold: nobody knows. Look among the SM-DP+'s orders before you order again.
    unclear: u64,
    /// The list was cancelled before their turn.
    cancelled: u64,
}

/// A list of orders, and how far it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Batch {
    /// Which one; a later one has a higher number.
    number: i64,
    name: String,
    created_at: String,
    created_by: String,
    cancelled_at: Option<String>,
    /// Orders in it.
    total: u64,
    /// Those for which nothing more will be done.
    finished: u64,
    rows: RowCounts,
}

impl From<&Progress> for Batch {
    fn from(progress: &Progress) -> Self {
        let batch = &progress.batch;
        Self {
            number: batch.number,
            name: batch.name.clone(),
            created_at: batch.created_at.to_string(),
            created_by: batch.created_by.clone(),
            cancelled_at: batch.cancelled_at.map(|at| at.to_string()),
            total: progress.total(),
            finished: progress.finished(),
            rows: RowCounts {
                waiting: progress.count(BatchState::Waiting),
                working: progress.count(BatchState::Working),
                done: progress.count(BatchState::Done),
                failed: progress.count(BatchState::Failed),
                unclear: progress.count(BatchState::Unclear),
                cancelled: progress.count(BatchState::Cancelled),
            },
        }
    }
}

/// One order of a list, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchRow)]
pub(crate) struct Row {
    /// Its place among the rows of JSON, from 1 on, or its line in the file.
    line: u32,
    carrier: String,
    plan: String,
    eid: Option<String>,
    device_id: Option<String>,
    reference: Option<String>,
    /// `waiting`, `working`, `done`, `failed`, `unclear` or `cancelled`.
    state: &'static str,
    /// What was sold. `…/esims/{iccid}/handoff` has its activation code.
    iccid: Option<String>,
    /// Why nothing was.
    problem: Option<String>,
}

impl From<BatchRow> for Row {
    fn from(row: BatchRow) -> Self {
        Self {
            line: row.wanted.line,
            carrier: row.wanted.carrier,
            plan: row.wanted.plan,
            eid: row.wanted.eid.map(|eid| eid.to_string()),
            device_id: row.wanted.device_id,
            reference: row.wanted.reference,
            state: row.state.as_str(),
            iccid: row.iccid.map(|iccid| iccid.to_string()),
            problem: row.problem,
        }
    }
}

/// Some lists.
#[derive(Serialize, ToSchema)]
pub(crate) struct Batches {
    items: Vec<Batch>,
    /// `before` of the next page; null at the end.
    next: Option<i64>,
}

/// A list with some of its rows.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchWithRows {
    batch: Batch,
    /// Its orders, in their order.
    items: Vec<Row>,
    /// `after` of the next page; null at the end.
    next: Option<u32>,
}

/// Which lists.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Before {
    /// Those before this number: `next` of the page before.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Those behind this line: `next` of the page before.
    #[param(minimum = 0, maximum = 4_294_967_295i64)]
    after: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Order many eSIMs: a list is checked whole, taken or refused whole, and worked off in the background. As CSV it has a header
/// with `carrier`, `plan`, and as wanted `eid`, `device_id` and `reference`. At most 10,000 orders in 2 MiB. Needs the right
/// `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/batches",
    tag = "Batches",
    operation_id = "add_batch",
    params(Named, Once),
    request_body(content((WantedBatch = "application/json"), (String = "text/csv"))),
    responses((status = 202, body = Batch, headers(("Location" = String, description = "The list")))),
    security(("key" = []))
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(named): Parameters<Named>,
    body: BodyOrCsv<WantedBatch>,
) -> Result<(HttpStatus, [(axum::http::HeaderName, String); 1], Json<Batch>), Problem> {
    bounded("name", named.name.as_deref(), 64)?;
    let name = named.name.unwrap_or_else(|| UNNAMED.to_owned());
    let (batches, by) = (Arc::clone(&api.batches), actor.clone());
    let number = match body {
        BodyOrCsv::Csv(list) => api.workshop.run(async move { batches.upload(&by, None, &name, &list).await }).await?,
        BodyOrCsv::Json(WantedBatch { rows }) => {
            if rows.len() > MAX_ROWS {
                return Err(Problem::invalid("rows", format!("are more than {MAX_ROWS}")));
            }
            let rows = (1..).zip(rows).map(|(line, row)| row_of(line, row)).collect::<Result<Vec<_>, _>>()?;
            let taken = api.workshop.run(async move { batches.take(&by, None, &name, rows).await }).await;
            taken.map_err(|error| Problem::from(error).named("rows"))?
        }
    };
    let batch = Batch::from(&api.batches.progress(&actor, number).await?);
    Ok((HttpStatus::ACCEPTED, [(LOCATION, format!("/api/v1/batches/{number}"))], Json(batch)))
}

fn row_of(line: u32, row: WantedRow) -> Result<NewBatchRow, Problem> {
    let part = || format!("rows[{}]", line - 1);
    let WantedRow { carrier, plan, eid: wanted, device_id, reference } = row;
    let eid = wanted.as_deref().map(eid).transpose().map_err(|problem| problem.within(&part()))?;
    Ok(NewBatchRow { line, carrier, plan, eid, device_id, reference })
}

/// Lists of orders, newest first. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/batches",
    tag = "Batches",
    operation_id = "list_batches",
    params(Before),
    responses((status = 200, body = Batches)),
    security(("key" = []))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(which): Parameters<Before>,
) -> Answer<Batches> {
    let limit = page_size(which.limit)?;
    if which.before.is_some_and(|before| before < 1) {
        return Err(Problem::invalid("before", "take the member \"next\" of the page before"));
    }
    let mut found = api.batches.list(&actor, which.before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().map(|batch| batch.number).filter(|_| more);
    let mut items = Vec::with_capacity(found.len());
    for batch in found {
        items.push(Batch::from(&api.batches.progress(&actor, batch.number).await?));
    }
    Ok(Json(Batches { items, next }))
}

/// A list of orders: how far it is, and what became of its rows, page by page. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/batches/{number}",
    tag = "Batches",
    operation_id = "get_batch",
    params(("number" = i64, Path, minimum = 1), After),
    responses((status = 200, body = BatchWithRows)),
    security(("key" = []))
)]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathNumber(number): PathNumber,
    Parameters(which): Parameters<After>,
) -> Answer<BatchWithRows> {
    let limit = page_size(which.limit)?;
    let after = u32::try_from(which.after.unwrap_or_default());
    let after = after.map_err(|_| Problem::invalid("after", "take the member \"next\" of the page before"))?;
    let batch = Batch::from(&api.batches.progress(&actor, number).await?);
    let mut rows = api.batches.rows(&actor, number, after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().map(|row| row.wanted.line).filter(|_| more);
    Ok(Json(BatchWithRows { batch, items: rows.into_iter().map(Row::from).collect(), next }))
}

/// Order nothing more of a list; what is under way is finished. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/batches/{number}/cancel",
    tag = "Batches",
    operation_id = "cancel_batch",
    params(("number" = i64, Path, minimum = 1), Once),
    responses((status = 200, body = Batch)),
    security(("key" = []))
)]
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathNumber(number): PathNumber,
) -> Answer<Batch> {
    api.batches.cancel(&actor, number).await?;
    Ok(Json(Batch::from(&api.batches.progress(&actor, number).await?)))
}
