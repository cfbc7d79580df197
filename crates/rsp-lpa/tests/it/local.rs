//! Local management: what is asked of the eUICC, and what its codes are called.

use rsp_asn1::*;
use rsp_lpa::{Blame, Cause, Error, Lpa, Options};

use crate::World;

fn with_code<T>(code: i64, run: impl FnOnce(&mut Lpa<'_>) -> Result<T, Error>) -> (Result<T, Error>, World) {
    let mut world = World::new();
    world.card.code = code;
    let mut lpa = Lpa::open(&mut world.card, &mut world.events, &Options::default()).unwrap();
    let outcome = run(&mut lpa);
    drop(lpa);
    assert_eq!(world.card.open, 0);
    (outcome, world)
}

fn profile() -> ProfileIdentifier {
    ProfileIdentifier::Iccid("8900000000000000012".parse().unwrap())
}

#[test]
fn reads_the_eid() {
    let (eid, world) = with_code(0, |lpa| lpa.eid());
    assert_eq!(eid.unwrap().to_string(), "89049032123451234512345678901235");
    assert_eq!(world.card.requests[0], [0xBF, 0x3E, 0x03, 0x5C, 0x01, 0x5A]);
}

#[test]
fn enables_disables_and_deletes() {
    let (outcome, world) = with_code(0, |lpa| lpa.enable_profile(&profile(), false));
    outcome.unwrap();
    assert_eq!(hex::encode_upper(&world.card.requests[0]), "BF3111A00C5A0A980000000000000010F2810100");
    let (outcome, world) = with_code(0, |lpa| lpa.disable_profile(&profile(), true));
    outcome.unwrap();
    assert_eq!(hex::encode_upper(&world.card.requests[0]), "BF3211A00C5A0A980000000000000010F28101FF");
    let (outcome, world) = with_code(0, |lpa| lpa.delete_profile(&profile()));
    outcome.unwrap();
    assert_eq!(hex::encode_upper(&world.card.requests[0]), "BF330C5A0A980000000000000010F2");
}

#[test]
fn each_code_has_its_name_and_a_remedy() {
    let cases: [(i64, &str, &str); 6] = [
        (1, "iccidOrAidNotFound(1)", "ICCID"),
        (2, "profileNotInDisabledState(2)", "already"),
        (3, "disallowedByPolicy(3)", "PPR1"),
        (4, "wrongProfileReenabling(4)", "test profile"),
        (5, "catBusy(5)", "menu"),
        (127, "undefinedError(127)", "Reset"),
    ];
    for (code, name, remedy) in cases {
        let error = with_code(code, |lpa| lpa.enable_profile(&profile(), false)).0.unwrap_err();
        assert!(error.to_string().ends_with(name), "{error}");
        assert!(error.remedy().contains(remedy), "{}", error.remedy());
        assert_eq!(error.blame(), Blame::Card);
    }
    for (code, remedy) in [(2, "already"), (3, "PPR1"), (5, "menu")] {
        let error = with_code(code, |lpa| lpa.disable_profile(&profile(), false)).0.unwrap_err();
        assert!(error.remedy().contains(remedy), "{error}");
    }
    for (code, remedy) in [(1, "List"), (2, "Disable"), (3, "PPR2")] {
        let error = with_code(code, |lpa| lpa.delete_profile(&profile())).0.unwrap_err();
        assert!(error.remedy().contains(remedy), "{error}");
    }
}

#[test]
fn names_resets_and_sets_the_default_address() {
    let iccid: Iccid = "8900000000000000012".parse().unwrap();
    let (outcome, world) = with_code(0, |lpa| lpa.set_nickname(iccid, "Büro"));
    outcome.unwrap();
    assert_eq!(hex::encode_upper(&world.card.requests[0]), "BF29135A0A980000000000000010F2900542C3BC726F");
    assert!(with_code(1, |lpa| lpa.set_nickname(iccid, "")).0.is_err());

    let options = || ResetOptions::from_bits(&[ResetOptions::DELETE_OPERATIONAL_PROFILES]);
    let (outcome, world) = with_code(0, |lpa| lpa.memory_reset(options()));
    assert!(outcome.unwrap());
    assert_eq!(hex::encode_upper(&world.card.requests[0]), "BF340482020780");
    assert!(!with_code(1, |lpa| lpa.memory_reset(options())).0.unwrap());
    assert!(with_code(5, |lpa| lpa.memory_reset(options())).0.is_err());

    let (outcome, world) = with_code(0, |lpa| lpa.set_default_dp_address("a.example"));
    outcome.unwrap();
    assert_eq!(world.card.requests[0][..5], [0xBF, 0x3F, 0x0B, 0x80, 0x09]);
    assert!(with_code(127, |lpa| lpa.set_default_dp_address("")).0.is_err());
    for address in ["a/b", "a$b", "a b", "a\u{1B}[2J", "a:b"] {
        let (outcome, _) = with_code(0, |lpa| lpa.set_default_dp_address(address));
        let error = outcome.expect_err("no address");
        assert!(matches!(*error.cause, Cause::Address(_)), "{error}");
        assert!(!error.to_string().contains('\u{1B}'));
    }
}

#[test]
fn a_nickname_that_is_too_long_is_refused_before_it_is_sent() {
    let iccid: Iccid = "8900000000000000012".parse().unwrap();
    for c in ["x", "ä", "電"] {
        let (outcome, world) = with_code(0, |lpa| lpa.set_nickname(iccid, &c.repeat(65)));
        assert_eq!(outcome.unwrap_err().blame(), Blame::Input);
        assert!(world.card.requests.is_empty());
        assert!(with_code(0, |lpa| lpa.set_nickname(iccid, &c.repeat(64))).0.is_ok());
    }
}

#[test]
fn a_function_that_the_card_does_not_know_is_a_card_error() {
    // The scripted card has no EUICCInfo2.
    assert_eq!(with_code(0, |lpa| lpa.euicc_info2()).0.unwrap_err().blame(), Blame::Card);
}
