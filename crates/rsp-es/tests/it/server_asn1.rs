//! The ASN.1 binding over HTTP: the same functions as in JSON, and an answer to everything that is no request.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::Request;
use rsp_asn1::{RemoteProfileProvisioningResponse as AnyResponse, decode, encode};
use rsp_es::asn1::{CONTENT_TYPE, PATH, RequestMessage, ResponseMessage};
use rsp_es::es9plus::{GetBoundProfilePackageResponse, InitiateAuthenticationResponse};
use rsp_es::server::{MAX_BODY, es11_router, router};

use crate::fixtures::session;
use crate::server::{Fake, ask};
use crate::server_es11::Smds;

fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post(PATH)
        .header("content-type", CONTENT_TYPE)
        .header("x-admin-protocol", "gsma/rsp/v2.2.0")
        .body(body.into())
        .unwrap()
}

fn request(message: &impl RequestMessage) -> Request<Body> {
    post(encode(&message.to_message()).unwrap())
}

fn read<T: ResponseMessage>(body: &[u8]) -> Result<T, i64> {
    T::from_message(decode::<AnyResponse>(body).unwrap()).expect("an answer of this function")
}

#[tokio::test]
async fn the_same_functions_answer_in_asn1() {
    let Some(session) = session() else { return };
    let fake = Arc::new(Fake::new(session.clone()));
    let router = router(fake.clone());

    // The fake compares the request with the recorded one.
    let answer = ask(&router, request(&session.initiate.0)).await;
    assert_eq!((answer.status, answer.protocol.as_deref()), (200, Some("gsma/rsp/v2.6.0")));
    assert_eq!(answer.content_type.as_deref(), Some(CONTENT_TYPE));
    assert_eq!(read::<InitiateAuthenticationResponse>(&answer.body), Ok(session.initiate.1));

    let answer = ask(&router, request(&session.package.0)).await;
    assert_eq!(read::<GetBoundProfilePackageResponse>(&answer.body), Ok(session.package.1));

    // A2 { BF3B { 81 matchingIdRefused } }
    let answer = ask(&router, request(&session.authenticate.0)).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &[0xA2, 0x06, 0xBF, 0x3B, 0x03, 0x81, 0x01, 0x06][..]));

    let answer = ask(&router, request(&session.notification)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.protocol.as_deref(), Some("gsma/rsp/v2.6.0"));
    assert_eq!(fake.notifications.load(Ordering::Relaxed), 1);
    assert_eq!(fake.callers.lock().unwrap()[0].version, 2);
}

/// A2 { BF41 { 80 01, A1 { 81 invalidTransactionId } } }: the fake panics over it.
const CANCEL: [u8; 13] = [0xA2, 0x0B, 0xBF, 0x41, 0x08, 0x80, 0x01, 0x01, 0xA1, 0x03, 0x81, 0x01, 0x05];

#[tokio::test]
async fn a_panic_is_an_undefined_error_of_its_function() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session)));
    let answer = ask(&router, post(CANCEL.to_vec())).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &[0xA2, 0x06, 0xBF, 0x41, 0x03, 0x81, 0x01, 0x7F][..]));
}

/// HandleNotification has no answer that could say "later": only an HTTP status keeps the notification on the eUICC.
#[tokio::test]
async fn a_notification_that_was_not_taken_is_not_answered_with_success() {
    let Some(session) = session() else { return };
    let fake = Fake::new(session.clone());
    fake.refuses_notifications.store(true, Ordering::Relaxed);
    let answer = ask(&router(Arc::new(fake)), request(&session.notification)).await;
    assert_eq!((answer.status, answer.body.len()), (503, 0));
}

#[tokio::test]
async fn headers_of_another_binding_or_protocol_are_refused() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session.clone())));
    let body = encode(&session.initiate.0.to_message()).unwrap();
    for (content_type, protocol, expected) in [
        ("application/x-gsma-rsp-asn1", "gsma/rsp/v3.0.0", 200),
        ("Application/X-GSMA-RSP-ASN1; a=b", "gsma/rsp/v2.5.0", 200),
        ("application/json;charset=UTF-8", "gsma/rsp/v2.5.0", 415),
        ("application/octet-stream", "gsma/rsp/v2.5.0", 415),
        ("", "gsma/rsp/v2.5.0", 415),
        ("application/x-gsma-rsp-asn1", "gsma/rsp/v1.0.0", 400),
        ("application/x-gsma-rsp-asn1", "gsma/rsp/v20.0.0", 400),
        ("application/x-gsma-rsp-asn1", "", 400),
    ] {
        let mut request = Request::post(PATH);
        for (name, value) in [("content-type", content_type), ("x-admin-protocol", protocol)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let answer = ask(&router, request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!((answer.status, answer.closes), (expected, false), "{content_type} {protocol}");
        assert!(answer.protocol.is_some());
    }
}

/// atk_deep_asn1 and atk_len_bomb as far as they reach this binding.
#[tokio::test]
async fn whatever_comes_in_is_never_answered_with_500() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session.clone())));
    let request = encode(&session.authenticate.0.to_message()).unwrap();
    let mut long = request.clone();
    long.push(0);
    let bodies = [
        Vec::new(),
        vec![0xA2],
        vec![0xA2, 0x00],
        vec![0xA2, 0x80, 0x00, 0x00],
        vec![0xA2, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        vec![0xA2, 0x03, 0xBF, 0x39, 0x00],
        vec![0xA2, 0x03, 0xBF, 0x40, 0x00],
        vec![0xA2, 0x03, 0xBF, 0x7F, 0x00],
        [0xA2, 0x80].repeat(10_000),
        b"{\"euiccChallenge\":\"\"}".to_vec(),
        vec![0xFF; 64],
        request[2..].to_vec(),
        request[..request.len() - 1].to_vec(),
        long,
    ];
    for body in bodies {
        let start = body[..body.len().min(8)].to_vec();
        let answer = ask(&router, post(body)).await;
        assert_eq!(answer.status, 400, "{start:02x?}: {}", String::from_utf8_lossy(&answer.body));
    }
    let large = ask(&router, post(vec![0_u8; MAX_BODY + 1])).await;
    assert_eq!((large.status, large.closes), (413, true));
    assert_eq!(ask(&router, Request::get(PATH).body(Body::empty()).unwrap()).await.status, 405);
}

/// Every byte of a good request changed in turn: refused, or executed as what it says now.
#[tokio::test]
async fn a_changed_byte_is_answered_like_any_other_request() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session.clone())));
    let request = encode(&session.authenticate.0.to_message()).unwrap();
    for position in 0..request.len() {
        let mut changed = request.clone();
        changed[position] ^= 0x55;
        let status = ask(&router, post(changed)).await.status;
        assert!(matches!(status, 200 | 400), "{position}: {status}");
    }
}

#[tokio::test]
async fn an_smds_answers_in_asn1_too_and_has_no_other_function() {
    let Some(session) = session() else { return };
    let router = es11_router(Arc::new(Smds::new(session.clone())));
    let answer = ask(&router, request(&session.initiate.0)).await;
    assert_eq!(read::<InitiateAuthenticationResponse>(&answer.body), Ok(session.initiate.1));
    let answer = ask(&router, request(&session.authenticate.0)).await;
    assert_eq!(answer.body[2..4], [0xBF, 0x40]);
    let events = read::<rsp_es::es11::AuthenticateClientResponse>(&answer.body).unwrap();
    assert_eq!(events, crate::es11::response(&[("E-1", "smdp.example.com")]));
    for body in [encode(&session.package.0.to_message()).unwrap(), CANCEL.to_vec()] {
        assert_eq!(ask(&router, post(body)).await.status, 400);
    }
    assert_eq!(ask(&router, request(&session.notification)).await.status, 400);
}
