//! Profile Policy Rules against the Rules Authorisation Table (SGP.22 2.9).

use rsp_asn1::{GetRatResponse, OctetString, OperatorId, PprFlags, PprIds, ProfilePolicyAuthorisationRule, Unknown};

/// The Profile Policy Rules that this version knows.
const KNOWN_RULES: [usize; 2] = [PprIds::PPR1, PprIds::PPR2];

/// The table of a new eUICC: every operator may set PPR1 and PPR2 if the End User agrees.
pub(crate) fn default_table() -> GetRatResponse {
    let anybody = OperatorId {
        mcc_mnc: OctetString::from_static(&[0xEE, 0xEE, 0xEE]),
        gid1: Some(OctetString::from_static(&[])),
        gid2: Some(OctetString::from_static(&[])),
        unknown: Unknown::default(),
    };
    let rule = ProfilePolicyAuthorisationRule {
        ppr_ids: PprIds::from_bits(&KNOWN_RULES),
        allowed_operators: vec![anybody],
        ppr_flags: PprFlags::from_bits(&[PprFlags::CONSENT_REQUIRED]),
        unknown: Unknown::default(),
    };
    GetRatResponse { rat: vec![rule], unknown: Unknown::default() }
}

/// Whether a profile with these rules and this owner may be installed under the table (SGP.22 2.9.2.4). Every rule that is
/// set needs an entry that lists it and covers the owner; a rule that is not known, or rules without an owner, never pass.
pub(crate) fn allows(table: &GetRatResponse, rules: &PprIds, owner: Option<&OperatorId>) -> bool {
    rules.bits().filter(|rule| *rule != PprIds::PPR_UPDATE_CONTROL).all(|rule| {
        KNOWN_RULES.contains(&rule)
            && owner.is_some_and(|owner| {
                table.rat.iter().any(|entry| {
                    entry.ppr_ids.contains(rule) && entry.allowed_operators.iter().any(|o| covers(o, owner))
                })
            })
    })
}

/// The rules that no operator at all may set, for EUICCInfo2; `None` when there are none.
pub(crate) fn forbidden_everywhere(table: &GetRatResponse) -> Option<PprIds> {
    let forbidden: Vec<usize> = KNOWN_RULES
        .into_iter()
        .filter(|rule| !table.rat.iter().any(|e| e.ppr_ids.contains(*rule) && !e.allowed_operators.is_empty()))
        .collect();
    (!forbidden.is_empty()).then(|| PprIds::from_bits(&forbidden))
}

/// Whether an entry of the table covers the owner of a profile: nibble E of mccMnc stands for any digit, an empty GID for
/// any GID, and an absent GID for an absent one only.
fn covers(entry: &OperatorId, owner: &OperatorId) -> bool {
    let digits = |id: &OperatorId| id.mcc_mnc.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]).collect::<Vec<u8>>();
    let (pattern, digits) = (digits(entry), digits(owner));
    pattern.len() == digits.len()
        && pattern.iter().zip(&digits).all(|(pattern, digit)| *pattern == 0x0E || pattern == digit)
        && gid_covers(entry.gid1.as_ref(), owner.gid1.as_ref())
        && gid_covers(entry.gid2.as_ref(), owner.gid2.as_ref())
}

fn gid_covers(pattern: Option<&OctetString>, gid: Option<&OctetString>) -> bool {
    match (pattern, gid) {
        (Some(pattern), _) if pattern.is_empty() => true,
        (pattern, gid) => pattern == gid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(mcc_mnc: [u8; 3], gid1: Option<&'static [u8]>) -> OperatorId {
        let gid1 = gid1.map(OctetString::from_static);
        OperatorId { mcc_mnc: mcc_mnc.to_vec().into(), gid1, gid2: None, unknown: Unknown::default() }
    }

    fn table(entries: &[(&[usize], OperatorId)]) -> GetRatResponse {
        let rat = entries
            .iter()
            .map(|(rules, operator)| ProfilePolicyAuthorisationRule {
                ppr_ids: PprIds::from_bits(rules),
                allowed_operators: vec![operator.clone()],
                ppr_flags: PprFlags::default(),
                unknown: Unknown::default(),
            })
            .collect();
        GetRatResponse { rat, unknown: Unknown::default() }
    }

    #[test]
    fn an_empty_table_allows_no_rule() {
        let owner = operator([0x00, 0xF1, 0x10], None);
        assert!(allows(&table(&[]), &PprIds::default(), None));
        assert!(allows(&table(&[]), &PprIds::from_bits(&[PprIds::PPR_UPDATE_CONTROL]), None));
        assert!(!allows(&table(&[]), &PprIds::from_bits(&[PprIds::PPR1]), Some(&owner)));
        assert_eq!(forbidden_everywhere(&table(&[])), Some(PprIds::from_bits(&[1, 2])));
        assert_eq!(forbidden_everywhere(&default_table()), None);
    }

    #[test]
    fn every_rule_needs_an_entry_of_its_own() {
        let owner = operator([0x00, 0xF1, 0x10], None);
        let only_ppr2 = table(&[(&[PprIds::PPR2], owner.clone())]);
        assert!(allows(&only_ppr2, &PprIds::from_bits(&[PprIds::PPR2]), Some(&owner)));
        assert!(!allows(&only_ppr2, &PprIds::from_bits(&[PprIds::PPR1, PprIds::PPR2]), Some(&owner)));
        assert!(!allows(&only_ppr2, &PprIds::from_bits(&[PprIds::PPR2]), None));
        assert!(!allows(&default_table(), &PprIds::from_bits(&[3]), Some(&owner)), "a rule that is not known");
    }

    #[test]
    fn wildcards_cover_as_the_standard_says() {
        let owner = |gid| operator([0x00, 0xF1, 0x10], gid);
        let allowed = |entry: OperatorId, owner: OperatorId| {
            allows(&table(&[(&[PprIds::PPR1], entry)]), &PprIds::from_bits(&[PprIds::PPR1]), Some(&owner))
        };
        assert!(allowed(operator([0x00, 0xF1, 0xEE], None), owner(None)));
        assert!(!allowed(operator([0x00, 0xF2, 0xEE], None), owner(None)));
        assert!(!allowed(operator([0xEE; 3], None), owner(Some(&[1]))), "an absent GID covers an absent one only");
        assert!(allowed(operator([0xEE; 3], Some(&[])), owner(Some(&[1]))));
        assert!(allowed(operator([0xEE; 3], Some(&[])), owner(None)));
        assert!(allowed(operator([0xEE; 3], Some(&[1])), owner(Some(&[1]))));
        assert!(!allowed(operator([0xEE; 3], Some(&[1])), owner(Some(&[2]))));
        let with_gid2 = |gid2: &'static [u8]| OperatorId {
            gid2: Some(OctetString::from_static(gid2)),
            ..operator([0x00, 0xF1, 0x10], Some(&[1]))
        };
        assert!(allowed(with_gid2(&[2]), with_gid2(&[2])) && allowed(with_gid2(&[]), with_gid2(&[2])));
        assert!(!allowed(with_gid2(&[2]), with_gid2(&[3])) && !allowed(with_gid2(&[2]), owner(Some(&[1]))));
    }
}
