//! What is open to everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::input::Answer;
use super::problem::Problem;
use crate::receipts::Jwks;

/// That the server can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the server and its database answer.
#[utoipa::path(get, path = "/healthz", tag = "Open", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(api): State<Arc<Api>>) -> Answer<Health> {
    api.desk.store().check().await.map_err(Problem::from)?;
    Ok(Json(Health { status: "ok" }))
}

/// The keys that check receipts (RFC 7517).
#[utoipa::path(
    get,
    path = "/.well-known/openrsp-receipts.json",
    tag = "Open",
    responses((status = 200, body = Jwks))
)]
pub(crate) async fn receipt_keys(State(api): State<Arc<Api>>) -> Answer<Jwks> {
    Ok(Json(api.receipts.jwks(api.desk.now()).await?))
}
