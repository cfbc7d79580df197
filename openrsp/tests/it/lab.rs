//! examples/lab.toml: each order of the lab does what the file says, over HTTPS, with our LPA and software eUICCs.

use std::path::Path;
use std::sync::Arc;

use rsp_asn1::{BoundProfilePackage, decode};
use rsp_crypto::SecretKey;
use rsp_es::client::{
    ClientIdentity, Es2PlusClient, Exchange, NetworkTransport, Origin, Resolve, Scheme, tls_config_as,
};
use rsp_es::es2plus::{DownloadOrderRequest, RequestHeader};
use rsp_es::es9plus::{GetBoundProfilePackageResponse, Response as _};
use rsp_lpa::tls::CiVerifier;
use rsp_pki::Certificate;
use rsp_pki::directory::PkiDirectory;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;

use crate::bed::{Bed, Ended, HOST, Service, openrsp, write_private};

/// The EID that the file's default order is for: that of the cards that are made without one.
const OWN: &str = "89049032123451234512345678901235";
/// The EID that the file binds an order to.
const OTHER: &str = "89049032123451234512345678909965";
/// An EID that the file does not name.
const THIRD: &str = "89049032123451234512345678907734";

fn lab_file() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/lab.toml").to_str().unwrap().to_owned()
}

/// A server with the lab loaded.
struct Lab {
    bed: Bed,
    server: Service,
    loaded: Vec<Value>,
}

impl Lab {
    fn open() -> Self {
        let bed = Bed::new();
        let loaded = load(&bed, &[]);
        let server = bed.serve();
        Self { bed, server, loaded }
    }

    fn card(&self, name: &str, eid: &str) -> String {
        format!("file:{}", self.bed.card(name, "p256", &["--eid", eid, "--default-smdp", HOST]))
    }

    fn lpa(&self, card: &str, arguments: &[&str]) -> Ended {
        self.bed.lpa(card, self.server.address, arguments)
    }

    /// A download with the activation code that the load printed.
    fn download(&self, card: &str, matching_id: &str, more: &[&str]) -> Ended {
        let code = activation_code(&self.loaded, matching_id);
        self.lpa(card, &[&["profile", "download", &code, "--yes"], more].concat())
    }

    /// A download that the server refuses with subject and reason.
    #[track_caller]
    fn refused(&self, card: &str, matching_id: &str, more: &[&str], subject: &str, reason: &str) {
        assert_refused(self.download(card, matching_id, more), subject, reason);
    }

    fn show(&self, matching_id: &str) -> Value {
        self.bed.smdp(&["show", matching_id]).ok()
    }
}

#[track_caller]
fn assert_refused(ended: Ended, subject: &str, reason: &str) {
    let said = ended.lines.last().cloned().unwrap_or_default();
    assert_eq!((ended.code, &said["subject"], &said["reason"]), (4, &subject.into(), &reason.into()), "{said}");
}

fn load(bed: &Bed, more: &[&str]) -> Vec<Value> {
    let ended = bed.smdp(&[&["load", &lab_file()], more].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.lines
}

fn activation_code(loaded: &[Value], matching_id: &str) -> String {
    let order = loaded.iter().find(|line| line["matching_id"] == matching_id);
    order.unwrap_or_else(|| panic!("{matching_id}"))["activation_code"].as_str().unwrap().to_owned()
}

fn activation_codes(loaded: &[Value]) -> Vec<&Value> {
    loaded.iter().map(|line| &line["activation_code"]).filter(|code| !code.is_null()).collect()
}

#[test]
fn a_default_order_is_for_its_eid_alone() {
    let lab = Lab::open();
    assert_eq!(activation_code(&lab.loaded, ""), format!("LPA:1${HOST}$"));
    let (own, third) = (lab.card("own", OWN), lab.card("third", THIRD));
    let by_default = ["profile", "download", "--yes"];
    assert_refused(lab.lpa(&third, &by_default), "8.1.1", "3.8");
    let installed = lab.lpa(&own, &by_default).ok();
    let shown = lab.bed.smdp(&["show", installed["iccid"].as_str().unwrap()]).ok();
    assert_eq!((&shown["state"], &shown["matching_id"]), (&"Installed".into(), &"".into()), "{shown}");
    assert_refused(lab.lpa(&own, &by_default), "8.1.1", "3.8");
}

#[test]
fn what_is_released_goes_to_the_first_who_comes() {
    let lab = Lab::open();
    let (own, third) = (lab.card("own", OWN), lab.card("third", THIRD));
    let installed = lab.download(&third, "LAB-RELEASED", &[]).ok();
    assert_eq!(installed["iccid"], "8900101000000000019", "the first of the range, with its check digit");
    assert_eq!(installed["service_provider_name"], "Alpha Mobile");
    let shown = lab.show("LAB-RELEASED");
    assert_eq!((&shown["state"], &shown["operator"]), (&"Installed".into(), &"Alpha Mobile".into()), "{shown}");
    assert_eq!(shown["imsi"], "001010000000001", "the first subscriber");
    lab.refused(&own, "LAB-RELEASED", &[], "8.1.1", "3.8");
    lab.refused(&third, "LAB-RELEASED", &[], "8.2", "1.2");
}

#[test]
fn what_is_confirmed_waits_for_its_release() {
    let lab = Lab::open();
    let third = lab.card("third", THIRD);
    lab.refused(&third, "LAB-CONFIRMED", &[], "8.2", "1.2");
    lab.bed.smdp(&["release", "LAB-CONFIRMED"]).ok();
    lab.download(&third, "LAB-CONFIRMED", &[]).ok();
    let again = lab.bed.smdp(&["release", "LAB-CONFIRMED"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("only a confirmed order can be released"), "{}", again.stderr);
}

#[test]
fn what_has_ended_says_why_each_time() {
    let lab = Lab::open();
    let third = lab.card("third", THIRD);
    for _ in 0..2 {
        lab.refused(&third, "LAB-EXPIRED", &[], "8.8.5", "4.10");
        lab.refused(&third, "LAB-EXHAUSTED", &[], "8.8.5", "6.4");
    }
    assert_eq!(lab.show("LAB-EXHAUSTED")["state"], "Error");
}

#[test]
fn what_is_for_another_eid_is_refused_to_all_others() {
    let lab = Lab::open();
    let (other, third) = (lab.card("other", OTHER), lab.card("third", THIRD));
    lab.refused(&third, "LAB-OTHER-EID", &[], "8.1.1", "3.8");
    lab.download(&other, "LAB-OTHER-EID", &[]).ok();
}

#[test]
fn a_confirmation_code_is_asked_for_and_counted() {
    let lab = Lab::open();
    let third = lab.card("third", THIRD);
    assert!(activation_code(&lab.loaded, "LAB-CODE").ends_with("$LAB-CODE$$1"));
    let asked = lab.download(&third, "LAB-CODE", &[]);
    assert_eq!(asked.code, 2, "there is no terminal to ask at");
    assert!(asked.stderr.contains("--confirmation-code"), "{}", asked.stderr);
    let file = lab.bed.path("code");
    let code = ["--confirmation-code", &format!("@{file}")];
    write_private(&file, "00000000\n");
    lab.refused(&third, "LAB-CODE", &code, "8.2.7", "3.8");
    assert_eq!(lab.show("LAB-CODE")["confirmation_tries"], 1);
    write_private(&file, "20262026\n");
    lab.download(&third, "LAB-CODE", &code).ok();

    let again = load(&lab.bed, &["--reset"]);
    assert_eq!(activation_codes(&again), activation_codes(&lab.loaded));
    write_private(&file, "00000000\n");
    for _ in 0..3 {
        lab.refused(&third, "LAB-CODE", &code, "8.2.7", "3.8");
    }
    write_private(&file, "20262026\n");
    lab.refused(&third, "LAB-CODE", &code, "8.2.7", "6.4");
}

#[test]
fn a_profile_with_ppr1_is_agreed_to_and_cannot_be_disabled() {
    let lab = Lab::open();
    let third = lab.card("third", THIRD);
    let unasked = lab.lpa(&third, &["profile", "download", &activation_code(&lab.loaded, "LAB-PPR1")]);
    assert_eq!(unasked.code, 2, "{}", unasked.stderr);
    let installed = lab.download(&third, "LAB-PPR1", &[]).ok();
    let iccid = installed["iccid"].as_str().unwrap();
    lab.lpa(&third, &["profile", "enable", iccid]).ok();
    let disabled = lab.lpa(&third, &["profile", "disable", iccid]);
    assert_eq!(disabled.code, 5, "{:?}", disabled.lines);
    assert!(disabled.stderr.contains("disallowedByPolicy"), "{}", disabled.stderr);
    // Its operator has an endpoint, at which nobody listens.
    let waiting = lab.show("LAB-PPR1")["waiting_messages"].clone();
    assert!(waiting.as_array().is_some_and(|waiting| !waiting.is_empty()), "{waiting}");
    assert_eq!(waiting[0]["recipient"], "localhost:8447");
    assert_eq!(lab.bed.smdp(&["outbox"]).lines[0]["recipient"], "localhost:8447");
}

#[test]
fn a_reusable_order_serves_one_euicc_after_the_other() {
    let lab = Lab::open();
    let installed = [OWN, OTHER, THIRD].map(|eid| {
        let card = lab.card(eid, eid);
        lab.download(&card, "LAB-REUSABLE", &[]).ok()["iccid"].clone()
    });
    assert_eq!(installed[0], installed[1], "all get the same subscriber");
    assert_eq!(installed[0], installed[2]);
    assert_eq!(lab.show("LAB-REUSABLE")["download_tries"], 3);
}

#[test]
fn an_icon_makes_metadata_of_two_segments() {
    let lab = Lab::open();
    let third = lab.card("third", THIRD);
    let recording = lab.bed.path("recording");
    lab.download(&third, "LAB-ICON", &["--record", &recording]).ok();
    let recorded = Exchange::parse_lines(&std::fs::read_to_string(recording).unwrap()).unwrap();
    let bound = recorded.iter().find(|exchange| exchange.url.ends_with("/getBoundProfilePackage")).unwrap();
    let response = GetBoundProfilePackageResponse::from_json(bound.response.as_bytes()).unwrap();
    let package: BoundProfilePackage = decode(&response.bound_profile_package).unwrap();
    let lengths: Vec<_> = package.sequence_of_88.iter().map(|segment| segment.0.len()).collect();
    assert_eq!(lengths.len(), 2, "{lengths:?}");
    let profile = &lab.lpa(&third, &["profile", "list"]).ok()["profiles"][0];
    assert_eq!(profile["profile_name"], "Branded", "{profile}");
}

#[test]
fn the_operators_have_certificates_of_the_servers_ci() {
    let lab = Lab::open();
    let mut found = Vec::new();
    for line in lab.loaded.iter().filter(|line| !line["operator"].is_null() && !line["certificate"].is_null()) {
        let file = line["certificate"].as_str().unwrap();
        openrsp(["pki", "verify", file, "--pki", lab.bed.pki(), "--role", "operator"]).ok();
        let mode = std::fs::metadata(line["key"].as_str().unwrap()).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
        found.push(line["operator"].as_str().unwrap());
    }
    assert_eq!(found, ["Alpha Mobile", "Beta Private Networks"]);
    let listed = lab.bed.smdp(&["operator", "list"]).lines;
    let fingerprints: Vec<_> = listed.iter().map(|line| &line["certificate_sha256"]).collect();
    let again = load(&lab.bed, &["--reset"]);
    let kept: Vec<_> = again.iter().map(|line| &line["certificate_sha256"]).filter(|value| !value.is_null()).collect();
    assert_eq!(kept, fingerprints, "operators keep their certificates");
}

/// ES2+ as an operator of the lab calls it, with the certificate that was issued for it.
fn es2plus(lab: &Lab, operator: &str) -> Es2PlusClient {
    let line = lab.loaded.iter().find(|line| line["operator"] == operator).unwrap();
    let file = |member: &str| std::fs::read_to_string(line[member].as_str().unwrap()).unwrap();
    let certificate = Certificate::from_pem(&file("certificate")).unwrap();
    let key = SecretKey::from_pem(&file("key")).unwrap().to_pkcs8_der().unwrap();
    let client = ClientIdentity {
        chain: vec![CertificateDer::from(certificate.der().to_vec())],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec())),
    };
    let pki = PkiDirectory::open(lab.bed.pki().as_ref(), None).unwrap();
    let verifier = CiVerifier::new(pki.trust_store(), Vec::new(), rsp_crypto::aws_lc());
    let transport = NetworkTransport::new(tls_config_as(client, verifier).unwrap());
    let transport = transport.with_resolve(vec![Resolve::new(HOST, None, lab.server.listener("es2plus"))]);
    Es2PlusClient::new(Arc::new(transport), Origin::new(Scheme::Https, HOST).unwrap())
}

#[tokio::test]
async fn an_operator_orders_its_own_profiles_over_es2plus_and_no_others() {
    let lab = Lab::open();
    let request = |call: &str| DownloadOrderRequest {
        header: RequestHeader {
            function_requester_identifier: "2.999.30".to_owned(),
            function_call_identifier: call.to_owned(),
        },
        eid: None,
        iccid: None,
        profile_type: Some("alpha-consumer".to_owned()),
    };
    let (alpha, beta) = (es2plus(&lab, "Alpha Mobile"), es2plus(&lab, "Beta Private Networks"));
    let ordered = alpha.download_order(&request("1")).await.unwrap();
    assert_eq!(ordered.iccid.to_string(), "8900101000000000027", "the second of the range");
    let shown = lab.show(&ordered.iccid.to_string());
    assert_eq!((&shown["state"], &shown["imsi"]), (&"Allocated".into(), &"001010000000002".into()), "{shown}");
    assert!(shown["updated_by"].as_str().unwrap().contains("by Alpha Mobile"), "{shown}");
    assert!(beta.download_order(&request("2")).await.is_err(), "there is no such type for it");
    for call in 3..=10 {
        alpha.download_order(&request(&call.to_string())).await.unwrap();
    }
    assert!(alpha.download_order(&request("11")).await.is_err(), "the subscribers are used up");
}

#[test]
fn a_lab_that_is_loaded_again_is_the_same_and_only_if_told_to() {
    let lab = Lab::open();
    let third = lab.card("third", THIRD);
    lab.download(&third, "LAB-RELEASED", &[]).ok();
    let refused = lab.bed.smdp(&["load", &lab_file()]);
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains("the server has 10 orders") && refused.stderr.contains("--reset"),
        "{}",
        refused.stderr
    );
    assert_eq!(lab.show("LAB-RELEASED")["state"], "Installed", "nothing was changed");

    let again = load(&lab.bed, &["--reset"]);
    assert_eq!(activation_codes(&lab.loaded).len(), 10);
    assert_eq!(activation_codes(&again), activation_codes(&lab.loaded));
    assert_eq!(lab.show("LAB-RELEASED")["state"], "Released");
    // The same subscriber, on another card: the server runs on and serves what was loaded.
    let fresh = lab.card("fresh", THIRD);
    let installed = lab.download(&fresh, "LAB-RELEASED", &[]).ok();
    assert_eq!(installed["iccid"], "8900101000000000019");
    assert_eq!(lab.show("LAB-RELEASED")["imsi"], "001010000000001");
}

#[test]
fn a_lab_is_the_same_on_another_server() {
    // Nothing is served: the sweep would close the expired order at any time.
    let first = Bed::new();
    let here = load(&first, &[]);
    let out = first.path("exported");
    let exported = first.smdp(&["export", "--out", &out]);
    assert!(exported.stderr.contains("confirmation codes cannot be exported (1)"), "{}", exported.stderr);
    let file = exported.ok()["file"].as_str().unwrap().to_owned();
    assert!(!std::fs::read_to_string(&file).unwrap().contains("20262026"));
    let second = Bed::new();
    let loaded = second.smdp(&["load", &file]);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    let sorted = |lines: &[Value]| {
        let mut codes: Vec<_> = activation_codes(lines).into_iter().map(Value::to_string).collect();
        codes.sort();
        codes
    };
    assert_eq!(sorted(&loaded.lines), sorted(&here));
    let code = loaded.lines.iter().find(|line| line["matching_id"] == "LAB-CODE").unwrap();
    assert_eq!(code["confirmation_code"].as_str().unwrap().len(), 8, "a new one was made");
    for id in
        ["LAB-RELEASED", "LAB-CONFIRMED", "LAB-EXPIRED", "LAB-EXHAUSTED", "LAB-OTHER-EID", "LAB-CODE", "LAB-REUSABLE"]
    {
        let (here, there) = (first.smdp(&["show", id]).ok(), second.smdp(&["show", id]).ok());
        for member in
            ["state", "type", "operator", "eid", "policy", "download_tries", "download_limit", "confirmation_limit"]
        {
            assert_eq!(there[member], here[member], "{id} {member}");
        }
    }
    let there = second.smdp(&["show", "LAB-RELEASED"]).ok();
    assert_eq!((&there["iccid"], &there["imsi"]), (&"8900101000000000019".into(), &"001010000000001".into()));
}
