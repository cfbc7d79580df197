//! Local management: ES10a addresses and ES10c functions (SGP.22 5.7.3, 5.7.4, 5.7.16 to 5.7.22).

use crate::named::{named_bits, named_integer};
use crate::{Eid, Iccid, IsdpAid, OctetString, OperatorId, PprIds, Text, Unknown};
use rasn::prelude::*;

/// ```text
/// EuiccConfiguredAddressesRequest ::= [60] SEQUENCE {}                                            -- BF3C
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 60))]
pub struct EuiccConfiguredAddressesRequest {
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// EuiccConfiguredAddressesResponse ::= [60] SEQUENCE { defaultDpAddress [0] OPTIONAL, rootDsAddress [1] }     -- BF3C
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 60))]
pub struct EuiccConfiguredAddressesResponse {
    /// FQDN of the default SM-DP+.
    #[rasn(tag(context, 0))]
    pub default_dp_address: Option<Utf8String>,
    /// FQDN of the root SM-DS.
    #[rasn(tag(context, 1))]
    pub root_ds_address: Utf8String,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// SetDefaultDpAddressRequest ::= [63] SEQUENCE { defaultDpAddress [0] UTF8String }                -- BF3F
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 63))]
pub struct SetDefaultDpAddressRequest {
    /// FQDN; empty removes it.
    #[rasn(tag(context, 0))]
    pub default_dp_address: Utf8String,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// SetDefaultDpAddressResponse ::= [63] SEQUENCE { setDefaultDpAddressResult [0] INTEGER }         -- BF3F
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 63))]
pub struct SetDefaultDpAddressResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub set_default_dp_address_result: SetDefaultDpAddressResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How SetDefaultDpAddress ended.
    pub SetDefaultDpAddressResult {
        /// Done.
        OK = 0 => "ok",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// Which profile an ES10c function is about: by ISD-P or by ICCID.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice)]
pub enum ProfileIdentifier {
    /// Tag `4F`.
    IsdpAid(IsdpAid),
    /// Tag `5A`.
    Iccid(Iccid),
}

/// ```text
/// EnableProfileRequest ::= [49] SEQUENCE { profileIdentifier [0] CHOICE { isdpAid, iccid }, refreshFlag [1] BOOLEAN }   -- BF31
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 49))]
pub struct EnableProfileRequest {
    /// The profile.
    #[rasn(tag(explicit(context, 0)))]
    pub profile_identifier: ProfileIdentifier,
    /// Whether the eUICC shall ask the device for a REFRESH.
    #[rasn(tag(context, 1))]
    pub refresh_flag: bool,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// EnableProfileResponse ::= [49] SEQUENCE { enableResult [0] INTEGER }                            -- BF31
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 49))]
pub struct EnableProfileResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub enable_result: EnableResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How EnableProfile ended.
    pub EnableResult {
        /// Done.
        OK = 0 => "ok",
        /// There is no such profile.
        ICCID_OR_AID_NOT_FOUND = 1 => "iccidOrAidNotFound",
        /// It is enabled already.
        PROFILE_NOT_IN_DISABLED_STATE = 2 => "profileNotInDisabledState",
        /// A policy rule of the enabled profile forbids it.
        DISALLOWED_BY_POLICY = 3 => "disallowedByPolicy",
        /// A test profile is enabled, and this is not the profile it came after.
        WRONG_PROFILE_REENABLING = 4 => "wrongProfileReenabling",
        /// A proactive session is going on.
        CAT_BUSY = 5 => "catBusy",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// DisableProfileRequest ::= [50] SEQUENCE { profileIdentifier [0] CHOICE { isdpAid, iccid }, refreshFlag [1] BOOLEAN }   -- BF32
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 50))]
pub struct DisableProfileRequest {
    /// The profile.
    #[rasn(tag(explicit(context, 0)))]
    pub profile_identifier: ProfileIdentifier,
    /// Whether the eUICC shall ask the device for a REFRESH.
    #[rasn(tag(context, 1))]
    pub refresh_flag: bool,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// DisableProfileResponse ::= [50] SEQUENCE { disableResult [0] INTEGER }                          -- BF32
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 50))]
pub struct DisableProfileResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub disable_result: DisableResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How DisableProfile ended.
    pub DisableResult {
        /// Done.
        OK = 0 => "ok",
        /// There is no such profile.
        ICCID_OR_AID_NOT_FOUND = 1 => "iccidOrAidNotFound",
        /// It is disabled already.
        PROFILE_NOT_IN_ENABLED_STATE = 2 => "profileNotInEnabledState",
        /// PPR1 forbids it.
        DISALLOWED_BY_POLICY = 3 => "disallowedByPolicy",
        /// A proactive session is going on.
        CAT_BUSY = 5 => "catBusy",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// DeleteProfileRequest ::= [51] CHOICE { isdpAid [APPLICATION 15], iccid }                        -- BF33
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 51)))]
pub enum DeleteProfileRequest {
    /// Tag `4F`.
    IsdpAid(IsdpAid),
    /// Tag `5A`.
    Iccid(Iccid),
}

/// ```text
/// DeleteProfileResponse ::= [51] SEQUENCE { deleteResult [0] INTEGER }                            -- BF33
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 51))]
pub struct DeleteProfileResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub delete_result: DeleteResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How DeleteProfile ended.
    pub DeleteResult {
        /// Done.
        OK = 0 => "ok",
        /// There is no such profile.
        ICCID_OR_AID_NOT_FOUND = 1 => "iccidOrAidNotFound",
        /// It is enabled.
        PROFILE_NOT_IN_DISABLED_STATE = 2 => "profileNotInDisabledState",
        /// PPR2 forbids it.
        DISALLOWED_BY_POLICY = 3 => "disallowedByPolicy",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// EuiccMemoryResetRequest ::= [52] SEQUENCE { resetOptions [2] BIT STRING }                       -- BF34
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 52))]
pub struct EuiccMemoryResetRequest {
    /// What to remove.
    #[rasn(tag(context, 2))]
    pub reset_options: ResetOptions,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_bits! {
    /// What eUICCMemoryReset removes.
    pub ResetOptions {
        /// Operational profiles.
        DELETE_OPERATIONAL_PROFILES = 0,
        /// Test profiles that were loaded in the field.
        DELETE_FIELD_LOADED_TEST_PROFILES = 1,
        /// The default SM-DP+ address.
        RESET_DEFAULT_SMDP_ADDRESS = 2,
    }
}

/// ```text
/// EuiccMemoryResetResponse ::= [52] SEQUENCE { resetResult [0] INTEGER }                          -- BF34
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 52))]
pub struct EuiccMemoryResetResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub reset_result: ResetResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How eUICCMemoryReset ended.
    pub ResetResult {
        /// Done.
        OK = 0 => "ok",
        /// There was nothing of it.
        NOTHING_TO_DELETE = 1 => "nothingToDelete",
        /// A proactive session is going on.
        CAT_BUSY = 5 => "catBusy",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// GetEuiccDataRequest ::= [62] SEQUENCE { tagList [APPLICATION 28] Octet1 }                       -- BF3E
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 62))]
pub struct GetEuiccDataRequest {
    /// `5A`, the only object there is.
    #[rasn(tag(application, 28))]
    pub tag_list: OctetString,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// GetEuiccDataResponse ::= [62] SEQUENCE { eidValue [APPLICATION 26] Octet16 }                    -- BF3E
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 62))]
pub struct GetEuiccDataResponse {
    /// The EID.
    pub eid_value: Eid,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// SetNicknameRequest ::= [41] SEQUENCE { iccid, profileNickname [16] UTF8String (SIZE (0..64)) }   -- BF29
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 41))]
pub struct SetNicknameRequest {
    /// The profile.
    pub iccid: Iccid,
    /// Empty removes it.
    #[rasn(tag(context, 16))]
    pub profile_nickname: Text<64>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// SetNicknameResponse ::= [41] SEQUENCE { setNicknameResult [0] INTEGER }                         -- BF29
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 41))]
pub struct SetNicknameResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub set_nickname_result: SetNicknameResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How SetNickname ended.
    pub SetNicknameResult {
        /// Done.
        OK = 0 => "ok",
        /// There is no such profile.
        ICCID_NOT_FOUND = 1 => "iccidNotFound",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// GetRatRequest ::= [67] SEQUENCE {}                                                              -- BF43
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 67))]
pub struct GetRatRequest {
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// GetRatResponse ::= [67] SEQUENCE { rat [0] SEQUENCE OF ProfilePolicyAuthorisationRule }         -- BF43
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 67))]
pub struct GetRatResponse {
    /// The Rules Authorisation Table, in order of precedence.
    #[rasn(tag(context, 0))]
    pub rat: Vec<ProfilePolicyAuthorisationRule>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ProfilePolicyAuthorisationRule ::= SEQUENCE { pprIds [0], allowedOperators [1] SEQUENCE OF OperatorId, pprFlags [2] BIT STRING }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct ProfilePolicyAuthorisationRule {
    /// The rules it is about.
    #[rasn(tag(context, 0))]
    pub ppr_ids: PprIds,
    /// Whose profiles may carry them.
    #[rasn(tag(context, 1))]
    pub allowed_operators: Vec<OperatorId>,
    /// On what condition.
    #[rasn(tag(context, 2))]
    pub ppr_flags: PprFlags,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_bits! {
    /// Conditions of a rule in the RAT.
    pub PprFlags {
        /// The End User must agree.
        CONSENT_REQUIRED = 0,
    }
}

/// ```text
/// LpaeActivationRequest ::= [66] SEQUENCE { lpaeOption [0] BIT STRING }                           -- BF42
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 66))]
pub struct LpaeActivationRequest {
    /// By CAT (bit 0) or by the smart card web server (bit 1).
    #[rasn(tag(context, 0))]
    pub lpae_option: BitString,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// LpaeActivationResponse ::= [66] SEQUENCE { lpaeActivationResult [0] INTEGER }                   -- BF42
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 66))]
pub struct LpaeActivationResponse {
    /// How it ended.
    #[rasn(tag(context, 0))]
    pub lpae_activation_result: LpaeActivationResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// How the activation of an LPA in the eUICC ended.
    pub LpaeActivationResult {
        /// Done.
        OK = 0 => "ok",
        /// There is none.
        NOT_SUPPORTED = 1 => "notSupported",
    }
}
