//! Name constraints and EID.

use super::world::refused_cases;
use super::world::*;

refused_cases! {
    atk_cert_euicc_organisation_of_another: Euicc, |_, t| t.subject = euicc_subject("Another EUM", EID),
        Rule::Organisation,
    atk_cert_euicc_organisation_longer: Euicc,
        |_, t| t.subject = euicc_subject("OpenRSP Test EUM 2", EID), Rule::Organisation,
    atk_cert_euicc_without_organisation: Euicc,
        |_, t| t.subject = Subject::new().country("ES").serial_number(EID).encode(), Rule::Organisation,
    atk_cert_euicc_two_organisations: Euicc,
        |_, t| t.subject = Subject::new().organisation(ORGANISATION).organisation("Another").serial_number(EID).encode(),
        Rule::Organisation,
    atk_cert_euicc_without_eid: Euicc,
        |_, t| t.subject = Subject::new().country("ES").organisation(ORGANISATION).encode(), Rule::EidMalformed,
    atk_cert_euicc_two_eids: Euicc,
        |_, t| {
            let two = Subject::new().organisation(ORGANISATION).serial_number(EID);
            t.subject = two.serial_number("89049033123451234512345678901234").encode();
        }, Rule::EidMalformed,
    atk_cert_euicc_eid_short: Euicc, |_, t| t.subject = euicc_subject(ORGANISATION, &EID[..31]), Rule::EidMalformed,
    atk_cert_euicc_eid_long: Euicc, |_, t| t.subject = euicc_subject(ORGANISATION, &format!("{EID}0")),
        Rule::EidMalformed,
    atk_cert_euicc_eid_not_digits: Euicc,
        |_, t| t.subject = euicc_subject(ORGANISATION, "8904903212345123451234567890123A"), Rule::EidMalformed,
    atk_cert_euicc_eid_prefix_in_the_middle: Euicc,
        |_, t| t.subject = euicc_subject(ORGANISATION, "00890490321234512345123456789012"), Rule::EidNotPermitted,
    atk_cert_eum_without_name_constraints: Eum, |_, t| t.remove(NAME_CONSTRAINTS),
        Rule::MissingExtension("nameConstraints"),
    atk_cert_eum_name_constraints_not_critical: Eum, |_, t| not_critical(t, NAME_CONSTRAINTS),
        Rule::NotCritical("nameConstraints"),
    atk_cert_eum_constraint_without_organisation: Eum,
        |_, t| t.set(extension::name_constraints_of(&[Subject::new().serial_number("89049032")])), Rule::NameConstraints,
    atk_cert_eum_constraint_without_prefix: Eum,
        |_, t| t.set(extension::name_constraints_of(&[Subject::new().organisation(ORGANISATION)])), Rule::NameConstraints,
    atk_cert_eum_constraint_with_empty_prefix: Eum,
        |_, t| t.set(extension::name_constraints(ORGANISATION, "")), Rule::NameConstraints,
    atk_cert_eum_constraint_prefix_not_digits: Eum,
        |_, t| t.set(extension::name_constraints(ORGANISATION, "8904903X")), Rule::NameConstraints,
    atk_cert_eum_constraint_empty: Eum, |_, t| t.set(extension::name_constraints_of(&[])), Rule::NameConstraints,
    atk_cert_eum_constraint_on_a_dns_name: Eum,
        |_, t| t.set(Extension::new(NAME_CONSTRAINTS, true, b"\x30\x0b\xa0\x09\x30\x07\x82\x05a.com".to_vec())),
        Rule::NameConstraints,
    atk_cert_eum_permitted_eins_not_digits: Eum, |_, t| t.set(extension::permitted_eins(&["8904X"])),
        Rule::NameConstraints,
}

/// The EUM's own constraint decides, not what other EUMs may do.
#[test]
fn atk_cert_eum_with_another_prefix() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let mut template = world.template(Role::Eum);
        template.set(extension::name_constraints(ORGANISATION, "89049033"));
        let eum = world.sign(Role::Eum, &template);
        assert_eq!(
            world.verdict(Role::Eum, &eum),
            Err(PathError { certificate: Role::Euicc, rule: Rule::EidNotPermitted })
        );
        template.set(extension::name_constraints_of(&[
            Subject::new().organisation(ORGANISATION).serial_number("89049033"),
            Subject::new().organisation("Another EUM").serial_number("89049032"),
        ]));
        let eum = world.sign(Role::Eum, &template);
        assert_eq!(
            world.verdict(Role::Eum, &eum),
            Err(PathError { certificate: Role::Euicc, rule: Rule::EidNotPermitted })
        );
    }
}

/// SGP.22 v3: the prefixes stand in permittedEins, the name constraint has the organisation alone.
#[test]
fn atk_cert_permitted_eins() {
    let eum_with = |world: &World, eins: &[&str]| {
        let mut template = world.template(Role::Eum);
        template.set(extension::name_constraints_of(&[Subject::new().organisation(ORGANISATION)]));
        template.set(extension::permitted_eins(eins));
        world.sign(Role::Eum, &template)
    };
    for curve in Curve::ALL {
        let world = World::new(curve);
        assert_eq!(world.verdict(Role::Eum, &eum_with(&world, &["89033023", "8904903212"])), Ok(()));
        for eins in [&["89033023"] as &[&str], &[]] {
            assert_eq!(
                world.verdict(Role::Eum, &eum_with(&world, eins)),
                Err(PathError { certificate: Role::Euicc, rule: Rule::EidNotPermitted })
            );
        }
    }
}
