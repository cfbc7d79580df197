//! The life of an order: one function says which state follows which (SGP.22 3.1.6).

use std::fmt;

use rsp_store::ProfileState;

/// What happens to a profile and its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// ES2+.DownloadOrder, for any eUICC.
    DownloadOrder,
    /// ES2+.DownloadOrder, for one EID.
    DownloadOrderForEid,
    /// ES2+.ConfirmOrder without release.
    ConfirmOrder,
    /// ES2+.ConfirmOrder with release.
    ConfirmAndRelease,
    /// ES2+.ReleaseProfile.
    ReleaseProfile,
    /// ES9+.GetBoundProfilePackage delivered a package.
    Delivered,
    /// ProfileInstallationResult: installed.
    Installed,
    /// ProfileInstallationResult: failed for a reason that may pass (memory, interruption).
    InstallationFailedForNow,
    /// ProfileInstallationResult: failed for good.
    InstallationFailed,
    /// ES9+.CancelSession with a reason that ends the order.
    SessionCancelled,
    /// Too many wrong confirmation codes.
    ConfirmationCodeRetriesExceeded,
    /// Too many deliveries without a result.
    DownloadRetriesExceeded,
    /// ES2+.CancelOrder; the profile may be ordered again.
    CancelToAvailable,
    /// ES2+.CancelOrder; the profile is withdrawn.
    CancelToUnavailable,
    /// Notification: deleted from the eUICC.
    Deleted,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 15] = [
        Self::DownloadOrder,
        Self::DownloadOrderForEid,
        Self::ConfirmOrder,
        Self::ConfirmAndRelease,
        Self::ReleaseProfile,
        Self::Delivered,
        Self::Installed,
        Self::InstallationFailedForNow,
        Self::InstallationFailed,
        Self::SessionCancelled,
        Self::ConfirmationCodeRetriesExceeded,
        Self::DownloadRetriesExceeded,
        Self::CancelToAvailable,
        Self::CancelToUnavailable,
        Self::Deleted,
    ];
}

impl fmt::Display for Event {
    /// What happens, in words that go before "is not possible".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DownloadOrder => "an order",
            Self::DownloadOrderForEid => "an order for an eUICC",
            Self::ConfirmOrder => "a confirmation",
            Self::ConfirmAndRelease => "a confirmation with release",
            Self::ReleaseProfile => "a release",
            Self::Delivered => "a delivery",
            Self::Installed => "an installation",
            Self::InstallationFailedForNow | Self::InstallationFailed => "a failed installation",
            Self::SessionCancelled => "a cancelled download",
            Self::ConfirmationCodeRetriesExceeded => "the end by wrong Confirmation Codes",
            Self::DownloadRetriesExceeded => "the end by too many deliveries",
            Self::CancelToAvailable | Self::CancelToUnavailable => "cancelling the order",
            Self::Deleted => "a deletion",
        })
    }
}

/// The event is not allowed in this state; nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not possible while the profile is {state}")]
pub struct InvalidTransition {
    /// Where the profile stands.
    pub state: ProfileState,
    /// What was asked.
    pub event: Event,
}

/// The state after `event`. All changes of state go through here.
///
/// # Errors
/// [`InvalidTransition`].
pub fn transition(state: ProfileState, event: Event) -> Result<ProfileState, InvalidTransition> {
    use ProfileState::{
        Allocated, Available, Confirmed, Deleted, Downloaded, Error, Installed, Linked, Released, Unavailable,
    };
    match (state, event) {
        (Available, Event::DownloadOrder) => Ok(Allocated),
        (Available, Event::DownloadOrderForEid) => Ok(Linked),
        (Allocated | Linked, Event::ConfirmOrder) => Ok(Confirmed),
        (Allocated | Linked, Event::ConfirmAndRelease) | (Confirmed, Event::ReleaseProfile) => Ok(Released),
        // A retry delivers again.
        (Released | Downloaded, Event::Delivered) => Ok(Downloaded),
        // What is on the card is on the card, although another delivery failed or the limit was reached.
        (Downloaded | Error, Event::Installed) => Ok(Installed),
        // The order stays where it is: it can be downloaded again.
        (Downloaded, Event::InstallationFailedForNow) => Ok(Downloaded),
        (Downloaded, Event::InstallationFailed)
        | (
            Released | Downloaded,
            Event::SessionCancelled | Event::ConfirmationCodeRetriesExceeded | Event::DownloadRetriesExceeded,
        ) => Ok(Error),
        (Allocated | Linked | Confirmed | Released | Error | Deleted, Event::CancelToAvailable) => Ok(Available),
        (Allocated | Linked | Confirmed | Released | Error | Deleted, Event::CancelToUnavailable) => Ok(Unavailable),
        (Installed, Event::Deleted) => Ok(Deleted),
        _ => Err(InvalidTransition { state, event }),
    }
}

/// Whether AuthenticateClient and GetBoundProfilePackage may serve the profile.
pub fn downloadable(state: ProfileState) -> bool {
    transition(state, Event::Delivered).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Event, ProfileState, downloadable, transition};

    /// The allowed moves, written out once more from SGP.22 3.1.6; everything else is refused.
    const ALLOWED: &[(&str, Event, &str)] = &[
        ("Available", Event::DownloadOrder, "Allocated"),
        ("Available", Event::DownloadOrderForEid, "Linked"),
        ("Allocated", Event::ConfirmOrder, "Confirmed"),
        ("Linked", Event::ConfirmOrder, "Confirmed"),
        ("Allocated", Event::ConfirmAndRelease, "Released"),
        ("Linked", Event::ConfirmAndRelease, "Released"),
        ("Confirmed", Event::ReleaseProfile, "Released"),
        ("Released", Event::Delivered, "Downloaded"),
        ("Downloaded", Event::Delivered, "Downloaded"),
        ("Downloaded", Event::Installed, "Installed"),
        ("Error", Event::Installed, "Installed"),
        ("Downloaded", Event::InstallationFailedForNow, "Downloaded"),
        ("Downloaded", Event::InstallationFailed, "Error"),
        ("Released", Event::SessionCancelled, "Error"),
        ("Downloaded", Event::SessionCancelled, "Error"),
        ("Released", Event::ConfirmationCodeRetriesExceeded, "Error"),
        ("Downloaded", Event::ConfirmationCodeRetriesExceeded, "Error"),
        ("Released", Event::DownloadRetriesExceeded, "Error"),
        ("Downloaded", Event::DownloadRetriesExceeded, "Error"),
        ("Installed", Event::Deleted, "Deleted"),
    ];

    #[test]
    fn exactly_the_moves_of_the_standard_are_allowed() {
        for state in ProfileState::ALL {
            for event in Event::ALL {
                let cancel =
                    matches!(state.as_str(), "Allocated" | "Linked" | "Confirmed" | "Released" | "Error" | "Deleted");
                let expected = match event {
                    Event::CancelToAvailable => cancel.then_some("Available"),
                    Event::CancelToUnavailable => cancel.then_some("Unavailable"),
                    _ => ALLOWED.iter().find(|row| row.0 == state.as_str() && row.1 == event).map(|row| row.2),
                };
                assert_eq!(transition(state, event).ok().map(ProfileState::as_str), expected, "{state} {event:?}");
            }
        }
    }

    #[test]
    fn only_released_and_downloaded_profiles_are_served() {
        let served: Vec<_> = ProfileState::ALL.into_iter().filter(|state| downloadable(*state)).collect();
        assert_eq!(served, [ProfileState::Released, ProfileState::Downloaded]);
    }
}
