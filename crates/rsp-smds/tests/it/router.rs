//! The SM-DS behind the routers: what a caller sends and gets.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request as HttpRequest;
use rsp_asn1::{
    AuthenticateClientErrorEs11, AuthenticateClientResponseEs11, RemoteProfileProvisioningRequest,
    RemoteProfileProvisioningResponse, Unknown,
};
use rsp_crypto::Curve;
use rsp_es::asn1;
use rsp_es::es9plus::Request as _;
use rsp_es::es11::AuthenticateClientResponse;
use rsp_es::es12::{DeleteEventRequest, Function, Interface, Request as _, Response};
use rsp_es::server::{Caller, es11_router, es12_router, es15_router};
use rsp_smds::Es15;
use tower::ServiceExt as _;

use crate::registrars::{Registrar, header};
use crate::server::Server;

async fn post(router: Router, path: &str, caller: Caller, body: String) -> String {
    let answer = post_as("application/json;charset=UTF-8", router, path, caller, body.into_bytes()).await;
    String::from_utf8(answer).unwrap()
}

async fn post_as(content_type: &str, router: Router, path: &str, caller: Caller, body: Vec<u8>) -> Vec<u8> {
    let request = HttpRequest::post(path)
        .header("content-type", content_type)
        .header("x-admin-protocol", "gsma/rsp/v2.5.0")
        .extension(caller)
        .body(Body::from(body))
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    to_bytes(response.into_body(), 65_536).await.unwrap().to_vec()
}

#[tokio::test]
async fn events_come_and_go_over_http() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let es12 = es12_router(Arc::clone(&server.smds) as _);
    let es15 = es15_router(Arc::new(Es15(Arc::clone(&server.smds))));
    let registrars =
        [(es12, Interface::Es12, Registrar::smdp(1), "ONE"), (es15, Interface::Es15, Registrar::smds(2), "TWO")];

    for (router, interface, registrar, event_id) in &registrars {
        let path = Function::RegisterEvent.path(*interface);
        let body = registrar.register_request(euicc.eid, event_id).to_json();
        let answer = post(router.clone(), path, registrar.caller(), body.clone()).await;
        <()>::from_json(answer.as_bytes()).unwrap();
        let answer = post(router.clone(), path, registrar.caller(), body.clone()).await;
        assert!(answer.contains(r#""subjectCode":"8.9.5","reasonCode":"3.3""#), "{answer}");
        let answer = post(router.clone(), path, Caller::default(), body).await;
        assert!(answer.contains(r#""subjectCode":"1.1","reasonCode":"3.9""#), "{answer}");
    }

    let es11 = || es11_router(Arc::clone(&server.smds) as _);
    for path in ["/gsma/rsp2/es9plus", "/gsma/rsp2/es11"] {
        let initiated = euicc.initiate(&server).await;
        let body = euicc.authenticate_request(&initiated, None).to_json();
        let answer = post(es11(), &format!("{path}/authenticateClient"), Caller::default(), body).await;
        let answer = AuthenticateClientResponse::from_json(answer.as_bytes()).unwrap();
        let found: Vec<_> = answer.event_entries.iter().map(|entry| entry.event_id.as_str()).collect();
        assert_eq!(found, ["ONE", "TWO"]);
    }

    for (router, interface, registrar, event_id) in registrars {
        let path = Function::DeleteEvent.path(interface);
        let request = DeleteEventRequest { header: header(), eid: euicc.eid, event_id: event_id.to_owned() };
        let answer = post(router.clone(), path, registrar.caller(), request.to_json()).await;
        <()>::from_json(answer.as_bytes()).unwrap();
        let answer = post(router, path, registrar.caller(), request.to_json()).await;
        assert!(answer.contains(r#""subjectCode":"8.9.5","reasonCode":"3.9""#), "{answer}");
    }
    assert_eq!(euicc.events(&server, None).await, []);
}

#[tokio::test]
async fn lpas_may_speak_asn1() {
    let server = Server::new().await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::BrainpoolP256r1));
    registrar.register(server.es12(), euicc.eid, "EVENT").await.unwrap();
    let answer = async |matching_id| {
        let initiated = euicc.initiate(&server).await;
        let request = euicc.authenticate_request(&initiated, matching_id);
        let request =
            RemoteProfileProvisioningRequest::AuthenticateClient(Box::new(rsp_asn1::AuthenticateClientRequest {
                transaction_id: request.transaction_id,
                authenticate_server_response: request.authenticate_server_response,
                use_matching_id_for_acr: None,
                unknown: Unknown::default(),
            }));
        let (body, router) = (rsp_asn1::encode(&request).unwrap(), es11_router(Arc::clone(&server.smds) as _));
        let answer = post_as(asn1::CONTENT_TYPE, router, asn1::PATH, Caller::default(), body).await;
        match rsp_asn1::decode(&answer).unwrap() {
            RemoteProfileProvisioningResponse::AuthenticateClientEs11(answer) => answer,
            other => panic!("{other:?}"),
        }
    };
    let AuthenticateClientResponseEs11::Ok(ok) = answer(None).await else { panic!("refused") };
    assert_eq!(ok.event_entries.len(), 1);
    assert_eq!(ok.event_entries[0].event_id, "EVENT");
    assert_eq!(ok.event_entries[0].rsp_server_address, "smdp1.example.com");
    let unknown = AuthenticateClientErrorEs11::EVENT_ID_UNKNOWN;
    assert_eq!(answer(Some("OTHER")).await, AuthenticateClientResponseEs11::Error(unknown));
}
