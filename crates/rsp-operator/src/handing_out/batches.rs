//! Pages of lists of orders.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Multipart, Path, Query, State};
use axum::response::Response;
use rsp_es::printable::printable;
use rsp_store::{Batch, BatchRow, BatchState};
use serde::Deserialize;

use super::upload::Upload;
use crate::actor::Right;
use crate::batch::Progress;
use crate::portal::{Failure, Mark, Shell, Viewer, moment, new_once, page, see_other};
use crate::service::Service;

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
        by: batch.created_by.clone(),
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
    let lists = &service.batches;
    let number = lists.upload(&viewer.actor, upload.field("tenant"), &upload.name, &upload.content).await?;
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
    let rows: Vec<_> = found.into_iter().map(row).collect();
    let iccids: Vec<_> = rows.iter().filter_map(|row| row.iccid.as_deref()).collect();
    Ok(page(&BatchPage {
        shell: Shell::new(&viewer, format!("Batch {number}"), "/batches"),
        line: line(&progress.batch, &progress),
        finished: progress.is_finished(),
        counts: counts(&progress),
        iccids: iccids.join(" "),
        rows,
        next,
    }))
}

/// `GET /batches/{number}/progress`: the part of the page that changes.
pub(super) async fn progress(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let progress = service.batches.progress(&viewer.actor, number).await?;
    let line = line(&progress.batch, &progress);
    Ok(page(&ProgressPart { line, finished: progress.is_finished(), counts: counts(&progress) }))
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
