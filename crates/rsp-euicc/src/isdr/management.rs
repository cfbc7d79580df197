//! ES10c: enabling, disabling, deleting and naming profiles (SGP.22 5.7.16 to 5.7.18, 5.7.21).
//!
//! With refreshFlag, and a terminal that does REFRESH, `ok` means that the switch was accepted; [`super::switch`] says when
//! it is made. Everything else is complete and stored before the answer leaves. While a REFRESH is awaited no other
//! switch is accepted: catBusy.

use rsp_apdu::StatusWord;
use rsp_asn1::{
    DeleteProfileRequest, DeleteProfileResponse, DeleteResult, DisableProfileRequest, DisableProfileResponse,
    DisableResult, EnableProfileRequest, EnableProfileResponse, EnableResult, PprIds, ProfileClass, ProfileIdentifier,
    SetNicknameRequest, SetNicknameResponse, SetNicknameResult, Unknown,
};

use super::{Session, decode, encode, switch};
use crate::platform::Platform;
use crate::state::ProfileSlot;
use crate::toolkit::Switch;

/// ES10c.EnableProfile.
pub(super) fn enable(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<EnableProfileRequest>(request)?;
    let enable_result = match may_enable(platform, &request.profile_identifier) {
        Ok(_) if platform.toolkit.is_busy() => EnableResult::CAT_BUSY,
        Ok(target) => {
            let target = Switch::Enable(platform.state.profiles[target].isdp_aid);
            switch::make(platform, session, target, request.refresh_flag);
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
    let class = target.metadata().profile_class;
    // PPR1 holds as well while a provisioning profile stands in for the profile that has it.
    let displaced = state.displaced.filter(|aid| *aid != target.isdp_aid);
    let displaced = displaced.and_then(|aid| state.profiles.iter().find(|slot| slot.isdp_aid == aid));
    let held = state.enabled_profile().into_iter().chain(displaced).any(|slot| has_rule(slot, PprIds::PPR1));
    if held && class == ProfileClass::OPERATIONAL {
        return Err(EnableResult::DISALLOWED_BY_POLICY);
    }
    let Some(enabled) = state.enabled_profile() else { return Ok(position) };
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
        Some(_) if platform.toolkit.is_busy() => DisableResult::CAT_BUSY,
        Some(_) => {
            switch::make(platform, session, Switch::Disable, request.refresh_flag);
            DisableResult::OK
        }
    };
    encode(&DisableProfileResponse { disable_result, unknown: Unknown::default() })
}

/// ES10c.DeleteProfile. A profile that waits for its REFRESH to be enabled is not disabled any more.
pub(super) fn delete(platform: &mut Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let identifier = match decode::<DeleteProfileRequest>(request)? {
        DeleteProfileRequest::IsdpAid(aid) => ProfileIdentifier::IsdpAid(aid),
        DeleteProfileRequest::Iccid(iccid) => ProfileIdentifier::Iccid(iccid),
    };
    let position = find(platform, &identifier);
    let delete_result = match position.map(|position| &platform.state.profiles[position]) {
        None => DeleteResult::ICCID_OR_AID_NOT_FOUND,
        Some(slot) if slot.enabled || switch::about_to_be_enabled(platform) == Some(slot.isdp_aid) => {
            DeleteResult::PROFILE_NOT_IN_DISABLED_STATE
        }
        Some(slot) if has_rule(slot, PprIds::PPR2) => DeleteResult::DISALLOWED_BY_POLICY,
        Some(slot) => {
            let aid = slot.isdp_aid;
            switch::remove(platform, aid);
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

fn find(platform: &Platform, identifier: &ProfileIdentifier) -> Option<usize> {
    platform.state.profiles.iter().position(|slot| match identifier {
        ProfileIdentifier::IsdpAid(aid) => aid.0.as_ref() == slot.isdp_aid,
        ProfileIdentifier::Iccid(iccid) => iccid.0 == slot.iccid,
    })
}

fn has_rule(slot: &ProfileSlot, rule: usize) -> bool {
    slot.metadata().profile_policy_rules.is_some_and(|rules| rules.contains(rule))
}
