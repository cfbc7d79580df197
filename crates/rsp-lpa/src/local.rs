//! Local management: what the eUICC is and has, and what its user changes without a server (SGP.22 5.7.3 to 5.7.22).

use rsp_asn1::{
    DeleteProfileRequest, DeleteProfileResponse, DeleteResult, DisableProfileRequest, DisableProfileResponse,
    DisableResult, Eid, EnableProfileRequest, EnableProfileResponse, EnableResult, EuiccConfiguredAddressesRequest,
    EuiccConfiguredAddressesResponse, EuiccInfo1, EuiccInfo2, EuiccMemoryResetRequest, EuiccMemoryResetResponse,
    GetEuiccDataRequest, GetEuiccDataResponse, GetEuiccInfo1Request, GetEuiccInfo2Request, GetRatRequest,
    GetRatResponse, Iccid, OctetString, ProfileIdentifier, ProfileInfo, ProfileInfoListRequest,
    ProfileInfoListResponse, ProfilePolicyAuthorisationRule, Raw, ResetOptions, ResetResult,
    SetDefaultDpAddressRequest, SetDefaultDpAddressResponse, SetDefaultDpAddressResult, SetNicknameRequest,
    SetNicknameResponse, SetNicknameResult, Unknown,
};
use rsp_es::client::{Origin, Scheme};

use crate::error::{Cause, Error};
use crate::event::Step;
use crate::lpa::Lpa;

/// Tag list for everything that a profile list shows: 5A, 4F, 9F70, 90, 91, 92, 93, 94, 95, B6, B7, 99.
const PROFILE_TAGS: [u8; 13] = [0x5A, 0x4F, 0x9F, 0x70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0xB6, 0xB7, 0x99];

const TRY_AGAIN: &str = "Reset the card and try again; if it persists, the eUICC is at fault.";
const CAT_BUSY: &str = "Close the menu or session that the card has open on the device, then try again.";
const NOT_FOUND: &str = "List the profiles and use one of the ICCIDs shown.";

impl Lpa<'_> {
    /// The EID (SGP.22 5.7.20).
    ///
    /// # Errors
    /// [`Error`], like all functions here: the card's fault or the way to it.
    pub fn eid(&mut self) -> Result<Eid, Error> {
        let request = GetEuiccDataRequest { tag_list: OctetString::from_static(&[0x5A]), unknown: Unknown::default() };
        let answer = self.call::<_, GetEuiccDataResponse>(Step::GetEid, &request)?;
        Ok(answer.value().eid_value)
    }

    /// What the eUICC trusts (SGP.22 5.7.8).
    ///
    /// # Errors
    /// [`Error`].
    pub fn euicc_info1(&mut self) -> Result<Raw<EuiccInfo1>, Error> {
        self.call(Step::GetEuiccInfo1, &GetEuiccInfo1Request::default())
    }

    /// Everything that the eUICC says of itself (SGP.22 5.7.8).
    ///
    /// # Errors
    /// [`Error`].
    pub fn euicc_info2(&mut self) -> Result<Raw<EuiccInfo2>, Error> {
        self.call(Step::GetEuiccInfo2, &GetEuiccInfo2Request::default())
    }

    /// Addresses of the default SM-DP+ and the root SM-DS (SGP.22 5.7.3).
    ///
    /// # Errors
    /// [`Error`].
    pub fn configured_addresses(&mut self) -> Result<EuiccConfiguredAddressesResponse, Error> {
        let request = EuiccConfiguredAddressesRequest::default();
        self.call(Step::GetEuiccConfiguredAddresses, &request).map(Raw::into_value)
    }

    /// Sets the address of the default SM-DP+, `HOST` or `HOST:PORT`; an empty one removes it (SGP.22 5.7.4).
    ///
    /// # Errors
    /// [`Error`]; an address that is none does not reach the eUICC.
    pub fn set_default_dp_address(&mut self, address: &str) -> Result<(), Error> {
        if !address.is_empty() {
            Origin::new(Scheme::Https, address).map_err(|error| Error::new(Step::SetDefaultDpAddress, error))?;
        }
        let request =
            SetDefaultDpAddressRequest { default_dp_address: address.to_owned(), unknown: Unknown::default() };
        let answer = self.call::<_, SetDefaultDpAddressResponse>(Step::SetDefaultDpAddress, &request)?;
        match answer.value().set_default_dp_address_result {
            SetDefaultDpAddressResult::OK => Ok(()),
            other => Err(refused(Step::SetDefaultDpAddress, other.to_string(), TRY_AGAIN)),
        }
    }

    /// The Rules Authorisation Table (SGP.22 5.7.22).
    ///
    /// # Errors
    /// [`Error`].
    pub fn rules_authorisation_table(&mut self) -> Result<Vec<ProfilePolicyAuthorisationRule>, Error> {
        Ok(self.call::<_, GetRatResponse>(Step::GetRat, &GetRatRequest::default())?.into_value().rat)
    }

    /// The profiles on the eUICC (SGP.22 5.7.15).
    ///
    /// # Errors
    /// [`Error`].
    pub fn profiles(&mut self) -> Result<Vec<ProfileInfo>, Error> {
        let request = ProfileInfoListRequest {
            tag_list: Some(OctetString::from_static(&PROFILE_TAGS)),
            ..ProfileInfoListRequest::default()
        };
        match self.call::<_, ProfileInfoListResponse>(Step::GetProfilesInfo, &request)?.into_value() {
            ProfileInfoListResponse::Ok(profiles) => Ok(profiles),
            ProfileInfoListResponse::Error(error) => Err(refused(Step::GetProfilesInfo, error.to_string(), TRY_AGAIN)),
        }
    }

    /// Enables a profile, which disables the one in use (SGP.22 5.7.16). With `refresh` the eUICC asks the device for a
    /// REFRESH and switches when that is done; without, it switches at once.
    ///
    /// # Errors
    /// [`Error`]; then both profiles are as they were.
    pub fn enable_profile(&mut self, profile: &ProfileIdentifier, refresh: bool) -> Result<(), Error> {
        let request = EnableProfileRequest {
            profile_identifier: profile.clone(),
            refresh_flag: refresh,
            unknown: Unknown::default(),
        };
        let answer = self.call::<_, EnableProfileResponse>(Step::EnableProfile, &request)?;
        let result = answer.value().enable_result;
        let remedy = match result {
            EnableResult::OK => return Ok(()),
            EnableResult::ICCID_OR_AID_NOT_FOUND => NOT_FOUND,
            EnableResult::PROFILE_NOT_IN_DISABLED_STATE => "The profile is enabled already.",
            EnableResult::DISALLOWED_BY_POLICY => {
                "The profile in use may not be disabled (PPR1): ask its operator to lift the rule."
            }
            EnableResult::WRONG_PROFILE_REENABLING => "Disable the test profile first.",
            EnableResult::CAT_BUSY => CAT_BUSY,
            _ => TRY_AGAIN,
        };
        Err(refused(Step::EnableProfile, result.to_string(), remedy))
    }

    /// Disables the profile in use (SGP.22 5.7.17); `refresh` as in [`enable_profile`](Self::enable_profile).
    ///
    /// # Errors
    /// [`Error`]; then nothing has changed.
    pub fn disable_profile(&mut self, profile: &ProfileIdentifier, refresh: bool) -> Result<(), Error> {
        let request = DisableProfileRequest {
            profile_identifier: profile.clone(),
            refresh_flag: refresh,
            unknown: Unknown::default(),
        };
        let answer = self.call::<_, DisableProfileResponse>(Step::DisableProfile, &request)?;
        let result = answer.value().disable_result;
        let remedy = match result {
            DisableResult::OK => return Ok(()),
            DisableResult::ICCID_OR_AID_NOT_FOUND => NOT_FOUND,
            DisableResult::PROFILE_NOT_IN_ENABLED_STATE => "The profile is disabled already.",
            DisableResult::DISALLOWED_BY_POLICY => {
                "The profile may not be disabled (PPR1): ask its operator to lift the rule."
            }
            DisableResult::CAT_BUSY => CAT_BUSY,
            _ => TRY_AGAIN,
        };
        Err(refused(Step::DisableProfile, result.to_string(), remedy))
    }

    /// Deletes a disabled profile for good (SGP.22 5.7.18).
    ///
    /// # Errors
    /// [`Error`]; then nothing has changed.
    pub fn delete_profile(&mut self, profile: &ProfileIdentifier) -> Result<(), Error> {
        let request = match profile.clone() {
            ProfileIdentifier::IsdpAid(aid) => DeleteProfileRequest::IsdpAid(aid),
            ProfileIdentifier::Iccid(iccid) => DeleteProfileRequest::Iccid(iccid),
        };
        let answer = self.call::<_, DeleteProfileResponse>(Step::DeleteProfile, &request)?;
        let result = answer.value().delete_result;
        let remedy = match result {
            DeleteResult::OK => return Ok(()),
            DeleteResult::ICCID_OR_AID_NOT_FOUND => NOT_FOUND,
            DeleteResult::PROFILE_NOT_IN_DISABLED_STATE => "Disable the profile first.",
            DeleteResult::DISALLOWED_BY_POLICY => {
                "The profile may not be deleted (PPR2): ask its operator to lift the rule."
            }
            _ => TRY_AGAIN,
        };
        Err(refused(Step::DeleteProfile, result.to_string(), remedy))
    }

    /// Gives a profile a name of the user's own; an empty one removes it (SGP.22 5.7.21). At most 64 characters.
    ///
    /// # Errors
    /// [`Error`].
    pub fn set_nickname(&mut self, iccid: Iccid, nickname: &str) -> Result<(), Error> {
        let request = SetNicknameRequest { iccid, profile_nickname: nickname.into(), unknown: Unknown::default() };
        let answer = self.call::<_, SetNicknameResponse>(Step::SetNickname, &request)?;
        let result = answer.value().set_nickname_result;
        let remedy = match result {
            SetNicknameResult::OK => return Ok(()),
            SetNicknameResult::ICCID_NOT_FOUND => NOT_FOUND,
            _ => TRY_AGAIN,
        };
        Err(refused(Step::SetNickname, result.to_string(), remedy))
    }

    /// Removes profiles or the default address, whatever their policy rules say (SGP.22 5.7.19). False when there was
    /// nothing of it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn memory_reset(&mut self, options: ResetOptions) -> Result<bool, Error> {
        let request = EuiccMemoryResetRequest { reset_options: options, unknown: Unknown::default() };
        let answer = self.call::<_, EuiccMemoryResetResponse>(Step::EuiccMemoryReset, &request)?;
        match answer.value().reset_result {
            ResetResult::OK => Ok(true),
            ResetResult::NOTHING_TO_DELETE => Ok(false),
            ResetResult::CAT_BUSY => Err(refused(Step::EuiccMemoryReset, ResetResult::CAT_BUSY.to_string(), CAT_BUSY)),
            other => Err(refused(Step::EuiccMemoryReset, other.to_string(), TRY_AGAIN)),
        }
    }
}

pub(crate) fn refused(step: Step, code: String, remedy: &'static str) -> Error {
    Error::new(step, Cause::EuiccRefused { code, remedy })
}
