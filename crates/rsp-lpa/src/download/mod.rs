//! Profile download and installation (SGP.22 3.1.3): one session with an SM-DP+, from the eUICC's challenge to its
//! ProfileInstallationResult.
//!
//! [`Lpa::download`] drives the states of `authentication` and then `session`, each of which waits for one message and is the only way to
//! the next. When a state gives up after the server has accepted the eUICC, the session is cancelled on both sides with the
//! reason that the state names.

mod checks;
mod session;

use rsp_asn1::{
    CancelSessionReason, CancelSessionRequest, CancelSessionResponse, DeviceInfo, Iccid, Raw, Timestamp, TransactionId,
    Unknown,
};
use rsp_crypto::Provider;
use rsp_es::activation_code::ActivationCode;
use rsp_es::client::Es9PlusClient;
use rsp_es::es9plus::CancelSessionRequest as CancelSessionAtServer;
use rsp_pki::{Crl, Role, TrustStore};
use zeroize::Zeroizing;

use crate::authentication::{ExpectServerSigned1, Expected};
use crate::end_user::{ConfirmationCode, EndUser, ProfileOffer};
use crate::error::{Cancelled, Error};
use crate::event::Step;
use crate::local::refused;
use crate::lpa::Lpa;
use crate::servers::Servers;
use session::{ExpectMetadata, Failure};

/// What to download, and from where. Holds a MatchingID: neither `Debug` nor `Display`.
#[derive(Clone)]
pub struct DownloadRequest {
    smdp_address: String,
    matching_id: Zeroizing<String>,
    smdp_oid: Option<String>,
    device_info: DeviceInfo,
    sessions: usize,
}

impl DownloadRequest {
    /// The profile of an order; with an empty `matching_id`, the one that waits for the EID.
    pub fn new(smdp_address: &str, matching_id: &str, device_info: DeviceInfo) -> Self {
        Self {
            smdp_address: smdp_address.to_owned(),
            matching_id: Zeroizing::new(matching_id.to_owned()),
            smdp_oid: None,
            device_info,
            sessions: 2,
        }
    }

    /// The profile of an activation code.
    pub fn from_activation_code(code: &ActivationCode, device_info: DeviceInfo) -> Self {
        let smdp_oid = code.smdp_oid().map(str::to_owned);
        Self { smdp_oid, ..Self::new(code.smdp_address(), code.matching_id(), device_info) }
    }

    /// How many sessions may be opened when one is cut by the network; at least one.
    #[must_use]
    pub fn with_sessions(self, sessions: usize) -> Self {
        Self { sessions: sessions.max(1), ..self }
    }
}

/// By what the LPA judges the certificates of servers. The eUICC checks their signatures too, but has no clock.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// The CIs.
    pub anchors: &'a TrustStore,
    /// Their CRLs.
    pub crls: &'a [Crl],
    /// Verifies signatures.
    pub provider: &'a dyn Provider,
    /// The present time.
    pub now: Timestamp,
}

/// A profile that was installed; it is disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The profile.
    pub iccid: Iccid,
    /// Its ISD-P.
    pub isdp_aid: Vec<u8>,
    /// What the End User agreed to.
    pub offer: ProfileOffer,
    /// Sequence number of the installation's notification.
    pub seq_number: u64,
    /// Length of the BoundProfilePackage in bytes.
    pub bpp_bytes: usize,
    /// The session.
    pub transaction_id: TransactionId,
    /// Key identifier of the CI under which server and eUICC authenticated each other.
    pub ci_key_id: Vec<u8>,
    /// OID of the SM-DP+, dotted.
    pub smdp_oid: String,
}

/// What the End User has already said, so that a second session need not ask again.
#[derive(Default)]
struct Remembered {
    /// The metadata that were agreed to, as received.
    agreed: Option<Vec<u8>>,
    code: Option<ConfirmationCode>,
}

impl Lpa<'_> {
    /// Downloads a profile and installs it.
    ///
    /// A session that the network cuts is followed by another with the same code, in which the End User is not asked
    /// again unless the server offers something else. The notification of the installation stays on the eUICC until
    /// [`process_notifications`](Lpa::process_notifications) sends it, also after a failed installation.
    ///
    /// # Errors
    /// [`Error`] of the first session that failed for good, with what became of the session.
    pub async fn download(
        &mut self,
        servers: &Servers,
        request: &DownloadRequest,
        trust: &Trust<'_>,
        end_user: &mut dyn EndUser,
    ) -> Result<Installed, Error> {
        let server =
            servers.at(&request.smdp_address).map_err(|error| Error::new(Step::InitiateAuthentication, error))?;
        let mut remembered = Remembered::default();
        let mut remaining = request.sessions;
        // Where the first session broke says more than that the server still cannot be reached.
        let mut first_cut = None;
        loop {
            remaining = remaining.saturating_sub(1);
            match self.session(&server, request, trust, end_user, &mut remembered).await {
                Ok(installed) => return Ok(installed),
                Err(error) if error.is_retryable() => {
                    let cut = first_cut.take().unwrap_or(error);
                    if remaining == 0 {
                        return Err(cut);
                    }
                    first_cut = Some(cut);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One session from its opening to its end.
    async fn session(
        &mut self,
        server: &Es9PlusClient,
        request: &DownloadRequest,
        trust: &Trust<'_>,
        end_user: &mut dyn EndUser,
        remembered: &mut Remembered,
    ) -> Result<Installed, Error> {
        let expect = ExpectServerSigned1::open(self)?;
        let expected =
            Expected { address: &request.smdp_address, roles: &[Role::DpAuth], oid: request.smdp_oid.as_deref() };
        let expect = expect.initiate(self, server, &expected, trust).await?;
        let transaction_id = expect.transaction_id().clone();
        let outcome = async {
            let (matching_id, device) = (&request.matching_id, &request.device_info);
            let answer = expect.authenticate_server(self, server, matching_id, device).await?;
            let offered = ExpectMetadata::new(answer).authenticate_client(self, server, trust).await?;
            let agreed = offered.ask(self, end_user, remembered)?;
            let expect = agreed.prepare(self, server).await?;
            let loadable = expect.fetch(self, server).await?;
            loadable.load(self)
        };
        match outcome.await {
            Ok(installed) => Ok(installed),
            Err(Failure { error, cancel: None }) => Err(error),
            Err(Failure { error, cancel: Some(reason) }) => {
                let cancelled = self.cancel(server, &transaction_id, reason).await;
                Err(Error { cancelled: Some(Box::new(cancelled)), ..error })
            }
        }
    }

    /// Tells eUICC and server that the session is given up (SGP.22 3.0.2).
    async fn cancel(
        &mut self,
        server: &Es9PlusClient,
        transaction_id: &TransactionId,
        reason: CancelSessionReason,
    ) -> Cancelled {
        let failure = self.try_cancel(server, transaction_id, reason).await.err();
        Cancelled { reason, failure }
    }

    async fn try_cancel(
        &mut self,
        server: &Es9PlusClient,
        transaction_id: &TransactionId,
        reason: CancelSessionReason,
    ) -> Result<(), Error> {
        let request =
            CancelSessionRequest { transaction_id: transaction_id.clone(), reason, unknown: Unknown::default() };
        let cancel_session_response: Raw<CancelSessionResponse> = self.call(Step::CancelSession, &request)?;
        if let CancelSessionResponse::Error(error) = cancel_session_response.value() {
            return Err(refused(
                Step::CancelSession,
                error.to_string(),
                "Nothing is left to do: the eUICC has no session.",
            ));
        }
        let request = CancelSessionAtServer { transaction_id: transaction_id.clone(), cancel_session_response };
        self.server_step(Step::CancelSessionAtServer, server, server.cancel_session(&request)).await
    }
}
