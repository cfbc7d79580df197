//! ES8+.StoreMetadata: whether this eUICC takes such a profile (SGP.22 5.5.3).

use rsp_asn1::{ErrorReason, PprIds, ProfileClass, StoreMetadataRequest};

use crate::isdr::information;
use crate::platform::Platform;
use crate::rat;

/// Proof that metadata passed every check of StoreMetadata, with them and their DER.
pub(crate) struct MetadataAccepted {
    request: StoreMetadataRequest,
    der: Vec<u8>,
}

impl MetadataAccepted {
    /// Judges metadata, whose encoding is `der`.
    pub(crate) fn judge(platform: &Platform, request: StoreMetadataRequest, der: &[u8]) -> Result<Self, ErrorReason> {
        judge_metadata(platform, &request)?;
        Ok(Self { request, der: der.to_vec() })
    }

    pub(crate) fn request(&self) -> &StoreMetadataRequest {
        &self.request
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }
}

/// The checks of SGP.22 5.5.3 in order.
fn judge_metadata(platform: &Platform, metadata: &StoreMetadataRequest) -> Result<(), ErrorReason> {
    let owner = metadata.profile_owner.as_ref();
    // Nibble E is a wildcard of the RAT and cannot stand in an owner.
    let has_wildcard = owner.is_some_and(|o| o.mcc_mnc.iter().any(|byte| byte & 0x0F == 0x0E || byte >> 4 == 0x0E));
    if metadata.service_provider_name.is_empty()
        || metadata.profile_name.is_empty()
        || (metadata.icon.is_some() && metadata.icon_type.is_none())
        || has_wildcard
    {
        return Err(ErrorReason::INCORRECT_INPUT_VALUES);
    }
    let class = metadata.profile_class;
    if !matches!(class, ProfileClass::TEST | ProfileClass::PROVISIONING | ProfileClass::OPERATIONAL) {
        return Err(ErrorReason::UNSUPPORTED_PROFILE_CLASS);
    }
    if platform.state.profile_with_iccid(&metadata.iccid).is_some() {
        return Err(ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC);
    }
    if let Some(rules) = &metadata.profile_policy_rules {
        let table = information::table(platform).map_err(|_| ErrorReason::INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR)?;
        let operational_is_installed =
            platform.state.profiles.iter().any(|slot| slot.metadata().profile_class == ProfileClass::OPERATIONAL);
        if !rat::allows(&table, rules, owner) || (rules.contains(PprIds::PPR1) && operational_is_installed) {
            return Err(ErrorReason::PPR_NOT_ALLOWED);
        }
    }
    Ok(())
}
