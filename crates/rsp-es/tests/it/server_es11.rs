//! The router of an SM-DS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use rsp_es::es9plus::{
    AuthenticateClientRequest, Function, InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request as _,
    Response as _, ResponseError,
};
use rsp_es::es11::{AuthenticateClientResponse, FUNCTIONS, alias_path};
use rsp_es::server::{Caller, Es11, es11_router};
use rsp_es::status::StatusCode;

use crate::es11::response;
use crate::fixtures::{Session, session};
use crate::server::ask;

/// Answers from the recorded session, and knows one event.
pub(crate) struct Smds {
    session: Session,
    pub(crate) unknown: AtomicBool,
}

impl Smds {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, unknown: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Es11 for Smds {
    async fn initiate_authentication(
        &self,
        _: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode> {
        assert_eq!(request, self.session.initiate.0);
        Ok(self.session.initiate.1.clone())
    }

    async fn authenticate_client(
        &self,
        caller: &Caller,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        assert_eq!(request, self.session.authenticate.0);
        assert!(matches!(caller.version, 2 | 3));
        if self.unknown.load(Ordering::Relaxed) {
            return Err(StatusCode::EVENT_RECORD_UNKNOWN);
        }
        Ok(response(&[("E-1", "smdp.example.com")]))
    }
}

fn post(path: &str, body: String) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json;charset=UTF-8")
        .header("x-admin-protocol", "gsma/rsp/v2.2.0")
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn an_smds_answers_on_the_paths_of_es9plus_and_on_its_own() {
    let Some(session) = session() else { return };
    let smds = Arc::new(Smds::new(session.clone()));
    let router = es11_router(smds.clone());
    let paths = |function: Function| [function.path(), alias_path(function).unwrap()];
    for path in paths(FUNCTIONS[0]) {
        let answer = ask(&router, post(path, session.initiate.0.to_json())).await;
        assert_eq!((answer.status, answer.protocol.as_deref()), (200, Some("gsma/rsp/v2.6.0")), "{path}");
        assert_eq!(InitiateAuthenticationResponse::from_json(&answer.body).as_ref(), Ok(&session.initiate.1));
    }
    for path in paths(FUNCTIONS[1]) {
        let answer = ask(&router, post(path, session.authenticate.0.to_json())).await;
        let read = AuthenticateClientResponse::from_json(&answer.body);
        assert_eq!(read, Ok(response(&[("E-1", "smdp.example.com")])), "{path}");
    }
    smds.unknown.store(true, Ordering::Relaxed);
    let answer = ask(&router, post(Function::AuthenticateClient.path(), session.authenticate.0.to_json())).await;
    let refused = AuthenticateClientResponse::from_json(&answer.body).unwrap_err();
    assert!(matches!(refused, ResponseError::Status(status) if status.is(&StatusCode::EVENT_RECORD_UNKNOWN)));
}

#[tokio::test]
async fn an_smds_has_no_other_function_of_es9plus() {
    let Some(session) = session() else { return };
    let router = es11_router(Arc::new(Smds::new(session.clone())));
    for function in [Function::GetBoundProfilePackage, Function::HandleNotification, Function::CancelSession] {
        assert!(alias_path(function).is_none());
        assert_eq!(ask(&router, post(function.path(), session.package.0.to_json())).await.status, 404, "{function}");
    }
}

#[tokio::test]
async fn an_smds_checks_headers_and_answers_what_cannot_be_read() {
    let Some(session) = session() else { return };
    let router = es11_router(Arc::new(Smds::new(session)));
    let path = Function::AuthenticateClient.path();
    let refused = async |request| {
        let answer = ask(&router, request).await;
        assert_eq!(answer.status, 200);
        match <()>::from_json(&answer.body) {
            Err(ResponseError::Status(status)) => status,
            other => panic!("{other:?}"),
        }
    };
    for (body, expected) in [
        ("", StatusCode::FORMAT_INVALID),
        ("[]", StatusCode::FORMAT_INVALID),
        ("{\"transactionId\":7}", StatusCode::FORMAT_INVALID),
        ("{}", StatusCode::FORMAT_ELEMENT_MISSING),
    ] {
        let status = refused(post(path, body.to_owned())).await;
        assert!(status.is(&expected), "{body}: {status}");
    }
    let headless = Request::post(path).body(Body::from("{}")).unwrap();
    assert!(refused(headless).await.is(&StatusCode::CONTENT_TYPE_INVALID));
    let mut old = post(path, "{}".to_owned());
    old.headers_mut().insert("x-admin-protocol", "gsma/rsp/v1.0.0".parse().unwrap());
    assert!(refused(old).await.is(&StatusCode::ADMIN_PROTOCOL_INVALID));
}
