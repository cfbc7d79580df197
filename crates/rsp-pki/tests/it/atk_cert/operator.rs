//! The certificate that an operator shows on ES2+.

use super::world::*;
use super::world::{refused_cases, refused_for_roles};

refused_cases! {
    atk_cert_operator_expired: OperatorTls, |_, t| expire(t), Rule::Expired(_),
    atk_cert_operator_early: OperatorTls, |_, t| t.validity.not_before = NOW.plus_seconds(1), Rule::NotYetValid(_),
    atk_cert_operator_without_purpose: OperatorTls, |_, t| t.remove(EXTENDED_KEY_USAGE),
        Rule::MissingExtension("extKeyUsage"),
    atk_cert_operator_that_is_only_a_server: OperatorTls, |_, t| t.set(extension::extended_key_usage(true, false)),
        Rule::ExtendedKeyUsage("clientAuth"),
    atk_cert_operator_two_registered_ids: OperatorTls,
        |_, t| t.set(extension::alt_names(None, &[&[2, 999, 7], &[2, 999, 8]])), Rule::RegisteredId,
    atk_cert_operator_key_agreement: OperatorTls,
        |_, t| t.set(extension::key_usage(&[KeyUse::DigitalSignature, KeyUse::KeyAgreement])), Rule::KeyUsage(_),
    atk_cert_operator_that_is_a_ca: OperatorTls, |_, t| t.set(extension::basic_constraints(true, None)),
        Rule::UnexpectedCa,
    atk_cert_operator_unknown_critical_extension: OperatorTls,
        |_, t| t.set(Extension::new(UNKNOWN, true, b"\x05\x00".to_vec())), Rule::UnknownCriticalExtension(_),
}

refused_for_roles! {
    atk_cert_operator_signed_by_another: [OperatorTls],
        |_, t| t.set(extension::authority_key_identifier(&[1; 20])), Rule::UnknownCi { .. },
}

const OTHERS: [Role; 5] = [Role::DpAuth, Role::DpPb, Role::DpTls, Role::DsAuth, Role::DsTls];

/// Neither an operator in the place of a server nor any other in the place of an operator, although DPtls and DStls are
/// for TLS clients as well.
#[test]
fn atk_cert_operator_for_another_and_another_for_an_operator() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let operator = world.sign_as(Role::OperatorTls);
        assert_eq!(world.verdict(Role::OperatorTls, &operator), Ok(()));
        for role in OTHERS.into_iter().chain([Role::Eum, Role::Euicc]) {
            let error = world.verdict(role, &operator).expect_err("an operator is taken for another");
            assert!(error.certificate == role || role == Role::Eum, "{role}: {error}");
        }
        for role in OTHERS {
            let error = world.verdict(Role::OperatorTls, &world.sign_as(role)).expect_err("taken for an operator");
            assert_eq!(error.certificate, Role::OperatorTls);
            // The others have no purpose at all.
            let tls = [Role::DpTls, Role::DsTls].contains(&role);
            assert_eq!(error.failure(), if tls { Failure::WrongRole } else { Failure::Invalid }, "{role}: {error}");
        }
        for role in [Role::Ci, Role::Eum, Role::Euicc] {
            world.verdict(Role::OperatorTls, &world.sign_as(role)).expect_err("taken for an operator");
        }
    }
}

#[test]
fn atk_cert_operator_revoked() {
    let mut world = World::new(Curve::P256);
    let operator = world.sign_as(Role::OperatorTls);
    let mut crl = CrlTemplate::new(&world.ci_authority(), NOW.plus_seconds(-DAY), NOW.plus_seconds(DAY));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(world.verdict(Role::OperatorTls, &operator), Ok(()));
    crl.revoke(&operator, NOW.plus_seconds(-DAY));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    let error = world.verdict(Role::OperatorTls, &operator).unwrap_err();
    assert_eq!((error.certificate, error.rule), (Role::OperatorTls, Rule::Revoked(NOW.plus_seconds(-DAY))));
}

/// Somebody else's CI may put a policy of its own there, an OID, a host, or the purpose of a server.
#[test]
fn atk_cert_operator_of_another_ci_is_accepted() {
    let any_policy = b"\x30\x08\x30\x06\x06\x04\x55\x1d\x20\x00".to_vec();
    accepted(Role::OperatorTls, |_, t| t.set(Extension::new(POLICIES, false, any_policy.clone())));
    accepted(Role::OperatorTls, |_, t| t.set(extension::extended_key_usage(true, true)));
    let host = Host::Dns("es2.example.org".into());
    accepted(Role::OperatorTls, |_, t| t.set(extension::alt_names(Some(&host), &[&[2, 999, 7]])));
}
