//! The subscriber's identity as networks write it (3GPP TS 23.003 2.2).

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// An IMSI: 6 to 15 decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imsi(String);

impl Imsi {
    /// The digits, each byte the two next with the first in its low half; the last half byte is F when their number is odd.
    pub fn to_tbcd(&self) -> Vec<u8> {
        let digits: Vec<u8> = self.0.bytes().map(|digit| digit - b'0').collect();
        digits.chunks(2).map(|pair| pair.get(1).copied().unwrap_or(0x0F) << 4 | pair[0]).collect()
    }

    /// The same backwards.
    ///
    /// # Errors
    /// [`Error::Imsi`] when it is none.
    pub fn from_tbcd(bytes: &[u8]) -> Result<Self, Error> {
        let mut halves: Vec<u8> = bytes.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]).collect();
        if halves.last() == Some(&0x0F) {
            halves.pop();
        }
        let digit = |half: u8| char::from_digit(u32::from(half), 10).ok_or(Error::Imsi);
        halves.into_iter().map(digit).collect::<Result<String, _>>()?.parse()
    }
}

impl FromStr for Imsi {
    type Err = Error;

    fn from_str(digits: &str) -> Result<Self, Error> {
        match (6..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            true => Ok(Self(digits.to_owned())),
            false => Err(Error::Imsi),
        }
    }
}

impl fmt::Display for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Imsi;

    #[test]
    fn digits_are_swapped_and_an_odd_number_is_filled() {
        for (digits, tbcd) in [
            ("001010123456789", &[0x00, 0x01, 0x01, 0x21, 0x43, 0x65, 0x87, 0xF9][..]),
            ("123456", &[0x21, 0x43, 0x65]),
        ] {
            let imsi: Imsi = digits.parse().unwrap();
            assert_eq!(imsi.to_tbcd(), tbcd);
            assert_eq!(Imsi::from_tbcd(tbcd), Ok(imsi));
        }
    }

    #[test]
    fn refuses_what_is_no_imsi() {
        for text in ["", "12345", "1234567890123456", "00101012345678a", " 01010123456789", "00101012345678é"] {
            assert!(text.parse::<Imsi>().is_err(), "{text}");
        }
        for tbcd in [&[][..], &[0x21, 0x43], &[0x21, 0xF3, 0x54, 0x76], &[0x21, 0x43, 0x6A]] {
            assert!(Imsi::from_tbcd(tbcd).is_err(), "{tbcd:02X?}");
        }
    }
}
