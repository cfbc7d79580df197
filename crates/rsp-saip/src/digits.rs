//! Digits as files carry them: ICCID (ITU-T E.118), IMSI (3GPP TS 31.102 4.2.2) and dialling numbers.

use crate::error::Error;

/// Whether the last digit is the Luhn check digit of those before it (ISO/IEC 7812-1).
pub fn luhn_is_valid(digits: &str) -> bool {
    let Some((body, check)) = digits.len().checked_sub(1).and_then(|at| digits.split_at_checked(at)) else {
        return false;
    };
    luhn_digit(body).is_some_and(|expected| check == expected.to_string())
}

/// The Luhn check digit of `digits`, or `None` when they are not all decimal.
pub fn luhn_digit(digits: &str) -> Option<u32> {
    let mut sum = 0;
    for (place, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(10)?;
        sum += match (place % 2, digit * 2) {
            (0, doubled) if doubled > 9 => doubled - 9,
            (0, doubled) => doubled,
            _ => digit,
        };
    }
    (!digits.is_empty()).then_some((10 - sum % 10) % 10)
}

/// Ten bytes of an ICCID in plain order, as PE-Header has them; an odd digit at the end is followed by F.
///
/// # Errors
/// [`Error::InvalidValue`] unless there are 18 to 20 decimal digits.
pub fn iccid_plain(digits: &str) -> Result<[u8; 10], Error> {
    if !(18..=20).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::InvalidValue { field: "ICCID", problem: "18 to 20 decimal digits are needed".to_owned() });
    }
    let mut bytes = [0xFF; 10];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let low = pair.get(1).map_or(0x0F, |digit| digit - b'0');
        *byte = (pair[0] - b'0') << 4 | low;
    }
    Ok(bytes)
}

/// Ten bytes of an ICCID as EF_ICCID has them: the nibbles of each byte exchanged.
///
/// # Errors
/// As [`iccid_plain`].
pub fn iccid_swapped(digits: &str) -> Result<[u8; 10], Error> {
    Ok(iccid_plain(digits)?.map(|byte| byte.rotate_left(4)))
}

/// The digits in bytes of plain order, up to the first nibble that is none.
pub fn from_plain(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .map_while(|nibble| char::from_digit(nibble.into(), 10))
        .collect()
}

/// The digits in bytes of exchanged nibbles, up to the first nibble that is none.
pub fn from_swapped(bytes: &[u8]) -> String {
    from_plain(&bytes.iter().map(|byte| byte.rotate_left(4)).collect::<Vec<_>>())
}

/// Content of EF_IMSI: length, then parity and digits, padded with F to nine bytes.
///
/// # Errors
/// [`Error::InvalidValue`] unless there are 6 to 15 decimal digits.
pub fn imsi_content(digits: &str) -> Result<[u8; 9], Error> {
    if !(6..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::InvalidValue { field: "IMSI", problem: "6 to 15 decimal digits are needed".to_owned() });
    }
    let odd = digits.len() % 2 == 1;
    // The first nibble tells an IMSI (001) of odd or even length.
    let mut nibbles = vec![if odd { 0x9 } else { 0x1 }];
    nibbles.extend(digits.bytes().map(|byte| byte - b'0'));
    let mut content = [0xFF; 9];
    content[0] = nibbles.len().div_ceil(2) as u8;
    for (byte, pair) in content[1..].iter_mut().zip(nibbles.chunks(2)) {
        *byte = pair.get(1).map_or(0xF0, |high| high << 4) | pair[0];
    }
    Ok(content)
}

/// The IMSI in the content of EF_IMSI.
pub fn imsi_from_content(content: &[u8]) -> Option<String> {
    let (length, rest) = content.split_first()?;
    let bytes = rest.get(..usize::from(*length))?;
    let (first, _) = bytes.split_first()?;
    let digits = from_swapped(&[&[first & 0xF0], &bytes[1..]].concat());
    let digits = digits.get(1..)?;
    (digits.len() >= 6 && digits.len() <= 15).then(|| digits.to_owned())
}

/// Content of EF_ACC: the one access class of 0 to 9 that the last digit of the IMSI gives (3GPP TS 22.011 4.2).
pub fn access_class(imsi: &str) -> [u8; 2] {
    let last = imsi.chars().last().and_then(|digit| digit.to_digit(10)).unwrap_or(0);
    (1u16 << last).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_agrees_with_known_numbers() {
        assert!(luhn_is_valid("8988211000000123455") == (luhn_digit("898821100000012345") == Some(5)));
        assert!(luhn_is_valid("79927398713"));
        assert!(!luhn_is_valid("79927398714"));
        assert!(!luhn_is_valid("") && !luhn_is_valid("7") && !luhn_is_valid("abc"));
    }

    #[test]
    fn iccid_has_two_orders() {
        let digits = "89000123456789012341";
        assert_eq!(hex::encode(iccid_plain(digits).expect("digits")), digits);
        assert_eq!(hex::encode(iccid_swapped(digits).expect("digits")), "98001032547698103214");
        assert_eq!(from_swapped(&iccid_swapped("8900012345678901234").expect("digits")), "8900012345678901234");
        assert!(iccid_plain("8900012345").is_err() && iccid_plain("8900012345678901234x").is_err());
    }

    #[test]
    fn imsi_of_odd_and_even_length() {
        assert_eq!(hex::encode(imsi_content("001010123456789").expect("digits")), "080910101032547698");
        assert_eq!(hex::encode(imsi_content("00101012345678").expect("digits")), "0801101010325476f8");
        for digits in ["001010123456789", "00101012345678", "310170"] {
            assert_eq!(imsi_from_content(&imsi_content(digits).expect("digits")).as_deref(), Some(digits));
        }
        assert_eq!(imsi_from_content(&[0xFF; 9]), None);
        assert_eq!(imsi_from_content(&[]), None);
    }

    #[test]
    fn access_class_is_the_last_digit() {
        assert_eq!(access_class("001010123456780"), [0x00, 0x01]);
        assert_eq!(access_class("001010123456789"), [0x02, 0x00]);
    }
}
