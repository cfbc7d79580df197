//! Whether a profile is on its eUICC: installations and deletions in the order in which they happened, which is that of
//! their sequence numbers (SGP.22 3.5), and not the one in which an LPA sends them.

use rsp_asn1::{Eid, Iccid};
use rsp_store::{Installation, OrderPolicy, Profile, ProfileState};

use crate::binding::Binding;
use crate::error::Error;
use crate::session::ExpectResult;

/// A deletion that is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The profile is gone.
    Counts,
    /// The result of a delivery is awaited, which says whether it is older or newer.
    Waits,
    /// It was before the last installation.
    Old,
    /// There is nothing that could be deleted.
    Irrelevant,
}

/// What is known before the first notification.
pub(crate) fn unknown(iccid: Iccid, eid: Eid) -> Installation {
    Installation { iccid, eid, installed: 0, deleted: None, settled: None, awaited: None }
}

/// Whether a result is that of the last delivery of its order. Deliveries are counted anew after a success, but then bound
/// anew, too.
pub(crate) fn is_last(known: &Installation, session: &ExpectResult, profile: &Profile) -> Result<bool, Error> {
    let this = delivery(&session.binding, session.delivery);
    Ok(match profile.state {
        ProfileState::Installed | ProfileState::Deleted if profile.policy != OrderPolicy::Reusable => {
            known.awaited == Some(this)
        }
        _ => match last_delivery(profile)? {
            Some(last) => last == this,
            None => session.delivery == profile.download_tries,
        },
    })
}

/// Takes in the result of a delivery. `profile` is as it was before.
///
/// A card that was made anew counts from 1 again: the number of the last delivery's result is the one that counts, be it
/// lower than an earlier one. Of results that come late the highest counts.
pub(crate) fn note_result(
    known: &mut Installation,
    profile: &Profile,
    session: &ExpectResult,
    number: i64,
    installed: bool,
    last: bool,
) -> Result<(), Error> {
    if installed {
        known.installed = if last { number } else { known.installed.max(number) };
    }
    if last {
        known.settled = Some(delivery(&session.binding, session.delivery));
        known.awaited = None;
    } else if installed && awaits_result(profile) {
        known.awaited = last_delivery(profile)?.filter(|newer| known.settled.as_ref() != Some(newer));
    }
    Ok(())
}

/// Whether a deletion that waited is newer than the installation that it waited for. It waits no more once nothing is
/// awaited.
pub(crate) fn waited(known: &mut Installation) -> bool {
    known.awaited.is_none() && known.deleted.take().is_some_and(|deleted| deleted > known.installed)
}

/// Takes in a deletion.
pub(crate) fn note_deletion(known: &mut Installation, profile: &Profile, number: i64) -> Deletion {
    if number <= known.installed {
        Deletion::Old
    } else if awaits_result(profile) || profile.state == ProfileState::Installed && known.awaited.is_some() {
        known.deleted = known.deleted.max(Some(number));
        Deletion::Waits
    } else if profile.state == ProfileState::Installed {
        Deletion::Counts
    } else {
        Deletion::Irrelevant
    }
}

/// Whether a package was delivered that may be on the eUICC.
fn awaits_result(profile: &Profile) -> bool {
    matches!(profile.state, ProfileState::Downloaded | ProfileState::Error)
}

/// `None` for an order whose packages are not for one eUICC, so that no binding is kept.
fn last_delivery(profile: &Profile) -> Result<Option<Vec<u8>>, Error> {
    let binding = profile.binding.as_ref().map(|bytes| Binding::from_bytes(bytes)).transpose()?;
    Ok(binding.map(|binding| delivery(&binding.identity(), profile.download_tries)))
}

/// Names a delivery for as long as an order lives.
fn delivery(binding: &[u8; 32], number: u32) -> Vec<u8> {
    [binding.as_slice(), &number.to_be_bytes()].concat()
}
