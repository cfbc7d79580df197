//! The page on which a list of subscribers is taken, to become a batch and sheets of paper.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Multipart, State};
use axum::response::Response;

use super::upload::Upload;
use crate::actor::Right;
use crate::error::Error;
use crate::open5gs::{self, Plan};
use crate::portal::{Failure, Shell, Viewer, new_once, page, plan_of, plan_value, see_other};
use crate::service::Service;

#[derive(Template)]
#[template(path = "handing_out/import.html")]
struct ImportPage {
    shell: Shell,
    plans: Vec<Choice>,
    once: String,
}

/// A plan that can be chosen.
struct Choice {
    value: String,
    label: String,
}

async fn form(service: &Service, viewer: &Viewer) -> Result<ImportPage, Failure> {
    let plans = service.desk.plans(&viewer.actor, false).await?;
    let choice = |plan: &rsp_store::Plan| {
        let whose = if viewer.actor.tenant().is_none() { format!(" ({})", plan.operator) } else { String::new() };
        Choice { value: plan_value(plan), label: format!("{}, {}{whose}", plan.carrier, plan.name) }
    };
    let shell = Shell::new(viewer, "Import subscribers", "/batches");
    Ok(ImportPage { shell, plans: plans.iter().map(choice).collect(), once: new_once(service) })
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
    let chosen = plan_of(upload.field("plan").unwrap_or_default());
    let (tenant, carrier, name) = chosen.ok_or_else(|| Error::invalid("plan", "choose one"))?;
    let stock_only = upload.field("stock_only").is_some();
    let plan = Plan { tenant: Some(tenant), carrier, name, stock_only };
    upload.spend(&service, &viewer).await?;
    let (batches, actor) = (Arc::clone(&service.batches), viewer.actor);
    let taken = async move {
        let subscribers = open5gs::read(&upload.content)?;
        batches.import(&actor, &plan, &upload.name, &subscribers).await
    };
    let number = service.workshop.run(taken).await?;
    Ok(see_other(&format!("/batches/{number}")))
}
