//! The JSON binding of ES9+ (SGP.22 6.5.2): one object, binary members in base64, the transactionId in hexadecimal.
//!
//! Reading is one pass over the text; unknown members and a header in a request are passed over. Writing goes straight
//! into one string.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Standard alphabet; padding is written and not insisted upon.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a JSON text is not the message that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not a JSON object at all.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(String),
    /// A member that the message needs is not there.
    #[error("the member {0} is missing")]
    Missing(&'static str),
    /// A member stands twice, so that two readers could take different ones.
    #[error("the member {0} stands twice")]
    Duplicate(&'static str),
    /// A member that has to be a string is something else.
    #[error("the member {0} is not a string")]
    NotAString(&'static str),
    /// A member that has to be base64 is not.
    #[error("the member {member} is not base64: {problem}")]
    NotBase64 {
        /// Its name.
        member: &'static str,
        /// What the decoder says.
        problem: String,
    },
    /// A member is base64, but not the DER that it has to be.
    #[error("the member {member} is not the expected DER: {problem}")]
    NotDer {
        /// Its name.
        member: &'static str,
        /// What the decoder says.
        problem: String,
    },
    /// The transactionId is not 1 to 16 bytes in hexadecimal.
    #[error("the member {0} is not 1 to 16 bytes in hexadecimal")]
    NotATransactionId(&'static str),
    /// The header of a response is missing or unreadable.
    #[error("the header of the response is unusable: {0}")]
    Header(String),
}

impl JsonError {
    /// The member at fault, if it is one.
    pub fn member(&self) -> Option<&'static str> {
        match self {
            Self::Missing(member)
            | Self::Duplicate(member)
            | Self::NotAString(member)
            | Self::NotATransactionId(member)
            | Self::NotBase64 { member, .. }
            | Self::NotDer { member, .. } => Some(member),
            Self::NotAnObject(_) | Self::Header(_) => None,
        }
    }
}

/// The members of a message, with the header of a response if `H` wants it.
pub(super) struct Members<'a, H> {
    pub(super) header: Option<H>,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// As much of a JSON value as these messages need: they are flat.
enum Value<'a> {
    Text(Cow<'a, str>),
    Other,
}

impl<'a, H: Deserialize<'a>> Members<'a, H> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(body).map_err(|error| JsonError::NotAnObject(error.to_string()))
    }

    /// The text of a member that has to be there.
    pub(super) fn text(&self, name: &'static str) -> Result<&str, JsonError> {
        let mut found = self.members.iter().filter(|(member, _)| member == name);
        let (_, value) = found.next().ok_or(JsonError::Missing(name))?;
        if found.next().is_some() {
            return Err(JsonError::Duplicate(name));
        }
        match value {
            Value::Text(text) => Ok(text),
            Value::Other => Err(JsonError::NotAString(name)),
        }
    }

    /// The bytes of a base64 member that has to be there.
    pub(super) fn bytes(&self, name: &'static str) -> Result<Vec<u8>, JsonError> {
        let text = self.text(name)?;
        BASE64.decode(text).map_err(|error| JsonError::NotBase64 { member: name, problem: error.to_string() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }
}

impl<'de, H: Deserialize<'de>> Deserialize<'de> for Members<'de, H> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<H>(PhantomData<H>);

impl<'de, H: Deserialize<'de>> Visitor<'de> for MembersVisitor<H> {
    type Value = Members<'de, H>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = Members { header: None, members: Vec::with_capacity(6) };
        while let Some(Text(name)) = map.next_key()? {
            if name == "header" {
                read.header = Some(map.next_value()?);
            } else {
                read.members.push((name, map.next_value()?));
            }
        }
        Ok(read)
    }
}

/// A string, borrowed from the input unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Text(text) => Ok(Self(text)),
            Value::Other => Err(serde::de::Error::custom("expected a string")),
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// Writes one flat JSON object.
pub(super) struct Writer {
    text: String,
}

impl Writer {
    /// `capacity` is the expected length of the text in bytes.
    pub(super) fn new(capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        text.push('{');
        Self { text }
    }

    /// A member whose value is JSON already.
    pub(super) fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.text.push_str(json);
        self
    }

    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        push_string(&mut self.text, value);
        self
    }

    pub(super) fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.name(name);
        self.text.push('"');
        BASE64.encode_string(value, &mut self.text);
        self.text.push('"');
        self
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
    }
}

/// Appends a JSON string with the escapes that RFC 8259 demands.
pub(super) fn push_string(json: &mut String, value: &str) {
    use std::fmt::Write as _;
    json.push('"');
    for c in value.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            c if c < ' ' => {
                // Writing into a String cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}
