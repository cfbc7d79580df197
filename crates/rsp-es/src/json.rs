//! What the JSON bindings of all interfaces share (SGP.22 6.5): a message is one object whose members are text, binary in
//! base64, booleans, numbers, or such objects again.
//!
//! Reading is one pass over the text; unknown members are passed over. Writing goes straight into one string.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Standard alphabet; padding is written and not insisted upon.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Room for names, punctuation and a header, in bytes.
pub(crate) const FRAME: usize = 512;

/// The name of the member that names a session.
pub(crate) const TRANSACTION_ID: &str = "transactionId";

/// How many characters this many bytes are in base64.
pub(crate) fn base64_length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// How many characters a text can have at most with its escapes.
pub(crate) fn escaped_length(text: &str) -> usize {
    text.len() * 6
}

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
    /// A member that has to be `true` or `false` is something else.
    #[error("the member {0} is neither true nor false")]
    NotABoolean(&'static str),
    /// A member that has to be an object is something else.
    #[error("the member {0} is not an object")]
    NotAStructure(&'static str),
    /// A member that has to be a list of objects is something else.
    #[error("the member {0} is not a list of objects")]
    NotAList(&'static str),
    /// A member has the right type, but none of the values that the standard gives it.
    #[error("the member {member} is invalid: {problem}")]
    Invalid {
        /// Its name.
        member: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl JsonError {
    pub(crate) fn invalid(member: &'static str, problem: &dyn fmt::Display) -> Self {
        Self::Invalid { member, problem: problem.to_string() }
    }

    /// The member at fault, if it is one.
    pub fn member(&self) -> Option<&'static str> {
        match self {
            Self::Missing(member)
            | Self::Duplicate(member)
            | Self::NotAString(member)
            | Self::NotATransactionId(member)
            | Self::NotABoolean(member)
            | Self::NotAStructure(member)
            | Self::NotAList(member)
            | Self::Invalid { member, .. }
            | Self::NotBase64 { member, .. }
            | Self::NotDer { member, .. } => Some(member),
            Self::NotAnObject(_) => None,
        }
    }
}

/// The members of an object, in the order of the text.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// Longest list that is read: more events than ever wait for one eUICC. An object takes far more room than its text.
const MAX_LIST: usize = 1000;

/// As much of a JSON value as these messages need.
enum Value<'a> {
    Null,
    Boolean(bool),
    Number(u64),
    Text(Cow<'a, str>),
    Object(Members<'a>),
    List(Vec<Members<'a>>),
    Other,
}

impl<'a> Members<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(body).map_err(|error| JsonError::NotAnObject(error.to_string()))
    }

    /// The text of a member that has to be there.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str, JsonError> {
        match self.find(name)?.ok_or(JsonError::Missing(name))? {
            Value::Text(text) => Ok(text),
            _ => Err(JsonError::NotAString(name)),
        }
    }

    /// The text of a member that may be left out or `null`.
    pub(crate) fn optional_text(&self, name: &'static str) -> Result<Option<&str>, JsonError> {
        match self.find(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text(name).map(Some),
        }
    }

    /// What a text means that may be left out or `null`.
    pub(crate) fn optional_parsed<T>(&self, name: &'static str) -> Result<Option<T>, JsonError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let parsed = self.optional_text(name)?.map(str::parse).transpose();
        parsed.map_err(|error| JsonError::invalid(name, &error))
    }

    /// The bytes of a base64 member that has to be there.
    pub(crate) fn bytes(&self, name: &'static str) -> Result<Vec<u8>, JsonError> {
        let text = self.text(name)?;
        BASE64.decode(text).map_err(|error| JsonError::NotBase64 { member: name, problem: error.to_string() })
    }

    /// The bytes of a base64 member that may be left out or `null`.
    pub(crate) fn optional_bytes(&self, name: &'static str) -> Result<Option<Vec<u8>>, JsonError> {
        self.optional_text(name)?.map(|_| self.bytes(name)).transpose()
    }

    /// A member that is `true` or `false`.
    pub(crate) fn boolean(&self, name: &'static str) -> Result<bool, JsonError> {
        match self.find(name)?.ok_or(JsonError::Missing(name))? {
            Value::Boolean(boolean) => Ok(*boolean),
            _ => Err(JsonError::NotABoolean(name)),
        }
    }

    /// A member that is a whole number, or, as some peers write it, the text of one.
    pub(crate) fn number(&self, name: &'static str) -> Result<u64, JsonError> {
        let number = match self.find(name)?.ok_or(JsonError::Missing(name))? {
            Value::Number(number) => Some(*number),
            Value::Text(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        number.ok_or(JsonError::Invalid { member: name, problem: "not a whole number".to_owned() })
    }

    /// A member that is an object and has to be there.
    pub(crate) fn object(&self, name: &'static str) -> Result<&Self, JsonError> {
        self.optional_object(name)?.ok_or(JsonError::Missing(name))
    }

    /// A member that is an object and may be left out or `null`.
    pub(crate) fn optional_object(&self, name: &'static str) -> Result<Option<&Self>, JsonError> {
        match self.find(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(JsonError::NotAStructure(name)),
        }
    }

    /// A member that is a list of objects and has to be there.
    pub(crate) fn list(&self, name: &'static str) -> Result<&[Self], JsonError> {
        match self.find(name)?.ok_or(JsonError::Missing(name))? {
            Value::List(list) => Ok(list),
            _ => Err(JsonError::NotAList(name)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(member, _)| member == name)
    }

    fn find(&self, name: &'static str) -> Result<Option<&Value<'a>>, JsonError> {
        let mut found = self.0.iter().filter(|(member, _)| member == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(JsonError::Duplicate(name));
        }
        Ok(first.map(|(_, value)| value))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(members) => Ok(members),
            _ => Err(D::Error::custom("expected a JSON object")),
        }
    }
}

/// A string, borrowed from the input unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Text(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("expected a string")),
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

    fn visit_bool<E>(self, boolean: bool) -> Result<Self::Value, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Value::Object(Members(members)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX_LIST {
            match seq.next_element()? {
                Some(Value::Object(members)) => list.push(members),
                Some(_) => break,
                None => return Ok(Value::List(list)),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// Writes one JSON object.
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// `capacity` is the expected length of the text in bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        text.push('{');
        Self { text }
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.text.push_str(json);
        self
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        push_string(&mut self.text, value);
        self
    }

    /// A member that is left out if there is no value.
    pub(crate) fn optional_text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(crate) fn boolean(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub(crate) fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.name(name);
        self.text.push('"');
        BASE64.encode_string(value, &mut self.text);
        self.text.push('"');
        self
    }

    pub(crate) fn finish(mut self) -> String {
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
fn push_string(json: &mut String, value: &str) {
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
