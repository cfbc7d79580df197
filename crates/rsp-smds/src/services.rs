//! The SM-DS as its callers see it: thin, each function one line of its own.

use std::sync::Arc;

use async_trait::async_trait;
use rsp_asn1::TransactionId;
use rsp_es::es9plus::{AuthenticateClientRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_es::es11::AuthenticateClientResponse;
use rsp_es::es12::{DeleteEventRequest, RegisterEventRequest};
use rsp_es::server::{Caller, Es11, Es12};
use rsp_es::status::StatusCode;
use rsp_pki::Role;

use crate::error::Error;
use crate::registration::Registration;
use crate::smds::Smds;

/// The SM-DS towards other SM-DSs that pass events on to it (SGP.22 5.10). The functions are those of ES12, for callers with
/// a TLS certificate of an SM-DS; what they register is passed on no further, so that no event goes round in circles.
pub struct Es15(pub Arc<Smds>);

#[async_trait]
impl Es11 for Smds {
    async fn initiate_authentication(
        &self,
        _caller: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode> {
        self.initiate(request).map_err(|error| refused("InitiateAuthentication", None, error))
    }

    async fn authenticate_client(
        &self,
        _caller: &Caller,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        match self.retrieve(&request).await {
            Ok(event_entries) => {
                Ok(AuthenticateClientResponse { transaction_id: request.transaction_id, event_entries })
            }
            Err(error) => Err(refused("AuthenticateClient", Some(&request.transaction_id), error)),
        }
    }
}

#[async_trait]
impl Es12 for Smds {
    async fn register_event(&self, caller: &Caller, request: RegisterEventRequest) -> Result<(), StatusCode> {
        let forwarded = request.forwarding_indicator;
        self.register_for(Role::DpTls, caller, request, forwarded)
            .await
            .map_err(|error| refused("ES12.RegisterEvent", None, error))
    }

    async fn delete_event(&self, caller: &Caller, request: DeleteEventRequest) -> Result<(), StatusCode> {
        self.delete_for(Role::DpTls, caller, request).await.map_err(|error| refused("ES12.DeleteEvent", None, error))
    }
}

#[async_trait]
impl Es12 for Es15 {
    async fn register_event(&self, caller: &Caller, request: RegisterEventRequest) -> Result<(), StatusCode> {
        self.0
            .register_for(Role::DsTls, caller, request, false)
            .await
            .map_err(|error| refused("ES15.RegisterEvent", None, error))
    }

    async fn delete_event(&self, caller: &Caller, request: DeleteEventRequest) -> Result<(), StatusCode> {
        self.0.delete_for(Role::DsTls, caller, request).await.map_err(|error| refused("ES15.DeleteEvent", None, error))
    }
}

impl Smds {
    async fn register_for(
        &self,
        role: Role,
        caller: &Caller,
        request: RegisterEventRequest,
        forwarded: bool,
    ) -> Result<(), Error> {
        let RegisterEventRequest { eid, event_id, rsp_server_address, .. } = request;
        let registrar = self.registrar(role, caller.certificate.as_deref())?;
        self.register(&registrar, Registration { eid, event_id, rsp_server_address, forwarded }).await
    }

    async fn delete_for(&self, role: Role, caller: &Caller, request: DeleteEventRequest) -> Result<(), Error> {
        let registrar = self.registrar(role, caller.certificate.as_deref())?;
        self.delete(&registrar, request.eid, request.event_id).await
    }
}

/// Logs an answer that is no success with what is needed to find its cause.
fn refused(function: &'static str, session: Option<&TransactionId>, error: Error) -> StatusCode {
    let session = session.map(TransactionId::to_string);
    tracing::info!(function, session, %error, "refused");
    error.into()
}
