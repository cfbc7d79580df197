//! PEHeader and PE-Header (TCA profile package 8.2, 8.3).

use rasn::prelude::*;
use rasn::types::{Constraints, Identifier, Tag};

use crate::asn1::{Text, Unknown};

/// ```text
/// PEHeader ::= SEQUENCE { mandated [0] NULL OPTIONAL, identification [1] UInt15 }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct PeHeader {
    /// Set when an eUICC that cannot process the element must give up the whole profile.
    #[rasn(tag(context, 0))]
    pub mandated: Option<()>,
    /// Number of the element, unique within the package.
    #[rasn(tag(context, 1), value("0..=32767"))]
    pub identification: u16,
    /// Elements of a later version.
    pub unknown: Unknown,
}

impl PeHeader {
    /// The header of a mandated element.
    pub fn mandated(identification: u16) -> Self {
        Self { mandated: Some(()), identification, unknown: Unknown::default() }
    }
}

/// ```text
/// ProfileHeader ::= SEQUENCE {
///     major-version [0] UInt8, minor-version [1] UInt8, profileType [2] UTF8String (1..100) OPTIONAL,
///     iccid [3] OCTET STRING (10), pol [4] OCTET STRING OPTIONAL, eUICC-Mandatory-services [5] ServicesList,
///     eUICC-Mandatory-GFSTEList [6] SEQUENCE OF OID, connectivityParameters [7] OCTET STRING OPTIONAL,
///     eUICC-Mandatory-AIDs [8] SEQUENCE OF MandatoryAid OPTIONAL, iotOptions [9] IotOptions OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct ProfileHeader {
    /// Major version of the interoperable format.
    #[rasn(tag(context, 0))]
    pub major_version: u8,
    /// Minor version of the interoperable format.
    #[rasn(tag(context, 1))]
    pub minor_version: u8,
    /// Free text that names the kind of profile.
    #[rasn(tag(context, 2))]
    pub profile_type: Option<Text<1, 100>>,
    /// ICCID in plain digit order, unlike EF_ICCID; an odd count of digits ends with F.
    #[rasn(tag(context, 3), size("10"))]
    pub iccid: OctetString,
    /// POL1 of the M2M architecture.
    #[rasn(tag(context, 4))]
    pub pol: Option<OctetString>,
    /// Services without which the profile must not be installed.
    #[rasn(tag(context, 5))]
    pub mandatory_services: ServicesList,
    /// Templates that the eUICC must know.
    #[rasn(tag(context, 6))]
    pub mandatory_templates: Vec<ObjectIdentifier>,
    /// Parameters of the operator's bearer.
    #[rasn(tag(context, 7))]
    pub connectivity_parameters: Option<OctetString>,
    /// Packages that the eUICC must have.
    #[rasn(tag(context, 8))]
    pub mandatory_aids: Option<Vec<MandatoryAid>>,
    /// Details of an IoT Minimal Profile.
    #[rasn(tag(context, 9))]
    pub iot_options: Option<IotOptions>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// SEQUENCE { aid [0] ApplicationIdentifier, version [1] OCTET STRING (2) }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct MandatoryAid {
    /// AID of the package.
    #[rasn(tag(context, 0), size("5..=16"))]
    pub aid: OctetString,
    /// Major and minor version.
    #[rasn(tag(context, 1), size("2"))]
    pub version: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// IotOptions ::= SEQUENCE { pix [0] OCTET STRING (7..11) }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct IotOptions {
    /// PIX of the USIM's AID.
    #[rasn(tag(context, 0), size("7..=11"))]
    pub pix: OctetString,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// A service that a profile may demand, by its number in ServicesList.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service(pub u32);

macro_rules! services {
    ($($number:literal $name:ident $text:literal),* $(,)?) => {
        impl Service {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($number);)*

            /// The standard's name of the service, if this version knows it.
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some($text),)* _ => None }
            }
        }
    };
}

services! {
    0 CONTACTLESS "contactless", 1 USIM "usim", 2 ISIM "isim", 3 CSIM "csim", 4 MILENAGE "milenage",
    5 TUAK128 "tuak128", 6 CAVE "cave", 7 GBA_USIM "gba-usim", 8 GBA_ISIM "gba-isim", 9 MBMS "mbms", 10 EAP "eap",
    11 JAVACARD "javacard", 12 MULTOS "multos", 13 MULTIPLE_USIM "multiple-usim", 14 MULTIPLE_ISIM "multiple-isim",
    15 MULTIPLE_CSIM "multiple-csim", 16 TUAK256 "tuak256", 17 USIM_TEST_ALGORITHM "usim-test-algorithm",
    18 BER_TLV "ber-tlv", 19 DF_LINK "dfLink", 20 CAT_TP "cat-tp", 21 GET_IDENTITY "get-identity",
    22 PROFILE_A_X25519 "profile-a-x25519", 23 PROFILE_B_P256 "profile-b-p256",
    24 SUCI_CALCULATOR_API "suciCalculatorApi", 25 DNS_RESOLUTION "dns-resolution", 26 SCP11AC "scp11ac",
    27 SCP11C_AUTHORIZATION_MECHANISM "scp11c-authorization-mechanism", 28 S16MODE "s16mode", 29 EAKA "eaka",
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "service {}", self.0),
        }
    }
}

/// The services that a profile demands: a SEQUENCE of up to thirty optional NULLs, `[0]` contactless to `[29]` eaka,
/// of which the present ones are kept, in order. Numbers of a later version are kept too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicesList(pub Vec<Service>);

impl ServicesList {
    /// Whether the service is demanded.
    pub fn contains(&self, service: Service) -> bool {
        self.0.contains(&service)
    }
}

impl AsnType for ServicesList {
    const TAG: Tag = Tag::SEQUENCE;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl Decode for ServicesList {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(
        decoder: &mut D,
        tag: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        let mut services: Vec<Service> = Vec::new();
        for element in Vec::<Any>::decode_with_tag(decoder, tag)? {
            let service = crate::tlv::first(element.as_bytes())
                .ok()
                .filter(|tlv| tlv.value.is_empty() && !tlv.is_constructed())
                .and_then(|tlv| tlv.context_number())
                .map(Service)
                .filter(|service| services.last().is_none_or(|last| last < service));
            match service {
                Some(service) => services.push(service),
                None => {
                    let problem = "ServicesList holds something else than NULLs in ascending order";
                    return Err(rasn::de::Error::custom(problem, rasn::Codec::Der));
                }
            }
        }
        Ok(Self(services))
    }
}

impl Encode for ServicesList {
    fn encode_with_tag_and_constraints<'b, E: rasn::Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        _: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        let elements = self
            .0
            .iter()
            .map(|service| crate::asn1::encode_tagged(Tag::new(Class::Context, service.0), &()).map(Any::new))
            .collect::<Result<Vec<_>, _>>()?;
        encoder.encode_sequence_of(tag, &elements, &Constraints::default(), identifier).map(drop)
    }
}
