//! The cases of the published invalid sets, and dates.

use super::world::*;
use super::world::{refused_cases, refused_for_roles};

// The published invalid cases of SGP.26 v3, for every role that has them.

refused_cases! {
    atk_cert_dptls_expired: DpTls, |_, t| expire(t), Rule::Expired(_),
    atk_cert_dstls_expired: DsTls, |_, t| expire(t), Rule::Expired(_),
    atk_cert_dptls_policy_of_dpauth: DpTls, |_, t| t.set(extension::rsp_policies(true, &[&[4]])),
        Rule::WrongRole { expected: Role::DpTls, .. },
    atk_cert_dstls_policy_of_dpauth: DsTls, |_, t| t.set(extension::rsp_policies(true, &[&[4]])),
        Rule::WrongRole { expected: Role::DsTls, .. },
    atk_cert_dptls_on_p384: DpTls, |_, t| t.key = key_on(NIST_P384, &[4; 97]), Rule::UnsupportedCurve,
    atk_cert_dstls_on_p384: DsTls, |_, t| t.key = key_on(NIST_P384, &[4; 97]), Rule::UnsupportedCurve,
    atk_cert_dptls_client_auth_only: DpTls, |_, t| t.set(extension::extended_key_usage(false, true)),
        Rule::ExtendedKeyUsage("serverAuth"),
    atk_cert_dstls_client_auth_only: DsTls, |_, t| t.set(extension::extended_key_usage(false, true)),
        Rule::ExtendedKeyUsage("serverAuth"),
    atk_cert_dptls_key_agreement: DpTls, |_, t| t.set(extension::key_usage(&[KeyUse::KeyAgreement])),
        Rule::KeyUsage(_),
    atk_cert_dstls_key_agreement: DsTls, |_, t| t.set(extension::key_usage(&[KeyUse::KeyAgreement])),
        Rule::KeyUsage(_),
    atk_cert_dptls_without_extended_key_usage: DpTls, |_, t| t.remove(EXTENDED_KEY_USAGE),
        Rule::MissingExtension("extKeyUsage"),
    atk_cert_dstls_without_extended_key_usage: DsTls, |_, t| t.remove(EXTENDED_KEY_USAGE),
        Rule::MissingExtension("extKeyUsage"),
    atk_cert_dpauth_on_p192: DpAuth, |_, t| t.key = key_on(NIST_P192, &[4; 49]), Rule::UnsupportedCurve,
    atk_cert_dpauth_on_brainpool_p192: DpAuth, |_, t| t.key = key_on(BRAINPOOL_P192, &[4; 49]), Rule::UnsupportedCurve,
    atk_cert_dppb_on_p192: DpPb, |_, t| t.key = key_on(NIST_P192, &[4; 49]), Rule::UnsupportedCurve,
    atk_cert_dppb_on_brainpool_p192: DpPb, |_, t| t.key = key_on(BRAINPOOL_P192, &[4; 49]), Rule::UnsupportedCurve,
    atk_cert_dsauth_on_p192: DsAuth, |_, t| t.key = key_on(NIST_P192, &[4; 49]), Rule::UnsupportedCurve,
    atk_cert_dsauth_on_brainpool_p192: DsAuth, |_, t| t.key = key_on(BRAINPOOL_P192, &[4; 49]), Rule::UnsupportedCurve,
}

// The published invalid cases of SGP.26 v1.

refused_cases! {
    atk_cert_euicc_expired: Euicc, |_, t| expire(t), Rule::Expired(_),
    atk_cert_eum_expired: Eum, |_, t| expire(t), Rule::Expired(_),
    atk_cert_euicc_eid_of_another_eum: Euicc,
        |_, t| t.subject = euicc_subject(ORGANISATION, "89049033123451234512345678901234"), Rule::EidNotPermitted,
    atk_cert_euicc_self_signed: Euicc, |_, t| t.issuer = t.subject.clone(), Rule::SelfSigned,
    atk_cert_eum_self_signed: Eum, |_, t| t.issuer = t.subject.clone(), Rule::SelfSigned,
    atk_cert_eum_of_an_unknown_ci: Eum, |_, t| t.set(extension::authority_key_identifier(&[0x84; 20])),
        Rule::UnknownCi { .. },
    atk_cert_dpauth_of_an_unknown_ci: DpAuth, |_, t| t.set(extension::authority_key_identifier(&[0x84; 20])),
        Rule::UnknownCi { .. },
}

// Dates.

refused_for_roles! {
    atk_cert_not_yet_valid: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| t.validity.not_before = NOW.plus_seconds(1), Rule::NotYetValid(_),
    atk_cert_server_expired: [DpAuth, DpPb, DsAuth], |_, t| expire(t), Rule::Expired(_),
}

#[test]
fn atk_cert_ci_expired() {
    refused(Role::Ci, |_, t| expire(t), |rule| matches!(rule, Rule::Expired(_)));
}

#[test]
fn atk_cert_valid_to_the_last_second() {
    accepted(Role::DpAuth, |_, t| t.validity.not_after = NOW);
    accepted(Role::DpAuth, |_, t| t.validity.not_before = NOW);
}

/// Every root in use or published for tests satisfies the profile. Dates are left out: some roots are over.
#[test]
fn atk_cert_published_roots_are_accepted() {
    for name in ["rsp-root-bundle-damonto", "rsp-test-root-bundle-damonto"] {
        let Some(bundle) = rsp_testkit::standards(&format!("ci-roots/{name}.pem")) else { return };
        let blocks = pem::parse_many(bundle).unwrap();
        assert_eq!(blocks.len(), 8, "{name}");
        for block in blocks {
            let root = Certificate::from_der(block.contents()).unwrap();
            let anchors = TrustStore::new(vec![root.clone()]);
            let v = Validation { provider: rsp_crypto::rust_crypto(), now: None, crls: &[], crl_max_age: None };
            let verdict = validate(&v, Role::Ci, &root, &[], &anchors).map(drop);
            assert_eq!(verdict, Ok(()), "{}", root.subject());
        }
    }
}
