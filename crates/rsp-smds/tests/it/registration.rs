//! ES12 and ES15: who may register and delete what.

use rsp_asn1::Eid;
use rsp_crypto::Curve;
use rsp_es::es12::{DeleteEventRequest, RegisterEventRequest};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::Role;
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::issue::CrlTemplate;
use rsp_smds::Settings;
use rsp_testkit::SeededRandomness;

use crate::registrars::{Registrar, caller, header};
use crate::server::{NOW, Server, Wanted, assert_refused, mint, oid, pki};

const EID: Eid = Eid([0x89; 16]);
const OTHER_EID: Eid = Eid([0x88; 16]);

/// EventIDs of an eUICC, with their registrars.
async fn records(server: &Server, eid: Eid) -> Vec<(String, String)> {
    let records = server.store.events(&eid, NOW).await.unwrap();
    records.into_iter().map(|record| (record.registrar, record.event_id)).collect()
}

fn owned(records: &[(&str, &str)]) -> Vec<(String, String)> {
    records.iter().map(|(registrar, event_id)| ((*registrar).to_owned(), (*event_id).to_owned())).collect()
}

#[tokio::test]
async fn registers_and_deletes_under_the_oid_of_the_certificate() {
    let server = Server::new().await;
    let registrar = Registrar::smdp(1);
    registrar.register(server.es12(), EID, "EVENT").await.unwrap();
    assert_eq!(records(&server, EID).await, owned(&[("2.999.10.1", "EVENT")]));
    registrar.delete(server.es12(), EID, "EVENT").await.unwrap();
    assert_eq!(records(&server, EID).await, []);
    registrar.register(server.es12(), OTHER_EID, "EVENT").await.unwrap();
}

#[tokio::test]
async fn refuses_a_repeated_registration_even_if_it_is_identical() {
    let server = Server::new().await;
    let registrar = Registrar::smdp(1);
    registrar.register(server.es12(), EID, "EVENT").await.unwrap();
    for eid in [EID, OTHER_EID] {
        let again = registrar.register(server.es12(), eid, "EVENT").await;
        assert_refused(again, &StatusCode::EVENT_RECORD_ALREADY_IN_USE);
    }
    let elsewhere = Registrar { address: "other.example.com".to_owned(), ..Registrar::smdp(1) };
    let again = elsewhere.register(server.es12(), EID, "EVENT").await;
    assert_refused(again, &StatusCode::EVENT_RECORD_ALREADY_IN_USE);
    let record = server.store.events(&EID, NOW).await.unwrap().remove(0);
    assert_eq!(record.rsp_server_address, registrar.address);
}

#[tokio::test]
async fn refuses_to_delete_what_is_not_there() {
    let server = Server::new().await;
    let registrar = Registrar::smdp(1);
    registrar.register(server.es12(), EID, "EVENT").await.unwrap();
    for (eid, event_id) in [(EID, "OTHER"), (OTHER_EID, "EVENT"), (EID, "event"), (EID, "")] {
        assert_refused(registrar.delete(server.es12(), eid, event_id).await, &StatusCode::EVENT_RECORD_UNKNOWN);
    }
    registrar.delete(server.es12(), EID, "EVENT").await.unwrap();
    let again = registrar.delete(server.es12(), EID, "EVENT").await;
    assert_refused(again, &StatusCode::EVENT_RECORD_UNKNOWN);
}

/// A certificate that was renewed is of the same SM-DP+; its name does not matter, its OID does.
#[tokio::test]
async fn a_registrar_is_known_by_its_oid_alone() {
    let server = Server::new().await;
    Registrar::smdp(1).register(server.es12(), EID, "EVENT").await.unwrap();
    for curve in Curve::ALL {
        let (renewed, _) = mint(Role::DpTls, curve, &oid(&[2, 999, 10, 1]), "renewed.example.com");
        let renewed = Registrar { certificate: renewed, ..Registrar::smdp(1) };
        renewed.delete(server.es12(), EID, "EVENT").await.unwrap();
        renewed.register(server.es12(), EID, "EVENT").await.unwrap();
    }
    let (same_name, _) = mint(Role::DpTls, Curve::P256, &oid(&[2, 999, 10, 2]), "smdp1.example.com");
    let same_name = Registrar { certificate: same_name, ..Registrar::smdp(1) };
    assert_refused(same_name.delete(server.es12(), EID, "EVENT").await, &StatusCode::EVENT_RECORD_UNKNOWN);
}

/// Registering and deleting by a caller on both interfaces. Nothing may have changed.
async fn refused_caller(server: &Server, caller: &Caller, es12: bool, es15: bool) {
    let before = records(server, EID).await;
    for (refused, service) in [(es12, server.es12()), (es15, server.es15())] {
        if !refused {
            continue;
        }
        let request = Registrar::smdp(1).register_request(EID, "NEW");
        assert_refused(service.register_event(caller, request).await, &StatusCode::FUNCTION_REQUESTER_UNKNOWN);
        let request = DeleteEventRequest { header: header(), eid: EID, event_id: "EVENT".to_owned() };
        assert_refused(service.delete_event(caller, request).await, &StatusCode::FUNCTION_REQUESTER_UNKNOWN);
    }
    assert_eq!(records(server, EID).await, before);
}

#[tokio::test]
async fn refuses_callers_without_a_certificate_of_their_role() {
    let server = Server::new().await;
    let (smdp, smds) = (Registrar::smdp(1), Registrar::smds(1));
    smdp.register(server.es12(), EID, "EVENT").await.unwrap();
    smds.register(server.es15(), EID, "EVENT").await.unwrap();
    refused_caller(&server, &Caller::default(), true, true).await;
    refused_caller(&server, &caller(b""), true, true).await;
    refused_caller(&server, &caller(b"\x30\x03\x02\x01\x01"), true, true).await;
    refused_caller(&server, &smdp.caller(), false, true).await;
    refused_caller(&server, &smds.caller(), true, false).await;
    for role in [Role::DpAuth, Role::DpPb, Role::DsAuth] {
        let (certificate, _) = mint(role, Curve::P256, &oid(&[2, 999, 10, 1]), "smdp1.example.com");
        refused_caller(&server, &caller(certificate.der()), true, true).await;
    }
    for role in [Role::Ci, Role::Eum, Role::Euicc] {
        let certificate = pki().require(Curve::P256, role).unwrap().certificate();
        refused_caller(&server, &caller(certificate.der()), true, true).await;
    }
}

#[tokio::test]
async fn refuses_certificates_of_a_strange_ci_and_altered_ones() {
    let server = Server::new().await;
    let dir = tempfile::tempdir().unwrap();
    let randomness = &mut SeededRandomness::new("stranger");
    let strangers = PkiDirectory::init(dir.path(), &InitOptions::default(), NOW, randomness).unwrap();
    let stranger = strangers.dp_tls(Curve::P256).unwrap().certificate();
    refused_caller(&server, &caller(stranger.der()), true, true).await;
    let mut altered = Registrar::smdp(1).certificate.der().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    refused_caller(&server, &caller(&altered), true, true).await;
}

#[tokio::test]
async fn refuses_expired_certificates_and_those_of_tomorrow() {
    let server = Server::new().await;
    let registrar = Registrar::smdp(1);
    let lifetime = registrar.certificate.not_after().0 - NOW.0;
    server.advance_clock(lifetime);
    registrar.register(server.es12(), EID, "EVENT").await.unwrap();
    server.advance_clock(1);
    refused_caller(&server, &registrar.caller(), true, true).await;
    server.advance_clock(registrar.certificate.not_before().0 - 2 - NOW.0 - lifetime);
    refused_caller(&server, &registrar.caller(), true, true).await;
}

#[tokio::test]
async fn refuses_revoked_certificates_and_everybody_when_the_crl_is_stale() {
    let (good, revoked) = (Registrar::smdp(1), Registrar::smdp(2));
    let ci = pki().authority(Curve::P256, Role::Ci).unwrap();
    let mut crl = CrlTemplate::new(&ci, NOW.plus_seconds(-60), NOW.plus_seconds(60));
    crl.revoke(&revoked.certificate, NOW.plus_seconds(-60));
    let crls = vec![crl.sign(ci.signer()).unwrap()];
    let server = Server::with(Wanted { crls, ..Wanted::default() }).await;
    good.register(server.es12(), EID, "EVENT").await.unwrap();
    refused_caller(&server, &revoked.caller(), true, true).await;
    server.advance_clock(61);
    refused_caller(&server, &good.caller(), true, true).await;
}

#[tokio::test]
async fn refuses_malformed_event_ids_and_addresses_and_names_the_member() {
    let server = Server::new().await;
    let registrar = Registrar::smdp(1);
    let refused = async |request: RegisterEventRequest, member: &str| {
        let answer = server.es12().register_event(&registrar.caller(), request).await;
        let status = answer.expect_err(member);
        assert!(status.is(&StatusCode::FORMAT_INVALID), "{status}");
        assert_eq!(status.subject_identifier.as_deref(), Some(member));
    };
    for event_id in ["", "lower", "A$B", "A B", &"A".repeat(256)] {
        refused(registrar.register_request(EID, event_id), "eventId").await;
    }
    for address in ["", "https://smdp.example.com", "smdp.example.com/path", "a b", "smdp.example.com:99999"] {
        let address = address.to_owned();
        let request = RegisterEventRequest { rsp_server_address: address, ..registrar.register_request(EID, "EVENT") };
        refused(request, "rspServerAddress").await;
    }
    assert_eq!(records(&server, EID).await, []);
}

#[tokio::test]
async fn the_number_of_events_is_limited_for_each_registrar_alone() {
    let settings = Settings { events_per_eid: 2, events_per_registrar: 3, ..Settings::default() };
    let server = Server::with_settings(settings).await;
    let (one, two) = (Registrar::smdp(1), Registrar::smdp(2));
    for event_id in ["A", "B"] {
        one.register(server.es12(), EID, event_id).await.unwrap();
    }
    assert_refused(one.register(server.es12(), EID, "C").await, &StatusCode::SMDS_EXECUTION_ERROR);
    // What is there already is told as such.
    assert_refused(one.register(server.es12(), EID, "A").await, &StatusCode::EVENT_RECORD_ALREADY_IN_USE);
    one.register(server.es12(), OTHER_EID, "C").await.unwrap();
    assert_refused(one.register(server.es12(), OTHER_EID, "D").await, &StatusCode::SMDS_EXECUTION_ERROR);
    // Nobody takes the room of another.
    two.register(server.es12(), EID, "A").await.unwrap();
    two.register(server.es12(), EID, "B").await.unwrap();
    // Room that was given back can be used.
    one.delete(server.es12(), EID, "A").await.unwrap();
    one.register(server.es12(), EID, "D").await.unwrap();
    let expected = owned(&[("2.999.10.1", "B"), ("2.999.10.2", "A"), ("2.999.10.2", "B"), ("2.999.10.1", "D")]);
    assert_eq!(records(&server, EID).await, expected);
}
