//! ES6.UpdateMetadata (SGP.22 5.4.1): the operator changes what the user sees of its profile, and takes rules away.

use rsp_apdu::StatusWord;
use rsp_asn1::{PprIds, UpdateMetadataRequest};

use super::{decode, encode};
use crate::platform::Platform;

/// Carries out the request for the profile of an ISD-P, which must be enabled. What the request leaves out stays; an empty
/// icon takes the icon away. Rules are never added.
///
/// # Errors
/// 6A88 when there is no such ISD-P, 6985 when its profile is not enabled, 6A80 for a request that cannot be read, that
/// brings an icon without its type, or that would change who may change rules.
pub(crate) fn update_metadata(
    platform: &mut Platform,
    isdp_aid: &[u8; 16],
    request: &[u8],
) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<UpdateMetadataRequest>(request)?;
    let slot = platform.state.profiles.iter_mut().find(|slot| slot.isdp_aid == *isdp_aid);
    let slot = slot.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
    if !slot.enabled {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    let mut metadata = slot.metadata();
    if let Some(name) = request.service_provider_name {
        metadata.service_provider_name = name;
    }
    if let Some(name) = request.profile_name {
        metadata.profile_name = name;
    }
    match (request.icon_type, request.icon) {
        (None, None) => {}
        (_, Some(icon)) if icon.is_empty() => (metadata.icon_type, metadata.icon) = (None, None),
        (Some(icon_type), Some(icon)) => (metadata.icon_type, metadata.icon) = (Some(icon_type), Some(icon)),
        _ => return Err(StatusWord::WRONG_DATA),
    }
    if let Some(rules) = request.profile_policy_rules {
        if rules.contains(PprIds::PPR_UPDATE_CONTROL) {
            return Err(StatusWord::WRONG_DATA);
        }
        let kept = metadata.profile_policy_rules.map(|stored| {
            let bits: Vec<usize> = [PprIds::PPR1, PprIds::PPR2]
                .into_iter()
                .filter(|bit| stored.contains(*bit) && rules.contains(*bit))
                .collect();
            PprIds::from_bits(&bits)
        });
        metadata.profile_policy_rules = kept;
    }
    if request.service_specific_data_stored_in_euicc.is_some() {
        metadata.service_specific_data_stored_in_euicc = request.service_specific_data_stored_in_euicc;
    }
    slot.metadata = encode(&metadata)?;
    platform.changed = true;
    Ok(Vec::new())
}
