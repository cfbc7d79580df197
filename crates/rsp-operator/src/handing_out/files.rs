//! Files to be saved: tables, archives, sheets.

use std::sync::Arc;

use axum::Form;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use rsp_asn1::Iccid;
use rsp_store::ProfileState;
use serde::Deserialize;

use super::sheets::{Which, print};
use crate::desk::EsimFilter;
use crate::error::Error;
use crate::export;
use crate::portal::{Failure, Viewer};
use crate::service::Service;
use crate::sheet::Layout;

/// A file to be saved under a name of ours.
pub(super) fn saved(kind: &'static str, name: &str, body: impl Into<Body>) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], body.into()).into_response()
}

/// Which orders, as on the page of orders.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    carrier: String,
    #[serde(default)]
    country: String,
    #[serde(default, rename = "type")]
    profile_type: String,
    /// Whether the table has activation codes.
    #[serde(default)]
    codes: bool,
}

impl Filter {
    fn orders(&self) -> Result<EsimFilter, Error> {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let states = self.state.split(',').filter(|state| !state.is_empty());
        let states = states.map(|state| state.parse::<ProfileState>()).collect::<Result<Vec<_>, _>>();
        Ok(EsimFilter {
            tenant: given(&self.tenant),
            states: states.map_err(|_| Error::invalid("state", "there is no such state"))?,
            carrier: given(&self.carrier),
            country: given(&self.country),
            profile_type: given(&self.profile_type),
        })
    }
}

/// `GET /export/orders.csv`.
pub(super) async fn table(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(filter): Query<Filter>,
) -> Result<Response, Failure> {
    let (desk, workshop) = (Arc::clone(&service.desk), Arc::clone(&service.workshop));
    let rows = export::csv(workshop, desk, viewer.actor, filter.orders()?, filter.codes).await?;
    Ok(saved("text/csv; charset=utf-8", "orders.csv", Body::from_stream(rows)))
}

/// `GET /export/orders.zip`.
pub(super) async fn archive(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Query(filter): Query<Filter>,
) -> Result<Response, Failure> {
    let (desk, orders) = (Arc::clone(&service.desk), filter.orders()?);
    let archive = async move { export::archive(&desk, &viewer.actor, &orders).await };
    let archive = service.workshop.run(archive).await?;
    Ok(saved("application/zip", "orders.zip", archive.to_vec()))
}

#[derive(Deserialize)]
pub(super) struct SheetsForm {
    /// With blanks between them.
    iccids: String,
    #[serde(default)]
    layout: String,
}

/// `POST /sheets`: sheets of some eSIMs, which changes nothing.
pub(super) async fn sheets(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<SheetsForm>,
) -> Result<Response, Failure> {
    let iccids = form
        .iccids
        .split_whitespace()
        .map(|iccid| iccid.parse::<Iccid>().map_err(|_| Error::invalid("iccids", "one of them is no ICCID")));
    let iccids = iccids.collect::<Result<Vec<_>, _>>()?;
    let document = print(&service, viewer.actor, Which::These(iccids), layout(&form.layout)).await?;
    Ok(saved("application/pdf", "esims.pdf", document.to_vec()))
}

pub(super) fn layout(name: &str) -> Layout {
    if name == "three" { Layout::Three } else { Layout::One }
}
