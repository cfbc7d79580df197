//! ProfileInstallationResult: how the loading of a Bound Profile Package ended (SGP.22 2.5.6, 5.7.6).

use crate::named::named_integer;
use crate::{IsdpAid, NotificationMetadata, OctetString, Raw, Signature5F37, TransactionId, Unknown};
use rasn::prelude::*;

/// ```text
/// ProfileInstallationResult ::= [55] SEQUENCE { profileInstallationResultData [39], euiccSignPIR [APPLICATION 55] }   -- BF37
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 55))]
pub struct ProfileInstallationResult {
    /// What the eUICC signed.
    pub profile_installation_result_data: Raw<ProfileInstallationResultData>,
    /// By SK.EUICC.
    pub euicc_sign_pir: Signature5F37,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ProfileInstallationResultData ::= [39] SEQUENCE {                                               -- BF27
///     transactionId [0], notificationMetadata [47], smdpOid OBJECT IDENTIFIER, finalResult [2] CHOICE { successResult [0], errorResult [1] } }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 39))]
pub struct ProfileInstallationResultData {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// Sequence number, address and profile.
    pub notification_metadata: NotificationMetadata,
    /// The SM-DP+ as CERT.DPpb names it.
    pub smdp_oid: ObjectIdentifier,
    /// How it ended.
    #[rasn(tag(explicit(context, 2)))]
    pub final_result: FinalResult,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// How an installation ended.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice)]
pub enum FinalResult {
    /// The profile is installed.
    #[rasn(tag(context, 0))]
    Success(SuccessResult),
    /// Nothing of it remains.
    #[rasn(tag(context, 1))]
    Error(ErrorResult),
}

/// ```text
/// SuccessResult ::= SEQUENCE { aid [APPLICATION 15], simaResponse OCTET STRING }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct SuccessResult {
    /// The new ISD-P.
    pub aid: IsdpAid,
    /// EUICCResponse of the TCA profile package specification.
    pub sima_response: OctetString,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ErrorResult ::= SEQUENCE { bppCommandId [0], errorReason [1], simaResponse [2] OCTET STRING OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct ErrorResult {
    /// The command that failed.
    #[rasn(tag(context, 0))]
    pub bpp_command_id: BppCommandId,
    /// Why.
    #[rasn(tag(context, 1))]
    pub error_reason: ErrorReason,
    /// EUICCResponse, where profile elements had been reached.
    #[rasn(tag(context, 2))]
    pub sima_response: Option<OctetString>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// The command of a Bound Profile Package.
    pub BppCommandId {
        /// InitialiseSecureChannel.
        INITIALISE_SECURE_CHANNEL = 0 => "initialiseSecureChannel",
        /// ConfigureISDP.
        CONFIGURE_ISDP = 1 => "configureISDP",
        /// StoreMetadata.
        STORE_METADATA = 2 => "storeMetadata",
        /// StoreMetadata, second part.
        STORE_METADATA2 = 3 => "storeMetadata2",
        /// ReplaceSessionKeys.
        REPLACE_SESSION_KEYS = 4 => "replaceSessionKeys",
        /// LoadProfileElements.
        LOAD_PROFILE_ELEMENTS = 5 => "loadProfileElements",
    }
}

named_integer! {
    /// Why a Bound Profile Package could not be installed.
    pub ErrorReason {
        /// A field has a bad value.
        INCORRECT_INPUT_VALUES = 1 => "incorrectInputValues",
        /// smdpSign does not verify.
        INVALID_SIGNATURE = 2 => "invalidSignature",
        /// Another session.
        INVALID_TRANSACTION_ID = 3 => "invalidTransactionId",
        /// Key type or length is not AES-128.
        UNSUPPORTED_CRT_VALUES = 4 => "unsupportedCrtValues",
        /// Not installBoundProfilePackage.
        UNSUPPORTED_REMOTE_OPERATION_TYPE = 5 => "unsupportedRemoteOperationType",
        /// A class that the eUICC does not support.
        UNSUPPORTED_PROFILE_CLASS = 6 => "unsupportedProfileClass",
        /// Tag, length or order of segments.
        SCP03T_STRUCTURE_ERROR = 7 => "scp03tStructureError",
        /// MAC or decryption.
        SCP03T_SECURITY_ERROR = 8 => "scp03tSecurityError",
        /// The ICCID is installed already.
        INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC = 9 => "installFailedDueToIccidAlreadyExistsOnEuicc",
        /// Too little memory; temporary.
        INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE = 10 => "installFailedDueToInsufficientMemoryForProfile",
        /// Power was lost; temporary.
        INSTALL_FAILED_DUE_TO_INTERRUPTION = 11 => "installFailedDueToInterruption",
        /// A profile element could not be processed.
        INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR = 12 => "installFailedDueToPEProcessingError",
        /// The metadata say otherwise than the content.
        INSTALL_FAILED_DUE_TO_DATA_MISMATCH = 13 => "installFailedDueToDataMismatch",
        /// A test profile with a key that is not for tests.
        TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY = 14 => "testProfileInstallFailedDueToInvalidNaaKey",
        /// Its policy rules are not allowed here.
        PPR_NOT_ALLOWED = 15 => "pprNotAllowed",
        /// Anything else.
        INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR = 127 => "installFailedDueToUnknownError",
    }
}
