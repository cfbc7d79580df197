//! ES11.AuthenticateClient: what it answers, what it refuses, and with which code.

use rsp_asn1::{
    AuthenticateErrorCode, AuthenticateResponseError, AuthenticateResponseOk, AuthenticateServerResponse, EuiccSigned1,
    Octet16, Raw, Signature5F37, TransactionId, Unknown,
};
use rsp_crypto::Curve;
use rsp_es::es9plus::AuthenticateClientRequest;
use rsp_es::status::StatusCode;
use rsp_pki::Role;
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::issue::{CrlTemplate, Template};
use rsp_smds::Settings;
use rsp_testkit::SeededRandomness;

use crate::euicc::{TestEuicc, authenticate, authenticate_request};
use crate::registrars::Registrar;
use crate::server::{NOW, Server, Wanted, assert_refused};

const OTHER_EID: &str = "89049032000000000000000000000042";

/// A session whose euiccSigned1 was changed before it was signed.
async fn refused_signed(server: &Server, expected: &StatusCode, change: impl FnOnce(&mut EuiccSigned1)) {
    refused(server, expected, |euicc, mut signed| {
        change(&mut signed);
        euicc.authenticate_ok(signed)
    })
    .await;
}

/// A session whose answer is made from a good euiccSigned1 by `make`. The good answer must still be accepted afterwards.
async fn refused(
    server: &Server,
    expected: &StatusCode,
    make: impl FnOnce(&TestEuicc, EuiccSigned1) -> AuthenticateResponseOk,
) {
    let euicc = server.euicc(Curve::P256);
    let initiated = euicc.initiate(server).await;
    let bad = make(&euicc, euicc.signed1(&initiated, None));
    let request = authenticate_request(&initiated.transaction_id, bad);
    assert_refused(authenticate(server, request).await, expected);
    authenticate(server, euicc.authenticate_request(&initiated, None)).await.unwrap();
}

#[tokio::test]
async fn tells_the_euicc_its_events_in_the_order_of_their_registration() {
    let server = Server::new().await;
    let (one, two) = (Registrar::smdp(1), Registrar::smdp(2));
    for curve in Curve::ALL {
        let euicc = server.euicc(curve);
        // The two eUICCs of the hierarchy have the same EID: what waits for one waits for the other.
        for (registrar, event_id) in [(&one, "Z"), (&two, "M"), (&one, "A")] {
            let event_id = format!("{event_id}-{}", u8::from(curve == Curve::P256));
            registrar.register(server.es12(), euicc.eid, &event_id).await.unwrap();
        }
    }
    let expected = ["Z-1", "M-1", "A-1", "Z-0", "M-0", "A-0"];
    for curve in Curve::ALL {
        let euicc = server.euicc(curve);
        for matching_id in [None, Some("")] {
            let events = euicc.events(&server, matching_id).await;
            assert_eq!(events.iter().map(|(event_id, _)| event_id.as_str()).collect::<Vec<_>>(), expected);
            assert_eq!(events[0].1, "smdp1.example.com");
            assert_eq!(events[1].1, "smdp2.example.com");
        }
    }
}

#[tokio::test]
async fn nothing_waits_for_an_euicc_that_nobody_registered_anything_for() {
    let server = Server::new().await;
    let other = TestEuicc::minted(Curve::P256, OTHER_EID);
    Registrar::smdp(1).register(server.es12(), other.eid, "EVENT").await.unwrap();
    assert_eq!(server.euicc(Curve::P256).events(&server, None).await, []);
    assert_eq!(other.event_ids(&server).await, ["EVENT"]);
}

#[tokio::test]
async fn a_matching_id_asks_for_one_event() {
    let server = Server::new().await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::P256));
    let other = TestEuicc::minted(Curve::P256, OTHER_EID);
    for event_id in ["ONE", "TWO"] {
        registrar.register(server.es12(), euicc.eid, event_id).await.unwrap();
    }
    registrar.register(server.es12(), other.eid, "OTHER").await.unwrap();
    let expected = [("TWO".to_owned(), "smdp1.example.com".to_owned())];
    assert_eq!(euicc.events(&server, Some("TWO")).await, expected);
    for unknown in ["THREE", "two", "OTHER", "' OR 1=1 --", "ONE "] {
        let answer = euicc.try_retrieve(&server, Some(unknown)).await;
        assert_refused(answer, &StatusCode::EVENT_RECORD_UNKNOWN);
    }
    registrar.delete(server.es12(), euicc.eid, "TWO").await.unwrap();
    assert_refused(euicc.try_retrieve(&server, Some("TWO")).await, &StatusCode::EVENT_RECORD_UNKNOWN);
    assert_eq!(euicc.event_ids(&server).await, ["ONE"]);
}

#[tokio::test]
async fn refuses_an_unknown_session() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let initiated = euicc.initiate(&server).await;
    let mut request = euicc.authenticate_request(&initiated, None);
    request.transaction_id = TransactionId::from([9; 16]);
    assert_refused(authenticate(&server, request).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
}

#[tokio::test]
async fn refuses_another_transaction_id_inside() {
    let server = Server::new().await;
    refused_signed(&server, &StatusCode::TRANSACTION_ID_UNKNOWN, |signed| {
        signed.transaction_id = TransactionId::from([9; 16]);
    })
    .await;
}

#[tokio::test]
async fn refuses_another_server_challenge_and_another_server_address() {
    let server = Server::new().await;
    refused_signed(&server, &StatusCode::EUICC_VERIFICATION_FAILED, |signed| {
        signed.server_challenge = Octet16([0; 16]);
    })
    .await;
    refused_signed(&server, &StatusCode::EUICC_VERIFICATION_FAILED, |signed| {
        signed.server_address = "other.example.com".to_owned();
    })
    .await;
}

#[tokio::test]
async fn refuses_a_wrong_signature() {
    let server = Server::new().await;
    refused(&server, &StatusCode::EUICC_VERIFICATION_FAILED, |euicc, signed| {
        let mut ok = euicc.authenticate_ok(signed);
        ok.euicc_signature1 = euicc.sign(b"something else");
        ok
    })
    .await;
    refused(&server, &StatusCode::EUICC_VERIFICATION_FAILED, |euicc, signed| {
        let mut ok = euicc.authenticate_ok(signed);
        ok.euicc_signature1 = Signature5F37(ok.euicc_signature1.0[..63].to_vec().into());
        ok
    })
    .await;
}

#[tokio::test]
async fn refuses_certificates_under_an_unknown_ci() {
    let server = Server::new().await;
    let dir = tempfile::tempdir().unwrap();
    let randomness = &mut SeededRandomness::new("stranger");
    let strangers = PkiDirectory::init(dir.path(), &InitOptions::default(), NOW, randomness).unwrap();
    let stranger = TestEuicc::of_pki(&strangers, Curve::P256);
    refused(&server, &StatusCode::CI_PUBLIC_KEY_UNKNOWN, |_, signed| stranger.authenticate_ok(signed)).await;
    let other = server.euicc(Curve::BrainpoolP256r1);
    refused(&server, &StatusCode::CI_PUBLIC_KEY_UNKNOWN, |_, signed| other.authenticate_ok(signed)).await;
}

#[tokio::test]
async fn refuses_wrong_certificates() {
    let server = Server::new().await;
    let ds_auth = || server.pki.ds_auth(Curve::P256).unwrap().certificate().raw().clone();
    refused(&server, &StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED, |euicc, signed| {
        let mut ok = euicc.authenticate_ok(signed);
        ok.eum_certificate = ds_auth();
        ok
    })
    .await;
    refused(&server, &StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED, |euicc, signed| {
        let mut ok = euicc.authenticate_ok(signed);
        ok.euicc_certificate = ds_auth();
        ok
    })
    .await;
}

#[tokio::test]
async fn refuses_an_expired_eum_certificate() {
    let server = Server::with_settings(Settings { session_seconds: i64::MAX / 2, ..Settings::default() }).await;
    let euicc = server.euicc(Curve::P256);
    let initiated = euicc.initiate(&server).await;
    // The EUM's certificate ends a year before its CI's.
    server.advance_clock(34 * 365 * 86_400 + 7200);
    let request = euicc.authenticate_request(&initiated, None);
    assert_refused(authenticate(&server, request).await, &StatusCode::EUM_CERTIFICATE_EXPIRED);
}

#[tokio::test]
async fn refuses_a_revoked_eum_certificate() {
    let ci = crate::server::pki().authority(Curve::P256, Role::Ci).unwrap();
    let mut crl = CrlTemplate::new(&ci, NOW.plus_seconds(-60), NOW.plus_seconds(60));
    crl.revoke(crate::server::pki().eum(Curve::P256).unwrap().certificate(), NOW.plus_seconds(-60));
    let crls = vec![crl.sign(ci.signer()).unwrap()];
    let server = Server::with(Wanted { crls, ..Wanted::default() }).await;
    let answer = server.euicc(Curve::P256).try_retrieve(&server, None).await;
    assert_refused(answer, &StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED);
}

/// An eUICC whose certificate differs in one thing from that of one that is accepted.
async fn refused_certificate(expected: &StatusCode, change: impl FnOnce(&mut Template)) {
    let server = Server::new().await;
    TestEuicc::altered(server.pki, |_| ()).try_retrieve(&server, None).await.unwrap();
    let altered = TestEuicc::altered(server.pki, change);
    refused(&server, expected, |_, signed| altered.authenticate_ok(signed)).await;
}

#[tokio::test]
async fn refuses_an_expired_euicc_certificate() {
    refused_certificate(&StatusCode::EUICC_CERTIFICATE_EXPIRED, |template| {
        template.validity.not_after = NOW.plus_seconds(-1);
    })
    .await;
}

#[tokio::test]
async fn atk_eid_permitted_eins() {
    refused_certificate(&StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED, |template| {
        let place = template.subject.windows(8).position(|digits| digits == b"89049032").unwrap();
        template.subject[place + 7] = b'3';
    })
    .await;
}

#[tokio::test]
async fn refuses_an_euicc_that_refused_the_server() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    for (transaction_id, expected) in
        [(None, StatusCode::EUICC_VERIFICATION_FAILED), (Some([9; 16]), StatusCode::TRANSACTION_ID_UNKNOWN)]
    {
        let initiated = euicc.initiate(&server).await;
        let error = AuthenticateServerResponse::Error(AuthenticateResponseError {
            transaction_id: transaction_id.map_or(initiated.transaction_id.clone(), TransactionId::from),
            authenticate_error_code: AuthenticateErrorCode::INVALID_CERTIFICATE,
            unknown: Unknown::default(),
        });
        let request = AuthenticateClientRequest {
            transaction_id: initiated.transaction_id,
            authenticate_server_response: Raw::new(error).unwrap(),
        };
        assert_refused(authenticate(&server, request).await, &expected);
    }
}

#[tokio::test]
async fn refuses_a_session_whose_time_is_over() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let initiated = euicc.initiate(&server).await;
    server.advance_clock(Settings::default().session_seconds + 1);
    let request = euicc.authenticate_request(&initiated, None);
    assert_refused(authenticate(&server, request).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
}
