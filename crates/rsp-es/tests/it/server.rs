//! The router: statuses, headers, and that nothing that comes in is answered with 500.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request as _, Response as _, ResponseError,
};
use rsp_es::server::{Caller, Es9Plus, MAX_BODY, router};
use rsp_es::status::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::fixtures::{Session, session};

/// Answers from the recorded session, refuses authenticateClient and panics in cancelSession.
pub(crate) struct Fake {
    session: Session,
    pub(crate) notifications: AtomicUsize,
    pub(crate) refuses_notifications: AtomicBool,
    pub(crate) callers: Mutex<Vec<Caller>>,
}

impl Fake {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            notifications: AtomicUsize::new(0),
            refuses_notifications: AtomicBool::new(false),
            callers: Mutex::default(),
        }
    }
}

#[async_trait]
impl Es9Plus for Fake {
    async fn initiate_authentication(
        &self,
        caller: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode> {
        self.callers.lock().unwrap().push(caller.clone());
        assert_eq!(request, self.session.initiate.0);
        Ok(self.session.initiate.1.clone())
    }

    async fn authenticate_client(
        &self,
        _: &Caller,
        _: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        Err(StatusCode::MATCHING_ID_REFUSED.with_message("no such order"))
    }

    async fn get_bound_profile_package(
        &self,
        _: &Caller,
        _: GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, StatusCode> {
        Ok(self.session.package.1.clone())
    }

    async fn handle_notification(&self, _: &Caller, _: HandleNotificationRequest) -> Result<(), StatusCode> {
        if self.refuses_notifications.load(Ordering::Relaxed) {
            return Err(StatusCode::SMDP_EXECUTION_ERROR);
        }
        self.notifications.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn cancel_session(&self, _: &Caller, _: CancelSessionRequest) -> Result<(), StatusCode> {
        panic!("a bug")
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) closes: bool,
    pub(crate) protocol: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response: Response<Body> = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, protocol, content_type) = (head.status.as_u16(), header("x-admin-protocol"), header("content-type"));
    let closes = header("connection").as_deref() == Some("close");
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status, closes, protocol, content_type, body }
}

fn post(function: Function, body: impl Into<Body>) -> Request<Body> {
    Request::post(function.path())
        .header("content-type", "application/json;charset=UTF-8")
        .header("x-admin-protocol", "gsma/rsp/v2.2.0")
        .body(body.into())
        .unwrap()
}

pub(crate) fn refused_with(answer: &Answer, expected: &StatusCode) -> bool {
    answer.status == 200
        && matches!(<()>::from_json(&answer.body), Err(ResponseError::Status(status)) if status.is(expected))
}

#[tokio::test]
async fn serves_each_function() {
    let Some(session) = session() else { return };
    let (initiate, authenticate) = (session.initiate.clone(), session.authenticate.0.to_json());
    let (package, notification) = (session.package.clone(), session.notification.to_json());
    let fake = Arc::new(Fake::new(session));
    let router = router(fake.clone());

    let answer = ask(&router, post(Function::InitiateAuthentication, initiate.0.to_json())).await;
    assert_eq!((answer.status, answer.protocol.as_deref()), (200, Some("gsma/rsp/v2.6.0")));
    assert_eq!(answer.content_type.as_deref(), Some("application/json;charset=UTF-8"));
    assert_eq!(InitiateAuthenticationResponse::from_json(&answer.body), Ok(initiate.1));

    let answer = ask(&router, post(Function::AuthenticateClient, authenticate)).await;
    assert!(refused_with(&answer, &StatusCode::MATCHING_ID_REFUSED));

    let answer = ask(&router, post(Function::GetBoundProfilePackage, package.0.to_json())).await;
    assert_eq!(GetBoundProfilePackageResponse::from_json(&answer.body), Ok(package.1));

    let answer = ask(&router, post(Function::HandleNotification, notification)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.protocol.as_deref(), Some("gsma/rsp/v2.6.0"));
    assert_eq!(fake.notifications.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_function_is_told_who_calls_and_in_which_version() {
    let Some(session) = session() else { return };
    let body = session.initiate.0.to_json();
    let fake = Arc::new(Fake::new(session));
    let router = router(fake.clone());
    let connection = Caller {
        address: Some(IpAddr::from([192, 0, 2, 7])),
        certificate: Some(Arc::from(&b"DER"[..])),
        // What a connection says of the version does not count.
        version: 9,
    };
    for (version, known) in [("gsma/rsp/v2.2.0", false), ("gsma/rsp/v3.1.0", true), ("GSMA/RSP/v2.6.1 ", true)] {
        let mut request = post(Function::InitiateAuthentication, body.clone());
        request.headers_mut().insert("x-admin-protocol", version.parse().unwrap());
        if known {
            request.extensions_mut().insert(connection.clone());
        }
        assert_eq!(ask(&router, request).await.status, 200);
    }
    let callers = fake.callers.lock().unwrap();
    assert_eq!(callers.iter().map(|caller| caller.version).collect::<Vec<_>>(), [2, 3, 2]);
    assert_eq!((callers[0].address, callers[0].certificate.as_deref()), (None, None));
    assert_eq!((callers[1].address, callers[1].certificate.as_deref()), (connection.address, Some(&b"DER"[..])));
}

#[tokio::test]
async fn a_panic_is_a_failed_function_and_not_a_500() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session)));
    let body = r#"{"transactionId":"01","cancelSessionResponse":"v0EFgQN/"}"#;
    let answer = ask(&router, post(Function::CancelSession, body)).await;
    assert!(refused_with(&answer, &StatusCode::FORMAT_INVALID), "{}", String::from_utf8_lossy(&answer.body));
    let body = r#"{"transactionId":"01","cancelSessionResponse":"v0EDgQF/"}"#;
    let answer = ask(&router, post(Function::CancelSession, body)).await;
    assert!(refused_with(&answer, &StatusCode::FUNCTION_EXECUTION_ERROR), "{}", String::from_utf8_lossy(&answer.body));
}

#[tokio::test]
async fn refuses_wrong_headers_with_their_code() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session)));
    let request = |content_type: Option<&str>, protocol: Option<&str>| {
        let mut request = Request::post(Function::InitiateAuthentication.path());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        if let Some(protocol) = protocol {
            request = request.header("x-admin-protocol", protocol);
        }
        request.body(Body::from("{}")).unwrap()
    };
    for content_type in [None, Some("text/plain"), Some("application/jsonx"), Some("")] {
        let answer = ask(&router, request(content_type, Some("gsma/rsp/v2.2.0"))).await;
        assert!(refused_with(&answer, &StatusCode::CONTENT_TYPE_INVALID), "{content_type:?}");
    }
    for protocol in [None, Some("gsma/rsp/v1.0.0"), Some("gsma/rsp/v22.0.0"), Some("2"), Some("")] {
        let answer = ask(&router, request(Some("application/json"), protocol)).await;
        assert!(refused_with(&answer, &StatusCode::ADMIN_PROTOCOL_INVALID), "{protocol:?}");
    }
    for protocol in ["gsma/rsp/v2.0.0", "gsma/rsp/v2.6.0", "GSMA/RSP/v2.1.0", "gsma/rsp/v3.1.0"] {
        let answer = ask(&router, request(Some("Application/JSON; charset=utf-8"), Some(protocol))).await;
        assert!(refused_with(&answer, &StatusCode::FORMAT_ELEMENT_MISSING), "{protocol}");
    }
}

/// atk_deep_asn1 and atk_len_bomb as far as they reach the binding.
#[tokio::test]
async fn whatever_comes_in_is_never_answered_with_500() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session)));
    let der = |der: &[u8]| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!(r#"{{"transactionId":"01","authenticateServerResponse":"{text}","pendingNotification":"{text}"}}"#)
    };
    let nested = [0xA0_u8, 0x80].repeat(10_000);
    let bodies = [
        String::new(),
        "null".to_owned(),
        "{".repeat(50_000),
        "[".repeat(50_000),
        "\u{0}".to_owned(),
        der(&[]),
        der(&nested),
        der(&[0xBF, 0x38, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
        der(&[0xBF, 0x38, 0x80, 0x00, 0x00]),
        der(&[0xBF, 0x38, 0x81, 0x01, 0x00]),
        der(&[0xFF; 64]),
    ];
    for function in Function::ALL {
        for body in &bodies {
            let answer = ask(&router, post(function, body.clone())).await;
            assert_eq!(answer.status, 200, "{function}: {}", String::from_utf8_lossy(&answer.body));
            assert!(matches!(<()>::from_json(&answer.body), Err(ResponseError::Status(_))), "{function}");
        }
        let get = Request::get(function.path()).body(Body::empty()).unwrap();
        assert_eq!(ask(&router, get).await.status, 405, "{function}");
    }
    let unknown = Request::post("/gsma/rsp2/es9plus/nothing").body(Body::empty()).unwrap();
    assert_eq!(ask(&router, unknown).await.status, 404);
}

/// atk_slowloris: a body that never ends.
/// A body is read no further than the limit, whether it says its length or not; one byte less is read.
#[tokio::test]
async fn atk_big_body() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session)));
    for function in Function::ALL {
        let fits = ask(&router, post(function, vec![b' '; MAX_BODY])).await;
        assert_eq!((fits.status, fits.closes), (200, false), "{function}");
        let answer = ask(&router, post(function, vec![b' '; MAX_BODY + 1])).await;
        assert_eq!((answer.status, answer.closes), (413, true), "{function}: what follows is no request");
        // Not even a refusal of the headers leaves a body unread on a connection that goes on.
        let headless = Request::post(function.path()).body(Body::from(vec![b' '; MAX_BODY + 1])).unwrap();
        assert_eq!(ask(&router, headless).await.status, 413, "{function}");
    }
}

/// Only the head of the request is ever sent: an answer shows that nobody waited for the body.
#[tokio::test]
async fn a_body_that_is_announced_as_too_long_is_refused_before_it_is_read() {
    let Some(session) = session() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(Arc::new(Fake::new(session)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    for length in [MAX_BODY + 1, usize::MAX >> 1] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let path = Function::InitiateAuthentication.path();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             X-Admin-Protocol: gsma/rsp/v2.2.0\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_ends_with_408() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session)));
    let stalled = Body::from_stream(futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>());
    let answer = ask(&router, post(Function::InitiateAuthentication, stalled)).await;
    assert_eq!(answer.status, 408);
}
