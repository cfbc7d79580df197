//! ES10c.eUICCMemoryReset (SGP.22 5.7.19).

use rsp_apdu::StatusWord;
use rsp_asn1::{EuiccMemoryResetRequest, EuiccMemoryResetResponse, ProfileClass, ResetOptions, ResetResult, Unknown};

use super::management::{before_test, remove, switch};
use super::{Session, decode, encode};
use crate::platform::Platform;

/// ES10c.eUICCMemoryReset: removes profiles whatever their policy rules say and even when enabled, but never provisioning
/// profiles. Sequence numbers and the RAT survive.
pub(super) fn memory_reset(
    platform: &mut Platform,
    session: &mut Session,
    request: &[u8],
) -> Result<Vec<u8>, StatusWord> {
    let options = decode::<EuiccMemoryResetRequest>(request)?.reset_options;
    let goes = |class: ProfileClass| match class {
        ProfileClass::OPERATIONAL => options.contains(ResetOptions::DELETE_OPERATIONAL_PROFILES),
        ProfileClass::TEST => options.contains(ResetOptions::DELETE_FIELD_LOADED_TEST_PROFILES),
        _ => false,
    };
    let going: Vec<[u8; 16]> =
        platform.state.profiles.iter().filter(|slot| goes(slot.metadata().profile_class)).map(|s| s.isdp_aid).collect();
    let resets_address = options.contains(ResetOptions::RESET_DEFAULT_SMDP_ADDRESS);
    if going.is_empty() && !resets_address {
        let reset_result = ResetResult::NOTHING_TO_DELETE;
        return encode(&EuiccMemoryResetResponse { reset_result, unknown: Unknown::default() });
    }
    if platform.state.enabled_profile().is_some_and(|slot| going.contains(&slot.isdp_aid)) {
        // A test profile makes room for the one before it, unless that goes as well.
        let next = before_test(platform).filter(|next| !going.contains(&platform.state.profiles[*next].isdp_aid));
        if next.is_some() {
            switch(platform, next);
        }
    }
    for aid in going {
        remove(platform, aid);
    }
    if resets_address {
        platform.state.default_dp_address = platform.state.initial_dp_address.clone();
    }
    platform.state.one_time_keys.clear();
    platform.changed = true;
    *session = Session::None;
    encode(&EuiccMemoryResetResponse { reset_result: ResetResult::OK, unknown: Unknown::default() })
}
