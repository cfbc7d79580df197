//! Whether a profile suits an eUICC (SGP.22 5.6.3, eligibility check, and free memory).

use std::collections::BTreeSet;

use rsp_asn1::{DeviceInfo, EuiccInfo2, ExtCardResource, PprIds, StoreMetadataRequest, VersionType};

use crate::error::Error;

/// Proof that the profile suits the eUICC. Only [`check`] makes one.
pub(crate) struct Eligible(());

/// Which eUICCs and devices a server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligibility {
    /// eUICCs of a lower version of SGP.22 are refused; at least 2.0.0 for the messages to be known.
    pub minimum_svn: VersionType,
    /// eUICCs of a higher version of SGP.22 are refused.
    pub maximum_svn: Option<VersionType>,
    /// Devices that get no profile, by their Type Allocation Code: eight digits, nibble-swapped as in deviceInfo.
    pub blocked_tacs: BTreeSet<[u8; 4]>,
}

impl Default for Eligibility {
    fn default() -> Self {
        Self { minimum_svn: VersionType([2, 0, 0]), maximum_svn: None, blocked_tacs: BTreeSet::new() }
    }
}

impl Eligibility {
    /// A Type Allocation Code as deviceInfo has it, from its eight digits. `None` when it has others.
    pub fn tac(digits: &str) -> Option<[u8; 4]> {
        let digits: [u8; 8] = digits.as_bytes().try_into().ok()?;
        let digit = |index: usize| digits[index].checked_sub(b'0').filter(|digit| *digit < 10);
        let mut tac = [0; 4];
        for (index, byte) in tac.iter_mut().enumerate() {
            *byte = digit(2 * index)? | (digit(2 * index + 1)? << 4);
        }
        Some(tac)
    }
}

/// Checks what the eUICC signed about itself and its device against the profile.
pub(crate) fn check(
    rules: &Eligibility,
    info: &EuiccInfo2,
    device: &DeviceInfo,
    metadata: &StoreMetadataRequest,
    package_size: u32,
) -> Result<Eligible, Error> {
    if info.svn < rules.minimum_svn {
        return Err(Error::NotEligible("the eUICC's SVN is too low"));
    }
    if rules.maximum_svn.is_some_and(|maximum| info.svn > maximum) {
        return Err(Error::NotEligible("the eUICC's SVN is too high"));
    }
    if rules.blocked_tacs.iter().any(|blocked| device.tac.as_ref() == blocked.as_slice()) {
        return Err(Error::NotEligible("devices of this type get no profile"));
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
