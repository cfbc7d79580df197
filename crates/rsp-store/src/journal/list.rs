//! Lists of events: what a figure counts, newest first.

use std::ops::Range;

use rsp_asn1::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, ToSql, params};

use super::{COLUMNS, Event, EventKind, Whose, event, operators};
use crate::datastore::Datastore;
use crate::error::Error;
use crate::profiles::ProfileState;
use crate::sqlite;

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Those of one kind.
    pub kind: Option<EventKind>,
    /// Changes to this state.
    pub to: Option<ProfileState>,
    /// Steps of this function.
    pub step: Option<String>,
    /// Steps that were refused with this subject and reason code.
    pub refused: Option<(String, String)>,
    /// Steps that were refused at all, or that were not.
    pub outcome: Option<Outcome>,
    /// Installations whose way from the release is known.
    pub activations: bool,
    /// Of profiles of these types.
    pub profile_types: Option<Vec<String>>,
    /// Days since 1970, UTC.
    pub days: Option<Range<i64>>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was taken.
    Taken,
    /// It was refused.
    Refused,
}

/// Behind which event a list goes on, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor {
    /// When it happened.
    pub at: Timestamp,
    /// Its number.
    pub number: i64,
}

impl Datastore {
    /// Events that fit, newest first, from behind a cursor on.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn event_list(
        &self,
        whose: &Whose,
        filter: &EventFilter,
        after: Option<EventCursor>,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        self.read(|connection| {
            let mut found = Vec::new();
            for operator in operators(connection, whose)? {
                let Some(filter) = narrowed(connection, operator.as_deref(), filter)? else { continue };
                let (text, values) = query(operator, &filter, after, limit);
                let values: Vec<&dyn ToSql> = values.iter().map(|value| value as _).collect();
                found.extend(sqlite::all(connection, &text, &values, event)?);
            }
            found.sort_unstable_by_key(|event: &Event| std::cmp::Reverse((event.at, event.number)));
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(found)
        })
    }
}

/// A filter with those of its types alone that are an operator's. `None` when none is: looking for their events would be
/// looking at all.
fn narrowed(
    connection: &Connection,
    operator: Option<&str>,
    filter: &EventFilter,
) -> Result<Option<EventFilter>, Error> {
    let Some(types) = &filter.profile_types else { return Ok(Some(filter.clone())) };
    let mut own = Vec::new();
    for name in types {
        let text = "SELECT 1 FROM profile_types WHERE name = $1 AND operator IS $2";
        if sqlite::first(connection, text, params![name, operator], |_| Ok(()))?.is_some() {
            own.push(name.clone());
        }
    }
    Ok((!own.is_empty()).then(|| EventFilter { profile_types: Some(own), ..filter.clone() }))
}

/// The statement for one operator's events, and its parameters.
fn query(
    operator: Option<String>,
    filter: &EventFilter,
    after: Option<EventCursor>,
    limit: u32,
) -> (String, Vec<Value>) {
    let mut values = vec![operator.map_or(Value::Null, Value::Text)];
    let mut conditions = vec!["operator IS $1".to_owned()];
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("${}", values.len())));
    };
    if let Some(kind) = filter.kind {
        add("kind = ?", kind.as_str().to_owned().into());
    }
    if let Some(to) = filter.to {
        add("to_state = ?", to.as_str().to_owned().into());
    }
    if let Some(step) = &filter.step {
        add("step = ?", step.clone().into());
    }
    if let Some((subject, reason)) = &filter.refused {
        add("subject = ?", subject.clone().into());
        add("reason = ?", reason.clone().into());
    }
    if let Some(days) = &filter.days {
        add("at >= ?", days.start.saturating_mul(86_400).into());
        add("at < ?", days.end.saturating_mul(86_400).into());
    }
    if let Some(after) = after {
        add("at <= ?", after.at.0.into());
        add("(at, number) < (?, ", after.at.0.into());
        values.push(after.number.into());
        if let Some(last) = conditions.last_mut() {
            *last += &format!("${})", values.len());
        }
    }
    if let Some(types) = &filter.profile_types {
        let places: Vec<_> = types
            .iter()
            .map(|name| {
                values.push(name.clone().into());
                format!("${}", values.len())
            })
            .collect();
        conditions.push(format!("profile_type IN ({})", places.join(", ")));
    }
    match filter.outcome {
        // Both are there or neither is; saying so lets the index keep the order.
        Some(Outcome::Taken) => conditions.push("subject IS NULL AND reason IS NULL".to_owned()),
        Some(Outcome::Refused) => conditions.push("subject IS NOT NULL".to_owned()),
        None => {}
    }
    // Steps of one function, and what was refused, have indexes that find less.
    let coarse = filter.step.is_none() && filter.outcome.is_none() && filter.refused.is_none();
    let rare = coarse && filter.kind.is_some_and(|kind| kind != EventKind::State);
    if rare {
        // As the index says it: SQLite does not conclude it from a parameter.
        conditions.push("kind <> 'State'".to_owned());
    }
    // Without statistics SQLite takes all of an operator's events for as few.
    let index = if rare { "INDEXED BY events_by_kind " } else { "" };
    if filter.activations {
        conditions.push("seconds IS NOT NULL".to_owned());
    }
    values.push(limit.into());
    let text = format!(
        "SELECT {COLUMNS} FROM events {index}WHERE {} ORDER BY at DESC, number DESC LIMIT ${}",
        conditions.join(" AND "),
        values.len()
    );
    (text, values)
}

#[cfg(test)]
mod tests {
    use rusqlite::ToSql;

    use super::{EventCursor, EventFilter, EventKind, Outcome, query};
    use crate::profiles::ProfileState;
    use crate::sqlite::{self, Access};
    use rsp_asn1::Timestamp;

    #[test]
    fn no_list_that_a_figure_leads_to_sorts_all_events() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        let days = || EventFilter { days: Some(1..2), ..EventFilter::default() };
        let step = || Some("AuthenticateClient".to_owned());
        let kind = Some(EventKind::Step);
        let of = |kind| EventFilter { kind: Some(kind), ..days() };
        for (filter, index) in [
            (days(), "events_by_operator"),
            (
                EventFilter { kind: Some(EventKind::State), to: Some(ProfileState::Installed), ..days() },
                "events_by_state",
            ),
            (EventFilter { kind, step: step(), outcome: Some(Outcome::Taken), ..days() }, "events_by_step"),
            (
                EventFilter { kind, step: step(), refused: Some(("8.1".to_owned(), "3.8".to_owned())), ..days() },
                "events_by_step",
            ),
            (EventFilter { kind, outcome: Some(Outcome::Refused), ..days() }, "events_refused"),
            (EventFilter { activations: true, ..days() }, "events_activations"),
            (of(EventKind::State), "events_by_operator"),
            (of(EventKind::Step), "events_by_kind"),
            (of(EventKind::Usage), "events_by_kind"),
            (of(EventKind::Network), "events_by_kind"),
            (EventFilter { days: None, ..of(EventKind::Test) }, "events_by_kind"),
            (EventFilter { profile_types: Some(vec!["a".to_owned()]), ..of(EventKind::Usage) }, "events_by_kind"),
        ] {
            for after in [None, Some(EventCursor { at: Timestamp(7), number: 7 })] {
                let (text, values) = query(Some("A".to_owned()), &filter, after, 10);
                let values: Vec<&dyn ToSql> = values.iter().map(|value| value as _).collect();
                let text = format!("EXPLAIN QUERY PLAN {text}");
                let plan: Vec<String> = sqlite::all(&connection, &text, &values, |row| Ok(row.get("detail")?)).unwrap();
                let found = plan.iter().any(|line| line.starts_with("SEARCH events") && line.contains(index));
                assert!(found && !plan.iter().any(|line| line.contains("B-TREE")), "{filter:?}: {plan:?}");
            }
        }
    }
}
