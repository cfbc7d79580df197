//! What can go wrong, sorted by blame.

use rsp_asn1::{AuthenticateErrorCode, VersionType};
use rsp_pki::PathError;

/// Why an authentication failed. The server turns it into a subject and reason code of its role.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The LPA's fault.
    /// The request names the address of another server.
    #[error("the address in the request is not an address of this server")]
    AddressRefused,
    /// The transactionId is not the session's, outside or inside the signed data.
    #[error("the transactionId is not the one of this session")]
    TransactionIdUnknown,

    // The eUICC's fault, or that of whoever altered its messages.
    /// The eUICC's version is below the server's minimum, or of another major version.
    #[error("SVN {0} is not supported")]
    SvnUnsupported(VersionType),
    /// The eUICC and the server have no CI in common.
    #[error("the eUICC and this server trust no common CI")]
    CiUnsupported,
    /// There is a common CI, but no valid server certificate under it, or the eUICC cannot sign under a trusted one.
    #[error("no server certificate under a CI that the eUICC accepts")]
    CertificateUnavailable,
    /// The eUICC refused this server.
    #[error("the eUICC refused the server: {0}")]
    RefusedByEuicc(AuthenticateErrorCode),
    /// The EUM's certificate names a CI that the server does not trust.
    #[error("the CI of the EUM certificate is unknown")]
    CiUnknown,
    /// The EUM certificate is not valid.
    #[error("EUM certificate: {0}")]
    EumCertificateInvalid(PathError),
    /// The EUM certificate is out of its validity.
    #[error("EUM certificate: {0}")]
    EumCertificateExpired(PathError),
    /// The eUICC certificate is not valid.
    #[error("eUICC certificate: {0}")]
    EuiccCertificateInvalid(PathError),
    /// The eUICC certificate is out of its validity.
    #[error("eUICC certificate: {0}")]
    EuiccCertificateExpired(PathError),
    /// A signature of the eUICC does not verify, or it is not over this session's values.
    #[error("the eUICC's signature is invalid, or not over the values of this session")]
    SignatureInvalid,

    // The server's own fault.
    /// A credential's key does not belong to its certificate, or the certificate lacks what its role needs.
    #[error("server credential: {0}")]
    CredentialInvalid(&'static str),
    /// The server's certificate is not valid under the trusted CIs.
    #[error("server certificate: {0}")]
    OwnCertificateInvalid(PathError),
    /// Encoding a message of ours failed.
    #[error("encoding: {0}")]
    Encoding(#[from] rsp_asn1::EncodeError),
    /// A cryptographic library failed.
    #[error("cryptography: {0}")]
    Crypto(rsp_crypto::Error),
}
