//! The commands inside a package, once they are readable: ConfigureISDP, StoreMetadata, ReplaceSessionKeys and the
//! profile elements (SGP.22 5.5.2 to 5.5.5).

use rsp_asn1::{ConfigureIsdpRequest, ErrorReason, Iccid, ReplaceSessionKeysRequest, StoreMetadataRequest, encode};
use rsp_bpp::BspKeys;
use rsp_crypto::Zeroizing;
use rsp_crypto::hash::sha256;

use super::package::Failure;
use super::proofs::MetadataAccepted;
use crate::EuiccState;
use crate::platform::Platform;
use crate::profile::{self, ContentsMatchMetadata};
use crate::state::{FIRST_ISDP, ISDP_OVERHEAD, ProfileSlot};

/// The longest dpProprietaryData, tag and length included.
const MAX_PROPRIETARY_DATA: usize = 128;

/// What a package has said so far.
#[derive(Default)]
pub(super) struct Contents {
    /// ConfigureISDPRequest, DER.
    configuration: Vec<u8>,
    /// Known as soon as StoreMetadata is read, even if it is refused: the result names the profile.
    iccid: Option<Iccid>,
    metadata: Option<MetadataAccepted>,
    /// One TLV after another, as they came.
    profile_elements: Zeroizing<Vec<u8>>,
}

/// A profile that passed every check.
pub(super) struct Installed {
    slot: ProfileSlot,
    /// EUICCResponse, DER.
    sima_response: Vec<u8>,
}

impl Installed {
    /// What goes into the state, and the EUICCResponse.
    pub(super) fn into_parts(self) -> (ProfileSlot, Vec<u8>) {
        (self.slot, self.sima_response)
    }
}

impl Contents {
    /// The ICCID, once StoreMetadata has named it.
    pub(super) fn iccid(&self) -> Option<Iccid> {
        self.iccid
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
        self.iccid = Some(iccid);
        self.metadata = Some(MetadataAccepted::judge(platform, metadata, der)?);
        Ok(iccid)
    }

    /// ES8+.LoadProfileElements: all of them, one after another.
    pub(super) fn load_profile_elements(&mut self, elements: Zeroizing<Vec<u8>>) {
        self.profile_elements = elements;
    }
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
    let metadata = contents.metadata.as_ref().ok_or(Failure::from(ErrorReason::SCP03T_STRUCTURE_ERROR))?;
    let interpreted = profile::interpret(&contents.profile_elements)?;
    let installs_published_keys = platform.state.installs_published_keys();
    let matching = ContentsMatchMetadata::check(interpreted, metadata.request(), installs_published_keys)?;
    let (profile_contents, sima_response) = matching.into_parts();
    let slot = ProfileSlot {
        isdp_aid: free_isdp_aid(&platform.state),
        ci_key_id: ci_key_id.to_vec(),
        iccid: metadata.request().iccid.0,
        metadata: metadata.der().to_vec(),
        configuration: contents.configuration.clone(),
        nickname: String::new(),
        enabled: false,
        upp_sha256: sha256(&contents.profile_elements),
        upp_length: u32::try_from(contents.profile_elements.len()).unwrap_or(u32::MAX),
        contents: profile_contents,
    };
    if slot.size() > platform.state.free_memory() {
        // A small package can describe large files.
        return Err(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE.into());
    }
    Ok(Installed { slot, sima_response })
}

/// The AID of a new ISD-P: that of the ISD-R with a running number in bytes 14 and 15.
fn free_isdp_aid(state: &EuiccState) -> [u8; 16] {
    let aid = |number: u16| {
        let mut aid = super::ISDR_AID;
        aid[13..15].copy_from_slice(&number.to_be_bytes());
        aid
    };
    aid(free_number(state.next_isdp, |number| state.profiles.iter().any(|slot| slot.isdp_aid == aid(number))))
}

/// The first number from `next` on that is not taken. When all were given out, they begin again.
fn free_number(next: u16, is_taken: impl Fn(u16) -> bool) -> u16 {
    let mut numbers = (next.max(FIRST_ISDP)..=u16::MAX).chain(FIRST_ISDP..=u16::MAX);
    numbers.find(|number| !is_taken(*number)).unwrap_or(FIRST_ISDP)
}

/// The number of the ISD-P after this one.
pub(super) fn next_isdp(aid: &[u8; 16]) -> u16 {
    u16::from_be_bytes([aid[13], aid[14]]).checked_add(1).unwrap_or(FIRST_ISDP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_isd_ps_begin_again_and_pass_over_those_that_are_there() {
        assert_eq!(free_number(0, |_| false), FIRST_ISDP);
        assert_eq!(free_number(0x12, |number| number < 0x20), 0x20);
        assert_eq!(free_number(u16::MAX, |number| number == u16::MAX || number < 0x13), 0x13);
        let mut last = super::super::ISDR_AID;
        last[13..15].copy_from_slice(&[0xFF, 0xFF]);
        assert_eq!(next_isdp(&last), FIRST_ISDP);
        last[14] = 0x10;
        assert_eq!(next_isdp(&last), 0xFF11);
    }
}
