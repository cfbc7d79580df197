//! ProfileElement: one tagged element of a profile package (TCA profile package 8.1).

use rasn::prelude::*;
use zeroize::Zeroizing;

use crate::aka::{AkaParameter, CdmaParameter};
use crate::application::{Application, End, NonStandard, Rfm, SecurityDomain};
use crate::asn1::{decode_tagged, encode_tagged};
use crate::codes::{PinCodes, PukCodes};
use crate::error::{Error, Fault};
use crate::gfm::GenericFileManagement;
use crate::header::{PeHeader, ProfileHeader};
use crate::template::TemplateElement;
use crate::tlv::{self, Tlv};

macro_rules! kinds {
    ($($(#[$doc:meta])* $number:literal $name:ident $text:literal),* $(,)?) => {
        /// Type of a profile element.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ElementKind {
            $(#[doc = concat!("`", $text, " [", $number, "]`")] $name,)*
            /// An element of a later version, with the number of its tag.
            Other(u32),
        }

        impl ElementKind {
            /// The kind of the context-specific tag of that number.
            pub fn from_tag_number(number: u32) -> Self {
                match number { $($number => Self::$name,)* other => Self::Other(other) }
            }

            /// Number of the kind's context-specific tag.
            pub fn tag_number(self) -> u32 {
                match self { $(Self::$name => $number,)* Self::Other(number) => number }
            }
        }

        impl std::fmt::Display for ElementKind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $(Self::$name => f.write_str($text),)* Self::Other(number) => write!(f, "[{number}]") }
            }
        }
    };
}

kinds! {
    0 Header "header", 1 GenericFileManagement "genericFileManagement", 2 PinCodes "pinCodes", 3 PukCodes "pukCodes",
    4 AkaParameter "akaParameter", 5 CdmaParameter "cdmaParameter", 6 SecurityDomain "securityDomain", 7 Rfm "rfm",
    8 Application "application", 9 NonStandard "nonStandard", 10 End "end", 11 Rfu1 "rfu1", 12 Rfu2 "rfu2",
    13 Rfu3 "rfu3", 14 Rfu4 "rfu4", 15 Rfu5 "rfu5", 16 Mf "mf", 17 Cd "cd", 18 Telecom "telecom", 19 Usim "usim",
    20 OptUsim "opt-usim", 21 Isim "isim", 22 OptIsim "opt-isim", 23 Phonebook "phonebook", 24 GsmAccess "gsm-access",
    25 Csim "csim", 26 OptCsim "opt-csim", 27 Eap "eap", 28 Df5gs "df-5gs", 29 DfSaip "df-saip", 30 DfSnpn "df-snpn",
    31 Df5gprose "df-5gprose", 32 Iot "iot", 33 OptIot "opt-iot",
}

/// The content of a profile element.
///
/// ```text
/// ProfileElement ::= CHOICE {
///     header [0], genericFileManagement [1], pinCodes [2], pukCodes [3], akaParameter [4], cdmaParameter [5],
///     securityDomain [6], rfm [7], application [8], nonStandard [9], end [10], rfu1 [11] … rfu5 [15],
///     mf [16] … opt-iot [33], ... }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "a package holds some tens of elements, and most are of the large variants"
)]
pub enum Element {
    /// PE-Header.
    Header(ProfileHeader),
    /// PE-GenericFileManagement.
    GenericFileManagement(GenericFileManagement),
    /// PE-PINCodes.
    PinCodes(PinCodes),
    /// PE-PUKCodes.
    PukCodes(PukCodes),
    /// PE-AKAParameter.
    AkaParameter(AkaParameter),
    /// PE-CDMAParameter.
    CdmaParameter(CdmaParameter),
    /// PE-SecurityDomain.
    SecurityDomain(SecurityDomain),
    /// PE-RFM.
    Rfm(Rfm),
    /// PE-Application.
    Application(Application),
    /// PE-NonStandard.
    NonStandard(NonStandard),
    /// PE-End.
    End(End),
    /// PE-MF to PE-OPT-IoT.
    Template(TemplateElement),
    /// An element that is reserved or of a later version: its kind and its contents, verbatim.
    Other {
        /// The tag.
        kind: ElementKind,
        /// What the tag and length enclose.
        contents: Zeroizing<Vec<u8>>,
    },
}

impl Element {
    /// The element's type.
    pub fn kind(&self) -> ElementKind {
        match self {
            Self::Header(_) => ElementKind::Header,
            Self::GenericFileManagement(_) => ElementKind::GenericFileManagement,
            Self::PinCodes(_) => ElementKind::PinCodes,
            Self::PukCodes(_) => ElementKind::PukCodes,
            Self::AkaParameter(_) => ElementKind::AkaParameter,
            Self::CdmaParameter(_) => ElementKind::CdmaParameter,
            Self::SecurityDomain(_) => ElementKind::SecurityDomain,
            Self::Rfm(_) => ElementKind::Rfm,
            Self::Application(_) => ElementKind::Application,
            Self::NonStandard(_) => ElementKind::NonStandard,
            Self::End(_) => ElementKind::End,
            Self::Template(element) => element.kind(),
            Self::Other { kind, .. } => *kind,
        }
    }

    /// The element's PEHeader. PE-Header has none, nor need an element of a later version.
    pub fn pe_header(&self) -> Option<PeHeader> {
        match self {
            Self::Header(_) => None,
            Self::GenericFileManagement(element) => Some(element.header.clone()),
            Self::PinCodes(element) => Some(element.header.clone()),
            Self::PukCodes(element) => Some(element.header.clone()),
            Self::AkaParameter(element) => Some(element.header.clone()),
            Self::CdmaParameter(element) => Some(element.header.clone()),
            Self::SecurityDomain(element) => Some(element.header.clone()),
            Self::Rfm(element) => Some(element.header.clone()),
            Self::Application(element) => Some(element.header.clone()),
            Self::NonStandard(element) => Some(element.header.clone()),
            Self::End(element) => Some(element.header.clone()),
            Self::Template(element) => Some(element.header().clone()),
            // Every element so far begins with its header: assume the same of those to come.
            Self::Other { contents, .. } => {
                let first = tlv::first(contents).ok()?;
                decode_tagged(Tag::new(Class::Context, 0), first.raw).ok()
            }
        }
    }

    /// Decodes one element whose nesting was checked; an error says at which offset in it.
    pub(crate) fn decode(kind: ElementKind, tlv: &Tlv<'_>) -> Result<Self, Fault> {
        fn typed<T: Decode>(kind: ElementKind, tlv: &Tlv<'_>) -> Result<T, Fault> {
            decode_tagged(Tag::new(Class::Context, kind.tag_number()), tlv.raw)
                .map_err(|error| Fault::at(0, error.to_string()))
        }
        let header_length = tlv.raw.len() - tlv.value.len();
        Ok(match kind {
            ElementKind::Header => Self::Header(typed(kind, tlv)?),
            ElementKind::GenericFileManagement => Self::GenericFileManagement(typed(kind, tlv)?),
            ElementKind::PinCodes => Self::PinCodes(typed(kind, tlv)?),
            ElementKind::PukCodes => Self::PukCodes(typed(kind, tlv)?),
            ElementKind::AkaParameter => Self::AkaParameter(typed(kind, tlv)?),
            ElementKind::CdmaParameter => Self::CdmaParameter(typed(kind, tlv)?),
            ElementKind::SecurityDomain => Self::SecurityDomain(typed(kind, tlv)?),
            ElementKind::Rfm => Self::Rfm(typed(kind, tlv)?),
            ElementKind::Application => Self::Application(typed(kind, tlv)?),
            ElementKind::NonStandard => Self::NonStandard(typed(kind, tlv)?),
            ElementKind::End => Self::End(typed(kind, tlv)?),
            _ if crate::template::fields_of(kind).is_some() => Self::Template(
                TemplateElement::decode(kind, tlv.value)
                    .map_err(|fault| Fault::at(header_length + fault.offset, fault.problem))?,
            ),
            _ => Self::Other { kind, contents: Zeroizing::new(tlv.value.to_vec()) },
        })
    }

    /// Encodes the element from its values.
    ///
    /// # Errors
    /// [`Error::Encode`] when a value breaks the constraints of its field.
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let tag = Tag::new(Class::Context, self.kind().tag_number());
        let encoded = match self {
            Self::Header(element) => encode_tagged(tag, element),
            Self::GenericFileManagement(element) => encode_tagged(tag, element),
            Self::PinCodes(element) => encode_tagged(tag, element),
            Self::PukCodes(element) => encode_tagged(tag, element),
            Self::AkaParameter(element) => encode_tagged(tag, element),
            Self::CdmaParameter(element) => encode_tagged(tag, element),
            Self::SecurityDomain(element) => encode_tagged(tag, element),
            Self::Rfm(element) => encode_tagged(tag, element),
            Self::Application(element) => encode_tagged(tag, element),
            Self::NonStandard(element) => encode_tagged(tag, element),
            Self::End(element) => encode_tagged(tag, element),
            Self::Template(element) => element.encode().and_then(|contents| wrap(tag, contents)),
            Self::Other { contents, .. } => wrap(tag, contents.to_vec()),
        };
        encoded.map(Zeroizing::new).map_err(|error| Error::Encode { kind: self.kind(), problem: error.to_string() })
    }
}

/// Puts encoded components into a constructed value.
fn wrap(tag: Tag, contents: Vec<u8>) -> Result<Vec<u8>, rasn::error::EncodeError> {
    encode_tagged(tag, &vec![Any::new(contents)])
}

/// A profile element together with the exact bytes that carried it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileElement {
    bytes: Zeroizing<Vec<u8>>,
    element: Element,
}

impl ProfileElement {
    /// Encodes `element` once; these are the bytes that the package will carry.
    ///
    /// # Errors
    /// [`Error::Encode`] when a value breaks the constraints of its field.
    pub fn new(element: Element) -> Result<Self, Error> {
        Ok(Self { bytes: element.to_der()?, element })
    }

    pub(crate) fn received(bytes: &[u8], element: Element) -> Self {
        Self { bytes: Zeroizing::new(bytes.to_vec()), element }
    }

    /// The element as received or as encoded by [`ProfileElement::new`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The decoded element.
    pub fn element(&self) -> &Element {
        &self.element
    }

    /// The element's type.
    pub fn kind(&self) -> ElementKind {
        self.element.kind()
    }
}
