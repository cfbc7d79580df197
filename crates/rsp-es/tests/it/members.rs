//! Responses have the members that the standard gives them and no others, whichever version calls (SGP.22 6.5.2).

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request as _,
};
use rsp_es::server::{Caller, Es9Plus, es11_router, router};
use rsp_es::status::StatusCode;
use serde_json::Value;

use crate::fixtures::{Session, session};
use crate::server::{Fake, ask};
use crate::server_es11::Smds;

/// Executes everything.
struct Willing(Session);

#[async_trait]
impl Es9Plus for Willing {
    async fn initiate_authentication(
        &self,
        _: &Caller,
        _: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode> {
        Ok(self.0.initiate.1.clone())
    }

    async fn authenticate_client(
        &self,
        _: &Caller,
        _: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        Ok(self.0.authenticate.1.clone())
    }

    async fn get_bound_profile_package(
        &self,
        _: &Caller,
        _: GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, StatusCode> {
        Ok(self.0.package.1.clone())
    }

    async fn handle_notification(&self, _: &Caller, _: HandleNotificationRequest) -> Result<(), StatusCode> {
        Ok(())
    }

    async fn cancel_session(&self, _: &Caller, _: CancelSessionRequest) -> Result<(), StatusCode> {
        Ok(())
    }
}

async fn response(router: &Router, function: Function, version: &str, body: &str) -> Value {
    let request = Request::post(function.path())
        .header("content-type", "application/json;charset=UTF-8")
        .header("x-admin-protocol", version)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let answer = ask(router, request).await;
    assert_eq!(answer.status, 200, "{function}");
    // The version that the server itself speaks, not the caller's.
    assert_eq!(answer.protocol.as_deref(), Some("gsma/rsp/v2.6.0"));
    serde_json::from_slice(&answer.body).unwrap()
}

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const VERSIONS: [&str; 4] = ["gsma/rsp/v2.0.0", "gsma/rsp/v2.6.1", "gsma/rsp/v3.0.0", "gsma/rsp/v3.1.0"];

/// Nothing that only version 3 knows is implemented: a caller of version 3 is answered as one of version 2.
#[tokio::test]
async fn a_caller_of_either_version_gets_exactly_the_members_of_version_2() {
    let Some(session) = session() else { return };
    let cancel = r#"{"transactionId":"01","cancelSessionResponse":"v0EDgQEF"}"#;
    let smdp = router(Arc::new(Willing(session.clone())));
    let smds = es11_router(Arc::new(Smds::new(session.clone())));
    for version in VERSIONS {
        for (function, body, expected) in [
            (
                Function::InitiateAuthentication,
                session.initiate.0.to_json(),
                &["transactionId", "serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate"][..],
            ),
            (
                Function::AuthenticateClient,
                session.authenticate.0.to_json(),
                &["transactionId", "profileMetadata", "smdpSigned2", "smdpSignature2", "smdpCertificate"],
            ),
            (Function::GetBoundProfilePackage, session.package.0.to_json(), &["transactionId", "boundProfilePackage"]),
            (Function::CancelSession, cancel.to_owned(), &[]),
        ] {
            let answer = response(&smdp, function, version, &body).await;
            let expected: BTreeSet<&str> = expected.iter().copied().chain(["header"]).collect();
            assert_eq!(members(&answer), expected, "{function} {version}");
            assert_eq!(members(&answer["header"]), ["functionExecutionStatus"].into());
            assert_eq!(members(&answer["header"]["functionExecutionStatus"]), ["status"].into());
        }
        let body = session.authenticate.0.to_json();
        let answer = response(&smds, Function::AuthenticateClient, version, &body).await;
        assert_eq!(members(&answer), ["header", "transactionId", "eventEntries"].into());
        assert_eq!(members(&answer["eventEntries"][0]), ["eventId", "rspServerAddress"].into());
    }
}

#[tokio::test]
async fn a_refusal_has_a_header_and_nothing_else() {
    let Some(session) = session() else { return };
    let router = router(Arc::new(Fake::new(session.clone())));
    for version in VERSIONS {
        let answer = response(&router, Function::AuthenticateClient, version, &session.authenticate.0.to_json()).await;
        assert_eq!(members(&answer), ["header"].into());
        let status = &answer["header"]["functionExecutionStatus"];
        assert_eq!(members(status), ["status", "statusCodeData"].into());
        assert_eq!(members(&status["statusCodeData"]), ["subjectCode", "reasonCode", "message"].into());
    }
}
