//! ES9+ functions in their ASN.1 binding (SGP.22 5.6, 6.6.2). The JSON binding carries the same objects.

use crate::named::named_integer;
use crate::{
    AuthenticateClientResponseEs11, AuthenticateServerResponse, BoundProfilePackage, CancelSessionResponse, EuiccInfo1,
    Octet16, PendingNotification, PrepareDownloadResponse, Raw, ServerSigned1, Signature5F37, SmdpSigned2,
    StoreMetadataRequest, SubjectKeyIdentifier, TransactionId, Unknown, pkix,
};
use rasn::prelude::*;

/// ```text
/// RemoteProfileProvisioningRequest ::= [2] CHOICE { initiateAuthenticationRequest [57], authenticateClientRequest [59],
///     getBoundProfilePackageRequest [58], cancelSessionRequestEs9 [65], handleNotification [61] }     -- A2
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 2)))]
pub enum RemoteProfileProvisioningRequest {
    /// Tag `BF39`.
    InitiateAuthentication(Box<InitiateAuthenticationRequest>),
    /// Tag `BF3B`.
    AuthenticateClient(Box<AuthenticateClientRequest>),
    /// Tag `BF3A`.
    GetBoundProfilePackage(Box<GetBoundProfilePackageRequest>),
    /// Tag `BF41`.
    CancelSession(Box<CancelSessionRequestEs9>),
    /// Tag `BF3D`.
    HandleNotification(Box<HandleNotification>),
}

/// ```text
/// RemoteProfileProvisioningResponse ::= [2] CHOICE { initiateAuthenticationResponse [57], authenticateClientResponseEs9 [59],
///     getBoundProfilePackageResponse [58], cancelSessionResponseEs9 [65], authenticateClientResponseEs11 [64] }     -- A2
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 2)))]
pub enum RemoteProfileProvisioningResponse {
    /// Tag `BF39`.
    #[rasn(tag(context, 57))]
    InitiateAuthentication(InitiateAuthenticationResponse),
    /// Tag `BF3B`.
    #[rasn(tag(context, 59))]
    AuthenticateClient(AuthenticateClientResponseEs9),
    /// Tag `BF3A`.
    #[rasn(tag(context, 58))]
    GetBoundProfilePackage(GetBoundProfilePackageResponse),
    /// Tag `BF41`.
    #[rasn(tag(context, 65))]
    CancelSession(CancelSessionResponseEs9),
    /// Tag `BF40`.
    #[rasn(tag(context, 64))]
    AuthenticateClientEs11(AuthenticateClientResponseEs11),
}

/// ```text
/// InitiateAuthenticationRequest ::= [57] SEQUENCE { euiccChallenge [1] Octet16, smdpAddress [3] UTF8String, euiccInfo1 }   -- BF39
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 57))]
pub struct InitiateAuthenticationRequest {
    /// From GetEUICCChallenge.
    #[rasn(tag(context, 1))]
    pub euicc_challenge: Octet16,
    /// The address that the LPA is calling.
    #[rasn(tag(context, 3))]
    pub smdp_address: Utf8String,
    /// From GetEUICCInfo1.
    pub euicc_info1: Raw<EuiccInfo1>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// InitiateAuthenticationResponse ::= [57] CHOICE { initiateAuthenticationOk [0], initiateAuthenticationError [1] INTEGER }   -- BF39
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 57)))]
pub enum InitiateAuthenticationResponse {
    /// The server authenticates itself.
    #[rasn(tag(context, 0))]
    Ok(Box<InitiateAuthenticationOkEs9>),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(InitiateAuthenticationError),
}

named_integer! {
    /// Why InitiateAuthentication is refused.
    pub InitiateAuthenticationError {
        /// Not an address of this server.
        INVALID_DP_ADDRESS = 1 => "invalidDpAddress",
        /// The eUICC's version is not supported.
        EUICC_VERSION_NOT_SUPPORTED_BY_DP = 2 => "euiccVersionNotSupportedByDp",
        /// No CI key in common.
        CI_PK_NOT_SUPPORTED = 3 => "ciPKNotSupported",
    }
}

/// ```text
/// InitiateAuthenticationOkEs9 ::= SEQUENCE { transactionId [0], serverSigned1, serverSignature1 [APPLICATION 55],
///     euiccCiPKIdToBeUsed, serverCertificate }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct InitiateAuthenticationOkEs9 {
    /// Names the session from here on.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// What the server signed.
    pub server_signed1: Raw<ServerSigned1>,
    /// By SK.DPauth.
    pub server_signature1: Signature5F37,
    /// The CI under which the eUICC shall sign.
    pub euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
    /// CERT.DPauth.ECDSA.
    pub server_certificate: Raw<pkix::Certificate>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// AuthenticateClientRequest ::= [59] SEQUENCE { transactionId [0], authenticateServerResponse [56], useMatchingIdForAcr NULL OPTIONAL }   -- BF3B
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 59))]
pub struct AuthenticateClientRequest {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The eUICC's answer, as it gave it.
    pub authenticate_server_response: Raw<AuthenticateServerResponse>,
    /// Activation code retrieval is asked for (v2.6).
    pub use_matching_id_for_acr: Option<()>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// AuthenticateClientResponseEs9 ::= [59] CHOICE { authenticateClientOk [0], authenticateClientError [1] INTEGER }   -- BF3B
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 59)))]
pub enum AuthenticateClientResponseEs9 {
    /// A profile waits.
    #[rasn(tag(context, 0))]
    Ok(Box<AuthenticateClientOk>),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(AuthenticateClientError),
}

named_integer! {
    /// Why AuthenticateClient is refused.
    pub AuthenticateClientError {
        /// CERT.EUM does not verify.
        EUM_CERTIFICATE_INVALID = 1 => "eumCertificateInvalid",
        /// CERT.EUM has expired.
        EUM_CERTIFICATE_EXPIRED = 2 => "eumCertificateExpired",
        /// CERT.EUICC does not verify.
        EUICC_CERTIFICATE_INVALID = 3 => "euiccCertificateInvalid",
        /// CERT.EUICC has expired.
        EUICC_CERTIFICATE_EXPIRED = 4 => "euiccCertificateExpired",
        /// euiccSignature1 does not verify, or not over this challenge.
        EUICC_SIGNATURE_INVALID = 5 => "euiccSignatureInvalid",
        /// No order has this MatchingID.
        MATCHING_ID_REFUSED = 6 => "matchingIdRefused",
        /// The order is for another eUICC.
        EID_MISMATCH = 7 => "eidMismatch",
        /// No profile suits this eUICC and device.
        NO_ELIGIBLE_PROFILE = 8 => "noEligibleProfile",
        /// The CI is not known.
        CI_PK_UNKNOWN = 9 => "ciPKUnknown",
        /// The session is not known.
        INVALID_TRANSACTION_ID = 10 => "invalidTransactionId",
        /// The eUICC has too little memory.
        INSUFFICIENT_MEMORY = 11 => "insufficientMemory",
        /// The order has expired.
        DOWNLOAD_ORDER_EXPIRED = 18 => "downloadOrderExpired",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// AuthenticateClientOk ::= SEQUENCE { transactionId [0], profileMetaData [37], smdpSigned2, smdpSignature2 [APPLICATION 55], smdpCertificate }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateClientOk {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// What the End User is asked about.
    pub profile_meta_data: Raw<StoreMetadataRequest>,
    /// What the SM-DP+ signed.
    pub smdp_signed2: Raw<SmdpSigned2>,
    /// By SK.DPpb over `smdp_signed2` and euiccSignature1.
    pub smdp_signature2: Signature5F37,
    /// CERT.DPpb.ECDSA.
    pub smdp_certificate: Raw<pkix::Certificate>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// GetBoundProfilePackageRequest ::= [58] SEQUENCE { transactionId [0], prepareDownloadResponse [33] }   -- BF3A
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 58))]
pub struct GetBoundProfilePackageRequest {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The eUICC's answer, as it gave it.
    pub prepare_download_response: Raw<PrepareDownloadResponse>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// GetBoundProfilePackageResponse ::= [58] CHOICE { getBoundProfilePackageOk [0], getBoundProfilePackageError [1] INTEGER }   -- BF3A
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 58)))]
pub enum GetBoundProfilePackageResponse {
    /// The package.
    #[rasn(tag(context, 0))]
    Ok(Box<GetBoundProfilePackageOk>),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(GetBoundProfilePackageError),
}

named_integer! {
    /// Why GetBoundProfilePackage is refused.
    pub GetBoundProfilePackageError {
        /// euiccSignature2 does not verify.
        EUICC_SIGNATURE_INVALID = 1 => "euiccSignatureInvalid",
        /// A Confirmation Code is needed.
        CONFIRMATION_CODE_MISSING = 2 => "confirmationCodeMissing",
        /// It is wrong.
        CONFIRMATION_CODE_REFUSED = 3 => "confirmationCodeRefused",
        /// It was wrong too often.
        CONFIRMATION_CODE_RETRIES_EXCEEDED = 4 => "confirmationCodeRetriesExceeded",
        /// The package is bound to another one-time key.
        BPP_REBINDING_REFUSED = 5 => "bppRebindingRefused",
        /// The order has expired (before v2.6).
        DOWNLOAD_ORDER_EXPIRED = 6 => "downloadOrderExpired",
        /// The session is not known.
        INVALID_TRANSACTION_ID = 95 => "invalidTransactionId",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// GetBoundProfilePackageOk ::= SEQUENCE { transactionId [0], boundProfilePackage [54] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct GetBoundProfilePackageOk {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The package.
    pub bound_profile_package: Raw<BoundProfilePackage>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// HandleNotification ::= [61] SEQUENCE { pendingNotification [0] PendingNotification }            -- BF3D
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 61))]
pub struct HandleNotification {
    /// As the eUICC signed it.
    #[rasn(tag(explicit(context, 0)))]
    pub pending_notification: Raw<PendingNotification>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// CancelSessionRequestEs9 ::= [65] SEQUENCE { transactionId [0], cancelSessionResponse [1] }      -- BF41
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 65))]
pub struct CancelSessionRequestEs9 {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The eUICC's answer. Here its own tag, `BF41`, gives way to `A1`: what the eUICC signed stands below it.
    #[rasn(tag(context, 1))]
    pub cancel_session_response: CancelSessionResponse,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// CancelSessionResponseEs9 ::= [65] CHOICE { cancelSessionOk [0], cancelSessionError [1] INTEGER }   -- BF41
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 65)))]
pub enum CancelSessionResponseEs9 {
    /// Done.
    #[rasn(tag(context, 0))]
    Ok(CancelSessionOk),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(CancelSessionError),
}

/// ```text
/// CancelSessionOk ::= SEQUENCE {}
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
pub struct CancelSessionOk {
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// Why CancelSession is refused.
    pub CancelSessionError {
        /// The session is not known.
        INVALID_TRANSACTION_ID = 1 => "invalidTransactionId",
        /// The eUICC's signature does not verify.
        EUICC_SIGNATURE_INVALID = 2 => "euiccSignatureInvalid",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}
