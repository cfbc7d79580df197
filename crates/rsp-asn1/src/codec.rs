//! The two doors between bytes and types: strict decoding and encoding (SGP.22 Annex H: DER).

use crate::tlv;
use rasn::types::Class;
use rasn::{AsnType, Decode, Encode};

/// Deepest nesting of constructed values that is decoded. The deepest message of RSPDefinitions, a certificate inside
/// AuthenticateClient, needs ten levels.
pub(crate) const MAX_DEPTH: usize = 16;

/// Why bytes are not a value of the expected type. Every variant is the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The tag-length structure itself is broken.
    #[error("{type_name}: {source}")]
    Structure {
        /// What was being decoded.
        type_name: &'static str,
        /// What is wrong, and at which byte.
        source: tlv::TlvError,
    },
    /// The tag says primitive; every type with a context tag of its own is constructed.
    #[error("{type_name}: the tag is in primitive form")]
    PrimitiveForm {
        /// What was being decoded.
        type_name: &'static str,
    },
    /// One whole value was read, and bytes follow it.
    #[error("{type_name}: {count} bytes follow the value")]
    TrailingBytes {
        /// What was being decoded.
        type_name: &'static str,
        /// How many bytes are too many.
        count: usize,
    },
    /// The structure is sound, but it is not this type.
    #[error("{type_name}: {detail}")]
    Content {
        /// What was being decoded.
        type_name: &'static str,
        /// The decoder's own words: which element, and why.
        detail: String,
    },
}

/// Why a value could not be encoded: it breaks a constraint of its own type, such as a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{type_name}: {detail}")]
pub struct EncodeError {
    type_name: &'static str,
    detail: String,
}

/// Decodes exactly one DER value.
///
/// # Errors
/// [`DecodeError`] for anything but one complete value: trailing bytes, indefinite or non-minimal lengths, nesting
/// deeper than 16, a length beyond the end, or elements that the type does not have.
pub fn decode<T: Decode>(bytes: &[u8]) -> Result<T, DecodeError> {
    check_structure::<T>(bytes)?;
    rasn::der::decode(bytes).map_err(content::<T>)
}

/// Decodes the data of an ES10 command: like [`decode`], but any non-zero BOOLEAN is TRUE, as device software sends
/// both `01` and `FF`.
///
/// # Errors
/// As [`decode`].
pub fn decode_command<T: Decode>(bytes: &[u8]) -> Result<T, DecodeError> {
    check_structure::<T>(bytes)?;
    rasn::ber::decode(bytes).map_err(content::<T>)
}

/// Encodes a value as DER.
///
/// # Errors
/// [`EncodeError`] if the value breaks a constraint of its type.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    rasn::der::encode(value)
        .map_err(|error| EncodeError { type_name: short_name::<T>(), detail: first_line(&error.to_string()) })
}

fn check_structure<T: AsnType>(bytes: &[u8]) -> Result<(), DecodeError> {
    let type_name = short_name::<T>();
    // rasn takes an explicit tag in primitive form too (X.690 8.14.3 forbids it); the walk below would not enter it.
    if T::TAG.class == Class::Context && bytes.first().is_some_and(|tag| tag & 0x20 == 0) {
        return Err(DecodeError::PrimitiveForm { type_name });
    }
    let rest = tlv::check_one(bytes, MAX_DEPTH).map_err(|source| DecodeError::Structure { type_name, source })?;
    match rest.len() {
        0 => Ok(()),
        count => Err(DecodeError::TrailingBytes { type_name, count }),
    }
}

fn content<T>(error: rasn::error::DecodeError) -> DecodeError {
    DecodeError::Content { type_name: short_name::<T>(), detail: first_line(&error.to_string()) }
}

/// The type's own name without its path: what a reader of an error message knows it by.
fn short_name<T>() -> &'static str {
    let full = std::any::type_name::<T>();
    let head = full.split('<').next().unwrap_or(full);
    if head.ends_with("Raw") {
        let inner = full.split_once('<').map_or(full, |(_, inner)| inner.trim_end_matches('>'));
        return inner.rsplit("::").next().unwrap_or(inner);
    }
    head.rsplit("::").next().unwrap_or(head)
}

/// rasn's messages may carry a backtrace after the first line.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
