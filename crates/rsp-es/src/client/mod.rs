//! The client halves of the interfaces: [`Es9PlusClient`] and [`Es11Client`] are what an LPA calls, [`Es2PlusClient`] what an operator calls,
//! [`Es12Client`] what registers events at an SM-DS (SGP.22 6.1, 6.5).

mod egress;
mod es11;
mod es12;
mod es2plus;
mod network;
mod peer;
mod recorded;
mod tls;
mod transport;

pub use egress::{AllowedHost, EgressPolicy, NameResolver, SystemResolver, is_public, may_be_public};
pub use es2plus::{Es2PlusClient, Es2PlusError};
pub use es11::Es11Client;
pub use es12::{Es12Client, Es12Error};
pub use network::{Limits, NegotiatedTls, NetworkTransport, Resolve};
pub use recorded::{Deviation, Exchange, MalformedTranscript, RecordedTransport, Recorder};
pub use tls::{ClientIdentity, UnusableBundle, tls_config, tls_config_as, web_tls_config};
pub use transport::{
    HttpRequest, HttpResponse, HttpTransport, LPAD, MalformedAddress, Origin, PlainPost, Scheme, TransportError,
};

use std::sync::Arc;

use crate::asn1::{MessageError, RequestMessage, ResponseMessage, Server};
use crate::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse, JsonError, Request, Response,
};
use crate::status::StatusCode;
use peer::Peer;

/// In which form an LPA's messages travel (SGP.22 6.5, 6.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Binding {
    /// JSON, a path for each function: every server has it.
    #[default]
    Json,
    /// DER, one path for all functions.
    Asn1,
}

/// One SM-DP+, as an LPA sees it.
pub struct Es9PlusClient {
    peer: Peer,
    binding: Binding,
}

/// Why a function gave no result, by whose fault it is. `F` is the interface's type of its functions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError<F = Function> {
    /// The server was not reached, or its identity not proven.
    #[error("{source}")]
    Transport {
        /// What was called.
        function: F,
        /// What broke.
        source: TransportError,
    },
    /// The server answered, but not with the HTTP status that the standard gives.
    #[error("the server answered with HTTP status {status}")]
    HttpStatus {
        /// What was called.
        function: F,
        /// The status.
        status: u16,
    },
    /// The server's answer cannot be read.
    #[error("the server's answer is malformed: {source}")]
    Malformed {
        /// What was called.
        function: F,
        /// What is wrong with it.
        source: JsonError,
    },
    /// A message cannot be brought into its ASN.1 form, or the server's answer cannot be read in it.
    #[error("a message of the ASN.1 binding is malformed: {source}")]
    MalformedMessage {
        /// What was called.
        function: F,
        /// What is wrong with it.
        source: MessageError,
    },
    /// The server refused.
    #[error("the server refused: {status}")]
    Refused {
        /// What was called.
        function: F,
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
    /// A client of the server at `origin`, in JSON.
    pub fn new(transport: Arc<dyn HttpTransport>, origin: Origin) -> Self {
        Self { peer: Peer::new(transport, origin, Some(LPAD)), binding: Binding::default() }
    }

    /// The same in another binding.
    #[must_use]
    pub fn with_binding(self, binding: Binding) -> Self {
        Self { binding, ..self }
    }

    /// The server.
    pub fn origin(&self) -> &Origin {
        self.peer.origin()
    }

    /// What this client has transferred so far.
    pub fn traffic(&self) -> Traffic {
        self.peer.traffic()
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
        match self.binding {
            Binding::Json => {
                let function = HandleNotificationRequest::FUNCTION;
                self.peer.notify(function, function.path(), request.to_json().into_bytes()).await
            }
            Binding::Asn1 => self.peer.notify_asn1(request).await,
        }
    }

    async fn call<Req, Res>(&self, request: &Req) -> Result<Res, ClientError>
    where
        Req: RequestMessage,
        Res: Response + ResponseMessage,
    {
        match self.binding {
            Binding::Json => self.peer.call(Req::FUNCTION, Req::FUNCTION.path(), request.to_json().into_bytes()).await,
            Binding::Asn1 => self.peer.call_asn1(Server::Smdp, request).await,
        }
    }
}
