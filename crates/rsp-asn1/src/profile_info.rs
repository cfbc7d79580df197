//! GetProfilesInfo (SGP.22 5.7.15).

use crate::named::named_integer;
use crate::{
    DpProprietaryData, Iccid, IconType, IsdpAid, NotificationConfigurationInformation, OctetString, OperatorId, PprIds,
    ProfileClass, ProfileState, Text, Unknown, VendorSpecificExtension,
};
use rasn::prelude::*;

/// ```text
/// ProfileInfoListRequest ::= [45] SEQUENCE {                                                      -- BF2D
///     searchCriteria [0] CHOICE { isdpAid [APPLICATION 15], iccid, profileClass [21] } OPTIONAL, tagList [APPLICATION 28] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 45))]
pub struct ProfileInfoListRequest {
    /// Which profiles; all if absent.
    #[rasn(tag(explicit(context, 0)))]
    pub search_criteria: Option<ProfileSearchCriteria>,
    /// Which objects of each, as a row of tags; the default set if absent.
    #[rasn(tag(application, 28))]
    pub tag_list: Option<OctetString>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// Which profiles to list.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice)]
pub enum ProfileSearchCriteria {
    /// The one in this ISD-P.
    IsdpAid(IsdpAid),
    /// The one with this ICCID.
    Iccid(Iccid),
    /// All of this class.
    #[rasn(tag(context, 21))]
    ProfileClass(ProfileClass),
}

/// ```text
/// ProfileInfoListResponse ::= [45] CHOICE { profileInfoListOk [0] SEQUENCE OF ProfileInfo, profileInfoListError [1] INTEGER }   -- BF2D
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 45)))]
pub enum ProfileInfoListResponse {
    /// The profiles.
    #[rasn(tag(context, 0))]
    Ok(Vec<ProfileInfo>),
    /// None can be listed.
    #[rasn(tag(context, 1))]
    Error(ProfileInfoListError),
}

named_integer! {
    /// Why profiles cannot be listed.
    pub ProfileInfoListError {
        /// The search criteria or the tag list are wrong.
        INCORRECT_INPUT_VALUES = 1 => "incorrectInputValues",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// One profile, with the objects that were asked for and that it has.
/// ```text
/// ProfileInfo ::= [PRIVATE 3] SEQUENCE {                                                          -- E3
///     iccid, isdpAid [APPLICATION 15], profileState [112], profileNickname [16], serviceProviderName [17], profileName [18],
///     iconType [19], icon [20], profileClass [21], notificationConfigurationInfo [22], profileOwner [23], dpProprietaryData [24],
///     profilePolicyRules [25], serviceSpecificDataStoredInEuicc [34], all OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(private, 3))]
pub struct ProfileInfo {
    /// Tag `5A`.
    pub iccid: Option<Iccid>,
    /// Tag `4F`.
    pub isdp_aid: Option<IsdpAid>,
    /// Tag `9F70`.
    #[rasn(tag(context, 112))]
    pub profile_state: Option<ProfileState>,
    /// Tag `90`, at most 64 characters.
    #[rasn(tag(context, 16))]
    pub profile_nickname: Option<Text<64>>,
    /// Tag `91`, at most 32 characters.
    #[rasn(tag(context, 17))]
    pub service_provider_name: Option<Text<32>>,
    /// Tag `92`, at most 64 characters.
    #[rasn(tag(context, 18))]
    pub profile_name: Option<Text<64>>,
    /// Tag `93`.
    #[rasn(tag(context, 19))]
    pub icon_type: Option<IconType>,
    /// Tag `94`, at most 1024 bytes.
    #[rasn(tag(context, 20), size("0..=1024"))]
    pub icon: Option<OctetString>,
    /// Tag `95`.
    #[rasn(tag(context, 21))]
    pub profile_class: Option<ProfileClass>,
    /// Tag `B6`.
    #[rasn(tag(context, 22))]
    pub notification_configuration_info: Option<Vec<NotificationConfigurationInformation>>,
    /// Tag `B7`.
    #[rasn(tag(context, 23))]
    pub profile_owner: Option<OperatorId>,
    /// Tag `B8`.
    #[rasn(tag(context, 24))]
    pub dp_proprietary_data: Option<DpProprietaryData>,
    /// Tag `99`.
    #[rasn(tag(context, 25))]
    pub profile_policy_rules: Option<PprIds>,
    /// Tag `BF22`.
    #[rasn(tag(context, 34))]
    pub service_specific_data_stored_in_euicc: Option<Vec<VendorSpecificExtension>>,
    /// Elements of later versions.
    pub unknown: Unknown,
}
