//! `openrsp pki` on published certificates.

use rsp_testkit::standards_dir;
use serde_json::Value;

use crate::bed::openrsp;

/// What `pki verify` says of a published certificate.
fn verify(certificate: &str) -> Option<(i32, Value)> {
    let dir = standards_dir()?;
    let file = dir.join("sgp26").join(certificate);
    let pki = dir.join("sgp26/v1-set");
    let mut ended = openrsp(["pki".as_ref(), "verify".as_ref(), file.as_os_str(), "--pki".as_ref(), pki.as_os_str()]);
    Some((ended.code, ended.lines.pop().unwrap_or_default()))
}

#[test]
fn the_unmatched_eid_is_a_valid_path_with_a_warning() {
    let Some((code, said)) = verify("v1-invalid/CERT_EUICC_ECDSA_NIST_UNMATCHED_EID.der") else { return };
    assert_eq!((code, &said["result"], &said["role"]), (0, &"ok".into(), &"eUICC".into()), "{said}");
    assert_eq!(said["eid"], "89049032123451234512345678901299");
    let warning = said["warnings"][0].as_str().unwrap();
    assert!(warning.contains("check digits") && warning.contains("89049032123451234512345678901235"), "{warning}");
    let (code, said) = verify("v1-set/eUICC/CERT_EUICC_ECDSA_NIST.der").unwrap();
    assert_eq!((code, &said["warnings"]), (0, &Value::Array(Vec::new())), "{said}");
}

#[test]
fn the_invalid_certificates_are_refused() {
    for name in ["EUICC_ECDSA_NIST_EXPIRED", "EUICC_ECDSA_NIST_INVALID", "EUICC_ECDSA_NIST_INVALID_EID"] {
        let Some((code, said)) = verify(&format!("v1-invalid/CERT_{name}.der")) else { return };
        assert_eq!(code, 1, "{name}: {said}");
        assert_ne!(said["result"], "ok", "{name}");
    }
    for name in ["EUM_ECDSA_NIST_EXPIRED", "EUM_ECDSA_NIST_INVALID", "EUM_ECDSA_NIST_UNKNOWN_CI"] {
        let Some((code, said)) = verify(&format!("v1-invalid/CERT_{name}.der")) else { return };
        assert_eq!(code, 1, "{name}: {said}");
    }
}

#[test]
fn a_ci_without_extensions_and_an_eum_with_the_policy_of_a_server_are_called_what_they_are() {
    let Some((code, said)) = verify("v1-invalid/CERT_UNKNOWN_CI_ECDSA_NIST.der") else { return };
    assert_eq!((code, &said["result"], &said["role"]), (1, &"refused".into(), &"CI".into()), "{said}");
    assert_eq!(said["rule"], "extension subjectKeyIdentifier is missing");

    let dir = standards_dir().unwrap().join("sgp26");
    let file = dir.join("v1-invalid/CERT_EUM_ECDSA_NIST_UNKNOWN_CI.der");
    let ci = dir.join("v1-set/CertificateIssuer/CERT_CI_ECDSA_NIST.der");
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_openrsp"))
        .args(["pki".as_ref(), "verify".as_ref(), file.as_os_str(), "--ci".as_ref(), ci.as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8(program.stderr).unwrap();
    assert_eq!(program.status.code(), Some(1), "{said}");
    assert!(said.contains("EUM with Unknown CI") && said.contains("(role by its policy: DPauth): "), "{said}");
    assert!(said.contains("issued by a CI that is not trusted here") && !said.contains("DPauth certificate"), "{said}");
}

#[test]
fn issues_an_operators_certificate_under_the_name_of_the_operator() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (pki, out) = (path("pki"), path("out"));
    openrsp(["pki", "init", &pki]).ok();
    let issue = |more: &[&str]| openrsp([&["pki", "issue", "operator", "--pki", &pki, "--out", &out], more].concat());
    let said = issue(&["Example Mobile", "--oid", "2.999.7", "--host", "es2.example.org"]).ok();
    assert_eq!((&said["role"], &said["oid"]), (&"operator".into(), &"2.999.7".into()), "{said}");
    let (certificate, key) = (format!("{out}/Example Mobile.pem"), format!("{out}/Example Mobile.key"));
    assert_eq!(said["file"], certificate.as_str());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let verify = |role: &str| openrsp(["pki", "verify", &certificate, "--pki", &pki, "--role", role]);
    assert_eq!(openrsp(["pki", "verify", &certificate, "--pki", &pki]).ok()["role"], "operator", "as it claims");
    verify("operator").ok();
    assert_eq!(verify("dptls").code, 1);
    assert_eq!(issue(&["Example Mobile"]).code, 3, "nothing is overwritten");
    issue(&["Other", "--name", "third"]).ok();
    assert!(std::path::Path::new(&out).join("third.key").is_file());
    for name in ["../x", ".x", "a/b", ""] {
        assert_eq!(issue(&[name]).code, 2, "{name}");
    }
}
