//! The commands inside a package, once they are readable: ConfigureISDP, StoreMetadata, ReplaceSessionKeys and the
//! profile elements (SGP.22 5.5.2 to 5.5.5).

use rsp_asn1::{
    ConfigureIsdpRequest, ErrorReason, Iccid, PprIds, ProfileClass, ReplaceSessionKeysRequest, StoreMetadataRequest,
    encode,
};
use rsp_bpp::BspKeys;
use rsp_crypto::Zeroizing;
use rsp_crypto::hash::sha256;

use super::information;
use super::load::Failure;
use crate::platform::Platform;
use crate::profile;
use crate::rat;
use crate::state::{ISDP_OVERHEAD, ProfileSlot};

/// The longest dpProprietaryData, tag and length included.
const MAX_PROPRIETARY_DATA: usize = 128;

/// What a package has said so far.
#[derive(Default)]
pub(super) struct Contents {
    /// ConfigureISDPRequest, DER.
    configuration: Vec<u8>,
    /// StoreMetadataRequest and its DER.
    metadata: Option<(StoreMetadataRequest, Vec<u8>)>,
    /// One TLV after another, as they came.
    pub(super) profile_elements: Zeroizing<Vec<u8>>,
}

/// A profile that passed every check.
pub(super) struct Installed {
    pub(super) slot: ProfileSlot,
    /// EUICCResponse, DER.
    pub(super) sima_response: Vec<u8>,
}

impl Contents {
    /// The ICCID, once StoreMetadata has named it.
    pub(super) fn iccid(&self) -> Option<Iccid> {
        self.metadata.as_ref().map(|(metadata, _)| metadata.iccid)
    }

    /// ES8+.ConfigureISDP.
    pub(super) fn configure_isdp(&mut self, der: &[u8]) -> Result<(), Failure> {
        let incorrect = |_| Failure::from(ErrorReason::INCORRECT_INPUT_VALUES);
        let request: ConfigureIsdpRequest = rsp_asn1::decode(der).map_err(incorrect)?;
        if let Some(data) = &request.dp_proprietary_data {
            let value = encode(data).map_err(|_| Failure::from(ErrorReason::INCORRECT_INPUT_VALUES))?;
            // The type itself is a SEQUENCE, tag 30 with a length as long as that of B8 on the wire.
            if value.len() > MAX_PROPRIETARY_DATA {
                return Err(ErrorReason::INCORRECT_INPUT_VALUES.into());
            }
        }
        self.configuration = der.to_vec();
        Ok(())
    }

    /// ES8+.StoreMetadata.
    pub(super) fn store_metadata(&mut self, platform: &Platform, der: &[u8]) -> Result<Iccid, Failure> {
        let incorrect = |_| Failure::from(ErrorReason::INCORRECT_INPUT_VALUES);
        let metadata: StoreMetadataRequest = rsp_asn1::decode(der).map_err(incorrect)?;
        let iccid = metadata.iccid;
        let judged = judge_metadata(platform, &metadata);
        // Known from here on, even if it is refused: the result names the profile.
        self.metadata = Some((metadata, der.to_vec()));
        judged.map(|()| iccid).map_err(Failure::from)
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

/// Whether so many bytes of a profile find room beside what is installed.
pub(super) fn fits(platform: &Platform, length: usize) -> bool {
    let free = platform.state.free_memory().saturating_sub(ISDP_OVERHEAD);
    usize::try_from(free).is_ok_and(|free| length <= free)
}

/// ES8+.ReplaceSessionKeys: the profile protection keys.
pub(super) fn profile_keys(der: &[u8]) -> Result<BspKeys, Failure> {
    let incorrect = || Failure::from(ErrorReason::INCORRECT_INPUT_VALUES);
    let request: ReplaceSessionKeysRequest = rsp_asn1::decode(der).map_err(|_| incorrect())?;
    BspKeys::from_request(&request).map_err(|_| incorrect())
}

/// ES8+.LoadProfileElements, all of them at once: the elements become files and keys, which must agree with the metadata.
/// Nothing is stored yet.
pub(super) fn prepare(platform: &Platform, contents: &Contents, ci_key_id: &[u8]) -> Result<Installed, Failure> {
    let (metadata, metadata_der) =
        contents.metadata.as_ref().ok_or(Failure::from(ErrorReason::SCP03T_STRUCTURE_ERROR))?;
    let interpreted = profile::interpret(&contents.profile_elements)?;
    profile::check(&interpreted.contents, metadata)?;
    let slot = ProfileSlot {
        isdp_aid: isdp_aid(platform.state.next_isdp),
        ci_key_id: ci_key_id.to_vec(),
        iccid: metadata.iccid.0,
        metadata: metadata_der.clone(),
        configuration: contents.configuration.clone(),
        nickname: String::new(),
        enabled: false,
        upp_sha256: sha256(&contents.profile_elements),
        upp_length: u32::try_from(contents.profile_elements.len()).unwrap_or(u32::MAX),
        contents: interpreted.contents,
    };
    if slot.size() > platform.state.free_memory() {
        // A small package can describe large files.
        return Err(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE.into());
    }
    Ok(Installed { slot, sima_response: interpreted.sima_response })
}

/// The AID of an ISD-P: that of the ISD-R with a running number in bytes 14 and 15.
fn isdp_aid(number: u16) -> [u8; 16] {
    let mut aid = super::ISDR_AID;
    aid[13..15].copy_from_slice(&number.to_be_bytes());
    aid
}
