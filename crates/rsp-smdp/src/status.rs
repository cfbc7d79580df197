//! The one place where errors become subject and reason codes (SGP.22 5.2.6, crossed with 5.6).

use rsp_auth::Error as AuthError;
use rsp_es::status::StatusCode;
use rsp_store::Error as StoreError;

use crate::error::Error;

impl From<Error> for StatusCode {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for StatusCode {
    fn from(error: &Error) -> Self {
        match error {
            Error::TransactionIdUnknown => Self::TRANSACTION_ID_UNKNOWN,
            Error::MatchingIdRefused => Self::MATCHING_ID_REFUSED,
            Error::EidRefused => Self::EID_REFUSED,
            Error::ProfileNotReleased => Self::PROFILE_NOT_RELEASED,
            Error::OrderExpired => Self::DOWNLOAD_ORDER_EXPIRED,
            Error::DownloadRetriesExceeded => Self::DOWNLOAD_ORDER_RETRIES_EXCEEDED,
            Error::ConfirmationCodeMissing => Self::CONFIRMATION_CODE_MISSING,
            Error::ConfirmationCodeRefused => Self::CONFIRMATION_CODE_REFUSED,
            Error::ConfirmationCodeRetriesExceeded => Self::CONFIRMATION_CODE_RETRIES_EXCEEDED,
            Error::RebindingRefused => Self::PROFILE_UNAVAILABLE,
            Error::Authentication(inner) => authentication(inner),
            Error::DownloadRefusedByEuicc(_) | Error::OneTimeKeyInvalid => {
                Self::EUICC_VERIFICATION_FAILED.with_message(error.to_string())
            }
            Error::OidMismatch => Self::SMDP_INVALID_ASSOCIATION,
            Error::InsufficientMemory { .. } => Self::EUICC_INSUFFICIENT_MEMORY.with_message(error.to_string()),
            Error::NotEligible(_) => Self::PROFILE_TYPE_NOT_ELIGIBLE.with_message(error.to_string()),
            Error::ProfileTypeUnknown(_) => Self::PROFILE_TYPE_UNKNOWN,
            Error::ProfileTypeUnavailable(_) => Self::PROFILE_TYPE_UNAVAILABLE,
            Error::IccidUnknown(_) => Self::ICCID_UNKNOWN,
            Error::AlreadyDownloaded(_) => Self::ICCID_ALREADY_IN_USE,
            Error::MatchingIdInvalid => Self::MATCHING_ID_INVALID,
            Error::MatchingIdInUse => Self::MATCHING_ID_ALREADY_IN_USE,
            Error::IdentifierTooLong(_) => Self::FORMAT_INVALID.with_message(error.to_string()),
            Error::OperatorUnknown => Self::FUNCTION_REQUESTER_UNKNOWN,
            Error::ProfileTypeClosed(_) => Self::PROFILE_TYPE_NOT_ALLOWED,
            Error::ProfileTypeRefused(_) => Self::PROFILE_TYPE_REFUSED,
            Error::NothingOrdered | Error::CancelIncomplete => Self::ICCID_MISSING.with_message(error.to_string()),
            Error::IccidNotAllowed(_) => Self::ICCID_NOT_ALLOWED,
            Error::IccidInUse(_) | Error::DownloadedAlready(..) => {
                Self::ICCID_ALREADY_IN_USE.with_message(error.to_string())
            }
            Error::NotToBeConfirmed(..) | Error::NotToBeReleased(..) | Error::Transition(_) => {
                Self::ICCID_INVALID_TRANSITION.with_message(error.to_string())
            }
            Error::EidAssociated(_) => Self::EID_INVALID_ASSOCIATION,
            Error::EidMissing => Self::EID_MISSING,
            Error::IccidAssociated(_) => Self::ICCID_INVALID_ASSOCIATION,
            Error::MatchingIdAssociated(_) => Self::MATCHING_ID_INVALID_ASSOCIATION,
            Error::ConfirmationCodeInvalid => Self::CONFIRMATION_CODE_INVALID,
            Error::SmdsAddressInvalid(_) => Self::SMDS_ADDRESS_REFUSED.with_message(error.to_string()),
            // Where the server failed to get is for its log: the caller may be probing a network that is not its own.
            Error::SmdsInaccessible(_) => Self::SMDS_INACCESSIBLE,
            // Its reasons may be about events of others.
            Error::SmdsRefused(_) => Self::SMDS_EXECUTION_ERROR,
            Error::ProfileTypeExists(_)
            | Error::IccidExists(_)
            | Error::OperatorExists(_)
            | Error::IccidRange(_)
            | Error::ImsiPrefix(_)
            | Error::ImsiPrefixTaken { .. }
            | Error::Batch(_)
            | Error::BatchLoaded
            | Error::NoTemplate(_)
            | Error::ImsiExists(_)
            | Error::ImsiInvalid(_)
            | Error::Package(_)
            | Error::PackageOpen(_)
            | Error::KeyNotForTests(_)
            | Error::Metadata { .. }
            | Error::Store(_)
            | Error::Contention
            | Error::Damaged(_)
            | Error::NoBindingCredential
            | Error::Encoding(_)
            | Error::Crypto(_) => internal(error),
        }
    }
}

fn authentication(error: &AuthError) -> StatusCode {
    match error {
        AuthError::AddressRefused => StatusCode::SMDP_ADDRESS_REFUSED,
        AuthError::TransactionIdUnknown => StatusCode::TRANSACTION_ID_UNKNOWN,
        AuthError::SvnUnsupported(_) => StatusCode::SMDP_SVN_UNSUPPORTED,
        AuthError::CiUnsupported => StatusCode::SMDP_SECURITY_UNSUPPORTED,
        AuthError::CertificateUnavailable => StatusCode::SMDP_CERTIFICATE_UNAVAILABLE,
        AuthError::RefusedByEuicc(_) => StatusCode::EUICC_VERIFICATION_FAILED.with_message(error.to_string()),
        AuthError::CiUnknown => StatusCode::CI_PUBLIC_KEY_UNKNOWN,
        AuthError::EumCertificateInvalid(_) => {
            StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED.with_message(error.to_string())
        }
        AuthError::EumCertificateExpired(_) => StatusCode::EUM_CERTIFICATE_EXPIRED.with_message(error.to_string()),
        AuthError::EuiccCertificateInvalid(_) => {
            StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED.with_message(error.to_string())
        }
        AuthError::EuiccCertificateExpired(_) => StatusCode::EUICC_CERTIFICATE_EXPIRED.with_message(error.to_string()),
        AuthError::SignatureInvalid => StatusCode::EUICC_VERIFICATION_FAILED,
        _ => internal(error),
    }
}

/// Our own failures: the peer learns that it was not its fault, the log says what happened.
fn internal(error: &dyn std::error::Error) -> StatusCode {
    tracing::error!(%error, "function not executed");
    StatusCode::FUNCTION_EXECUTION_ERROR
}

/// What the store says about an insertion, in the words of this crate.
pub(crate) fn duplicate(error: Error, what: &'static str, otherwise: impl FnOnce() -> Error) -> Error {
    match error {
        Error::Store(StoreError::Duplicate { what: found }) if found == what => otherwise(),
        other => other,
    }
}
