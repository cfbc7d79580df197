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
use rsp_operator::Service;
use rsp_smdp::{Clock, OperatorInterface, SharedRandomness, Smdp, Throttle};
use rsp_smds::{Es15, Smds};
use rsp_store::Datastore;

use super::courier::NetworkCourier;
use super::listeners::{Interface, Listener};
use super::record::{self, Recorder};
use crate::config::{Es9PlusEndpoint, OperatorSection, ServerDir, SystemClock};
use crate::system::OsRandomness;

/// What the roles of one server share.
pub(super) struct Roles<'a> {
    pub(super) server: &'a ServerDir,
    /// Where ES2+ listens, if it does.
    pub(super) es2plus: Option<SocketAddr>,
    pub(super) store: Arc<Datastore>,
    courier: Arc<NetworkCourier>,
    recorder: Option<Recorder>,
    /// A wrong MatchingID counts at whichever endpoint it is tried.
    throttle: Arc<Throttle>,
    smdps: Vec<Arc<Smdp>>,
    smds: Option<Arc<Smds>>,
    service: Option<Arc<Service>>,
}

/// The roles at work.
pub(super) struct Served {
    /// The SM-DP+ of each endpoint.
    pub(super) smdps: Vec<Arc<Smdp>>,
    /// The SM-DS, if there is one.
    pub(super) smds: Option<Arc<Smds>>,
    /// The operator's side, if there is one.
    pub(super) operator: Option<Arc<Service>>,
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
        Self { server, es2plus, store, courier, recorder, throttle, smdps: Vec::new(), smds: None, service: None }
    }

    /// What answers now.
    pub(super) fn served(self) -> Served {
        Served { smdps: self.smdps, smds: self.smds, operator: self.service }
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
            Interface::Operator => {
                let service = self.make_service(listener)?;
                let front = self.server.config.operator.as_ref().map(OperatorSection::front).unwrap_or_default();
                return Ok(Arc::clone(self.service.insert(service)).router_behind(&front));
            }
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
        let interface = OperatorInterface::new(store, identity, clock, randomness, courier, seconds);
        Ok(interface.with_matching_ids(self.server.matching_ids()))
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

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        match &self.recorder {
            Some(recorder) => Arc::new(recorder.clock()),
            None => Arc::new(SystemClock),
        }
    }

    pub(super) fn randomness(&self) -> SharedRandomness {
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
