//! Extensions in the wrong place: of another role, or critical where the role decides nothing by them.

use super::world::*;
use super::world::{refused_cases, refused_for_roles};

/// One key purpose that is not of TLS: id-kp-codeSigning.
const CODE_SIGNING: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03";

refused_for_roles! {
    atk_cert_server_with_critical_code_signing: [DpAuth, DpPb, DsAuth],
        |_, t| t.set(Extension::new(EXTENDED_KEY_USAGE, true, CODE_SIGNING.to_vec())),
        Rule::UnexpectedExtension("extKeyUsage"),
    atk_cert_server_with_critical_server_auth: [DpAuth, DpPb, DsAuth],
        |_, t| t.set(extension::extended_key_usage(true, false)), Rule::UnexpectedExtension("extKeyUsage"),
    atk_cert_extended_key_usage_outside_tls: [DpAuth, DpPb, DsAuth, Euicc, Eum, Ci],
        |_, t| {
            t.set(extension::extended_key_usage(true, true));
            not_critical(t, EXTENDED_KEY_USAGE);
        }, Rule::UnexpectedExtension("extKeyUsage"),
    atk_cert_leaf_with_critical_name_constraints: [DpAuth, DpPb, DpTls, DsAuth, DsTls, Euicc],
        |_, t| t.set(extension::name_constraints(ORGANISATION, "89049032")),
        Rule::UnexpectedExtension("nameConstraints"),
    atk_cert_leaf_with_name_constraints_not_critical: [DpAuth, DpPb, DpTls, DsAuth, DsTls, Euicc],
        |_, t| {
            t.set(extension::name_constraints(ORGANISATION, "89049032"));
            not_critical(t, NAME_CONSTRAINTS);
        }, Rule::UnexpectedExtension("nameConstraints"),
    atk_cert_permitted_eins_outside_eums: [DpAuth, DpPb, DpTls, DsAuth, DsTls, Euicc, Ci],
        |_, t| t.set(extension::permitted_eins(&["89049032"])), Rule::UnexpectedExtension("permittedEins"),
    atk_cert_subject_key_identifier_critical: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls, Ci],
        |_, t| critical(t, SKI), Rule::UnexpectedCritical("subjectKeyIdentifier"),
    atk_cert_authority_key_identifier_critical: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| critical(t, AKI), Rule::UnexpectedCritical("authorityKeyIdentifier"),
    atk_cert_crl_distribution_points_critical: [Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls, Ci],
        |_, t| critical(t, CRL_DISTRIBUTION_POINTS), Rule::UnexpectedCritical("cRLDistributionPoints"),
    atk_cert_issuer_alt_name_critical: [Eum, Ci],
        |_, t| critical(t, SUBJECT_ALT_NAME), Rule::UnexpectedCritical("subjectAltName"),
    atk_cert_without_subject_key_identifier: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.remove(SKI), Rule::MissingExtension("subjectKeyIdentifier"),
    atk_cert_subject_key_identifier_of_another_key: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |world, t| t.set(extension::subject_key_identifier(&secret(world.curve, 66).public_key().key_identifier())),
        Rule::SubjectKeyIdentifier,
    atk_cert_subject_key_identifier_cut_short: [Euicc, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |world, t| {
            let whole = secret(world.curve, 3).public_key().key_identifier();
            t.set(extension::subject_key_identifier(&whole[..19]));
        }, Rule::SubjectKeyIdentifier,
}

refused_cases! {
    atk_cert_euicc_with_critical_alt_name: Euicc,
        |_, t| {
            t.set(extension::alt_names(None, &[&[2, 999, 10]]));
            critical(t, SUBJECT_ALT_NAME);
        }, Rule::UnexpectedExtension("subjectAltName"),
    atk_cert_euicc_with_alt_name_not_critical: Euicc, |_, t| t.set(extension::alt_names(None, &[&[2, 999, 10]])),
        Rule::UnexpectedExtension("subjectAltName"),
    atk_cert_euicc_with_crl_distribution_points: Euicc,
        |_, t| t.set(extension::crl_distribution_points(&["http://ci.openrsp.example/CRL-A.crl".to_owned()])),
        Rule::UnexpectedExtension("cRLDistributionPoints"),
    atk_cert_ci_with_critical_name_constraints: Ci,
        |_, t| t.set(extension::name_constraints(ORGANISATION, "89049032")),
        Rule::UnexpectedExtension("nameConstraints"),
}

/// The eUICC names the wrong identifier too, so that the link holds and the hash alone is wrong.
#[test]
fn atk_cert_eum_subject_key_identifier_of_another_key() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let (anchors, other) = (TrustStore::new(vec![world.ci.clone()]), secret(curve, 66));
        for (identifier, expected) in [
            (world.eum_key.public_key().key_identifier(), Ok(())),
            (
                other.public_key().key_identifier(),
                Err(PathError { certificate: Role::Eum, rule: Rule::SubjectKeyIdentifier }),
            ),
        ] {
            let mut template = world.template(Role::Eum);
            template.set(extension::subject_key_identifier(&identifier));
            let eum = world.sign(Role::Eum, &template);
            let mut template = world.template(Role::Euicc);
            template.set(extension::authority_key_identifier(&identifier));
            let euicc = world.sign(Role::Euicc, &template);
            for provider in [rsp_crypto::aws_lc(), rsp_crypto::rust_crypto()] {
                let v = Validation { provider, now: Some(NOW), crls: &[], crl_max_age: None };
                assert_eq!(validate_euicc(&v, &euicc, &eum, &anchors).map(drop), expected);
            }
        }
    }
}

/// Where a role decides by an extension it may be critical, although the published certificates leave it.
#[test]
fn atk_cert_critical_where_the_role_decides_is_accepted() {
    for role in [Role::DpAuth, Role::DpPb, Role::DsAuth, Role::DpTls, Role::DsTls] {
        accepted(role, |_, t| critical(t, SUBJECT_ALT_NAME));
    }
    accepted(Role::Eum, |_, t| {
        t.set(extension::permitted_eins(&["89049032"]));
        critical(t, PERMITTED_EINS);
    });
    accepted(Role::Euicc, |_, t| t.set(extension::basic_constraints(false, None)));
    // Roots in use carry their own identifier as that of their authority.
    accepted(Role::Ci, |world, t| {
        t.set(extension::authority_key_identifier(&world.ci_key.public_key().key_identifier()));
    });
}
