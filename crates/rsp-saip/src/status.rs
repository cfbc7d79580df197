//! EUICCResponse: what an eUICC reports about each profile element (TCA profile package 8.12).

use rasn::prelude::*;

use crate::asn1::{Text, Unknown};

/// ```text
/// EUICCResponse ::= SEQUENCE {
///     peStatus [0] SEQUENCE OF PEStatus, profileInstallationAborted [1] NULL OPTIONAL,
///     statusMessage [2] UTF8String (2..64) OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct EuiccResponse {
    /// Status of the elements; a single "ok" without identification speaks for all of them.
    #[rasn(tag(context, 0))]
    pub pe_status: Vec<PeStatus>,
    /// Set when nothing of the profile remains.
    #[rasn(tag(context, 1))]
    pub profile_installation_aborted: Option<()>,
    /// Text for humans.
    #[rasn(tag(context, 2))]
    pub status_message: Option<Text<2, 64>>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

impl EuiccResponse {
    /// The answer to a package of which every element was processed.
    pub fn success() -> Self {
        Self {
            pe_status: vec![PeStatus::new(PeStatusCode::OK, None)],
            profile_installation_aborted: None,
            status_message: None,
            unknown: Unknown::default(),
        }
    }

    /// The answer to a package that was given up.
    pub fn aborted(pe_status: Vec<PeStatus>, message: &str) -> Self {
        // The type allows 2 to 64 characters; a text outside of that is not worth failing for.
        let message: String = message.chars().take(64).collect();
        Self {
            pe_status,
            profile_installation_aborted: Some(()),
            status_message: (message.chars().count() >= 2).then_some(Text(message)),
            unknown: Unknown::default(),
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// The decoder's words when the bytes are not exactly one EUICCResponse.
    pub fn from_der(bytes: &[u8]) -> Result<Self, String> {
        crate::tlv::first(bytes)
            .and_then(|tlv| crate::tlv::check(&tlv))
            .map_err(|error| format!("offset {}: {}", error.offset, error.problem))?;
        rasn::der::decode(bytes).map_err(|error| error.to_string())
    }

    /// Encodes the answer.
    ///
    /// # Errors
    /// The encoder's words when a field breaks its constraint.
    pub fn to_der(&self) -> Result<Vec<u8>, String> {
        rasn::der::encode(self).map_err(|error| error.to_string())
    }
}

/// ```text
/// PEStatus ::= SEQUENCE {
///     status [0] INTEGER, identification [1] UInt15 OPTIONAL, additional-information [2] UInt8 OPTIONAL,
///     offset [3] UInt31 OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct PeStatus {
    /// What became of the element.
    #[rasn(tag(context, 0))]
    pub status: PeStatusCode,
    /// Identification in the element's header.
    #[rasn(tag(context, 1), value("0..=32767"))]
    pub identification: Option<u16>,
    /// Detail of the status.
    #[rasn(tag(context, 2))]
    pub additional_information: Option<u8>,
    /// Where in the element.
    #[rasn(tag(context, 3), value("0..=2147483647"))]
    pub offset: Option<u32>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

impl PeStatus {
    /// A status without details.
    pub fn new(status: PeStatusCode, identification: Option<u16>) -> Self {
        Self { status, identification, additional_information: None, offset: None, unknown: Unknown::default() }
    }
}

/// Status of one profile element; values of 6xxx and 9xxx are status words of ISO 7816-4.
#[derive(AsnType, Debug, Clone, Copy, PartialEq, Eq, Decode, Encode)]
#[rasn(delegate)]
pub struct PeStatusCode(pub u32);

macro_rules! statuses {
    ($($value:literal $name:ident $text:literal),* $(,)?) => {
        impl PeStatusCode {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($value);)*
        }

        impl std::fmt::Display for PeStatusCode {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.0 { $($value => f.write_str($text),)* other => write!(f, "status {other:#06X}") }
            }
        }
    };
}

statuses! {
    0 OK "ok", 1 PE_NOT_SUPPORTED "pe-not-supported", 2 MEMORY_FAILURE "memory-failure", 3 BAD_VALUES "bad-values",
    4 NOT_ENOUGH_MEMORY "not-enough-memory", 5 INVALID_REQUEST_FORMAT "invalid-request-format",
    6 INVALID_PARAMETER "invalid-parameter", 7 RUNTIME_NOT_SUPPORTED "runtime-not-supported",
    8 LIB_NOT_SUPPORTED "lib-not-supported", 9 TEMPLATE_NOT_SUPPORTED "template-not-supported",
    10 FEATURE_NOT_SUPPORTED "feature-not-supported", 11 PIN_CODE_MISSING "pin-code-missing",
    31 UNSUPPORTED_PROFILE_VERSION "unsupported-profile-version",
}
