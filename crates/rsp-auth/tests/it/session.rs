//! Choosing a CI, recognising a session, and states that survive a database.

use rsp_asn1::{EuiccInfo1, Octet16, SubjectKeyIdentifier, Timestamp, TransactionId, Unknown, VersionType};
use rsp_auth::{Authenticator, Challenges, Credential, DerivedChallenges, Error, Euicc, ServerAddress, Terms};
use rsp_crypto::{Curve, Randomness, SecretKey, Zeroizing, aws_lc};
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::{Role, TrustStore};
use rsp_testkit::SeededRandomness;

const NOW: Timestamp = Timestamp(1_795_000_000);
const ADDRESS: &str = "smds.example.com";
const BEGINS_BY: Timestamp = Timestamp(NOW.0 + 60);

fn challenges(key: u8) -> Box<DerivedChallenges> {
    Box::new(DerivedChallenges::new(Zeroizing::new([key; 32])))
}

fn pki() -> PkiDirectory {
    let dir = tempfile::tempdir().unwrap();
    PkiDirectory::init(dir.path(), &InitOptions::default(), NOW, &mut SeededRandomness::new("pki")).unwrap()
}

fn credential(pki: &PkiDirectory, curve: Curve, role: Role) -> Credential {
    let entity = pki.require(curve, role).unwrap();
    Credential::new(entity.certificate().clone(), aws_lc().signer(entity.require_key().unwrap()).unwrap()).unwrap()
}

fn new(pki: &PkiDirectory, role: Role, anchors: TrustStore) -> Result<Authenticator, Error> {
    let credentials = Curve::ALL.map(|curve| credential(pki, curve, role)).into();
    let address = ServerAddress::parse(ADDRESS).unwrap();
    Authenticator::new(address, role, credentials, anchors, Vec::new(), aws_lc(), challenges(1))
}

fn ci(pki: &PkiDirectory, curve: Curve) -> SubjectKeyIdentifier {
    let ci = pki.ci(curve).unwrap().certificate();
    SubjectKeyIdentifier(ci.subject_key_identifier().unwrap().to_vec().into())
}

fn info1(verification: Vec<SubjectKeyIdentifier>, signing: Vec<SubjectKeyIdentifier>) -> EuiccInfo1 {
    EuiccInfo1 {
        svn: VersionType([2, 2, 0]),
        euicc_ci_pk_id_list_for_verification: verification,
        euicc_ci_pk_id_list_for_signing: signing,
        unknown: Unknown::default(),
    }
}

#[test]
fn an_sm_ds_authenticates_itself_like_an_sm_dp() {
    let pki = pki();
    let authenticator = new(&pki, Role::DsAuth, pki.trust_store()).unwrap();
    let cis = vec![ci(&pki, Curve::P256)];
    let randomness = &mut SeededRandomness::new("server");
    let info = info1(cis.clone(), cis);
    let initiated = authenticator.initiate(Octet16([1; 16]), &info, ADDRESS, NOW, BEGINS_BY, randomness).unwrap();
    assert!(authenticator.awaiting(&initiated.transaction_id, NOW).is_some());
    assert_eq!(&initiated.server_certificate, pki.ds_auth(Curve::P256).unwrap().certificate().raw());
}

#[test]
fn the_euicc_signs_under_its_preferred_trusted_ci_if_it_cannot_under_the_servers() {
    let pki = pki();
    let authenticator = new(&pki, Role::DpAuth, pki.trust_store()).unwrap();
    let (p256, brainpool) = (ci(&pki, Curve::P256), ci(&pki, Curve::BrainpoolP256r1));
    let stranger = SubjectKeyIdentifier(vec![0xAA; 20].into());
    let cases = [
        (vec![p256.clone()], vec![brainpool.clone(), p256.clone()], p256.clone()),
        (vec![p256.clone()], vec![stranger.clone(), brainpool.clone()], brainpool.clone()),
        (vec![stranger, brainpool.clone(), p256.clone()], vec![p256.clone(), brainpool.clone()], brainpool),
    ];
    for (verification, signing, expected) in cases {
        let randomness = &mut SeededRandomness::new("server");
        let info = info1(verification, signing);
        let initiated = authenticator.initiate(Octet16([1; 16]), &info, ADDRESS, NOW, BEGINS_BY, randomness).unwrap();
        assert_eq!(initiated.euicc_ci_pk_id_to_be_used, expected);
    }
}

#[test]
fn a_session_is_recognised_by_its_server_under_its_terms_until_its_time_is_over() {
    let pki = pki();
    let authenticator = new(&pki, Role::DpAuth, pki.trust_store()).unwrap();
    let (p256, brainpool) = (ci(&pki, Curve::P256), ci(&pki, Curve::BrainpoolP256r1));
    let info = info1(vec![brainpool.clone(), p256.clone()], vec![brainpool.clone()]);
    let randomness = &mut SeededRandomness::new("server");
    let initiated = authenticator.initiate(Octet16([1; 16]), &info, ADDRESS, NOW, BEGINS_BY, randomness).unwrap();
    let id = &initiated.transaction_id;
    assert_eq!(authenticator.awaiting(id, BEGINS_BY).unwrap().credential_ci(), &brainpool);
    assert_eq!(authenticator.awaiting(id, BEGINS_BY.plus_seconds(1)), None);
    for index in 0..16 {
        let mut other: [u8; 16] = id.as_bytes().try_into().unwrap();
        other[index] ^= 1;
        assert_eq!(authenticator.awaiting(&TransactionId::from(other), NOW), None, "byte {index}");
    }
    assert_eq!(authenticator.awaiting(&TransactionId::new(&id.as_bytes()[..15]).unwrap(), NOW), None);
    let other_key = new(&pki, Role::DpAuth, pki.trust_store()).unwrap().with_challenges(challenges(2));
    assert_eq!(other_key.awaiting(id, NOW), None);
    // Another CI took the place of the one under which the eUICC was to sign.
    let anchors = pki.trust_store();
    let only_p256 = anchors.iter().filter(|anchor| anchor.subject_key_identifier() == Some(&p256.0)).cloned();
    let credentials = vec![credential(&pki, Curve::P256, Role::DpAuth)];
    let address = ServerAddress::parse(ADDRESS).unwrap();
    let fewer_anchors = TrustStore::new(only_p256.collect());
    let fewer =
        Authenticator::new(address, Role::DpAuth, credentials, fewer_anchors, Vec::new(), aws_lc(), challenges(1))
            .unwrap();
    assert_eq!(fewer.awaiting(id, NOW), None);
}

/// Computed with another program (Python's hmac) from the layout that the type's documentation gives.
#[test]
fn derived_challenges_are_the_documented_macs() {
    struct Ascending;
    impl Randomness for Ascending {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.iter_mut().zip(0xA0..).for_each(|(byte, value)| *byte = value);
        }
    }
    let (credential_ci, euicc_ci) =
        (SubjectKeyIdentifier(vec![1; 20].into()), SubjectKeyIdentifier(vec![2; 20].into()));
    let terms = Terms { credential_ci: &credential_ci, euicc_ci: &euicc_ci };
    let swapped = Terms { credential_ci: &euicc_ci, euicc_ci: &credential_ci };
    let challenges = challenges(7);
    let id = challenges.transaction_id(&terms, BEGINS_BY, &mut Ascending);
    assert_eq!(id.to_string(), "6AFD86FCA0A1A2A3A4A533FAFD5E54D7");
    assert_eq!(challenges.begins_by(&terms, &id), Some(BEGINS_BY));
    assert_eq!(challenges.begins_by(&swapped, &id), None);
    let challenge = challenges.server_challenge(&terms, &id, ADDRESS);
    assert_eq!(hex::encode(challenge.0), "de56d893f313d2c70cd7edc5bf2ca0cd");
    assert_ne!(challenges.server_challenge(&swapped, &id, ADDRESS), challenge);
    assert_ne!(challenges.server_challenge(&terms, &id, "smds.example.org"), challenge);
    let other = challenges.transaction_id(&terms, BEGINS_BY.plus_seconds(1), &mut Ascending);
    assert_ne!(challenges.server_challenge(&terms, &other, ADDRESS), challenge);
}

#[test]
fn an_euicc_comes_back_from_a_database() {
    let pki = pki();
    let ci = ci(&pki, Curve::P256);
    for curve in Curve::ALL {
        let key = SecretKey::generate(curve, &mut SeededRandomness::new("euicc"));
        let euicc = Euicc {
            eid: "89049032123451234512345678901235".parse().unwrap(),
            public_key: *key.public_key(),
            ci: ci.clone(),
        };
        assert_eq!(Euicc::from_bytes(&euicc.to_bytes()).unwrap(), euicc);
    }
}

#[test]
fn refuses_credentials_that_are_not_the_servers() {
    let pki = pki();
    let entity = pki.dp_auth(Curve::P256).unwrap();
    let other = pki.dp_pb(Curve::P256).unwrap().require_key().unwrap();
    let mixed = Credential::new(entity.certificate().clone(), aws_lc().signer(other).unwrap());
    assert!(matches!(mixed, Err(Error::CredentialInvalid(_))));
    // Certificates of another role, and certificates under a CI that is not trusted.
    let credentials = vec![credential(&pki, Curve::P256, Role::DpPb)];
    let address = ServerAddress::parse(ADDRESS).unwrap();
    let wrong =
        Authenticator::new(address, Role::DpAuth, credentials, pki.trust_store(), Vec::new(), aws_lc(), challenges(1))
            .err();
    assert!(matches!(wrong, Some(Error::OwnCertificateInvalid(_))));
    let untrusted = new(&pki, Role::DpAuth, TrustStore::default()).err();
    assert!(matches!(untrusted, Some(Error::OwnCertificateInvalid(_))));
}
