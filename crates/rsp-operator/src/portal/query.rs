//! Lists in addresses: what they are filtered by, and where they go on. What a link says is what its page reads.

use rsp_asn1::{Iccid, Timestamp};
use rsp_store::{EventCursor, EventFilter, EventKind, OrderCursor, Outcome, ProfileState};

use crate::desk::EsimFilter;

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

/// The filter of events that an address says; what cannot be read is left out.
pub(super) fn events(pairs: &Pairs) -> EventFilter {
    let days = |name| value(pairs, name).and_then(day);
    let types: Vec<_> = pairs.iter().filter(|(name, _)| name == "type").map(|(_, value)| value.clone()).collect();
    let refused = value(pairs, "subject").zip(value(pairs, "reason"));
    EventFilter {
        kind: value(pairs, "kind").and_then(|kind| kind.parse::<EventKind>().ok()),
        to: value(pairs, "to").and_then(|state| state.parse::<ProfileState>().ok()),
        step: value(pairs, "step").map(str::to_owned),
        refused: refused.map(|(subject, reason)| (subject.to_owned(), reason.to_owned())),
        outcome: value(pairs, "outcome").and_then(|outcome| {
            [Outcome::Taken, Outcome::Refused].into_iter().find(|known| outcome_name(*known) == outcome)
        }),
        activations: value(pairs, "activations").is_some(),
        profile_types: Some(types).filter(|types| !types.is_empty()),
        days: match (days("from"), days("until")) {
            (None, None) => None,
            (from, until) => Some(from.unwrap_or(0)..until.map_or(FAR, |day| day + 1)),
        },
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
pub(super) fn esims(pairs: &Pairs) -> EsimFilter {
    let text = |name| value(pairs, name).map(str::to_owned);
    EsimFilter {
        tenant: text("tenant"),
        states: pairs.iter().filter(|(name, _)| name == "state").filter_map(|(_, state)| state.parse().ok()).collect(),
        carrier: text("carrier"),
        country: text("country"),
        profile_type: text("type"),
    }
}

/// Where a list of eSIMs goes on.
pub(super) fn order_cursor(pairs: &Pairs) -> Option<OrderCursor> {
    let (at, iccid) = value(pairs, "after")?.split_once('.')?;
    Some(OrderCursor { created_at: Timestamp(at.parse().ok()?), iccid: iccid.parse::<Iccid>().ok()? })
}

/// The same as text.
pub(super) fn of_order_cursor(cursor: &OrderCursor) -> String {
    format!("{}.{}", cursor.created_at.0, cursor.iccid)
}

/// Where a list of events goes on.
pub(super) fn event_cursor(pairs: &Pairs) -> Option<EventCursor> {
    let (at, number) = value(pairs, "after")?.split_once('.')?;
    Some(EventCursor { at: Timestamp(at.parse().ok()?), number: number.parse().ok()? })
}

/// The same as text.
pub(super) fn of_event_cursor(cursor: &EventCursor) -> String {
    format!("{}.{}", cursor.at.0, cursor.number)
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

    use super::{Pairs, date, day, events, link, of_events};

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
            assert_eq!(events(&pairs), filter);
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
