//! Revocation.

use super::world::*;

/// A world, its DPauth, and a CRL template of its CI that is fresh.
fn with_crl(curve: Curve) -> (World, Certificate, CrlTemplate) {
    let world = World::new(curve);
    let leaf = world.sign_as(Role::DpAuth);
    let crl = CrlTemplate::new(&world.ci_authority(), NOW.plus_seconds(-DAY), NOW.plus_seconds(DAY));
    (world, leaf, crl)
}

fn rule_of(world: &World, role: Role, certificate: &Certificate) -> Rule {
    let error = world.verdict(role, certificate).unwrap_err();
    assert_eq!(error.certificate, role);
    error.rule
}

#[test]
fn atk_cert_revoked_server() {
    for curve in Curve::ALL {
        let (mut world, leaf, mut crl) = with_crl(curve);
        world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
        assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
        crl.revoke(&leaf, NOW.plus_seconds(-DAY));
        world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
        assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::Revoked(NOW.plus_seconds(-DAY)));
        // Another certificate of the same CI is not touched.
        assert_eq!(world.verdict(Role::DpTls, &world.sign_as(Role::DpTls)), Ok(()));
    }
}

#[test]
fn atk_cert_revoked_eum() {
    for curve in Curve::ALL {
        let (mut world, _, mut crl) = with_crl(curve);
        crl.revoke(&world.eum, NOW.plus_seconds(-DAY));
        world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
        let eum = world.eum.clone();
        assert!(matches!(rule_of(&world, Role::Eum, &eum), Rule::Revoked(_)));
    }
}

#[test]
fn atk_cert_crl_forged() {
    for curve in Curve::ALL {
        let (mut world, leaf, crl) = with_crl(curve);
        world.crls = vec![crl.sign(&*signer(&secret(curve, 66))).unwrap()];
        assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlForged);
    }
}

#[test]
fn atk_cert_crl_stale() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    crl.next_update = Some(NOW.plus_seconds(-1));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlStale(NOW.plus_seconds(-1)));
    // Without a clock nobody can say so.
    world.now = None;
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
}

#[test]
fn atk_cert_crl_from_the_future() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    crl.this_update = NOW.plus_seconds(1);
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlStale(NOW.plus_seconds(1)));
}

#[test]
fn atk_cert_crl_with_an_unknown_critical_extension() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    crl.extensions.push(Extension::new(UNKNOWN, true, b"\x05\x00".to_vec()));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlUnsupported);
}

#[test]
fn atk_cert_crl_indirect() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    let plain = Extension::new(&[2, 5, 29, 28], true, b"\x30\x03\x81\x01\xff".to_vec());
    crl.extensions.push(plain);
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
    crl.extensions.pop();
    crl.extensions.push(Extension::new(&[2, 5, 29, 28], true, b"\x30\x03\x84\x01\xff".to_vec()));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlUnsupported);
}

/// A CI that cuts its CRL in two: one half alone says nothing about a serial number that is not on it.
#[test]
fn atk_cert_crl_part_held_back() {
    let (mut world, leaf, crl) = with_crl(Curve::P256);
    let part = |number, revoked: bool| {
        let mut part = crl.clone();
        part.extensions.extend(extension::partial_crl(number, 2));
        if revoked {
            part.revoke(&leaf, NOW.plus_seconds(-DAY));
        }
        part.sign(&*signer(&world.ci_key)).unwrap()
    };
    let (first, second, second_with_leaf) = (part(1, false), part(2, false), part(2, true));
    world.crls = vec![first.clone()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlIncomplete { found: 1, total: 2 });
    world.crls = vec![first.clone(), first.clone()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlIncomplete { found: 1, total: 2 });
    world.crls = vec![first.clone(), second];
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
    world.crls = vec![first, second_with_leaf];
    assert!(matches!(rule_of(&world, Role::DpAuth, &leaf), Rule::Revoked(_)));
}

/// A list of somebody else has no say, whatever serial numbers stand on it.
#[test]
fn atk_cert_crl_of_another_issuer() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    crl.revoke(&leaf, NOW.plus_seconds(-DAY));
    crl.issuer = Subject::new().common_name("Another").encode();
    world.crls = vec![crl.sign(&*signer(&secret(Curve::P256, 66))).unwrap()];
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
}

/// A list with a scope of its own does not stand in for the parts that are held back.
#[test]
fn atk_cert_crl_scoped_list_for_a_part() {
    let (mut world, leaf, crl) = with_crl(Curve::P256);
    let sign = |crl: &CrlTemplate| crl.sign(&*signer(&world.ci_key)).unwrap();
    let (mut part, mut scoped) = (crl.clone(), crl.clone());
    part.extensions.extend(extension::partial_crl(1, 2));
    // onlyContainsCACerts: nothing is said of servers.
    scoped.extensions.push(Extension::new(&[2, 5, 29, 28], true, b"\x30\x03\x82\x01\xff".to_vec()));
    let (part, whole, scoped) = (sign(&part), sign(&crl), sign(&scoped));
    world.crls = vec![part.clone(), whole];
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
    world.crls = vec![part, scoped];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlIncomplete { found: 1, total: 2 });
}

/// A part that is numbered beyond the total does not stand in for one that is held back.
#[test]
fn atk_cert_crl_part_numbered_beyond_the_total() {
    let (mut world, leaf, crl) = with_crl(Curve::P256);
    let part = |number| {
        let mut part = crl.clone();
        part.extensions.extend(extension::partial_crl(number, 2));
        part.sign(&*signer(&world.ci_key)).unwrap()
    };
    let (first, second, third, none) = (part(1), part(2), part(3), part(0));
    world.crls = vec![first.clone(), second];
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
    for other in [third, none] {
        world.crls = vec![first.clone(), other];
        assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlIncomplete { found: 1, total: 2 });
    }
}

/// An EUM whose key is for certificates alone makes no CRLs.
#[test]
fn atk_cert_crl_of_an_eum_without_crl_sign() {
    for curve in Curve::ALL {
        let mut world = World::new(curve);
        let eum_with = |uses: &[KeyUse]| {
            let mut template = world.template(Role::Eum);
            template.set(extension::rsp_policies(true, &[&[0, 0, 0]]));
            template.set(extension::key_usage(uses));
            world.sign(Role::Eum, &template)
        };
        let with = eum_with(&[KeyUse::KeyCertSign, KeyUse::CrlSign]);
        let without = eum_with(&[KeyUse::KeyCertSign]);
        let authority = authority(&with, &world.eum_key);
        let crl = CrlTemplate::new(&authority, NOW.plus_seconds(-DAY), NOW.plus_seconds(DAY));
        world.crls = vec![crl.sign(authority.signer()).unwrap()];
        assert_eq!(world.verdict(Role::Eum, &with), Ok(()));
        let error = world.verdict(Role::Eum, &without).unwrap_err();
        assert_eq!(error, PathError { certificate: Role::Euicc, rule: Rule::CrlSign });
    }
}

/// A list that cannot say whose key signed it is not passed over: it must verify.
#[test]
fn atk_cert_crl_forged_with_a_malformed_key_identifier() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    crl.extensions.retain(|extension| extension.id != AKI);
    crl.extensions.push(Extension::new(AKI, false, b"\x05\x00".to_vec()));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
    world.crls = vec![crl.sign(&*signer(&secret(Curve::P256, 66))).unwrap()];
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlForged);
}

#[test]
fn atk_crl_missing_where_one_is_demanded() {
    for curve in Curve::ALL {
        let (mut world, leaf, crl) = with_crl(curve);
        world.crl_max_age = Some(DAY);
        assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlMissing);
        let eum = world.eum.clone();
        assert_eq!(rule_of(&world, Role::Eum, &eum), Rule::CrlMissing);
        world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
        assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()));
        // The EUM may not sign CRLs, so that none of it can be demanded.
        assert_eq!(world.verdict(Role::Euicc, &world.sign_as(Role::Euicc)), Ok(()));
    }
}

#[test]
fn atk_crl_older_than_its_maximum_age_whatever_it_says() {
    let (mut world, leaf, mut crl) = with_crl(Curve::P256);
    crl.next_update = Some(NOW.plus_seconds(1000 * DAY));
    world.crls = vec![crl.sign(&*signer(&world.ci_key)).unwrap()];
    world.crl_max_age = Some(DAY);
    assert_eq!(world.verdict(Role::DpAuth, &leaf), Ok(()), "it is a day old");
    world.crl_max_age = Some(DAY - 1);
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlStale(NOW.plus_seconds(-1)));
}

#[test]
fn atk_crl_of_another_issuer_does_not_count() {
    let (mut world, leaf, _) = with_crl(Curve::P256);
    let other = World::new(Curve::BrainpoolP256r1);
    let crl = CrlTemplate::new(&other.ci_authority(), NOW.plus_seconds(-DAY), NOW.plus_seconds(DAY));
    world.crls = vec![crl.sign(&*signer(&other.ci_key)).unwrap()];
    world.crl_max_age = Some(DAY);
    assert_eq!(rule_of(&world, Role::DpAuth, &leaf), Rule::CrlMissing);
}

/// What an eUICC asks of a list before it keeps it.
#[test]
fn a_list_says_which_it_is() {
    let (world, _, mut template) = with_crl(Curve::P256);
    let sign = |template: &CrlTemplate| template.sign(&*signer(&world.ci_key)).unwrap();
    let crl = sign(&template);
    assert_eq!((crl.number(), crl.part(), crl.is_delta(), crl.scope()), (Some(vec![1]), None, false, None));
    let provider = rsp_crypto::rust_crypto();
    assert_eq!(crl.verify(provider, &world.ci), Ok(()));
    assert!(crl.is_of(&world.ci) && !crl.is_of(&world.eum));
    assert_eq!(
        template.sign(&*signer(&secret(Curve::P256, 66))).unwrap().verify(provider, &world.ci),
        Err(Rule::CrlForged)
    );
    for (number, expected) in [
        (b"\x02\x03\x00\x80\x00".as_slice(), Some(vec![0x80, 0x00])),
        (b"\x02\x01\x00", Some(Vec::new())),
        (b"\x02\x01\xff", None),
        (b"\x02\x00", None),
        (b"\x04\x01\x01", None),
        (b"\x02\x01\x01\x00", None),
    ] {
        template.extensions[1] = Extension::new(&[2, 5, 29, 20], false, number.to_vec());
        assert_eq!(sign(&template).number(), expected, "{number:?}");
    }
    template.extensions.truncate(1);
    assert_eq!(sign(&template).number(), None);
    template.extensions.extend(extension::partial_crl(2, 3));
    template.extensions.push(Extension::new(&[2, 5, 29, 28], true, b"\x30\x03\x81\x01\xff".to_vec()));
    let crl = sign(&template);
    assert_eq!((crl.part(), crl.scope()), (Some((2, 3)), Some(b"\x30\x03\x81\x01\xff".as_slice())));
    template.extensions.push(Extension::new(&[2, 5, 29, 27], true, b"\x02\x01\x01".to_vec()));
    let delta = sign(&template);
    assert!(delta.is_delta());
    assert_eq!(delta.verify(provider, &world.ci), Err(Rule::CrlUnsupported));
}
