//! ES10c.eUICCMemoryReset (SGP.22 5.7.19).

use rsp_apdu::StatusWord;
use rsp_asn1::{EuiccMemoryResetRequest, EuiccMemoryResetResponse, ProfileClass, ResetOptions, ResetResult, Unknown};

use super::{Session, decode, encode, switch};
use crate::platform::Platform;
use crate::toolkit::Switch;

/// ES10c.eUICCMemoryReset: removes profiles whatever their policy rules say and even when enabled, but never provisioning
/// profiles. Sequence numbers, CRLs and the RAT survive. The request has no refreshFlag: when the enabled profile goes, and the
/// terminal does REFRESH, nothing is removed before it. Options of later versions are not looked at.
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
    if platform.toolkit.is_busy() {
        return encode(&EuiccMemoryResetResponse { reset_result: ResetResult::CAT_BUSY, unknown: Unknown::default() });
    }
    let enabled_goes = platform.state.enabled_profile().is_some_and(|slot| going.contains(&slot.isdp_aid));
    switch::make(platform, session, Switch::MemoryReset { going, resets_address }, enabled_goes);
    encode(&EuiccMemoryResetResponse { reset_result: ResetResult::OK, unknown: Unknown::default() })
}
