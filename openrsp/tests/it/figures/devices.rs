//! Devices: our LPA with a software eUICC of its own in each, on the server's real interface, and whoever uses them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::{DeviceInfo, Eid, ProfileIdentifier, Timestamp};
use rsp_card::InProcess;
use rsp_crypto::{Curve, aws_lc, rust_crypto};
use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{HttpRequest, HttpResponse, HttpTransport, NetworkTransport, Resolve, Scheme, TransportError};
use rsp_euicc::{Credential, Euicc, Manufacture, MemoryStore};
use rsp_lpa::tls::CiVerifier;
use rsp_lpa::{
    ConfirmationCode, Decision, DownloadRequest, EndUser, Error, Installed, Lpa, Options, ProfileOffer, Servers, Trust,
    device_info,
};
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::{Role, TrustStore};
use rsp_testkit::SeededRandomness;
use serde_json::Value;

use crate::bed::{Bed, HOST, Service};

/// What devices saw of the server's answers: how often a function succeeded, and with which codes it was refused.
pub(super) type Seen = BTreeMap<(&'static str, Option<(String, String)>), u64>;

/// What all devices share.
pub(super) struct Field {
    pki: PkiDirectory,
    anchors: TrustStore,
    resolve: Resolve,
    device: DeviceInfo,
}

/// A device of somebody.
pub(super) struct Device {
    card: InProcess<Euicc<MemoryStore>>,
    servers: Servers,
    seen: Arc<Mutex<Seen>>,
}

/// What goes wrong with GetBoundProfilePackage on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// It does not reach the server.
    LostBefore,
    /// The package does not reach the device.
    LostAfter,
    /// The package is not as it was sent.
    Damaged,
}

/// Who holds the device, and what they do.
pub(super) struct Person {
    pub(super) decision: Decision,
    pub(super) code: Option<String>,
}

impl EndUser for Person {
    fn consent(&mut self, _: &ProfileOffer) -> Decision {
        self.decision
    }

    fn confirmation_code(&mut self, _: &ProfileOffer) -> Option<ConfirmationCode> {
        ConfirmationCode::new(self.code.as_deref()?)
    }
}

/// The network, with an eye on what passes and a hand on the switch.
struct Watched {
    network: NetworkTransport,
    mishap: Option<Mishap>,
    seen: Arc<Mutex<Seen>>,
}

#[async_trait]
impl HttpTransport for Watched {
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let function = request.path.rsplit('/').next().unwrap_or_default();
        let mishap = self.mishap.filter(|_| function == "getBoundProfilePackage");
        let lost = |when| TransportError::Interrupted { host: HOST.to_owned(), when, reason: "cut".to_owned() };
        if mishap == Some(Mishap::LostBefore) {
            return Err(lost("before the answer"));
        }
        let step = match function {
            "authenticateClient" => Some("AuthenticateClient"),
            "getBoundProfilePackage" => Some("GetBoundProfilePackage"),
            "cancelSession" => Some("CancelSession"),
            _ => None,
        };
        let mut answer = self.network.post(request).await?;
        if let Some(step) = step {
            let mut said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let status = &said["header"]["functionExecutionStatus"];
            let code = |member: &str| status["statusCodeData"][member].as_str().unwrap_or_default().to_owned();
            let refused = (status["status"] != "Executed-Success").then(|| (code("subjectCode"), code("reasonCode")));
            *self.seen.lock().unwrap().entry((step, refused)).or_default() += 1;
            if mishap == Some(Mishap::Damaged) {
                // The end of the checksum over the last elements.
                let package = &mut said["boundProfilePackage"];
                let mut octets = STANDARD.decode(package.as_str().unwrap()).unwrap();
                *octets.last_mut().unwrap() ^= 1;
                *package = STANDARD.encode(octets).into();
                answer.body = said.to_string().into_bytes();
            }
        }
        if mishap == Some(Mishap::LostAfter) { Err(lost("during the answer")) } else { Ok(answer) }
    }
}

impl Field {
    pub(super) fn new(bed: &Bed, server: &Service) -> Self {
        let pki = PkiDirectory::open(bed.pki().as_ref(), None).unwrap();
        let anchors = pki.trust_store();
        let resolve = Resolve::new(HOST, None, server.address);
        Self { pki, anchors, resolve, device: device_info(None).unwrap() }
    }

    /// The EID of the device with this number.
    pub(super) fn eid(number: usize) -> Eid {
        format!("89049032{number:024}").parse::<Eid>().unwrap().with_check_digits()
    }

    /// A device with so many bytes of memory for profiles, or the usual number.
    pub(super) fn device(&self, number: usize, memory: Option<u32>, mishap: Option<Mishap>) -> Device {
        let mut randomness = SeededRandomness::new(format!("eUICC {number}"));
        let mint = Mint { now: now(), randomness: &mut randomness };
        let minted = self.pki.mint_euicc(Curve::P256, Self::eid(number), mint).unwrap();
        let certificate = |role| self.pki.require(Curve::P256, role).unwrap().certificate().clone();
        let credential = Credential {
            ci: certificate(Role::Ci),
            eum: certificate(Role::Eum),
            euicc: minted.certificate,
            key: minted.key,
        };
        let mut manufacture = Manufacture::new(vec![credential]);
        if let Some(memory) = memory {
            manufacture = manufacture.capacity(memory);
        }
        let state = manufacture.build(rust_crypto()).unwrap();
        let card = Euicc::new(state, MemoryStore::default(), Box::new(randomness)).unwrap();
        let verifier = CiVerifier::new(self.anchors.clone(), Vec::new(), aws_lc());
        let network = NetworkTransport::new(verifier.tls_config().unwrap()).with_resolve(vec![self.resolve.clone()]);
        let seen = Arc::default();
        let servers = Servers::new(Arc::new(Watched { network, mishap, seen: Arc::clone(&seen) }), Scheme::Https);
        Device { card: InProcess::new(card), servers, seen }
    }
}

impl Device {
    /// One download, and the notifications that come of it, whatever comes of it.
    pub(super) async fn download(
        &mut self,
        field: &Field,
        code: &str,
        person: &mut Person,
    ) -> Result<Installed, Error> {
        let code = ActivationCode::parse_strict(code).unwrap();
        // One session: what was lost is not tried again.
        let request = DownloadRequest::from_activation_code(&code, field.device.clone()).with_sessions(1);
        let trust = Trust { anchors: &field.anchors, crls: &[], provider: aws_lc(), now: now() };
        let mut events = ();
        let mut lpa = Lpa::open(&mut self.card, &mut events, &Options::default()).unwrap();
        let outcome = lpa.download(&self.servers, &request, &trust, person).await;
        lpa.process_notifications(&self.servers).await.unwrap();
        outcome
    }

    /// Deletes the profile, and tells the server.
    pub(super) async fn delete(&mut self, installed: &Installed) {
        let mut events = ();
        let mut lpa = Lpa::open(&mut self.card, &mut events, &Options::default()).unwrap();
        lpa.delete_profile(&ProfileIdentifier::Iccid(installed.iccid)).unwrap();
        lpa.process_notifications(&self.servers).await.unwrap();
    }

    /// What it saw of the server's answers.
    pub(super) fn into_seen(self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Timestamp(i64::try_from(seconds).unwrap())
}
