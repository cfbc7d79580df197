//! The messages of ES9+ and ES11 as RSPDefinitions writes them, there and back (SGP.22 6.6.2).

use rsp_asn1::{
    AuthenticateClientError, AuthenticateClientErrorEs11, AuthenticateClientOk, AuthenticateClientOkEs11,
    AuthenticateClientResponseEs9, AuthenticateClientResponseEs11, CancelSessionError, CancelSessionOk,
    CancelSessionRequestEs9, CancelSessionResponseEs9, DecodeError, EncodeError, EventEntries,
    GetBoundProfilePackageError, GetBoundProfilePackageOk, GetBoundProfilePackageResponse as PackageChoice,
    HandleNotification, InitiateAuthenticationError, InitiateAuthenticationOkEs9,
    InitiateAuthenticationResponse as InitiateChoice, Raw, RemoteProfileProvisioningRequest as AnyRequest,
    RemoteProfileProvisioningResponse as AnyResponse, Unknown,
};

use super::code::Server;
use crate::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageRequest, GetBoundProfilePackageResponse, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request,
};
use crate::es11::{self, EventEntry};

/// Why a message cannot be brought into its ASN.1 form, or back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// What came is not DER of the expected type.
    #[error("{0}")]
    Malformed(#[from] DecodeError),
    /// What came is an answer to another function.
    #[error("the answer belongs to another function than {0}")]
    OtherFunction(Function),
    /// What was to be sent breaks a rule of its own type.
    #[error("{0}")]
    Unencodable(#[from] EncodeError),
}

/// A request that has an ASN.1 form.
pub trait RequestMessage: Request {
    /// The alternative of RemoteProfileProvisioningRequest that carries it.
    fn to_message(&self) -> AnyRequest;
}

/// A response that has an ASN.1 form.
pub trait ResponseMessage: Sized + Send {
    /// The alternative of RemoteProfileProvisioningResponse that carries it.
    ///
    /// # Errors
    /// [`MessageError`] when a member that is carried as bytes is not what it should be.
    fn to_message(self) -> Result<AnyResponse, MessageError>;

    /// Reads an answer: the response, or the integer that says why there is none. Nothing if it is another function's.
    fn from_message(message: AnyResponse) -> Option<Result<Self, i64>>;
}

/// The answer of a server that did not execute a function, with the function's integer. Nothing for HandleNotification,
/// which has no answer.
pub fn refusal(server: Server, function: Function, error: i64) -> Option<AnyResponse> {
    Some(match (function, server) {
        (Function::InitiateAuthentication, _) => {
            AnyResponse::InitiateAuthentication(InitiateChoice::Error(InitiateAuthenticationError(error)))
        }
        (Function::AuthenticateClient, Server::Smdp) => {
            AnyResponse::AuthenticateClient(AuthenticateClientResponseEs9::Error(AuthenticateClientError(error)))
        }
        (Function::AuthenticateClient, Server::Smds) => AnyResponse::AuthenticateClientEs11(
            AuthenticateClientResponseEs11::Error(AuthenticateClientErrorEs11(error)),
        ),
        (Function::GetBoundProfilePackage, _) => {
            AnyResponse::GetBoundProfilePackage(PackageChoice::Error(GetBoundProfilePackageError(error)))
        }
        (Function::CancelSession, _) => {
            AnyResponse::CancelSession(CancelSessionResponseEs9::Error(CancelSessionError(error)))
        }
        (Function::HandleNotification, _) => return None,
    })
}

impl RequestMessage for InitiateAuthenticationRequest {
    fn to_message(&self) -> AnyRequest {
        AnyRequest::InitiateAuthentication(Box::new(rsp_asn1::InitiateAuthenticationRequest {
            euicc_challenge: self.euicc_challenge,
            smdp_address: self.smdp_address.clone(),
            euicc_info1: self.euicc_info1.clone(),
            unknown: Unknown::default(),
        }))
    }
}

impl From<rsp_asn1::InitiateAuthenticationRequest> for InitiateAuthenticationRequest {
    fn from(message: rsp_asn1::InitiateAuthenticationRequest) -> Self {
        Self {
            euicc_challenge: message.euicc_challenge,
            euicc_info1: message.euicc_info1,
            smdp_address: message.smdp_address,
        }
    }
}

impl ResponseMessage for InitiateAuthenticationResponse {
    fn to_message(self) -> Result<AnyResponse, MessageError> {
        Ok(AnyResponse::InitiateAuthentication(InitiateChoice::Ok(Box::new(InitiateAuthenticationOkEs9 {
            transaction_id: self.transaction_id,
            server_signed1: self.server_signed1,
            server_signature1: self.server_signature1,
            euicc_ci_pk_id_to_be_used: self.euicc_ci_pk_id_to_be_used,
            server_certificate: self.server_certificate,
            unknown: Unknown::default(),
        }))))
    }

    fn from_message(message: AnyResponse) -> Option<Result<Self, i64>> {
        match message {
            AnyResponse::InitiateAuthentication(InitiateChoice::Ok(ok)) => Some(Ok(Self {
                transaction_id: ok.transaction_id,
                server_signed1: ok.server_signed1,
                server_signature1: ok.server_signature1,
                euicc_ci_pk_id_to_be_used: ok.euicc_ci_pk_id_to_be_used,
                server_certificate: ok.server_certificate,
            })),
            AnyResponse::InitiateAuthentication(InitiateChoice::Error(error)) => Some(Err(error.0)),
            _ => None,
        }
    }
}

impl RequestMessage for AuthenticateClientRequest {
    fn to_message(&self) -> AnyRequest {
        AnyRequest::AuthenticateClient(Box::new(rsp_asn1::AuthenticateClientRequest {
            transaction_id: self.transaction_id.clone(),
            authenticate_server_response: self.authenticate_server_response.clone(),
            use_matching_id_for_acr: None,
            unknown: Unknown::default(),
        }))
    }
}

impl From<rsp_asn1::AuthenticateClientRequest> for AuthenticateClientRequest {
    fn from(message: rsp_asn1::AuthenticateClientRequest) -> Self {
        Self {
            transaction_id: message.transaction_id,
            authenticate_server_response: message.authenticate_server_response,
        }
    }
}

impl ResponseMessage for AuthenticateClientResponse {
    fn to_message(self) -> Result<AnyResponse, MessageError> {
        Ok(AnyResponse::AuthenticateClient(AuthenticateClientResponseEs9::Ok(Box::new(AuthenticateClientOk {
            transaction_id: self.transaction_id,
            profile_meta_data: self.profile_metadata,
            smdp_signed2: self.smdp_signed2,
            smdp_signature2: self.smdp_signature2,
            smdp_certificate: self.smdp_certificate,
            unknown: Unknown::default(),
        }))))
    }

    fn from_message(message: AnyResponse) -> Option<Result<Self, i64>> {
        match message {
            AnyResponse::AuthenticateClient(AuthenticateClientResponseEs9::Ok(ok)) => Some(Ok(Self {
                transaction_id: ok.transaction_id,
                profile_metadata: ok.profile_meta_data,
                smdp_signed2: ok.smdp_signed2,
                smdp_signature2: ok.smdp_signature2,
                smdp_certificate: ok.smdp_certificate,
            })),
            AnyResponse::AuthenticateClient(AuthenticateClientResponseEs9::Error(error)) => Some(Err(error.0)),
            _ => None,
        }
    }
}

impl ResponseMessage for es11::AuthenticateClientResponse {
    fn to_message(self) -> Result<AnyResponse, MessageError> {
        let entries = self.event_entries.into_iter().map(|entry| EventEntries {
            event_id: entry.event_id,
            rsp_server_address: entry.rsp_server_address,
            unknown: Unknown::default(),
        });
        Ok(AnyResponse::AuthenticateClientEs11(AuthenticateClientResponseEs11::Ok(AuthenticateClientOkEs11 {
            transaction_id: self.transaction_id,
            event_entries: entries.collect(),
            unknown: Unknown::default(),
        })))
    }

    fn from_message(message: AnyResponse) -> Option<Result<Self, i64>> {
        match message {
            AnyResponse::AuthenticateClientEs11(AuthenticateClientResponseEs11::Ok(ok)) => {
                let entries = ok
                    .event_entries
                    .into_iter()
                    .map(|entry| EventEntry { event_id: entry.event_id, rsp_server_address: entry.rsp_server_address });
                Some(Ok(Self { transaction_id: ok.transaction_id, event_entries: entries.collect() }))
            }
            AnyResponse::AuthenticateClientEs11(AuthenticateClientResponseEs11::Error(error)) => Some(Err(error.0)),
            _ => None,
        }
    }
}

impl RequestMessage for GetBoundProfilePackageRequest {
    fn to_message(&self) -> AnyRequest {
        AnyRequest::GetBoundProfilePackage(Box::new(rsp_asn1::GetBoundProfilePackageRequest {
            transaction_id: self.transaction_id.clone(),
            prepare_download_response: self.prepare_download_response.clone(),
            unknown: Unknown::default(),
        }))
    }
}

impl From<rsp_asn1::GetBoundProfilePackageRequest> for GetBoundProfilePackageRequest {
    fn from(message: rsp_asn1::GetBoundProfilePackageRequest) -> Self {
        Self { transaction_id: message.transaction_id, prepare_download_response: message.prepare_download_response }
    }
}

impl ResponseMessage for GetBoundProfilePackageResponse {
    fn to_message(self) -> Result<AnyResponse, MessageError> {
        Ok(AnyResponse::GetBoundProfilePackage(PackageChoice::Ok(Box::new(GetBoundProfilePackageOk {
            transaction_id: self.transaction_id,
            bound_profile_package: Raw::from_der(&self.bound_profile_package)?,
            unknown: Unknown::default(),
        }))))
    }

    fn from_message(message: AnyResponse) -> Option<Result<Self, i64>> {
        match message {
            AnyResponse::GetBoundProfilePackage(PackageChoice::Ok(ok)) => Some(Ok(Self {
                transaction_id: ok.transaction_id,
                bound_profile_package: ok.bound_profile_package.into_bytes(),
            })),
            AnyResponse::GetBoundProfilePackage(PackageChoice::Error(error)) => Some(Err(error.0)),
            _ => None,
        }
    }
}

impl RequestMessage for HandleNotificationRequest {
    fn to_message(&self) -> AnyRequest {
        AnyRequest::HandleNotification(Box::new(HandleNotification {
            pending_notification: self.pending_notification.clone(),
            unknown: Unknown::default(),
        }))
    }
}

impl From<HandleNotification> for HandleNotificationRequest {
    fn from(message: HandleNotification) -> Self {
        Self { pending_notification: message.pending_notification }
    }
}

impl RequestMessage for CancelSessionRequest {
    fn to_message(&self) -> AnyRequest {
        AnyRequest::CancelSession(Box::new(CancelSessionRequestEs9 {
            transaction_id: self.transaction_id.clone(),
            cancel_session_response: self.cancel_session_response.value().clone(),
            unknown: Unknown::default(),
        }))
    }
}

/// The eUICC's answer gets its own tag back; what the eUICC signed, and the order of everything, stay as they came.
impl TryFrom<CancelSessionRequestEs9> for CancelSessionRequest {
    type Error = EncodeError;

    fn try_from(message: CancelSessionRequestEs9) -> Result<Self, EncodeError> {
        Ok(Self {
            transaction_id: message.transaction_id,
            cancel_session_response: Raw::new(message.cancel_session_response)?,
        })
    }
}

/// CancelSession, whose response has no members.
impl ResponseMessage for () {
    fn to_message(self) -> Result<AnyResponse, MessageError> {
        Ok(AnyResponse::CancelSession(CancelSessionResponseEs9::Ok(CancelSessionOk::default())))
    }

    fn from_message(message: AnyResponse) -> Option<Result<Self, i64>> {
        match message {
            AnyResponse::CancelSession(CancelSessionResponseEs9::Ok(_)) => Some(Ok(())),
            AnyResponse::CancelSession(CancelSessionResponseEs9::Error(error)) => Some(Err(error.0)),
            _ => None,
        }
    }
}
