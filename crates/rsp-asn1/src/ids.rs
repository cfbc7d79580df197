//! The identifiers of RSP: ICCID, EID and TransactionID (SGP.22 Annex H, SGP.29).

use crate::octets::fixed_octets;
use rasn::prelude::*;
use rasn::types::{Constraints, Identifier};
use std::fmt;
use std::str::FromStr;

/// Why text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// Wrong number of digits.
    #[error("{what} has {found} digits, not {expected}")]
    Length {
        /// Which identifier.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// How many it may have.
        expected: &'static str,
    },
    /// A character that is not a digit.
    #[error("{what} has {found:?} at position {position}: digits only")]
    NotADigit {
        /// Which identifier.
        what: &'static str,
        /// The character.
        found: char,
        /// Counted from 1.
        position: usize,
    },
}

/// An ICCID as EF_ICCID codes it: `[APPLICATION 26] OCTET STRING (SIZE (10))`, tag `5A`, digits nibble-swapped and
/// filled with `F`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Iccid(pub [u8; 10]);
fixed_octets!(Iccid, 10, Tag::new(rasn::types::Class::Application, 26));

impl Iccid {
    /// The Luhn check digit (ITU-T E.118) that completes a row of decimal digits.
    pub fn luhn_digit(digits: &str) -> Option<u8> {
        let mut sum = 0;
        for (position, digit) in digits.bytes().rev().enumerate() {
            let digit = u32::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
            let weighted = if position % 2 == 0 { digit * 2 } else { digit };
            sum += weighted / 10 + weighted % 10;
        }
        Some(((10 - sum % 10) % 10) as u8)
    }

    /// Whether the last digit is the Luhn check digit of the others.
    pub fn check_digit_valid(&self) -> bool {
        let digits = self.to_string();
        let Some(split) = digits.len().checked_sub(1) else { return false };
        let (body, check) = digits.split_at(split);
        Self::luhn_digit(body).is_some_and(|expected| check.as_bytes() == [b'0' + expected])
    }
}

impl fmt::Display for Iccid {
    /// The digits in reading order, without filler.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            for nibble in [byte & 0x0F, byte >> 4] {
                if nibble != 0x0F {
                    write!(f, "{nibble:X}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Iccid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iccid({self})")
    }
}

impl FromStr for Iccid {
    type Err = ParseIdError;

    /// 18 to 20 digits in reading order.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = decimal_digits("the ICCID", text)?;
        if !(18..=20).contains(&digits.len()) {
            return Err(ParseIdError::Length { what: "the ICCID", found: digits.len(), expected: "18 to 20" });
        }
        let mut bytes = [0xFF; 10];
        for (index, digit) in digits.iter().enumerate() {
            let byte = &mut bytes[index / 2];
            *byte = if index % 2 == 0 { (*byte & 0xF0) | digit } else { (*byte & 0x0F) | (digit << 4) };
        }
        Ok(Self(bytes))
    }
}

/// The identifier of an eUICC, 32 decimal digits in 16 bytes, `[APPLICATION 26] Octet16`, tag `5A` (SGP.29).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Eid(pub [u8; 16]);
fixed_octets!(Eid, 16, Tag::new(rasn::types::Class::Application, 26));

impl Eid {
    /// Whether the two check digits are right: the number modulo 97 is 1 (ISO/IEC 7064 MOD 97-10).
    pub fn check_digits_valid(&self) -> bool {
        self.modulo_97() == Some(1)
    }

    /// The EID with these leading 30 digits and the right check digits; the last two digits of `self` are ignored.
    pub fn with_check_digits(&self) -> Self {
        let mut eid = *self;
        eid.0[15] = 0;
        let check = 98 - eid.modulo_97().unwrap_or(0);
        eid.0[15] = ((check / 10) << 4) | (check % 10);
        eid
    }

    fn modulo_97(&self) -> Option<u8> {
        let mut remainder = 0u32;
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 0x0F] {
                if nibble > 9 {
                    return None;
                }
                remainder = (remainder * 10 + u32::from(nibble)) % 97;
            }
        }
        Some(remainder as u8)
    }
}

impl fmt::Display for Eid {
    /// The 32 digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Eid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Eid({self})")
    }
}

impl FromStr for Eid {
    type Err = ParseIdError;

    /// Exactly 32 digits.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = decimal_digits("the EID", text)?;
        if digits.len() != 32 {
            return Err(ParseIdError::Length { what: "the EID", found: digits.len(), expected: "32" });
        }
        Ok(Self(std::array::from_fn(|index| digits[2 * index] << 4 | digits[2 * index + 1])))
    }
}

fn decimal_digits(what: &'static str, text: &str) -> Result<Vec<u8>, ParseIdError> {
    text.chars()
        .enumerate()
        .map(|(index, found)| {
            found.to_digit(10).map(|digit| digit as u8).ok_or(ParseIdError::NotADigit {
                what,
                found,
                position: index + 1,
            })
        })
        .collect()
}

/// Names one RSP session: `OCTET STRING (SIZE (1..16))`. Ours are 16 random bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(Vec<u8>);

impl TransactionId {
    /// Takes 1 to 16 bytes; any other number is `None`.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=16).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the hexadecimal text of the JSON binding, in either case; `None` if it is not 1 to 16 bytes of it.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        Self::new(&digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<_>>())
    }
}

impl From<[u8; 16]> for TransactionId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Display for TransactionId {
    /// Upper-case hexadecimal, as the JSON binding writes it (SGP.22 6.5.1.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({self})")
    }
}

impl AsnType for TransactionId {
    const TAG: Tag = Tag::OCTET_STRING;
    const IDENTIFIER: Identifier = Identifier(None);
}

impl Decode for TransactionId {
    fn decode_with_tag_and_constraints<D: rasn::Decoder>(
        d: &mut D,
        tag: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        let codec = d.codec();
        let octets = OctetString::decode_with_tag(d, tag)?;
        Self::new(&octets).ok_or_else(|| {
            let text = format!("TransactionId has {} bytes, not 1 to 16", octets.len());
            rasn::de::Error::custom(text, codec)
        })
    }
}

impl Encode for TransactionId {
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
