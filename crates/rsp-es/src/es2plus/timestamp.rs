//! The text form of a point in time, `YYYY-MM-DDThh:mm:ssTZD` (SGP.22 6.5.2.5, W3C NOTE-datetime).

use rsp_asn1::Timestamp;

/// Reads a date and time whose zone is `Z` or `+hh:mm`; a fraction of a second is dropped. `None` if it is not one.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(rest.get(..8)?, ':', [2, 2, 2])?;
    let offset = offset(without_fraction(rest.get(8..)?)?)?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    // A date that does not exist, such as 30 February, comes back as another.
    let civil = Timestamp(seconds).civil();
    let again = [civil.1, civil.2, civil.3, civil.4, civil.5].map(i64::from);
    let exists = civil.0 == year && again == [month, day, hour, minute, second];
    exists.then(|| Timestamp(seconds - offset))
}

/// Numbers with exactly these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut numbers = [0; 3];
    let mut parts = text.split(separator);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        *number = unsigned(parts.next()?, digits)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn unsigned(text: &str, digits: usize) -> Option<i64> {
    let well_formed = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

fn without_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix('.') else { return Some(text) };
    let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (zone.len() < fraction.len()).then_some(zone)
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, zone) =
        zone.strip_prefix('+').map(|zone| (1, zone)).or(zone.strip_prefix('-').map(|zone| (-1, zone)))?;
    let (hours, minutes) = zone.split_once(':')?;
    let (hours, minutes) = (unsigned(hours, 2)?, unsigned(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, the inverse of [`Timestamp::civil`].
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin with March, so that the leap day ends them.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
