//! One key as text, read without leaving its digits in a message.

use std::fmt;

use rsp_crypto::Zeroizing;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A key that may be missing, or be none.
#[derive(Clone, Default)]
pub(super) enum Key {
    #[default]
    Missing,
    Wrong,
    Read(Zeroizing<[u8; 16]>),
}

impl Key {
    /// From hexadecimal digits; the portal of Open5GS sets blanks between groups of them. Nothing at all is a missing key.
    pub(super) fn from_text(text: &str) -> Self {
        let digits = Zeroizing::new(text.chars().filter(|c| *c != ' ').collect::<String>());
        if digits.is_empty() {
            return Self::Missing;
        }
        let mut key = Zeroizing::new([0; 16]);
        match hex::decode_to_slice(digits.as_bytes(), &mut *key) {
            Ok(()) => Self::Read(key),
            Err(_) => Self::Wrong,
        }
    }

    /// The key, if there is one.
    pub(super) fn get(self, name: &str) -> Result<Option<Zeroizing<[u8; 16]>>, String> {
        match self {
            Self::Missing => Ok(None),
            Self::Wrong => Err(format!("{name} is no 32 hexadecimal digits")),
            Self::Read(key) => Ok(Some(key)),
        }
    }
}

/// Takes whatever stands there: an error of serde would repeat it.
impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyKey)
    }
}

struct AnyKey;

impl<'de> Visitor<'de> for AnyKey {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        Ok(Key::from_text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Key, E> {
        Ok(Key::Missing)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Key, E> {
        Ok(Key::Wrong)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Key, E> {
        Ok(Key::Wrong)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Key, E> {
        Ok(Key::Wrong)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Key, E> {
        Ok(Key::Wrong)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Key, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Key::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Key, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Key::Wrong)
    }
}
