//! Tag, length, value (ITU-T X.690): the structure below every RSP object, walked without knowing any type.
//!
//! Used where the standard itself speaks of TLVs rather than of values: the STORE DATA segments of a Bound Profile
//! Package (SGP.22 2.5.5), the objects of an APDU, and the check that precedes every decoding.

use std::fmt;

/// One TLV inside a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    tag: &'a [u8],
    value: &'a [u8],
    raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The tag's bytes, one to three of them, for example `BF 36`.
    pub fn tag(&self) -> &'a [u8] {
        self.tag
    }

    /// The value without tag and length.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Tag, length and value as they stand.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Tag and length as they stand.
    pub fn header(&self) -> &'a [u8] {
        &self.raw[..self.raw.len() - self.value.len()]
    }

    /// Whether the value is itself a series of TLVs.
    pub fn is_constructed(&self) -> bool {
        self.tag[0] & 0x20 != 0
    }

    /// The TLVs of the value.
    pub fn children(&self) -> Tlvs<'a> {
        iter(self.value)
    }
}

impl fmt::Debug for Tlv<'_> {
    /// Tag and length only: values may be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tlv({}, {} bytes)", Tag(self.tag), self.value.len())
    }
}

/// What is wrong with a TLV structure. Offsets count from the start of the buffer that was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlvError {
    /// The buffer ends inside a tag, a length or a value.
    #[error("the data ends early: a value at byte {offset} needs {needed} more bytes")]
    Truncated {
        /// Where the value begins.
        offset: usize,
        /// How many bytes are missing, at least.
        needed: usize,
    },
    /// A tag of more than three bytes, or one whose long form was not needed.
    #[error("malformed tag at byte {offset}")]
    BadTag {
        /// Where the tag begins.
        offset: usize,
    },
    /// An indefinite length, which DER forbids.
    #[error("indefinite length at byte {offset}: DER allows definite lengths only")]
    IndefiniteLength {
        /// Where the value begins.
        offset: usize,
    },
    /// A length that does not use the shortest form, which DER demands.
    #[error("length at byte {offset} is not in its shortest form")]
    NonMinimalLength {
        /// Where the value begins.
        offset: usize,
    },
    /// A length of more than four bytes.
    #[error("length at byte {offset} is too large")]
    LengthTooLarge {
        /// Where the value begins.
        offset: usize,
    },
    /// Nested deeper than the reader allows.
    #[error("nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// Where the value begins.
        offset: usize,
        /// The deepest level allowed.
        limit: usize,
    },
}

/// Reads the first TLV of `bytes` and returns it with what follows.
///
/// # Errors
/// [`TlvError`] if there is no complete TLV in DER's length form.
pub fn first(bytes: &[u8]) -> Result<(Tlv<'_>, &[u8]), TlvError> {
    read(bytes, 0)
}

/// Iterates over the TLVs that `bytes` consists of. After an error the iteration ends.
pub fn iter(bytes: &[u8]) -> Tlvs<'_> {
    Tlvs { rest: bytes, offset: 0 }
}

/// The TLVs of a buffer; made by [`iter`].
#[derive(Debug, Clone)]
pub struct Tlvs<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match read(self.rest, self.offset) {
            Ok((tlv, rest)) => {
                self.offset += tlv.raw.len();
                self.rest = rest;
                Some(Ok(tlv))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

/// Checks the whole structure of the first value in `bytes`, through all constructed levels, and returns what follows.
///
/// # Errors
/// [`TlvError`] at the first byte that breaks DER's tag and length rules, or at the level below `max_depth`.
pub fn check_one(bytes: &[u8], max_depth: usize) -> Result<&[u8], TlvError> {
    let (tlv, rest) = read(bytes, 0)?;
    check_children(tlv, 0, max_depth, max_depth)?;
    Ok(rest)
}

/// Appends tag, shortest length and value.
pub fn write(out: &mut Vec<u8>, tag: &[u8], value: &[u8]) {
    write_header(out, tag, value.len());
    out.extend_from_slice(value);
}

/// Appends a tag and the shortest encoding of a length.
pub fn write_header(out: &mut Vec<u8>, tag: &[u8], length: usize) {
    out.extend_from_slice(tag);
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend_from_slice(&[0x81, length as u8]),
        0x100..0x1_0000 => {
            out.push(0x82);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        0x1_0000..0x100_0000 => {
            out.push(0x83);
            out.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
        }
        _ => {
            out.push(0x84);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

/// How many bytes the shortest encoding of a length takes.
pub fn length_size(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x100_0000 => 4,
        _ => 5,
    }
}

fn check_children(tlv: Tlv<'_>, offset: usize, depth_left: usize, limit: usize) -> Result<(), TlvError> {
    if !tlv.is_constructed() {
        return Ok(());
    }
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(TlvError::TooDeep { offset, limit });
    };
    let mut inner = offset + tlv.raw.len() - tlv.value.len();
    let mut rest = tlv.value;
    while !rest.is_empty() {
        let (child, after) = read(rest, inner)?;
        check_children(child, inner, depth_left, limit)?;
        inner += child.raw.len();
        rest = after;
    }
    Ok(())
}

fn read(bytes: &[u8], offset: usize) -> Result<(Tlv<'_>, &[u8]), TlvError> {
    let truncated = |needed| TlvError::Truncated { offset, needed };
    let tag_length = tag_length(bytes, offset)?;
    let length_byte = *bytes.get(tag_length).ok_or(truncated(1))?;
    let (header, length) = match length_byte {
        short @ 0..0x80 => (tag_length + 1, usize::from(short)),
        0x80 => return Err(TlvError::IndefiniteLength { offset }),
        long => {
            let count = usize::from(long & 0x7F);
            if count > 4 {
                return Err(TlvError::LengthTooLarge { offset });
            }
            let start = tag_length + 1;
            let digits = bytes.get(start..start + count).ok_or(truncated(count))?;
            let length = digits.iter().fold(0usize, |value, &digit| (value << 8) | usize::from(digit));
            if length_size(length) != count + 1 {
                return Err(TlvError::NonMinimalLength { offset });
            }
            (start + count, length)
        }
    };
    let available = bytes.len() - header;
    if length > available {
        return Err(truncated(length - available));
    }
    let (raw, rest) = bytes.split_at(header + length);
    Ok((Tlv { tag: &raw[..tag_length], value: &raw[header..], raw }, rest))
}

fn tag_length(bytes: &[u8], offset: usize) -> Result<usize, TlvError> {
    let bad = TlvError::BadTag { offset };
    match bytes {
        [] => Err(TlvError::Truncated { offset, needed: 2 }),
        [first, ..] if first & 0x1F != 0x1F => Ok(1),
        [_, second, ..] if *second < 0x80 => {
            if *second >= 0x1F {
                Ok(2)
            } else {
                Err(bad)
            }
        }
        [_, second, third, ..] if *second != 0x80 && *third < 0x80 => Ok(3),
        [_] | [_, _] => Err(TlvError::Truncated { offset, needed: 1 }),
        _ => Err(bad),
    }
}

/// A tag as people write it: `BF36`.
struct Tag<'a>(&'a [u8]);

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
