//! CancelSession: the device gives up a session and says why (SGP.22 3.0.2, 5.7.14).

use crate::named::named_integer;
use crate::{Raw, Signature5F37, TransactionId, Unknown};
use rasn::prelude::*;

/// ```text
/// CancelSessionRequest ::= [65] SEQUENCE { transactionId [0], reason [1] }                        -- BF41
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 65))]
pub struct CancelSessionRequest {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// Why.
    #[rasn(tag(context, 1))]
    pub reason: CancelSessionReason,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// Why a session is given up.
    pub CancelSessionReason {
        /// The End User does not want the profile.
        END_USER_REJECTION = 0 => "endUserRejection",
        /// The End User wants it later.
        POSTPONED = 1 => "postponed",
        /// The End User did not answer.
        TIMEOUT = 2 => "timeout",
        /// Its policy rules are not allowed here.
        PPR_NOT_ALLOWED = 3 => "pprNotAllowed",
        /// The package carries other metadata than were shown.
        METADATA_MISMATCH = 4 => "metadataMismatch",
        /// The package could not be loaded.
        LOAD_BPP_EXECUTION_ERROR = 5 => "loadBppExecutionError",
        /// Anything else.
        UNDEFINED_REASON = 127 => "undefinedReason",
    }
}

/// ```text
/// CancelSessionResponse ::= [65] CHOICE { cancelSessionResponseOk [0], cancelSessionResponseError [1] INTEGER }   -- BF41
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 65)))]
pub enum CancelSessionResponse {
    /// Signed by the eUICC.
    #[rasn(tag(context, 0))]
    Ok(CancelSessionResponseOk),
    /// The eUICC has no such session.
    #[rasn(tag(context, 1))]
    Error(CancelSessionResponseError),
}

named_integer! {
    /// Why an eUICC did not sign a CancelSession.
    pub CancelSessionResponseError {
        /// It is in no such session.
        INVALID_TRANSACTION_ID = 5 => "invalidTransactionId",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// CancelSessionResponseOk ::= SEQUENCE { euiccCancelSessionSigned, euiccCancelSessionSignature [APPLICATION 55] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct CancelSessionResponseOk {
    /// What the eUICC signed.
    pub euicc_cancel_session_signed: Raw<EuiccCancelSessionSigned>,
    /// By SK.EUICC.
    pub euicc_cancel_session_signature: Signature5F37,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// EuiccCancelSessionSigned ::= SEQUENCE { transactionId [0], smdpOid [1] OBJECT IDENTIFIER, reason [2] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct EuiccCancelSessionSigned {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// The server's OID as CERT.DPauth gave it.
    #[rasn(tag(context, 1))]
    pub smdp_oid: ObjectIdentifier,
    /// Why.
    #[rasn(tag(context, 2))]
    pub reason: CancelSessionReason,
    /// Elements of later versions.
    pub unknown: Unknown,
}
