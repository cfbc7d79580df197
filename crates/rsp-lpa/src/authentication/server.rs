//! The two kinds of servers with which an eUICC authenticates itself in the same way.

use rsp_es::client::{ClientError, Es9PlusClient, Es11Client, Traffic};
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse,
};
use rsp_es::es11;

use crate::event::Step;

/// A client that counts what it transfers.
pub(crate) trait Metered {
    /// What it has transferred so far.
    fn traffic(&self) -> Traffic;
}

/// A server that authenticates itself and an eUICC.
pub(crate) trait AuthenticationServer: Metered {
    /// What it answers to an eUICC that has authenticated itself.
    type Answer;
    /// InitiateAuthentication on its interface.
    const INITIATE: Step;
    /// AuthenticateClient on its interface.
    const AUTHENTICATE: Step;

    /// SGP.22 5.6.1, 5.8.1.
    async fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, ClientError>;

    /// SGP.22 5.6.3, 5.8.2.
    async fn authenticate_client(&self, request: &AuthenticateClientRequest) -> Result<Self::Answer, ClientError>;
}

impl Metered for Es9PlusClient {
    fn traffic(&self) -> Traffic {
        Self::traffic(self)
    }
}

impl AuthenticationServer for Es9PlusClient {
    type Answer = AuthenticateClientResponse;
    const INITIATE: Step = Step::InitiateAuthentication;
    const AUTHENTICATE: Step = Step::AuthenticateClient;

    async fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, ClientError> {
        Self::initiate_authentication(self, request).await
    }

    async fn authenticate_client(&self, request: &AuthenticateClientRequest) -> Result<Self::Answer, ClientError> {
        Self::authenticate_client(self, request).await
    }
}

impl Metered for Es11Client {
    fn traffic(&self) -> Traffic {
        Self::traffic(self)
    }
}

impl AuthenticationServer for Es11Client {
    type Answer = es11::AuthenticateClientResponse;
    const INITIATE: Step = Step::InitiateAuthenticationAtSmds;
    const AUTHENTICATE: Step = Step::AuthenticateClientAtSmds;

    async fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, ClientError> {
        Self::initiate_authentication(self, request).await
    }

    async fn authenticate_client(&self, request: &AuthenticateClientRequest) -> Result<Self::Answer, ClientError> {
        Self::authenticate_client(self, request).await
    }
}
