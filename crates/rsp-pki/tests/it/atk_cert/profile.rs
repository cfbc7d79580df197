//! What else the profile of a role asks for, and what it leaves free.

use super::world::refused_for_roles;
use super::world::*;

refused_for_roles! {
    atk_cert_without_registered_id: [DpAuth, DpPb, DsAuth], |_, t| t.remove(SUBJECT_ALT_NAME), Rule::RegisteredId,
    atk_cert_two_registered_ids: [DpAuth, DpPb, DsAuth],
        |_, t| t.set(extension::alt_names(None, &[&[2, 999, 10], &[2, 999, 12]])), Rule::RegisteredId,
    atk_cert_tls_without_host: [DpTls, DsTls],
        |_, t| t.set(extension::alt_names(None, &[&[2, 999, 10]])), Rule::NoHost,
    atk_cert_tls_without_registered_id: [DpTls, DsTls],
        |_, t| t.set(extension::alt_names(Some(&Host::Dns("smdp.example.org".into())), &[])), Rule::RegisteredId,
    atk_cert_unknown_critical_extension: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls, Ci],
        |_, t| t.set(Extension::new(UNKNOWN, true, b"\x05\x00".to_vec())), Rule::UnknownCriticalExtension(_),
    atk_cert_extension_twice: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, DsTls],
        |_, t| {
            let twice = t.extensions[0].clone();
            t.extensions.push(twice);
        }, Rule::DuplicateExtension(_),
    atk_cert_version_1: [Euicc, Eum, DpAuth, DpTls], |_, t| t.version = 0, Rule::Version,
    atk_cert_version_2: [Euicc, Eum, DpAuth, DpTls], |_, t| t.version = 1, Rule::Version,
    atk_cert_ip_address_of_five_bytes: [DpTls, DsTls],
        |_, t| t.set(Extension::new(SUBJECT_ALT_NAME, false, b"\x30\x07\x87\x05\x7f\x00\x00\x01\x01".to_vec())),
        Rule::MalformedExtension("subjectAltName"),
    atk_cert_key_usage_malformed: [Euicc, DpAuth],
        |_, t| t.set(Extension::new(KEY_USAGE, true, b"\x03\x02\x07\x80\x00".to_vec())),
        Rule::MalformedExtension("keyUsage"),
}

/// Both criticality variants of the published sets, and what may be there without meaning anything.
#[test]
fn atk_cert_criticality_variants_are_accepted() {
    for role in [Role::Euicc, Role::Eum, Role::DpAuth, Role::DpTls, Role::DsTls] {
        let policy = |world: &World| world.template(role).extensions.into_iter().find(|e| e.id == POLICIES).unwrap();
        for critical in [true, false] {
            accepted(role, |world, t| t.set(Extension { critical, ..policy(world) }));
        }
    }
    accepted(Role::DpTls, |_, t| not_critical(t, EXTENDED_KEY_USAGE));
    accepted(Role::DpAuth, |_, t| t.set(Extension::new(UNKNOWN, false, b"\x05\x00".to_vec())));
    accepted(Role::DpAuth, |_, t| t.set(extension::basic_constraints(false, None)));
    accepted(Role::DpTls, |_, t| t.set(extension::extended_key_usage(true, false)));
}

/// The EUMs of SGP.26 v3: pathLenConstraint 1, and cRLSign in variants A and C.
#[test]
fn atk_cert_eum_of_version_3_is_accepted() {
    for uses in [&[KeyUse::KeyCertSign] as &[KeyUse], &[KeyUse::KeyCertSign, KeyUse::CrlSign]] {
        for path_len in [0, 1] {
            accepted(Role::Eum, |_, t| {
                t.set(extension::rsp_policies(true, &[&[0, 0, 0]]));
                t.set(extension::basic_constraints(true, Some(path_len)));
                t.set(extension::key_usage(uses));
            });
        }
    }
}

/// An eUICC has no clock: dates alone are then no reason, everything else still is.
#[test]
fn atk_cert_without_a_clock_only_dates_are_left_out() {
    for curve in Curve::ALL {
        let mut world = World::new(curve);
        world.now = None;
        let mut template = world.template(Role::DpAuth);
        expire(&mut template);
        assert_eq!(world.verdict(Role::DpAuth, &world.sign(Role::DpAuth, &template)), Ok(()));
        template.set(extension::rsp_policies(true, &[&[5]]));
        let error = world.verdict(Role::DpAuth, &world.sign(Role::DpAuth, &template)).unwrap_err();
        assert_eq!(error.failure(), Failure::WrongRole);
    }
}
