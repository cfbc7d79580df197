//! Everything of the operator's side that answers over HTTP, on one listener.

use std::sync::Arc;

use axum::Router;

use crate::account::Accounts;
use crate::batch::Batches;
use crate::certificates::Certificates;
use crate::desk::Desk;
use crate::handoff::{self, Handoffs};
use crate::keys::Keys;
use crate::usage::Usage;
use crate::webhooks::Webhooks;
use crate::{api, handing_out, portal};

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
    /// Lists of orders.
    pub batches: Arc<Batches>,
    /// Links by which eSIMs reach their users.
    pub handoffs: Arc<Handoffs>,
    /// Whether only test devices take its eSIMs, since its CI is not the GSMA's.
    pub test_pki: bool,
    /// What the server shows to others.
    pub certificates: Box<dyn Certificates>,
}

impl Service {
    /// What answers on the operator's listener.
    pub fn router(self: Arc<Self>) -> Router {
        let api = api::router(&self, api::Limits::default());
        let subscribers = handoff::router(Arc::clone(&self.handoffs), self.test_pki);
        api.merge(subscribers).merge(portal::router(self, handing_out::pages()))
    }
}
