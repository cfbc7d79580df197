//! What an operator does: fill the inventory, order, cancel (SGP.22 3.1.1, 3.1.6).

use std::sync::Arc;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_saip::ProfilePackage;
use rsp_store::{
    Datastore, NewProfile, NewProfileType, Profile, ProfileState, ProfileType, SealedChange, Subscriber, Transaction,
};

use crate::clock::{Clock, SharedRandomness};
use crate::confirmation_code::ConfirmationCode;
use crate::error::Error;
use crate::matching_id;
use crate::metadata::{self, MetadataOptions};
use crate::order::{Event, transition};
use crate::personalise::{Personalised, personalise};
use crate::status::duplicate;

/// Draws until ICCID, IMSI or matching ID are new; each draw collides once in a million at worst.
const DRAWS: usize = 8;

/// The operator's side of the SM-DP+.
pub struct Orders {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    actor: String,
}

/// A profile package to be imported.
pub struct Import {
    /// Name under which it can be ordered.
    pub type_name: String,
    /// The unprotected profile package.
    pub package: Zeroizing<Vec<u8>>,
    /// Whether each order gets a freshly personalised copy.
    pub template: bool,
    /// What users see.
    pub metadata: MetadataOptions,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// ICCID of the package (of a template: the one that orders replace).
    pub iccid: Iccid,
    /// Octets of the package.
    pub package_size: usize,
}

/// An order to be placed, confirmed and released at once.
pub struct NewOrder {
    /// Name of the profile type.
    pub type_name: String,
    /// The only eUICC that may download; without it the first that comes.
    pub eid: Option<Eid>,
    /// A matching ID of the operator's choice.
    pub matching_id: Option<String>,
    /// A confirmation code that the user must enter.
    pub confirmation_code: Option<ConfirmationCode>,
    /// When the order ends.
    pub expires_at: Option<Timestamp>,
}

/// An order that can be downloaded.
#[derive(Clone, PartialEq, Eq)]
pub struct PlacedOrder {
    /// The profile.
    pub iccid: Iccid,
    /// What goes into the activation code.
    pub matching_id: String,
    /// Whether the user must enter a confirmation code.
    pub confirmation_code_required: bool,
}

impl Orders {
    /// `actor` appears in the log of state changes.
    pub fn new(store: Arc<Datastore>, clock: Arc<dyn Clock>, randomness: SharedRandomness, actor: &str) -> Self {
        Self { store, clock, randomness, actor: actor.to_owned() }
    }

    /// The database.
    pub fn store(&self) -> &Datastore {
        &self.store
    }

    /// Checks a package and adds it to the inventory, or adds a template.
    ///
    /// # Errors
    /// [`Error::Package`], [`Error::Metadata`], [`Error::IccidExists`], [`Error::ProfileTypeExists`].
    pub async fn import(&self, import: Import) -> Result<Imported, Error> {
        metadata::printable("profile type", &import.type_name)?;
        let summary = ProfilePackage::from_der(&import.package)?.summary();
        let iccid: Iccid = summary
            .iccid
            .as_deref()
            .and_then(|digits| digits.parse().ok())
            .ok_or(rsp_saip::Error::Missing("EF_ICCID"))?;
        if import.template {
            // A trial with throw-away values: a template that cannot be personalised is refused now, not at the order.
            personalise(&import.package, &mut self.randomness.clone())?;
        }
        let metadata = import.metadata.build(iccid, summary.spn.as_deref(), &import.type_name)?;
        let metadata = rsp_asn1::encode(&metadata)?;
        let package_size = import.package.len();
        let existing = self.store.profile_type(&import.type_name).await?;
        let now = self.clock.now();
        let type_name = import.type_name.clone();
        let (new_type, new_profile) = self.split(import, iccid, metadata, existing, now)?;
        self.store
            .run_tx("import", move |tx| {
                if let Some(new_type) = &new_type {
                    tx.insert_profile_type(new_type)?;
                }
                if let Some(new_profile) = &new_profile {
                    tx.insert_profile(new_profile)?;
                }
                Ok(())
            })
            .await
            .map_err(|error| duplicate(error, "profile type", || Error::ProfileTypeExists(type_name)))
            .map_err(|error| duplicate(error, "ICCID", || Error::IccidExists(iccid)))?;
        Ok(Imported { iccid, package_size })
    }

    /// The rows that an import adds: a template is a type, another package a profile, with its type if that is new.
    fn split(
        &self,
        import: Import,
        iccid: Iccid,
        metadata: Vec<u8>,
        existing: Option<ProfileType>,
        now: Timestamp,
    ) -> Result<(Option<NewProfileType>, Option<NewProfile>), Error> {
        let Import { type_name, package, template, .. } = import;
        if existing.as_ref().is_some_and(|existing| template || existing.template) {
            return Err(Error::ProfileTypeExists(type_name));
        }
        let new_type = |template| NewProfileType {
            name: type_name.clone(),
            operator: None,
            iccids: None,
            metadata: metadata.clone(),
            template,
            created_at: now,
        };
        if template {
            return Ok((Some(new_type(Some(package))), None));
        }
        let new_type = existing.is_none().then(|| new_type(None));
        let new_profile = NewProfile {
            iccid,
            profile_type: type_name,
            operator: None,
            state: ProfileState::Available,
            metadata,
            package,
            at: now,
            by: self.actor.clone(),
        };
        Ok((new_type, Some(new_profile)))
    }

    /// Orders a profile of a type, confirms and releases it.
    ///
    /// # Errors
    /// [`Error::ProfileTypeUnknown`], [`Error::ProfileTypeUnavailable`], [`Error::MatchingIdInvalid`],
    /// [`Error::MatchingIdInUse`].
    pub async fn order(&self, order: NewOrder) -> Result<PlacedOrder, Error> {
        if let Some(matching_id) = &order.matching_id {
            matching_id::check(matching_id)?;
        }
        let profile_type = self
            .store
            .profile_type(&order.type_name)
            .await?
            .ok_or_else(|| Error::ProfileTypeUnknown(order.type_name.clone()))?;
        let template = if profile_type.template { self.store.template(&profile_type.name).await? } else { None };
        let order = Arc::new(order);
        let profile_type = Arc::new(profile_type);
        for _ in 0..DRAWS {
            let fresh = template.as_ref().map(|template| self.fresh(&profile_type, template)).transpose()?;
            let matching_id = match &order.matching_id {
                Some(chosen) => chosen.clone(),
                None => matching_id::generate(&mut self.randomness.clone()),
            };
            match self.place(&order, fresh, matching_id).await {
                Err(Error::Store(rsp_store::Error::Duplicate { what: "matching ID" }))
                    if order.matching_id.is_some() =>
                {
                    return Err(Error::MatchingIdInUse);
                }
                Err(Error::Store(rsp_store::Error::Duplicate { .. })) => {}
                other => return other,
            }
        }
        Err(Error::Contention)
    }

    /// A profile of a template, with its subscriber.
    fn fresh(&self, profile_type: &ProfileType, template: &[u8]) -> Result<(NewProfile, Subscriber), Error> {
        let Personalised { iccid, imsi, keys, package } = personalise(template, &mut self.randomness.clone())?;
        let mut metadata: rsp_asn1::StoreMetadataRequest =
            rsp_asn1::decode(&profile_type.metadata).map_err(|_| Error::Damaged("metadata"))?;
        metadata.iccid = iccid;
        let profile = NewProfile {
            iccid,
            profile_type: profile_type.name.clone(),
            operator: None,
            state: ProfileState::Available,
            metadata: rsp_asn1::encode(&metadata)?,
            package,
            at: self.clock.now(),
            by: self.actor.clone(),
        };
        Ok((profile, Subscriber { iccid, imsi, keys }))
    }

    async fn place(
        &self,
        order: &Arc<NewOrder>,
        fresh: Option<(NewProfile, Subscriber)>,
        matching_id: String,
    ) -> Result<PlacedOrder, Error> {
        let now = self.clock.now();
        let (order, actor) = (Arc::clone(order), self.actor.clone());
        let placed = self
            .store
            .run_tx("order", move |tx| {
                tx.reserve_matching_id(&matching_id, now)?;
                let profile = take_profile(tx, &order, fresh.as_ref())?;
                release(tx, &profile, &order, &matching_id, &actor, now)?;
                Ok::<_, Error>(PlacedOrder {
                    iccid: profile.iccid,
                    matching_id: matching_id.clone(),
                    confirmation_code_required: order.confirmation_code.is_some(),
                })
            })
            .await?;
        tracing::info!(
            iccid = %placed.iccid,
            matching_id = matching_id::fingerprint(&placed.matching_id),
            "order released"
        );
        Ok(placed)
    }

    /// Cancels an order and ends its sessions. The profile becomes Available again, or Unavailable; its matching ID is
    /// never used again.
    ///
    /// # Errors
    /// [`Error::IccidUnknown`], [`Error::Transition`] when the profile is being downloaded or installed, and
    /// [`Error::AlreadyDownloaded`] when it shall become available although it was delivered and not deleted since.
    pub async fn cancel(&self, iccid: &Iccid, available: bool) -> Result<ProfileState, Error> {
        let now = self.clock.now();
        let event = if available { Event::CancelToAvailable } else { Event::CancelToUnavailable };
        let (iccid, actor) = (*iccid, self.actor.clone());
        self.store
            .run_tx("cancel order", move |tx| {
                let profile = tx.profile(&iccid)?.ok_or(Error::IccidUnknown(iccid))?;
                let mut change = profile.change(&actor, now);
                change.state = transition(profile.state, event)?;
                // Its keys may be on an eUICC, whatever that reported: nobody else gets them.
                if available && profile.download_tries > 0 && profile.state != ProfileState::Deleted {
                    return Err(Error::AlreadyDownloaded(iccid));
                }
                change.eid = None;
                change.matching_id = None;
                change.confirmation_code = SealedChange::Clear;
                change.confirmation_tries = 0;
                change.download_tries = 0;
                change.binding = SealedChange::Clear;
                change.expires_at = None;
                tx.close_sessions(&iccid, now)?;
                if tx.change_profile(&change)? { Ok(change.state) } else { Err(Error::Contention) }
            })
            .await
    }
}

/// The profile that an order gets: a fresh one, or one of the inventory.
fn take_profile(
    tx: &mut Transaction,
    order: &NewOrder,
    fresh: Option<&(NewProfile, Subscriber)>,
) -> Result<Profile, Error> {
    let Some((profile, subscriber)) = fresh else {
        return tx
            .available_profile(&order.type_name)?
            .ok_or_else(|| Error::ProfileTypeUnavailable(order.type_name.clone()));
    };
    tx.insert_profile(profile)?;
    tx.insert_subscriber(subscriber)?;
    tx.profile(&profile.iccid)?.ok_or(Error::IccidUnknown(profile.iccid))
}

/// DownloadOrder and ConfirmOrder with release, one after the other, so that the log has both.
fn release(
    tx: &mut Transaction,
    profile: &Profile,
    order: &NewOrder,
    matching_id: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let mut ordered = profile.change(actor, now);
    let event = if order.eid.is_some() { Event::DownloadOrderForEid } else { Event::DownloadOrder };
    ordered.state = transition(profile.state, event)?;
    ordered.eid = order.eid;
    if !tx.change_profile(&ordered)? {
        return Err(Error::Contention);
    }
    ordered.version += 1;
    ordered.state = transition(ordered.state, Event::ConfirmAndRelease)?;
    ordered.matching_id = Some(matching_id.to_owned());
    ordered.expires_at = order.expires_at;
    if let Some(code) = &order.confirmation_code {
        ordered.confirmation_code = SealedChange::Set(code.stored());
    }
    if tx.change_profile(&ordered)? { Ok(()) } else { Err(Error::Contention) }
}
