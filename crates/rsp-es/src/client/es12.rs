//! The client half of ES12 and ES15: how an SM-DP+ or an SM-DS registers events at an SM-DS (SGP.22 5.9, 5.10).

use std::sync::Arc;

use super::ClientError;
use super::peer::Peer;
use super::transport::{HttpTransport, Origin};
use crate::es12::{DeleteEventRequest, Function, Interface, RegisterEventRequest, Request};

/// One SM-DS, as those see it that register events. Who calls is proven by the TLS client certificate of the transport.
pub struct Es12Client {
    peer: Peer,
    interface: Interface,
}

/// Why a function of ES12 or ES15 gave no result.
pub type Es12Error = ClientError<Function>;

impl Es12Client {
    /// A client of the SM-DS at `origin`, for an SM-DP+ (ES12) or for another SM-DS (ES15).
    pub fn new(transport: Arc<dyn HttpTransport>, origin: Origin, interface: Interface) -> Self {
        Self { peer: Peer::new(transport, origin, None), interface }
    }

    /// The SM-DS.
    pub fn origin(&self) -> &Origin {
        self.peer.origin()
    }

    /// Registers an event (SGP.22 5.9.1, 5.10.1).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn register_event(&self, request: &RegisterEventRequest) -> Result<(), Es12Error> {
        self.as_written(RegisterEventRequest::FUNCTION, request.to_json().into_bytes()).await
    }

    /// Deletes an event (SGP.22 5.9.2, 5.10.2).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_event(&self, request: &DeleteEventRequest) -> Result<(), Es12Error> {
        self.as_written(DeleteEventRequest::FUNCTION, request.to_json().into_bytes()).await
    }

    /// Calls a function with a request that was written earlier.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn as_written(&self, function: Function, json: Vec<u8>) -> Result<(), Es12Error> {
        self.peer.call(function, function.path(self.interface), json).await
    }
}
