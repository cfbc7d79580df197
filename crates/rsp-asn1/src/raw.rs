//! Encoding helpers that RSPDefinitions needs and rasn does not bring (SGP.22 Annex H, "EXTENSIBILITY IMPLIED").

use crate::codec::{self, DecodeError, EncodeError};
use crate::tlv;
use rasn::prelude::*;
use rasn::types::{Constraints, Identifier, TagTree};

/// A value together with the exact bytes that carried it.
///
/// A signature is checked over what was received, never over a re-encoding, so the value is read-only and encoding
/// writes the bytes back verbatim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw<T> {
    bytes: Vec<u8>,
    value: T,
}

impl<T> Raw<T> {
    /// The DER as received, tag and length included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the bytes say.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Gives up the bytes and keeps what they said.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Gives up the value and keeps the bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<T: Encode> Raw<T> {
    /// Encodes `value` once; these are the bytes that will be signed and sent.
    ///
    /// # Errors
    /// [`EncodeError`] if the value breaks a constraint of its type.
    pub fn new(value: T) -> Result<Self, EncodeError> {
        Ok(Self { bytes: codec::encode(&value)?, value })
    }
}

impl<T: Decode> Raw<T> {
    /// Decodes exactly one value and keeps its bytes.
    ///
    /// # Errors
    /// As [`crate::decode`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, DecodeError> {
        let value = codec::decode(bytes)?;
        Ok(Self { bytes: bytes.to_vec(), value })
    }
}

impl<T: AsnType> AsnType for Raw<T> {
    const TAG: Tag = T::TAG;
    const TAG_TREE: TagTree = T::TAG_TREE;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl<T: Decode> Decode for Raw<T> {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(d: &mut D, _: Tag, _: &Constraints) -> Result<Self, D::Error> {
        let codec = d.codec();
        let bytes = sound(Any::decode(d)?, codec)?.into_bytes();
        let value = match codec {
            rasn::Codec::Ber => rasn::ber::decode(&bytes),
            _ => rasn::der::decode(&bytes),
        }
        .map_err(|error| rasn::de::Error::custom(error, codec))?;
        Ok(Self { bytes, value })
    }
}

impl<T: Encode> Encode for Raw<T> {
    fn encode_with_tag_and_constraints<'b, E: rasn::Encoder<'b>>(
        &self,
        encoder: &mut E,
        _: Tag,
        _: &Constraints,
        _: Identifier,
    ) -> Result<(), E::Error> {
        Any::new(self.bytes.clone()).encode(encoder)
    }
}

/// What is kept verbatim must be DER by itself: an explicit tag in primitive form hides it from the walk that precedes
/// the decoding.
fn sound<E: rasn::de::Error>(element: Any, codec: rasn::Codec) -> Result<Any, E> {
    match tlv::check_one(element.as_bytes(), codec::MAX_DEPTH) {
        Ok(_) => Ok(element),
        Err(error) => Err(E::custom(error, codec)),
    }
}

/// Trailing elements that this version does not know, kept verbatim. Always the last field of an extensible SEQUENCE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown(Vec<Any>);

impl Unknown {
    /// Whether the sender spoke only what this version knows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each unknown element as received, tag and length included.
    pub fn elements(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Any::as_bytes)
    }
}

impl AsnType for Unknown {
    const TAG: Tag = Tag::EOC;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl Decode for Unknown {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(d: &mut D, _: Tag, _: &Constraints) -> Result<Self, D::Error> {
        let mut rest = Vec::new();
        while let Some(element) = Option::<Any>::decode(d)? {
            rest.push(sound(element, d.codec())?);
        }
        Ok(Self(rest))
    }
}

impl Encode for Unknown {
    fn encode_with_tag_and_constraints<'b, E: rasn::Encoder<'b>>(
        &self,
        encoder: &mut E,
        _: Tag,
        _: &Constraints,
        _: Identifier,
    ) -> Result<(), E::Error> {
        self.0.iter().try_for_each(|element| element.encode(encoder).map(drop))
    }
}
