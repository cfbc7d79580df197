//! Everything of the operator's side that answers over HTTP, on one listener.

use std::sync::Arc;

use axum::Router;

use crate::account::Accounts;
use crate::desk::Desk;
use crate::keys::Keys;
use crate::{api, portal};
use crate::usage::Usage;
use crate::webhooks::Webhooks;

/// The operator's side of a server, put together.
pub struct Service {
    /// What is done here.
    pub desk: Arc<Desk>,
    /// Who may sign in at the portal.
    pub accounts: Arc<Accounts>,
    /// Keys with which programs call the API.
    pub keys: Arc<Keys>,
    /// Where events go.
    pub webhooks: Arc<Webhooks>,
    /// What subscriptions use.
    pub usage: Arc<Usage>,
}

impl Service {
    /// What answers on the operator's listener.
    pub fn router(self: Arc<Self>) -> Router {
        api::router(&self, api::Limits::default()).merge(portal::router(self, Router::new()))
    }
}
