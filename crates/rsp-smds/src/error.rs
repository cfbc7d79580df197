//! What can go wrong in the SM-DS, sorted by blame. [`status`](crate::status) turns it into codes.

use rsp_pki::PathError;

/// Errors of the SM-DS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The LPA's fault.
    /// This transactionId was given to nobody, its time is over, or it had its answer.
    #[error("the transactionId is unknown")]
    TransactionIdUnknown,

    // The eUICC's fault, or that of whoever altered its messages.
    /// Mutual authentication failed.
    #[error(transparent)]
    Authentication(#[from] rsp_auth::Error),

    // The registrar's fault, or the LPA's that asks for an event.
    /// There is no such event for this eUICC, or it is not the caller's.
    #[error("the event is unknown")]
    EventUnknown,
    /// The registrar has an event with this EventID.
    #[error("the event is registered already")]
    EventInUse,
    /// The registrar has as many events as it may have.
    #[error("no more than {limit} events {scope}")]
    TooManyEvents {
        /// How many there may be.
        limit: u32,
        /// Of what, to be read behind the number.
        scope: &'static str,
    },
    /// The EventID has characters that none has.
    #[error("an EventID has 1 to 255 digits, upper-case letters and hyphens")]
    EventIdInvalid,
    /// The address is not one.
    #[error("an address is a host name or IP address with an optional port")]
    AddressInvalid,
    /// The caller showed no certificate.
    #[error("the caller shows no TLS certificate")]
    CertificateMissing,
    /// The caller's certificate cannot be read.
    #[error("the caller's TLS certificate: {0}")]
    CertificateUnreadable(rsp_pki::Error),
    /// The caller's certificate is not of its role under a trusted CI, or not now.
    #[error("the caller's TLS certificate: {0}")]
    CertificateInvalid(PathError),
    /// The caller's certificate does not say whose it is.
    #[error("the caller's TLS certificate has no OID in its subjectAltName")]
    CertificateWithoutOid,

    // The server's own fault.
    /// There is no DSauth certificate.
    #[error("an SM-DS needs a DSauth certificate")]
    NoCredential,
    /// The parent is this SM-DS.
    #[error("an SM-DS is not its own parent")]
    ParentIsSelf,
    /// The datastore failed.
    #[error("datastore: {0}")]
    Store(rsp_store::Error),
}

impl From<rsp_store::Error> for Error {
    fn from(error: rsp_store::Error) -> Self {
        match error {
            rsp_store::Error::Duplicate { what: "event" } => Self::EventInUse,
            other => Self::Store(other),
        }
    }
}
