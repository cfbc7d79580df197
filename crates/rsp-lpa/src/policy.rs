//! Whether a profile with policy rules may be installed here (SGP.22 2.9.2.1, 3.1.3, 5.7.6).

use std::fmt;

use rsp_asn1::{
    OperatorId, PprFlags, PprIds, ProfileClass, ProfileInfo, ProfilePolicyAuthorisationRule, StoreMetadataRequest,
};

/// A rule that a profile can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyRule {
    /// PPR1: the profile cannot be disabled.
    DisableNotAllowed,
    /// PPR2: the profile cannot be deleted.
    DeleteNotAllowed,
}

impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DisableNotAllowed => "PPR1 (the profile cannot be disabled)",
            Self::DeleteNotAllowed => "PPR2 (the profile cannot be deleted)",
        })
    }
}

/// A rule of the profile, and whether the End User has to agree to it in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedRule {
    /// The rule.
    pub rule: PolicyRule,
    /// The Rules Authorisation Table asks for the End User's consent.
    pub consent_required: bool,
}

/// Why a profile must not be installed on this eUICC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// The Rules Authorisation Table of the eUICC lets no profile of this owner carry the rule.
    #[error("this eUICC does not allow profiles of this operator with {0}")]
    NotAuthorised(PolicyRule),
    /// The rules count only for a named owner.
    #[error("the profile carries policy rules and names no owner")]
    NoOwner,
    /// The profile carries a rule that this program does not know.
    #[error("the profile carries an unknown policy rule, bit {0}")]
    UnknownRule(usize),
    /// A profile that cannot be disabled may only be the first.
    #[error("a profile with PPR1 (cannot be disabled) is allowed only while no other operational profile is installed")]
    NotTheFirst,
}

/// Decides by the profile's metadata, the eUICC's Rules Authorisation Table and the profiles that are installed.
///
/// # Errors
/// [`PolicyRefusal`]; the session is then cancelled with pprNotAllowed.
pub fn check(
    metadata: &StoreMetadataRequest,
    rat: &[ProfilePolicyAuthorisationRule],
    installed: &[ProfileInfo],
) -> Result<Vec<AllowedRule>, PolicyRefusal> {
    let Some(rules) = &metadata.profile_policy_rules else { return Ok(Vec::new()) };
    let mut allowed = Vec::new();
    for bit in rules.bits() {
        let rule = match bit {
            PprIds::PPR_UPDATE_CONTROL => continue,
            PprIds::PPR1 => PolicyRule::DisableNotAllowed,
            PprIds::PPR2 => PolicyRule::DeleteNotAllowed,
            unknown => return Err(PolicyRefusal::UnknownRule(unknown)),
        };
        let owner = metadata.profile_owner.as_ref().ok_or(PolicyRefusal::NoOwner)?;
        let entry = rat
            .iter()
            .find(|entry| {
                entry.ppr_ids.contains(bit) && entry.allowed_operators.iter().any(|operator| covers(operator, owner))
            })
            .ok_or(PolicyRefusal::NotAuthorised(rule))?;
        if rule == PolicyRule::DisableNotAllowed && installed.iter().any(is_operational) {
            return Err(PolicyRefusal::NotTheFirst);
        }
        allowed.push(AllowedRule { rule, consent_required: entry.ppr_flags.contains(PprFlags::CONSENT_REQUIRED) });
    }
    Ok(allowed)
}

/// A profile without a class is operational.
fn is_operational(profile: &ProfileInfo) -> bool {
    profile.profile_class.unwrap_or(ProfileClass::OPERATIONAL) == ProfileClass::OPERATIONAL
}

/// Whether an entry of the table means this owner. In the table, E is any digit and an empty group identifier any group;
/// an absent group identifier means an absent one.
fn covers(entry: &OperatorId, owner: &OperatorId) -> bool {
    let nibbles = |octets: &[u8]| octets.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect::<Vec<_>>();
    let (pattern, digits) = (nibbles(&entry.mcc_mnc), nibbles(&owner.mcc_mnc));
    let group = |entry: &Option<rsp_asn1::OctetString>, owner: &Option<rsp_asn1::OctetString>| match entry {
        Some(any) if any.is_empty() => true,
        entry => entry == owner,
    };
    pattern.len() == digits.len()
        && pattern.iter().zip(&digits).all(|(pattern, digit)| *pattern == 0x0E || pattern == digit)
        && group(&entry.gid1, &owner.gid1)
        && group(&entry.gid2, &owner.gid2)
}
