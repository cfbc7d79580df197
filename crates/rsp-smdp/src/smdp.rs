//! The SM-DP+ as LPAs see it.

use std::sync::Arc;

use async_trait::async_trait;
use rsp_asn1::{SubjectKeyIdentifier, Timestamp, TransactionId};
use rsp_auth::{Authenticator, Challenges, Credential, DerivedChallenges, ServerAddress};
use rsp_crypto::Provider;
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, GetBoundProfilePackageRequest,
    GetBoundProfilePackageResponse, HandleNotificationRequest, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse,
};
use rsp_es::server::{Caller, Es9Plus};
use rsp_es::status::StatusCode;
use rsp_pki::{Crl, Role, TrustStore};
use rsp_store::{Datastore, DownloadSession, SessionState};

use crate::clock::{Clock, SharedRandomness};
use crate::eligibility::Eligibility;
use crate::error::Error;
use crate::notices::{Identity, Notices};
use crate::throttle::{GuessLimits, Throttle};

/// Under which keys the profile elements of a bound package travel (SGP.22 2.5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UppProtection {
    /// The session keys.
    SessionKeys,
    /// Random keys of the profile's own, made anew for each binding.
    Ppk,
}

/// What happens when an eUICC comes back with another one-time key than the one that its package is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebinding {
    /// The profile is bound again.
    Allowed,
    /// It is refused.
    Refused,
}

/// Limits and choices of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which eUICCs and devices are served.
    pub eligibility: Eligibility,
    /// Age in seconds beyond which CRLs of the CIs count no more; eUICCs whose EUM is on none are then refused. `None` only
    /// looks at those CRLs that are there.
    pub crl_max_age: Option<i64>,
    /// How fast MatchingIDs may be guessed.
    pub guesses: GuessLimits,
    /// Wrong confirmation codes per order before it is closed.
    pub confirmation_code_limit: u32,
    /// Deliveries per order before it is closed.
    pub download_limit: u32,
    /// Seconds that an LPA has for each step of a session; the user reads and confirms in between.
    pub session_seconds: i64,
    /// Seconds for which the result of an installation is awaited.
    pub result_seconds: i64,
    /// Under which keys profile elements travel.
    pub protection: UppProtection,
    /// Whether a profile is bound again for another one-time key.
    pub rebinding: Rebinding,
    /// HostID in the control reference template, 1 to 16 octets: both sides only derive keys from it.
    pub host_id: Vec<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            eligibility: Eligibility::default(),
            crl_max_age: None,
            guesses: GuessLimits::default(),
            confirmation_code_limit: 5,
            download_limit: 10,
            session_seconds: 5 * 60,
            result_seconds: 180 * 24 * 60 * 60,
            protection: UppProtection::SessionKeys,
            rebinding: Rebinding::Allowed,
            host_id: b"OpenRSP".to_vec(),
        }
    }
}

/// What an SM-DP+ is known by.
pub struct Credentials {
    /// DPauth, one per CI.
    pub dp_auth: Vec<Credential>,
    /// DPpb, one for each of `dp_auth`, under the same CI and with the same OID.
    pub dp_pb: Vec<Credential>,
    /// The CIs that eUICCs may come from.
    pub anchors: TrustStore,
    /// CRLs of these CIs.
    pub crls: Vec<Crl>,
}

/// An SM-DP+. All its state lies in the datastore.
pub struct Smdp {
    pub(crate) store: Arc<Datastore>,
    pub(crate) authenticator: Authenticator,
    pub(crate) binding: Vec<Credential>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: SharedRandomness,
    pub(crate) settings: Settings,
    pub(crate) notices: Notices,
    pub(crate) throttle: Arc<Throttle>,
}

impl Smdp {
    /// Puts an SM-DP+ together and checks its certificates.
    ///
    /// # Errors
    /// [`Error::Authentication`] when a certificate is not of its role under a trusted CI, and
    /// [`Error::NoBindingCredential`] when a DPauth certificate has no DPpb certificate with the same CI and OID.
    pub fn new(
        store: Arc<Datastore>,
        address: ServerAddress,
        credentials: Credentials,
        provider: &'static dyn Provider,
        clock: Arc<dyn Clock>,
        randomness: SharedRandomness,
        settings: Settings,
    ) -> Result<Self, Error> {
        let Credentials { dp_auth, dp_pb, anchors, crls } = credentials;
        for auth in &dp_auth {
            if !dp_pb.iter().any(|pb| pb.ci() == auth.ci() && pb.oid() == auth.oid()) {
                return Err(Error::NoBindingCredential);
            }
        }
        let oid = dp_auth.first().ok_or(Error::NoBindingCredential)?.oid();
        let identity = Identity { address: address.to_string(), oid: oid.to_string() };
        let challenges = Box::new(DerivedChallenges::new(store.derive_key("ES9+ challenges")));
        let authenticator = Authenticator::new(address, Role::DpAuth, dp_auth, anchors, crls, provider, challenges)?
            .with_minimum_svn(settings.eligibility.minimum_svn)
            .with_maximum_svn(settings.eligibility.maximum_svn)
            .with_crl_max_age(settings.crl_max_age);
        dp_pb.iter().try_for_each(|credential| authenticator.check_own(Role::DpPb, credential))?;
        let notices = Notices::new(identity);
        let throttle = Arc::new(Throttle::new(settings.guesses));
        Ok(Self { store, authenticator, binding: dp_pb, clock, randomness, settings, notices, throttle })
    }

    /// Takes transactionIds and serverChallenges from elsewhere, to replay a recorded session.
    #[must_use]
    pub fn with_challenges(self, challenges: Box<dyn Challenges>) -> Self {
        Self { authenticator: self.authenticator.with_challenges(challenges), ..self }
    }

    /// Counts wrong MatchingIDs together with others, under the limits of `throttle` instead of the settings' own.
    #[must_use]
    pub fn with_throttle(self, throttle: Arc<Throttle>) -> Self {
        Self { throttle, ..self }
    }

    /// Takes newer CRLs of the CIs.
    pub fn renew_crls(&self, crls: Vec<Crl>) {
        self.authenticator.renew_crls(crls);
    }

    /// The DPpb credential under a CI.
    pub(crate) fn binding_credential(&self, ci: &SubjectKeyIdentifier) -> Result<&Credential, Error> {
        self.binding.iter().find(|credential| credential.ci() == ci).ok_or(Error::NoBindingCredential)
    }

    pub(crate) fn session_end(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.settings.session_seconds)
    }
}

/// Refuses a session that is over or waits for another function.
pub(crate) fn expect(session: &DownloadSession, states: &[SessionState], now: Timestamp) -> Result<(), Error> {
    if states.contains(&session.state) && now <= session.expires_at { Ok(()) } else { Err(Error::TransactionIdUnknown) }
}

/// Logs an answer that is no success with what is needed to find its cause.
fn refused(function: &'static str, session: Option<&TransactionId>, error: Error) -> StatusCode {
    let session = session.map(TransactionId::to_string);
    tracing::info!(function, session, %error, "refused");
    error.into()
}

#[async_trait]
impl Es9Plus for Smdp {
    async fn initiate_authentication(
        &self,
        _: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode> {
        self.initiate(request).map_err(|error| refused("InitiateAuthentication", None, error))
    }

    async fn authenticate_client(
        &self,
        caller: &Caller,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        self.authenticate(caller, &request)
            .await
            .map_err(|error| refused("AuthenticateClient", Some(&request.transaction_id), error))
    }

    async fn get_bound_profile_package(
        &self,
        _: &Caller,
        request: GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, StatusCode> {
        self.bind(&request)
            .await
            .map_err(|error| refused("GetBoundProfilePackage", Some(&request.transaction_id), error))
    }

    async fn handle_notification(&self, _: &Caller, request: HandleNotificationRequest) -> Result<(), StatusCode> {
        self.notified(&request).await.map_err(|error| refused("HandleNotification", None, error))
    }

    async fn cancel_session(&self, _: &Caller, request: CancelSessionRequest) -> Result<(), StatusCode> {
        self.cancel(&request).await.map_err(|error| refused("CancelSession", Some(&request.transaction_id), error))
    }
}
