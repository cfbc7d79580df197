//! The integers by which the ASN.1 binding says why a function was not executed, and their status codes.

use rsp_asn1::{
    AuthenticateClientError as ClientError, AuthenticateClientErrorEs11 as Es11Error,
    CancelSessionError as CancelError, GetBoundProfilePackageError as PackageError,
    InitiateAuthenticationError as InitiateError,
};

use crate::es9plus::Function;
use crate::status::StatusCode;

/// Which kind of server answers: the functions of ES9+ and ES11 have the same names and other codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Server {
    /// ES9+.
    Smdp,
    /// ES11.
    Smds,
}

/// Stands for every reason that a function has no integer for. InitiateAuthentication, which the standard gives no such
/// value, uses it too: the module is extensible, and a client that does not know a value takes it for an error.
pub const UNDEFINED_ERROR: i64 = 127;

/// The integer that a client is told.
pub fn error_code(server: Server, function: Function, status: &StatusCode) -> i64 {
    let known = rows(server, function).find(|row| row.3.is(status));
    known.map_or(UNDEFINED_ERROR, |row| row.2)
}

/// What an integer says, as a status code; the undefined error and integers that have no meaning are 1.6/4.2, with the
/// integer in words.
pub fn status_code(server: Server, function: Function, error: i64) -> StatusCode {
    let known = rows(server, function).find(|row| row.2 == error);
    known.map_or_else(
        || StatusCode::FUNCTION_EXECUTION_ERROR.with_message(format!("error {error} of {function}")),
        |row| row.3.clone(),
    )
}

fn rows(server: Server, function: Function) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| row.0 == server && row.1 == function)
}

type Row = (Server, Function, i64, StatusCode);

use Function::{AuthenticateClient, CancelSession, GetBoundProfilePackage, InitiateAuthentication};
use Server::{Smdp, Smds};

/// Both ways. Where an integer stands twice, a client reads it as the first of its codes.
static TABLE: &[Row] = &[
    (Smdp, InitiateAuthentication, InitiateError::INVALID_DP_ADDRESS.0, StatusCode::SMDP_ADDRESS_REFUSED),
    (
        Smdp,
        InitiateAuthentication,
        InitiateError::EUICC_VERSION_NOT_SUPPORTED_BY_DP.0,
        StatusCode::SMDP_SVN_UNSUPPORTED,
    ),
    (Smdp, InitiateAuthentication, InitiateError::CI_PK_NOT_SUPPORTED.0, StatusCode::SMDP_SECURITY_UNSUPPORTED),
    (Smdp, InitiateAuthentication, InitiateError::CI_PK_NOT_SUPPORTED.0, StatusCode::SMDP_CERTIFICATE_UNAVAILABLE),
    (Smdp, AuthenticateClient, ClientError::EUM_CERTIFICATE_INVALID.0, StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED),
    (Smdp, AuthenticateClient, ClientError::EUM_CERTIFICATE_EXPIRED.0, StatusCode::EUM_CERTIFICATE_EXPIRED),
    (
        Smdp,
        AuthenticateClient,
        ClientError::EUICC_CERTIFICATE_INVALID.0,
        StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED,
    ),
    (Smdp, AuthenticateClient, ClientError::EUICC_CERTIFICATE_INVALID.0, StatusCode::EID_RANGE_INVALID),
    (Smdp, AuthenticateClient, ClientError::EUICC_CERTIFICATE_EXPIRED.0, StatusCode::EUICC_CERTIFICATE_EXPIRED),
    (Smdp, AuthenticateClient, ClientError::EUICC_SIGNATURE_INVALID.0, StatusCode::EUICC_VERIFICATION_FAILED),
    (Smdp, AuthenticateClient, ClientError::MATCHING_ID_REFUSED.0, StatusCode::MATCHING_ID_REFUSED),
    (Smdp, AuthenticateClient, ClientError::EID_MISMATCH.0, StatusCode::EID_REFUSED),
    (Smdp, AuthenticateClient, ClientError::NO_ELIGIBLE_PROFILE.0, StatusCode::PROFILE_TYPE_NOT_ELIGIBLE),
    (Smdp, AuthenticateClient, ClientError::CI_PK_UNKNOWN.0, StatusCode::CI_PUBLIC_KEY_UNKNOWN),
    (Smdp, AuthenticateClient, ClientError::INVALID_TRANSACTION_ID.0, StatusCode::TRANSACTION_ID_UNKNOWN),
    (Smdp, AuthenticateClient, ClientError::INSUFFICIENT_MEMORY.0, StatusCode::EUICC_INSUFFICIENT_MEMORY),
    (Smdp, AuthenticateClient, ClientError::DOWNLOAD_ORDER_EXPIRED.0, StatusCode::DOWNLOAD_ORDER_EXPIRED),
    (Smdp, GetBoundProfilePackage, PackageError::EUICC_SIGNATURE_INVALID.0, StatusCode::EUICC_VERIFICATION_FAILED),
    (Smdp, GetBoundProfilePackage, PackageError::CONFIRMATION_CODE_MISSING.0, StatusCode::CONFIRMATION_CODE_MISSING),
    (Smdp, GetBoundProfilePackage, PackageError::CONFIRMATION_CODE_REFUSED.0, StatusCode::CONFIRMATION_CODE_REFUSED),
    (
        Smdp,
        GetBoundProfilePackage,
        PackageError::CONFIRMATION_CODE_RETRIES_EXCEEDED.0,
        StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED,
    ),
    (Smdp, GetBoundProfilePackage, PackageError::BPP_REBINDING_REFUSED.0, StatusCode::PROFILE_UNAVAILABLE),
    (Smdp, GetBoundProfilePackage, PackageError::DOWNLOAD_ORDER_EXPIRED.0, StatusCode::DOWNLOAD_ORDER_EXPIRED),
    (Smdp, GetBoundProfilePackage, PackageError::INVALID_TRANSACTION_ID.0, StatusCode::TRANSACTION_ID_UNKNOWN),
    (Smdp, CancelSession, CancelError::INVALID_TRANSACTION_ID.0, StatusCode::TRANSACTION_ID_UNKNOWN),
    (Smdp, CancelSession, CancelError::EUICC_SIGNATURE_INVALID.0, StatusCode::EUICC_VERIFICATION_FAILED),
    (Smds, InitiateAuthentication, InitiateError::INVALID_DP_ADDRESS.0, StatusCode::SMDS_ADDRESS_REFUSED),
    (
        Smds,
        InitiateAuthentication,
        InitiateError::EUICC_VERSION_NOT_SUPPORTED_BY_DP.0,
        StatusCode::SMDS_SVN_UNSUPPORTED,
    ),
    (Smds, InitiateAuthentication, InitiateError::CI_PK_NOT_SUPPORTED.0, StatusCode::SMDS_SECURITY_UNSUPPORTED),
    (Smds, InitiateAuthentication, InitiateError::CI_PK_NOT_SUPPORTED.0, StatusCode::SMDS_CERTIFICATE_UNAVAILABLE),
    (Smds, AuthenticateClient, Es11Error::EUM_CERTIFICATE_INVALID.0, StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED),
    (Smds, AuthenticateClient, Es11Error::EUM_CERTIFICATE_INVALID.0, StatusCode::CI_PUBLIC_KEY_UNKNOWN),
    (Smds, AuthenticateClient, Es11Error::EUM_CERTIFICATE_EXPIRED.0, StatusCode::EUM_CERTIFICATE_EXPIRED),
    (
        Smds,
        AuthenticateClient,
        Es11Error::EUICC_CERTIFICATE_INVALID.0,
        StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED,
    ),
    (Smds, AuthenticateClient, Es11Error::EUICC_CERTIFICATE_INVALID.0, StatusCode::EID_RANGE_INVALID),
    (Smds, AuthenticateClient, Es11Error::EUICC_CERTIFICATE_EXPIRED.0, StatusCode::EUICC_CERTIFICATE_EXPIRED),
    (Smds, AuthenticateClient, Es11Error::EUICC_SIGNATURE_INVALID.0, StatusCode::EUICC_VERIFICATION_FAILED),
    (Smds, AuthenticateClient, Es11Error::EVENT_ID_UNKNOWN.0, StatusCode::EVENT_RECORD_UNKNOWN),
    (Smds, AuthenticateClient, Es11Error::EVENT_ID_UNKNOWN.0, StatusCode::MATCHING_ID_REFUSED),
    (Smds, AuthenticateClient, Es11Error::INVALID_TRANSACTION_ID.0, StatusCode::TRANSACTION_ID_UNKNOWN),
];
