//! The roles of a server, put together from its directory: what answers on each interface.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use rsp_auth::DerivedChallenges;
use rsp_crypto::{Provider, RandomnessExt as _, Zeroizing};
use rsp_es::server::{es2plus_router, es11_router, es12_router, es15_router};
use rsp_operator::account::{Accounts, Origin};
use rsp_operator::keys::Keys;
use rsp_operator::usage::Usage;
use rsp_operator::{Desk, Service};
use rsp_smdp::{Clock, OperatorInterface, Orders, SharedRandomness, Smdp, Throttle};
use rsp_smds::{Es15, Smds};
use rsp_store::Datastore;

use super::courier::NetworkCourier;
use super::listeners::{Interface, Listener};
use super::record::{self, Recorder};
use super::suppliers::OwnSmdp;
use super::webhooks;
use crate::config::{Es9PlusEndpoint, ServerDir, SystemClock};
use crate::network::adapter::HlrAdapter;
use crate::system::OsRandomness;

/// Who acts where the operator's side needs the SM-DP+ itself: imports, and orders of the server's own.
const OPERATOR: &str = "portal";

/// What the roles of one server share.
pub(super) struct Roles<'a> {
    server: &'a ServerDir,
    /// Where ES2+ listens, if it does.
    es2plus: Option<SocketAddr>,
    store: Arc<Datastore>,
    courier: Arc<NetworkCourier>,
    recorder: Option<Recorder>,
    /// A wrong MatchingID counts at whichever endpoint it is tried.
    throttle: Arc<Throttle>,
    smdps: Vec<Arc<Smdp>>,
    smds: Option<Arc<Smds>>,
}

impl<'a> Roles<'a> {
    pub(super) fn new(
        server: &'a ServerDir,
        es2plus: Option<SocketAddr>,
        store: Arc<Datastore>,
        courier: Arc<NetworkCourier>,
        recorder: Option<Recorder>,
    ) -> Self {
        let throttle = Arc::new(Throttle::new(server.settings().guesses));
        Self { server, es2plus, store, courier, recorder, throttle, smdps: Vec::new(), smds: None }
    }

    /// The SM-DP+ of each endpoint, and the SM-DS, if there is one.
    pub(super) fn served(self) -> (Vec<Arc<Smdp>>, Option<Arc<Smds>>) {
        (self.smdps, self.smds)
    }

    /// What answers on an interface.
    pub(super) fn router(&mut self, listener: &Listener) -> anyhow::Result<Router> {
        let interface = &listener.interface;
        let router = match interface {
            Interface::Es9Plus(endpoint) => {
                let smdp = Arc::new(self.make_smdp(endpoint)?);
                self.smdps.push(Arc::clone(&smdp));
                rsp_es::server::router(smdp)
            }
            Interface::Es2Plus => es2plus_router(Arc::new(self.make_operator_interface()?)),
            Interface::Es11 => es11_router(self.smds()?),
            Interface::Es12 => {
                let smds = self.smds()?;
                es12_router(smds.clone()).merge(es15_router(Arc::new(Es15(smds))))
            }
            // It has an answer of its own to whether it is well.
            Interface::Operator => return Ok(self.make_service(listener)?.router()),
        };
        let router = Router::new().route("/healthz", get(healthy)).with_state(Arc::clone(&self.store)).merge(router);
        Ok(match &self.recorder {
            Some(recorder) => {
                let state = (recorder.clone(), interface.name());
                router.layer(axum::middleware::from_fn_with_state(state, record::messages))
            }
            None => router,
        })
    }

    /// The SM-DP+ of one endpoint: with its own address, for the eUICCs of its curves. All share their state, which lies
    /// in the database.
    fn make_smdp(&self, endpoint: &Es9PlusEndpoint) -> anyhow::Result<Smdp> {
        let server = self.server;
        let address = endpoint.address.clone().map_or_else(|| server.address(), Ok)?;
        let (provider, mut randomness) = (self.provider(), self.randomness());
        let credentials = server.credentials(&endpoint.curves, provider)?;
        let clock = self.clock();
        // All keys of a recording are drawn in it: those of the database are not.
        let challenges = self.recorder.is_some().then(|| DerivedChallenges::new(Zeroizing::new(randomness.bytes())));
        let (store, settings) = (Arc::clone(&self.store), server.settings());
        let smdp = Smdp::new(store, address, credentials, provider, clock, randomness, settings)
            .context("starting the SM-DP+")?
            .with_throttle(Arc::clone(&self.throttle));
        Ok(match challenges {
            Some(challenges) => smdp.with_challenges(Box::new(challenges)),
            None => smdp,
        })
    }

    fn make_operator_interface(&self) -> anyhow::Result<OperatorInterface> {
        let (clock, store, randomness, courier) =
            (self.clock(), Arc::clone(&self.store), self.randomness(), Arc::clone(&self.courier));
        let (identity, seconds) = (self.server.identity()?, self.server.order_seconds());
        Ok(OperatorInterface::new(store, identity, clock, randomness, courier, seconds))
    }

    fn make_service(&self, listener: &Listener) -> anyhow::Result<Arc<Service>> {
        let es2plus = self.es2plus.context("[operator] orders over ES2+: set es2plus.listen")?;
        let (store, clock, randomness) = (Arc::clone(&self.store), self.clock(), self.randomness());
        let identity = self.server.identity()?;
        let orders = Orders::new(Arc::clone(&store), identity, Arc::clone(&clock), randomness.clone(), OPERATOR);
        let suppliers = Arc::new(OwnSmdp::new(self.server.again()?, es2plus)?);
        let desk = Desk::new(Arc::clone(&store), orders, suppliers, Arc::clone(&clock), randomness.clone());
        let section = self.server.config.operator.as_ref();
        let desk = Arc::new(match section.and_then(|section| section.network.as_ref()) {
            Some(network) => desk.with_network(Arc::new(HlrAdapter::new(network.hlr_vty.0))),
            None => desk,
        });
        let webhooks = webhooks::webhooks(self.server, Arc::clone(&store), Arc::clone(&clock));
        let usage = Usage::new(Arc::clone(&store), Arc::clone(&clock));
        let accounts =
            Accounts::new(Arc::clone(&store), Arc::clone(&clock), randomness.clone(), self.origin(listener)?);
        let keys = Keys::new(store, randomness);
        let (webhooks, usage) = (Arc::new(webhooks), Arc::new(usage));
        Ok(Arc::new(Service { desk, accounts: Arc::new(accounts), keys: Arc::new(keys), webhooks, usage }))
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

    /// The SM-DS, which is the same behind all its interfaces.
    fn smds(&mut self) -> anyhow::Result<Arc<Smds>> {
        if let Some(smds) = &self.smds {
            return Ok(Arc::clone(smds));
        }
        let (provider, mut randomness) = (self.provider(), self.randomness());
        let clock = self.clock();
        let challenges = self.recorder.is_some().then(|| DerivedChallenges::new(Zeroizing::new(randomness.bytes())));
        let (address, credentials, settings) = self.server.smds(provider)?;
        let smds = Smds::new(Arc::clone(&self.store), address, credentials, provider, clock, randomness, settings)
            .context("starting the SM-DS")?;
        let smds = Arc::new(match challenges {
            Some(challenges) => smds.with_challenges(Box::new(challenges)),
            None => smds,
        });
        Ok(Arc::clone(self.smds.insert(smds)))
    }

    /// A recording can be repeated only if signatures are the same each time.
    fn provider(&self) -> &'static dyn Provider {
        if self.recorder.is_some() { rsp_crypto::rust_crypto() } else { rsp_crypto::aws_lc() }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        match &self.recorder {
            Some(recorder) => Arc::new(recorder.clock()),
            None => Arc::new(SystemClock),
        }
    }

    fn randomness(&self) -> SharedRandomness {
        SharedRandomness::new(self.source())
    }

    fn source(&self) -> Box<dyn rsp_crypto::Randomness> {
        match &self.recorder {
            Some(recorder) => Box::new(recorder.randomness(OsRandomness)),
            None => Box::new(OsRandomness),
        }
    }
}

/// Answers whether the database does.
async fn healthy(State(store): State<Arc<Datastore>>) -> (StatusCode, &'static str) {
    match store.check().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "database\n")
        }
    }
}
