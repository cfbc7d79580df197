//! Choosing a CI, and states that survive a database.

use rsp_asn1::{EuiccInfo1, Octet16, SubjectKeyIdentifier, Timestamp, Unknown, VersionType};
use rsp_auth::{Authenticator, Credential, Error, Euicc, ExpectAuthenticateClient, ServerAddress};
use rsp_crypto::{Curve, SecretKey, aws_lc};
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::{Role, TrustStore};
use rsp_testkit::SeededRandomness;

const NOW: Timestamp = Timestamp(1_795_000_000);
const ADDRESS: &str = "smds.example.com";

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
    Authenticator::new(address, role, credentials, anchors, Vec::new(), aws_lc())
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
    let (initiated, state) = authenticator.initiate(Octet16([1; 16]), &info, ADDRESS, NOW, randomness).unwrap();
    assert_eq!(state.transaction_id(), &initiated.transaction_id);
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
        let (initiated, _) = authenticator.initiate(Octet16([1; 16]), &info, ADDRESS, NOW, randomness).unwrap();
        assert_eq!(initiated.euicc_ci_pk_id_to_be_used, expected);
    }
}

#[test]
fn states_come_back_from_a_database_and_damaged_ones_do_not() {
    let pki = pki();
    let authenticator = new(&pki, Role::DpAuth, pki.trust_store()).unwrap();
    let cis = vec![ci(&pki, Curve::P256)];
    let randomness = &mut SeededRandomness::new("server");
    let info = info1(cis.clone(), cis.clone());
    let (_, state) = authenticator.initiate(Octet16([1; 16]), &info, ADDRESS, NOW, randomness).unwrap();
    let bytes = state.to_bytes();
    assert_eq!(ExpectAuthenticateClient::from_bytes(&bytes).unwrap(), state);
    assert!(ExpectAuthenticateClient::from_bytes(&bytes[1..]).is_err());
    assert!(ExpectAuthenticateClient::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    for curve in Curve::ALL {
        let key = SecretKey::generate(curve, &mut SeededRandomness::new("euicc"));
        let euicc = Euicc {
            eid: "89049032123451234512345678901235".parse().unwrap(),
            public_key: *key.public_key(),
            ci: cis[0].clone(),
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
    let wrong = Authenticator::new(address, Role::DpAuth, credentials, pki.trust_store(), Vec::new(), aws_lc()).err();
    assert!(matches!(wrong, Some(Error::OwnCertificateInvalid(_))));
    let untrusted = new(&pki, Role::DpAuth, TrustStore::default()).err();
    assert!(matches!(untrusted, Some(Error::OwnCertificateInvalid(_))));
}
