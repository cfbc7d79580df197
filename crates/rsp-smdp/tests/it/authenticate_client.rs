//! ES9+.AuthenticateClient: what it refuses, and with which code.

use rsp_asn1::{
    AuthenticateErrorCode, AuthenticateResponseError, AuthenticateResponseOk, AuthenticateServerResponse, EuiccSigned1,
    Octet16, PprIds, Raw, Signature5F37, TransactionId, Unknown, VersionType,
};
use rsp_crypto::{Curve, Zeroizing};
use rsp_es::es9plus::AuthenticateClientRequest;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::Certificate;
use rsp_pki::directory::{InitOptions, PkiDirectory};
use rsp_pki::issue::Template;
use rsp_smdp::{Import, MetadataOptions, Settings};
use rsp_store::ProfileState;
use rsp_testkit::SeededRandomness;

use crate::euicc::{TestEuicc, authenticate_request, free_memory};
use crate::server::{NOW, Server, Wanted, assert_refused, new_order};

const OTHER_EID: &str = "89049032000000000000000000000042";

/// A session whose euiccSigned1 was changed before it was signed.
async fn refused_signed(server: &Server, expected: &StatusCode, change: impl FnOnce(&mut EuiccSigned1)) {
    refused(server, expected, |euicc, mut signed| {
        change(&mut signed);
        euicc.authenticate_ok(signed)
    })
    .await;
}

/// A session whose answer is made from a good euiccSigned1 by `make`. Nothing may have changed, and the good answer must
/// still be accepted afterwards.
async fn refused(
    server: &Server,
    expected: &StatusCode,
    make: impl FnOnce(&TestEuicc, EuiccSigned1) -> AuthenticateResponseOk,
) {
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(server).await;
    let bad = make(&euicc, euicc.signed1(&initiated, Some(&order.matching_id)));
    let request = authenticate_request(&initiated.transaction_id, bad);
    assert_refused(server.es9().authenticate_client(&Caller::default(), request).await, expected);
    assert_eq!(server.profile(&order).await.version, 3);
    let good = euicc.authenticate_request(&initiated, Some(&order.matching_id));
    server.es9().authenticate_client(&Caller::default(), good).await.unwrap();
}

#[tokio::test]
async fn refuses_an_unknown_session() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    let mut request = euicc.authenticate_request(&initiated, Some(&order.matching_id));
    request.transaction_id = TransactionId::from([9; 16]);
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), request).await,
        &StatusCode::TRANSACTION_ID_UNKNOWN,
    );
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
async fn refuses_another_server_challenge() {
    let server = Server::new().await;
    refused_signed(&server, &StatusCode::EUICC_VERIFICATION_FAILED, |signed| {
        signed.server_challenge = Octet16([0; 16]);
    })
    .await;
}

#[tokio::test]
async fn refuses_another_server_address() {
    let server = Server::new().await;
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
}

#[tokio::test]
async fn refuses_a_signature_of_another_length() {
    let server = Server::new().await;
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
}

#[tokio::test]
async fn refuses_certificates_under_another_ci_than_the_one_asked_for() {
    let server = Server::new().await;
    let other = server.euicc(Curve::BrainpoolP256r1);
    refused(&server, &StatusCode::CI_PUBLIC_KEY_UNKNOWN, |_, signed| other.authenticate_ok(signed)).await;
}

#[tokio::test]
async fn refuses_a_wrong_eum_certificate() {
    let server = Server::new().await;
    let dp_auth = server.pki.dp_auth(Curve::P256).unwrap().certificate().raw().clone();
    refused(&server, &StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED, |euicc, signed| {
        let mut ok = euicc.authenticate_ok(signed);
        ok.eum_certificate = dp_auth;
        ok
    })
    .await;
}

#[tokio::test]
async fn refuses_a_wrong_euicc_certificate() {
    let server = Server::new().await;
    let dp_auth = server.pki.dp_auth(Curve::P256).unwrap().certificate().raw().clone();
    refused(&server, &StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED, |euicc, signed| {
        let mut ok = euicc.authenticate_ok(signed);
        ok.euicc_certificate = dp_auth;
        ok
    })
    .await;
}

#[tokio::test]
async fn refuses_an_expired_eum_certificate() {
    let server = Server::with_settings(Settings { session_seconds: i64::MAX / 2, ..Settings::default() }).await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    // The EUM's certificate ends a year before its CI's.
    server.advance_clock(34 * 365 * 86_400 + 7200);
    let request = euicc.authenticate_request(&initiated, Some(&order.matching_id));
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), request).await,
        &StatusCode::EUM_CERTIFICATE_EXPIRED,
    );
}

/// An eUICC whose certificate differs in one thing from that of one that is accepted.
async fn refused_certificate(expected: &StatusCode, change: impl FnOnce(&mut Template)) {
    let server = Server::new().await;
    let order = server.order().await;
    TestEuicc::altered(server.pki, |_| ()).authenticate(&server, &order.matching_id).await;
    let server = Server::new().await;
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
    // Within the EIN, at its ends; something else than a digit behind it; the right digits for another organisation.
    for (offset, byte) in [(7, b'3'), (0, b'9'), (4, b'8'), (12, b'A'), (31, b' ')] {
        refused_certificate(&StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED, |template| {
            let place = template.subject.windows(8).position(|digits| digits == b"89049032").unwrap();
            template.subject[place + offset] = byte;
        })
        .await;
    }
    refused_certificate(&StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED, |template| {
        let place = template.subject.windows(3).position(|id| id == [0x55, 0x04, 0x0A]).unwrap();
        template.subject[place + 5] ^= 1;
    })
    .await;
}

/// Its path is valid, but it is another eUICC than the ordered one.
#[tokio::test]
async fn refuses_the_published_unmatched_eid_for_the_order_of_another() {
    let Some(standards) = rsp_testkit::standards_dir() else { return };
    let pki: &PkiDirectory =
        Box::leak(Box::new(PkiDirectory::open(&standards.join("sgp26/v1-set"), Some(NOW)).unwrap()));
    let file = rsp_testkit::standards("sgp26/v1-invalid/CERT_EUICC_ECDSA_NIST_UNMATCHED_EID.der").unwrap();
    let certificate = Certificate::from_file_content(&file).unwrap();
    let server = Server::with(Wanted { pki: Some(pki), ..Wanted::default() }).await;
    let ordered = server.euicc(Curve::P256);
    let unmatched = TestEuicc::with_certificate(pki, Curve::P256, certificate);
    let order = server.order_with(|order| order.eid = Some(ordered.eid)).await;
    let answer = unmatched.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::EID_REFUSED);
    assert_eq!(server.state(&order).await, ProfileState::Released);
    ordered.authenticate(&server, &order.matching_id).await;
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let mut own = new_order();
    own.eid = Some(unmatched.eid);
    let order = server.orders.order(own).await.unwrap();
    unmatched.authenticate(&server, &order.matching_id).await;
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
        assert_refused(server.es9().authenticate_client(&Caller::default(), request).await, &expected);
    }
}

#[tokio::test]
async fn refuses_an_unknown_matching_id_and_takes_no_other_order_for_it() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let lower = order.matching_id.to_lowercase();
    for matching_id in ["UNKNOWN", lower.as_str(), "' OR 1=1 --"] {
        let answer = euicc.try_authenticate(&server, Some(matching_id)).await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
}

#[tokio::test]
async fn refuses_an_eid_that_no_order_is_for() {
    let server = Server::new().await;
    server.order().await;
    let answer = server.euicc(Curve::P256).try_authenticate(&server, None).await;
    assert_refused(answer, &StatusCode::EID_REFUSED);
}

#[tokio::test]
async fn refuses_another_euicc_than_the_ordered_one() {
    let server = Server::new().await;
    let order = server.order_with(|order| order.eid = Some(OTHER_EID.parse().unwrap())).await;
    let answer = server.euicc(Curve::P256).try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::EID_REFUSED);
    let other = TestEuicc::minted(server.pki, Curve::P256, OTHER_EID);
    other.authenticate(&server, &order.matching_id).await;
}

#[tokio::test]
async fn the_first_euicc_that_authenticates_itself_is_the_only_one() {
    let server = Server::new().await;
    let order = server.order().await;
    server.euicc(Curve::P256).authenticate(&server, &order.matching_id).await;
    let other = TestEuicc::minted(server.pki, Curve::P256, OTHER_EID);
    let answer = other.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::EID_REFUSED);
}

#[tokio::test]
async fn refuses_a_profile_that_is_installed_or_cancelled() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let bound = euicc.deliver(&server, &order.matching_id).await;
    let result = euicc.result(&bound.transaction_id, 1, order.iccid, None);
    server.es9().handle_notification(&Caller::default(), result).await.unwrap();
    let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::PROFILE_NOT_RELEASED);
    let deleted = euicc.notification(2, rsp_asn1::NotificationEvent::DELETE, order.iccid);
    server.es9().handle_notification(&Caller::default(), deleted).await.unwrap();
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
}

#[tokio::test]
async fn refuses_an_expired_order() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.expires_at = Some(NOW.plus_seconds(60))).await;
    server.advance_clock(60);
    euicc.authenticate(&server, &order.matching_id).await;
    server.advance_clock(1);
    let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
}

#[tokio::test]
async fn closes_an_order_that_was_downloaded_too_often() {
    let server = Server::with_settings(Settings { download_limit: 2, ..Settings::default() }).await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    euicc.deliver(&server, &order.matching_id).await;
    euicc.deliver(&server, &order.matching_id).await;
    let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED);
    assert_eq!(server.state(&order).await, ProfileState::Error);
}

#[tokio::test]
async fn refuses_an_euicc_with_too_little_memory() {
    let server = Server::new().await;
    let needed = u32::try_from(server.package.len()).unwrap();
    refused_signed(&server, &StatusCode::EUICC_INSUFFICIENT_MEMORY, |signed| {
        signed.euicc_info2.ext_card_resource = free_memory(needed - 1);
    })
    .await;
}

#[tokio::test]
async fn refuses_an_euicc_that_is_not_eligible() {
    let server = Server::new().await;
    refused_signed(&server, &StatusCode::PROFILE_TYPE_NOT_ELIGIBLE, |signed| {
        signed.euicc_info2.svn = VersionType([1, 0, 0]);
    })
    .await;
    let import = Import {
        allow_published_keys: false,
        type_name: "strict".to_owned(),
        operator: None,
        iccids: None,
        package: Zeroizing::new(server.package.to_vec()),
        template: true,
        metadata: MetadataOptions {
            policy_rules: vec![PprIds::PPR1],
            owner: Some("00101".to_owned()),
            ..MetadataOptions::default()
        },
    };
    server.orders.import(import).await.unwrap();
    let mut wanted = new_order();
    wanted.type_name = "strict".to_owned();
    let order = server.orders.order(wanted).await.unwrap();
    let mut euicc = server.euicc(Curve::P256);
    euicc.info2.forbidden_profile_policy_rules = Some(PprIds::from_bits(&[PprIds::PPR1]));
    let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::PROFILE_TYPE_NOT_ELIGIBLE);
}

#[tokio::test]
async fn refuses_a_session_whose_time_is_over() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    server.advance_clock(Settings::default().session_seconds + 1);
    let request = euicc.authenticate_request(&initiated, Some(&order.matching_id));
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), request).await,
        &StatusCode::TRANSACTION_ID_UNKNOWN,
    );
}

#[tokio::test]
async fn a_session_begins_only_once_however_it_ended_and_whatever_was_purged() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    let request = euicc.authenticate_request(&initiated, Some(&order.matching_id));
    server.es9().authenticate_client(&Caller::default(), request.clone()).await.unwrap();
    let cancel = euicc.cancel_request(&initiated.transaction_id, rsp_asn1::CancelSessionReason::POSTPONED);
    server.es9().cancel_session(&Caller::default(), cancel).await.unwrap();
    for seconds in [1, Settings::default().session_seconds - 1, 1] {
        server.advance_clock(seconds);
        server.smdp.sweep().await.map(|swept| swept.sessions).unwrap();
        let again = server.es9().authenticate_client(&Caller::default(), request.clone()).await;
        assert_refused(again, &StatusCode::TRANSACTION_ID_UNKNOWN);
    }
    assert_eq!(server.smdp.sweep().await.map(|swept| swept.sessions).unwrap(), 0, "it was purged before");
}

/// What was offered for longer than sessions now last is remembered for as long as it was offered.
#[tokio::test]
async fn a_session_begins_only_once_although_sessions_became_shorter() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    let server = server.restarted(Settings { session_seconds: 60, ..Settings::default() });
    let request = euicc.authenticate_request(&initiated, Some(&order.matching_id));
    server.es9().authenticate_client(&Caller::default(), request.clone()).await.unwrap();
    for (seconds, purged) in [(61, 0), (Settings::default().session_seconds - 61, 0), (1, 1)] {
        server.advance_clock(seconds);
        assert_eq!(server.smdp.sweep().await.map(|swept| swept.sessions).unwrap(), purged);
        let again = server.es9().authenticate_client(&Caller::default(), request.clone()).await;
        assert_refused(again, &StatusCode::TRANSACTION_ID_UNKNOWN);
    }
}
