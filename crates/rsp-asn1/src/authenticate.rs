//! Common mutual authentication on the card interface (SGP.22 3.1.2, 5.7.7, 5.7.13).

use crate::named::named_integer;
use crate::{DeviceInfo, EuiccInfo2, Octet16, Raw, Signature5F37, SubjectKeyIdentifier, TransactionId, Unknown, pkix};
use rasn::prelude::*;

/// ```text
/// GetEuiccChallengeRequest ::= [46] SEQUENCE {}                                                   -- BF2E
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 46))]
pub struct GetEuiccChallengeRequest {
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// GetEuiccChallengeResponse ::= [46] SEQUENCE { euiccChallenge [0] Octet16 }                      -- BF2E
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 46))]
pub struct GetEuiccChallengeResponse {
    /// Fresh, random, valid for one session.
    #[rasn(tag(context, 0))]
    pub euicc_challenge: Octet16,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// AuthenticateServerRequest ::= [56] SEQUENCE {                                                   -- BF38
///     serverSigned1, serverSignature1 [APPLICATION 55], euiccCiPKIdToBeUsed, serverCertificate, ctxParams1 }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 56))]
pub struct AuthenticateServerRequest {
    /// What the server signed.
    pub server_signed1: Raw<ServerSigned1>,
    /// By SK.DPauth or SK.DSauth over `server_signed1`.
    pub server_signature1: Signature5F37,
    /// The CI under which the eUICC shall sign.
    pub euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
    /// CERT.DPauth.ECDSA or CERT.DSauth.ECDSA.
    pub server_certificate: Raw<pkix::Certificate>,
    /// Why the device asks.
    pub ctx_params1: CtxParams1,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ServerSigned1 ::= SEQUENCE {
///     transactionId [0] TransactionId, euiccChallenge [1] Octet16, serverAddress [3] UTF8String, serverChallenge [4] Octet16 }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct ServerSigned1 {
    /// Names the session from here on.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The eUICC's challenge, echoed.
    #[rasn(tag(context, 1))]
    pub euicc_challenge: Octet16,
    /// The address that the LPA called.
    #[rasn(tag(context, 3))]
    pub server_address: Utf8String,
    /// The server's challenge.
    #[rasn(tag(context, 4))]
    pub server_challenge: Octet16,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// CtxParams1 ::= CHOICE { ctxParamsForCommonAuthentication [0] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice)]
pub enum CtxParams1 {
    /// A download or a look for events.
    #[rasn(tag(context, 0))]
    CommonAuthentication(CtxParamsForCommonAuthentication),
}

/// ```text
/// CtxParamsForCommonAuthentication ::= SEQUENCE { matchingId [0] UTF8String OPTIONAL, deviceInfo [1] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct CtxParamsForCommonAuthentication {
    /// The activation code's token, an EventID, or empty.
    #[rasn(tag(context, 0))]
    pub matching_id: Option<Utf8String>,
    /// The device.
    #[rasn(tag(context, 1))]
    pub device_info: DeviceInfo,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// AuthenticateServerResponse ::= [56] CHOICE { authenticateResponseOk [0], authenticateResponseError [1] }   -- BF38
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 56)))]
pub enum AuthenticateServerResponse {
    /// The eUICC accepted the server and authenticates itself.
    #[rasn(tag(context, 0))]
    Ok(Box<AuthenticateResponseOk>),
    /// The eUICC refused the server.
    #[rasn(tag(context, 1))]
    Error(AuthenticateResponseError),
}

/// ```text
/// AuthenticateResponseOk ::= SEQUENCE { euiccSigned1, euiccSignature1 [APPLICATION 55], euiccCertificate, eumCertificate }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateResponseOk {
    /// What the eUICC signed.
    pub euicc_signed1: Raw<EuiccSigned1>,
    /// By SK.EUICC over `euicc_signed1`.
    pub euicc_signature1: Signature5F37,
    /// CERT.EUICC.ECDSA.
    pub euicc_certificate: Raw<pkix::Certificate>,
    /// CERT.EUM.ECDSA under the requested CI.
    pub eum_certificate: Raw<pkix::Certificate>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// EuiccSigned1 ::= SEQUENCE {
///     transactionId [0], serverAddress [3] UTF8String, serverChallenge [4] Octet16, euiccInfo2 [34], ctxParams1 }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct EuiccSigned1 {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The server's address, echoed.
    #[rasn(tag(context, 3))]
    pub server_address: Utf8String,
    /// The server's challenge, echoed.
    #[rasn(tag(context, 4))]
    pub server_challenge: Octet16,
    /// What the eUICC is.
    pub euicc_info2: EuiccInfo2,
    /// What the device asked for.
    pub ctx_params1: CtxParams1,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// AuthenticateResponseError ::= SEQUENCE { transactionId [0], authenticateErrorCode INTEGER }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateResponseError {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// Why the eUICC refused.
    pub authenticate_error_code: AuthenticateErrorCode,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// Why an eUICC refuses a server.
    pub AuthenticateErrorCode {
        /// The certificate does not verify under the CI.
        INVALID_CERTIFICATE = 1 => "invalidCertificate",
        /// serverSignature1 does not verify.
        INVALID_SIGNATURE = 2 => "invalidSignature",
        /// A curve that the eUICC does not have.
        UNSUPPORTED_CURVE = 3 => "unsupportedCurve",
        /// No challenge was given out.
        NO_SESSION_CONTEXT = 4 => "noSessionContext",
        /// The certificate is not for this role.
        INVALID_OID = 5 => "invalidOid",
        /// Another challenge was signed.
        EUICC_CHALLENGE_MISMATCH = 6 => "euiccChallengeMismatch",
        /// The CI key is not known.
        CI_PK_UNKNOWN = 7 => "ciPKUnknown",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}
