//! Pages of lists of orders.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::HeaderValue;
use axum::response::Response;
use rsp_asn1::Iccid;
use rsp_es::printable::printable;
use rsp_store::{Batch, BatchRow, BatchState};
use serde::Deserialize;

use super::files::{layout, saved};
use super::sheets::{Which, print};
use super::upload::Upload;
use crate::actor::Right;
use crate::batch::Progress;
use crate::error::Error;
use crate::open5gs;
use crate::portal::{Failure, Mark, Shell, Viewer, moment, new_once, page, see_other};
use crate::service::Service;
use crate::sheet::MAX_SHEETS;

/// Lists, and rows of a list, on a page.
const PAGE: u32 = 100;
/// Characters of a text of a row.
const TEXT: usize = 64;

#[derive(Template)]
#[template(path = "handing_out/batches.html")]
struct BatchesPage {
    shell: Shell,
    batches: Vec<Line>,
    next: Option<i64>,
    tenants: Vec<String>,
    once: String,
}

struct Line {
    number: i64,
    name: String,
    operator: String,
    at: String,
    by: String,
    mark: Mark,
    done: u64,
    total: u64,
}

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
}

/// `GET /batches`.
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(query): Query<Before>,
) -> Result<Response, Failure> {
    let lists = &service.batches;
    let found = lists.list(&viewer.actor, query.before, PAGE).await?;
    let next = found.last().filter(|_| found.len() == PAGE as usize).map(|batch| batch.number);
    let mut batches = Vec::with_capacity(found.len());
    for batch in found {
        let progress = lists.progress(&viewer.actor, batch.number).await?;
        batches.push(line(&batch, &progress));
    }
    let tenants = match viewer.actor.tenant() {
        Some(_) => Vec::new(),
        None => service.desk.store().operators().await?.into_iter().map(|operator| operator.name).collect(),
    };
    let once = new_once(&service);
    Ok(page(&BatchesPage { shell: Shell::new(&viewer, "Batches", "/batches"), batches, next, tenants, once }))
}

fn line(batch: &Batch, progress: &Progress) -> Line {
    Line {
        number: batch.number,
        name: batch.name.clone(),
        operator: batch.operator.clone(),
        at: moment(batch.created_at),
        by: progress.uploader().to_owned(),
        mark: mark(progress),
        done: progress.finished(),
        total: progress.total(),
    }
}

fn mark(progress: &Progress) -> Mark {
    let troubled = progress.count(BatchState::Failed) + progress.count(BatchState::Unclear) > 0;
    match (progress.is_finished(), progress.batch.cancelled_at.is_some(), troubled) {
        (false, _, _) => Mark::new("busy", "busy", "Being ordered"),
        (true, true, _) => Mark::new("", "pause", "Cancelled"),
        (true, false, true) => Mark::new("warn", "warn", "Ended with problems"),
        (true, false, false) => Mark::new("good", "good", "Ordered"),
    }
}

/// `POST /batches`.
pub(super) async fn upload(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    form: Multipart,
) -> Result<Response, Failure> {
    viewer.require(Right::Provision)?;
    let upload = Upload::read(form).await?;
    upload.spend(&service, &viewer).await?;
    let lists = Arc::clone(&service.batches);
    let taken = async move {
        let tenant = upload.field("tenant");
        lists.upload(&viewer.actor, tenant, &upload.name, &upload.content).await
    };
    let number = service.workshop.run(taken).await?;
    Ok(see_other(&format!("/batches/{number}")))
}

#[derive(Template)]
#[template(path = "handing_out/batch.html")]
struct BatchPage {
    shell: Shell,
    line: Line,
    finished: bool,
    counts: Vec<(Mark, u64)>,
    rows: Vec<Row>,
    next: Option<u32>,
    iccids: String,
    /// Whether its rows are subscribers that were imported.
    subscribers: bool,
    /// Whether one document holds the sheets of all that it has sold.
    whole: bool,
    /// Subscribers for whom nothing was ordered: they wait in the stock.
    left: u64,
}

#[derive(Template)]
#[template(path = "handing_out/batch_progress.html")]
struct ProgressPart {
    line: Line,
    finished: bool,
    counts: Vec<(Mark, u64)>,
}

struct Row {
    line: u32,
    carrier: String,
    plan: String,
    reference: String,
    mark: Mark,
    iccid: Option<String>,
    problem: String,
}

#[derive(Deserialize)]
pub(super) struct After {
    after: Option<u32>,
}

/// `GET /batches/{number}`.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Query(query): Query<After>,
) -> Result<Response, Failure> {
    let lists = &service.batches;
    let progress = lists.progress(&viewer.actor, number).await?;
    let found = lists.rows(&viewer.actor, number, query.after.unwrap_or_default(), PAGE).await?;
    let next = found.last().filter(|_| found.len() == PAGE as usize).map(|row| row.wanted.line);
    let mut rows: Vec<_> = found.into_iter().map(row).collect();
    let subscribers = progress.is_of_subscribers();
    if subscribers {
        for row in &mut rows {
            name_by_keys(&service, &progress.batch.operator, row).await?;
        }
    }
    let sold = progress.count(BatchState::Done);
    let not_sold = [BatchState::Failed, BatchState::Cancelled].map(|state| progress.count(state));
    let iccids: Vec<_> = rows.iter().filter_map(|row| row.iccid.as_deref()).collect();
    Ok(page(&BatchPage {
        shell: Shell::new(&viewer, format!("Batch {number}"), "/batches"),
        line: line(&progress.batch, &progress),
        finished: progress.is_finished(),
        counts: counts(&progress),
        iccids: iccids.join(" "),
        rows,
        next,
        subscribers,
        whole: sold > 0 && sold <= MAX_SHEETS as u64,
        left: if subscribers && progress.is_finished() { not_sold.iter().sum() } else { 0 },
    }))
}

/// A row of a list of subscribers says whose keys are in the profile that it got; of a row that got none it is who stands
/// there in the list.
async fn name_by_keys(service: &Service, operator: &str, row: &mut Row) -> Result<(), Error> {
    let Some(iccid) = row.iccid.as_deref().and_then(|iccid| iccid.parse::<Iccid>().ok()) else { return Ok(()) };
    let imsi = service.desk.store().imsi(operator, &iccid).await?;
    if let Some(imsi) = imsi.filter(|imsi| open5gs::imsi_of(&row.reference) != Some(imsi)) {
        row.reference = format!("IMSI {imsi}");
    }
    Ok(())
}

/// `GET /batches/{number}/progress`: the part of the page that changes.
pub(super) async fn progress(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let progress = service.batches.progress(&viewer.actor, number).await?;
    let (line, finished) = (line(&progress.batch, &progress), progress.is_finished());
    let mut part = page(&ProgressPart { line, finished, counts: counts(&progress) });
    if finished {
        // What the rest of the page says has changed, too.
        part.headers_mut().insert("hx-refresh", HeaderValue::from_static("true"));
    }
    Ok(part)
}

#[derive(Deserialize)]
pub(super) struct LayoutForm {
    #[serde(default)]
    layout: String,
}

/// `POST /batches/{number}/sheets`: sheets of what a list has sold and waits to be downloaded, which changes nothing.
pub(super) async fn sheets(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(number): Path<i64>,
    Form(form): Form<LayoutForm>,
) -> Result<Response, Failure> {
    let document = print(&service, viewer.actor, Which::Batch(number), layout(&form.layout)).await?;
    Ok(saved("application/pdf", &format!("batch-{number}.pdf"), document.to_vec()))
}

/// `POST /batches/{number}/cancel`.
pub(super) async fn cancel(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    service.batches.cancel(&viewer.actor, number).await?;
    Ok(see_other(&format!("/batches/{number}")))
}

fn counts(progress: &Progress) -> Vec<(Mark, u64)> {
    let states = BatchState::ALL.into_iter().map(|state| (state_mark(state), progress.count(state)));
    states.filter(|(_, count)| *count > 0).collect()
}

fn state_mark(state: BatchState) -> Mark {
    match state {
        BatchState::Waiting => Mark::new("", "wait", "Waiting"),
        BatchState::Working => Mark::new("busy", "busy", "Being ordered"),
        BatchState::Done => Mark::new("good", "good", "Ordered"),
        BatchState::Failed => Mark::new("bad", "bad", "Refused"),
        BatchState::Unclear => Mark::new("warn", "warn", "Unclear"),
        BatchState::Cancelled => Mark::new("", "pause", "Cancelled"),
    }
}

fn row(row: BatchRow) -> Row {
    Row {
        line: row.wanted.line,
        carrier: printable(&row.wanted.carrier, TEXT),
        plan: printable(&row.wanted.plan, TEXT),
        reference: printable(&row.wanted.reference.or(row.wanted.device_id).unwrap_or_default(), TEXT),
        mark: state_mark(row.state),
        iccid: row.iccid.map(|iccid| iccid.to_string()),
        problem: row.problem.unwrap_or_default(),
    }
}
