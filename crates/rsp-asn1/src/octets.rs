//! OCTET STRINGs of a fixed size or under a tag of their own.

use rasn::prelude::*;
use rasn::types::{Constraints, Identifier};

/// Gives a newtype over `[u8; N]` its encoding as an OCTET STRING under `tag`, refusing any other size.
macro_rules! fixed_octets {
    ($type:ident, $size:literal, $tag:expr) => {
        impl AsnType for $type {
            const TAG: Tag = $tag;
            const IDENTIFIER: Identifier = Identifier(None);
        }

        impl Decode for $type {
            fn decode_with_tag_and_constraints<D: rasn::Decoder>(
                d: &mut D,
                tag: Tag,
                _: &Constraints,
            ) -> Result<Self, D::Error> {
                let codec = d.codec();
                let octets = OctetString::decode_with_tag(d, tag)?;
                <[u8; $size]>::try_from(octets.as_ref()).map(Self).map_err(|_| {
                    let text = format!("{} has {} bytes, not {}", stringify!($type), octets.len(), $size);
                    rasn::de::Error::custom(text, codec)
                })
            }
        }

        impl Encode for $type {
            fn encode_with_tag_and_constraints<'b, E: rasn::Encoder<'b>>(
                &self,
                encoder: &mut E,
                tag: Tag,
                _: &Constraints,
                identifier: Identifier,
            ) -> Result<(), E::Error> {
                encoder.encode_octet_string(tag, &Constraints::default(), &self.0, identifier).map(drop)
            }
        }
    };
}

pub(crate) use fixed_octets;

/// Sixteen bytes: challenges and the binary EID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Octet16(pub [u8; 16]);
fixed_octets!(Octet16, 16, Tag::OCTET_STRING);

/// Thirty-two bytes: the Hashed Confirmation Code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Octet32(pub [u8; 32]);
fixed_octets!(Octet32, 32, Tag::OCTET_STRING);

/// Major, minor and revision, one binary byte each: `02 05 00` is 2.5.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionType(pub [u8; 3]);
fixed_octets!(VersionType, 3, Tag::OCTET_STRING);

impl std::fmt::Display for VersionType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, revision] = self.0;
        write!(f, "{major}.{minor}.{revision}")
    }
}

/// An ECDSA signature in the plain format of BSI TR-03111, 64 bytes r‖s: `[APPLICATION 55] OCTET STRING`, tag `5F37`.
///
/// The size is not checked here: a wrong one is an invalid signature, not a malformed message.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(delegate, tag(application, 55))]
pub struct Signature5F37(pub OctetString);

/// A one-time public key for ECKA, uncompressed point, 65 bytes: `[APPLICATION 73] OCTET STRING`, tag `5F49`.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(delegate, tag(application, 73))]
pub struct OneTimePublicKey(pub OctetString);

/// The AID of an ISD-P, 5 to 16 bytes: `[APPLICATION 15] OCTET STRING`, tag `4F`.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(delegate, tag(application, 15))]
pub struct IsdpAid(pub OctetString);

/// The key identifier of a CI: SHA-1 of its public key bits, 20 bytes (SGP.22 4.5.2, RFC 5280 4.2.1.2).
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[rasn(delegate)]
pub struct SubjectKeyIdentifier(pub OctetString);

impl std::fmt::Display for SubjectKeyIdentifier {
    /// Upper-case hexadecimal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
