//! The server halves of ES12 and ES15: HTTP routers over the trait that an SM-DS implements (SGP.22 5.9, 5.10, 6.5).

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::Caller;
use super::exchange::{accept, call, respond};
use super::http::{only_post, panicked};
use crate::es12::{DeleteEventRequest, Function, Interface, RegisterEventRequest, Request};
use crate::status::StatusCode;

/// What an SM-DS does for an SM-DP+ (ES12) or for another SM-DS (ES15). Every function is a whole: on an error nothing has
/// happened.
#[async_trait]
pub trait Es12: Send + Sync + 'static {
    /// Keeps an event until it is deleted (SGP.22 5.9.1, 5.10.1).
    ///
    /// # Errors
    /// The code that the caller is told.
    async fn register_event(&self, caller: &Caller, request: RegisterEventRequest) -> Result<(), StatusCode>;

    /// Forgets an event (SGP.22 5.9.2, 5.10.2).
    ///
    /// # Errors
    /// The code that the caller is told.
    async fn delete_event(&self, caller: &Caller, request: DeleteEventRequest) -> Result<(), StatusCode>;
}

/// The routes of ES12. The server must be one that demands a client certificate.
pub fn es12_router(smds: Arc<dyn Es12>) -> Router {
    routes(Interface::Es12, smds)
}

/// The routes of ES15. The server must be one that demands a client certificate.
pub fn es15_router(smds: Arc<dyn Es12>) -> Router {
    routes(Interface::Es15, smds)
}

fn routes(interface: Interface, smds: Arc<dyn Es12>) -> Router {
    let mut router = Router::new();
    for function in Function::ALL {
        let handler = move |State(smds): State<Arc<dyn Es12>>, request: HttpRequest| async move {
            serve(function, smds, request).await
        };
        router = router.route(function.path(interface), post(handler).fallback(only_post));
    }
    router.with_state(smds).layer(CatchPanicLayer::custom(panicked))
}

async fn serve(function: Function, smds: Arc<dyn Es12>, request: HttpRequest) -> HttpResponse {
    let (caller, body) = match accept(function.name(), request).await {
        Ok(accepted) => accepted,
        Err(refusal) => return *refusal,
    };
    let answer = match function {
        Function::RegisterEvent => {
            call(Request::from_json(&body), |request| smds.register_event(&caller, request)).await
        }
        Function::DeleteEvent => call(Request::from_json(&body), |request| smds.delete_event(&caller, request)).await,
    };
    respond(function.name(), answer)
}
