//! Each certificate in the place of each other one.

use super::world::*;
use super::world::{refused_cases, refused_for_roles};

refused_cases! {
    atk_cert_euicc_policy_of_dpauth: Euicc, |_, t| t.set(extension::rsp_policies(true, &[&[4]])),
        Rule::WrongRole { .. },
    atk_cert_eum_policy_of_dpauth: Eum, |_, t| t.set(extension::rsp_policies(true, &[&[4]])),
        Rule::WrongRole { .. },
    atk_cert_eum_policy_of_ci: Eum, |_, t| t.set(extension::rsp_policies(true, &[&[0]])),
        Rule::WrongRole { .. },
    atk_cert_dpauth_policy_of_dppb: DpAuth, |_, t| t.set(extension::rsp_policies(true, &[&[5]])),
        Rule::WrongRole { .. },
    atk_cert_dpauth_policy_of_dsauth: DpAuth, |_, t| t.set(extension::rsp_policies(true, &[&[7]])),
        Rule::WrongRole { .. },
    atk_cert_dppb_policy_of_dpauth: DpPb, |_, t| t.set(extension::rsp_policies(true, &[&[4]])),
        Rule::WrongRole { .. },
    atk_cert_dptls_policy_of_dstls: DpTls, |_, t| t.set(extension::rsp_policies(true, &[&[6]])),
        Rule::WrongRole { .. },
    atk_cert_dsauth_policy_of_dpauth: DsAuth, |_, t| t.set(extension::rsp_policies(true, &[&[4]])),
        Rule::WrongRole { .. },
    atk_cert_ci_policy_of_eum: Ci, |_, t| t.set(extension::rsp_policies(true, &[&[2]])), Rule::WrongRole { .. },
}

refused_for_roles! {
    atk_cert_two_roles: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth],
        |_, t| t.set(extension::rsp_policies(true, &[&[4], &[5], &[1], &[2], &[3], &[7]])), Rule::WrongRole { .. },
    atk_cert_any_policy: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth],
        |_, t| t.set(Extension::new(POLICIES, true, b"\x30\x08\x30\x06\x06\x04\x55\x1d\x20\x00".to_vec())),
        Rule::WrongRole { .. },
    atk_cert_without_policies: [Euicc, Eum, DpAuth, DpPb, DpTls, DsAuth, Ci],
        |_, t| t.remove(POLICIES), Rule::MissingExtension("certificatePolicies"),
    atk_cert_policies_malformed: [Euicc, Eum, DpAuth],
        |_, t| t.set(Extension::new(POLICIES, true, b"\x30\x05\x30\x06".to_vec())),
        Rule::MalformedExtension("certificatePolicies"),
}

/// A certificate of one role is refused in the place of every other role.
#[test]
fn atk_cert_one_role_for_another() {
    let world = World::new(Curve::P256);
    let servers = [Role::DpAuth, Role::DpPb, Role::DpTls, Role::DsAuth, Role::DsTls];
    for role in servers {
        let certificate = world.sign_as(role);
        for place in servers {
            let verdict = world.verdict(place, &certificate);
            if place == role {
                assert_eq!(verdict, Ok(()));
            } else {
                assert_eq!(verdict.unwrap_err().failure(), Failure::WrongRole, "{role} as {place}");
            }
        }
    }
}

/// The policies of SGP.22 v3 name the same roles.
#[test]
fn atk_cert_policies_of_version_3_are_accepted() {
    accepted(Role::DpAuth, |_, t| t.set(extension::rsp_policies(true, &[&[0, 0, 1, 1]])));
    accepted(Role::DpPb, |_, t| t.set(extension::rsp_policies(true, &[&[0, 0, 1, 2]])));
    accepted(Role::Eum, |_, t| t.set(extension::rsp_policies(true, &[&[0, 0, 0]])));
}
