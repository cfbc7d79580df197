//! Whether the network lets an eSIM's subscriber in.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};

use super::Esim;
use crate::actor::Actor;
use crate::api::Api;
use crate::api::input::{Answer, PathIccid};
use crate::api::parameters::{OfEsim, Once};
use crate::api::problem::Details;

/// Have the network refuse the subscriber. Needs the right `provision`, and a network adapter.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/suspend",
    tag = "Usage",
    operation_id = "suspend_esim",
    params(OfEsim, Once),
    responses(
        (status = 200, body = Esim),
        (status = 409, body = Details, content_type = "application/problem+json", description = "`no-network-adapter`, or the eSIM is not one of this server's")
    ),
    security(("key" = []))
)]
pub(crate) async fn suspend(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.suspend(&actor, &iccid).await?).into()))
}

/// Have the network let the subscriber in again. Needs the right `provision`, and a network adapter.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/resume",
    tag = "Usage",
    operation_id = "resume_esim",
    params(OfEsim, Once),
    responses(
        (status = 200, body = Esim),
        (status = 409, body = Details, content_type = "application/problem+json", description = "`no-network-adapter`, or the eSIM is not one of this server's")
    ),
    security(("key" = []))
)]
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.resume(&actor, &iccid).await?).into()))
}
