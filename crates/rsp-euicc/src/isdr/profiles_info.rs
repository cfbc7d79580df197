//! ES10c.GetProfilesInfo (SGP.22 5.7.15).

use rsp_apdu::StatusWord;
use rsp_asn1::{
    ConfigureIsdpRequest, Iccid, IsdpAid, ProfileInfo, ProfileInfoListError, ProfileInfoListRequest,
    ProfileInfoListResponse, ProfileSearchCriteria, ProfileState, Unknown, decode as decode_der,
};

use super::{decode, encode};
use crate::platform::Platform;
use crate::state::ProfileSlot;

/// The tag of profileState.
const PROFILE_STATE: u16 = 0x9F70;

/// The objects that are listed when the request names none: ICCID, AID, state, nickname, service provider, name, icon
/// type, icon, class.
const DEFAULT_TAGS: [u16; 9] = [0x5A, 0x4F, PROFILE_STATE, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95];

/// ES10c.GetProfilesInfo. Objects that a profile does not have, or that this version does not know, are left out.
///
/// # Errors
/// 6985 when the state is asked for while a switch waits for its REFRESH.
pub(super) fn profiles_info(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    // The function has an error code for what is wrong in its own fields, so only a broken structure is refused outside.
    let Ok(request) = decode::<ProfileInfoListRequest>(request) else {
        return encode(&ProfileInfoListResponse::Error(ProfileInfoListError::INCORRECT_INPUT_VALUES));
    };
    let tags = match &request.tag_list {
        None => Some(DEFAULT_TAGS.to_vec()),
        Some(list) => tags(list),
    };
    let Some(tags) = tags else {
        return encode(&ProfileInfoListResponse::Error(ProfileInfoListError::INCORRECT_INPUT_VALUES));
    };
    // What the state is going to be depends on the terminal.
    if platform.toolkit.is_busy() && tags.contains(&PROFILE_STATE) {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    let matching = platform.state.profiles.iter().filter(|slot| match &request.search_criteria {
        None => true,
        Some(ProfileSearchCriteria::IsdpAid(aid)) => aid.0.as_ref() == slot.isdp_aid,
        Some(ProfileSearchCriteria::Iccid(iccid)) => iccid.0 == slot.iccid,
        Some(ProfileSearchCriteria::ProfileClass(class)) => *class == slot.metadata().profile_class,
    });
    encode(&ProfileInfoListResponse::Ok(matching.map(|slot| info(slot, &tags)).collect()))
}

/// The tags of a tag list, one or two bytes each; `None` when it is not a row of such tags.
fn tags(list: &[u8]) -> Option<Vec<u16>> {
    let mut tags = Vec::new();
    let mut bytes = list.iter();
    while let Some(&first) = bytes.next() {
        tags.push(match first & 0x1F {
            0x1F => {
                let second = *bytes.next().filter(|second| (0x1F..0x80).contains(*second))?;
                u16::from_be_bytes([first, second])
            }
            _ => u16::from(first),
        });
    }
    Some(tags)
}

fn info(slot: &ProfileSlot, tags: &[u16]) -> ProfileInfo {
    let metadata = slot.metadata();
    let wanted = |tag: u16| tags.contains(&tag);
    let dp_proprietary_data =
        || decode_der::<ConfigureIsdpRequest>(&slot.configuration).ok().and_then(|c| c.dp_proprietary_data);
    ProfileInfo {
        iccid: wanted(0x5A).then_some(Iccid(slot.iccid)),
        isdp_aid: wanted(0x4F).then(|| IsdpAid(slot.isdp_aid.to_vec().into())),
        profile_state: wanted(PROFILE_STATE).then_some(match slot.enabled {
            true => ProfileState::ENABLED,
            false => ProfileState::DISABLED,
        }),
        profile_nickname: (wanted(0x90) && !slot.nickname.is_empty()).then(|| slot.nickname.as_str().into()),
        service_provider_name: wanted(0x91).then_some(metadata.service_provider_name),
        profile_name: wanted(0x92).then_some(metadata.profile_name),
        icon_type: metadata.icon_type.filter(|_| wanted(0x93)),
        icon: metadata.icon.filter(|_| wanted(0x94)),
        profile_class: wanted(0x95).then_some(metadata.profile_class),
        notification_configuration_info: metadata.notification_configuration_info.filter(|_| wanted(0xB6)),
        profile_owner: metadata.profile_owner.filter(|_| wanted(0xB7)),
        dp_proprietary_data: wanted(0xB8).then(dp_proprietary_data).flatten(),
        profile_policy_rules: metadata.profile_policy_rules.filter(|_| wanted(0x99)),
        service_specific_data_stored_in_euicc: metadata
            .service_specific_data_stored_in_euicc
            .filter(|_| wanted(0xBF22)),
        unknown: Unknown::default(),
    }
}
