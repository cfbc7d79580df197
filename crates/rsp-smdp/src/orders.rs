//! What the one who runs the server does: fill the inventory, order, cancel, sweep (SGP.22 3.1.1, 3.1.6).

mod import;

use std::sync::Arc;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_auth::matching_id;
use rsp_store::{AuditEntry, Datastore, Operator, OrderPolicy, Profile, ProfileState, Transaction, Waiting};

use crate::clock::{Clock, SharedRandomness};
use crate::confirmation_code::ConfirmationCode;
use crate::error::Error;
use crate::metadata;
use crate::notices::{Identity, Notices, event_lane, progress_lane};
use crate::order::Event;
use crate::placing::{Placing, Scope, Terms, Wanted, find};
use crate::status::duplicate;
pub use import::{IccidRange, Import, Imported};

/// Draws until ICCID, IMSI or matching ID are new; each draw collides once in a million at worst.
const DRAWS: usize = 8;

/// The SM-DP+ as the one sees it who runs it: nothing is hidden from them.
pub struct Orders {
    store: Arc<Datastore>,
    notices: Notices,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    matching_ids: matching_id::Length,
    actor: String,
}

/// An order to be placed.
pub struct NewOrder {
    /// Name of the profile type.
    pub type_name: String,
    /// One profile of an inventory; without it the oldest.
    pub iccid: Option<Iccid>,
    /// The only eUICC that may download; without it the first that comes.
    pub eid: Option<Eid>,
    /// A matching ID of the operator's choice. An empty one makes an order by EID alone, as for a default SM-DP+.
    pub matching_id: Option<String>,
    /// A confirmation code that the user must enter.
    pub confirmation_code: Option<ConfirmationCode>,
    /// The SM-DS at which an event is registered, `HOST[:PORT]`.
    pub smds_address: Option<String>,
    /// How often it can be downloaded.
    pub policy: OrderPolicy,
    /// When the order ends.
    pub expires_at: Option<Timestamp>,
    /// Deliveries before the order ends; the server's limit without it.
    pub download_limit: Option<u32>,
    /// Wrong confirmation codes before the order ends; the server's limit without it.
    pub confirmation_limit: Option<u32>,
    /// How far the order gets at once. Beyond Released, for laboratories, as if devices had done it; Available and
    /// Unavailable as if it had been cancelled.
    pub state: ProfileState,
    /// Deliveries that count already, for laboratories.
    pub download_tries: u32,
    /// Wrong confirmation codes that count already, for laboratories.
    pub confirmation_tries: u32,
}

impl NewOrder {
    /// An order of this type that can be downloaded once by whoever comes first.
    pub fn of(type_name: &str) -> Self {
        Self {
            type_name: type_name.to_owned(),
            iccid: None,
            eid: None,
            matching_id: None,
            confirmation_code: None,
            smds_address: None,
            policy: OrderPolicy::OneTime,
            expires_at: None,
            download_limit: None,
            confirmation_limit: None,
            state: ProfileState::Released,
            download_tries: 0,
            confirmation_tries: 0,
        }
    }
}

/// An order that was placed.
#[derive(Clone, PartialEq, Eq)]
pub struct PlacedOrder {
    /// The profile.
    pub iccid: Iccid,
    /// What goes into the activation code; empty for an order by EID alone, and before it is confirmed.
    pub matching_id: String,
    /// Whether the user must enter a confirmation code.
    pub confirmation_code_required: bool,
    /// Where the order stands.
    pub state: ProfileState,
}

impl Orders {
    /// `actor` appears in the logs of what is done here.
    pub fn new(
        store: Arc<Datastore>,
        identity: Identity,
        clock: Arc<dyn Clock>,
        randomness: SharedRandomness,
        actor: &str,
    ) -> Self {
        let matching_ids = matching_id::Length::default();
        Self { store, notices: Notices::new(identity), clock, randomness, matching_ids, actor: actor.to_owned() }
    }

    /// Makes matching IDs of this length.
    #[must_use]
    pub fn with_matching_ids(self, matching_ids: matching_id::Length) -> Self {
        Self { matching_ids, ..self }
    }

    /// The database.
    pub fn store(&self) -> &Datastore {
        &self.store
    }

    /// Who the SM-DP+ is to other servers.
    pub fn identity(&self) -> &Identity {
        self.notices.identity()
    }

    /// Adds an operator. Its certificate's SHA-256 is all that it is known by.
    ///
    /// # Errors
    /// [`Error::OperatorExists`], [`Error::Metadata`] for a name that is none, [`Error::IccidRange`] and
    /// [`Error::ImsiPrefix`] for a prefix that is none, [`Error::ImsiPrefixTaken`].
    pub async fn add_operator(&self, operator: Operator) -> Result<(), Error> {
        check_operator(&operator)?;
        let (name, audit) = (operator.name.clone(), self.audit("add operator", &operator.name));
        self.store
            .run_tx("add operator", move |tx| {
                check_imsis(tx, &operator)?;
                tx.insert_operator(&operator)?;
                Ok(tx.record_audit(&audit)?)
            })
            .await
            .map_err(|error| duplicate(error, "operator", || Error::OperatorExists(name)))
    }

    /// Gives an operator another certificate, endpoint or prefix.
    ///
    /// # Errors
    /// [`Error::OperatorUnknown`], and those of [`Self::add_operator`].
    pub async fn change_operator(&self, operator: Operator) -> Result<(), Error> {
        check_operator(&operator)?;
        let (name, audit) = (operator.name.clone(), self.audit("change operator", &operator.name));
        self.store
            .run_tx("change operator", move |tx| {
                check_imsis(tx, &operator)?;
                if !tx.change_operator(&operator)? {
                    return Err(Error::OperatorUnknown);
                }
                Ok(tx.record_audit(&audit)?)
            })
            .await
            .map_err(|error| duplicate(error, "operator", || Error::OperatorExists(name)))
    }

    /// Takes no more orders of a profile type, or takes them again.
    ///
    /// # Errors
    /// [`Error::ProfileTypeUnknown`].
    pub async fn close_type(&self, type_name: &str, closed: bool) -> Result<(), Error> {
        let audit = self.audit(if closed { "close profile type" } else { "open profile type" }, type_name);
        let type_name = type_name.to_owned();
        self.store
            .run_tx("close profile type", move |tx| {
                if !tx.close_profile_type(&type_name, closed)? {
                    return Err(Error::ProfileTypeUnknown(type_name.clone()));
                }
                Ok(tx.record_audit(&audit)?)
            })
            .await
    }

    /// Orders a profile of a type, confirms and releases it, unless the order shall stop before.
    ///
    /// # Errors
    /// [`Error::ProfileTypeUnknown`], [`Error::ProfileTypeUnavailable`], [`Error::MatchingIdInvalid`],
    /// [`Error::MatchingIdInUse`], [`Error::EidMissing`], …
    pub async fn order(&self, order: NewOrder) -> Result<PlacedOrder, Error> {
        let order = Arc::new(order);
        for _ in 0..DRAWS {
            match self.place(&order).await {
                Err(Error::Store(rsp_store::Error::Duplicate { .. })) => {}
                other => return other,
            }
        }
        Err(Error::Contention)
    }

    async fn place(&self, order: &Arc<NewOrder>) -> Result<PlacedOrder, Error> {
        let (order, notices, randomness) = (Arc::clone(order), self.notices.clone(), self.randomness.clone());
        let (actor, now, matching_ids) = (self.actor.clone(), self.clock.now(), self.matching_ids);
        let placed = self
            .store
            .run_tx("order", move |tx| {
                let placing = Placing {
                    notices: &notices,
                    randomness: &randomness,
                    matching_ids,
                    actor: &actor,
                    now,
                    events_at: now,
                };
                place(tx, &placing, &order)
            })
            .await?;
        tracing::info!(
            iccid = %placed.iccid,
            matching_id = matching_id::fingerprint(&placed.matching_id),
            state = %placed.state,
            "order placed"
        );
        Ok(placed)
    }

    /// Releases an order that was confirmed without being released.
    ///
    /// # Errors
    /// [`Error::IccidUnknown`], and [`Error::NotToBeReleased`] when the order is not Confirmed.
    pub async fn release(&self, iccid: &Iccid) -> Result<(), Error> {
        let (iccid, notices, randomness) = (*iccid, self.notices.clone(), self.randomness.clone());
        let (actor, now, matching_ids) = (self.actor.clone(), self.clock.now(), self.matching_ids);
        self.store
            .run_tx("release order", move |tx| {
                let placing = Placing {
                    notices: &notices,
                    randomness: &randomness,
                    matching_ids,
                    actor: &actor,
                    now,
                    events_at: now,
                };
                let profile = find(tx, &Scope::Everything, iccid)?;
                placing.release_profile(tx, &profile)
            })
            .await
    }

    /// What waits to be told to other servers about an order.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn waiting_messages(&self, profile: &Profile) -> Result<Vec<Waiting>, Error> {
        let mut lanes = vec![progress_lane(&profile.iccid)];
        let event = profile.smds_address.as_deref().zip(profile.matching_id.as_deref());
        lanes.extend(event.map(|(address, event_id)| event_lane(address, event_id)));
        let mut waiting = self.store.waiting_messages().await?;
        waiting.retain(|message| lanes.contains(&message.lane));
        Ok(waiting)
    }

    /// Lets messages that have failed be tried again at once, instead of after their pause; returns how many.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn retry_messages(&self) -> Result<usize, Error> {
        let (now, audit) = (self.clock.now(), self.audit("retry messages", "all that have failed"));
        self.store
            .run_tx("retry messages", move |tx| {
                tx.record_audit(&audit)?;
                Ok(tx.retry_messages(now)?)
            })
            .await
    }

    /// Empties the server: operators, stock, orders, sessions, messages, and the events of its SM-DS. For laboratories:
    /// matching IDs are given out again, and of profiles that are on eUICCs nothing is known any more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn reset(&self) -> Result<(), Error> {
        let audit = self.audit("reset", "everything");
        self.store
            .run_tx("reset", move |tx| {
                tx.wipe()?;
                Ok(tx.record_audit(&audit)?)
            })
            .await
    }

    /// Cancels an order and ends its sessions. The profile becomes Available again, or Unavailable; its matching ID is
    /// never used again.
    ///
    /// # Errors
    /// [`Error::IccidUnknown`], [`Error::DownloadedAlready`] when the profile is being downloaded or installed,
    /// [`Error::Transition`] when there is no order, and [`Error::AlreadyDownloaded`] when it shall become available
    /// although it was delivered and not deleted since.
    pub async fn cancel(&self, iccid: &Iccid, available: bool) -> Result<ProfileState, Error> {
        let (iccid, notices, randomness) = (*iccid, self.notices.clone(), self.randomness.clone());
        let (actor, now, matching_ids) = (self.actor.clone(), self.clock.now(), self.matching_ids);
        self.store
            .run_tx("cancel order", move |tx| {
                let placing = Placing {
                    notices: &notices,
                    randomness: &randomness,
                    matching_ids,
                    actor: &actor,
                    now,
                    events_at: now,
                };
                let profile = find(tx, &Scope::Everything, iccid)?;
                placing.cancel_order(tx, &profile, available)
            })
            .await
    }

    async fn require_operator(&self, name: Option<&str>) -> Result<(), Error> {
        let Some(name) = name else { return Ok(()) };
        self.store.operator(name).await?.map(drop).ok_or(Error::OperatorUnknown)
    }

    /// What a transaction needs that places orders.
    pub(crate) fn placing_parts(&self) -> (Timestamp, String, SharedRandomness, Notices) {
        (self.clock.now(), self.actor.clone(), self.randomness.clone(), self.notices.clone())
    }

    pub(crate) fn audit(&self, action: &str, subject: &str) -> AuditEntry {
        AuditEntry {
            at: self.clock.now(),
            actor: self.actor.clone(),
            action: action.to_owned(),
            subject: subject.to_owned(),
        }
    }
}

fn check_operator(operator: &Operator) -> Result<(), Error> {
    metadata::name("operator", 64, &operator.name)?;
    if operator.name.trim() != operator.name {
        let problem = "it begins or ends with a blank".to_owned();
        return Err(Error::Metadata { field: "operator", problem });
    }
    let prefix = &operator.iccid_prefix;
    if prefix.len() > 19 || !prefix.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Error::IccidRange("a prefix has at most 19 digits"));
    }
    let prefix = &operator.imsi_prefix;
    let is_prefix = (5..=14).contains(&prefix.len()) && prefix.bytes().all(|digit| digit.is_ascii_digit());
    if prefix.is_empty() || is_prefix { Ok(()) } else { Err(Error::ImsiPrefix(prefix.clone())) }
}

/// No IMSI is two operators'.
fn check_imsis(tx: &mut Transaction, operator: &Operator) -> Result<(), Error> {
    if operator.imsi_prefix.is_empty() {
        return Ok(());
    }
    match tx.operator_of_imsis(&operator.imsi_prefix, &operator.name)? {
        Some(owner) => Err(Error::ImsiPrefixTaken { prefix: operator.imsi_prefix.clone(), owner }),
        None => Ok(()),
    }
}

/// DownloadOrder and what follows, one after the other, so that the log has all of it.
fn place(tx: &mut Transaction, placing: &Placing<'_>, order: &NewOrder) -> Result<PlacedOrder, Error> {
    let wanted = Wanted { iccid: order.iccid, profile_type: Some(order.type_name.clone()), eid: order.eid };
    let ordered = placing.download_order(tx, &Scope::Everything, &wanted)?;
    let mut matching_id = String::new();
    let confirmed = !matches!(order.state, ProfileState::Allocated | ProfileState::Linked);
    if confirmed {
        let terms = Terms {
            eid: order.eid,
            matching_id: order.matching_id.clone(),
            confirmation_code: order.confirmation_code.as_ref().map(ConfirmationCode::stored),
            smds_address: order.smds_address.clone(),
            policy: order.policy,
            expires_at: order.expires_at,
            download_limit: order.download_limit,
            confirmation_limit: order.confirmation_limit,
            release: order.state != ProfileState::Confirmed,
        };
        matching_id = placing.confirm_order(tx, &ordered, &terms)?.matching_id;
        preset(tx, placing, ordered.iccid, order)?;
    }
    let placed = tx.profile(&ordered.iccid)?.ok_or(Error::IccidUnknown(ordered.iccid))?;
    Ok(PlacedOrder {
        iccid: placed.iccid,
        matching_id,
        confirmation_code_required: order.confirmation_code.is_some(),
        state: placed.state,
    })
}

/// Lets happen to a released order what devices would do, until it is in the state that is wanted.
fn preset(tx: &mut Transaction, placing: &Placing<'_>, iccid: Iccid, order: &NewOrder) -> Result<(), Error> {
    let events: &[Event] = match order.state {
        ProfileState::Downloaded => &[Event::Delivered],
        ProfileState::Installed => &[Event::Delivered, Event::Installed],
        ProfileState::Deleted => &[Event::Delivered, Event::Installed, Event::Deleted],
        // What ends an order of any policy.
        ProfileState::Error => &[Event::DownloadRetriesExceeded],
        ProfileState::Available | ProfileState::Unavailable => {
            let profile = read(tx, iccid)?;
            return placing.cancel_order(tx, &profile, order.state == ProfileState::Available).map(drop);
        }
        _ => &[],
    };
    for event in events {
        let profile = read(tx, iccid)?;
        let change = placing.notices.moved(&profile, *event, placing.actor, placing.now)?;
        if !tx.change_profile(&change)? {
            return Err(Error::Contention);
        }
    }
    if order.download_tries > 0 || order.confirmation_tries > 0 {
        let mut change = read(tx, iccid)?.change(placing.actor, placing.now);
        change.download_tries = order.download_tries;
        change.confirmation_tries = order.confirmation_tries;
        if !tx.change_profile(&change)? {
            return Err(Error::Contention);
        }
    }
    Ok(())
}

fn read(tx: &mut Transaction, iccid: Iccid) -> Result<Profile, Error> {
    tx.profile(&iccid)?.ok_or(Error::IccidUnknown(iccid))
}
