//! Profile Metadata and what belongs to it (SGP.22 4.4, 5.5.3, 5.4.1).

use crate::named::{named_bits, named_integer};
use crate::{Iccid, OctetString, Text, Unknown};
use rasn::prelude::*;

/// The metadata of a profile, as ES8+ stores it and as the End User sees it first.
/// ```text
/// StoreMetadataRequest ::= [37] SEQUENCE {                                                        -- BF25
///     iccid, serviceProviderName [17] (0..32), profileName [18] (0..64), iconType [19] OPTIONAL, icon [20] (0..1024) OPTIONAL,
///     profileClass [21] DEFAULT operational, notificationConfigurationInfo [22] OPTIONAL, profileOwner [23] OPTIONAL,
///     profilePolicyRules [25] OPTIONAL, serviceSpecificDataStoredInEuicc [34] OPTIONAL, serviceSpecificDataNotStoredInEuicc [35] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 37))]
pub struct StoreMetadataRequest {
    /// The profile.
    pub iccid: Iccid,
    /// Who sells it; at most 32 characters.
    #[rasn(tag(context, 17))]
    pub service_provider_name: Text<32>,
    /// What it is called; at most 64 characters.
    #[rasn(tag(context, 18))]
    pub profile_name: Text<64>,
    /// How `icon` is coded.
    #[rasn(tag(context, 19))]
    pub icon_type: Option<IconType>,
    /// 64 by 64 pixels, at most 1024 bytes.
    #[rasn(tag(context, 20), size("0..=1024"))]
    pub icon: Option<OctetString>,
    /// Test, provisioning or operational; the last if absent.
    #[rasn(tag(context, 21), default = "ProfileClass::operational")]
    pub profile_class: ProfileClass,
    /// Where to send which notification.
    #[rasn(tag(context, 22))]
    pub notification_configuration_info: Option<Vec<NotificationConfigurationInformation>>,
    /// The operator, as it stands in EF_IMSI and EF_GID1/2.
    #[rasn(tag(context, 23))]
    pub profile_owner: Option<OperatorId>,
    /// What the subscriber may not do with it.
    #[rasn(tag(context, 25))]
    pub profile_policy_rules: Option<PprIds>,
    /// Vendor data that the eUICC keeps.
    #[rasn(tag(context, 34))]
    pub service_specific_data_stored_in_euicc: Option<Vec<VendorSpecificExtension>>,
    /// Vendor data for the device only.
    #[rasn(tag(context, 35))]
    pub service_specific_data_not_stored_in_euicc: Option<Vec<VendorSpecificExtension>>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// UpdateMetadataRequest ::= [42] SEQUENCE { serviceProviderName [17], profileName [18], iconType [19], icon [20],
///     profilePolicyRules [25], serviceSpecificDataStoredInEuicc [34], all OPTIONAL }              -- BF2A
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 42))]
pub struct UpdateMetadataRequest {
    /// New name of the service provider.
    #[rasn(tag(context, 17))]
    pub service_provider_name: Option<Text<32>>,
    /// New name of the profile.
    #[rasn(tag(context, 18))]
    pub profile_name: Option<Text<64>>,
    /// How `icon` is coded.
    #[rasn(tag(context, 19))]
    pub icon_type: Option<IconType>,
    /// New icon.
    #[rasn(tag(context, 20), size("0..=1024"))]
    pub icon: Option<OctetString>,
    /// Rules that stay; rules can only be taken away.
    #[rasn(tag(context, 25))]
    pub profile_policy_rules: Option<PprIds>,
    /// New vendor data.
    #[rasn(tag(context, 34))]
    pub service_specific_data_stored_in_euicc: Option<Vec<VendorSpecificExtension>>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How an icon is coded.
    pub IconType {
        /// JPEG.
        JPG = 0 => "jpg",
        /// PNG.
        PNG = 1 => "png",
    }
}

named_integer! {
    /// What a profile is for.
    pub ProfileClass {
        /// For testing of devices.
        TEST = 0 => "test",
        /// For reaching an SM-DP+ only.
        PROVISIONING = 1 => "provisioning",
        /// A subscription.
        OPERATIONAL = 2 => "operational",
    }
}

impl ProfileClass {
    fn operational() -> Self {
        Self::OPERATIONAL
    }
}

named_integer! {
    /// Whether a profile is the one in use.
    pub ProfileState {
        /// Installed, not in use.
        DISABLED = 0 => "disabled",
        /// In use.
        ENABLED = 1 => "enabled",
    }
}

named_bits! {
    /// Profile Policy Rules (SGP.22 2.9.1).
    pub PprIds {
        /// How the rules may be updated; not a rule itself.
        PPR_UPDATE_CONTROL = 0,
        /// PPR1: the profile must not be disabled.
        PPR1 = 1,
        /// PPR2: the profile must not be deleted.
        PPR2 = 2,
    }
}

named_bits! {
    /// What a notification is about; exactly one bit in a notification, several in a filter.
    pub NotificationEvent {
        /// Installed.
        INSTALL = 0,
        /// Enabled.
        ENABLE = 1,
        /// Disabled.
        DISABLE = 2,
        /// Deleted.
        DELETE = 3,
    }
}

/// ```text
/// NotificationConfigurationInformation ::= SEQUENCE { profileManagementOperation [0], notificationAddress [1] UTF8String }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct NotificationConfigurationInformation {
    /// The events.
    #[rasn(tag(context, 0))]
    pub profile_management_operation: NotificationEvent,
    /// FQDN of the recipient.
    #[rasn(tag(context, 1))]
    pub notification_address: Utf8String,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// OperatorId ::= SEQUENCE { mccMnc [0] OCTET STRING (SIZE (3)), gid1 [1] OPTIONAL, gid2 [2] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct OperatorId {
    /// MCC and MNC as 3GPP TS 24.008 codes them.
    #[rasn(tag(context, 0), size("3"))]
    pub mcc_mnc: OctetString,
    /// Content of EF_GID1.
    #[rasn(tag(context, 1))]
    pub gid1: Option<OctetString>,
    /// Content of EF_GID2.
    #[rasn(tag(context, 2))]
    pub gid2: Option<OctetString>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// DpProprietaryData ::= SEQUENCE { dpOid [0] OBJECT IDENTIFIER, … }                                -- at most 128 bytes
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct DpProprietaryData {
    /// In the tree of the SM-DP+ that made the profile.
    #[rasn(tag(context, 0))]
    pub dp_oid: ObjectIdentifier,
    /// Whatever the SM-DP+ adds.
    pub unknown: Unknown,
}

/// ```text
/// VendorSpecificExtension ::= SEQUENCE OF SEQUENCE { vendorOid [0] OBJECT IDENTIFIER, vendorSpecificData [1] ANY }
/// ```
/// One entry of that list.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct VendorSpecificExtension {
    /// Who defined the data.
    #[rasn(tag(context, 0))]
    pub vendor_oid: ObjectIdentifier,
    /// The data and anything after it, each under its own tag, kept verbatim.
    pub vendor_specific_data: Unknown,
}
