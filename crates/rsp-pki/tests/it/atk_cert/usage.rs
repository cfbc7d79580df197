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
    atk_cert_eum_without_path_length: Eum, |_, t| t.set(extension::basic_constraints(true, None)),
        Rule::PathLenConstraint,
    atk_cert_eum_negative_path_length: Eum,
        |_, t| t.set(Extension::new(BASIC_CONSTRAINTS, true, b"\x30\x06\x01\x01\xff\x02\x01\xff".to_vec())),
        Rule::PathLenConstraint,
    atk_cert_dpauth_subject_key_identifier_malformed: DpAuth,
        |_, t| t.set(Extension::new(SKI, false, b"\x05\x00".to_vec())), Rule::MalformedExtension("subjectKeyIdentifier"),
}
