//! ES10c: enabling, disabling, deleting and naming profiles (SGP.22 5.7.16 to 5.7.18, 5.7.21).
//!
//! The eUICC sends no proactive commands, so it has no way to ask the device for a REFRESH. A request with refreshFlag set
//! is therefore carried out at once, like one without: the switch is complete and stored before the answer leaves, the
//! answer is `ok` with 9000, and the device finds the other profile at its next reset.

use rsp_apdu::StatusWord;
use rsp_asn1::{
    DeleteProfileRequest, DeleteProfileResponse, DeleteResult, DisableProfileRequest, DisableProfileResponse,
    DisableResult, EnableProfileRequest, EnableProfileResponse, EnableResult, NotificationEvent, PprIds, ProfileClass,
    ProfileIdentifier, SetNicknameRequest, SetNicknameResponse, SetNicknameResult, Unknown,
};

use super::{Session, decode, encode};
use crate::notifications::{ProfileNotice, profile_event};
use crate::platform::Platform;
use crate::state::ProfileSlot;

/// ES10c.EnableProfile.
pub(super) fn enable(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<EnableProfileRequest>(request)?;
    let enable_result = match may_enable(platform, &request.profile_identifier) {
        Ok(target) => {
            switch(platform, Some(target));
            *session = Session::None;
            EnableResult::OK
        }
        Err(error) => error,
    };
    encode(&EnableProfileResponse { enable_result, unknown: Unknown::default() })
}

/// The checks of EnableProfile in order; the answer is the profile's place.
fn may_enable(platform: &Platform, identifier: &ProfileIdentifier) -> Result<usize, EnableResult> {
    let state = &platform.state;
    let position = find(platform, identifier).ok_or(EnableResult::ICCID_OR_AID_NOT_FOUND)?;
    let target = &state.profiles[position];
    if target.enabled {
        return Err(EnableResult::PROFILE_NOT_IN_DISABLED_STATE);
    }
    let Some(enabled) = state.enabled_profile() else { return Ok(position) };
    let class = target.metadata().profile_class;
    if has_rule(enabled, PprIds::PPR1) && class == ProfileClass::OPERATIONAL {
        return Err(EnableResult::DISALLOWED_BY_POLICY);
    }
    let in_test_mode = enabled.metadata().profile_class == ProfileClass::TEST;
    if in_test_mode && class != ProfileClass::TEST && state.enabled_before_test != Some(target.isdp_aid) {
        return Err(EnableResult::WRONG_PROFILE_REENABLING);
    }
    Ok(position)
}

/// ES10c.DisableProfile. After a test profile, the operational one that was enabled before it is enabled again.
pub(super) fn disable(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<DisableProfileRequest>(request)?;
    let disable_result = match find(platform, &request.profile_identifier).map(|i| &platform.state.profiles[i]) {
        None => DisableResult::ICCID_OR_AID_NOT_FOUND,
        Some(slot) if !slot.enabled => DisableResult::PROFILE_NOT_IN_ENABLED_STATE,
        Some(slot) if has_rule(slot, PprIds::PPR1) => DisableResult::DISALLOWED_BY_POLICY,
        Some(_) => {
            let before = before_test(platform);
            switch(platform, before);
            *session = Session::None;
            DisableResult::OK
        }
    };
    encode(&DisableProfileResponse { disable_result, unknown: Unknown::default() })
}

/// ES10c.DeleteProfile.
pub(super) fn delete(platform: &mut Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let identifier = match decode::<DeleteProfileRequest>(request)? {
        DeleteProfileRequest::IsdpAid(aid) => ProfileIdentifier::IsdpAid(aid),
        DeleteProfileRequest::Iccid(iccid) => ProfileIdentifier::Iccid(iccid),
    };
    let position = find(platform, &identifier);
    let delete_result = match position.map(|position| &platform.state.profiles[position]) {
        None => DeleteResult::ICCID_OR_AID_NOT_FOUND,
        Some(slot) if slot.enabled => DeleteResult::PROFILE_NOT_IN_DISABLED_STATE,
        Some(slot) if has_rule(slot, PprIds::PPR2) => DeleteResult::DISALLOWED_BY_POLICY,
        Some(slot) => {
            let aid = slot.isdp_aid;
            remove(platform, aid);
            DeleteResult::OK
        }
    };
    encode(&DeleteProfileResponse { delete_result, unknown: Unknown::default() })
}

/// ES10c.SetNickname; an empty name removes it.
pub(super) fn set_nickname(platform: &mut Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<SetNicknameRequest>(request)?;
    let slot = platform.state.profiles.iter_mut().find(|slot| slot.iccid == request.iccid.0);
    let set_nickname_result = match slot {
        Some(slot) => {
            slot.nickname = request.profile_nickname.0;
            platform.changed = true;
            SetNicknameResult::OK
        }
        None => SetNicknameResult::ICCID_NOT_FOUND,
    };
    encode(&SetNicknameResponse { set_nickname_result, unknown: Unknown::default() })
}

/// Removes an ISD-P with what is in it, and reports it. Its notifications stay.
pub(super) fn remove(platform: &mut Platform, aid: [u8; 16]) {
    let Some(position) = platform.state.profiles.iter().position(|slot| slot.isdp_aid == aid) else { return };
    let slot = platform.state.profiles.remove(position);
    if platform.state.enabled_before_test == Some(aid) {
        platform.state.enabled_before_test = None;
    }
    if slot.enabled {
        platform.switched = true;
    }
    profile_event(platform, &ProfileNotice::from(&slot), NotificationEvent::DELETE);
    platform.changed = true;
}

/// Disables what is enabled, enables `target`, and reports both, in this order.
pub(super) fn switch(platform: &mut Platform, target: Option<usize>) {
    let state = &mut platform.state;
    let is_test = |slot: &ProfileSlot| slot.metadata().profile_class == ProfileClass::TEST;
    let to_test = target.is_some_and(|target| is_test(&state.profiles[target]));
    let mut notices = Vec::new();
    let from = state.profiles.iter_mut().find(|slot| slot.enabled);
    let from_test = from.as_ref().is_some_and(|slot| is_test(slot));
    let left = from.map(|slot| {
        slot.enabled = false;
        notices.push((ProfileNotice::from(&*slot), NotificationEvent::DISABLE));
        slot.isdp_aid
    });
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

/// The operational profile that a test profile took the place of, if that is how things are.
pub(super) fn before_test(platform: &Platform) -> Option<usize> {
    let aid = platform.state.enabled_before_test?;
    platform.state.profiles.iter().position(|slot| slot.isdp_aid == aid)
}

fn find(platform: &Platform, identifier: &ProfileIdentifier) -> Option<usize> {
    platform.state.profiles.iter().position(|slot| match identifier {
        ProfileIdentifier::IsdpAid(aid) => aid.0.as_ref() == slot.isdp_aid,
        ProfileIdentifier::Iccid(iccid) => iccid.0 == slot.iccid,
    })
}

fn has_rule(slot: &ProfileSlot, rule: usize) -> bool {
    slot.metadata().profile_policy_rules.is_some_and(|rules| rules.contains(rule))
}
