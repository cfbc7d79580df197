//! PE-AKAParameter and PE-CDMAParameter: the subscriber's keys (TCA profile package 8.6).

use rasn::prelude::*;

use crate::asn1::{Secret, Unknown};
use crate::header::PeHeader;

/// ```text
/// PE-AKAParameter ::= SEQUENCE {
///     aka-header [0] PEHeader, algoConfiguration [1] CHOICE …, sqnOptions [2] OCTET STRING (1) DEFAULT '02'H,
///     sqnDelta [3] OCTET STRING (6) DEFAULT '000010000000'H, sqnAgeLimit [4] OCTET STRING (6) DEFAULT '000010000000'H,
///     sqnInit [5] SEQUENCE (32) OF OCTET STRING (6) DEFAULT all zero }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct AkaParameter {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// Algorithm and key, or the application that shares its own.
    #[rasn(tag(explicit(context, 1)))]
    pub algorithm: AlgorithmConfiguration,
    /// Which checks of the sequence number apply.
    #[rasn(tag(context, 2), size("1"))]
    pub sqn_options: Option<OctetString>,
    /// How far a sequence number may jump ahead.
    #[rasn(tag(context, 3), size("6"))]
    pub sqn_delta: Option<OctetString>,
    /// How old a sequence number may be.
    #[rasn(tag(context, 4), size("6"))]
    pub sqn_age_limit: Option<OctetString>,
    /// Sequence numbers without their index, one for each index.
    #[rasn(tag(context, 5), size("32"))]
    pub sqn_init: Option<Vec<SequenceNumber>>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// `OCTET STRING (SIZE (6))`: a sequence number, big-endian.
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
#[rasn(delegate, size("6"))]
pub struct SequenceNumber(pub OctetString);

/// ```text
/// CHOICE { mappingParameter [0] MappingParameter, algoParameter [1] AlgoParameter }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
#[rasn(choice)]
#[allow(clippy::large_enum_variant, reason = "the large variant is the common one")]
pub enum AlgorithmConfiguration {
    /// Parameters are shared with another application.
    #[rasn(tag(context, 0))]
    Mapping(MappingParameter),
    /// Parameters of its own.
    #[rasn(tag(context, 1))]
    Algorithm(AlgoParameter),
}

/// ```text
/// MappingParameter ::= SEQUENCE { mappingOptions [0] OCTET STRING (1), mappingSource [1] ApplicationIdentifier }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct MappingParameter {
    /// What is shared.
    #[rasn(tag(context, 0), size("1"))]
    pub options: OctetString,
    /// AID of the application whose parameters are used.
    #[rasn(tag(context, 1), size("5..=16"))]
    pub source: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// AlgoParameter ::= SEQUENCE {
///     algorithmID [0] INTEGER, algorithmOptions [1] OCTET STRING (1), key [2] OCTET STRING, opc [3] OCTET STRING,
///     rotationConstants [4] OCTET STRING (5) DEFAULT '4000204060'H, xoringConstants [5] OCTET STRING (80) DEFAULT …,
///     authCounterMax [6] OCTET STRING (3) OPTIONAL, numberOfKeccak [7] UInt8 DEFAULT 1 }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct AlgoParameter {
    /// One of [`AlgoParameter::MILENAGE`], [`AlgoParameter::TUAK`], [`AlgoParameter::USIM_TEST`].
    #[rasn(tag(context, 0))]
    pub algorithm_id: u8,
    /// Lengths of RES and MAC.
    #[rasn(tag(context, 1), size("1"))]
    pub options: OctetString,
    /// K, 16 bytes (32 also for TUAK).
    #[rasn(tag(context, 2))]
    pub key: Secret,
    /// OPc of Milenage, TOPc of TUAK.
    #[rasn(tag(context, 3))]
    pub opc: Secret,
    /// r1 to r5 of Milenage, in bits.
    #[rasn(tag(context, 4), size("5"))]
    pub rotation_constants: Option<OctetString>,
    /// c1 to c5 of Milenage.
    #[rasn(tag(context, 5), size("80"))]
    pub xoring_constants: Option<OctetString>,
    /// Authentications after which the application answers no more.
    #[rasn(tag(context, 6), size("3"))]
    pub auth_counter_max: Option<OctetString>,
    /// Iterations of the permutation of TUAK.
    #[rasn(tag(context, 7))]
    pub number_of_keccak: Option<u8>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

impl AlgoParameter {
    /// Milenage (3GPP TS 35.206).
    pub const MILENAGE: u8 = 1;
    /// TUAK (3GPP TS 35.231).
    pub const TUAK: u8 = 2;
    /// The XOR test algorithm (3GPP TS 34.108 8.1.2).
    pub const USIM_TEST: u8 = 3;

    /// The standard's name of the algorithm.
    pub fn name(&self) -> &'static str {
        match self.algorithm_id {
            Self::MILENAGE => "milenage",
            Self::TUAK => "tuak",
            Self::USIM_TEST => "usim-test-algorithm",
            _ => "unknown",
        }
    }
}

/// ```text
/// PE-CDMAParameter ::= SEQUENCE {
///     cdma-header [0] PEHeader, authenticationKey [1] OCTET STRING (8), ssd [2] OCTET STRING (16) OPTIONAL,
///     hrpdAccessAuthenticationData [3] OCTET STRING (2..32) OPTIONAL,
///     simpleIPAuthenticationData [4] OCTET STRING (3..483) OPTIONAL,
///     mobileIPAuthenticationData [5] OCTET STRING (5..957) OPTIONAL }
/// ```
#[derive(AsnType, Clone, PartialEq, Eq, Decode, Encode)]
pub struct CdmaParameter {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// A-Key of CAVE.
    #[rasn(tag(context, 1), size("8"))]
    pub authentication_key: Secret,
    /// Shared secret data A and B.
    #[rasn(tag(context, 2), size("16"))]
    pub ssd: Option<Secret>,
    /// CHAP secrets of HRPD access.
    #[rasn(tag(context, 3), size("2..=32"))]
    pub hrpd_access_authentication_data: Option<Secret>,
    /// CHAP secrets of simple IP.
    #[rasn(tag(context, 4), size("3..=483"))]
    pub simple_ip_authentication_data: Option<Secret>,
    /// Secrets of mobile IP.
    #[rasn(tag(context, 5), size("5..=957"))]
    pub mobile_ip_authentication_data: Option<Secret>,
    /// Elements of a later version.
    pub unknown: Unknown,
}
