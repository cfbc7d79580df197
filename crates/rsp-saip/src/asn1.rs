//! Encoding helpers that the interoperable format needs and rasn does not bring ("EXTENSIBILITY IMPLIED", secrets).

use rasn::prelude::*;
use rasn::types::{Constraints, Identifier, Tag};
use zeroize::Zeroizing;

/// Trailing elements that this version does not know, kept verbatim. Always the last field of an extensible SEQUENCE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown(Vec<Any>);

impl Unknown {
    /// The kept elements, each one whole TLV.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Any::as_bytes)
    }

    /// Whether everything in the SEQUENCE was known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, tlv: &[u8]) {
        self.0.push(Any::new(tlv.to_vec()));
    }
}

impl AsnType for Unknown {
    const TAG: Tag = Tag::EOC;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl Decode for Unknown {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(
        decoder: &mut D,
        _: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        let mut rest = Vec::new();
        while let Some(element) = Option::<Any>::decode(decoder)? {
            rest.push(element);
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

/// `UTF8String (SIZE (MIN..MAX))`: text whose length is bounded in characters, of one to four bytes each (X.680 51.5); rasn
/// counts bytes when it decodes. Making a value checks nothing; encoding and decoding refuse what is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(pub String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// What is wrong with the length, if anything.
    fn problem(&self) -> Option<String> {
        let count = self.0.chars().count();
        let within = (MIN..=MAX).contains(&count);
        (!within).then(|| format!("a UTF8String has {count} characters, {MIN} to {MAX} are allowed"))
    }
}

impl<const MIN: usize, const MAX: usize> AsnType for Text<MIN, MAX> {
    const TAG: Tag = Tag::UTF8_STRING;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl<const MIN: usize, const MAX: usize> Decode for Text<MIN, MAX> {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(
        decoder: &mut D,
        tag: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        let codec = decoder.codec();
        let text = Self(decoder.decode_utf8_string(tag, &Constraints::default())?);
        match text.problem() {
            Some(problem) => Err(rasn::de::Error::custom(problem, codec)),
            None => Ok(text),
        }
    }
}

impl<const MIN: usize, const MAX: usize> Encode for Text<MIN, MAX> {
    fn encode_with_tag_and_constraints<'b, E: rasn::Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        _: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        if let Some(problem) = self.problem() {
            return Err(rasn::enc::Error::custom(problem, encoder.codec()));
        }
        encoder.encode_utf8_string(tag, &Constraints::default(), &self.0, identifier).map(drop)
    }
}

/// An OCTET STRING that holds a key or a code: zeroised when dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret itself: do not keep copies.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes, which is not secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Secret {
    fn from(value: &[u8]) -> Self {
        Self(Zeroizing::new(value.to_vec()))
    }
}

impl AsnType for Secret {
    const TAG: Tag = Tag::OCTET_STRING;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl Decode for Secret {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(
        decoder: &mut D,
        tag: Tag,
        constraints: &Constraints,
    ) -> Result<Self, D::Error> {
        Ok(Self(Zeroizing::new(decoder.decode_octet_string::<Vec<u8>>(tag, constraints)?)))
    }
}

impl Encode for Secret {
    fn encode_with_tag_and_constraints<'b, E: rasn::Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        constraints: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        encoder.encode_octet_string(tag, constraints, &self.0, identifier).map(drop)
    }
}

/// Decodes exactly one value whose outer tag is `tag` instead of the type's own.
pub(crate) fn decode_tagged<T: Decode>(tag: Tag, tlv: &[u8]) -> Result<T, rasn::error::DecodeError> {
    let mut decoder = rasn::der::de::Decoder::new(tlv, rasn::der::de::DecoderOptions::der());
    let value = T::decode_with_tag(&mut decoder, tag)?;
    match decoder.remaining() {
        [] => Ok(value),
        rest => Err(rasn::error::DecodeError::unexpected_extra_data(rest.len(), rasn::Codec::Der)),
    }
}

/// Encodes `value` with the outer tag `tag` instead of the type's own.
pub(crate) fn encode_tagged<T: Encode>(tag: Tag, value: &T) -> Result<Vec<u8>, rasn::error::EncodeError> {
    let mut encoder = rasn::der::enc::Encoder::new(rasn::der::enc::EncoderOptions::der());
    value.encode_with_tag(&mut encoder, tag)?;
    Ok(encoder.output())
}
