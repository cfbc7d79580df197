//! What can go wrong in the SM-DP+, sorted by blame. [`status`](crate::status) turns it into codes.

use rsp_asn1::{DownloadErrorCode, Iccid};
use rsp_es::status::StatusCode;
use rsp_store::ProfileState;

use crate::order::InvalidTransition;

/// Errors of the SM-DP+.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The LPA's fault, or its user's.
    /// No session with this transactionId waits for this function, or the id inside the signed data is another.
    #[error("the transactionId is unknown")]
    TransactionIdUnknown,
    /// No order has this matching ID.
    #[error("no order has this matching ID")]
    MatchingIdRefused,
    /// The order is for another eUICC, or none is for this one.
    #[error("no order is for this EID")]
    EidRefused,
    /// The order is neither Released nor Downloaded.
    #[error("the profile is not released")]
    ProfileNotReleased,
    /// The order's life is over.
    #[error("the download order has expired")]
    OrderExpired,
    /// The profile was delivered too often without success.
    #[error("too many downloads of this order")]
    DownloadRetriesExceeded,
    /// The order needs a confirmation code.
    #[error("the confirmation code is missing")]
    ConfirmationCodeMissing,
    /// The confirmation code is wrong.
    #[error("the confirmation code is wrong")]
    ConfirmationCodeRefused,
    /// The confirmation code was wrong too often.
    #[error("too many wrong confirmation codes")]
    ConfirmationCodeRetriesExceeded,
    /// The package is bound to another one-time key, and is not bound again.
    #[error("the profile is bound to another one-time key")]
    RebindingRefused,

    // The eUICC's fault, or that of whoever altered its messages.
    /// Mutual authentication failed.
    #[error(transparent)]
    Authentication(#[from] rsp_auth::Error),
    /// The eUICC refused to prepare the download.
    #[error("the eUICC refused the download: {0}")]
    DownloadRefusedByEuicc(DownloadErrorCode),
    /// The eUICC's one-time key is no point of the session's curve.
    #[error("otPK.EUICC.ECKA is not a point of the session's curve")]
    OneTimeKeyInvalid,
    /// The signed data name another SM-DP+.
    #[error("the OID is not the one of this SM-DP+")]
    OidMismatch,
    /// The profile does not fit into the eUICC.
    #[error("the profile needs {needed} bytes, the eUICC has {free}")]
    InsufficientMemory {
        /// Octets of the profile package.
        needed: u32,
        /// Free non-volatile memory of the eUICC in octets.
        free: u32,
    },
    /// The profile does not suit the eUICC.
    #[error("the profile is not eligible: {0}")]
    NotEligible(&'static str),

    // The operator's fault.
    /// There is no such profile type.
    #[error("there is no profile type {0:?}")]
    ProfileTypeUnknown(String),
    /// The inventory of this type is empty.
    #[error("no profile of type {0:?} is left")]
    ProfileTypeUnavailable(String),
    /// A profile type of this name exists and is of the other kind (template or inventory).
    #[error("there is already a profile type {0:?}")]
    ProfileTypeExists(String),
    /// Orders of this profile type are not taken any more.
    #[error("the profile type {0:?} is closed")]
    ProfileTypeClosed(String),
    /// The profile with this ICCID is of another type than the one ordered.
    #[error("the profile with ICCID {0} is of another type")]
    ProfileTypeRefused(Iccid),
    /// Neither a profile nor a profile type was ordered.
    #[error("an order names an ICCID or a profile type")]
    NothingOrdered,
    /// There is no profile with this ICCID.
    #[error("there is no profile with ICCID {0}")]
    IccidUnknown(Iccid),
    /// The ICCID is outside of the operator's range.
    #[error("the ICCID {0} is outside of the operator's range")]
    IccidNotAllowed(Iccid),
    /// The profile was ordered before.
    #[error("the profile with ICCID {0} was ordered before")]
    IccidInUse(Iccid),
    /// The profile is on an eUICC, or on its way there.
    #[error("the profile with ICCID {0} is {1}")]
    DownloadedAlready(Iccid, ProfileState),
    /// The order is not waiting for a confirmation.
    #[error("the order of ICCID {0} is {1} and not to be confirmed")]
    NotToBeConfirmed(Iccid, ProfileState),
    /// The order is not waiting for its release.
    #[error("the order of ICCID {0} is {1} and not to be released")]
    NotToBeReleased(Iccid, ProfileState),
    /// The order is for another EID.
    #[error("the order of ICCID {0} is for another EID")]
    EidAssociated(Iccid),
    /// An order by EID alone, or with an SM-DS, needs an EID; so does cancelling an order for one.
    #[error("the order needs an EID")]
    EidMissing,
    /// The order to be cancelled is for another EID.
    #[error("the order of ICCID {0} belongs to another EID")]
    IccidAssociated(Iccid),
    /// The order to be cancelled has another matching ID.
    #[error("the order of ICCID {0} has another matching ID")]
    MatchingIdAssociated(Iccid),
    /// CancelOrder lacks the ICCID or what becomes of the profile.
    #[error("cancelling an order needs the ICCID and the final status of the profile")]
    CancelIncomplete,
    /// The address of the SM-DS cannot be read.
    #[error("{0:?} is no address of an SM-DS")]
    SmdsAddressInvalid(String),
    /// The client certificate is no operator's.
    #[error("the client certificate belongs to no operator")]
    OperatorUnknown,
    /// An identifier in the header of a request is too long.
    #[error("the identifiers in a header have at most {0} octets")]
    IdentifierTooLong(usize),
    /// An operator of this name, or with this certificate, exists.
    #[error("there is already an operator {0:?}, or one with its certificate")]
    OperatorExists(String),
    /// A file of offline orders is not what it should be.
    #[error("offline batch: {0}")]
    Batch(String),
    /// A file of offline orders that was loaded before.
    #[error("this offline batch is loaded already")]
    BatchLoaded,
    /// The range of ICCIDs is none.
    #[error("range of ICCIDs: {0}")]
    IccidRange(&'static str),
    /// A prefix of IMSIs has other characters or another length.
    #[error("{0:?} is no prefix of IMSIs: 5 to 14 digits, MCC and MNC first")]
    ImsiPrefix(String),
    /// An IMSI would be two operators'.
    #[error("IMSIs that begin with {prefix} are those of the operator {owner:?}, or some of them")]
    ImsiPrefixTaken {
        /// What was asked for.
        prefix: String,
        /// Whose they are.
        owner: String,
    },
    /// Subscribers and ICCIDs can be given to templates only.
    #[error("{0:?} is no template: only those are personalised")]
    NoTemplate(String),
    /// An IMSI exists.
    #[error("there is already a subscriber with IMSI {0}")]
    ImsiExists(String),
    /// An IMSI has other characters or another length.
    #[error("{0:?} is no IMSI: 6 to 15 digits")]
    ImsiInvalid(String),
    /// A profile with this ICCID exists.
    #[error("there is already a profile with ICCID {0}")]
    IccidExists(Iccid),
    /// A package of this profile was delivered, and nobody reported its deletion: it may be on an eUICC.
    #[error("the profile with ICCID {0} was delivered and may be on an eUICC: it can only become Unavailable")]
    AlreadyDownloaded(Iccid),
    /// The matching ID has characters that none has.
    #[error("a matching ID has 1 to 255 digits, upper-case letters and hyphens")]
    MatchingIdInvalid,
    /// The matching ID was used before.
    #[error("this matching ID was used before")]
    MatchingIdInUse,
    /// The confirmation code is empty or too long.
    #[error("a confirmation code has 1 to 255 printable ASCII characters, no blank at either end")]
    ConfirmationCodeInvalid,
    /// The state of the order does not allow it.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// The profile package cannot be read or personalised.
    #[error("profile package: {0}")]
    Package(#[from] rsp_saip::Error),
    /// The package leaves a door open, and nobody said that it may: only a test profile can be allowed to.
    #[error("{0}; only a profile of the test class may be so, and only if that is allowed")]
    PackageOpen(rsp_saip::lint::Finding),
    /// The package has keys that no eUICC takes in a test profile (SGP.22 2.4.5.3), or will have.
    #[error(
        "an eUICC takes only test keys in a profile of the test class, and {0}; choose another class, or give it test keys"
    )]
    KeyNotForTests(String),
    /// The metadata are not what SGP.22 allows.
    #[error("{field}: {problem}")]
    Metadata {
        /// Which element.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },

    // The fault of the SM-DS, or of the way there.
    /// The SM-DS did not answer.
    #[error("the SM-DS does not answer: {0}")]
    SmdsInaccessible(String),
    /// The SM-DS refused the event.
    #[error("the SM-DS refuses the event: {0}")]
    SmdsRefused(StatusCode),

    // The server's own fault.
    /// The datastore failed.
    #[error("datastore: {0}")]
    Store(#[from] rsp_store::Error),
    /// Another step changed the same order in between, again and again.
    #[error("too much happens to this order at once")]
    Contention,
    /// Something that the server stored cannot be read.
    #[error("stored {0} is damaged")]
    Damaged(&'static str),
    /// No certificate for binding under the CI of this session.
    #[error("no DPpb certificate under the CI of this session")]
    NoBindingCredential,
    /// Encoding a message of ours failed.
    #[error("encoding: {0}")]
    Encoding(#[from] rsp_asn1::EncodeError),
    /// A cryptographic library failed.
    #[error("cryptography: {0}")]
    Crypto(#[from] rsp_crypto::Error),
}

impl From<rsp_auth::blob::BlobError> for Error {
    fn from(_: rsp_auth::blob::BlobError) -> Self {
        Self::Damaged("session")
    }
}
