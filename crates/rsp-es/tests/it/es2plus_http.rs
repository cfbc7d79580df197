//! ES2+, ES12 and ES15 over HTTP: the routers, that nothing that comes in is answered with 500, and the clients.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request as HttpRequest;
use proptest::prelude::*;
use rsp_es::client::{
    ClientError, Es2PlusClient, Es12Client, Exchange, HttpResponse, HttpTransport, Origin, RecordedTransport, Scheme,
    TransportError,
};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    FinalProfileStatus, Function, HandleDownloadProgressInfoRequest, ReleaseProfileRequest, Request as _,
    Response as _, ResponseError,
};
use rsp_es::es12::{self, DeleteEventRequest, Interface, RegisterEventRequest, Request as _};
use rsp_es::server::{
    Caller, Es2Plus, Es12, MAX_BODY, OperatorNotifications, es2plus_router, es12_router, es15_router,
    notifications_router,
};
use rsp_es::status::StatusCode;

use crate::es2plus::{confirm, header, iccid, progress};
use crate::es12::{delete, register};
use crate::server::{Answer, ask, refused_with};

/// Keeps what it is told, refuses cancelOrder and deleteEvent, and panics in releaseProfile.
#[derive(Default)]
struct Fake {
    callers: Mutex<Vec<Caller>>,
    events: Mutex<Vec<RegisterEventRequest>>,
    notifications: Mutex<Vec<HandleDownloadProgressInfoRequest>>,
}

impl Fake {
    fn called_by(&self, caller: &Caller) {
        self.callers.lock().unwrap().push(caller.clone());
    }
}

#[async_trait]
impl Es2Plus for Fake {
    async fn download_order(
        &self,
        caller: &Caller,
        request: DownloadOrderRequest,
    ) -> Result<DownloadOrderResponse, StatusCode> {
        self.called_by(caller);
        Ok(DownloadOrderResponse { iccid: request.iccid.ok_or(StatusCode::PROFILE_TYPE_UNKNOWN)? })
    }

    async fn confirm_order(
        &self,
        caller: &Caller,
        request: ConfirmOrderRequest,
    ) -> Result<ConfirmOrderResponse, StatusCode> {
        self.called_by(caller);
        let matching_id = request.matching_id.ok_or(StatusCode::MATCHING_ID_MISSING)?;
        Ok(ConfirmOrderResponse { eid: request.eid, matching_id, smdp_address: None })
    }

    async fn cancel_order(&self, _: &Caller, _: CancelOrderRequest) -> Result<(), StatusCode> {
        Err(StatusCode::MATCHING_ID_INVALID_ASSOCIATION)
    }

    async fn release_profile(&self, _: &Caller, _: ReleaseProfileRequest) -> Result<(), StatusCode> {
        panic!("a bug")
    }
}

#[async_trait]
impl OperatorNotifications for Fake {
    async fn handle_download_progress_info(
        &self,
        caller: &Caller,
        request: HandleDownloadProgressInfoRequest,
    ) -> Result<(), StatusCode> {
        self.called_by(caller);
        self.notifications.lock().unwrap().push(request);
        Ok(())
    }
}

#[async_trait]
impl Es12 for Fake {
    async fn register_event(&self, caller: &Caller, request: RegisterEventRequest) -> Result<(), StatusCode> {
        self.called_by(caller);
        self.events.lock().unwrap().push(request);
        Ok(())
    }

    async fn delete_event(&self, _: &Caller, _: DeleteEventRequest) -> Result<(), StatusCode> {
        Err(StatusCode::EVENT_RECORD_UNKNOWN)
    }
}

/// Every route of this file behind one router, and their paths.
fn all(fake: &Arc<Fake>) -> (Router, Vec<&'static str>) {
    let router = es2plus_router(fake.clone())
        .merge(notifications_router(fake.clone()))
        .merge(es12_router(fake.clone()))
        .merge(es15_router(fake.clone()));
    let events = [Interface::Es12, Interface::Es15]
        .into_iter()
        .flat_map(|interface| es12::Function::ALL.map(|function| function.path(interface)));
    (router, Function::ALL.into_iter().map(Function::path).chain(events).collect())
}

fn post(path: &str, body: impl Into<Body>) -> HttpRequest<Body> {
    HttpRequest::post(path)
        .header("content-type", "application/json")
        .header("x-admin-protocol", "gsma/rsp/v2.5.0")
        .body(body.into())
        .unwrap()
}

fn order() -> DownloadOrderRequest {
    DownloadOrderRequest { header: header(), eid: None, iccid: Some(iccid("8988211000000123456")), profile_type: None }
}

fn release() -> ReleaseProfileRequest {
    ReleaseProfileRequest { header: header(), iccid: iccid("8988211000000123456") }
}

#[tokio::test]
async fn serves_each_function() {
    let fake = Arc::new(Fake::default());
    let (router, _) = all(&fake);
    let ask_json = async |path: &str, json: &str| ask(&router, post(path, json.to_owned())).await;

    let answer = ask_json(Function::DownloadOrder.path(), &order().to_json()).await;
    assert_eq!((answer.status, answer.protocol.as_deref()), (200, Some("gsma/rsp/v2.6.0")));
    assert_eq!(answer.content_type.as_deref(), Some("application/json;charset=UTF-8"));
    let expected = DownloadOrderResponse { iccid: iccid("8988211000000123456") };
    assert_eq!(DownloadOrderResponse::from_json(&answer.body), Ok(expected));

    let answer = ask_json(Function::ConfirmOrder.path(), &confirm().to_json()).await;
    let expected =
        ConfirmOrderResponse { eid: confirm().eid, matching_id: confirm().matching_id.unwrap(), smdp_address: None };
    assert_eq!(ConfirmOrderResponse::from_json(&answer.body), Ok(expected));

    let cancel = r#"{"header":{"functionRequesterIdentifier":"a","functionCallIdentifier":"b"}}"#;
    let answer = ask_json(Function::CancelOrder.path(), cancel).await;
    assert!(refused_with(&answer, &StatusCode::MATCHING_ID_INVALID_ASSOCIATION));

    let answer = ask_json(Function::HandleDownloadProgressInfo.path(), &progress().to_json()).await;
    assert_eq!((answer.status, answer.body.len(), answer.content_type), (204, 0, None));
    assert_eq!(*fake.notifications.lock().unwrap(), [progress()]);

    for interface in [Interface::Es12, Interface::Es15] {
        let answer = ask_json(es12::Function::RegisterEvent.path(interface), &register().to_json()).await;
        assert_eq!((answer.status, <()>::from_json(&answer.body)), (200, Ok(())));
        let answer = ask_json(es12::Function::DeleteEvent.path(interface), &delete().to_json()).await;
        assert!(refused_with(&answer, &StatusCode::EVENT_RECORD_UNKNOWN));
    }
    assert_eq!(*fake.events.lock().unwrap(), [register(), register()]);
}

/// An SM-DP+ takes no notification, an operator no order, and an SM-DS is either the one or the other.
#[tokio::test]
async fn each_router_has_its_own_routes_only() {
    let fake = Arc::new(Fake::default());
    let (_, paths) = all(&fake);
    let routers = [
        (es2plus_router(fake.clone()), &paths[..4]),
        (notifications_router(fake.clone()), &paths[4..5]),
        (es12_router(fake.clone()), &paths[5..7]),
        (es15_router(fake.clone()), &paths[7..]),
    ];
    for (router, own) in routers {
        for path in &paths {
            let status = ask(&router, post(path, "{}")).await.status;
            assert_eq!(status, if own.contains(path) { 200 } else { 404 }, "{path}");
        }
    }
}

#[tokio::test]
async fn a_function_is_told_who_calls() {
    let fake = Arc::new(Fake::default());
    let (router, _) = all(&fake);
    let connection =
        Caller { address: Some([192, 0, 2, 7].into()), certificate: Some(Arc::from(&b"DER"[..])), version: 0 };
    for (path, json) in [
        (Function::DownloadOrder.path(), order().to_json().to_string()),
        (Function::ConfirmOrder.path(), confirm().to_json().to_string()),
        (Function::HandleDownloadProgressInfo.path(), progress().to_json().to_string()),
        (es12::Function::RegisterEvent.path(Interface::Es15), register().to_json()),
    ] {
        fake.callers.lock().unwrap().clear();
        let mut known = post(path, json.clone());
        known.extensions_mut().insert(connection.clone());
        ask(&router, known).await;
        ask(&router, post(path, json)).await;
        let callers = fake.callers.lock().unwrap();
        let seen: Vec<_> =
            callers.iter().map(|caller| (caller.address, caller.certificate.as_deref(), caller.version)).collect();
        assert_eq!(seen, [(connection.address, Some(&b"DER"[..]), 2), (None, None, 2)], "{path}");
    }
}

#[tokio::test]
async fn names_the_member_that_is_missing_or_malformed() {
    let fake = Arc::new(Fake::default());
    let (router, paths) = all(&fake);
    for path in &paths {
        let answer = ask(&router, post(path, "{}")).await;
        assert!(refused_with(&answer, &StatusCode::FORMAT_ELEMENT_MISSING), "{path}");
        // Whichever member is looked at first, it is named.
        assert!(status_of(&answer).subject_identifier.is_some(), "{path}");
        let answer = ask(&router, post(path, "[]")).await;
        assert!(refused_with(&answer, &StatusCode::FORMAT_INVALID), "{path}");
    }
    let without = confirm().to_json().replace("\"functionCallIdentifier\"", "\"other\"");
    let answer = ask(&router, post(Function::ConfirmOrder.path(), without)).await;
    assert!(refused_with(&answer, &StatusCode::FORMAT_ELEMENT_MISSING));
    assert_eq!(status_of(&answer).subject_identifier.as_deref(), Some("functionCallIdentifier"));
    let malformed = confirm().to_json().replace("true}", "\"true\"}");
    let answer = ask(&router, post(Function::ConfirmOrder.path(), malformed)).await;
    assert!(refused_with(&answer, &StatusCode::FORMAT_INVALID));
    assert_eq!(status_of(&answer).subject_identifier.as_deref(), Some("releaseFlag"));
    assert!(fake.callers.lock().unwrap().is_empty(), "nothing was executed");
}

fn status_of(answer: &Answer) -> StatusCode {
    match <()>::from_json(&answer.body) {
        Err(ResponseError::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn refuses_wrong_headers_with_their_code() {
    let (router, paths) = all(&Arc::new(Fake::default()));
    for path in paths {
        let request = |content_type: &str, protocol: Option<&str>| {
            let request = HttpRequest::post(path).header("content-type", content_type);
            let request = match protocol {
                Some(protocol) => request.header("x-admin-protocol", protocol),
                None => request,
            };
            request.body(Body::from("{}")).unwrap()
        };
        for content_type in ["", "text/json", "application/x-gsma-rsp-asn1"] {
            let answer = ask(&router, request(content_type, Some("gsma/rsp/v2.5.0"))).await;
            assert!(refused_with(&answer, &StatusCode::CONTENT_TYPE_INVALID), "{path} {content_type}");
        }
        for protocol in [None, Some("gsma/rsp/v1.0.0"), Some("v2.5.0")] {
            let answer = ask(&router, request("application/json", protocol)).await;
            assert!(refused_with(&answer, &StatusCode::ADMIN_PROTOCOL_INVALID), "{path} {protocol:?}");
        }
        let get = HttpRequest::get(path).body(Body::empty()).unwrap();
        assert_eq!(ask(&router, get).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_panic_is_a_failed_function_and_not_a_500() {
    let (router, _) = all(&Arc::new(Fake::default()));
    let answer = ask(&router, post(Function::ReleaseProfile.path(), release().to_json().to_string())).await;
    assert!(refused_with(&answer, &StatusCode::FUNCTION_EXECUTION_ERROR));
}

#[tokio::test]
async fn atk_big_body_of_an_operator() {
    let (router, paths) = all(&Arc::new(Fake::default()));
    for path in paths {
        let fits = ask(&router, post(path, vec![b' '; MAX_BODY])).await;
        assert_eq!((fits.status, fits.closes), (200, false), "{path}");
        let answer = ask(&router, post(path, vec![b' '; MAX_BODY + 1])).await;
        assert_eq!((answer.status, answer.closes), (413, true), "{path}");
    }
}

/// Calls a router without a network.
struct Local(Router);

#[async_trait]
impl HttpTransport for Local {
    async fn post(&self, request: rsp_es::client::HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        assert_eq!(request.user_agent, None, "no LPA calls here");
        let mut message = post(request.path, request.body);
        message.headers_mut().insert("content-type", request.content_type.parse().unwrap());
        let answer = ask(&self.0, message).await;
        Ok(HttpResponse { status: answer.status, body: answer.body })
    }
}

fn origin() -> Origin {
    Origin::new(Scheme::Https, "rsp.example.com").unwrap()
}

#[tokio::test]
async fn the_clients_meet_the_routers() {
    let fake = Arc::new(Fake::default());
    let transport = Arc::new(Local(all(&fake).0));
    let client = Es2PlusClient::new(transport.clone(), origin());
    assert_eq!(client.origin(), &origin());
    assert_eq!(client.download_order(&order()).await.unwrap().iccid, iccid("8988211000000123456"));
    assert_eq!(client.confirm_order(&confirm()).await.unwrap().matching_id, "QR-G-5C-1LS-1W1Z9P7");
    let cancel = CancelOrderRequest {
        header: header(),
        iccid: None,
        eid: None,
        matching_id: None,
        final_profile_status_indicator: Some(FinalProfileStatus::Available),
    };
    let refused = client.cancel_order(&cancel).await.unwrap_err();
    let ClientError::Refused { function: Function::CancelOrder, status } = refused else { panic!("{refused}") };
    assert!(status.is(&StatusCode::MATCHING_ID_INVALID_ASSOCIATION));
    let refused = client.release_profile(&release()).await.unwrap_err();
    assert!(matches!(refused, ClientError::Refused { function: Function::ReleaseProfile, .. }), "{refused}");
    client.handle_download_progress_info(&progress()).await.unwrap();
    client.handle_download_progress_info_as_written(progress().to_json().as_bytes()).await.unwrap();
    assert_eq!(*fake.notifications.lock().unwrap(), [progress(), progress()]);
    for interface in [Interface::Es12, Interface::Es15] {
        let client = Es12Client::new(transport.clone(), origin(), interface);
        client.register_event(&register()).await.unwrap();
        let unknown = client.delete_event(&delete()).await.unwrap_err();
        assert!(matches!(unknown, ClientError::Refused { status, .. } if status.is(&StatusCode::EVENT_RECORD_UNKNOWN)));
    }
}

/// Some operators answer a notification with 200 and a header.
#[tokio::test]
async fn tells_the_answers_to_a_notification_apart() {
    let url = format!("https://rsp.example.com{}", Function::HandleDownloadProgressInfo.path());
    let succeeded = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success","statusCodeData":{"subjectCode":"0","reasonCode":"0","message":"success"}}}}"#;
    let failed = r#"{"header":{"functionExecutionStatus":{"status":"Failed"}}}"#;
    for (status, response, taken) in [
        (204, "", true),
        (200, "", true),
        (200, succeeded, true),
        (200, failed, false),
        (200, "OK", false),
        (202, "", false),
        (404, "", false),
        (500, succeeded, false),
    ] {
        let request = progress().to_json().to_string();
        let exchange = Exchange { url: url.clone(), request, status, response: response.to_owned() };
        let client = Es2PlusClient::new(Arc::new(RecordedTransport::new([exchange])), origin());
        assert_eq!(client.handle_download_progress_info(&progress()).await.is_ok(), taken, "{status} {response}");
    }
}

/// Bodies near a request, so that more than the first character is read.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let near = (0_usize..4, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(which, position, byte)| {
        let mut body = match which {
            0 => confirm().to_json().as_bytes().to_vec(),
            1 => progress().to_json().as_bytes().to_vec(),
            2 => order().to_json().as_bytes().to_vec(),
            _ => register().to_json().into_bytes(),
        };
        let position = position.index(body.len());
        body[position] = byte;
        body
    });
    prop_oneof![any::<Vec<u8>>(), near]
}

proptest! {
    #[test]
    fn any_body_is_answered_and_never_with_500(body in any_body()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (router, paths) = all(&Arc::new(Fake::default()));
        runtime.block_on(async {
            for path in paths {
                let status = ask(&router, post(path, body.clone())).await.status;
                prop_assert!(status == 200 || status == 204, "{path}: {status}");
            }
            Ok(())
        })?;
    }
}
