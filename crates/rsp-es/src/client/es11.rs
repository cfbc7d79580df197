//! The client half of ES11: how an LPA asks an SM-DS what waits for its eUICC (SGP.22 5.8, 6.5.2).

use std::sync::Arc;

use super::peer::Peer;
use super::transport::{HttpTransport, LPAD, Origin};
use super::{Binding, ClientError, Traffic};
use crate::asn1::{RequestMessage, ResponseMessage, Server};
use crate::es9plus::{AuthenticateClientRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use crate::es11::AuthenticateClientResponse;
use crate::header::Response;

/// One SM-DS, as an LPA sees it.
pub struct Es11Client {
    peer: Peer,
    binding: Binding,
}

impl Es11Client {
    /// A client of the SM-DS at `origin`, in JSON.
    pub fn new(transport: Arc<dyn HttpTransport>, origin: Origin) -> Self {
        Self { peer: Peer::new(transport, origin, Some(LPAD)), binding: Binding::default() }
    }

    /// The same in another binding.
    #[must_use]
    pub fn with_binding(self, binding: Binding) -> Self {
        Self { binding, ..self }
    }

    /// The SM-DS.
    pub fn origin(&self) -> &Origin {
        self.peer.origin()
    }

    /// What this client has transferred so far.
    pub fn traffic(&self) -> Traffic {
        self.peer.traffic()
    }

    /// Opens a session (SGP.22 5.8.1).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, ClientError> {
        self.call(request).await
    }

    /// Hands over the eUICC's authentication and learns what waits for it (SGP.22 5.8.2).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn authenticate_client(
        &self,
        request: &AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, ClientError> {
        self.call(request).await
    }

    async fn call<Req, Res>(&self, request: &Req) -> Result<Res, ClientError>
    where
        Req: RequestMessage,
        Res: Response + ResponseMessage,
    {
        match self.binding {
            Binding::Json => self.peer.call(Req::FUNCTION, Req::FUNCTION.path(), request.to_json().into_bytes()).await,
            Binding::Asn1 => self.peer.call_asn1(Server::Smds, request).await,
        }
    }
}
