//! The life of an order: one function says which state follows which (SGP.22 3.1.6).

use std::fmt;

use rsp_store::{OrderPolicy, ProfileState};

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
    /// The order's life is over.
    Expired,
    /// The SM-DS did not take the event of a ConfirmOrder with release: the order is as it was, for any eUICC.
    EventNotRegistered,
    /// The SM-DS did not take the event of a ConfirmOrder with release: the order is as it was, for one EID.
    EventNotRegisteredForEid,
    /// The SM-DS did not take the event of a ReleaseProfile: the order is as it was.
    EventNotRegisteredAtRelease,
    /// ES2+.CancelOrder; the profile may be ordered again.
    CancelToAvailable,
    /// ES2+.CancelOrder; the profile is withdrawn.
    CancelToUnavailable,
    /// Notification: deleted from the eUICC.
    Deleted,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 19] = [
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
        Self::Expired,
        Self::EventNotRegistered,
        Self::EventNotRegisteredForEid,
        Self::EventNotRegisteredAtRelease,
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
            Self::Expired => "the end of the order's time",
            Self::EventNotRegistered | Self::EventNotRegisteredForEid | Self::EventNotRegisteredAtRelease => {
                "taking back the release"
            }
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

/// The state after `event`, for an order of this policy. All changes of state go through here.
///
/// # Errors
/// [`InvalidTransition`].
pub fn transition(state: ProfileState, policy: OrderPolicy, event: Event) -> Result<ProfileState, InvalidTransition> {
    use OrderPolicy::{OneTime, Reusable};
    use ProfileState::{
        Allocated, Available, Confirmed, Deleted, Downloaded, Error, Installed, Linked, Released, Unavailable,
    };
    match (state, event) {
        (Available, Event::DownloadOrder) => Ok(Allocated),
        (Available, Event::DownloadOrderForEid) => Ok(Linked),
        (Allocated | Linked, Event::ConfirmOrder) => Ok(Confirmed),
        (Allocated | Linked, Event::ConfirmAndRelease) | (Confirmed, Event::ReleaseProfile) => Ok(Released),
        (Released, Event::EventNotRegistered) => Ok(Allocated),
        (Released, Event::EventNotRegisteredForEid) => Ok(Linked),
        (Released, Event::EventNotRegisteredAtRelease) => Ok(Confirmed),
        // A retry delivers again.
        (Released | Downloaded, Event::Delivered) => Ok(Downloaded),
        (Installed | Deleted, Event::Delivered) if policy != OneTime => Ok(Downloaded),
        // What is on the card is on the card, although another delivery failed or the limit was reached.
        (Downloaded | Error, Event::Installed) => Ok(Installed),
        (Installed | Deleted, Event::Installed) if policy == Reusable => Ok(Installed),
        // The order stays where it is: it can be downloaded again.
        (Downloaded, Event::InstallationFailedForNow) => Ok(Downloaded),
        // One device of many: the others' order goes on.
        (Downloaded, Event::InstallationFailed | Event::SessionCancelled) if policy == Reusable => Ok(Downloaded),
        (Released, Event::SessionCancelled) if policy == Reusable => Ok(Released),
        (Downloaded, Event::InstallationFailed)
        | (
            Released | Downloaded,
            Event::SessionCancelled | Event::ConfirmationCodeRetriesExceeded | Event::DownloadRetriesExceeded,
        )
        | (Allocated | Linked | Confirmed | Released | Downloaded, Event::Expired) => Ok(Error),
        (Allocated | Linked | Confirmed | Released | Error | Deleted, Event::CancelToAvailable) => Ok(Available),
        (Allocated | Linked | Confirmed | Released | Error | Deleted, Event::CancelToUnavailable) => Ok(Unavailable),
        (Downloaded | Installed, Event::CancelToUnavailable) if policy != OneTime => Ok(Unavailable),
        (Installed, Event::Deleted) => Ok(Deleted),
        _ => Err(InvalidTransition { state, event }),
    }
}

/// Whether AuthenticateClient and GetBoundProfilePackage may serve the profile.
pub fn downloadable(state: ProfileState, policy: OrderPolicy) -> bool {
    transition(state, policy, Event::Delivered).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Event, OrderPolicy, ProfileState, downloadable, transition};

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
        ("Released", Event::EventNotRegistered, "Allocated"),
        ("Released", Event::EventNotRegisteredForEid, "Linked"),
        ("Released", Event::EventNotRegisteredAtRelease, "Confirmed"),
        ("Allocated", Event::Expired, "Error"),
        ("Linked", Event::Expired, "Error"),
        ("Confirmed", Event::Expired, "Error"),
        ("Released", Event::Expired, "Error"),
        ("Downloaded", Event::Expired, "Error"),
        ("Installed", Event::Deleted, "Deleted"),
    ];

    /// What orders that can be downloaded again may do besides, or instead.
    const SAME_EID: &[(&str, Event, &str)] =
        &[("Installed", Event::Delivered, "Downloaded"), ("Deleted", Event::Delivered, "Downloaded")];
    const REUSABLE: &[(&str, Event, &str)] = &[
        ("Installed", Event::Delivered, "Downloaded"),
        ("Deleted", Event::Delivered, "Downloaded"),
        ("Installed", Event::Installed, "Installed"),
        ("Deleted", Event::Installed, "Installed"),
        ("Downloaded", Event::InstallationFailed, "Downloaded"),
        ("Released", Event::SessionCancelled, "Released"),
        ("Downloaded", Event::SessionCancelled, "Downloaded"),
    ];

    fn more(policy: OrderPolicy) -> &'static [(&'static str, Event, &'static str)] {
        match policy {
            OrderPolicy::OneTime => &[],
            OrderPolicy::SameEid => SAME_EID,
            OrderPolicy::Reusable => REUSABLE,
        }
    }

    #[test]
    fn exactly_the_moves_of_the_standard_and_of_the_policy_are_allowed() {
        let cancelled = ["Allocated", "Linked", "Confirmed", "Released", "Error", "Deleted"];
        for policy in OrderPolicy::ALL {
            for state in ProfileState::ALL {
                for event in Event::ALL {
                    let mut rows = more(policy).iter().chain(ALLOWED);
                    let cancel = cancelled.contains(&state.as_str());
                    let expected = match event {
                        Event::CancelToAvailable => cancel.then_some("Available"),
                        Event::CancelToUnavailable => {
                            let again = policy != OrderPolicy::OneTime
                                && matches!(state, ProfileState::Downloaded | ProfileState::Installed);
                            (cancel || again).then_some("Unavailable")
                        }
                        _ => rows.find(|row| row.0 == state.as_str() && row.1 == event).map(|row| row.2),
                    };
                    let found = transition(state, policy, event).ok().map(ProfileState::as_str);
                    assert_eq!(found, expected, "{policy:?} {state} {event:?}");
                }
            }
        }
    }

    #[test]
    fn only_what_was_released_is_served_and_again_only_as_the_policy_says() {
        let served = |policy| {
            let states = ProfileState::ALL.into_iter().filter(|state| downloadable(*state, policy));
            states.map(ProfileState::as_str).collect::<Vec<_>>()
        };
        assert_eq!(served(OrderPolicy::OneTime), ["Released", "Downloaded"]);
        assert_eq!(served(OrderPolicy::SameEid), ["Released", "Downloaded", "Installed", "Deleted"]);
        assert_eq!(served(OrderPolicy::Reusable), ["Released", "Downloaded", "Installed", "Deleted"]);
    }
}
