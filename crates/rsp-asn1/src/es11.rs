//! ES11: what an SM-DS answers to AuthenticateClient (SGP.22 5.8.2). InitiateAuthentication is that of ES9+.

use crate::named::named_integer;
use crate::{TransactionId, Unknown};
use rasn::prelude::*;

/// ```text
/// AuthenticateClientResponseEs11 ::= [64] CHOICE { authenticateClientOk [0], authenticateClientError [1] INTEGER }   -- BF40
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 64)))]
pub enum AuthenticateClientResponseEs11 {
    /// The events that wait for this eUICC.
    #[rasn(tag(context, 0))]
    Ok(AuthenticateClientOkEs11),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(AuthenticateClientErrorEs11),
}

named_integer! {
    /// Why an SM-DS refuses AuthenticateClient.
    pub AuthenticateClientErrorEs11 {
        /// CERT.EUM does not verify.
        EUM_CERTIFICATE_INVALID = 1 => "eumCertificateInvalid",
        /// CERT.EUM has expired.
        EUM_CERTIFICATE_EXPIRED = 2 => "eumCertificateExpired",
        /// CERT.EUICC does not verify.
        EUICC_CERTIFICATE_INVALID = 3 => "euiccCertificateInvalid",
        /// CERT.EUICC has expired.
        EUICC_CERTIFICATE_EXPIRED = 4 => "euiccCertificateExpired",
        /// euiccSignature1 does not verify.
        EUICC_SIGNATURE_INVALID = 5 => "euiccSignatureInvalid",
        /// No such event.
        EVENT_ID_UNKNOWN = 6 => "eventIdUnknown",
        /// The session is not known.
        INVALID_TRANSACTION_ID = 7 => "invalidTransactionId",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}

/// ```text
/// AuthenticateClientOkEs11 ::= SEQUENCE { transactionId [0], eventEntries [1] SEQUENCE OF EventEntries }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateClientOkEs11 {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// In the order of their registration.
    #[rasn(tag(context, 1))]
    pub event_entries: Vec<EventEntries>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// EventEntries ::= SEQUENCE { eventId [0] UTF8String, rspServerAddress [1] UTF8String }
/// ```
/// One event.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct EventEntries {
    /// Used as MatchingID at the server that the entry names.
    #[rasn(tag(context, 0))]
    pub event_id: Utf8String,
    /// An SM-DP+, or an alternative SM-DS.
    #[rasn(tag(context, 1))]
    pub rsp_server_address: Utf8String,
    /// Elements of later versions.
    pub unknown: Unknown,
}
