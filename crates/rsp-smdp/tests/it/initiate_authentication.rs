//! ES9+.InitiateAuthentication: what it refuses, and with which code.

use rsp_asn1::{EuiccInfo1, Raw, SubjectKeyIdentifier, VersionType};
use rsp_crypto::{Curve, Signature};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::Certificate;
use rsp_smdp::{Eligibility, Settings};

use crate::euicc::{TestEuicc, ci_of};
use crate::server::{Server, Wanted, assert_refused};

/// The answer to a request that differs from a good one.
async fn refused(server: &Server, expected: &StatusCode, change: impl FnOnce(&mut EuiccInfo1)) {
    let euicc = server.euicc(Curve::P256);
    let mut request = euicc.initiate_request();
    let mut info = request.euicc_info1.into_value();
    change(&mut info);
    request.euicc_info1 = Raw::new(info).unwrap();
    assert_refused(server.es9().initiate_authentication(&Caller::default(), request).await, expected);
}

fn stranger() -> SubjectKeyIdentifier {
    SubjectKeyIdentifier(vec![0xAA; 20].into())
}

#[tokio::test]
async fn the_answer_is_signed_over_the_challenge_and_the_address_as_it_was_sent() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    for address in ["smdp.example.com", "SMDP.Example.COM", "smdp.example.com:8443"] {
        let mut request = euicc.initiate_request();
        request.smdp_address = address.to_owned();
        let answer = server.es9().initiate_authentication(&Caller::default(), request).await.unwrap();
        let signed = answer.server_signed1.value();
        assert_eq!(signed.server_address, address);
        assert_eq!(signed.euicc_challenge.0, euicc.challenge);
        assert_eq!(signed.transaction_id, answer.transaction_id);
        assert_eq!(answer.transaction_id.as_bytes().len(), 16);
        let certificate = Certificate::from_raw(answer.server_certificate.clone());
        let signature = Signature::from_slice(&answer.server_signature1.0).unwrap();
        let key = certificate.public_key().unwrap();
        rsp_crypto::rust_crypto().verify(key, answer.server_signed1.bytes(), &signature).unwrap();
    }
}

#[tokio::test]
async fn refuses_another_address() {
    let server = Server::new().await;
    for address in ["other.example.com", "smdp.example.com:8444", "", "smdp.example.com.evil.org"] {
        let mut request = server.euicc(Curve::P256).initiate_request();
        request.smdp_address = address.to_owned();
        let answer = server.es9().initiate_authentication(&Caller::default(), request).await;
        assert_refused(answer, &StatusCode::SMDP_ADDRESS_REFUSED);
    }
}

#[tokio::test]
async fn atk_downgrade_svn() {
    let server = Server::new().await;
    for svn in [[1, 9, 9], [0, 0, 0], [3, 0, 0]] {
        refused(&server, &StatusCode::SMDP_SVN_UNSUPPORTED, |info| info.svn = VersionType(svn)).await;
    }
}

#[tokio::test]
async fn atk_downgrade_svn_below_what_the_operator_demands() {
    let minimum_svn = VersionType([2, 2, 1]);
    let server = Server::with_settings(Settings {
        eligibility: Eligibility { minimum_svn, ..Eligibility::default() },
        ..Settings::default()
    })
    .await;
    refused(&server, &StatusCode::SMDP_SVN_UNSUPPORTED, |info| info.svn = VersionType([2, 2, 0])).await;
    let mut request = server.euicc(Curve::P256).initiate_request();
    let mut info = request.euicc_info1.into_value();
    info.svn = minimum_svn;
    request.euicc_info1 = Raw::new(info).unwrap();
    server.es9().initiate_authentication(&Caller::default(), request).await.unwrap();
}

#[tokio::test]
async fn atk_downgrade_curve() {
    let server = Server::new().await;
    refused(&server, &StatusCode::SMDP_SECURITY_UNSUPPORTED, |info| {
        info.euicc_ci_pk_id_list_for_verification = vec![stranger()];
    })
    .await;
    refused(&server, &StatusCode::SMDP_SECURITY_UNSUPPORTED, |info| {
        info.euicc_ci_pk_id_list_for_verification.clear();
    })
    .await;
}

#[tokio::test]
async fn refuses_an_euicc_whose_ci_it_trusts_but_has_no_certificate_under() {
    let server = Server::with(Wanted { curves: vec![Curve::P256], ..Wanted::default() }).await;
    let euicc = server.euicc(Curve::BrainpoolP256r1);
    let answer = server.es9().initiate_authentication(&Caller::default(), euicc.initiate_request()).await;
    assert_refused(answer, &StatusCode::SMDP_CERTIFICATE_UNAVAILABLE);
}

#[tokio::test]
async fn refuses_an_euicc_that_cannot_sign_under_a_trusted_ci() {
    let server = Server::new().await;
    refused(&server, &StatusCode::SMDP_CERTIFICATE_UNAVAILABLE, |info| {
        info.euicc_ci_pk_id_list_for_signing = vec![stranger()];
    })
    .await;
}

#[tokio::test]
async fn refuses_to_show_an_expired_certificate() {
    let server = Server::new().await;
    server.advance_clock(20 * 365 * 86_400);
    let answer =
        server.es9().initiate_authentication(&Caller::default(), server.euicc(Curve::P256).initiate_request()).await;
    assert_refused(answer, &StatusCode::SMDP_CERTIFICATE_UNAVAILABLE);
}

#[tokio::test]
async fn passes_over_cis_that_it_does_not_know() {
    let server = Server::new().await;
    let mut euicc: TestEuicc = server.euicc(Curve::P256);
    euicc.cis = vec![stranger(), ci_of(server.pki, Curve::P256)];
    let answer = euicc.initiate(&server).await;
    assert_eq!(answer.euicc_ci_pk_id_to_be_used, euicc.cis[1]);
}

#[tokio::test]
async fn every_session_has_its_own_id_and_challenge() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let (one, two) = (euicc.initiate(&server).await, euicc.initiate(&server).await);
    assert_ne!(one.transaction_id, two.transaction_id);
    assert_ne!(one.server_signed1.value().server_challenge, two.server_signed1.value().server_challenge);
}
