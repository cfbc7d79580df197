//! Chain and signature.

use super::world::*;
use super::world::{refused_cases, refused_for_roles};

refused_for_roles! {
    atk_cert_issuer_name_of_another: [DpAuth, DpPb, DpTls, DsAuth, DsTls, Eum, Euicc],
        |_, t| t.issuer = Subject::new().common_name("Another").encode(), Rule::IssuerName,
    atk_cert_without_authority_key_identifier: [DpAuth, DpPb, DpTls, Eum, Euicc],
        |_, t| t.remove(AKI), Rule::MissingExtension("authorityKeyIdentifier"),
    atk_cert_key_of_the_other_curve: [DpAuth, DpPb, DpTls, DsAuth, DsTls, Euicc],
        |world, t| {
            let other = if world.curve == Curve::P256 { Curve::BrainpoolP256r1 } else { Curve::P256 };
            t.key = key_on(&oid_bytes(other), secret(other, 3).public_key().as_bytes());
        }, Rule::ForeignCurve,
    atk_cert_point_off_the_curve: [DpAuth, DpPb, DpTls, Euicc],
        |world, t| {
            let mut point = *secret(world.curve, 3).public_key().as_bytes();
            point[64] ^= 1;
            t.key = key_on(&oid_bytes(world.curve), &point);
        }, Rule::PublicKey,
    atk_cert_algorithm_sha1: [DpAuth, Eum, Euicc],
        |_, t| t.algorithms = [ecdsa_with(0x01), ecdsa_with(0x01)], Rule::SignatureAlgorithm,
    atk_cert_algorithm_differs_inside: [DpAuth, Eum, Euicc],
        |_, t| t.algorithms[0] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03".to_vec(), Rule::SignatureAlgorithm,
    atk_cert_algorithm_with_parameters: [DpAuth, Eum, Euicc],
        |_, t| {
            let with_null = b"\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00".to_vec();
            t.algorithms = [with_null.clone(), with_null];
        }, Rule::SignatureAlgorithm,
}

refused_cases! {
    atk_cert_euicc_names_the_ci_as_its_issuer_key: Euicc,
        |world, t| t.set(extension::authority_key_identifier(world.ci.subject_key_identifier().unwrap())),
        Rule::AuthorityKeyIdentifier,
}

fn oid_bytes(curve: Curve) -> Vec<u8> {
    match curve {
        Curve::P256 => b"\x2a\x86\x48\xce\x3d\x03\x01\x07".to_vec(),
        Curve::BrainpoolP256r1 => b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07".to_vec(),
    }
}

/// ecdsa-with-SHA1 is 1.2.840.10045.4.1.
fn ecdsa_with(last: u8) -> Vec<u8> {
    [b"\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04".as_slice(), &[last]].concat()
}

/// Every role signed with a key that is not its issuer's, as in the published "Invalid Signature".
#[test]
fn atk_cert_signed_by_another_key() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        for role in [Role::Eum, Role::Euicc, Role::DpAuth, Role::DpPb, Role::DpTls, Role::DsAuth, Role::DsTls] {
            let template = world.template(role);
            assert_eq!(world.verdict(role, &world.sign(role, &template)), Ok(()));
            let forged = template.sign(&*signer(&secret(curve, 66))).unwrap();
            assert_eq!(world.verdict(role, &forged), Err(PathError { certificate: role, rule: Rule::Signature }));
        }
    }
}

/// One bit anywhere in the signed part or the signature.
#[test]
fn atk_cert_one_bit_changed() {
    let world = World::new(Curve::P256);
    for role in [Role::Eum, Role::Euicc, Role::DpAuth] {
        let der = world.sign_as(role).der().to_vec();
        for bit in (0..der.len() * 8).step_by(13) {
            let mut changed = der.clone();
            changed[bit / 8] ^= 0x80 >> (bit % 8);
            // What no longer parses was refused even earlier.
            if let Ok(certificate) = Certificate::from_der(&changed) {
                assert!(world.verdict(role, &certificate).is_err(), "{role}, bit {bit}");
            }
        }
    }
}

/// A CI that calls itself by the name and the key identifier of a trusted one, with its own key.
#[test]
fn atk_cert_forged_ci_with_the_same_key_identifier() {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let forger = secret(curve, 66);
        let mut template = ci_template(&forger);
        template.set(extension::subject_key_identifier(world.ci.subject_key_identifier().unwrap()));
        let forged_ci = template.sign(&*signer(&forger)).unwrap();
        let anchors = TrustStore::new(vec![world.ci.clone()]);
        let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None };

        // What it issues does not verify with the real key …
        let leaf = world.template(Role::DpAuth).sign(&*signer(&forger)).unwrap();
        let error = validate(&v, Role::DpAuth, &leaf, &[], &anchors).unwrap_err();
        assert_eq!(error, PathError { certificate: Role::DpAuth, rule: Rule::Signature });
        // … and bringing the forged CI along does not help, while the real one may come along.
        let error = validate(&v, Role::DpAuth, &leaf, std::slice::from_ref(&forged_ci), &anchors).unwrap_err();
        assert_eq!(error, PathError { certificate: Role::Ci, rule: Rule::ForgedCi });
        assert_eq!(error.failure(), Failure::UnknownCi);
        let error = validate(&v, Role::Ci, &forged_ci, &[], &anchors).unwrap_err();
        assert_eq!(error.rule, Rule::ForgedCi);
        let genuine = world.sign_as(Role::DpAuth);
        validate(&v, Role::DpAuth, &genuine, std::slice::from_ref(&world.ci), &anchors).unwrap();
        validate(&v, Role::Ci, &world.ci, &[], &anchors).unwrap();
    }
}

/// The real CI's key and identifier, but signed by somebody else: as a CI to be shown, not as an anchor.
#[test]
fn atk_cert_ci_signed_by_another_key() {
    let world = World::new(Curve::P256);
    let anchors = TrustStore::new(vec![world.ci.clone()]);
    let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None };
    let forged = ci_template(&world.ci_key).sign(&*signer(&secret(Curve::P256, 66))).unwrap();
    let error = validate(&v, Role::Ci, &forged, &[], &anchors).unwrap_err();
    assert_eq!(error, PathError { certificate: Role::Ci, rule: Rule::Signature });
}

#[test]
fn atk_cert_eum_left_out() {
    let world = World::new(Curve::P256);
    let anchors = TrustStore::new(vec![world.ci.clone()]);
    let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None };
    let euicc = world.sign_as(Role::Euicc);
    let error = validate(&v, Role::Euicc, &euicc, &[], &anchors).unwrap_err();
    assert_eq!(error.rule, Rule::PathLength { found: 0, expected: 1 });
    // Signed by the CI itself it is no better.
    let mut template = world.template(Role::Euicc);
    template.issuer = world.template(Role::DpAuth).issuer;
    template.set(extension::authority_key_identifier(world.ci.subject_key_identifier().unwrap()));
    let direct = template.sign(&*signer(&world.ci_key)).unwrap();
    assert!(validate(&v, Role::Euicc, &direct, &[], &anchors).is_err());
    assert!(validate_euicc(&v, &direct, &world.eum, &anchors).is_err());
}

/// An EUM may make eUICCs, not servers: a DPauth signed by an EUM is refused with and without the EUM in the path.
#[test]
fn atk_cert_dpauth_issued_by_an_eum() {
    let world = World::new(Curve::P256);
    let anchors = TrustStore::new(vec![world.ci.clone()]);
    let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None };
    let eum = authority(&world.eum, &world.eum_key);
    let key = secret(Curve::P256, 3);
    let leaf = Template::auth(&eum, Role::DpAuth, key.public_key(), &oid(10), [9; 8], validity());
    let leaf = leaf.sign(eum.signer()).unwrap();
    let error = validate(&v, Role::DpAuth, &leaf, std::slice::from_ref(&world.eum), &anchors).unwrap_err();
    assert_eq!(error.rule, Rule::PathLength { found: 1, expected: 0 });
    let error = validate(&v, Role::DpAuth, &leaf, &[], &anchors).unwrap_err();
    assert_eq!(error.failure(), Failure::UnknownCi);
}

/// An eUICC that plays the EUM for another eUICC.
#[test]
fn atk_cert_euicc_issued_by_an_euicc() {
    let world = World::new(Curve::P256);
    let middle = world.sign_as(Role::Euicc);
    let middle_key = secret(Curve::P256, 3);
    let issuer = authority(&middle, &middle_key);
    let template = Template::euicc(&issuer, middle_key.public_key(), EID.parse().unwrap(), [9; 8], validity()).unwrap();
    let leaf = template.sign(issuer.signer()).unwrap();
    let anchors = TrustStore::new(vec![world.ci.clone()]);
    let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None };
    let error = validate_euicc(&v, &leaf, &middle, &anchors).unwrap_err();
    assert_eq!((error.certificate, error.failure()), (Role::Eum, Failure::UnknownCi));
}
