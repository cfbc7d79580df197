//! What an eUICC says of itself, and a device of itself (SGP.22 4.2, 4.3, 5.7.8).

use crate::named::{named_bits, named_integer};
use crate::{OctetString, PprIds, SubjectKeyIdentifier, Text, Unknown, VersionType};
use rasn::prelude::*;

/// ```text
/// GetEuiccInfo1Request ::= [32] SEQUENCE {}                                                       -- BF20
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 32))]
pub struct GetEuiccInfo1Request {
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// What a server needs before it answers InitiateAuthentication.
/// ```text
/// EUICCInfo1 ::= [32] SEQUENCE { svn [2], euiccCiPKIdListForVerification [9], euiccCiPKIdListForSigning [10] }  -- BF20
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 32))]
pub struct EuiccInfo1 {
    /// The version of SGP.22 that the eUICC speaks.
    #[rasn(tag(context, 2))]
    pub svn: VersionType,
    /// CI keys with which it verifies servers, in order of preference.
    #[rasn(tag(context, 9))]
    pub euicc_ci_pk_id_list_for_verification: Vec<SubjectKeyIdentifier>,
    /// CI keys under which it can sign, in order of preference.
    #[rasn(tag(context, 10))]
    pub euicc_ci_pk_id_list_for_signing: Vec<SubjectKeyIdentifier>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// GetEuiccInfo2Request ::= [34] SEQUENCE {}                                                       -- BF22
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 34))]
pub struct GetEuiccInfo2Request {
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// Everything an eUICC says of itself; part of what it signs in euiccSigned1.
/// ```text
/// EUICCInfo2 ::= [34] SEQUENCE {                                                                  -- BF22
///     profileVersion [1], svn [2], euiccFirmwareVer [3], extCardResource [4], uiccCapability [5], ts102241Version [6] OPTIONAL,
///     globalplatformVersion [7] OPTIONAL, rspCapability [8], euiccCiPKIdListForVerification [9], euiccCiPKIdListForSigning [10],
///     euiccCategory [11] OPTIONAL, forbiddenProfilePolicyRules [25] OPTIONAL, ppVersion, sasAcreditationNumber,
///     certificationDataObject [12] OPTIONAL, treProperties [13] OPTIONAL, treProductReference [14] OPTIONAL,
///     additionalEuiccProfilePackageVersions [15] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 34))]
pub struct EuiccInfo2 {
    /// The profile package version that it can install.
    #[rasn(tag(context, 1))]
    pub profile_version: VersionType,
    /// The version of SGP.22 that it speaks.
    #[rasn(tag(context, 2))]
    pub svn: VersionType,
    /// Its firmware.
    #[rasn(tag(context, 3))]
    pub euicc_firmware_ver: VersionType,
    /// Free memory and installed applications, coded by ETSI TS 102 226; see [`ExtCardResource`].
    #[rasn(tag(context, 4))]
    pub ext_card_resource: OctetString,
    /// What its UICC part can do.
    #[rasn(tag(context, 5))]
    pub uicc_capability: UiccCapability,
    /// Java Card API version.
    #[rasn(tag(context, 6))]
    pub ts102241_version: Option<VersionType>,
    /// GlobalPlatform version.
    #[rasn(tag(context, 7))]
    pub globalplatform_version: Option<VersionType>,
    /// What its RSP part can do.
    #[rasn(tag(context, 8))]
    pub rsp_capability: RspCapability,
    /// As in [`EuiccInfo1`].
    #[rasn(tag(context, 9))]
    pub euicc_ci_pk_id_list_for_verification: Vec<SubjectKeyIdentifier>,
    /// As in [`EuiccInfo1`].
    #[rasn(tag(context, 10))]
    pub euicc_ci_pk_id_list_for_signing: Vec<SubjectKeyIdentifier>,
    /// Size class of the eUICC.
    #[rasn(tag(context, 11))]
    pub euicc_category: Option<EuiccCategory>,
    /// Profile Policy Rules that no profile on it may have.
    #[rasn(tag(context, 25))]
    pub forbidden_profile_policy_rules: Option<PprIds>,
    /// Protection profile version.
    pub pp_version: VersionType,
    /// SAS accreditation number, at most 64 characters.
    pub sas_accreditation_number: Text<64>,
    /// Where its certification can be looked up.
    #[rasn(tag(context, 12))]
    pub certification_data_object: Option<CertificationDataObject>,
    /// Whether it is discrete or integrated.
    #[rasn(tag(context, 13))]
    pub tre_properties: Option<TreProperties>,
    /// Platform label of an integrated eUICC.
    #[rasn(tag(context, 14))]
    pub tre_product_reference: Option<Utf8String>,
    /// More profile package versions that it can install.
    #[rasn(tag(context, 15))]
    pub additional_euicc_profile_package_versions: Option<Vec<VersionType>>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// The content of extCardResource (ETSI TS 102 226 8.2.1.7.2): `81` applications, `82` free non-volatile memory, `83`
/// free volatile memory, each a big-endian number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtCardResource {
    /// Installed applications.
    pub applications: u32,
    /// Free non-volatile memory in bytes.
    pub free_non_volatile: u32,
    /// Free volatile memory in bytes.
    pub free_volatile: u32,
}

impl ExtCardResource {
    /// Reads the three numbers; `None` if one is missing, repeated past four bytes or not a TLV.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut applications, mut free_non_volatile, mut free_volatile) = (None, None, None);
        for element in crate::tlv::iter(bytes) {
            let element = element.ok()?;
            let number = element
                .value()
                .iter()
                .try_fold(0u32, |number, byte| number.checked_mul(256).map(|number| number | u32::from(*byte)));
            match element.tag() {
                [0x81] => applications = number,
                [0x82] => free_non_volatile = number,
                [0x83] => free_volatile = number,
                _ => {}
            }
        }
        Some(Self { applications: applications?, free_non_volatile: free_non_volatile?, free_volatile: free_volatile? })
    }

    /// The coding that [`Self::parse`] reads, with 1, 4 and 4 bytes, as real cards answer.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(15);
        crate::tlv::write(&mut out, &[0x81], &[self.applications.min(255) as u8]);
        crate::tlv::write(&mut out, &[0x82], &self.free_non_volatile.to_be_bytes());
        crate::tlv::write(&mut out, &[0x83], &self.free_volatile.to_be_bytes());
        out
    }
}

named_bits! {
    /// Services of the UICC, imported from the TCA profile package definitions (`UICCCapability`).
    pub UiccCapability {
        /// Contactless (SWP, HCI and the APIs).
        CONTACTLESS = 0,
        /// USIM.
        USIM = 1,
        /// ISIM.
        ISIM = 2,
        /// CSIM.
        CSIM = 3,
        /// Milenage.
        AKA_MILENAGE = 4,
        /// CAVE.
        AKA_CAVE = 5,
        /// TUAK with a key of 128 bits.
        AKA_TUAK128 = 6,
        /// TUAK with a key of 256 bits.
        AKA_TUAK256 = 7,
        /// The XOR test algorithm.
        USIM_TEST_ALGORITHM = 8,
        /// GBA for the USIM.
        GBA_USIM = 10,
        /// GBA for the ISIM.
        GBA_ISIM = 11,
        /// MBMS for the USIM.
        MBMS_USIM = 12,
        /// EAP client.
        EAP_CLIENT = 13,
        /// Java Card.
        JAVACARD = 14,
        /// Multos.
        MULTOS = 15,
        /// More than one USIM in a profile.
        MULTIPLE_USIM = 16,
        /// More than one ISIM in a profile.
        MULTIPLE_ISIM = 17,
        /// More than one CSIM in a profile.
        MULTIPLE_CSIM = 18,
        /// BER-TLV structured files.
        BER_TLV = 19,
        /// Linked files.
        DF_LINK = 20,
        /// CAT_TP.
        CAT_TP = 21,
        /// GET IDENTITY.
        GET_IDENTITY = 22,
        /// SUCI by profile A.
        PROFILE_A_X25519 = 23,
        /// SUCI by profile B.
        PROFILE_B_P256 = 24,
        /// SUCI computed by the USIM.
        SUCI_CALCULATOR_API = 25,
        /// DNS resolution.
        DNS_RESOLUTION = 26,
        /// SCP11 variants a and c.
        SCP11AC = 27,
        /// The authorisation mechanism of SCP11c.
        SCP11C_AUTHORIZATION_MECHANISM = 28,
    }
}

named_bits! {
    /// What the RSP part of an eUICC supports.
    pub RspCapability {
        /// At least one more profile can be installed.
        ADDITIONAL_PROFILE = 0,
        /// LoadCRL.
        CRL_SUPPORT = 1,
        /// Remote Profile Management (v3).
        RPM_SUPPORT = 2,
        /// Test profiles.
        TEST_PROFILE_SUPPORT = 3,
        /// Unknown elements in DeviceInfo.
        DEVICE_INFO_EXTENSIBILITY_SUPPORT = 4,
        /// Service specific data in profile metadata.
        SERVICE_SPECIFIC_DATA_SUPPORT = 5,
    }
}

named_integer! {
    /// Size class of an eUICC.
    pub EuiccCategory {
        /// None of the classes.
        OTHER = 0 => "other",
        /// Basic.
        BASIC = 1 => "basicEuicc",
        /// Medium.
        MEDIUM = 2 => "mediumEuicc",
        /// Contactless.
        CONTACTLESS = 3 => "contactlessEuicc",
    }
}

named_bits! {
    /// Physical form of the tamper resistant element.
    pub TreProperties {
        /// A chip of its own.
        DISCRETE = 0,
        /// Part of a larger chip.
        INTEGRATED = 1,
        /// Uses remote memory.
        USES_REMOTE_MEMORY = 2,
    }
}

/// ```text
/// CertificationDataObject ::= SEQUENCE { platformLabel [0] UTF8String, discoveryBaseURL [1] UTF8String }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct CertificationDataObject {
    /// Platform label as GlobalPlatform's DLOA specification defines it.
    #[rasn(tag(context, 0))]
    pub platform_label: Utf8String,
    /// Base URL of the registrar.
    #[rasn(tag(context, 1))]
    pub discovery_base_url: Utf8String,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// DeviceInfo ::= SEQUENCE { tac [0] OCTET STRING (SIZE (4)), deviceCapabilities [1], imei [2] OCTET STRING (SIZE (8)) OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Type Allocation Code, BCD, 4 bytes.
    #[rasn(tag(context, 0), size("4"))]
    pub tac: OctetString,
    /// Highest releases that the device fully supports.
    #[rasn(tag(context, 1))]
    pub device_capabilities: DeviceCapabilities,
    /// IMEI, BCD, 8 bytes.
    #[rasn(tag(context, 2), size("8"))]
    pub imei: Option<OctetString>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// Highest fully supported release of each technology.
/// ```text
/// DeviceCapabilities ::= SEQUENCE { gsmSupportedRelease [0] VersionType OPTIONAL, … deviceAdditionalFeatureSupport [14] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceCapabilities {
    /// GSM.
    #[rasn(tag(context, 0))]
    pub gsm_supported_release: Option<VersionType>,
    /// UTRAN.
    #[rasn(tag(context, 1))]
    pub utran_supported_release: Option<VersionType>,
    /// CDMA2000 1x.
    #[rasn(tag(context, 2))]
    pub cdma2000onex_supported_release: Option<VersionType>,
    /// CDMA2000 HRPD.
    #[rasn(tag(context, 3))]
    pub cdma2000hrpd_supported_release: Option<VersionType>,
    /// CDMA2000 eHRPD.
    #[rasn(tag(context, 4))]
    pub cdma2000ehrpd_supported_release: Option<VersionType>,
    /// E-UTRAN with EPC.
    #[rasn(tag(context, 5))]
    pub eutran_epc_supported_release: Option<VersionType>,
    /// Contactless.
    #[rasn(tag(context, 6))]
    pub contactless_supported_release: Option<VersionType>,
    /// CRLs.
    #[rasn(tag(context, 7))]
    pub rsp_crl_supported_version: Option<VersionType>,
    /// New Radio with EPC.
    #[rasn(tag(context, 8))]
    pub nr_epc_supported_release: Option<VersionType>,
    /// New Radio with 5GC.
    #[rasn(tag(context, 9))]
    pub nr_5gc_supported_release: Option<VersionType>,
    /// E-UTRAN with 5GC.
    #[rasn(tag(context, 10))]
    pub eutran_5gc_supported_release: Option<VersionType>,
    /// The LPA's version of SGP.22.
    #[rasn(tag(context, 11))]
    pub lpa_svn: Option<VersionType>,
    /// Card Application Toolkit classes.
    #[rasn(tag(context, 12))]
    pub cat_supported_classes: Option<BitString>,
    /// Form factor.
    #[rasn(tag(context, 13))]
    pub euicc_form_factor_type: Option<i64>,
    /// Further features.
    #[rasn(tag(context, 14))]
    pub device_additional_feature_support: Option<DeviceAdditionalFeatureSupport>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// DeviceAdditionalFeatureSupport ::= SEQUENCE { naiSupport [0] OPTIONAL, groupOfDeviceManufacturerOid [1] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceAdditionalFeatureSupport {
    /// Network Access Identifier.
    #[rasn(tag(context, 0))]
    pub nai_support: Option<VersionType>,
    /// OID of the manufacturer's group (SGP.29).
    #[rasn(tag(context, 1))]
    pub group_of_device_manufacturer_oid: Option<ObjectIdentifier>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ISDRProprietaryApplicationTemplate ::= [PRIVATE 0] SEQUENCE { svn [2], lpaeSupport BIT STRING OPTIONAL }   -- E0
/// ```
/// Stands in the FCI of the ISD-R (SGP.22 5.7.1).
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(private, 0))]
pub struct IsdrProprietaryApplicationTemplate {
    /// The version of SGP.22 that the eUICC speaks.
    #[rasn(tag(context, 2))]
    pub svn: VersionType,
    /// LPA in the eUICC: by CAT (bit 0) or by the smart card web server (bit 1).
    pub lpae_support: Option<BitString>,
    /// Elements of later versions.
    pub unknown: Unknown,
}
