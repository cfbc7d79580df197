//! Whether an eUICC may have an order, now (SGP.22 5.6.2, 5.6.3). Each check gives out a proof; what hands out a profile asks
//! for them.

use rsp_asn1::Timestamp;
use rsp_auth::Euicc;
use rsp_store::Profile;

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
        check_open(profile, now)?;
        Ok(OrderOffered(()))
    }

    /// What AuthenticateClient saw may have changed while the user was thinking.
    pub(crate) async fn check_still_served(
        &self,
        profile: &Profile,
        party: &Party,
        now: Timestamp,
    ) -> Result<OrderServed, Error> {
        if profile.eid != Some(party.euicc.eid) {
            return Err(Error::EidRefused);
        }
        if !party.has(profile) {
            return Err(Error::MatchingIdRefused);
        }
        if profile.confirmation_code.is_some() && profile.confirmation_tries >= self.settings.confirmation_code_limit {
            if order::downloadable(profile.state) {
                let event = Event::ConfirmationCodeRetriesExceeded;
                self.close_order(profile, event, "GetBoundProfilePackage", now).await?;
            }
            return Err(Error::ConfirmationCodeRetriesExceeded);
        }
        check_open(profile, now)?;
        Ok(OrderServed(()))
    }

    /// Ends an order that was delivered too often; `by` is the function that was called.
    pub(crate) async fn check_deliveries_left(
        &self,
        profile: &Profile,
        by: &str,
        now: Timestamp,
    ) -> Result<DeliveryLeft, Error> {
        if profile.download_tries >= self.settings.download_limit {
            self.close_order(profile, Event::DownloadRetriesExceeded, by, now).await?;
            return Err(Error::DownloadRetriesExceeded);
        }
        Ok(DeliveryLeft(()))
    }
}

/// State and end of the order's life.
fn check_open(profile: &Profile, now: Timestamp) -> Result<(), Error> {
    if !order::downloadable(profile.state) {
        return Err(Error::ProfileNotReleased);
    }
    if profile.expires_at.is_some_and(|end| now > end) {
        return Err(Error::OrderExpired);
    }
    Ok(())
}
