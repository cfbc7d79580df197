//! Profile policy rules against the Rules Authorisation Table (SGP.22 2.9.2.1).

use rsp_asn1::{
    OctetString, OperatorId, PprFlags, PprIds, ProfileClass, ProfileInfo, ProfilePolicyAuthorisationRule,
    StoreMetadataRequest, Unknown,
};
use rsp_lpa::policy::{PolicyRefusal, PolicyRule, check};

use crate::server::metadata;

/// 001-01.
const TEST_OPERATOR: [u8; 3] = [0x00, 0xF1, 0x10];

fn operator(mcc_mnc: [u8; 3], gid1: Option<&'static [u8]>) -> OperatorId {
    OperatorId {
        mcc_mnc: OctetString::from(mcc_mnc.to_vec()),
        gid1: gid1.map(OctetString::from_static),
        gid2: None,
        unknown: Unknown::default(),
    }
}

pub(crate) fn entry(rules: &[usize], operators: Vec<OperatorId>, consent: bool) -> ProfilePolicyAuthorisationRule {
    let flags: &[usize] = if consent { &[PprFlags::CONSENT_REQUIRED] } else { &[] };
    ProfilePolicyAuthorisationRule {
        ppr_ids: PprIds::from_bits(rules),
        allowed_operators: operators,
        ppr_flags: PprFlags::from_bits(flags),
        unknown: Unknown::default(),
    }
}

pub(crate) fn with_rules(rules: &[usize], owner: Option<OperatorId>) -> StoreMetadataRequest {
    StoreMetadataRequest { profile_policy_rules: Some(PprIds::from_bits(rules)), profile_owner: owner, ..metadata() }
}

pub(crate) fn any_operator() -> OperatorId {
    operator([0xEE, 0xEE, 0xEE], Some(&[]))
}

pub(crate) fn test_operator() -> OperatorId {
    operator(TEST_OPERATOR, None)
}

#[test]
fn a_profile_without_rules_is_free() {
    assert_eq!(check(&metadata(), &[], &[]), Ok(vec![]));
    assert_eq!(check(&with_rules(&[PprIds::PPR_UPDATE_CONTROL], None), &[], &[]), Ok(vec![]));
}

#[test]
fn the_first_entry_that_covers_rule_and_owner_decides() {
    let profile = with_rules(&[PprIds::PPR2], Some(test_operator()));
    let refused = Err(PolicyRefusal::NotAuthorised(PolicyRule::DeleteNotAllowed));
    assert_eq!(check(&profile, &[], &[]), refused);
    let table = [
        entry(&[PprIds::PPR1], vec![any_operator()], false),
        entry(&[PprIds::PPR2], vec![operator([0x00, 0xF1, 0x20], None)], false),
        entry(&[PprIds::PPR1, PprIds::PPR2], vec![operator([0x00, 0xE1, 0x10], None)], true),
        entry(&[PprIds::PPR2], vec![any_operator()], false),
    ];
    let allowed = check(&profile, &table, &[]).unwrap();
    assert_eq!(allowed.len(), 1);
    assert_eq!((allowed[0].rule, allowed[0].consent_required), (PolicyRule::DeleteNotAllowed, true));
    assert_eq!(check(&profile, &table[..2], &[]), refused);
}

#[test]
fn an_absent_group_matches_absence_and_an_empty_one_anything() {
    let profile = |gid1| with_rules(&[PprIds::PPR2], Some(operator(TEST_OPERATOR, gid1)));
    let table = |gid1| [entry(&[PprIds::PPR2], vec![operator(TEST_OPERATOR, gid1)], false)];
    for (in_table, in_profile, allowed) in [
        (None, None, true),
        (None, Some(&[1][..]), false),
        (Some(&[][..]), None, true),
        (Some(&[][..]), Some(&[1][..]), true),
        (Some(&[1][..]), Some(&[1][..]), true),
        (Some(&[1][..]), Some(&[2][..]), false),
        (Some(&[1][..]), None, false),
    ] {
        assert_eq!(check(&profile(in_profile), &table(in_table), &[]).is_ok(), allowed, "{in_table:?} {in_profile:?}");
    }
}

#[test]
fn rules_need_an_owner_and_known_numbers() {
    let table = [entry(&[PprIds::PPR1, PprIds::PPR2, 5], vec![any_operator()], false)];
    assert_eq!(check(&with_rules(&[PprIds::PPR2], None), &table, &[]), Err(PolicyRefusal::NoOwner));
    let unknown = with_rules(&[PprIds::PPR2, 5], Some(test_operator()));
    assert_eq!(check(&unknown, &table, &[]), Err(PolicyRefusal::UnknownRule(5)));
}

#[test]
fn ppr1_is_for_the_first_operational_profile_only() {
    let table = [entry(&[PprIds::PPR1], vec![any_operator()], false)];
    let profile = with_rules(&[PprIds::PPR1], Some(test_operator()));
    let installed = |class| ProfileInfo { profile_class: class, ..ProfileInfo::default() };
    assert!(check(&profile, &table, &[]).is_ok());
    assert!(check(&profile, &table, &[installed(Some(ProfileClass::TEST))]).is_ok());
    for class in [None, Some(ProfileClass::OPERATIONAL)] {
        assert_eq!(check(&profile, &table, &[installed(class)]), Err(PolicyRefusal::NotTheFirst));
    }
}
