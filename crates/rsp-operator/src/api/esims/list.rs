//! Lists of eSIMs.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::{Extension, Json};
use rsp_asn1::Timestamp;
use rsp_store::OrderCursor;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Esim, State};
use crate::actor::Actor;
use crate::api::Api;
use crate::api::events::page_size;
use crate::api::input::{Answer, Parameters, bounded};
use crate::api::problem::Problem;
use crate::desk::{EsimFilter, Search};

/// Which eSIMs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Whose ICCID, EID, matching ID, reference or device begins so. A key without the right `provision` finds by
    /// matching IDs that are whole only. Of more than 200 that begin in the same way some are left out.
    #[param(min_length = 6, max_length = 255, pattern = "^[A-Za-z0-9-]*$")]
    search: Option<String>,
    /// That their buyer calls so.
    #[param(min_length = 1, max_length = 64)]
    reference: Option<String>,
    /// In this state.
    state: Option<State>,
    /// Of plans of this carrier.
    #[param(min_length = 1, max_length = 64)]
    carrier: Option<String>,
    /// Of plans of carriers of this country, ISO 3166-1 alpha-2.
    #[param(pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// As `next` of the page before said.
    #[param(min_length = 1, max_length = 64, pattern = "^[0-9]{1,18}:[0-9]{18,20}$")]
    cursor: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Some eSIMs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Esims {
    items: Vec<Esim>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// eSIMs, newest first: all of them, or those that are searched for. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims",
    tag = "eSIMs",
    operation_id = "list_esims",
    params(Which),
    responses((status = 200, body = Esims)),
    security(("key" = []))
)]
pub(crate) async fn list(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(which): Parameters<Which>,
) -> Answer<Esims> {
    bounded("cursor", which.cursor.as_deref(), 64)?;
    bounded("carrier", which.carrier.as_deref(), 64)?;
    bounded("reference", which.reference.as_deref(), 64)?;
    bounded("search", which.search.as_deref(), 255)?;
    let searchable = |text: &String| text.len() >= 6 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !which.search.as_ref().is_none_or(searchable) {
        return Err(Problem::invalid("search", "at least 6 digits, letters of ASCII and hyphens"));
    }
    if let Some(country) = &which.country {
        crate::check_country("country", country)?;
    }
    let after = which.cursor.as_deref().map(|cursor| {
        let parts = cursor.split_once(':').map(|(at, iccid)| (at.parse(), iccid.parse()));
        match parts {
            Some((Ok(at), Ok(iccid))) => Ok(OrderCursor { created_at: Timestamp(at), iccid }),
            _ => Err(Problem::invalid("cursor", "take the member \"next\" of the page before")),
        }
    });
    let filter = EsimFilter {
        states: which.state.map(Into::into).into_iter().collect(),
        carrier: which.carrier,
        country: which.country.map(|country| country.to_uppercase()),
        ..EsimFilter::default()
    };
    let limit = page_size(which.limit)?;
    let (search, after) = (Search { begins: which.search, reference: which.reference }, after.transpose()?);
    let page = match search.is_any() {
        true => api.desk.found(&actor, &search, &filter, after, limit).await?,
        false => api.desk.esims(&actor, &filter, after, limit).await?,
    };
    Ok(Json(Esims {
        items: page.items.iter().map(Esim::from).collect(),
        next: page.next.map(|next| format!("{}:{}", next.created_at.0, next.iccid)),
    }))
}
