//! What changes which profile is enabled, and when: at once, or after the REFRESH that the terminal is asked for
//! (SGP.22 5.7.16, 5.7.17, 5.7.19).

use rsp_asn1::{NotificationEvent, ProfileClass};

use super::{Session, load};
use crate::notifications::{ProfileNotice, profile_event};
use crate::platform::Platform;
use crate::state::ProfileSlot;
use crate::toolkit::Switch;

/// Makes a switch that was found permissible: now, or after a REFRESH when one is wanted and the terminal does that.
pub(super) fn make(platform: &mut Platform, session: &mut Session, switch: Switch, with_refresh: bool) {
    if with_refresh && platform.toolkit.has_refresh() {
        platform.toolkit.ask_for_refresh(switch);
    } else {
        carry_out(platform, session, switch);
    }
}

/// Makes a switch now. The session ends with it, and a load that began while the REFRESH was awaited is reported as
/// interrupted.
pub(crate) fn carry_out(platform: &mut Platform, session: &mut Session, switch: Switch) {
    match switch {
        Switch::Enable(aid) => {
            if let Some(position) = platform.state.profiles.iter().position(|slot| slot.isdp_aid == aid) {
                enable(platform, Some(position));
            }
        }
        Switch::Disable => {
            let before = before_test(platform);
            enable(platform, before);
        }
        Switch::MemoryReset { going, resets_address } => memory_reset(platform, &going, resets_address),
    }
    if session.is_loading() {
        load::report_interruption(platform);
    }
    *session = Session::None;
}

/// Disables what is enabled, enables `target`, and reports both, in this order.
fn enable(platform: &mut Platform, target: Option<usize>) {
    let state = &mut platform.state;
    let is_test = |slot: &ProfileSlot| slot.metadata().profile_class == ProfileClass::TEST;
    let to_test = target.is_some_and(|target| is_test(&state.profiles[target]));
    let mut notices = Vec::new();
    let from = state.profiles.iter_mut().find(|slot| slot.enabled);
    let from_test = from.as_ref().is_some_and(|slot| is_test(slot));
    let from_operational = from.as_ref().is_some_and(|slot| slot.metadata().profile_class == ProfileClass::OPERATIONAL);
    let left = from.map(|slot| {
        slot.enabled = false;
        notices.push((ProfileNotice::from(&*slot), NotificationEvent::DISABLE));
        slot.isdp_aid
    });
    state.displaced = match target.map(|target| state.profiles[target].metadata().profile_class) {
        Some(ProfileClass::OPERATIONAL) => None,
        Some(ProfileClass::PROVISIONING) if from_operational => left,
        _ => state.displaced,
    };
    state.enabled_before_test = match (to_test, from_test) {
        (true, true) => state.enabled_before_test,
        (true, false) => left,
        (false, _) => None,
    };
    if let Some(slot) = target.and_then(|target| state.profiles.get_mut(target)) {
        slot.enabled = true;
        notices.push((ProfileNotice::from(&*slot), NotificationEvent::ENABLE));
    }
    for (notice, event) in notices {
        profile_event(platform, &notice, event);
    }
    platform.changed = true;
    platform.switched = true;
}

/// The profile that will be enabled when the REFRESH that is awaited succeeds.
pub(super) fn about_to_be_enabled(platform: &Platform) -> Option<[u8; 16]> {
    match platform.toolkit.awaited()? {
        Switch::Enable(aid) => Some(*aid),
        Switch::Disable => platform.state.enabled_before_test,
        Switch::MemoryReset { going, .. } => platform.state.enabled_before_test.filter(|aid| !going.contains(aid)),
    }
}

/// Removes profiles whatever state they are in. One-time keys go as well; sequence numbers, CRLs and the RAT stay.
fn memory_reset(platform: &mut Platform, going: &[[u8; 16]], resets_address: bool) {
    if platform.state.enabled_profile().is_some_and(|slot| going.contains(&slot.isdp_aid)) {
        // A test profile makes room for the one before it, unless that goes as well.
        let next = before_test(platform).filter(|next| !going.contains(&platform.state.profiles[*next].isdp_aid));
        if next.is_some() {
            enable(platform, next);
        }
    }
    for aid in going {
        remove(platform, *aid);
    }
    if resets_address {
        platform.state.default_dp_address = platform.state.initial_dp_address.clone();
    }
    platform.state.one_time_keys.clear();
    platform.changed = true;
}

/// Removes an ISD-P with what is in it, and reports it. Its notifications stay.
pub(super) fn remove(platform: &mut Platform, aid: [u8; 16]) {
    let Some(position) = platform.state.profiles.iter().position(|slot| slot.isdp_aid == aid) else { return };
    let slot = platform.state.profiles.remove(position);
    if platform.state.enabled_before_test == Some(aid) {
        platform.state.enabled_before_test = None;
    }
    if platform.state.displaced == Some(aid) {
        platform.state.displaced = None;
    }
    if slot.enabled {
        platform.switched = true;
    }
    profile_event(platform, &ProfileNotice::from(&slot), NotificationEvent::DELETE);
    platform.changed = true;
}

/// The operational profile that a test profile took the place of, if that is how things are.
fn before_test(platform: &Platform) -> Option<usize> {
    let aid = platform.state.enabled_before_test?;
    platform.state.profiles.iter().position(|slot| slot.isdp_aid == aid)
}
