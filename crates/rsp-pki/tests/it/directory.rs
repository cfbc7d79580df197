//! Hierarchies on disk: ours and the published one.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
use rsp_crypto::Curve;
use rsp_pki::directory::{InitOptions, Layout, Mint, PkiDirectory};
use rsp_pki::issue::{Host, OperatorName};
use rsp_pki::{Error, Role, Validation, validate, validate_euicc};
use rsp_testkit::standards_dir;

use crate::{NOW, seeded};

fn validation() -> Validation<'static> {
    Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &[], crl_max_age: None }
}

fn fresh(dir: &Path) -> PkiDirectory {
    PkiDirectory::init(dir, &InitOptions::default(), NOW, &mut seeded(1)).unwrap()
}

/// Every role of a directory validates on its curve, with keys that belong to it.
fn assert_complete(pki: &PkiDirectory, curve: Curve, roles: &[Role]) {
    let anchors = pki.trust_store();
    for role in roles {
        let entity = pki.require(curve, *role).unwrap();
        assert_eq!(entity.require_key().unwrap().public_key(), entity.certificate().public_key().unwrap());
        match role {
            Role::Euicc => {
                let eum = pki.require(curve, Role::Eum).unwrap().certificate();
                validate_euicc(&validation(), entity.certificate(), eum, &anchors).unwrap();
            }
            Role::Eum => {}
            role => drop(validate(&validation(), *role, entity.certificate(), &[], &anchors).unwrap()),
        }
    }
}

const NO_TLS: [Role; 6] = [Role::Ci, Role::Eum, Role::Euicc, Role::DpAuth, Role::DpPb, Role::DsAuth];

#[test]
fn makes_a_hierarchy_that_validates_on_both_curves() {
    let dir = tempfile::tempdir().unwrap();
    let made = fresh(dir.path());
    let opened = PkiDirectory::open(dir.path(), Some(NOW)).unwrap();
    for pki in [&made, &opened] {
        assert_eq!(pki.layout(), Layout::OpenRsp);
        assert_eq!(pki.curves(), Curve::ALL);
        assert_complete(pki, Curve::P256, &Role::ALL);
        assert_complete(pki, Curve::BrainpoolP256r1, &NO_TLS);
        assert!(pki.dp_tls(Curve::BrainpoolP256r1).is_none());
        assert_eq!(pki.trust_store().iter().count(), 2);
    }
}

#[test]
fn keeps_the_tls_root_with_brainpool_alone() {
    let dir = tempfile::tempdir().unwrap();
    let options = InitOptions { curves: vec![Curve::BrainpoolP256r1], ..InitOptions::default() };
    PkiDirectory::init(dir.path(), &options, NOW, &mut seeded(1)).unwrap();
    let pki = PkiDirectory::open(dir.path(), Some(NOW)).unwrap();
    assert_eq!(pki.curves(), [Curve::BrainpoolP256r1]);
    assert_complete(&pki, Curve::BrainpoolP256r1, &NO_TLS);
    assert_complete(&pki, Curve::P256, &[Role::Ci, Role::DpTls, Role::DsTls]);
}

#[test]
fn makes_the_same_hierarchy_from_the_same_randomness() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ders = |pki: PkiDirectory| pki.entities().map(|entity| entity.certificate().der().to_vec()).collect::<Vec<_>>();
    assert_eq!(ders(fresh(one.path())), ders(fresh(two.path())));
}

#[test]
fn does_not_overwrite_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let before = fresh(dir.path());
    let again = PkiDirectory::init(dir.path(), &InitOptions::default(), NOW, &mut seeded(99));
    assert!(matches!(again, Err(Error::File { .. })));
    let opened = PkiDirectory::open(dir.path(), Some(NOW)).unwrap();
    assert_eq!(opened.trust_store().iter().next(), before.trust_store().iter().next());

    let forced = InitOptions { force: true, ..InitOptions::default() };
    PkiDirectory::init(dir.path(), &forced, NOW, &mut seeded(99)).unwrap();
    let opened = PkiDirectory::open(dir.path(), Some(NOW)).unwrap();
    assert_ne!(opened.trust_store().iter().next(), before.trust_store().iter().next());
    assert_complete(&opened, Curve::P256, &Role::ALL);
}

fn file_problem(result: Result<PkiDirectory, Error>) -> (String, String) {
    match result.map(drop) {
        Err(Error::File { path, problem }) => (path.file_name().unwrap().to_string_lossy().into_owned(), problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_keys_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    fresh(dir.path());
    let key = dir.path().join("p256/dpauth.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let (file, problem) = file_problem(PkiDirectory::open(dir.path(), None));
        assert_eq!(file, "dpauth.key");
        assert!(problem.contains("chmod 600"), "{problem}");
    }
}

#[test]
fn names_the_file_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    fresh(dir.path());
    let at = |name: &str| dir.path().join("p256").join(name);
    let keep = std::fs::read(at("dppb.pem")).unwrap();

    std::fs::copy(at("dpauth.pem"), at("dppb.pem")).unwrap();
    let (file, problem) = file_problem(PkiDirectory::open(dir.path(), None));
    assert_eq!((file.as_str(), problem.as_str()), ("dppb.pem", "is not the certificate of a DPpb on p256"));

    std::fs::write(at("dppb.pem"), "nothing").unwrap();
    assert_eq!(file_problem(PkiDirectory::open(dir.path(), None)).0, "dppb.pem");

    std::fs::write(at("dppb.pem"), keep).unwrap();
    std::fs::copy(at("dpauth.key"), at("dppb.key")).unwrap();
    let (file, problem) = file_problem(PkiDirectory::open(dir.path(), None));
    assert_eq!((file.as_str(), problem.as_str()), ("dppb.key", "is the key of another certificate"));
}

#[test]
fn refuses_a_directory_of_neither_layout() {
    let dir = tempfile::tempdir().unwrap();
    assert!(file_problem(PkiDirectory::open(dir.path(), None)).1.contains("neither"));
    assert!(file_problem(PkiDirectory::open(&dir.path().join("absent"), None)).1.contains("not a directory"));
}

#[test]
fn mints_tls_for_a_name_or_an_address() {
    let dir = tempfile::tempdir().unwrap();
    let pki = fresh(dir.path());
    for host in ["smdp.example.org", "127.0.0.1", "::1"] {
        let host: Host = host.parse().unwrap();
        let minted = pki.mint_dp_tls(&host, Mint { now: NOW, randomness: &mut seeded(5) }).unwrap();
        let certificate = &minted.certificate;
        validate(&validation(), Role::DpTls, certificate, &[], &pki.trust_store()).unwrap();
        assert_eq!(certificate.oid(), pki.dp_auth(Curve::P256).unwrap().certificate().oid());
        match &host {
            Host::Dns(name) => assert_eq!(certificate.dns_names(), std::slice::from_ref(name)),
            Host::Ip(address) => assert_eq!(certificate.ip_addresses(), [*address]),
        }
    }
}

#[test]
fn mints_an_operator_with_what_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let pki = fresh(dir.path());
    let name: OperatorName = "Example Mobile 2".parse().unwrap();
    let (host, oid): (Host, _) = ("es2.example.org".parse().unwrap(), ObjectIdentifier::new(vec![2, 999, 7]).unwrap());
    for (host, oid) in [(None, None), (Some(&host), None), (None, Some(&oid)), (Some(&host), Some(&oid))] {
        let minted = pki.mint_operator(&name, host, oid, Mint { now: NOW, randomness: &mut seeded(5) }).unwrap();
        let certificate = &minted.certificate;
        let path = validate(&validation(), Role::OperatorTls, certificate, &[], &pki.trust_store()).unwrap();
        assert_eq!((path.oid(), certificate.oid().as_ref()), (oid, oid));
        assert_eq!(certificate.subject(), "O=Example Mobile 2, CN=Example Mobile 2");
        assert_eq!(certificate.role(), Some(Role::OperatorTls));
        assert!(certificate.is_for_tls_client());
        assert_eq!(certificate.is_for_tls_server(), host.is_some());
        assert_eq!(certificate.dns_names().len(), usize::from(host.is_some()));
        assert!(certificate.policies().is_empty());
    }
}

#[test]
fn an_operators_name_can_be_printed_and_be_a_files() {
    for name in ["A", "Example Mobile", "op-1_b.example", "Télécom 5", &"x".repeat(64)] {
        assert_eq!(name.parse::<OperatorName>().unwrap().as_str(), name);
    }
    let control = ["a\nb", "a\u{202E}b"];
    for name in
        ["", " ", ".", "..", ".a", "a ", "a.", "-a", "a/b", "a\\b", "a:b", &"x".repeat(65)].iter().chain(&control)
    {
        assert!(matches!(name.parse::<OperatorName>(), Err(Error::OperatorName(_))), "{name:?}");
    }
}

#[test]
fn mints_an_euicc_only_for_an_eid_of_the_eum() {
    let dir = tempfile::tempdir().unwrap();
    let pki = fresh(dir.path());
    let eid: Eid = "89049032000000000000000000000042".parse().unwrap();
    for curve in Curve::ALL {
        let minted = pki.mint_euicc(curve, eid, Mint { now: NOW, randomness: &mut seeded(6) }).unwrap();
        let eum = pki.eum(curve).unwrap().certificate();
        let identity = validate_euicc(&validation(), &minted.certificate, eum, &pki.trust_store()).unwrap();
        assert_eq!(identity.eid(), eid);
        assert_eq!(minted.certificate.not_after().to_string(), "7496-01-24T09:48:58Z");
    }
    let foreign: Eid = "89033023123451234512345678901235".parse().unwrap();
    let refused = pki.mint_euicc(Curve::P256, foreign, Mint { now: NOW, randomness: &mut seeded(6) });
    assert!(matches!(refused.map(drop), Err(Error::EidNotPermitted { .. })));
}

#[test]
fn says_whose_key_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    fresh(dir.path());
    std::fs::remove_file(dir.path().join("p256/ci.key")).unwrap();
    let pki = PkiDirectory::open(dir.path(), None).unwrap();
    let host: Host = "smdp.example.org".parse().unwrap();
    let refused = pki.mint_dp_tls(&host, Mint { now: NOW, randomness: &mut seeded(5) });
    assert!(matches!(refused.map(drop), Err(Error::NoKey(Role::Ci))));
}

#[test]
fn reads_hosts() {
    assert_eq!("Example.COM".parse::<Host>().unwrap(), Host::Dns("example.com".into()));
    assert_eq!("localhost".parse::<Host>().unwrap(), Host::Dns("localhost".into()));
    assert_eq!("[::1]".parse::<Host>().unwrap(), Host::Ip("::1".parse().unwrap()));
    for text in ["", "a..b", "-a.b", "a b", "127.0.0.256", "host:443", "a/b", "é.example"] {
        assert!(text.parse::<Host>().is_err(), "{text:?}");
    }
}

fn published() -> Option<PkiDirectory> {
    let dir = standards_dir()?.join("sgp26/v1-set");
    Some(PkiDirectory::open(&dir, Some(NOW)).unwrap())
}

#[test]
fn reads_the_published_directory_on_both_curves() {
    let Some(pki) = published() else { return };
    assert_eq!(pki.layout(), Layout::Sgp26);
    assert_eq!(pki.curves(), Curve::ALL);
    let roles = [Role::Ci, Role::Eum, Role::Euicc, Role::DpAuth, Role::DpPb, Role::DpTls];
    for curve in Curve::ALL {
        assert_complete(&pki, curve, &roles);
        for role in [Role::DpAuth, Role::DpPb, Role::DpTls] {
            let certificate = pki.require(curve, role).unwrap().certificate();
            assert_eq!(certificate.oid().unwrap().to_string(), "2.999.10", "{role}");
        }
    }
    // The second SM-DP+ and the expired certificates are there for whoever wants them.
    assert_eq!(pki.candidates(Curve::P256, Role::DpAuth).count(), 2);
    assert!(pki.candidates(Curve::P256, Role::DpTls).count() >= 4);
}

#[test]
fn chooses_the_published_tls_certificate_that_is_valid_now() {
    let Some(dir) = standards_dir() else { return };
    let dir = dir.join("sgp26/v1-set");
    let chosen = |now| {
        let pki = PkiDirectory::open(&dir, Some(now)).unwrap();
        pki.dp_tls(Curve::P256).unwrap().file().file_name().unwrap().to_string_lossy().into_owned()
    };
    assert_eq!(chosen(NOW), "CERT_S_SM_DP_VARO_TLS_NIST.der");
    // 2026-01-01: only the earlier issue was valid.
    assert!(chosen(Timestamp(1_767_225_600)).starts_with("CERT_S_SM_DP_TLS_NIST."));
}

#[test]
fn mints_under_the_published_ci() {
    let Some(pki) = published() else { return };
    let host: Host = "smdp.example.org".parse().unwrap();
    let tls = pki.mint_dp_tls(&host, Mint { now: NOW, randomness: &mut seeded(7) }).unwrap();
    validate(&validation(), Role::DpTls, &tls.certificate, &[], &pki.trust_store()).unwrap();
    for curve in Curve::ALL {
        let oid = rsp_asn1::ObjectIdentifier::new(vec![2, 999, 15]).unwrap();
        let mint = Mint { now: NOW, randomness: &mut seeded(8) };
        let ds = pki.mint_server(curve, Role::DsAuth, &oid, &host, mint).unwrap();
        validate(&validation(), Role::DsAuth, &ds.certificate, &[], &pki.trust_store()).unwrap();
        let eid = "89049032000000000000000000000042".parse().unwrap();
        let euicc = pki.mint_euicc(curve, eid, Mint { now: NOW, randomness: &mut seeded(9) }).unwrap();
        let eum = pki.eum(curve).unwrap().certificate();
        validate_euicc(&validation(), &euicc.certificate, eum, &pki.trust_store()).unwrap();
    }
}

#[test]
fn reads_the_published_directory_of_version_3() {
    let Some(dir) = standards_dir() else { return };
    let pki = PkiDirectory::open(&dir.join("sgp26/v3-variant-o"), Some(NOW)).unwrap();
    assert_complete(&pki, Curve::P256, &[Role::Ci, Role::Eum, Role::Euicc, Role::DpAuth, Role::DpPb]);
}
