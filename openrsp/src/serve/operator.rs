//! The operator's side of a server, put together from its directory.

use std::sync::Arc;

use anyhow::Context as _;
use rsp_operator::account::Origin;
use rsp_operator::{Desk, Service};
use rsp_smdp::Orders;

use super::certificates::{ServerCertificates, is_test_pki};
use super::listeners::Listener;
use super::roles::Roles;
use super::suppliers::OwnSmdp;
use super::webhooks;
use crate::network::adapter::HlrAdapter;

/// Who acts where the operator's side needs the SM-DP+ itself: imports, and orders of the server's own.
const ACTOR: &str = "portal";

impl Roles<'_> {
    /// What answers people and programs of operators.
    pub(super) fn make_service(&self, listener: &Listener) -> anyhow::Result<Arc<Service>> {
        let es2plus = self.es2plus.context("[operator] orders over ES2+: set es2plus.listen")?;
        let (store, clock, randomness) = (Arc::clone(&self.store), self.clock(), self.randomness());
        let identity = self.server.identity()?;
        let orders = Orders::new(Arc::clone(&store), identity, Arc::clone(&clock), randomness.clone(), ACTOR);
        let orders = orders.with_matching_ids(self.server.matching_ids());
        let suppliers = Arc::new(OwnSmdp::new(self.server.again()?, es2plus)?);
        let desk = Desk::new(store, orders, suppliers, clock, randomness);
        let section = self.server.config.operator.as_ref();
        let desk = Arc::new(match section.and_then(|section| section.network.as_ref()) {
            Some(network) => desk.with_network(Arc::new(HlrAdapter::new(network.hlr_vty.0))),
            None => desk,
        });
        let certificates = Box::new(ServerCertificates(self.server.again()?));
        let test_pki = is_test_pki(&self.server.trust()?.0);
        Ok(Service::new(desk, self.origin(listener)?, webhooks::rules(self.server), certificates, test_pki))
    }

    /// Where browsers reach the portal: where the configuration says, or on whichever port was free.
    fn origin(&self, listener: &Listener) -> anyhow::Result<Origin> {
        let section = self.server.config.operator.as_ref().context("there is no section [operator]")?;
        let origin = Origin::of(&section.url).context("operator.url")?;
        let port = listener.socket.local_addr()?.port();
        if port == section.listen.0.port() {
            return Ok(origin);
        }
        let scheme = if listener.tls.is_some() { "https" } else { "http" };
        // Without TLS and for another host than this one there is a proxy before it, which has the address of the file.
        Ok(Origin::of(&format!("{scheme}://{}:{port}", origin.host())).unwrap_or(origin))
    }
}
