//! What an operator can do: order, look, release, cancel, whoever asks for it and on whatever way.

mod figures;
mod intents;
mod network;
mod orders;
mod plans;

use std::sync::Arc;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_smdp::{Clock, ConfirmationCode, Orders, SharedRandomness};
use rsp_store::{AuditEntry, Datastore, NetworkState, ProfileState, Whose};
use tokio::sync::Notify;

use crate::actor::{Actor, Right};
use crate::cursors::Cursors;
use crate::error::Error;
use crate::network::{Network, NetworkAdapter};
use crate::provisioning::{Security, Suppliers};
pub use figures::{Figure, Figures, Sales, Slice};
pub use orders::Search;
pub use plans::{NewPlan, check_country};

/// The operator's desk. One for the whole server; each call says who asks.
pub struct Desk {
    store: Arc<Datastore>,
    orders: Orders,
    suppliers: Arc<dyn Suppliers>,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    network: Network,
    cursors: Cursors,
    /// An order is to be given up at once.
    abandoned: Arc<Notify>,
}

/// An eSIM that is wanted.
pub struct Wanted {
    /// For which tenant; only whoever runs the server may name one, and has to.
    pub tenant: Option<String>,
    /// The plan's carrier.
    pub carrier: String,
    /// The plan's name.
    pub plan: String,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// The device that it is for, as its owner calls it.
    pub device_id: Option<String>,
    /// What the buyer calls it.
    pub reference: Option<String>,
    /// Whether the user has to enter a code besides.
    pub confirmation: Confirmation,
    /// Refuse what is less than secure: see [`crate::provisioning`].
    pub secure: bool,
}

/// A confirmation code, or none.
pub enum Confirmation {
    /// The activation code is all that the user needs.
    None,
    /// One is made.
    Auto,
    /// This one.
    Given(ConfirmationCode),
}

/// An eSIM that was ordered.
pub struct Sold {
    /// The eSIM.
    pub esim: Esim,
    /// What the device is given.
    pub activation_code: ActivationCode,
    /// What the user has to enter, if it was made here. It is told this once: only its hash is kept.
    pub confirmation_code: Option<Zeroizing<String>>,
    /// What is known of the connection on which it was ordered, and of what it is bound to.
    pub security: Security,
}

/// An eSIM as its operator sees it.
pub struct Esim {
    /// The profile.
    pub iccid: Iccid,
    /// Whose it is; `None` is the server's own.
    pub operator: Option<String>,
    /// Where its order stands. What another SM-DP+ has counts as Released, since nothing later is known of it here.
    pub state: ProfileState,
    /// Whether the SM-DP+ of this server has the order, so that its state is known.
    pub own: bool,
    /// Name of its profile type.
    pub profile_type: String,
    /// What was sold; `None` for an order that was placed at the SM-DP+ alone.
    pub plan: Option<SoldPlan>,
    /// The eUICC that it is for.
    pub eid: Option<Eid>,
    /// `LPA:1$address$matchingId`, as soon as there is one.
    pub activation_code: Option<Zeroizing<String>>,
    /// Whether the user must enter a confirmation code.
    pub confirmation_code_required: bool,
    /// Bound packages delivered so far.
    pub download_tries: u32,
    /// Wrong confirmation codes so far.
    pub confirmation_tries: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change of its order.
    pub updated_at: Timestamp,
    /// Who made that.
    pub updated_by: String,
    /// End of the order's life.
    pub expires_at: Option<Timestamp>,
}

impl Esim {
    /// Whether somebody can download it with its activation code.
    pub fn is_downloadable(&self) -> bool {
        self.code_to_hand_out().is_some()
    }

    /// Its activation code, as long as somebody can download it with that: on every way to a user this is asked, since the
    /// code of an order that is over only misleads.
    pub fn code_to_hand_out(&self) -> Option<ActivationCode> {
        let waits = matches!(self.state, ProfileState::Released | ProfileState::Downloaded);
        ActivationCode::parse_strict(self.activation_code.as_deref().filter(|_| waits)?).ok()
    }
}

/// What was sold with an eSIM.
pub struct SoldPlan {
    /// The carrier.
    pub carrier: String,
    /// The plan.
    pub name: String,
    /// The carrier's country.
    pub country: String,
    /// Name of the SM-DP+ where it was ordered.
    pub smdp: String,
    /// The device that it is for.
    pub device_id: Option<String>,
    /// What the buyer calls it.
    pub reference: Option<String>,
    /// Whether the network lets it in.
    pub network: NetworkState,
    /// Who ordered it.
    pub created_by: String,
}

/// Which eSIMs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EsimFilter {
    /// Of this tenant; whoever runs the server may name one.
    pub tenant: Option<String>,
    /// In one of these states; all that were ordered without any.
    pub states: Vec<ProfileState>,
    /// Of plans of this carrier.
    pub carrier: Option<String>,
    /// Of plans of carriers of this country.
    pub country: Option<String>,
    /// Of this type.
    pub profile_type: Option<String>,
}

/// Some of a longer list, and where it goes on.
pub struct Page<T, C> {
    /// These.
    pub items: Vec<T>,
    /// Behind which the next page begins; `None` at the end.
    pub next: Option<C>,
}

impl Desk {
    /// A desk over the datastore of an SM-DP+. `orders` is that SM-DP+ as the one sees it who runs it.
    pub fn new(
        store: Arc<Datastore>,
        orders: Orders,
        suppliers: Arc<dyn Suppliers>,
        clock: Arc<dyn Clock>,
        randomness: SharedRandomness,
    ) -> Self {
        let cursors = Cursors::new(&store);
        let (network, abandoned) = (Network::default(), Arc::default());
        Self { store, orders, suppliers, clock, randomness, network, cursors, abandoned }
    }

    /// Connects the network in which subscriptions are used.
    #[must_use]
    pub fn with_network(self, adapter: Arc<dyn NetworkAdapter>) -> Self {
        Self { network: Network { adapter: Some(adapter), ..Network::default() }, ..self }
    }

    /// The database.
    pub fn store(&self) -> &Arc<Datastore> {
        &self.store
    }

    /// The SM-DP+ as the one sees it who runs it: for imports and its inventory. Orders are placed by [`Desk::provision`].
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Where eSIMs are ordered.
    pub fn suppliers(&self) -> &Arc<dyn Suppliers> {
        &self.suppliers
    }

    /// How places in lists are told.
    pub(crate) fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Where chance comes from.
    pub fn randomness(&self) -> SharedRandomness {
        self.randomness.clone()
    }

    /// Refuses whoever lacks a right.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require(&self, actor: &Actor, right: Right) -> Result<(), Error> {
        actor.require(right)
    }

    /// The tenant on whose behalf something is done: the actor's own, or the one that is named by whoever runs the server.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another's, [`Error::Invalid`] when none is named and one must be.
    pub async fn tenant(&self, actor: &Actor, named: Option<&str>) -> Result<String, Error> {
        tenant(&self.store, actor, named).await
    }

    /// What an actor may look at, or the part of it that is named.
    ///
    /// # Errors
    /// As [`Desk::tenant`].
    pub async fn whose(&self, actor: &Actor, named: Option<&str>) -> Result<Whose, Error> {
        match (actor.tenant(), named) {
            (None, None) => Ok(Whose::All),
            _ => Ok(Whose::Of(self.tenant(actor, named).await?)),
        }
    }

    /// Writes down who did what. `operator` is the tenant whose it is to see.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn audit(
        &self,
        actor: &Actor,
        action: &str,
        subject: &str,
        operator: Option<String>,
    ) -> Result<(), Error> {
        let entry = AuditEntry {
            at: self.now(),
            actor: actor.name().to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
        };
        Ok(self.store.run_tx("audit", move |tx| tx.record_audit_of(operator.as_deref(), &entry)).await?)
    }
}

/// The tenant on whose behalf something is done, as [`Desk::tenant`].
pub(crate) async fn tenant(store: &Datastore, actor: &Actor, named: Option<&str>) -> Result<String, Error> {
    match (actor.tenant(), named) {
        (Some(own), None) => Ok(own.to_owned()),
        (Some(own), Some(named)) if own == named => Ok(own.to_owned()),
        (Some(_), Some(named)) => Err(Error::not_found("tenant", named)),
        (None, Some(named)) => match store.operator(named).await? {
            Some(operator) => Ok(operator.name),
            None => Err(Error::not_found("tenant", named)),
        },
        (None, None) => Err(Error::invalid("tenant", "name the tenant on whose behalf this is done")),
    }
}
