//! Amounts of money, kept in the smallest unit of their currency: hundredths of most, whole ones of some, thousandths of a few
//! (ISO 4217, "minor unit").

use crate::error::Error;

/// Currencies that have no smaller unit.
const WHOLE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
];
/// Currencies that are divided into a thousand.
const THOUSANDTHS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Units of account that are divided into ten thousand.
const TEN_THOUSANDTHS: &[&str] = &["CLF", "UYW"];

/// Digits behind the point: with 2, an amount of 990 is 9.90.
#[must_use]
pub fn minor_digits(currency: &str) -> usize {
    let is = |list: &[&str]| list.iter().any(|one| one.eq_ignore_ascii_case(currency));
    match () {
        () if is(WHOLE) => 0,
        () if is(THOUSANDTHS) => 3,
        () if is(TEN_THOUSANDTHS) => 4,
        () => 2,
    }
}

/// How an amount of the smallest unit is read by people: `9.90`, without the currency.
#[must_use]
pub fn amount(price: i64, currency: &str) -> String {
    match minor_digits(currency) {
        0 => price.to_string(),
        digits => {
            let unit = 10_u64.pow(digits as u32);
            let (sign, price) = (if price < 0 { "-" } else { "" }, price.unsigned_abs());
            format!("{sign}{}.{:0digits$}", price / unit, price % unit)
        }
    }
}

/// Reads what people write, `9.90` or `9,9`, as a number of the smallest unit.
///
/// # Errors
/// [`Error::Invalid`] for `price`: no number, a negative one, or one with more digits than the currency has.
pub fn parse(text: &str, currency: &str) -> Result<i64, Error> {
    let wrong = || Error::invalid("price", format!("is no amount such as {}", amount(990, currency)));
    let most = minor_digits(currency);
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > most || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    format!("{whole}{part:0<most$}").parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::{amount, minor_digits, parse};

    #[test]
    fn amounts_are_read_in_the_smallest_unit_of_their_currency() {
        for (text, currency, read) in [
            ("9.90", "EUR", 990),
            ("9,9", "EUR", 990),
            ("9", "EUR", 900),
            ("0.05", "USD", 5),
            ("12.", "USD", 1200),
            ("1000", "JPY", 1000),
            ("1000", "krw", 1000),
            ("1.5", "KWD", 1500),
            ("1.234", "TND", 1234),
            ("1", "CLF", 10_000),
        ] {
            assert_eq!(parse(text, currency).unwrap(), read, "{text} {currency}");
        }
        for text in ["", "-1", "1.234", "a", "1.x", "99999999999999999999", ".5"] {
            assert!(parse(text, "EUR").is_err(), "{text}");
        }
        assert_eq!(parse("9.90", "JPY").unwrap_err().to_string(), "price: is no amount such as 990");
        assert!(parse("1.2345", "KWD").is_err());
    }

    #[test]
    fn amounts_are_shown_as_they_are_written() {
        for (price, currency, shown) in [
            (990, "EUR", "9.90"),
            (5, "EUR", "0.05"),
            (1000, "JPY", "1000"),
            (1, "BHD", "0.001"),
            (-990, "EUR", "-9.90"),
        ] {
            assert_eq!(amount(price, currency), shown);
        }
        for price in [0, 1, 99, 100, 12_345_678, i64::MAX] {
            for currency in ["EUR", "JPY", "KWD", "CLF"] {
                assert_eq!(parse(&amount(price, currency), currency).unwrap(), price, "{currency}");
            }
        }
    }

    /// ISO 4217, list one, of 2024.
    #[test]
    fn currencies_without_hundredths_are_known() {
        let whole = "JPY KRW VND CLP ISK XAF XOF XPF UGX RWF PYG KMF GNF DJF BIF VUV";
        assert!(whole.split(' ').all(|code| minor_digits(code) == 0));
        assert!("BHD IQD JOD KWD LYD OMR TND".split(' ').all(|code| minor_digits(code) == 3));
        assert!("EUR USD GBP CHF SEK INR MGA MRU HUF TWD IDR".split(' ').all(|code| minor_digits(code) == 2));
    }
}
