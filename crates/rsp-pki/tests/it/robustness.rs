//! Whatever bytes come in, reading and validating end with a value or an error.

use proptest::prelude::*;
use rsp_crypto::Curve;
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::issue::CrlTemplate;
use rsp_pki::{Certificate, Crl, Role, TrustStore, Validation, validate, validate_euicc};

use crate::{NOW, seeded};

/// One hierarchy for all cases: eUICC, EUM, DPauth and CI of one curve, and a CRL.
struct Sample {
    euicc: Certificate,
    eum: Certificate,
    dp_auth: Certificate,
    anchors: TrustStore,
    crl: Crl,
}

fn sample() -> &'static Sample {
    static SAMPLE: std::sync::LazyLock<Sample> = std::sync::LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let pki = PkiDirectory::init(dir.path(), &InitOptions::default(), NOW, &mut seeded(1)).unwrap();
        let of = |role| pki.require(Curve::P256, role).unwrap().certificate().clone();
        let ci = pki.authority(Curve::P256, Role::Ci).unwrap();
        let mut crl = CrlTemplate::new(&ci, NOW, NOW.plus_seconds(1));
        crl.revoke(&of(Role::DpPb), NOW);
        let crl = crl.sign(ci.signer()).unwrap();
        let anchors = pki.trust_store();
        Sample { euicc: of(Role::Euicc), eum: of(Role::Eum), dp_auth: of(Role::DpAuth), anchors, crl }
    });
    &SAMPLE
}

/// Reads and validates bytes in every place where a peer's bytes can stand.
fn exercise(bytes: &[u8]) {
    let sample = sample();
    let crls: Vec<Crl> = Crl::from_file_content(bytes).into_iter().collect();
    let v = Validation { provider: rsp_crypto::aws_lc(), now: Some(NOW), crls: &crls, crl_max_age: None };
    let _ = validate(&v, Role::DpAuth, &sample.dp_auth, &[], &sample.anchors);
    let Ok(certificate) = Certificate::from_file_content(bytes) else { return };
    let _ = (certificate.subject(), certificate.serial(), certificate.eid(), certificate.permitted_eid_prefixes());
    let _ = format!("{certificate:?}");
    for role in Role::ALL.into_iter().chain([Role::OperatorTls]) {
        let _ = validate(&v, role, &certificate, &[], &sample.anchors);
        let _ = validate(&v, role, &certificate, std::slice::from_ref(&sample.eum), &sample.anchors);
    }
    let _ = validate_euicc(&v, &sample.euicc, &certificate, &sample.anchors);
    let own = TrustStore::new(vec![certificate.clone()]);
    let _ = validate(&v, Role::DpAuth, &sample.dp_auth, &[certificate], &own);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        exercise(&bytes);
    }

    #[test]
    fn survives_changed_certificates(
        which in 0usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let sample = sample();
        let mut der = [sample.euicc.der(), sample.eum.der(), sample.dp_auth.der(), sample.crl.der()][which].to_vec();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        if let Some(cut) = cut {
            der.truncate(cut.index(der.len()));
        }
        exercise(&der);
    }
}
