//! PrepareDownload: the profile is announced, the eUICC gives its one-time key (SGP.22 5.7.5).

use crate::named::named_integer;
use crate::{Octet32, OneTimePublicKey, Raw, Signature5F37, TransactionId, Unknown, pkix};
use rasn::prelude::*;

/// ```text
/// PrepareDownloadRequest ::= [33] SEQUENCE {                                                      -- BF21
///     smdpSigned2, smdpSignature2 [APPLICATION 55], hashCc OCTET STRING (SIZE (32)) OPTIONAL, smdpCertificate }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 33))]
pub struct PrepareDownloadRequest {
    /// What the SM-DP+ signed.
    pub smdp_signed2: Raw<SmdpSigned2>,
    /// By SK.DPpb over `smdp_signed2` and euiccSignature1.
    pub smdp_signature2: Signature5F37,
    /// Hashed Confirmation Code.
    pub hash_cc: Option<Octet32>,
    /// CERT.DPpb.ECDSA.
    pub smdp_certificate: Raw<pkix::Certificate>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// SmdpSigned2 ::= SEQUENCE { transactionId [0], ccRequiredFlag BOOLEAN, bppEuiccOtpk [APPLICATION 73] OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct SmdpSigned2 {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// Whether the End User must enter a Confirmation Code.
    pub cc_required_flag: bool,
    /// The key for which a package is already bound.
    pub bpp_euicc_otpk: Option<OneTimePublicKey>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// PrepareDownloadResponse ::= [33] CHOICE { downloadResponseOk [0], downloadResponseError [1] }    -- BF21
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 33)))]
pub enum PrepareDownloadResponse {
    /// Ready to receive.
    #[rasn(tag(context, 0))]
    Ok(PrepareDownloadResponseOk),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(PrepareDownloadResponseError),
}

/// ```text
/// PrepareDownloadResponseOk ::= SEQUENCE { euiccSigned2, euiccSignature2 [APPLICATION 55] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct PrepareDownloadResponseOk {
    /// What the eUICC signed.
    pub euicc_signed2: Raw<EuiccSigned2>,
    /// By SK.EUICC over `euicc_signed2` and smdpSignature2.
    pub euicc_signature2: Signature5F37,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// EUICCSigned2 ::= SEQUENCE { transactionId [0], euiccOtpk [APPLICATION 73], hashCc OCTET STRING (SIZE (32)) OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct EuiccSigned2 {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// otPK.EUICC.ECKA.
    pub euicc_otpk: OneTimePublicKey,
    /// Hashed Confirmation Code.
    pub hash_cc: Option<Octet32>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// PrepareDownloadResponseError ::= SEQUENCE { transactionId [0], downloadErrorCode INTEGER }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct PrepareDownloadResponseError {
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// Why the eUICC refused.
    pub download_error_code: DownloadErrorCode,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// Why an eUICC refuses to prepare a download.
    pub DownloadErrorCode {
        /// CERT.DPpb does not verify, or is not of the SM-DP+ that authenticated itself.
        INVALID_CERTIFICATE = 1 => "invalidCertificate",
        /// smdpSignature2 does not verify.
        INVALID_SIGNATURE = 2 => "invalidSignature",
        /// A curve that the eUICC does not have.
        UNSUPPORTED_CURVE = 3 => "unsupportedCurve",
        /// No server has been authenticated.
        NO_SESSION_CONTEXT = 4 => "noSessionContext",
        /// Another session was signed.
        INVALID_TRANSACTION_ID = 5 => "invalidTransactionId",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}
