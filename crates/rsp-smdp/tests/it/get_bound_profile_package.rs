//! ES9+.GetBoundProfilePackage: what it refuses, and with which code.

use rsp_asn1::{
    DownloadErrorCode, EuiccSigned2, OneTimePublicKey, PrepareDownloadResponse, PrepareDownloadResponseError, Raw,
    TransactionId, Unknown,
};
use rsp_crypto::{Curve, SecretKey};
use rsp_es::es9plus::{AuthenticateClientResponse, GetBoundProfilePackageRequest};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{PlacedOrder, Rebinding, Settings};
use rsp_store::ProfileState;
use rsp_testkit::SeededRandomness;

use crate::euicc::{TestEuicc, prepare_request};
use crate::server::{CODE, NOW, Server, assert_refused, code};

async fn started(server: &Server) -> (TestEuicc, PlacedOrder, AuthenticateClientResponse) {
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let authenticated = euicc.authenticate(server, &order.matching_id).await;
    (euicc, order, authenticated)
}

/// A session whose euiccSigned2 was changed before it was signed; the good one must be accepted afterwards.
async fn refused_signed(expected: &StatusCode, change: impl FnOnce(&mut EuiccSigned2)) {
    let server = Server::new().await;
    let (euicc, order, authenticated) = started(&server).await;
    let mut signed = euicc.signed2(&authenticated, None);
    change(&mut signed);
    let request = prepare_request(&authenticated.transaction_id, euicc.prepare_ok(&authenticated, signed));
    assert_refused(server.es9().get_bound_profile_package(&Caller::default(), request).await, expected);
    assert_eq!(server.state(&order).await, ProfileState::Released);
    euicc.try_prepare(&server, &authenticated, None).await.unwrap();
}

#[tokio::test]
async fn refuses_a_session_that_is_unknown_or_not_so_far() {
    let server = Server::new().await;
    let (euicc, _, mut authenticated) = started(&server).await;
    let initiated = euicc.initiate(&server).await;
    for session in [TransactionId::from([9; 16]), initiated.transaction_id] {
        authenticated.transaction_id = session;
        let answer = euicc.try_prepare(&server, &authenticated, None).await;
        assert_refused(answer, &StatusCode::TRANSACTION_ID_UNKNOWN);
    }
}

#[tokio::test]
async fn refuses_another_transaction_id_inside() {
    refused_signed(&StatusCode::TRANSACTION_ID_UNKNOWN, |signed| {
        signed.transaction_id = TransactionId::from([9; 16]);
    })
    .await;
}

#[tokio::test]
async fn refuses_a_one_time_key_off_the_curve() {
    refused_signed(&StatusCode::EUICC_VERIFICATION_FAILED, |signed| {
        signed.euicc_otpk = OneTimePublicKey([&[4][..], &[7; 64]].concat().into());
    })
    .await;
    let brainpool = SecretKey::generate(Curve::BrainpoolP256r1, &mut SeededRandomness::new("other curve"));
    refused_signed(&StatusCode::EUICC_VERIFICATION_FAILED, |signed| {
        signed.euicc_otpk = OneTimePublicKey(brainpool.public_key().as_bytes().to_vec().into());
    })
    .await;
}

#[tokio::test]
async fn refuses_a_signature_that_does_not_answer_the_servers() {
    let server = Server::new().await;
    let (euicc, _, authenticated) = started(&server).await;
    let mut ok = euicc.prepare_ok(&authenticated, euicc.signed2(&authenticated, None));
    // Over euiccSigned2 alone, without smdpSignature2.
    ok.euicc_signature2 = euicc.sign(ok.euicc_signed2.bytes());
    let request = prepare_request(&authenticated.transaction_id, ok);
    let answer = server.es9().get_bound_profile_package(&Caller::default(), request).await;
    assert_refused(answer, &StatusCode::EUICC_VERIFICATION_FAILED);
}

#[tokio::test]
async fn refuses_an_euicc_that_refused_the_download() {
    let server = Server::new().await;
    let (_, _, authenticated) = started(&server).await;
    let error = PrepareDownloadResponse::Error(PrepareDownloadResponseError {
        transaction_id: authenticated.transaction_id.clone(),
        download_error_code: DownloadErrorCode::INVALID_SIGNATURE,
        unknown: Unknown::default(),
    });
    let request = GetBoundProfilePackageRequest {
        transaction_id: authenticated.transaction_id,
        prepare_download_response: Raw::new(error).unwrap(),
    };
    let answer = server.es9().get_bound_profile_package(&Caller::default(), request).await;
    assert_refused(answer, &StatusCode::EUICC_VERIFICATION_FAILED);
}

#[tokio::test]
async fn refuses_a_missing_confirmation_code_without_counting() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let answer = euicc.try_prepare(&server, &authenticated, None).await;
    assert_refused(answer, &StatusCode::CONFIRMATION_CODE_MISSING);
    assert_eq!(server.profile(&order).await.confirmation_tries, 0);
}

#[tokio::test]
async fn a_wrong_confirmation_code_ends_the_session() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let answer = euicc.try_prepare(&server, &authenticated, Some("wrong")).await;
    assert_refused(answer, &StatusCode::CONFIRMATION_CODE_REFUSED);
    let answer = euicc.try_prepare(&server, &authenticated, Some(CODE)).await;
    assert_refused(answer, &StatusCode::TRANSACTION_ID_UNKNOWN);
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    euicc.try_prepare(&server, &authenticated, Some(CODE)).await.unwrap();
}

#[tokio::test]
async fn refuses_rebinding_when_told_to() {
    let server = Server::with_settings(Settings { rebinding: Rebinding::Refused, ..Settings::default() }).await;
    let mut euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    euicc.deliver(&server, &order.matching_id).await;
    euicc.one_time_key = SecretKey::generate(Curve::P256, &mut SeededRandomness::new("another"));
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let answer = euicc.try_prepare(&server, &authenticated, None).await;
    assert_refused(answer, &StatusCode::PROFILE_UNAVAILABLE);
}

#[tokio::test]
async fn binds_again_to_another_one_time_key() {
    let server = Server::new().await;
    let mut euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    euicc.deliver(&server, &order.matching_id).await;
    euicc.one_time_key = SecretKey::generate(Curve::P256, &mut SeededRandomness::new("another"));
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let bound = euicc.try_prepare(&server, &authenticated, None).await.unwrap();
    let (_, elements) = crate::download::open(&euicc, &authenticated, &bound.bound_profile_package);
    assert_eq!(elements, server.package.as_slice());
}

#[tokio::test]
async fn refuses_a_second_binding_in_the_same_session() {
    let server = Server::new().await;
    let (mut euicc, _, authenticated) = started(&server).await;
    euicc.try_prepare(&server, &authenticated, None).await.unwrap();
    euicc.one_time_key = SecretKey::generate(Curve::P256, &mut SeededRandomness::new("another"));
    let answer = euicc.try_prepare(&server, &authenticated, None).await;
    assert_refused(answer, &StatusCode::PROFILE_UNAVAILABLE);
}

#[tokio::test]
async fn refuses_an_order_that_expired_while_the_user_was_thinking() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.expires_at = Some(NOW.plus_seconds(60))).await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    server.advance_clock(61);
    let answer = euicc.try_prepare(&server, &authenticated, None).await;
    assert_refused(answer, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
}

#[tokio::test]
async fn refuses_an_order_that_was_cancelled_while_the_user_was_thinking() {
    let server = Server::new().await;
    let (euicc, order, authenticated) = started(&server).await;
    server.orders.cancel(&order.iccid, false).await.unwrap();
    let answer = euicc.try_prepare(&server, &authenticated, None).await;
    // The session ended with its order.
    assert_refused(answer, &StatusCode::TRANSACTION_ID_UNKNOWN);
    assert_eq!(server.state(&order).await, ProfileState::Unavailable);
}

#[tokio::test]
async fn refuses_a_profile_that_another_session_has_installed_meanwhile() {
    let server = Server::new().await;
    let (euicc, order, late) = started(&server).await;
    let bound = euicc.deliver(&server, &order.matching_id).await;
    let result = euicc.result(&bound.transaction_id, 1, order.iccid, None);
    server.es9().handle_notification(&Caller::default(), result).await.unwrap();
    let answer = euicc.try_prepare(&server, &late, None).await;
    assert_refused(answer, &StatusCode::PROFILE_NOT_RELEASED);
    assert_eq!(server.state(&order).await, ProfileState::Installed);
}

#[tokio::test]
async fn closes_an_order_that_other_sessions_have_downloaded_too_often_meanwhile() {
    let server = Server::with_settings(Settings { download_limit: 1, ..Settings::default() }).await;
    let (euicc, order, late) = started(&server).await;
    euicc.deliver(&server, &order.matching_id).await;
    let answer = euicc.try_prepare(&server, &late, None).await;
    assert_refused(answer, &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED);
    assert_eq!(server.state(&order).await, ProfileState::Error);
}
