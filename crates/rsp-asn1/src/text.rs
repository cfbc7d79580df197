//! UTF8Strings with a bound on their length (SGP.22 Annex H).

use rasn::prelude::*;
use rasn::types::{Constraints, Identifier};
use std::fmt;
use std::ops::Deref;

/// `UTF8String (SIZE (0..MAX))`: text of at most `MAX` characters.
///
/// A SIZE of a UTF8String counts characters (X.680 51.5), of one to four bytes each; rasn counts bytes when it
/// decodes. The bound holds on the wire: making a value checks nothing, encoding and decoding refuse what is too long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(pub String);

impl<const MAX: usize> Text<MAX> {
    /// What is wrong with the length, if anything.
    fn problem(&self) -> Option<String> {
        let count = self.0.chars().count();
        (count > MAX).then(|| format!("a UTF8String has {count} characters, at most {MAX} are allowed"))
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MAX: usize> From<String> for Text<MAX> {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl<const MAX: usize> From<&str> for Text<MAX> {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<const MAX: usize> PartialEq<str> for Text<MAX> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl<const MAX: usize> PartialEq<&str> for Text<MAX> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl<const MAX: usize> AsnType for Text<MAX> {
    const TAG: Tag = Tag::UTF8_STRING;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl<const MAX: usize> Decode for Text<MAX> {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(
        d: &mut D,
        tag: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        let codec = d.codec();
        let text = Self(d.decode_utf8_string(tag, &Constraints::default())?);
        match text.problem() {
            Some(problem) => Err(rasn::de::Error::custom(problem, codec)),
            None => Ok(text),
        }
    }
}

impl<const MAX: usize> Encode for Text<MAX> {
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
