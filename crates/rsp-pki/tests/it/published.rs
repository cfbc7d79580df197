//! The SGP.26 certificates as published.

use rsp_asn1::{Timestamp, encode};
use rsp_crypto::{Curve, Provider};
use rsp_pki::{Certificate, Failure, PathError, Role, Rule, TrustStore, Validation, validate, validate_euicc};
use rsp_testkit::{standards, standards_dir};

use crate::NOW;

fn certificate(name: &str) -> Option<Certificate> {
    let content = standards(&format!("sgp26/{name}"))?;
    Some(Certificate::from_file_content(&content).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn providers() -> [&'static dyn Provider; 2] {
    [rsp_crypto::aws_lc(), rsp_crypto::rust_crypto()]
}

fn validation(provider: &dyn Provider) -> Validation<'_> {
    Validation { provider, now: Some(NOW), crls: &[], crl_max_age: None }
}

/// The trust store and the EUM of the published set for one curve.
fn published(suffix: &str) -> Option<(TrustStore, Certificate, Certificate)> {
    let ci = certificate(&format!("v1-set/CertificateIssuer/CERT_CI_ECDSA_{suffix}.der"))?;
    let eum = certificate(&format!("v1-set/EUM/CERT_EUM_ECDSA_{suffix}.der"))?;
    let euicc = certificate(&format!("v1-set/eUICC/CERT_EUICC_ECDSA_{suffix}.der"))?;
    Some((TrustStore::new(vec![ci]), eum, euicc))
}

fn files_below(dir: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "der") {
            found.push(path);
        }
    }
}

#[test]
fn encodes_every_published_certificate_as_it_was() {
    let Some(dir) = standards_dir() else { return };
    let mut files = Vec::new();
    files_below(&dir.join("sgp26"), &mut files);
    files_below(&dir.join("ci-roots"), &mut files);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let certificate = Certificate::from_der(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(encode(certificate.raw().value()).unwrap(), bytes, "{}", file.display());
        assert_eq!(Certificate::from_pem(&certificate.to_pem()).unwrap(), certificate);
    }
    assert!(files.len() >= 35, "only {} certificates", files.len());
}

#[test]
fn accepts_the_published_euicc_on_both_curves() {
    for (suffix, curve) in [("NIST", Curve::P256), ("BRP", Curve::BrainpoolP256r1)] {
        let Some((anchors, eum, euicc)) = published(suffix) else { return };
        for provider in providers() {
            let identity = validate_euicc(&validation(provider), &euicc, &eum, &anchors).unwrap();
            assert_eq!(identity.eid().to_string(), "89049032123451234512345678901235");
            assert_eq!(identity.public_key().curve(), curve);
            assert_eq!(Some(identity.ci_key_id()), anchors.iter().next().unwrap().subject_key_identifier());
        }
    }
}

#[test]
fn accepts_the_published_servers_on_both_curves() {
    for (suffix, curve) in [("NIST", Curve::P256), ("BRP", Curve::BrainpoolP256r1)] {
        let Some((anchors, ..)) = published(suffix) else { return };
        let members = [
            (Role::DpAuth, format!("v1-set/DPauth/CERT_S_SM_DPauth_ECDSA_{suffix}.der"), "2.999.10"),
            (Role::DpAuth, format!("v1-set/DPauth/CERT_S_SM_DP2auth_ECDSA_{suffix}.der"), "2.999.12"),
            (Role::DpPb, format!("v1-set/DPpb/CERT_S_SM_DPpb_ECDSA_{suffix}.der"), "2.999.10"),
            (Role::DpPb, format!("v1-set/DPpb/CERT_S_SM_DP2pb_ECDSA_{suffix}.der"), "2.999.12"),
            (Role::DpTls, format!("v1-set/DPtls/CERT_S_SM_DP_VARO_TLS_{suffix}.der"), "2.999.10"),
        ];
        for (role, name, oid) in members {
            let leaf = certificate(&name).unwrap();
            assert_eq!(leaf.role(), Some(role), "{name}");
            for provider in providers() {
                let path = validate(&validation(provider), role, &leaf, &[], &anchors).unwrap();
                assert_eq!(path.oid().unwrap().to_string(), oid, "{name}");
                assert_eq!(path.public_key().curve(), curve);
            }
        }
        let ci = anchors.iter().next().unwrap();
        validate(&validation(rsp_crypto::aws_lc()), Role::Ci, ci, &[], &anchors).unwrap();
    }
}

#[test]
fn accepts_the_published_set_of_version_3_variant_o() {
    let Some(ci) = certificate("v3-variant-o/CI/CERT_CI_SIG_NIST.der") else { return };
    let anchors = TrustStore::new(vec![ci]);
    let eum = certificate("v3-variant-o/openiotrsp/CERT_EUM_SIG_NIST.der").unwrap();
    let euicc = certificate("v3-variant-o/openiotrsp/CERT_EUICC_SIG_NIST.der").unwrap();
    let v = validation(rsp_crypto::aws_lc());
    validate_euicc(&v, &euicc, &eum, &anchors).unwrap();
    let auth = certificate("v3-variant-o/SM-DP+/SM_DPauth/CERT_S_SM_DPauth_VARO_SIG_NIST.der").unwrap();
    validate(&v, Role::DpAuth, &auth, &[], &anchors).unwrap();
    let pb = certificate("v3-variant-o/SM-DP+/SM_DPpb/CERT_S_SM_DPpb_VARO_SIG_NIST.der").unwrap();
    validate(&v, Role::DpPb, &pb, &[], &anchors).unwrap();
}

#[test]
fn reads_the_year_7496() {
    let Some((_, _, euicc)) = published("NIST") else { return };
    assert_eq!(euicc.not_after().to_string(), "7496-01-24T09:48:58Z");
    assert_eq!(euicc.not_before().to_string(), "2020-04-01T09:48:58Z");
}

#[test]
fn says_which_published_tls_certificates_are_over() {
    let Some((anchors, ..)) = published("NIST") else { return };
    for name in ["CERT_S_SM_DP2_TLS", "CERT_S_SM_DP4_TLS", "CERT_S_SM_DP8_TLS", "pysim/CERT_S_SM_DP_TLS_NIST"] {
        let leaf = certificate(&format!("v1-set/DPtls/{name}.der")).unwrap();
        let error = validate(&validation(rsp_crypto::aws_lc()), Role::DpTls, &leaf, &[], &anchors).unwrap_err();
        assert_eq!(error, PathError { certificate: Role::DpTls, rule: Rule::Expired(leaf.not_after()) }, "{name}");
        // Without a clock they hold.
        let no_clock = Validation { now: None, ..validation(rsp_crypto::aws_lc()) };
        validate(&no_clock, Role::DpTls, &leaf, &[], &anchors).unwrap();
    }
}

fn invalid(name: &str) -> Certificate {
    certificate(&format!("v1-invalid/CERT_{name}.der")).unwrap()
}

#[test]
fn refuses_the_published_invalid_euiccs_each_for_its_reason() {
    let Some((anchors, eum, _)) = published("NIST") else { return };
    for provider in providers() {
        let refused = |name| validate_euicc(&validation(provider), &invalid(name), &eum, &anchors).unwrap_err();
        let expired = Rule::Expired(Timestamp(1_420_070_400));
        assert_eq!(refused("EUICC_ECDSA_NIST_EXPIRED"), PathError { certificate: Role::Euicc, rule: expired });
        assert_eq!(refused("EUICC_ECDSA_NIST_EXPIRED").failure(), Failure::Expired);
        assert_eq!(refused("EUICC_ECDSA_NIST_INVALID"), PathError { certificate: Role::Euicc, rule: Rule::SelfSigned });
        assert_eq!(
            refused("EUICC_ECDSA_NIST_INVALID_EID"),
            PathError { certificate: Role::Euicc, rule: Rule::EidNotPermitted }
        );
    }
}

#[test]
fn refuses_the_published_invalid_eums_each_for_its_reason() {
    let Some((anchors, _, euicc)) = published("NIST") else { return };
    for provider in providers() {
        let refused = |name| validate_euicc(&validation(provider), &euicc, &invalid(name), &anchors).unwrap_err();
        let expired = Rule::Expired(Timestamp(1_420_070_400));
        assert_eq!(refused("EUM_ECDSA_NIST_EXPIRED"), PathError { certificate: Role::Eum, rule: expired });
        assert_eq!(refused("EUM_ECDSA_NIST_INVALID"), PathError { certificate: Role::Eum, rule: Rule::SelfSigned });
        let unknown = refused("EUM_ECDSA_NIST_UNKNOWN_CI");
        assert_eq!(unknown.certificate, Role::Eum);
        assert_eq!(unknown.failure(), Failure::UnknownCi);
    }
}

/// Its EID begins as the EUM's certificate says; that the check digits are wrong is no rule of the path.
#[test]
fn accepts_the_published_unmatched_eid() {
    let Some((anchors, eum, _)) = published("NIST") else { return };
    let euicc = invalid("EUICC_ECDSA_NIST_UNMATCHED_EID");
    let identity = validate_euicc(&validation(rsp_crypto::aws_lc()), &euicc, &eum, &anchors).unwrap();
    assert_eq!(identity.eid().to_string(), "89049032123451234512345678901299");
    assert!(!identity.eid().check_digits_valid());
}

/// It has no identifier by which anything could name it, so that trusting it changes nothing.
#[test]
fn refuses_the_published_unknown_ci() {
    let Some((anchors, _, euicc)) = published("NIST") else { return };
    let (ci, eum) = (invalid("UNKNOWN_CI_ECDSA_NIST"), invalid("EUM_ECDSA_NIST_UNKNOWN_CI"));
    let v = validation(rsp_crypto::aws_lc());
    let missing = PathError { certificate: Role::Ci, rule: Rule::MissingExtension("subjectKeyIdentifier") };
    assert_eq!(validate(&v, Role::Ci, &ci, &[], &anchors).unwrap_err(), missing);
    let trusting = TrustStore::new(vec![ci]);
    let error = validate_euicc(&v, &euicc, &eum, &trusting).unwrap_err();
    assert_eq!((error.certificate, error.failure()), (Role::Eum, Failure::UnknownCi));
}
