//! Lists in addresses: what they are filtered by, and where they go on. What a link says is what its page reads.

use rsp_asn1::{Iccid, Timestamp};
use rsp_es::printable::printable;
use rsp_store::{EventCursor, EventFilter, EventKind, OrderCursor, Outcome, ProfileState};

use crate::cursors::Cursors;
use crate::desk::{EsimFilter, Sales};
use crate::error::Error;

/// Characters of what cannot be read, where it is named.
const WRONG: usize = 40;
const NO_STATE: &str = "no state of an order: choose one of the list";
const NO_PLACE: &str = "no place in this list: begin again at its first page";

/// Names and values of a query, in their order; names may repeat.
pub(super) type Pairs = Vec<(String, String)>;

/// An address with a query.
pub(super) fn link(path: &str, pairs: &[(&str, String)]) -> String {
    let mut text = path.to_owned();
    for (place, (name, value)) in pairs.iter().enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        value.bytes().for_each(|byte| text.push_str(&escape(byte)));
    }
    text
}

/// One octet of a query.
pub(super) fn escape(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

/// The first value of a name that is not empty.
pub(super) fn value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

/// A filter of events as an address says it.
pub(super) fn of_events(filter: &EventFilter) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    let mut add = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
    add("kind", filter.kind.map(|kind| kind.to_string()));
    add("to", filter.to.map(|state| state.to_string()));
    add("step", filter.step.clone());
    add("subject", filter.refused.as_ref().map(|(subject, _)| subject.clone()));
    add("reason", filter.refused.as_ref().map(|(_, reason)| reason.clone()));
    add("outcome", filter.outcome.map(|outcome| outcome_name(outcome).to_owned()));
    add("activations", filter.activations.then(|| "yes".to_owned()));
    add("from", filter.days.as_ref().map(|days| date(days.start)));
    // The last day, not the one behind it.
    add("until", filter.days.as_ref().map(|days| date(days.end - 1)));
    for name in filter.profile_types.iter().flatten() {
        pairs.push(("type", name.clone()));
    }
    pairs
}

/// A value of an address, read; none if it is empty. `expected` says what it is not, and how to go on.
fn read<T>(
    pairs: &Pairs,
    name: &'static str,
    expected: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let wrong = |text: &str| Error::invalid(name, format!("\"{}\" is {expected}", printable(text, WRONG)));
    value(pairs, name).map(|text| read(text).ok_or_else(|| wrong(text))).transpose()
}

fn date_of(pairs: &Pairs, name: &'static str) -> Result<Option<i64>, Error> {
    read(pairs, name, "no date such as 2026-11-20", day)
}

fn state(text: &str) -> Option<ProfileState> {
    text.parse().ok()
}

/// The filter of events that an address says, but for what is sold by whom: see [`sales`].
///
/// # Errors
/// [`Error::Invalid`] for what cannot be read.
pub(super) fn events(pairs: &Pairs) -> Result<EventFilter, Error> {
    let types: Vec<_> = pairs.iter().filter(|(name, _)| name == "type").map(|(_, value)| value.clone()).collect();
    let refused = match (value(pairs, "subject"), value(pairs, "reason")) {
        (Some(subject), Some(reason)) => Some((subject.to_owned(), reason.to_owned())),
        (None, None) => None,
        _ => return Err(Error::invalid("reason", "the codes of a refusal, subject and reason, come together")),
    };
    let (from, until) = (date_of(pairs, "from")?, date_of(pairs, "until")?);
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        return Err(Error::invalid("until", "lies before the first day"));
    }
    Ok(EventFilter {
        kind: read(pairs, "kind", "no kind of event: choose one of the list", |kind| kind.parse::<EventKind>().ok())?,
        to: read(pairs, "to", NO_STATE, state)?,
        step: value(pairs, "step").map(str::to_owned),
        refused,
        outcome: read(pairs, "outcome", "no outcome of a step: choose one of the list", |outcome| {
            [Outcome::Taken, Outcome::Refused].into_iter().find(|known| outcome_name(*known) == outcome)
        })?,
        activations: value(pairs, "activations").is_some(),
        profile_types: Some(types).filter(|types| !types.is_empty()),
        days: match (from, until) {
            (None, None) => None,
            (from, until) => Some(from.unwrap_or(0)..until.map_or(FAR, |day| day + 1)),
        },
    })
}

/// Of whom the sales are that an address asks for.
pub(super) fn sales(pairs: &Pairs) -> Option<Sales> {
    let text = |name| value(pairs, name).map(str::to_owned);
    match (text("carrier"), text("country"), value(pairs, "plan")) {
        (Some(carrier), ..) => Some(Sales::Carrier(carrier)),
        (None, Some(country), _) => Some(Sales::Country(country)),
        (None, None, Some("none")) => Some(Sales::Unplanned),
        _ => None,
    }
}

/// The same as an address says it.
pub(super) fn of_sales(sales: &Sales) -> (&'static str, String) {
    match sales {
        Sales::Carrier(carrier) => ("carrier", carrier.clone()),
        Sales::Country(country) => ("country", country.clone()),
        Sales::Unplanned => ("plan", "none".to_owned()),
    }
}

/// A day far behind all others.
const FAR: i64 = 2_900_000;

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Taken => "taken",
        Outcome::Refused => "refused",
    }
}

/// The filter of eSIMs that an address says.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be read.
pub(super) fn esims(pairs: &Pairs) -> Result<EsimFilter, Error> {
    let text = |name| value(pairs, name).map(str::to_owned);
    let states = pairs.iter().filter(|(name, text)| name == "state" && !text.is_empty());
    let states = states.map(|pair| read(&vec![pair.clone()], "state", NO_STATE, state));
    Ok(EsimFilter {
        tenant: text("tenant"),
        states: states.filter_map(Result::transpose).collect::<Result<_, _>>()?,
        carrier: text("carrier"),
        country: text("country"),
        profile_type: text("type"),
    })
}

/// Where a list of eSIMs goes on.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be read.
pub(super) fn order_cursor(pairs: &Pairs) -> Result<Option<OrderCursor>, Error> {
    read(pairs, "after", NO_PLACE, |text| {
        let (at, iccid) = text.split_once('.')?;
        Some(OrderCursor { created_at: Timestamp(at.parse().ok()?), iccid: iccid.parse::<Iccid>().ok()? })
    })
}

/// The same as text.
pub(super) fn of_order_cursor(cursor: &OrderCursor) -> String {
    format!("{}.{}", cursor.created_at.0, cursor.iccid)
}

/// Where a list of events goes on.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be read.
pub(super) fn event_cursor(pairs: &Pairs, cursors: &Cursors) -> Result<Option<EventCursor>, Error> {
    read(pairs, "after", NO_PLACE, |text| cursors.event(text))
}

/// Behind which entry the log goes on.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be read.
pub(super) fn log_cursor(pairs: &Pairs, cursors: &Cursors) -> Result<Option<i64>, Error> {
    read(pairs, "before", NO_PLACE, |text| cursors.entry(text))
}

/// How many days are counted.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be read.
pub(super) fn days(pairs: &Pairs, known: &[i64]) -> Result<Option<i64>, Error> {
    read(pairs, "days", "none of the ranges: choose one of the page", |text| {
        text.parse().ok().filter(|days| known.contains(days))
    })
}

/// A day since 1970 as `2026-11-20`.
pub(super) fn date(day: i64) -> String {
    let (year, month, day, ..) = Timestamp(day.saturating_mul(86_400)).civil();
    format!("{year:04}-{month:02}-{day:02}")
}

/// The day since 1970 of `2026-11-20`.
pub(super) fn day(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let mut next = || parts.next()?.parse::<u16>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = time::Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    Some(i64::from(date.to_julian_day()) - 2_440_588)
}

#[cfg(test)]
mod tests {
    use rsp_store::{EventFilter, EventKind, Outcome, ProfileState};

    use super::{Pairs, date, day, events, link, of_events, order_cursor};
    use crate::error::Error;

    #[test]
    fn a_filter_is_read_as_it_is_written() {
        let filters = [
            EventFilter::default(),
            EventFilter {
                kind: Some(EventKind::Step),
                step: Some("AuthenticateClient".to_owned()),
                refused: Some(("8.2.6".to_owned(), "3.8".to_owned())),
                outcome: Some(Outcome::Refused),
                days: Some(20_000..20_007),
                ..EventFilter::default()
            },
            EventFilter {
                kind: Some(EventKind::State),
                to: Some(ProfileState::Installed),
                activations: true,
                profile_types: Some(vec!["a & b".to_owned(), "c=d,e".to_owned()]),
                ..EventFilter::default()
            },
        ];
        for filter in filters {
            let pairs: Pairs = of_events(&filter).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(events(&pairs).unwrap(), filter);
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (name, text) in [
            ("kind", "Sometimes"),
            ("to", "Lost"),
            ("outcome", "perhaps"),
            ("from", "2026-02-30"),
            ("until", "tomorrow"),
            ("reason", "3.8"),
        ] {
            let pairs: Pairs = vec![(name.to_owned(), text.to_owned())];
            assert!(matches!(events(&pairs), Err(Error::Invalid { field, .. }) if field == name), "{name}");
        }
        let days = [("from", "2026-11-20"), ("until", "2026-11-19")];
        let days: Pairs = days.map(|(name, day)| (name.to_owned(), day.to_owned())).into();
        assert!(matches!(events(&days), Err(Error::Invalid { field: "until", .. })));
        for text in ["1", "x.y", "1.", ".1", "1.123", "1.2.3"] {
            let pairs: Pairs = vec![("after".to_owned(), text.to_owned())];
            assert!(order_cursor(&pairs).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_escaped() {
        assert_eq!(link("/x", &[("a", "b&c=d ü".to_owned()), ("e", "f".to_owned())]), "/x?a=b%26c%3Dd%20%C3%BC&e=f");
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2026-11-20"), Some(20_777));
        assert_eq!(date(20_777), "2026-11-20");
        for wrong in ["", "2026", "2026-13-01", "2026-02-30", "x-y-z", "-1-1-1"] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }
}
