//! The page on which a list of subscribers becomes sheets of paper.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Multipart, State};
use axum::response::Response;

use super::upload::Upload;
use crate::actor::Right;
use crate::error::Error;
use crate::open5gs::{self, Plan};
use crate::portal::{Failure, Notice, Shell, Viewer, new_once, page};
use crate::service::Service;

#[derive(Template)]
#[template(path = "handing_out/import.html")]
struct ImportPage {
    shell: Shell,
    plans: Vec<Choice>,
    made: Option<Made>,
    once: String,
}

/// A plan that can be chosen.
struct Choice {
    value: String,
    label: String,
}

/// What was made of a list.
struct Made {
    sheets: Vec<(String, String)>,
    iccids: String,
}

/// Between the parts of a plan's name in the form: no name has it.
const BETWEEN: char = '\u{1f}';

async fn form(service: &Service, viewer: &Viewer) -> Result<ImportPage, Failure> {
    let plans = service.desk.plans(&viewer.actor, false).await?;
    let choice = |plan: &rsp_store::Plan| {
        let whose = if viewer.actor.tenant().is_none() { format!(" ({})", plan.operator) } else { String::new() };
        Choice {
            value: format!("{}{BETWEEN}{}{BETWEEN}{}", plan.operator, plan.carrier, plan.name),
            label: format!("{}, {}{whose}", plan.carrier, plan.name),
        }
    };
    let shell = Shell::new(viewer, "Import subscribers", "/batches");
    Ok(ImportPage { shell, plans: plans.iter().map(choice).collect(), made: None, once: new_once(service) })
}

/// `GET /import`.
pub(super) async fn show(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    Ok(page(&form(&service, &viewer).await?))
}

/// `POST /import`.
pub(super) async fn import(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    upload: Multipart,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let upload = Upload::read(upload).await?;
    let mut parts = upload.field("plan").unwrap_or_default().split(BETWEEN).map(str::to_owned);
    let (Some(tenant), Some(carrier), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::invalid("plan", "choose one").into());
    };
    let plan = Plan { tenant: Some(tenant), carrier, name };
    let subscribers = open5gs::read(&upload.content)?;
    upload.spend(&service, &viewer).await?;
    let imported = open5gs::import(&service.desk, &service.desk, &viewer.actor, &plan, &subscribers).await?;
    let sheets: Vec<_> = imported.sheets.iter().map(|sheet| (sheet.name.clone(), sheet.iccid.to_string())).collect();
    let iccids: Vec<_> = sheets.iter().map(|(_, iccid)| iccid.as_str()).collect();
    let mut shown = form(&service, &viewer).await?;
    let notice = match imported.left {
        None => Notice::good(format!("{} subscribers have an eSIM.", sheets.len())),
        Some((left, error)) => Notice::warn(format!("{left} subscribers got none and wait in the stock: {error}.")),
    };
    shown.shell = shown.shell.with(Some(notice));
    shown.made = Some(Made { iccids: iccids.join(" "), sheets });
    Ok(page(&shown))
}
