//! ES9+, the interface between LPA and SM-DP+: its functions, their messages and their JSON form (SGP.22 5.6, 6.5.2).
//!
//! What was signed travels as [`Raw`], so that the bytes on either side of this crate are the bytes that were signed.

mod message;

pub use crate::header::{Response, ResponseError, failure};
pub use crate::json::JsonError;
pub use message::*;

use rsp_asn1::{
    AuthenticateServerResponse, CancelSessionResponse, EuiccInfo1, Octet16, PendingNotification,
    PrepareDownloadResponse, Raw, ServerSigned1, Signature5F37, SmdpSigned2, StoreMetadataRequest,
    SubjectKeyIdentifier, TransactionId, pkix,
};

/// Value of the HTTP header `Content-Type` in both directions.
pub const CONTENT_TYPE: &str = "application/json;charset=UTF-8";

/// Value of the HTTP header `X-Admin-Protocol` in both directions: the highest release of SGP.22 that the sender
/// implements, `x.y.z`. It is the SVN of our eUICC too. Nothing is negotiated by it: what a peer may send within version 2
/// follows from its messages, so that only the major number is looked at.
pub const ADMIN_PROTOCOL: &str = "gsma/rsp/v2.6.0";

/// Name of the HTTP header that carries [`ADMIN_PROTOCOL`].
pub const ADMIN_PROTOCOL_HEADER: &str = "x-admin-protocol";

/// A function of ES9+.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// SGP.22 5.6.1.
    InitiateAuthentication,
    /// SGP.22 5.6.3.
    AuthenticateClient,
    /// SGP.22 5.6.2.
    GetBoundProfilePackage,
    /// SGP.22 5.6.4.
    HandleNotification,
    /// SGP.22 5.6.5.
    CancelSession,
}

impl Function {
    /// Every function, in the order in which a download calls them.
    pub const ALL: [Self; 5] = [
        Self::InitiateAuthentication,
        Self::AuthenticateClient,
        Self::GetBoundProfilePackage,
        Self::HandleNotification,
        Self::CancelSession,
    ];

    /// The path of its URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::InitiateAuthentication => "/gsma/rsp2/es9plus/initiateAuthentication",
            Self::AuthenticateClient => "/gsma/rsp2/es9plus/authenticateClient",
            Self::GetBoundProfilePackage => "/gsma/rsp2/es9plus/getBoundProfilePackage",
            Self::HandleNotification => "/gsma/rsp2/es9plus/handleNotification",
            Self::CancelSession => "/gsma/rsp2/es9plus/cancelSession",
        }
    }

    /// Its name as the standard writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitiateAuthentication => "InitiateAuthentication",
            Self::AuthenticateClient => "AuthenticateClient",
            Self::GetBoundProfilePackage => "GetBoundProfilePackage",
            Self::HandleNotification => "HandleNotification",
            Self::CancelSession => "CancelSession",
        }
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// LPA → SM-DP+: opens a session (SGP.22 5.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiateAuthenticationRequest {
    /// The eUICC's challenge, 16 bytes.
    pub euicc_challenge: Octet16,
    /// What the eUICC trusts.
    pub euicc_info1: Raw<EuiccInfo1>,
    /// The address that the LPA calls.
    pub smdp_address: String,
}

/// SM-DP+ → LPA: the server has signed the eUICC's challenge (SGP.22 5.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiateAuthenticationResponse {
    /// Names the session from here on.
    pub transaction_id: TransactionId,
    /// What the server signed.
    pub server_signed1: Raw<ServerSigned1>,
    /// By SK.DPauth over `server_signed1`.
    pub server_signature1: Signature5F37,
    /// The CI under which the eUICC shall sign.
    pub euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
    /// CERT.DPauth.ECDSA.
    pub server_certificate: Raw<pkix::Certificate>,
}

/// LPA → SM-DP+: the eUICC has authenticated the server and authenticates itself (SGP.22 5.6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateClientRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// The eUICC's answer, as it gave it.
    pub authenticate_server_response: Raw<AuthenticateServerResponse>,
}

/// SM-DP+ → LPA: what would be downloaded (SGP.22 5.6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateClientResponse {
    /// The session.
    pub transaction_id: TransactionId,
    /// What the End User is asked to agree to.
    pub profile_metadata: Raw<StoreMetadataRequest>,
    /// What the server signed.
    pub smdp_signed2: Raw<SmdpSigned2>,
    /// By SK.DPpb over `smdp_signed2` and euiccSignature1.
    pub smdp_signature2: Signature5F37,
    /// CERT.DPpb.ECDSA.
    pub smdp_certificate: Raw<pkix::Certificate>,
}

/// LPA → SM-DP+: the eUICC is ready to receive (SGP.22 5.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBoundProfilePackageRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// The eUICC's answer, as it gave it.
    pub prepare_download_response: Raw<PrepareDownloadResponse>,
}

/// SM-DP+ → LPA: the profile, bound to this eUICC (SGP.22 5.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBoundProfilePackageResponse {
    /// The session.
    pub transaction_id: TransactionId,
    /// DER of the BoundProfilePackage, tag BF36. Not decoded here: it is the largest thing that crosses this interface,
    /// and neither side needs it as a value.
    pub bound_profile_package: Vec<u8>,
}

/// LPA → SM-DP+: something happened on the eUICC (SGP.22 5.6.4). There is no response but HTTP 204.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleNotificationRequest {
    /// As the eUICC signed it.
    pub pending_notification: Raw<PendingNotification>,
}

/// LPA → SM-DP+: the session is given up (SGP.22 5.6.5). The response carries nothing but its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelSessionRequest {
    /// The session.
    pub transaction_id: TransactionId,
    /// The eUICC's answer, as it gave it.
    pub cancel_session_response: Raw<CancelSessionResponse>,
}
