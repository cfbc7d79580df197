//! The one place where errors become subject and reason codes (SGP.22 5.2.6, crossed with 5.8 to 5.10).

use rsp_auth::Error as AuthError;
use rsp_es::status::StatusCode;

use crate::error::Error;

impl From<Error> for StatusCode {
    fn from(error: Error) -> Self {
        match &error {
            Error::TransactionIdUnknown => Self::TRANSACTION_ID_UNKNOWN,
            Error::Authentication(inner) => authentication(inner),
            Error::EventUnknown => Self::EVENT_RECORD_UNKNOWN,
            Error::EventInUse => Self::EVENT_RECORD_ALREADY_IN_USE,
            Error::TooManyEvents { .. } => Self::SMDS_EXECUTION_ERROR.with_message(error.to_string()),
            Error::EventIdInvalid => {
                Self::FORMAT_INVALID.with_subject_identifier("eventId").with_message(error.to_string())
            }
            Error::AddressInvalid => {
                Self::FORMAT_INVALID.with_subject_identifier("rspServerAddress").with_message(error.to_string())
            }
            Error::CertificateMissing
            | Error::CertificateUnreadable(_)
            | Error::CertificateInvalid(_)
            | Error::CertificateWithoutOid => Self::FUNCTION_REQUESTER_UNKNOWN.with_message(error.to_string()),
            Error::NoCredential | Error::ParentIsSelf | Error::Store(_) => internal(&error),
        }
    }
}

/// As in an SM-DP+, but with the subjects of an SM-DS.
fn authentication(error: &AuthError) -> StatusCode {
    match error {
        AuthError::AddressRefused => StatusCode::SMDS_ADDRESS_REFUSED,
        AuthError::TransactionIdUnknown => StatusCode::TRANSACTION_ID_UNKNOWN,
        AuthError::SvnUnsupported(_) => StatusCode::SMDS_SVN_UNSUPPORTED,
        AuthError::CiUnsupported => StatusCode::SMDS_SECURITY_UNSUPPORTED,
        AuthError::CertificateUnavailable => StatusCode::SMDS_CERTIFICATE_UNAVAILABLE,
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
