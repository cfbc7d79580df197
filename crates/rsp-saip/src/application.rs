//! PE-SecurityDomain, PE-Application, PE-RFM and PE-NonStandard (TCA profile package 8.7 to 8.10).

use rasn::prelude::*;

use crate::asn1::{Secret, Unknown};
use crate::header::PeHeader;

/// ```text
/// PE-SecurityDomain ::= SEQUENCE {
///     sd-Header [0] PEHeader, instance [1] ApplicationInstance, keyList [2] SEQUENCE OF KeyObject OPTIONAL,
///     sdPersoData [3] SEQUENCE OF OCTET STRING OPTIONAL, openPersoData [4] OpenPersoData OPTIONAL,
///     catTpParameters [5] CatTpParameters OPTIONAL }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct SecurityDomain {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// The security domain as an application.
    #[rasn(tag(context, 1))]
    pub instance: ApplicationInstance,
    /// Keys of the security domain.
    #[rasn(tag(context, 2))]
    pub key_list: Option<Vec<KeyObject>>,
    /// STORE DATA payloads that personalise the security domain; they may hold keys.
    #[rasn(tag(context, 3))]
    pub perso_data: Option<Vec<Secret>>,
    /// Parameters of the OPEN; only in the first security domain.
    #[rasn(tag(context, 4))]
    pub open_perso_data: Option<OpenPersoData>,
    /// Sizes of CAT_TP; only in the first security domain.
    #[rasn(tag(context, 5))]
    pub cat_tp_parameters: Option<CatTpParameters>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// KeyObject ::= SEQUENCE {
///     keyUsageQualifier [21] OCTET STRING (1..2), keyAccess [22] OCTET STRING (1) DEFAULT '00'H,
///     keyIdentifier [2] OCTET STRING (1), keyVersionNumber [3] OCTET STRING (1),
///     keyCounterValue [5] OCTET STRING OPTIONAL, keyComponents SEQUENCE OF KeyComponent }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct KeyObject {
    /// What the key may be used for (GlobalPlatform 11.1.9).
    #[rasn(tag(context, 21), size("1..=2"))]
    pub usage_qualifier: OctetString,
    /// Who may use the key. Default 00.
    #[rasn(tag(context, 22), size("1"))]
    pub access: Option<OctetString>,
    /// Key identifier.
    #[rasn(tag(context, 2), size("1"))]
    pub identifier: OctetString,
    /// Key version number.
    #[rasn(tag(context, 3), size("1"))]
    pub version_number: OctetString,
    /// Initial value of the key's counter.
    #[rasn(tag(context, 5))]
    pub counter_value: Option<OctetString>,
    /// Parts of the key.
    pub components: Vec<KeyComponent>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// SEQUENCE { keyType [0] OCTET STRING, keyData [6] OCTET STRING, macLength [7] UInt8 DEFAULT 8 }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct KeyComponent {
    /// Type of the key (GlobalPlatform 11.1.8).
    #[rasn(tag(context, 0))]
    pub key_type: OctetString,
    /// The key.
    #[rasn(tag(context, 6))]
    pub key_data: Secret,
    /// Length of the MACs that the key makes. Default 8.
    #[rasn(tag(context, 7))]
    pub mac_length: Option<u8>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// SEQUENCE { restrictParameter [PRIVATE 25] OCTET STRING (1) OPTIONAL, contactlessProtocolParameters OCTET STRING OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct OpenPersoData {
    /// Functions that are switched off for good.
    #[rasn(tag(private, 25), size("1"))]
    pub restrict_parameter: Option<OctetString>,
    /// Contactless parameters (GlobalPlatform Amendment C).
    pub contactless_protocol_parameters: Option<OctetString>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// SEQUENCE { catTpMaxSduSize [0] UInt16, catTpMaxPduSize [1] UInt16 }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct CatTpParameters {
    /// Largest service data unit.
    #[rasn(tag(context, 0))]
    pub max_sdu_size: u16,
    /// Largest protocol data unit.
    #[rasn(tag(context, 1))]
    pub max_pdu_size: u16,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// PE-Application ::= SEQUENCE {
///     app-Header [0] PEHeader, loadBlock [1] ApplicationLoadPackage OPTIONAL,
///     instanceList [2] SEQUENCE OF ApplicationInstance OPTIONAL }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct Application {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// The code.
    #[rasn(tag(context, 1))]
    pub load_block: Option<ApplicationLoadPackage>,
    /// Instances of the code.
    #[rasn(tag(context, 2))]
    pub instances: Option<Vec<ApplicationInstance>>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// ApplicationLoadPackage ::= SEQUENCE {
///     loadPackageAID [APPLICATION 15] AID, securityDomainAID [APPLICATION 15] AID OPTIONAL,
///     nonVolatileCodeLimitC6 [PRIVATE 6] …, volatileDataLimitC7 [PRIVATE 7] …, nonVolatileDataLimitC8 [PRIVATE 8] …,
///     hashValue [PRIVATE 1] OCTET STRING OPTIONAL, loadBlockObject [PRIVATE 4] OCTET STRING }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct ApplicationLoadPackage {
    /// AID of the package.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub load_package_aid: OctetString,
    /// Security domain that the package belongs to.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub security_domain_aid: Option<OctetString>,
    /// Memory for code.
    #[rasn(tag(private, 6))]
    pub non_volatile_code_limit: Option<OctetString>,
    /// Volatile memory for data.
    #[rasn(tag(private, 7))]
    pub volatile_data_limit: Option<OctetString>,
    /// Memory for data.
    #[rasn(tag(private, 8))]
    pub non_volatile_data_limit: Option<OctetString>,
    /// Hash of the load block.
    #[rasn(tag(private, 1))]
    pub hash_value: Option<OctetString>,
    /// The code itself.
    #[rasn(tag(private, 4))]
    pub load_block_object: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// ApplicationInstance ::= SEQUENCE {
///     applicationLoadPackageAID, classAID, instanceAID [APPLICATION 15] AID,
///     extraditeSecurityDomainAID [APPLICATION 15] AID OPTIONAL, applicationPrivileges [2] OCTET STRING,
///     lifeCycleState [3] OCTET STRING (1) DEFAULT '07'H, applicationSpecificParametersC9 [PRIVATE 9] OCTET STRING,
///     systemSpecificParameters [PRIVATE 15] … OPTIONAL, applicationParameters [PRIVATE 10] … OPTIONAL,
///     processData SEQUENCE OF OCTET STRING OPTIONAL, controlReferenceTemplate [16] … OPTIONAL }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct ApplicationInstance {
    /// AID of the package that holds the class.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub load_package_aid: OctetString,
    /// AID of the class.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub class_aid: OctetString,
    /// AID of the instance.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub instance_aid: OctetString,
    /// Security domain that the instance is given to.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub extradite_security_domain_aid: Option<OctetString>,
    /// Privileges (GlobalPlatform 11.1.2).
    #[rasn(tag(context, 2))]
    pub privileges: OctetString,
    /// Life cycle state. Default 07, selectable.
    #[rasn(tag(context, 3), size("1"))]
    pub life_cycle_state: Option<OctetString>,
    /// Install parameters of the application; they may hold keys.
    #[rasn(tag(private, 9))]
    pub specific_parameters: Secret,
    /// Install parameters of the system.
    #[rasn(tag(private, 15))]
    pub system_parameters: Option<ApplicationSystemParameters>,
    /// Toolkit and access parameters.
    #[rasn(tag(private, 10))]
    pub uicc_parameters: Option<UiccApplicationParameters>,
    /// APDUs that the instance processes once it exists; they may hold keys.
    pub process_data: Option<Vec<Secret>>,
    /// Application provider.
    #[rasn(tag(context, 16))]
    pub control_reference_template: Option<ControlReferenceTemplate>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// ApplicationSystemParameters ::= SEQUENCE {
///     volatileMemoryQuotaC7 [PRIVATE 7], nonVolatileMemoryQuotaC8 [PRIVATE 8], globalServiceParameters [PRIVATE 11],
///     implicitSelectionParameter [PRIVATE 15], volatileReservedMemory [PRIVATE 23],
///     nonVolatileReservedMemory [PRIVATE 24], ts102226SIMFileAccessToolkitParameter [PRIVATE 10],
///     ts102226AdditionalContactlessParameters [0] SEQUENCE { [0] OCTET STRING },
///     contactlessProtocolParameters [PRIVATE 25], userInteractionContactlessParameters [PRIVATE 26],
///     cumulativeGrantedVolatileMemory [2], cumulativeGrantedNonVolatileMemory [3] OCTET STRING, all OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct ApplicationSystemParameters {
    /// Quota of volatile memory.
    #[rasn(tag(private, 7), size("2..=4"))]
    pub volatile_memory_quota: Option<OctetString>,
    /// Quota of memory.
    #[rasn(tag(private, 8), size("2..=4"))]
    pub non_volatile_memory_quota: Option<OctetString>,
    /// Global services.
    #[rasn(tag(private, 11))]
    pub global_service_parameters: Option<OctetString>,
    /// Channels and interfaces on which the instance is selected by default.
    #[rasn(tag(private, 15))]
    pub implicit_selection_parameter: Option<OctetString>,
    /// Volatile memory that is set aside.
    #[rasn(tag(private, 23), size("2..=4"))]
    pub volatile_reserved_memory: Option<OctetString>,
    /// Memory that is set aside.
    #[rasn(tag(private, 24), size("2..=4"))]
    pub non_volatile_reserved_memory: Option<OctetString>,
    /// SIM file access and toolkit parameters (ETSI TS 102 226).
    #[rasn(tag(private, 10))]
    pub sim_file_access_toolkit_parameter: Option<OctetString>,
    /// Additional contactless parameters (ETSI TS 102 226).
    #[rasn(tag(context, 0))]
    pub additional_contactless_parameters: Option<AdditionalContactlessParameters>,
    /// Contactless protocol parameters (GlobalPlatform Amendment C).
    #[rasn(tag(private, 25))]
    pub contactless_protocol_parameters: Option<OctetString>,
    /// User interaction parameters (GlobalPlatform Amendment C).
    #[rasn(tag(private, 26))]
    pub user_interaction_contactless_parameters: Option<OctetString>,
    /// Volatile memory granted to a group.
    #[rasn(tag(context, 2), size("2..=4"))]
    pub cumulative_granted_volatile_memory: Option<OctetString>,
    /// Memory granted to a group.
    #[rasn(tag(context, 3), size("2..=4"))]
    pub cumulative_granted_non_volatile_memory: Option<OctetString>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// TS102226AdditionalContactlessParameters ::= SEQUENCE { protocolParameterData [0] OCTET STRING }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct AdditionalContactlessParameters {
    /// Parameters as ETSI TS 102 226 codes them.
    #[rasn(tag(context, 0))]
    pub protocol_parameter_data: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// UICCApplicationParameters ::= SEQUENCE {
///     uiccToolkitApplicationSpecificParametersField [0], uiccAccessApplicationSpecificParametersField [1],
///     uiccAdministrativeAccessApplicationSpecificParametersField [2] OCTET STRING, all OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct UiccApplicationParameters {
    /// Toolkit parameters.
    #[rasn(tag(context, 0))]
    pub toolkit: Option<OctetString>,
    /// File access parameters.
    #[rasn(tag(context, 1))]
    pub access: Option<OctetString>,
    /// Administrative file access parameters.
    #[rasn(tag(context, 2))]
    pub administrative_access: Option<OctetString>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// ControlReferenceTemplate ::= SEQUENCE { applicationProviderIdentifier [APPLICATION 32] OCTET STRING }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct ControlReferenceTemplate {
    /// Application provider identifier.
    #[rasn(tag(application, 32))]
    pub application_provider_identifier: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// PE-RFM ::= SEQUENCE {
///     rfm-header [0] PEHeader, instanceAID [APPLICATION 15] AID, securityDomainAID [APPLICATION 15] AID OPTIONAL,
///     tarList [0] SEQUENCE OF OCTET STRING (3) OPTIONAL, minimumSecurityLevel [1] OCTET STRING (1),
///     uiccAccessDomain OCTET STRING, uiccAdminAccessDomain OCTET STRING, adfRFMAccess ADFRFMAccess OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct Rfm {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// AID of the remote file management instance.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub instance_aid: OctetString,
    /// Security domain that the instance belongs to.
    #[rasn(tag(application, 15), size("5..=16"))]
    pub security_domain_aid: Option<OctetString>,
    /// Toolkit application references, three bytes each.
    #[rasn(tag(context, 0))]
    pub tar_list: Option<Vec<OctetString>>,
    /// Least security of a message (ETSI TS 102 225).
    #[rasn(tag(context, 1), size("1"))]
    pub minimum_security_level: OctetString,
    /// Access to the MF.
    pub uicc_access_domain: OctetString,
    /// Administrative access to the MF.
    pub uicc_admin_access_domain: OctetString,
    /// Access to an ADF.
    pub adf_rfm_access: Option<AdfRfmAccess>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// ADFRFMAccess ::= SEQUENCE { adfAID [0] AID, adfAccessDomain [1] OCTET STRING, adfAdminAccessDomain [2] OCTET STRING }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct AdfRfmAccess {
    /// AID of the ADF.
    #[rasn(tag(context, 0), size("5..=16"))]
    pub adf_aid: OctetString,
    /// Access to the ADF.
    #[rasn(tag(context, 1))]
    pub adf_access_domain: OctetString,
    /// Administrative access to the ADF.
    #[rasn(tag(context, 2))]
    pub adf_admin_access_domain: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// PE-NonStandard ::= SEQUENCE { nonStandard-header [0] PEHeader, issuerID [1] OBJECT IDENTIFIER, content [2] OCTET STRING }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct NonStandard {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// Who defines the content.
    #[rasn(tag(context, 1))]
    pub issuer_id: ObjectIdentifier,
    /// Content that only the issuer understands.
    #[rasn(tag(context, 2))]
    pub content: Secret,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// PE-End ::= SEQUENCE { end-header [0] PEHeader }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct End {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// Elements of a later version.
    pub unknown: Unknown,
}
