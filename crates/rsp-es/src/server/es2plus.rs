//! The server halves of ES2+: an HTTP router over the trait that an SM-DP+ implements, and one over the trait of an
//! operator that wants to be told of downloads (SGP.22 5.3, 6.5).

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::Caller;
use super::exchange::{accept, call, notify, respond};
use super::http::{only_post, panicked};
use crate::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    Function, HandleDownloadProgressInfoRequest, ReleaseProfileRequest, Request,
};
use crate::status::StatusCode;

/// What an SM-DP+ does for an operator (SGP.22 5.3). Every function is a whole: on an error nothing has happened. A
/// request that was executed before is answered as it was then.
#[async_trait]
pub trait Es2Plus: Send + Sync + 'static {
    /// Reserves a profile (SGP.22 5.3.1).
    ///
    /// # Errors
    /// The code that the operator is told.
    async fn download_order(
        &self,
        caller: &Caller,
        request: DownloadOrderRequest,
    ) -> Result<DownloadOrderResponse, StatusCode>;

    /// Makes a reserved profile ready for download, or ready to be released (SGP.22 5.3.2).
    ///
    /// # Errors
    /// The code that the operator is told.
    async fn confirm_order(
        &self,
        caller: &Caller,
        request: ConfirmOrderRequest,
    ) -> Result<ConfirmOrderResponse, StatusCode>;

    /// Ends an order (SGP.22 5.3.3).
    ///
    /// # Errors
    /// The code that the operator is told.
    async fn cancel_order(&self, caller: &Caller, request: CancelOrderRequest) -> Result<(), StatusCode>;

    /// Lets a confirmed profile be downloaded (SGP.22 5.3.4).
    ///
    /// # Errors
    /// The code that the operator is told.
    async fn release_profile(&self, caller: &Caller, request: ReleaseProfileRequest) -> Result<(), StatusCode>;
}

/// What an operator does who wants to be told of downloads.
#[async_trait]
pub trait OperatorNotifications: Send + Sync + 'static {
    /// Takes a notification (SGP.22 5.3.5). It may come more than once.
    ///
    /// # Errors
    /// Only when the notification should be sent again later.
    async fn handle_download_progress_info(
        &self,
        caller: &Caller,
        request: HandleDownloadProgressInfoRequest,
    ) -> Result<(), StatusCode>;
}

/// The routes of ES2+ at an SM-DP+. Like [`router`](super::router) it has no other routes, and the server must be one that
/// demands a client certificate.
pub fn es2plus_router(smdp: Arc<dyn Es2Plus>) -> Router {
    let mut router = Router::new();
    for function in Function::OF_SMDP {
        let handler = move |State(smdp): State<Arc<dyn Es2Plus>>, request: HttpRequest| async move {
            serve(function, smdp, request).await
        };
        router = router.route(function.path(), post(handler).fallback(only_post));
    }
    router.with_state(smdp).layer(CatchPanicLayer::custom(panicked))
}

async fn serve(function: Function, smdp: Arc<dyn Es2Plus>, request: HttpRequest) -> HttpResponse {
    let (caller, body) = match accept(function.name(), request).await {
        Ok(accepted) => accepted,
        Err(refusal) => return *refusal,
    };
    let answer = match function {
        Function::DownloadOrder => {
            call(Request::from_json(&body), |request| smdp.download_order(&caller, request)).await
        }
        Function::ConfirmOrder => call(Request::from_json(&body), |request| smdp.confirm_order(&caller, request)).await,
        Function::CancelOrder => call(Request::from_json(&body), |request| smdp.cancel_order(&caller, request)).await,
        Function::ReleaseProfile => {
            call(Request::from_json(&body), |request| smdp.release_profile(&caller, request)).await
        }
        // Not among the routes: the operator's end serves it.
        Function::HandleDownloadProgressInfo => Err(StatusCode::FUNCTION_UNKNOWN),
    };
    respond(function.name(), answer)
}

/// The one route of ES2+ at an operator.
pub fn notifications_router(operator: Arc<dyn OperatorNotifications>) -> Router {
    let path = Function::HandleDownloadProgressInfo.path();
    let router = Router::new().route(path, post(serve_notification).fallback(only_post));
    router.with_state(operator).layer(CatchPanicLayer::custom(panicked))
}

async fn serve_notification(
    State(operator): State<Arc<dyn OperatorNotifications>>,
    request: HttpRequest,
) -> HttpResponse {
    let function = Function::HandleDownloadProgressInfo.name();
    let (caller, body) = match accept(function, request).await {
        Ok(accepted) => accepted,
        Err(refusal) => return *refusal,
    };
    let request = HandleDownloadProgressInfoRequest::from_json(&body);
    respond(function, notify(request, |request| operator.handle_download_progress_info(&caller, request)).await)
}
