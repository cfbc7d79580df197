//! LoadCRL (SGP.22 5.7.12, v2 only).

use crate::named::named_integer;
use crate::{Unknown, pkix};
use rasn::prelude::*;

/// ```text
/// LoadCRLRequest ::= [53] SEQUENCE { crl [0] CertificateList }                                    -- BF35
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 53))]
pub struct LoadCrlRequest {
    /// A CRL of a CI, whole or one part of it.
    #[rasn(tag(context, 0))]
    pub crl: pkix::CertificateList,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// LoadCRLResponse ::= [53] CHOICE { loadCRLResponseOk [0], loadCRLResponseError [1] INTEGER }      -- BF35
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(choice, tag(explicit(context, 53)))]
pub enum LoadCrlResponse {
    /// Loaded.
    #[rasn(tag(context, 0))]
    Ok(LoadCrlResponseOk),
    /// Refused.
    #[rasn(tag(context, 1))]
    Error(LoadCrlResponseError),
}

/// ```text
/// LoadCRLResponseOk ::= SEQUENCE { missingParts [0] SEQUENCE OF INTEGER OPTIONAL }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadCrlResponseOk {
    /// Parts of a segmented CRL that have not been loaded yet.
    #[rasn(tag(context, 0))]
    pub missing_parts: Option<Vec<u64>>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// Why a CRL was refused.
    pub LoadCrlResponseError {
        /// Its signature does not verify.
        INVALID_SIGNATURE = 1 => "invalidSignature",
        /// It is not a CRL of this kind.
        INVALID_CRL_FORMAT = 2 => "invalidCRLFormat",
        /// Too little memory.
        NOT_ENOUGH_MEMORY_SPACE = 3 => "notEnoughMemorySpace",
        /// The CI is not known.
        VERIFICATION_KEY_NOT_FOUND = 4 => "verificationKeyNotFound",
        /// A later one is there.
        FRESHER_CRL_ALREADY_LOADED = 5 => "fresherCrlAlreadyLoaded",
        /// The base of a delta CRL is missing.
        BASE_CRL_MISSING = 6 => "baseCrlMissing",
        /// Anything else.
        UNDEFINED_ERROR = 127 => "undefinedError",
    }
}
