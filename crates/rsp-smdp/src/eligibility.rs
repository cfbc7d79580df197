//! Whether a profile suits an eUICC (SGP.22 5.6.3, eligibility check, and free memory).

use rsp_asn1::{EuiccInfo2, ExtCardResource, PprIds, StoreMetadataRequest, VersionType};

use crate::error::Error;

/// Proof that the profile suits the eUICC. Only [`check`] makes one.
pub(crate) struct Eligible(());

/// Checks what the eUICC signed about itself against the profile.
pub(crate) fn check(
    info: &EuiccInfo2,
    minimum_svn: VersionType,
    metadata: &StoreMetadataRequest,
    package_size: u32,
) -> Result<Eligible, Error> {
    if info.svn < minimum_svn {
        return Err(Error::NotEligible("the eUICC's SVN is too low"));
    }
    if let (Some(rules), Some(forbidden)) = (&metadata.profile_policy_rules, &info.forbidden_profile_policy_rules)
        && [PprIds::PPR1, PprIds::PPR2].into_iter().any(|rule| rules.contains(rule) && forbidden.contains(rule))
    {
        return Err(Error::NotEligible("the eUICC forbids a policy rule of the profile"));
    }
    // An eUICC that does not say how much it has is given the benefit of the doubt: it will report the failure.
    match ExtCardResource::parse(&info.ext_card_resource) {
        Some(resource) if resource.free_non_volatile < package_size => {
            Err(Error::InsufficientMemory { needed: package_size, free: resource.free_non_volatile })
        }
        _ => Ok(Eligible(())),
    }
}
