//! The server half of ES9+: an HTTP router over the trait that an SM-DP+ implements (SGP.22 6.1, 6.5).
//!
//! Whatever comes in, the answer is one that a client can act on: a function that cannot be executed is HTTP 200 with
//! status `Failed` and a code, never 500.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use rsp_asn1::RemoteProfileProvisioningRequest as AnyRequest;
use tower_http::catch_panic::CatchPanicLayer;

use super::Caller;
use super::asn1::{self, Answer};
use super::exchange::{accept, call, notify, respond};
use super::http::{only_post, panicked};
use crate::asn1::{PATH, Server};
use crate::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request,
};
use crate::status::StatusCode;

/// What an SM-DP+ does for a caller (SGP.22 5.6). Every function is a whole: on an error nothing has happened.
#[async_trait]
pub trait Es9Plus: Send + Sync + 'static {
    /// Opens a session and signs the eUICC's challenge (SGP.22 5.6.1).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn initiate_authentication(
        &self,
        caller: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode>;

    /// Authenticates the eUICC and finds its order (SGP.22 5.6.3).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn authenticate_client(
        &self,
        caller: &Caller,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode>;

    /// Binds the profile to the eUICC's one-time key (SGP.22 5.6.2).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn get_bound_profile_package(
        &self,
        caller: &Caller,
        request: GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, StatusCode>;

    /// Takes a notification (SGP.22 5.6.4).
    ///
    /// # Errors
    /// Only when the notification should be sent again later: the client removes it from the eUICC otherwise.
    async fn handle_notification(&self, caller: &Caller, request: HandleNotificationRequest) -> Result<(), StatusCode>;

    /// Ends a session (SGP.22 5.6.5).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn cancel_session(&self, caller: &Caller, request: CancelSessionRequest) -> Result<(), StatusCode>;
}

/// The routes of ES9+, in both bindings. The router has no other route and no state of its own, so that it can be merged into any other.
///
/// A body that is too long is answered before it is read to the end. Whoever serves the router must close such a
/// connection in a way that lets the client read the answer first (RFC 9112 9.6).
pub fn router(smdp: Arc<dyn Es9Plus>) -> Router {
    let mut router = Router::new();
    for function in Function::ALL {
        let handler = move |State(smdp): State<Arc<dyn Es9Plus>>, request: HttpRequest| async move {
            serve(function, smdp, request).await
        };
        router = router.route(function.path(), post(handler).fallback(only_post));
    }
    router.route(PATH, post(serve_asn1).fallback(only_post)).with_state(smdp).layer(CatchPanicLayer::custom(panicked))
}

async fn serve(function: Function, smdp: Arc<dyn Es9Plus>, request: HttpRequest) -> HttpResponse {
    let (caller, body) = match accept(function.name(), request).await {
        Ok(accepted) => accepted,
        Err(refused) => return *refused,
    };
    let caller = &caller;
    let answer = match function {
        Function::InitiateAuthentication => {
            call(Request::from_json(&body), |request| smdp.initiate_authentication(caller, request)).await
        }
        Function::AuthenticateClient => {
            call(Request::from_json(&body), |request| smdp.authenticate_client(caller, request)).await
        }
        Function::GetBoundProfilePackage => {
            call(Request::from_json(&body), |request| smdp.get_bound_profile_package(caller, request)).await
        }
        Function::CancelSession => {
            call(Request::from_json(&body), |request| smdp.cancel_session(caller, request)).await
        }
        Function::HandleNotification => {
            notify(Request::from_json(&body), |request| smdp.handle_notification(caller, request)).await
        }
    };
    respond(function.name(), answer)
}

async fn serve_asn1(State(smdp): State<Arc<dyn Es9Plus>>, request: HttpRequest) -> HttpResponse {
    asn1::serve(request, |caller, request| async move {
        match request {
            AnyRequest::InitiateAuthentication(request) => {
                let call = smdp.initiate_authentication(&caller, (*request).into());
                asn1::answer(Server::Smdp, Function::InitiateAuthentication, call).await
            }
            AnyRequest::AuthenticateClient(request) => {
                let call = smdp.authenticate_client(&caller, (*request).into());
                asn1::answer(Server::Smdp, Function::AuthenticateClient, call).await
            }
            AnyRequest::GetBoundProfilePackage(request) => {
                let call = smdp.get_bound_profile_package(&caller, (*request).into());
                asn1::answer(Server::Smdp, Function::GetBoundProfilePackage, call).await
            }
            AnyRequest::CancelSession(request) => match (*request).try_into() {
                Ok(request) => {
                    let call = smdp.cancel_session(&caller, request);
                    asn1::answer(Server::Smdp, Function::CancelSession, call).await
                }
                Err(_) => Answer::Malformed,
            },
            AnyRequest::HandleNotification(request) => {
                asn1::taken(smdp.handle_notification(&caller, (*request).into())).await
            }
        }
    })
    .await
}
