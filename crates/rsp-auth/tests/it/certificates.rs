//! Certificates of eUICCs as published for tests: each invalid one is refused for its own reason.

use rsp_asn1::Timestamp;
use rsp_auth::{Authenticator, DerivedChallenges, Error, ServerAddress};
use rsp_crypto::{Curve, Zeroizing, aws_lc};
use rsp_pki::directory::PkiDirectory;
use rsp_pki::{Certificate, Role};
use rsp_testkit::{standards, standards_dir};

/// 2026-06-01.
const NOW: Timestamp = Timestamp(1_780_272_000);

fn authenticator() -> Option<(Authenticator, PkiDirectory)> {
    let Some(standards) = standards_dir() else {
        drop(standards("sgp26"));
        return None;
    };
    let pki = PkiDirectory::open(&standards.join("sgp26/v1-set"), Some(NOW)).unwrap();
    let address = ServerAddress::parse("testsmdpplus1.example.com").unwrap();
    let challenges = Box::new(DerivedChallenges::new(Zeroizing::new([0; 32])));
    let authenticator =
        Authenticator::new(address, Role::DpAuth, Vec::new(), pki.trust_store(), Vec::new(), aws_lc(), challenges)
            .unwrap();
    Some((authenticator, pki))
}

#[test]
fn identifies_the_published_euicc_on_both_curves_again_and_again() {
    let Some((authenticator, pki)) = authenticator() else { return };
    for curve in Curve::ALL {
        let euicc = pki.euicc(curve).unwrap().certificate();
        let eum = pki.eum(curve).unwrap().certificate();
        for _ in 0..2 {
            let identified = authenticator.identify_any(euicc.raw(), eum.raw(), NOW).unwrap();
            assert_eq!(identified.eid.to_string(), "89049032123451234512345678901235");
        }
        // What was verified once is remembered, but not that it was valid.
        let late = NOW.plus_seconds(100 * 365 * 86_400);
        let refused = authenticator.identify_any(euicc.raw(), eum.raw(), late);
        assert!(matches!(refused, Err(Error::EumCertificateExpired(_))));
        let damaged = flip_last_byte(eum);
        let refused = authenticator.identify_any(euicc.raw(), damaged.raw(), NOW);
        assert!(matches!(refused, Err(Error::EumCertificateInvalid(_))));
        let damaged = flip_last_byte(euicc);
        let refused = authenticator.identify_any(damaged.raw(), eum.raw(), NOW);
        assert!(matches!(refused, Err(Error::EuiccCertificateInvalid(_))));
    }
}

/// The same certificate with another signature.
fn flip_last_byte(certificate: &Certificate) -> Certificate {
    let mut der = certificate.der().to_vec();
    if let Some(last) = der.last_mut() {
        *last ^= 1;
    }
    Certificate::from_der(&der).unwrap()
}
