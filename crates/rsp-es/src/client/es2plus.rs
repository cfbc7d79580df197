//! The client half of ES2+: what an operator calls, and how an SM-DP+ tells an operator of downloads (SGP.22 5.3).

use std::sync::Arc;

use super::ClientError;
use super::peer::Peer;
use super::transport::{HttpTransport, Origin};
use crate::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    Function, HandleDownloadProgressInfoRequest, ReleaseProfileRequest, Request,
};
use crate::header::Response;

/// One SM-DP+ as an operator sees it, or one operator as an SM-DP+ sees it: the interface has functions in both
/// directions. Who calls is proven by the TLS client certificate of the transport.
pub struct Es2PlusClient {
    peer: Peer,
}

/// Why a function of ES2+ gave no result.
pub type Es2PlusError = ClientError<Function>;

impl Es2PlusClient {
    /// A client of the server at `origin`.
    pub fn new(transport: Arc<dyn HttpTransport>, origin: Origin) -> Self {
        Self { peer: Peer::new(transport, origin, None) }
    }

    /// The server.
    pub fn origin(&self) -> &Origin {
        self.peer.origin()
    }

    /// Reserves a profile (SGP.22 5.3.1).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download_order(&self, request: &DownloadOrderRequest) -> Result<DownloadOrderResponse, Es2PlusError> {
        self.call(request).await
    }

    /// Says how the profile may be downloaded (SGP.22 5.3.2).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn confirm_order(&self, request: &ConfirmOrderRequest) -> Result<ConfirmOrderResponse, Es2PlusError> {
        self.call(request).await
    }

    /// Gives an order up (SGP.22 5.3.3).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cancel_order(&self, request: &CancelOrderRequest) -> Result<(), Es2PlusError> {
        self.call(request).await
    }

    /// Lets a profile be downloaded (SGP.22 5.3.4).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn release_profile(&self, request: &ReleaseProfileRequest) -> Result<(), Es2PlusError> {
        self.call(request).await
    }

    /// Tells an operator how a download goes (SGP.22 5.3.5). Until this succeeds the operator may not know it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn handle_download_progress_info(
        &self,
        request: &HandleDownloadProgressInfoRequest,
    ) -> Result<(), Es2PlusError> {
        self.handle_download_progress_info_as_written(request.to_json().as_bytes()).await
    }

    /// The same for a request that was written earlier: a repetition is the same to the byte.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn handle_download_progress_info_as_written(&self, json: &[u8]) -> Result<(), Es2PlusError> {
        let function = Function::HandleDownloadProgressInfo;
        self.peer.notify(function, function.path(), json.to_vec()).await
    }

    async fn call<Req: Request, Res: Response>(&self, request: &Req) -> Result<Res, Es2PlusError> {
        self.peer.call(Req::FUNCTION, Req::FUNCTION.path(), request.to_json().as_bytes().to_vec()).await
    }
}
