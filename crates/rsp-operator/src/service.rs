//! Everything of the operator's side that answers over HTTP, on one listener.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;

use crate::account::{Accounts, Origin};
use crate::batch::Batches;
use crate::certificates::Certificates;
use crate::desk::Desk;
use crate::handoff::{self, Handoffs};
use crate::keys::Keys;
use crate::usage::Usage;
use crate::webhooks::{AddressRules, Webhooks};
use crate::workshop::Workshop;
use crate::{api, callers, handing_out, portal};

/// How callers come to a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Front {
    /// What keys of the API may do.
    pub limits: api::Limits,
    /// Whether a proxy on this machine is called in its place, and says by whom: in the last address of X-Forwarded-For.
    pub behind_proxy: bool,
}

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
    /// Where documents, archives and tables are made.
    pub workshop: Arc<Workshop>,
    /// Whether only test devices take its eSIMs, since its CI is not the GSMA's.
    pub test_pki: bool,
    /// What the server shows to others.
    pub certificates: Box<dyn Certificates>,
}

impl Service {
    /// The operator's side at a desk, for browsers that reach it at `origin`. Webhooks may be where `addresses` allows.
    pub fn new(
        desk: Arc<Desk>,
        origin: Origin,
        addresses: AddressRules,
        certificates: Box<dyn Certificates>,
        test_pki: bool,
    ) -> Arc<Self> {
        let (store, clock) = (Arc::clone(desk.store()), Arc::clone(desk.clock()));
        let accounts = Accounts::new(Arc::clone(&store), Arc::clone(&clock), desk.randomness(), origin);
        let webhooks = Webhooks::new(Arc::clone(&store), Arc::clone(&clock), desk.randomness(), addresses);
        Arc::new(Self {
            accounts: Arc::new(accounts),
            keys: Arc::new(Keys::new(Arc::clone(&store), desk.randomness())),
            webhooks: Arc::new(webhooks),
            usage: Arc::new(Usage::new(store, clock)),
            batches: Arc::new(Batches::new(Arc::clone(&desk))),
            handoffs: Arc::new(Handoffs::new(Arc::clone(&desk))),
            workshop: Arc::new(Workshop::default()),
            test_pki,
            certificates,
            desk,
        })
    }

    /// What answers on the operator's listener.
    pub fn router(self: Arc<Self>) -> Router {
        self.router_behind(&Front::default())
    }

    /// The same, for callers that come in another way.
    pub fn router_behind(self: Arc<Self>, front: &Front) -> Router {
        let api = api::router(&self, front.limits);
        let subscribers = handoff::router(Arc::clone(&self.handoffs), self.test_pki);
        let router = api.merge(subscribers).merge(portal::router(self, handing_out::pages()));
        if front.behind_proxy { router.layer(from_fn(callers::seen_by_proxy)) } else { router }
    }
}
