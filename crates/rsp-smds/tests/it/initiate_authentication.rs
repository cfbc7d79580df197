//! ES11.InitiateAuthentication: what it refuses, and with which code.

use rsp_asn1::{EuiccInfo1, Raw, SubjectKeyIdentifier, VersionType};
use rsp_crypto::{Curve, Signature};
use rsp_es::es9plus::InitiateAuthenticationRequest;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::{Certificate, Role};
use rsp_smds::Settings;

use crate::euicc::ci_of;
use crate::server::{Server, Wanted, assert_refused};

async fn refused_request(server: &Server, expected: &StatusCode, request: InitiateAuthenticationRequest) {
    let answer = server.es11().initiate_authentication(&Caller::default(), request).await;
    assert_refused(answer, expected);
}

/// The answer to a request whose euiccInfo1 differs from a good one.
async fn refused(server: &Server, expected: &StatusCode, change: impl FnOnce(&mut EuiccInfo1)) {
    let mut request = server.euicc(Curve::P256).initiate_request();
    let mut info = request.euicc_info1.into_value();
    change(&mut info);
    request.euicc_info1 = Raw::new(info).unwrap();
    refused_request(server, expected, request).await;
}

fn stranger() -> SubjectKeyIdentifier {
    SubjectKeyIdentifier(vec![0xAA; 20].into())
}

#[tokio::test]
async fn the_answer_is_signed_by_ds_auth_over_the_challenge_and_the_address_as_it_was_sent() {
    let server = Server::new().await;
    for curve in Curve::ALL {
        let euicc = server.euicc(curve);
        for address in ["smds.example.com", "SMDS.Example.COM", "smds.example.com:8443"] {
            let mut request = euicc.initiate_request();
            request.smdp_address = address.to_owned();
            let answer = server.es11().initiate_authentication(&Caller::default(), request).await.unwrap();
            let signed = answer.server_signed1.value();
            assert_eq!(signed.server_address, address);
            assert_eq!(signed.euicc_challenge.0, euicc.challenge);
            assert_eq!(signed.transaction_id, answer.transaction_id);
            let certificate = Certificate::from_raw(answer.server_certificate.clone());
            assert_eq!((certificate.role(), certificate.curve()), (Some(Role::DsAuth), Some(curve)));
            let signature = Signature::from_slice(&answer.server_signature1.0).unwrap();
            let key = certificate.public_key().unwrap();
            rsp_crypto::rust_crypto().verify(key, answer.server_signed1.bytes(), &signature).unwrap();
        }
    }
}

#[tokio::test]
async fn refuses_another_address() {
    let server = Server::new().await;
    for address in ["other.example.com", "smds.example.com:8444", "", "smds.example.com.evil.org"] {
        let mut request = server.euicc(Curve::P256).initiate_request();
        request.smdp_address = address.to_owned();
        refused_request(&server, &StatusCode::SMDS_ADDRESS_REFUSED, request).await;
    }
}

#[tokio::test]
async fn atk_downgrade_svn() {
    let server = Server::new().await;
    for svn in [[1, 9, 9], [0, 0, 0], [3, 0, 0]] {
        refused(&server, &StatusCode::SMDS_SVN_UNSUPPORTED, |info| info.svn = VersionType(svn)).await;
    }
    let minimum_svn = VersionType([2, 2, 1]);
    let server = Server::with_settings(Settings { minimum_svn, ..Settings::default() }).await;
    refused(&server, &StatusCode::SMDS_SVN_UNSUPPORTED, |info| info.svn = VersionType([2, 2, 0])).await;
}

#[tokio::test]
async fn refuses_an_euicc_without_common_ci() {
    let server = Server::new().await;
    for list in [vec![stranger()], vec![]] {
        refused(&server, &StatusCode::SMDS_SECURITY_UNSUPPORTED, |info| {
            info.euicc_ci_pk_id_list_for_verification = list;
        })
        .await;
    }
}

#[tokio::test]
async fn refuses_an_euicc_whose_ci_it_trusts_but_has_no_certificate_under() {
    let server = Server::with(Wanted { curves: vec![Curve::P256], ..Wanted::default() }).await;
    let request = server.euicc(Curve::BrainpoolP256r1).initiate_request();
    refused_request(&server, &StatusCode::SMDS_CERTIFICATE_UNAVAILABLE, request).await;
}

#[tokio::test]
async fn refuses_an_euicc_that_cannot_sign_under_a_trusted_ci() {
    let server = Server::new().await;
    refused(&server, &StatusCode::SMDS_CERTIFICATE_UNAVAILABLE, |info| {
        info.euicc_ci_pk_id_list_for_signing = vec![stranger()];
    })
    .await;
}

#[tokio::test]
async fn refuses_to_show_an_expired_certificate() {
    let server = Server::new().await;
    server.advance_clock(20 * 365 * 86_400);
    let request = server.euicc(Curve::P256).initiate_request();
    refused_request(&server, &StatusCode::SMDS_CERTIFICATE_UNAVAILABLE, request).await;
}

#[tokio::test]
async fn passes_over_cis_that_it_does_not_know() {
    let server = Server::new().await;
    let mut euicc = server.euicc(Curve::P256);
    euicc.cis = vec![stranger(), ci_of(server.pki, Curve::P256)];
    assert_eq!(euicc.initiate(&server).await.euicc_ci_pk_id_to_be_used, euicc.cis[1]);
}
