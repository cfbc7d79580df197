//! An SM-DS: what it is made of.

use std::sync::Arc;

use rsp_asn1::VersionType;
use rsp_auth::{Authenticator, Challenges, Clock, Credential, DerivedChallenges, ServerAddress, SharedRandomness};
use rsp_crypto::Provider;
use rsp_pki::{Crl, Role, TrustStore};
use rsp_store::Datastore;

use crate::cascade::Cascade;
use crate::error::Error;

/// Limits and choices of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// eUICCs of a lower version of SGP.22 are refused; at least 2.0.0 for the messages to be known.
    pub minimum_svn: VersionType,
    /// eUICCs of a higher version of SGP.22 are refused.
    pub maximum_svn: Option<VersionType>,
    /// Age in seconds beyond which CRLs of the CIs count no more; who is on none is then refused. `None` only looks at those
    /// CRLs that are there.
    pub crl_max_age: Option<i64>,
    /// Seconds in which an eUICC must answer the server's challenge. No user is asked meanwhile.
    pub session_seconds: i64,
    /// Events that one registrar may have for one eUICC. It counts for each alone: nobody takes the room of another.
    pub events_per_eid: u32,
    /// Events that one registrar may have in all; expired ones count until they are swept.
    pub events_per_registrar: u32,
    /// Days after which an event that nobody deleted is gone.
    pub event_days: u32,
    /// Where events are registered as well that are to be passed on: the root SM-DS, if this is an alternative one.
    pub parent: Option<ServerAddress>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            minimum_svn: VersionType([2, 0, 0]),
            maximum_svn: None,
            crl_max_age: None,
            session_seconds: 5 * 60,
            events_per_eid: 32,
            events_per_registrar: 1_000_000,
            event_days: 180,
            parent: None,
        }
    }
}

/// What an SM-DS is known by, and whom it trusts.
pub struct Credentials {
    /// DSauth, one per CI.
    pub ds_auth: Vec<Credential>,
    /// The CIs that eUICCs and registrars may come from.
    pub anchors: TrustStore,
    /// CRLs of these CIs.
    pub crls: Vec<Crl>,
}

/// An SM-DS. All its state lies in the datastore.
pub struct Smds {
    pub(crate) store: Arc<Datastore>,
    pub(crate) authenticator: Authenticator,
    pub(crate) cascade: Arc<Cascade>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: SharedRandomness,
    pub(crate) settings: Settings,
}

/// What a sweep deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Expired events.
    pub events: u64,
    /// Sessions that can begin no more.
    pub sessions: u64,
}

/// Expired events that one transaction of a sweep deletes, so that others need not wait long.
const SWEEP: u32 = 256;

impl Smds {
    /// Puts an SM-DS together and checks its certificates. `address` is where LPAs find it; a parent hears it too.
    ///
    /// # Errors
    /// [`Error::NoCredential`], [`Error::Authentication`] when a certificate is not DSauth under a trusted CI, and
    /// [`Error::ParentIsSelf`].
    pub fn new(
        store: Arc<Datastore>,
        address: ServerAddress,
        credentials: Credentials,
        provider: &'static dyn Provider,
        clock: Arc<dyn Clock>,
        randomness: SharedRandomness,
        settings: Settings,
    ) -> Result<Self, Error> {
        let Credentials { ds_auth, anchors, crls } = credentials;
        let oid = ds_auth.first().ok_or(Error::NoCredential)?.oid().to_string();
        let parent = settings.parent.as_ref().map(ServerAddress::to_string);
        if parent.as_deref().is_some_and(|parent| address.is(parent)) {
            return Err(Error::ParentIsSelf);
        }
        let cascade = Arc::new(Cascade::new(oid, address.to_string(), parent, randomness.clone()));
        let challenges = Box::new(DerivedChallenges::new(store.derive_key("ES11 challenges")));
        let authenticator = Authenticator::new(address, Role::DsAuth, ds_auth, anchors, crls, provider, challenges)?
            .with_minimum_svn(settings.minimum_svn)
            .with_maximum_svn(settings.maximum_svn)
            .with_crl_max_age(settings.crl_max_age);
        Ok(Self { store, authenticator, cascade, clock, randomness, settings })
    }

    /// Takes transactionIds and serverChallenges from elsewhere, to replay a recorded session.
    #[must_use]
    pub fn with_challenges(self, challenges: Box<dyn Challenges>) -> Self {
        Self { authenticator: self.authenticator.with_challenges(challenges), ..self }
    }

    /// Takes newer CRLs of the CIs.
    pub fn renew_crls(&self, crls: Vec<Crl>) {
        self.authenticator.renew_crls(crls);
    }

    /// Deletes the events that have expired, also at the parent, and forgets the sessions that can begin no more. To be
    /// called now and then.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let now = self.clock.now();
        let mut events = 0;
        loop {
            let cascade = Arc::clone(&self.cascade);
            let expire = self.store.run_tx("expire events", move |tx| {
                let expired = tx.delete_expired_events(now, SWEEP)?;
                expired.iter().try_for_each(|record| cascade.withdraw(tx, record, now))?;
                Ok::<_, Error>(expired.len())
            });
            let expired = expire.await? as u64;
            events += expired;
            if expired < u64::from(SWEEP) {
                break;
            }
        }
        let sessions = self.store.run_tx("forget event sessions", move |tx| tx.purge_event_sessions(now)).await?;
        Ok(Swept { events, sessions })
    }
}
