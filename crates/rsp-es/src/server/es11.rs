//! The server half of ES11: an HTTP router over the trait that an SM-DS implements (SGP.22 5.8, 6.5.2).

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
use super::exchange::{accept, call, respond};
use super::http::{only_post, panicked};
use crate::asn1::{PATH, Server};
use crate::es9plus::{
    AuthenticateClientRequest, Function, InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request,
};
use crate::es11::{AuthenticateClientResponse, FUNCTIONS, alias_path};
use crate::status::StatusCode;

/// What an SM-DS does for an LPA (SGP.22 5.8).
#[async_trait]
pub trait Es11: Send + Sync + 'static {
    /// Opens a session and signs the eUICC's challenge (SGP.22 5.8.1).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn initiate_authentication(
        &self,
        caller: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode>;

    /// Authenticates the eUICC and says what waits for it (SGP.22 5.8.2).
    ///
    /// # Errors
    /// The code that the client is told.
    async fn authenticate_client(
        &self,
        caller: &Caller,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode>;
}

/// The routes of ES11: the paths of ES9+, which is where LPAs call, those of its own name, and the ASN.1 binding. An
/// SM-DP+ has routes at the same paths, so that the two are reached at different addresses.
pub fn es11_router(smds: Arc<dyn Es11>) -> Router {
    let mut router = Router::new();
    for function in FUNCTIONS {
        for path in [Some(function.path()), alias_path(function)].into_iter().flatten() {
            let handler = move |State(smds): State<Arc<dyn Es11>>, request: HttpRequest| async move {
                serve(function, smds, request).await
            };
            router = router.route(path, post(handler).fallback(only_post));
        }
    }
    router.route(PATH, post(serve_asn1).fallback(only_post)).with_state(smds).layer(CatchPanicLayer::custom(panicked))
}

async fn serve(function: Function, smds: Arc<dyn Es11>, request: HttpRequest) -> HttpResponse {
    let (caller, body) = match accept(function.name(), request).await {
        Ok(accepted) => accepted,
        Err(refused) => return *refused,
    };
    let caller = &caller;
    let answer = match function {
        Function::InitiateAuthentication => {
            call(Request::from_json(&body), |request| smds.initiate_authentication(caller, request)).await
        }
        Function::AuthenticateClient => {
            call(Request::from_json(&body), |request| smds.authenticate_client(caller, request)).await
        }
        _ => Err(StatusCode::FUNCTION_UNKNOWN),
    };
    respond(function.name(), answer)
}

async fn serve_asn1(State(smds): State<Arc<dyn Es11>>, request: HttpRequest) -> HttpResponse {
    asn1::serve(request, |caller, request| async move {
        match request {
            AnyRequest::InitiateAuthentication(request) => {
                let call = smds.initiate_authentication(&caller, (*request).into());
                asn1::answer(Server::Smds, Function::InitiateAuthentication, call).await
            }
            AnyRequest::AuthenticateClient(request) => {
                let call = smds.authenticate_client(&caller, (*request).into());
                asn1::answer(Server::Smds, Function::AuthenticateClient, call).await
            }
            _ => Answer::NotServed,
        }
    })
    .await
}
