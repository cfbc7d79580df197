//! Giving an order up of which nobody knows how far it came: after a crash, or when its answers were lost.

use rsp_asn1::{Eid, Iccid};
use rsp_es::es2plus::{CancelOrderRequest, DownloadOrderRequest, FinalProfileStatus};
use rsp_es::status::StatusCode;

use super::traces::Calls;
use super::{Error, Failed, Supplier, repeated};

/// What is known of an order that nobody went on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left<'a> {
    /// Its name, with which the functionCallIdentifiers of its calls begin.
    pub call_id: &'a str,
    /// The profile's type at the SM-DP+.
    pub profile_type: &'a str,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// The profile, if ConfirmOrder may have been made.
    pub iccid: Option<Iccid>,
}

/// How an order was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenUp {
    /// The SM-DP+ took it back.
    Cancelled(Iccid),
    /// The SM-DP+ says that there is nothing to take back.
    NothingThere(StatusCode),
}

/// Gives an order up (SGP.22 5.3.3). All calls are made under the order's own functionCallIdentifiers, so that an SM-DP+ executes
/// them once however often this is tried.
///
/// An order that may have been confirmed becomes Unavailable: a ConfirmOrder that is still on its way must not find it available.
/// One that certainly was not is only a reservation, whose DownloadOrder is repeated to learn its ICCID; that becomes Available
/// again.
///
/// # Errors
/// [`Error::Refused`] when the SM-DP+ has it and does not take it back, [`Error::Unreachable`].
pub async fn give_up(supplier: &Supplier, left: &Left<'_>) -> Result<GivenUp, Error> {
    let Left { call_id, profile_type, eid, iccid } = *left;
    let cancelled = match iccid {
        Some(iccid) => supplier.give_up(call_id, iccid, eid, FinalProfileStatus::Unavailable).await.map(|()| iccid),
        None => match reserved(supplier, call_id, profile_type, eid).await {
            Ok(iccid) => supplier.give_up(call_id, iccid, eid, FinalProfileStatus::Available).await.map(|()| iccid),
            Err(failed) => Err(failed),
        },
    };
    match cancelled {
        Ok(iccid) => Ok(GivenUp::Cancelled(iccid)),
        // Nobody has paid for a reservation, whatever is said of it.
        Err(Failed::Refused(status)) if iccid.is_none() || says_nothing_is_there(&status) => {
            Ok(GivenUp::NothingThere(status))
        }
        Err(failed) => Err(supplier.failed(failed)),
    }
}

async fn reserved(supplier: &Supplier, call_id: &str, profile_type: &str, eid: Option<Eid>) -> Result<Iccid, Failed> {
    let request = supplier.download_order(call_id, profile_type, eid);
    Ok(repeated(|| supplier.client.download_order(&request)).await?.iccid)
}

/// Whether a refusal of CancelOrder says that no order of ours is there: the ICCID is unknown, is not ours, or the profile is in
/// a state from which nothing is cancelled. That it was downloaded (8.2.1/3.3), or belongs to another EID or matching ID, says
/// the opposite.
fn says_nothing_is_there(status: &StatusCode) -> bool {
    [StatusCode::ICCID_UNKNOWN, StatusCode::ICCID_NOT_ALLOWED, StatusCode::ICCID_INVALID_TRANSITION]
        .iter()
        .any(|known| status.is(known))
}

/// Whether a refusal of CancelOrder of an order that was sold, with its matching ID, says that it is over: nothing of it is
/// there, or the profile has another matching ID by now, or none.
pub(crate) fn is_over(status: &StatusCode) -> bool {
    says_nothing_is_there(status) || status.is(&StatusCode::MATCHING_ID_INVALID_ASSOCIATION)
}

impl Supplier {
    /// DownloadOrder of an order.
    pub(super) fn download_order(&self, call_id: &str, profile_type: &str, eid: Option<Eid>) -> DownloadOrderRequest {
        DownloadOrderRequest {
            header: self.header(Calls(call_id).download_order()),
            eid,
            iccid: None,
            profile_type: Some(profile_type.to_owned()),
        }
    }

    /// CancelOrder of an order whose matching ID nobody was told.
    pub(super) async fn give_up(
        &self,
        call_id: &str,
        iccid: Iccid,
        eid: Option<Eid>,
        to: FinalProfileStatus,
    ) -> Result<(), Failed> {
        let request = CancelOrderRequest {
            header: self.header(Calls(call_id).cancel_order()),
            iccid: Some(iccid),
            eid,
            matching_id: None,
            final_profile_status_indicator: Some(to),
        };
        repeated(|| self.client.cancel_order(&request)).await
    }
}

#[cfg(test)]
mod tests {
    use rsp_es::status::{StatusCode, TABLE};

    use super::{is_over, says_nothing_is_there};

    #[test]
    fn an_order_with_another_matching_id_is_over_and_one_that_was_downloaded_is_not() {
        let more = |status: &StatusCode| is_over(status) && !says_nothing_is_there(status);
        let over: Vec<_> = TABLE.iter().filter(|row| more(&row.code)).map(|row| row.name).collect();
        assert_eq!(over, ["MATCHING_ID_INVALID_ASSOCIATION"]);
        assert!(TABLE.iter().all(|row| is_over(&row.code) || !says_nothing_is_there(&row.code)));
        assert!(!is_over(&StatusCode::ICCID_ALREADY_IN_USE));
    }

    #[test]
    fn only_what_says_that_no_order_is_there_ends_an_order_that_may_be_sold() {
        let ends: Vec<_> = TABLE.iter().filter(|row| says_nothing_is_there(&row.code)).map(|row| row.name).collect();
        assert_eq!(ends, ["ICCID_NOT_ALLOWED", "ICCID_INVALID_TRANSITION", "ICCID_UNKNOWN"]);
        assert!(!says_nothing_is_there(&StatusCode::ICCID_ALREADY_IN_USE), "it was downloaded");
    }
}
