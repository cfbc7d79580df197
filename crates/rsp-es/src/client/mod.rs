//! The client half of ES9+: what an LPA calls (SGP.22 6.1, 6.5).

mod network;
mod recorded;
mod transport;

pub use network::{Limits, NegotiatedTls, NetworkTransport, Resolve, tls_config};
pub use recorded::{Deviation, Exchange, MalformedTranscript, RecordedTransport, Recorder};
pub use transport::{HttpRequest, HttpResponse, HttpTransport, LPAD, MalformedAddress, Origin, Scheme, TransportError};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse, JsonError, Request, Response, ResponseError,
};
use crate::status::StatusCode;

/// One SM-DP+, as an LPA sees it.
pub struct Es9PlusClient {
    transport: Arc<dyn HttpTransport>,
    origin: Origin,
    sent: AtomicU64,
    received: AtomicU64,
}

/// Why a function of ES9+ gave no result, by whose fault it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server was not reached, or its identity not proven.
    #[error("{source}")]
    Transport {
        /// What was called.
        function: Function,
        /// What broke.
        source: TransportError,
    },
    /// The server answered, but not with the HTTP status that the standard gives.
    #[error("the server answered with HTTP status {status}")]
    HttpStatus {
        /// What was called.
        function: Function,
        /// The status.
        status: u16,
    },
    /// The server's answer cannot be read.
    #[error("the server's answer is malformed: {source}")]
    Malformed {
        /// What was called.
        function: Function,
        /// What is wrong with it.
        source: JsonError,
    },
    /// The server refused.
    #[error("the server refused: {status}")]
    Refused {
        /// What was called.
        function: Function,
        /// Why.
        status: StatusCode,
    },
}

/// Bytes of the bodies that went over the interface, in both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the client to the server.
    pub sent: u64,
    /// From the server to the client.
    pub received: u64,
}

impl Es9PlusClient {
    /// A client of the server at `origin`.
    pub fn new(transport: Arc<dyn HttpTransport>, origin: Origin) -> Self {
        Self { transport, origin, sent: AtomicU64::new(0), received: AtomicU64::new(0) }
    }

    /// The server.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What this client has transferred so far.
    pub fn traffic(&self) -> Traffic {
        Traffic { sent: self.sent.load(Ordering::Relaxed), received: self.received.load(Ordering::Relaxed) }
    }

    /// Opens a session (SGP.22 5.6.1).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, ClientError> {
        self.call(request).await
    }

    /// Hands over the eUICC's authentication (SGP.22 5.6.3).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn authenticate_client(
        &self,
        request: &AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, ClientError> {
        self.call(request).await
    }

    /// Fetches the package (SGP.22 5.6.2).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_bound_profile_package(
        &self,
        request: &GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, ClientError> {
        self.call(request).await
    }

    /// Ends a session (SGP.22 5.6.5).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cancel_session(&self, request: &CancelSessionRequest) -> Result<(), ClientError> {
        self.call(request).await
    }

    /// Delivers a notification (SGP.22 5.6.4). Only when this succeeds may it be removed from the eUICC.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn handle_notification(&self, request: &HandleNotificationRequest) -> Result<(), ClientError> {
        let function = HandleNotificationRequest::FUNCTION;
        let response = self.exchange(function, request.to_json()).await?;
        match response.status {
            204 => Ok(()),
            // Not what the standard says, but an answer of which one can tell whether the notification was taken.
            200 if response.body.is_empty() => Ok(()),
            200 => read(function, &response.body),
            status => Err(ClientError::HttpStatus { function, status }),
        }
    }

    async fn call<Req: Request, Res: Response>(&self, request: &Req) -> Result<Res, ClientError> {
        let function = Req::FUNCTION;
        let response = self.exchange(function, request.to_json()).await?;
        match response.status {
            200 => read(function, &response.body),
            status => Err(ClientError::HttpStatus { function, status }),
        }
    }

    async fn exchange(&self, function: Function, body: String) -> Result<HttpResponse, ClientError> {
        self.sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        let request = HttpRequest::from_lpa(&self.origin, function.path(), body.into_bytes());
        let response =
            self.transport.post(request).await.map_err(|source| ClientError::Transport { function, source })?;
        self.received.fetch_add(response.body.len() as u64, Ordering::Relaxed);
        Ok(response)
    }
}

fn read<Res: Response>(function: Function, body: &[u8]) -> Result<Res, ClientError> {
    Res::from_json(body).map_err(|error| match error {
        ResponseError::Status(status) => ClientError::Refused { function, status },
        ResponseError::Malformed(source) => ClientError::Malformed { function, source },
    })
}
