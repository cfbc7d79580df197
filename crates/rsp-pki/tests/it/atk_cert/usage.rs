//! Key usage and basic constraints.

use super::world::*;
use super::world::{refused_cases, refused_for_roles};

refused_for_roles! {
    atk_cert_without_key_usage: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls, Ci],
        |_, t| t.remove(KEY_USAGE), Rule::MissingExtension("keyUsage"),
    atk_cert_key_usage_not_critical: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls, Ci],
        |_, t| not_critical(t, KEY_USAGE), Rule::NotCritical("keyUsage"),
    atk_cert_leaf_with_key_cert_sign: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.set(extension::key_usage(&[KeyUse::DigitalSignature, KeyUse::KeyCertSign])), Rule::KeyUsage(_),
    atk_cert_leaf_with_crl_sign: [Euicc, DpAuth, DpPb],
        |_, t| t.set(extension::key_usage(&[KeyUse::DigitalSignature, KeyUse::CrlSign])), Rule::KeyUsage(_),
    atk_cert_leaf_key_agreement: [Euicc, DpAuth, DpPb, DsAuth],
        |_, t| t.set(extension::key_usage(&[KeyUse::KeyAgreement])), Rule::KeyUsage(_),
    atk_cert_leaf_with_non_repudiation: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.set(key_usage_of(b"\x06\xc0")), Rule::KeyUsage("digitalSignature alone"),
    atk_cert_leaf_with_key_agreement_besides: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.set(extension::key_usage(&[KeyUse::DigitalSignature, KeyUse::KeyAgreement])),
        Rule::KeyUsage("digitalSignature alone"),
    atk_cert_leaf_with_decipher_only: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.set(key_usage_of(b"\x07\x80\x80")), Rule::KeyUsage("digitalSignature alone"),
    atk_cert_issuer_with_digital_signature: [Eum, Ci],
        |_, t| {
            t.set(extension::key_usage(&[KeyUse::DigitalSignature, KeyUse::KeyCertSign, KeyUse::CrlSign]));
        }, Rule::KeyUsage(_),
    atk_cert_key_usage_empty: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls, Ci],
        |_, t| t.set(extension::key_usage(&[])), Rule::KeyUsage(_),
    atk_cert_leaf_with_a_path_length: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.set(extension::basic_constraints(false, Some(0))), Rule::PathLenConstraint,
    atk_cert_issuer_without_key_cert_sign: [Eum, Ci],
        |_, t| t.set(extension::key_usage(&[KeyUse::DigitalSignature])), Rule::KeyUsage(_),
    atk_cert_leaf_is_a_ca: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.set(extension::basic_constraints(true, None)), Rule::UnexpectedCa,
    atk_cert_issuer_is_no_ca: [Eum, Ci], |_, t| t.set(extension::basic_constraints(false, None)), Rule::NotCa,
    atk_cert_issuer_without_basic_constraints: [Eum, Ci],
        |_, t| t.remove(BASIC_CONSTRAINTS), Rule::MissingExtension("basicConstraints"),
    atk_cert_basic_constraints_not_critical: [Eum, Ci],
        |_, t| not_critical(t, BASIC_CONSTRAINTS), Rule::NotCritical("basicConstraints"),
}

refused_cases! {
    atk_cert_ci_without_crl_sign: Ci, |_, t| t.set(extension::key_usage(&[KeyUse::KeyCertSign])),
        Rule::KeyUsage("keyCertSign and cRLSign alone"),
    atk_cert_eum_with_crl_sign: Eum,
        |_, t| t.set(extension::key_usage(&[KeyUse::KeyCertSign, KeyUse::CrlSign])), Rule::KeyUsage("keyCertSign alone"),
    atk_cert_eum_path_length_1: Eum, |_, t| t.set(extension::basic_constraints(true, Some(1))),
        Rule::PathLenConstraint,
    atk_cert_eum_of_version_3_path_length_2: Eum,
        |_, t| {
            t.set(extension::rsp_policies(true, &[&[0, 0, 0]]));
            t.set(extension::basic_constraints(true, Some(2)));
        }, Rule::PathLenConstraint,
    atk_cert_ci_negative_path_length: Ci,
        |_, t| t.set(Extension::new(BASIC_CONSTRAINTS, true, b"\x30\x06\x01\x01\xff\x02\x01\xff".to_vec())),
        Rule::PathLenConstraint,
    atk_cert_eum_without_path_length: Eum, |_, t| t.set(extension::basic_constraints(true, None)),
        Rule::PathLenConstraint,
    atk_cert_eum_negative_path_length: Eum,
        |_, t| t.set(Extension::new(BASIC_CONSTRAINTS, true, b"\x30\x06\x01\x01\xff\x02\x01\xff".to_vec())),
        Rule::PathLenConstraint,
    atk_cert_dpauth_subject_key_identifier_malformed: DpAuth,
        |_, t| t.set(Extension::new(SKI, false, b"\x05\x00".to_vec())), Rule::MalformedExtension("subjectKeyIdentifier"),
}

/// keyUsage with bits that the types of this crate do not name: unused bits and content.
fn key_usage_of(bits: &[u8]) -> Extension {
    Extension::new(KEY_USAGE, true, [&[0x03, bits.len() as u8], bits].concat())
}

/// A CI that allows no issuer below it may issue servers, but the eUICCs of an EUM end one step further.
#[test]
fn atk_cert_ci_path_length_0_above_an_eum() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let (eum, euicc, server) = (&world.eum, world.sign_as(Role::Euicc), world.sign_as(Role::DpAuth));
        for provider in [rsp_crypto::aws_lc(), rsp_crypto::rust_crypto()] {
            let v = Validation { provider, now: Some(NOW), crls: &[], crl_max_age: None };
            for path_len in [None, Some(0), Some(1)] {
                let mut template = world.template(Role::Ci);
                template.set(extension::basic_constraints(true, path_len));
                let ci = world.sign(Role::Ci, &template);
                let anchors = TrustStore::new(vec![ci.clone()]);
                let exceeded = Rule::PathLenExceeded { allowed: 0, found: 1 };
                let expected = match path_len {
                    Some(0) => Err(PathError { certificate: Role::Ci, rule: exceeded }),
                    _ => Ok(()),
                };
                assert_eq!(validate_euicc(&v, &euicc, eum, &anchors).map(drop), expected);
                // Bringing the CI along changes nothing.
                let chain = [eum.clone(), ci];
                assert_eq!(validate(&v, Role::Euicc, &euicc, &chain, &anchors).map(drop), expected);
                assert_eq!(validate(&v, Role::DpAuth, &server, &[], &anchors).map(drop), Ok(()));
            }
        }
    }
}

/// Another certificate for the key of a trusted CI, shown as a CI: it must be one itself.
#[test]
fn atk_cert_ci_issued_again() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let anchors = TrustStore::new(vec![world.ci.clone()]);
        let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None };
        let verdict = |change: &dyn Fn(&mut Template)| {
            let mut template = world.template(Role::Ci);
            template.serial = vec![6; 8];
            change(&mut template);
            validate(&v, Role::Ci, &world.sign(Role::Ci, &template), &[], &anchors).map(drop)
        };
        let refusal = |rule| Err(PathError { certificate: Role::Ci, rule });
        assert_eq!(verdict(&|_| ()), Ok(()));
        assert_eq!(verdict(&expire), refusal(Rule::Expired(NOW.plus_seconds(-1))));
        assert_eq!(
            verdict(&|t| t.set(extension::name_constraints(ORGANISATION, "89049032"))),
            refusal(Rule::UnexpectedExtension("nameConstraints"))
        );
    }
}
