//! The checks that need both the contents of a profile and its metadata (SGP.22 2.5.6.1).

use rsp_asn1::{ErrorReason, ProfileClass, StoreMetadataRequest};
use rsp_saip::status::{PeStatus, PeStatusCode};

use super::{Interpreted, ProfileContents, Refusal};
use crate::interpreter::Owner;

/// Proof that metadata and contents speak of the same subscription, with the contents.
pub(crate) struct ContentsMatchMetadata(Interpreted);

impl ContentsMatchMetadata {
    /// Checks ICCID and owner, that a test profile has a test key, and unless `installs_published_keys`, that no other has a
    /// security domain that opens with published keys.
    pub(crate) fn check(
        interpreted: Interpreted,
        metadata: &StoreMetadataRequest,
        installs_published_keys: bool,
    ) -> Result<Self, Refusal> {
        compare(&interpreted.contents, metadata)?;
        if !installs_published_keys {
            check_keys(&interpreted.contents, metadata)?;
        }
        Ok(Self(interpreted))
    }

    /// The contents, and the EUICCResponse as DER.
    pub(crate) fn into_parts(self) -> (ProfileContents, Vec<u8>) {
        (self.0.contents, self.0.sima_response)
    }
}

fn compare(contents: &ProfileContents, metadata: &StoreMetadataRequest) -> Result<(), Refusal> {
    let belongs_to_owner = metadata.profile_owner.as_ref().is_none_or(|owner| {
        <[u8; 3]>::try_from(owner.mcc_mnc.as_ref()).is_ok_and(|mcc_mnc| {
            contents.belongs_to(&Owner { mcc_mnc, gid1: owner.gid1.as_deref(), gid2: owner.gid2.as_deref() })
        })
    });
    let reason = if contents.iccid() != Some(metadata.iccid.0) || !belongs_to_owner {
        ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH
    } else if metadata.profile_class == ProfileClass::TEST && !contents.has_only_test_keys() {
        ErrorReason::TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY
    } else {
        return Ok(());
    };
    Err(Refusal { reason, sima_response: None })
}

/// A profile that is not for tests can be changed over the air by nobody who has no more than published keys.
fn check_keys(contents: &ProfileContents, metadata: &StoreMetadataRequest) -> Result<(), Refusal> {
    if metadata.profile_class == ProfileClass::TEST || !contents.registry().is_open_to_everybody() {
        return Ok(());
    }
    let status = PeStatus::new(PeStatusCode::BAD_VALUES, None);
    Err(super::refusal(vec![status], "the keys of a security domain are published, or messages over the air need none"))
}
