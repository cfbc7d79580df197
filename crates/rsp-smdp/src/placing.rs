//! Orders as transactions make them: DownloadOrder, ConfirmOrder, ReleaseProfile, CancelOrder (SGP.22 5.3, 3.1.6). The same for
//! an operator on ES2+, for the server's own command line, and for a file that is loaded.

use rsp_asn1::{Eid, Iccid, StoreMetadataRequest, Timestamp};
use rsp_auth::{ServerAddress, matching_id};
use rsp_crypto::{Zeroizing, constant_time_eq};
use rsp_store::{
    NewProfile, OrderPolicy, Profile, ProfileChange, ProfileState, ProfileType, SealedChange, Subscriber, Transaction,
};

use crate::clock::SharedRandomness;
use crate::error::Error;
use crate::notices::{Notices, event_lane};
use crate::order::Event;
use crate::personalise::{Given, Personalised, personalise};

/// Whose profiles somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All: the one who runs the server.
    Everything,
    /// Those of one operator, whose ICCIDs begin with these digits.
    Operator { name: String, iccid_prefix: String },
}

impl Scope {
    fn sees(&self, owner: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Operator { name, .. } => owner == Some(name),
        }
    }
}

/// Everything that a change of an order needs besides the order.
pub(crate) struct Placing<'a> {
    pub(crate) notices: &'a Notices,
    pub(crate) randomness: &'a SharedRandomness,
    /// How long those are that are made here.
    pub(crate) matching_ids: matching_id::Length,
    /// For the log.
    pub(crate) actor: &'a str,
    pub(crate) now: Timestamp,
    /// When an SM-DS hears at the earliest of an event that is registered: later, where somebody waits for its answer.
    pub(crate) events_at: Timestamp,
}

/// What DownloadOrder asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) iccid: Option<Iccid>,
    pub(crate) profile_type: Option<String>,
    pub(crate) eid: Option<Eid>,
}

/// What ConfirmOrder says.
pub(crate) struct Terms {
    pub(crate) eid: Option<Eid>,
    /// Empty for an order by EID alone; `None` has one made.
    pub(crate) matching_id: Option<String>,
    /// SHA-256 of the Confirmation Code.
    pub(crate) confirmation_code: Option<Zeroizing<Vec<u8>>>,
    pub(crate) smds_address: Option<String>,
    pub(crate) policy: OrderPolicy,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) download_limit: Option<u32>,
    pub(crate) confirmation_limit: Option<u32>,
    pub(crate) release: bool,
}

/// An order after ConfirmOrder.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Confirmed {
    pub(crate) eid: Option<Eid>,
    /// As the operator is told: empty for an order by EID alone.
    pub(crate) matching_id: String,
}

/// The profile with this ICCID, if it is one that `scope` sees.
pub(crate) fn find(tx: &mut Transaction, scope: &Scope, iccid: Iccid) -> Result<Profile, Error> {
    if let Scope::Operator { iccid_prefix, .. } = scope
        && !iccid.to_string().starts_with(iccid_prefix.as_str())
    {
        return Err(Error::IccidNotAllowed(iccid));
    }
    // Whose it is instead is nobody's business.
    let profile = tx.profile(&iccid)?.filter(|profile| scope.sees(profile.operator.as_deref()));
    profile.ok_or(Error::IccidUnknown(iccid))
}

impl Placing<'_> {
    /// DownloadOrder: takes a profile out of the stock, for any eUICC or for one.
    pub(crate) fn download_order(
        &self,
        tx: &mut Transaction,
        scope: &Scope,
        wanted: &Wanted,
    ) -> Result<Profile, Error> {
        let profile = match (wanted.iccid, &wanted.profile_type) {
            (Some(iccid), profile_type) => {
                let profile = find(tx, scope, iccid)?;
                if profile_type.as_ref().is_some_and(|wanted| *wanted != profile.profile_type) {
                    return Err(Error::ProfileTypeRefused(iccid));
                }
                if is_repeated(&profile, wanted) {
                    return Ok(profile);
                }
                if profile.state != ProfileState::Available {
                    return Err(Error::IccidInUse(iccid));
                }
                if tx.profile_type(&profile.profile_type)?.is_some_and(|found| found.closed) {
                    return Err(Error::ProfileTypeClosed(profile.profile_type));
                }
                profile
            }
            (None, Some(profile_type)) => self.take(tx, scope, profile_type)?,
            (None, None) => return Err(Error::NothingOrdered),
        };
        self.allocate(tx, &profile, wanted.eid)
    }

    fn allocate(&self, tx: &mut Transaction, profile: &Profile, eid: Option<Eid>) -> Result<Profile, Error> {
        let event = if eid.is_some() { Event::DownloadOrderForEid } else { Event::DownloadOrder };
        let mut change = self.notices.moved(profile, event, self.actor, self.now)?;
        change.eid = eid;
        change_and_read(tx, &change)
    }

    /// DownloadOrder under an ICCID that the operator gave out itself: a copy of its template, made for it.
    pub(crate) fn order_under(
        &self,
        tx: &mut Transaction,
        scope: &Scope,
        type_name: &str,
        iccid: Iccid,
        eid: Option<Eid>,
    ) -> Result<Profile, Error> {
        if let Scope::Operator { iccid_prefix, .. } = scope
            && !iccid.to_string().starts_with(iccid_prefix.as_str())
        {
            return Err(Error::IccidNotAllowed(iccid));
        }
        let found = tx.profile_type(type_name)?.filter(|found| scope.sees(found.operator.as_deref()));
        let profile_type = found.ok_or_else(|| Error::ProfileTypeUnknown(type_name.to_owned()))?;
        if profile_type.closed {
            return Err(Error::ProfileTypeClosed(type_name.to_owned()));
        }
        if !profile_type.template {
            return Err(Error::NoTemplate(type_name.to_owned()));
        }
        if tx.profile(&iccid)?.is_some() {
            return Err(Error::IccidExists(iccid));
        }
        let template = tx.template(type_name)?.ok_or(Error::Damaged("template"))?;
        let made = self.fresh(tx, &profile_type, &template, Some(iccid))?;
        let (profile, subscriber) = made.ok_or_else(|| Error::ProfileTypeUnavailable(type_name.to_owned()))?;
        tx.insert_profile(&profile)?;
        tx.insert_subscriber(&subscriber)?;
        let profile = tx.profile(&iccid)?.ok_or(Error::IccidUnknown(iccid))?;
        self.allocate(tx, &profile, eid)
    }

    /// ConfirmOrder. An identical repetition changes nothing and is answered in the same way.
    pub(crate) fn confirm_order(
        &self,
        tx: &mut Transaction,
        profile: &Profile,
        terms: &Terms,
    ) -> Result<Confirmed, Error> {
        if let Some(answer) = confirmed_before(profile, terms) {
            require_event_registered(tx, profile)?;
            return Ok(answer);
        }
        if !matches!(profile.state, ProfileState::Allocated | ProfileState::Linked) {
            return Err(Error::NotToBeConfirmed(profile.iccid, profile.state));
        }
        if profile.eid.is_some() && terms.eid.is_some() && profile.eid != terms.eid {
            return Err(Error::EidAssociated(profile.iccid));
        }
        let eid = terms.eid.or(profile.eid);
        let unnamed = terms.matching_id.as_deref() == Some("");
        if eid.is_none() && (unnamed || terms.smds_address.is_some()) {
            return Err(Error::EidMissing);
        }
        let smds_address = terms.smds_address.as_deref().map(smds_address).transpose()?;
        let matching_id = match terms.matching_id.as_deref() {
            Some(chosen) if !chosen.is_empty() => {
                require_valid(chosen)?;
                chosen.to_owned()
            }
            _ => matching_id::generate_of(self.matching_ids, &mut self.randomness.clone()),
        };
        let chosen = !unnamed && terms.matching_id.is_some();
        tx.reserve_matching_id(&matching_id, &profile.iccid, self.now).map_err(|error| match error {
            rsp_store::Error::Duplicate { .. } if chosen => Error::MatchingIdInUse,
            other => other.into(),
        })?;

        let event = if terms.release { Event::ConfirmAndRelease } else { Event::ConfirmOrder };
        let mut change = self.notices.moved(profile, event, self.actor, self.now)?;
        change.eid = eid;
        change.matching_id = Some(matching_id.clone());
        change.unnamed = unnamed;
        change.policy = terms.policy;
        change.smds_address = smds_address;
        change.expires_at = terms.expires_at;
        change.download_limit = terms.download_limit;
        change.confirmation_limit = terms.confirmation_limit;
        if let Some(code) = &terms.confirmation_code {
            change.confirmation_code = SealedChange::Set(code.clone());
        }
        if terms.release {
            change.messages.extend(self.notices.event_registered(&change, self.events_at));
        }
        if !tx.change_profile(&change)? {
            return Err(Error::Contention);
        }
        Ok(Confirmed { eid, matching_id: if unnamed { String::new() } else { matching_id } })
    }

    /// ReleaseProfile.
    pub(crate) fn release_profile(&self, tx: &mut Transaction, profile: &Profile) -> Result<(), Error> {
        let moved = self.notices.moved(profile, Event::ReleaseProfile, self.actor, self.now);
        let mut change = moved.map_err(|_| Error::NotToBeReleased(profile.iccid, profile.state))?;
        change.messages.extend(self.notices.event_registered(&change, self.events_at));
        if tx.change_profile(&change)? { Ok(()) } else { Err(Error::Contention) }
    }

    /// Takes back a release whose event the SM-DS did not take, and whatever of the event may have arrived there. False
    /// when the order has gone on meanwhile.
    pub(crate) fn take_back_release(
        &self,
        tx: &mut Transaction,
        before: &Profile,
        released: &Profile,
    ) -> Result<bool, Error> {
        let now_there = tx.profile(&released.iccid)?;
        if now_there.is_none_or(|found| found.version != released.version) {
            return Ok(false);
        }
        let event = match before.state {
            ProfileState::Allocated => Event::EventNotRegistered,
            ProfileState::Linked => Event::EventNotRegisteredForEid,
            _ => Event::EventNotRegisteredAtRelease,
        };
        // Leaving Released deletes the event, which may have arrived although nobody said so.
        let mut change = self.notices.moved(released, event, self.actor, self.now)?;
        if let Some(matching_id) = &released.matching_id {
            if let Some(address) = &released.smds_address {
                tx.retract_messages(&event_lane(address, matching_id))?;
            }
            if before.matching_id.is_none() {
                tx.keep_matching_id_for(matching_id, &released.iccid)?;
            }
        }
        if event != Event::EventNotRegisteredAtRelease {
            clear_terms(&mut change);
            change.eid = before.eid;
        }
        Ok(tx.change_profile(&change)?)
    }

    /// CancelOrder. The profile becomes Available again, or Unavailable; its matching ID is never used again.
    pub(crate) fn cancel_order(
        &self,
        tx: &mut Transaction,
        profile: &Profile,
        available: bool,
    ) -> Result<ProfileState, Error> {
        // An order that can be downloaded again goes on until somebody withdraws it.
        let withdrawn = !available && profile.policy != OrderPolicy::OneTime;
        if matches!(profile.state, ProfileState::Downloaded | ProfileState::Installed) && !withdrawn {
            return Err(Error::DownloadedAlready(profile.iccid, profile.state));
        }
        let event = if available { Event::CancelToAvailable } else { Event::CancelToUnavailable };
        let mut change = self.notices.moved(profile, event, self.actor, self.now)?;
        // Its keys may be on an eUICC, whatever that reported: nobody else gets them.
        if available && profile.was_delivered() && profile.state != ProfileState::Deleted {
            return Err(Error::AlreadyDownloaded(profile.iccid));
        }
        clear_terms(&mut change);
        change.eid = None;
        change.download_tries = 0;
        change.binding = SealedChange::Clear;
        tx.close_sessions(&profile.iccid, self.now)?;
        if tx.change_profile(&change)? { Ok(change.state) } else { Err(Error::Contention) }
    }

    /// A profile of a type: the oldest that is Available, or else a fresh copy of a template. An Available copy is of an order
    /// that was given back: it has an ICCID of the range, and a subscriber whom no fresh copy can get.
    fn take(&self, tx: &mut Transaction, scope: &Scope, name: &str) -> Result<Profile, Error> {
        let found = tx.profile_type(name)?.filter(|found| scope.sees(found.operator.as_deref()));
        let profile_type = found.ok_or_else(|| Error::ProfileTypeUnknown(name.to_owned()))?;
        if profile_type.closed {
            return Err(Error::ProfileTypeClosed(name.to_owned()));
        }
        let none_left = || Error::ProfileTypeUnavailable(name.to_owned());
        if let Some(profile) = tx.available_profile(name)? {
            return Ok(profile);
        }
        if !profile_type.template {
            return Err(none_left());
        }
        let template = tx.template(name)?.ok_or(Error::Damaged("template"))?;
        let (profile, subscriber) = self.fresh(tx, &profile_type, &template, None)?.ok_or_else(none_left)?;
        tx.insert_profile(&profile)?;
        tx.insert_subscriber(&subscriber)?;
        tx.profile(&profile.iccid)?.ok_or(Error::IccidUnknown(profile.iccid))
    }

    /// A copy of a template with a subscriber of its own, under an ICCID that is given or the next of its own. `None` when its
    /// ICCIDs or its subscribers are used up.
    fn fresh(
        &self,
        tx: &mut Transaction,
        profile_type: &ProfileType,
        template: &[u8],
        given: Option<Iccid>,
    ) -> Result<Option<(NewProfile, Subscriber)>, Error> {
        let iccid = match profile_type.iccids {
            None => given,
            Some(_) if given.is_some() => given,
            Some(_) => match next_iccid(tx, &profile_type.name)? {
                None => return Ok(None),
                some => some,
            },
        };
        let subscriber = match profile_type.stocked {
            false => None,
            true => match tx.take_subscriber(&profile_type.name)? {
                None => return Ok(None),
                some => some,
            },
        };
        let Personalised { iccid, imsi, keys, package } =
            personalise(template, Given { iccid, subscriber }, &mut self.randomness.clone())?;
        let mut metadata: StoreMetadataRequest =
            rsp_asn1::decode(&profile_type.metadata).map_err(|_| Error::Damaged("metadata"))?;
        metadata.iccid = iccid;
        let profile = NewProfile {
            iccid,
            profile_type: profile_type.name.clone(),
            operator: profile_type.operator.clone(),
            state: ProfileState::Available,
            metadata: rsp_asn1::encode(&metadata)?,
            package,
            at: self.now,
            by: self.actor.to_owned(),
        };
        Ok(Some((profile, Subscriber { iccid, imsi, keys })))
    }
}

/// The next ICCID of a range that no profile has, with its check digit.
fn next_iccid(tx: &mut Transaction, profile_type: &str) -> Result<Option<Iccid>, Error> {
    while let Some(number) = tx.next_iccid(profile_type)? {
        let iccid = with_check_digit(number).ok_or(Error::Damaged("range of ICCIDs"))?;
        if tx.profile(&iccid)?.is_none() {
            return Ok(Some(iccid));
        }
    }
    Ok(None)
}

/// An ICCID from its digits without check digit.
pub(crate) fn with_check_digit(number: u64) -> Option<Iccid> {
    let digits = number.to_string();
    let check = Iccid::luhn_digit(&digits)?;
    format!("{digits}{check}").parse().ok()
}

/// The address of an SM-DS in the one form in which it is kept: whoever writes it otherwise means the same server.
fn smds_address(text: &str) -> Result<String, Error> {
    let invalid = || Error::SmdsAddressInvalid(text.chars().take(256).collect());
    let address = ServerAddress::parse(text).ok_or_else(invalid)?.to_string().to_ascii_lowercase();
    // An IPv6 address without brackets would be read as a host with a port.
    let is_bare = !address.starts_with('[') && address.matches(':').count() > 1;
    if is_bare { Err(invalid()) } else { Ok(address.strip_suffix(":443").unwrap_or(&address).to_owned()) }
}

fn require_valid(matching_id: &str) -> Result<(), Error> {
    if matching_id::is_valid(matching_id) { Ok(()) } else { Err(Error::MatchingIdInvalid) }
}

/// Whether a DownloadOrder is the one that was executed: nothing has happened to the order since.
fn is_repeated(profile: &Profile, wanted: &Wanted) -> bool {
    matches!(profile.state, ProfileState::Allocated | ProfileState::Linked) && profile.eid == wanted.eid
}

/// What a ConfirmOrder was answered that says the same. A device may have been fast meanwhile.
fn confirmed_before(profile: &Profile, terms: &Terms) -> Option<Confirmed> {
    let confirmed = match profile.state {
        ProfileState::Confirmed => !terms.release,
        ProfileState::Released | ProfileState::Downloaded | ProfileState::Installed => terms.release,
        _ => false,
    };
    let named = match terms.matching_id.as_deref() {
        None => !profile.unnamed,
        Some("") => profile.unnamed,
        Some(wanted) => !profile.unnamed && profile.matching_id.as_deref() == Some(wanted),
    };
    let same = confirmed
        && named
        && (terms.eid.is_none() || terms.eid == profile.eid)
        && terms.smds_address.as_deref().map(smds_address).transpose().ok() == Some(profile.smds_address.clone())
        && same_code(terms.confirmation_code.as_deref(), profile.confirmation_code.as_deref());
    let matching_id = profile.matching_id.clone().filter(|_| !profile.unnamed).unwrap_or_default();
    same.then_some(Confirmed { eid: profile.eid, matching_id })
}

/// Nobody is told of a release before the SM-DS has taken its event: if it does not, the release is taken back.
pub(crate) fn require_event_registered(tx: &mut Transaction, profile: &Profile) -> Result<(), Error> {
    let (Some(address), Some(event_id)) = (&profile.smds_address, &profile.matching_id) else { return Ok(()) };
    if profile.state == ProfileState::Released && tx.is_message_waiting(&event_lane(address, event_id))? {
        return Err(Error::SmdsInaccessible("it has not answered an earlier call yet".to_owned()));
    }
    Ok(())
}

fn same_code(given: Option<&Vec<u8>>, stored: Option<&Vec<u8>>) -> bool {
    match (given, stored) {
        (None, None) => true,
        (Some(given), Some(stored)) => constant_time_eq(given, stored),
        _ => false,
    }
}

/// Everything that ConfirmOrder said.
fn clear_terms(change: &mut ProfileChange) {
    change.matching_id = None;
    change.unnamed = false;
    change.policy = OrderPolicy::OneTime;
    change.smds_address = None;
    change.expires_at = None;
    change.download_limit = None;
    change.confirmation_limit = None;
    change.confirmation_code = SealedChange::Clear;
    change.confirmation_tries = 0;
}

fn change_and_read(tx: &mut Transaction, change: &ProfileChange) -> Result<Profile, Error> {
    if !tx.change_profile(change)? {
        return Err(Error::Contention);
    }
    tx.profile(&change.iccid)?.ok_or(Error::IccidUnknown(change.iccid))
}
