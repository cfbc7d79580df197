//! What the eUICC says of itself: EUICCInfo1 and 2, EID, RAT (SGP.22 5.7.8, 5.7.20, 5.7.22).

use rsp_apdu::StatusWord;
use rsp_apdu::store_data::Assembler;
use rsp_asn1::{
    EuiccInfo1, EuiccInfo2, ExtCardResource, GetEuiccDataRequest, GetEuiccDataResponse, GetEuiccInfo1Request,
    GetEuiccInfo2Request, GetRatRequest, GetRatResponse, RspCapability, UiccCapability, Unknown, VersionType,
};

use super::{SVN, decode, encode};
use crate::platform::Platform;
use crate::rat;
use crate::state::ISDP_OVERHEAD;

/// The version of the TCA profile package that the interpreter speaks.
const PROFILE_VERSION: [u8; 3] = [2, 3, 1];

/// What profiles may ask of the UICC.
const CAPABILITIES: [usize; 12] = [
    UiccCapability::USIM,
    UiccCapability::ISIM,
    UiccCapability::CSIM,
    UiccCapability::AKA_MILENAGE,
    UiccCapability::AKA_TUAK128,
    UiccCapability::AKA_TUAK256,
    UiccCapability::USIM_TEST_ALGORITHM,
    UiccCapability::BER_TLV,
    UiccCapability::DF_LINK,
    UiccCapability::GET_IDENTITY,
    UiccCapability::PROFILE_A_X25519,
    UiccCapability::PROFILE_B_P256,
];

/// ES10b.GetEUICCInfo, the short form.
pub(super) fn info1(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    decode::<GetEuiccInfo1Request>(request)?;
    encode(&EuiccInfo1 {
        svn: VersionType(SVN),
        euicc_ci_pk_id_list_for_verification: platform.ci_key_ids(),
        euicc_ci_pk_id_list_for_signing: platform.ci_key_ids(),
        unknown: Unknown::default(),
    })
}

/// ES10b.GetEUICCInfo, the long form.
pub(super) fn info2(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    decode::<GetEuiccInfo2Request>(request)?;
    encode(&euicc_info2(platform)?)
}

/// EUICCInfo2: only what is true of this eUICC. It has no certification, no contactless interface, no toolkit applets and no
/// Java Card: applications in a profile are kept, and none of their code runs.
pub(super) fn euicc_info2(platform: &Platform) -> Result<EuiccInfo2, StatusWord> {
    let free = platform.state.free_memory();
    let resources = ExtCardResource {
        applications: u32::try_from(platform.state.profiles.len()).unwrap_or(u32::MAX),
        free_non_volatile: free,
        free_volatile: u32::try_from(Assembler::CAPACITY).unwrap_or(u32::MAX),
    };
    let mut rsp = vec![
        RspCapability::CRL_SUPPORT,
        RspCapability::TEST_PROFILE_SUPPORT,
        RspCapability::DEVICE_INFO_EXTENSIBILITY_SUPPORT,
        RspCapability::SERVICE_SPECIFIC_DATA_SUPPORT,
    ];
    if free > ISDP_OVERHEAD {
        rsp.push(RspCapability::ADDITIONAL_PROFILE);
    }
    Ok(EuiccInfo2 {
        profile_version: VersionType(PROFILE_VERSION),
        svn: VersionType(SVN),
        euicc_firmware_ver: VersionType([0, 1, 0]),
        ext_card_resource: resources.to_bytes().into(),
        uicc_capability: UiccCapability::from_bits(&CAPABILITIES),
        ts102241_version: None,
        globalplatform_version: None,
        rsp_capability: RspCapability::from_bits(&rsp),
        euicc_ci_pk_id_list_for_verification: platform.ci_key_ids(),
        euicc_ci_pk_id_list_for_signing: platform.ci_key_ids(),
        euicc_category: None,
        forbidden_profile_policy_rules: rat::forbidden_everywhere(&table(platform)?),
        pp_version: VersionType([0, 0, 0]),
        sas_accreditation_number: "NONE".into(),
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        unknown: Unknown::default(),
    })
}

/// ES10c.GetEID: the EID is the only object there is.
pub(super) fn data(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<GetEuiccDataRequest>(request)?;
    if request.tag_list.as_ref() != [0x5A] {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
    }
    encode(&GetEuiccDataResponse { eid_value: platform.state.eid(), unknown: Unknown::default() })
}

/// ES10b.GetRAT.
pub(super) fn rat(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    decode::<GetRatRequest>(request)?;
    Ok(platform.state.rat.clone())
}

/// The Rules Authorisation Table, decoded.
pub(super) fn table(platform: &Platform) -> Result<GetRatResponse, StatusWord> {
    rsp_asn1::decode(&platform.state.rat).map_err(|_| StatusWord::NO_DIAGNOSIS)
}
