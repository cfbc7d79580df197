//! ES6.UpdateMetadata: the operator changes what its profile says of itself, over the air (SGP.22 5.4.1).
//!
//! The command reaches the ISD-P of the enabled profile as STORE DATA in a secured packet; who may send one is for the
//! keys of the packet to say. Names, icon and service specific data are replaced; Profile Policy Rules can be taken away
//! and never set: what stays is what is stored and was sent. The RAT has no say, since it is consulted at installation
//! only.

use rsp_apdu::StatusWord;
use rsp_asn1::{PprIds, StoreMetadataRequest, UpdateMetadataRequest};

use crate::platform::Platform;

/// Changes the metadata of the profile in this ISD-P; there is no answer data. A request is carried out whole or not at all.
///
/// # Errors
/// 6A88 when there is no such ISD-P, 6985 when its profile is not enabled, 6A80 for a request that cannot be read, has an
/// empty name, an icon without its type or the reverse, or sets pprUpdateControl; 6A84 when there is no room.
pub(crate) fn update_metadata(
    platform: &mut Platform,
    isdp_aid: &[u8; 16],
    request: &[u8],
) -> Result<Vec<u8>, StatusWord> {
    let position = platform.state.profiles.iter().position(|slot| slot.isdp_aid == *isdp_aid);
    let position = position.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
    let slot = &mut platform.state.profiles[position];
    if !slot.enabled {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    let request: UpdateMetadataRequest = rsp_asn1::decode_command(request).map_err(|_| StatusWord::WRONG_DATA)?;
    let updated = updated(slot.metadata(), request)?;
    let updated = rsp_asn1::encode(&updated).map_err(|_| StatusWord::WRONG_DATA)?;
    let before = std::mem::replace(&mut slot.metadata, updated);
    if platform.state.is_overfull() {
        platform.state.profiles[position].metadata = before;
        return Err(StatusWord::NOT_ENOUGH_MEMORY);
    }
    platform.changed = true;
    Ok(Vec::new())
}

/// The metadata with what a request says instead.
fn updated(
    mut metadata: StoreMetadataRequest,
    request: UpdateMetadataRequest,
) -> Result<StoreMetadataRequest, StatusWord> {
    if let Some(name) = request.service_provider_name {
        metadata.service_provider_name = name;
    }
    if let Some(name) = request.profile_name {
        metadata.profile_name = name;
    }
    if metadata.service_provider_name.is_empty() || metadata.profile_name.is_empty() {
        return Err(StatusWord::WRONG_DATA);
    }
    match (request.icon_type, request.icon) {
        (None, None) => {}
        // An empty icon removes the one that is there.
        (_, Some(icon)) if icon.is_empty() => (metadata.icon_type, metadata.icon) = (None, None),
        (Some(icon_type), Some(icon)) => (metadata.icon_type, metadata.icon) = (Some(icon_type), Some(icon)),
        _ => return Err(StatusWord::WRONG_DATA),
    }
    if let Some(rules) = request.profile_policy_rules {
        metadata.profile_policy_rules = remaining(metadata.profile_policy_rules, &rules)?;
    }
    if let Some(data) = request.service_specific_data_stored_in_euicc {
        metadata.service_specific_data_stored_in_euicc = Some(data);
    }
    Ok(metadata)
}

/// The rules that are stored and were sent; `None` when there are none any more.
fn remaining(stored: Option<PprIds>, sent: &PprIds) -> Result<Option<PprIds>, StatusWord> {
    if sent.contains(PprIds::PPR_UPDATE_CONTROL) {
        return Err(StatusWord::WRONG_DATA);
    }
    let rules: Vec<usize> = stored.iter().flat_map(PprIds::bits).filter(|rule| sent.contains(*rule)).collect();
    Ok((!rules.is_empty()).then(|| PprIds::from_bits(&rules)))
}

#[cfg(test)]
mod g4_2_02_update_metadata;
