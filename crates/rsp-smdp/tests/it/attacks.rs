//! Attacks on the server, each named as in the list of attacks.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::{EuiccSigned1, Raw, TransactionId, tlv};
use rsp_crypto::Curve;
use rsp_es::es9plus::Function;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_store::ProfileState;
use tower::ServiceExt as _;

use crate::euicc::{authenticate_request, prepare_request};
use crate::server::{CODE, Server, assert_refused, code};

#[tokio::test]
async fn atk_challenge_replay() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let mid = Some(order.matching_id.as_str());
    let (one, two) = (euicc.initiate(&server).await, euicc.initiate(&server).await);

    // The answer of one session under the id of another.
    let mut crossed = euicc.authenticate_request(&one, mid);
    crossed.transaction_id = two.transaction_id.clone();
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), crossed).await,
        &StatusCode::TRANSACTION_ID_UNKNOWN,
    );
    // The challenge of one session signed with the id of another.
    let mut signed = euicc.signed1(&one, mid);
    signed.transaction_id = two.transaction_id.clone();
    let mixed = authenticate_request(&two.transaction_id, euicc.authenticate_ok(signed));
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), mixed).await,
        &StatusCode::EUICC_VERIFICATION_FAILED,
    );
    // The signature of one session on the data of another.
    let mut ok = euicc.authenticate_ok(euicc.signed1(&two, mid));
    ok.euicc_signature1 = euicc.authenticate_ok(euicc.signed1(&one, mid)).euicc_signature1;
    let swapped = authenticate_request(&two.transaction_id, ok);
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), swapped).await,
        &StatusCode::EUICC_VERIFICATION_FAILED,
    );

    // A good answer is good once.
    let good = euicc.authenticate_request(&one, mid);
    let first = server.es9().authenticate_client(&Caller::default(), good.clone()).await.unwrap();
    assert_refused(
        server.es9().authenticate_client(&Caller::default(), good).await,
        &StatusCode::TRANSACTION_ID_UNKNOWN,
    );
    let second =
        server.es9().authenticate_client(&Caller::default(), euicc.authenticate_request(&two, mid)).await.unwrap();

    // The same mixes with PrepareDownload.
    let mut crossed = euicc.prepare_request(&first, None);
    crossed.transaction_id = second.transaction_id.clone();
    assert_refused(
        server.es9().get_bound_profile_package(&Caller::default(), crossed).await,
        &StatusCode::TRANSACTION_ID_UNKNOWN,
    );
    let mut signed = euicc.signed2(&first, None);
    signed.transaction_id = second.transaction_id.clone();
    let mixed = prepare_request(&second.transaction_id, euicc.prepare_ok(&first, signed));
    assert_refused(
        server.es9().get_bound_profile_package(&Caller::default(), mixed).await,
        &StatusCode::EUICC_VERIFICATION_FAILED,
    );
    assert_eq!(server.state(&order).await, ProfileState::Released);
    euicc.try_prepare(&server, &second, None).await.unwrap();
}

/// Whoever only asks for challenges leaves nothing behind.
#[tokio::test]
async fn atk_session_flood() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let honest = euicc.initiate(&server).await;
    let before = server.files();
    for _ in 0..1_000 {
        euicc.initiate(&server).await;
    }
    assert_eq!(server.files(), before, "the database grew");
    let request = euicc.authenticate_request(&honest, Some(&order.matching_id));
    server.es9().authenticate_client(&Caller::default(), request).await.unwrap();
    assert_ne!(server.files(), before, "the comparison sees nothing");
}

#[tokio::test]
async fn atk_cc_bruteforce_one_after_the_other() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    for _ in 0..5 {
        let authenticated = euicc.authenticate(&server, &order.matching_id).await;
        let answer = euicc.try_prepare(&server, &authenticated, Some("wrong")).await;
        assert_refused(answer, &StatusCode::CONFIRMATION_CODE_REFUSED);
    }
    assert_eq!(server.state(&order).await, ProfileState::Released);
    // Even the right code comes too late.
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let answer = euicc.try_prepare(&server, &authenticated, Some(CODE)).await;
    assert_refused(answer, &StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED);
    assert_eq!(server.state(&order).await, ProfileState::Error);
    let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
    assert_refused(answer, &StatusCode::PROFILE_NOT_RELEASED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn atk_cc_bruteforce_in_32_sessions_at_once() {
    let server = Arc::new(Server::new().await);
    let euicc = Arc::new(server.euicc(Curve::P256));
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    let mut sessions = Vec::new();
    for _ in 0..32 {
        sessions.push(euicc.authenticate(&server, &order.matching_id).await);
    }
    let tasks: Vec<_> = sessions
        .into_iter()
        .map(|authenticated| {
            let (server, euicc) = (Arc::clone(&server), Arc::clone(&euicc));
            tokio::spawn(async move { euicc.try_prepare(&server, &authenticated, Some("wrong")).await })
        })
        .collect();
    let (mut wrong, mut exceeded) = (0, 0);
    for task in tasks {
        let status = task.await.unwrap().unwrap_err();
        if status.is(&StatusCode::CONFIRMATION_CODE_REFUSED) {
            wrong += 1;
        } else if status.is(&StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED) {
            exceeded += 1;
        }
    }
    assert_eq!((wrong, exceeded), (5, 27));
    assert_eq!(server.state(&order).await, ProfileState::Error);
}

/// What the HTTP server says to a body.
async fn post(server: &Server, function: Function, body: String) -> String {
    let request = Request::post(function.path())
        .header("content-type", "application/json")
        .header("x-admin-protocol", "gsma/rsp/v2.2.0")
        .body(Body::from(body))
        .unwrap();
    let response = rsp_es::server::router(server.smdp.clone()).oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

async fn post_authentication(server: &Server, session: &TransactionId, der: &[u8]) -> String {
    let response = STANDARD.encode(der);
    let body = format!(r#"{{"transactionId":"{session}","authenticateServerResponse":"{response}"}}"#);
    post(server, Function::AuthenticateClient, body).await
}

/// The same value with its outer length in another form.
fn with_length(der: &[u8], length: impl Fn(usize) -> Vec<u8>, end: &[u8]) -> Vec<u8> {
    let (outer, _) = tlv::first(der).unwrap();
    [outer.tag(), &length(outer.value().len()), outer.value(), end].concat()
}

#[tokio::test]
async fn atk_ber_ambiguity() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    let good = euicc.authenticate_request(&initiated, Some(&order.matching_id)).authenticate_server_response;
    let der = good.bytes();
    let long = |length: usize| [&[0x84][..], &(length as u32).to_be_bytes()].concat();
    let signed_long = {
        let rsp_asn1::AuthenticateServerResponse::Ok(ok) = good.value() else { unreachable!() };
        // The signed part in a longer form, signed as it stands.
        let signed = with_length(ok.euicc_signed1.bytes(), long, &[]);
        let rest: Vec<u8> = {
            let (outer, _) = tlv::first(der).unwrap();
            let (choice, _) = tlv::first(outer.value()).unwrap();
            choice.children().skip(2).flat_map(|element| element.unwrap().raw().to_vec()).collect()
        };
        let mut content = signed.clone();
        tlv::write(&mut content, &[0x5F, 0x37], &euicc.sign(&signed).0);
        content.extend_from_slice(&rest);
        let mut choice = Vec::new();
        tlv::write(&mut choice, &[0xA0], &content);
        let mut whole = Vec::new();
        tlv::write(&mut whole, &[0xBF, 0x38], &choice);
        whole
    };
    let ambiguous = [
        ("trailing byte", [der, &[0]].concat()),
        ("trailing object", [der, &[0x05, 0x00]].concat()),
        ("length not minimal", with_length(der, long, &[])),
        ("indefinite length", with_length(der, |_| vec![0x80], &[0, 0])),
        ("signed part not minimal", signed_long),
        ("cut short", der[..der.len() - 1].to_vec()),
        ("empty", Vec::new()),
    ];
    for (what, bytes) in ambiguous {
        let answer = post_authentication(&server, &initiated.transaction_id, &bytes).await;
        assert!(answer.contains(r#""subjectCode":"1.3.1","reasonCode":"2.1""#), "{what}: {answer}");
    }
    let answer = post_authentication(&server, &initiated.transaction_id, der).await;
    assert!(answer.contains("Executed-Success"), "{answer}");
}

#[tokio::test]
async fn an_element_of_a_later_version_is_covered_by_the_signature_and_kept() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let initiated = euicc.initiate(&server).await;
    let signed = Raw::new(euicc.signed1(&initiated, Some(&order.matching_id))).unwrap();
    let (outer, _) = tlv::first(signed.bytes()).unwrap();
    let mut extended = Vec::new();
    tlv::write(&mut extended, &[0x30], &[outer.value(), &[0x9F, 0x63, 0x01, 0x2A]].concat());
    let extended: EuiccSigned1 = rsp_asn1::decode(&extended).unwrap();
    assert!(!extended.unknown.is_empty());
    let request = authenticate_request(&initiated.transaction_id, euicc.authenticate_ok(extended));
    server.es9().authenticate_client(&Caller::default(), request).await.unwrap();
}

/// `depth` sequences inside one another.
fn nested(depth: usize) -> Vec<u8> {
    let mut der = vec![0x05, 0x00];
    for _ in 0..depth {
        let mut outer = Vec::with_capacity(der.len() + 6);
        tlv::write(&mut outer, &[0x30], &der);
        der = outer;
    }
    der
}

#[tokio::test]
async fn atk_deep_asn1_and_len_bomb() {
    let server = Server::new().await;
    let session = server.euicc(Curve::P256).initiate(&server).await.transaction_id;
    let mut inside = Vec::new();
    tlv::write(&mut inside, &[0xBF, 0x38], &nested(9_000));
    let bombs = [
        nested(9_000),
        inside,
        vec![0xBF, 0x38, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x00],
        vec![0xBF, 0x38, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0xBF, 0x38, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
    ];
    for bomb in bombs {
        let text = STANDARD.encode(&bomb);
        let bodies = [
            (Function::AuthenticateClient, "authenticateServerResponse"),
            (Function::GetBoundProfilePackage, "prepareDownloadResponse"),
            (Function::CancelSession, "cancelSessionResponse"),
            (Function::HandleNotification, "pendingNotification"),
        ];
        for (function, member) in bodies {
            let body = format!(r#"{{"transactionId":"{session}","{member}":"{text}"}}"#);
            let answer = post(&server, function, body).await;
            assert!(answer.contains(r#""subjectCode":"1.3.1","reasonCode":"2.1""#), "{function}: {answer}");
        }
    }
}
