//! Whether an eUICC may have an order, now (SGP.22 5.6.2, 5.6.3). Each check gives out a proof; what hands out a profile asks
//! for them.

use rsp_asn1::Timestamp;
use rsp_auth::Euicc;
use rsp_store::{OrderPolicy, Profile, ProfileState};

use crate::error::Error;
use crate::order::{self, Event};
use crate::session::Party;
use crate::smdp::Smdp;

/// Proof that the order is for this eUICC or for any, can be downloaded, and has not expired. Not enough for a package:
/// much may happen while the user is thinking.
pub(crate) struct OrderOffered(());

/// Proof that the order is still the one that was offered, this eUICC's alone, with Confirmation Codes left to try, can be
/// downloaded, and has not expired.
pub(crate) struct OrderServed(());

/// Proof that the order may be delivered once more.
pub(crate) struct DeliveryLeft(());

impl Smdp {
    /// Whether this eUICC may download this order now, in the order of SGP.22 5.6.3.
    pub(crate) fn check_offered(
        &self,
        profile: &Profile,
        euicc: &Euicc,
        now: Timestamp,
    ) -> Result<OrderOffered, Error> {
        if profile.eid.is_some_and(|eid| eid != euicc.eid) {
            return Err(Error::EidRefused);
        }
        self.check_open(profile, now)?;
        Ok(OrderOffered(()))
    }

    /// What AuthenticateClient saw may have changed while the user was thinking.
    pub(crate) async fn check_still_served(
        &self,
        profile: &Profile,
        party: &Party,
        now: Timestamp,
    ) -> Result<OrderServed, Error> {
        if !party.may_have(profile) {
            return Err(Error::EidRefused);
        }
        if !party.has(profile) {
            return Err(Error::MatchingIdRefused);
        }
        if profile.confirmation_code.is_some() && profile.confirmation_tries >= self.confirmation_limit(profile) {
            let event = Event::ConfirmationCodeRetriesExceeded;
            let why = (Error::ConfirmationCodeRetriesExceeded, "GetBoundProfilePackage");
            self.close_order(profile, event, why, now).await?;
            return Err(Error::ConfirmationCodeRetriesExceeded);
        }
        self.check_open(profile, now)?;
        Ok(OrderServed(()))
    }

    /// Ends an order that was delivered too often; `by` is the function that was called.
    pub(crate) async fn check_deliveries_left(
        &self,
        profile: &Profile,
        by: &str,
        now: Timestamp,
    ) -> Result<DeliveryLeft, Error> {
        if self.is_delivered_too_often(profile) {
            let why = (Error::DownloadRetriesExceeded, by);
            self.close_order(profile, Event::DownloadRetriesExceeded, why, now).await?;
            return Err(Error::DownloadRetriesExceeded);
        }
        Ok(DeliveryLeft(()))
    }

    /// State and end of the order's life. Of an order that has ended, why it has, as long as its time or its deliveries say
    /// so: the first attempt after the end is told nothing else than the later ones.
    fn check_open(&self, profile: &Profile, now: Timestamp) -> Result<(), Error> {
        let expired = profile.expires_at.is_some_and(|end| now > end);
        if order::downloadable(profile.state, profile.policy) {
            return if expired { Err(Error::OrderExpired) } else { Ok(()) };
        }
        Err(match profile.state {
            ProfileState::Error if expired => Error::OrderExpired,
            ProfileState::Error if self.is_delivered_too_often(profile) => Error::DownloadRetriesExceeded,
            _ => Error::ProfileNotReleased,
        })
    }

    /// An order for any number of eUICCs has a limit only if it was given one.
    fn is_delivered_too_often(&self, profile: &Profile) -> bool {
        let limit = match profile.policy {
            OrderPolicy::Reusable => profile.download_limit,
            _ => Some(profile.download_limit.unwrap_or(self.settings.download_limit)),
        };
        limit.is_some_and(|limit| profile.download_tries >= limit)
    }

    /// Wrong Confirmation Codes before the order ends.
    pub(crate) fn confirmation_limit(&self, profile: &Profile) -> u32 {
        profile.confirmation_limit.unwrap_or(self.settings.confirmation_code_limit)
    }
}
