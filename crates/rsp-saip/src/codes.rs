//! PE-PINCodes and PE-PUKCodes (TCA profile package 8.5).

use rasn::prelude::*;

use crate::asn1::{Secret, Unknown};
use crate::header::PeHeader;

/// ```text
/// PE-PINCodes ::= SEQUENCE { pin-Header [0] PEHeader, pinCodes [1] CHOICE … }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct PinCodes {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// PINs of the current DF, or the DF that shares its own.
    #[rasn(tag(explicit(context, 1)))]
    pub codes: PinCodesChoice,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// CHOICE { pinconfig [0] SEQUENCE (1..26) OF PINConfiguration, filePath [1] OCTET STRING (0..8) }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
#[rasn(choice)]
pub enum PinCodesChoice {
    /// PINs of their own.
    #[rasn(tag(context, 0), size("1..=26"))]
    PinConfig(Vec<PinConfiguration>),
    /// The PINs of the DF or ADF at this path.
    #[rasn(tag(context, 1), size("0..=8"))]
    FilePath(OctetString),
}

/// ```text
/// PINConfiguration ::= SEQUENCE {
///     keyReference [0] INTEGER, pinValue [1] OCTET STRING (8), unblockingPINReference [2] INTEGER OPTIONAL,
///     pinAttributes [3] UInt8 DEFAULT 7, maxNumOfAttemps-retryNumLeft [4] UInt8 DEFAULT 51 }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct PinConfiguration {
    /// Key reference: 1 to 8 global, 10 to 14 and 138 to 142 administrative, 129 to 136 local.
    #[rasn(tag(context, 0))]
    pub key_reference: u8,
    /// Eight bytes, padded with FF.
    #[rasn(tag(context, 1), size("8"))]
    pub value: Secret,
    /// Reference of the PUK that unblocks this PIN; none means that it cannot be unblocked.
    #[rasn(tag(context, 2))]
    pub unblocking_reference: Option<u8>,
    /// Bit 1 enabled, bit 2 may be changed, bit 3 may be disabled. Default 7.
    #[rasn(tag(context, 3))]
    pub attributes: Option<u8>,
    /// High nibble: attempts in all; low nibble: attempts left. Default 33.
    #[rasn(tag(context, 4))]
    pub attempts: Option<u8>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// PE-PUKCodes ::= SEQUENCE { puk-Header [0] PEHeader, pukCodes [1] SEQUENCE (1..16) OF PUKConfiguration }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct PukCodes {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// The unblocking codes of the whole profile.
    #[rasn(tag(context, 1), size("1..=16"))]
    pub codes: Vec<PukConfiguration>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// PUKConfiguration ::= SEQUENCE {
///     keyReference [0] INTEGER, pukValue [1] OCTET STRING (8), maxNumOfAttemps-retryNumLeft [2] UInt8 DEFAULT 170 }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct PukConfiguration {
    /// Reference by which PINs name this code.
    #[rasn(tag(context, 0))]
    pub key_reference: u8,
    /// Eight bytes.
    #[rasn(tag(context, 1), size("8"))]
    pub value: Secret,
    /// High nibble: attempts in all; low nibble: attempts left. Default AA.
    #[rasn(tag(context, 2))]
    pub attempts: Option<u8>,
    /// Elements of a later version.
    pub unknown: Unknown,
}
