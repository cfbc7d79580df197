//! The client in both bindings, and against both kinds of servers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use rsp_asn1::encode;
use rsp_es::asn1::{CONTENT_TYPE, MessageError, PATH, ResponseMessage as _};
use rsp_es::client::{
    Binding, ClientError, Es9PlusClient, Es11Client, Exchange, HttpTransport, NetworkTransport, RecordedTransport,
    Recorder, TransportError,
};
use rsp_es::server::{es11_router, router};
use rsp_es::status::StatusCode;

use crate::client::{origin, serve, tls};
use crate::es11::response;
use crate::fixtures::session;
use crate::server::Fake;
use crate::server_es11::Smds;

fn network() -> Arc<dyn HttpTransport> {
    Arc::new(NetworkTransport::new(tls()))
}

#[tokio::test]
async fn both_bindings_reach_the_same_functions() {
    let Some(session) = session() else { return };
    let fake = Arc::new(Fake::new(session.clone()));
    let address = serve(router(fake.clone())).await.to_string();
    for binding in [Binding::Json, Binding::Asn1] {
        let client = Es9PlusClient::new(network(), origin(&address)).with_binding(binding);
        assert_eq!(client.initiate_authentication(&session.initiate.0).await.unwrap(), session.initiate.1);
        assert_eq!(client.get_bound_profile_package(&session.package.0).await.unwrap(), session.package.1);
        client.handle_notification(&session.notification).await.unwrap();
        let refused = client.authenticate_client(&session.authenticate.0).await.unwrap_err();
        let ClientError::Refused { status, .. } = refused else { panic!("{refused}") };
        assert!(status.is(&StatusCode::MATCHING_ID_REFUSED), "{binding:?}");
        fake.refuses_notifications.store(true, Ordering::Relaxed);
        let kept = client.handle_notification(&session.notification).await;
        assert!(kept.is_err(), "{binding:?}: a refused notification must not be removed");
        fake.refuses_notifications.store(false, Ordering::Relaxed);
    }
    assert_eq!(fake.notifications.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_smds_is_asked_in_both_bindings() {
    let Some(session) = session() else { return };
    let smds = Arc::new(Smds::new(session.clone()));
    let address = serve(es11_router(smds.clone())).await.to_string();
    for binding in [Binding::Json, Binding::Asn1] {
        smds.unknown.store(false, Ordering::Relaxed);
        let client = Es11Client::new(network(), origin(&address)).with_binding(binding);
        assert_eq!(client.initiate_authentication(&session.initiate.0).await.unwrap(), session.initiate.1);
        let events = client.authenticate_client(&session.authenticate.0).await.unwrap();
        assert_eq!(events, response(&[("E-1", "smdp.example.com")]));
        assert!(client.traffic().received > 500);
        smds.unknown.store(true, Ordering::Relaxed);
        let refused = client.authenticate_client(&session.authenticate.0).await.unwrap_err();
        let ClientError::Refused { status, .. } = refused else { panic!("{refused}") };
        assert!(status.is(&StatusCode::EVENT_RECORD_UNKNOWN), "{binding:?}");
    }
}

#[tokio::test]
async fn a_conversation_in_asn1_is_recorded_and_played() {
    let Some(session) = session() else { return };
    let address = serve(router(Arc::new(Fake::new(session.clone())))).await.to_string();
    let recorder = Arc::new(Recorder::new(network()));
    let client = Es9PlusClient::new(recorder.clone(), origin(&address)).with_binding(Binding::Asn1);
    client.initiate_authentication(&session.initiate.0).await.unwrap();
    client.handle_notification(&session.notification).await.unwrap();
    let exchanges = Exchange::parse_lines(&Exchange::to_lines(&recorder.exchanges())).unwrap();
    assert!(exchanges.iter().all(|exchange| exchange.url.ends_with(PATH) && exchange.request.is_ascii()));

    let played = |binding| {
        let transport = Arc::new(RecordedTransport::new(exchanges.clone()));
        Es9PlusClient::new(transport, origin(&address)).with_binding(binding)
    };
    let client = played(Binding::Asn1);
    assert_eq!(client.initiate_authentication(&session.initiate.0).await.unwrap(), session.initiate.1);
    client.handle_notification(&session.notification).await.unwrap();
    let other = played(Binding::Json).initiate_authentication(&session.initiate.0).await.unwrap_err();
    assert!(matches!(other, ClientError::Transport { source: TransportError::Deviation(_), .. }), "{other}");
    let mut changed = session.initiate.0;
    changed.euicc_challenge.0[0] ^= 1;
    let other = played(Binding::Asn1).initiate_authentication(&changed).await.unwrap_err();
    assert!(matches!(other, ClientError::Transport { source: TransportError::Deviation(_), .. }), "{other}");
}

#[tokio::test]
async fn each_binding_says_its_content_type_and_that_an_lpa_calls() {
    let Some(session) = session() else { return };
    let echo = |headers: HeaderMap| async move {
        let header =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        // 418 so that the client gives up; the body is not looked at.
        assert_eq!(header("user-agent"), "gsma-rsp-lpad");
        assert_eq!(header("content-type"), CONTENT_TYPE);
        assert!(header("x-admin-protocol").starts_with("gsma/rsp/v2."));
        axum::http::StatusCode::IM_A_TEAPOT
    };
    let address = serve(Router::new().route(PATH, post(echo))).await.to_string();
    let client = Es9PlusClient::new(network(), origin(&address)).with_binding(Binding::Asn1);
    let error = client.initiate_authentication(&session.initiate.0).await.unwrap_err();
    assert!(matches!(error, ClientError::HttpStatus { status: 418, .. }), "{error}");
}

#[tokio::test]
async fn tells_the_faults_of_a_server_apart_in_asn1() {
    let Some(session) = session() else { return };
    let other = encode(&session.package.1.clone().to_message().unwrap()).unwrap();
    for (body, expected) in [(Vec::new(), "malformed"), (vec![0xA2, 0x02, 0x05, 0x00], "malformed"), (other, "other")] {
        let address = serve(Router::new().route(PATH, post(move || async move { body }))).await.to_string();
        let client = Es9PlusClient::new(network(), origin(&address)).with_binding(Binding::Asn1);
        let error = client.initiate_authentication(&session.initiate.0).await.unwrap_err();
        let ClientError::MalformedMessage { source, .. } = error else { panic!("{error}") };
        assert_eq!(matches!(source, MessageError::OtherFunction(_)), expected == "other");
    }
}
