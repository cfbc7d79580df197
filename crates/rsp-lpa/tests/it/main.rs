//! Tests of rsp-lpa, against a scripted eUICC and a scripted SM-DP+: neither checks anything, so that what is refused here is
//! refused by the LPA.

mod card;
mod device;
mod discovery;
mod download;
mod local;
mod notifications;
mod pki;
mod policy;
mod replay;
mod sanitise;
mod segments;
mod server;
mod tls;

use std::sync::Arc;

use rsp_es::client::Scheme;
use rsp_lpa::{
    ConfirmationCode, Decision, DownloadRequest, EndUser, Error, Events, Installed, Lpa, Options, ProfileOffer,
    Servers, Step, Trust, device_info,
};

use crate::card::FakeCard;
use crate::pki::{NOW, Pki};
use crate::server::FakeServer;

/// Everything that a download meets.
pub(crate) struct World {
    pub(crate) card: FakeCard,
    pub(crate) server: Arc<FakeServer>,
    pub(crate) user: FakeUser,
    pub(crate) events: Timeline,
    pub(crate) request: DownloadRequest,
    pub(crate) now: rsp_asn1::Timestamp,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            card: FakeCard::default(),
            server: Arc::new(FakeServer::new(Pki::get())),
            user: FakeUser::default(),
            events: Timeline::default(),
            request: DownloadRequest::new("smdp.example.com", "MATCHING-1", device_info(None).unwrap()),
            now: NOW,
        }
    }

    pub(crate) fn servers(&self) -> Servers {
        Servers::new(self.server.clone(), Scheme::Https)
    }

    pub(crate) fn download(&mut self) -> Result<Installed, Error> {
        let servers = self.servers();
        let anchors = Pki::get().anchors();
        let trust = Trust { anchors: &anchors, crls: &[], provider: rsp_crypto::rust_crypto(), now: self.now };
        let mut lpa = Lpa::open(&mut self.card, &mut self.events, &Options::default())?;
        block_on(lpa.download(&servers, &self.request, &trust, &mut self.user))
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.events.0.iter().map(|(step, _, _)| *step).collect()
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Remembers steps, bytes and outcomes.
#[derive(Default)]
pub(crate) struct Timeline(pub(crate) Vec<(Step, u64, bool)>);

impl Events for Timeline {
    fn started(&mut self, _: Step) {}

    fn finished(&mut self, step: Step, bytes: u64, ok: bool) {
        self.0.push((step, bytes, ok));
    }
}

/// Agrees to everything, unless told otherwise.
pub(crate) struct FakeUser {
    pub(crate) decision: Decision,
    pub(crate) code: Option<&'static str>,
    pub(crate) offers: Vec<ProfileOffer>,
    pub(crate) codes_asked: usize,
}

impl Default for FakeUser {
    fn default() -> Self {
        Self { decision: Decision::Install, code: None, offers: Vec::new(), codes_asked: 0 }
    }
}

impl EndUser for FakeUser {
    fn consent(&mut self, offer: &ProfileOffer) -> Decision {
        self.offers.push(offer.clone());
        self.decision
    }

    fn confirmation_code(&mut self, _: &ProfileOffer) -> Option<ConfirmationCode> {
        self.codes_asked += 1;
        self.code.and_then(ConfirmationCode::new)
    }
}
