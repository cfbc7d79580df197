//! Everything of the operator's side that answers over HTTP, on one listener.

use std::sync::Arc;

use axum::Router;

use crate::account::Accounts;
use crate::api;
use crate::desk::Desk;
use crate::keys::Keys;

/// The operator's side of a server, put together.
pub struct Service {
    /// What is done here.
    pub desk: Arc<Desk>,
    /// Who may sign in at the portal.
    pub accounts: Arc<Accounts>,
    /// Keys with which programs call the API.
    pub keys: Arc<Keys>,
}

impl Service {
    /// What answers on the operator's listener.
    pub fn router(self: Arc<Self>) -> Router {
        let health = Router::new().route("/healthz", get(healthy)).with_state(Arc::clone(&self));
        health.merge(crate::portal::router(self, Router::new()))
    }
}

/// Answers whether the database does.
async fn healthy(axum::extract::State(service): axum::extract::State<Arc<Service>>) -> (StatusCode, &'static str) {
    match service.desk.store().check().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "database\n")
        }
        api::router(&self, api::Limits::default())
    }
}
