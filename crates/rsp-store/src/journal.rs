//! What happened: the changes of orders, the steps of sessions, usage, and what the network was told; and how often.
//!
//! Changes of orders are written by triggers, with the change; the rest by [`Transaction::record_event`]. Counters follow
//! every event, so that a figure costs the same whether it counts ten events or a million.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use rsp_asn1::{Iccid, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, ToSql, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::profiles::ProfileState;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "events";

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An order changed its state (SGP.22 3.1.6).
    State,
    /// A step of a session of an order was taken, or refused.
    Step,
    /// An allowance, and how much of it is used.
    Usage,
    /// The network lets a subscriber in, or not any more.
    Network,
    /// Somebody tries whether events arrive.
    Test,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::State, Self::Step, Self::Usage, Self::Network, Self::Test];

    /// Its name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "State",
            Self::Step => "Step",
            Self::Usage => "Usage",
            Self::Network => "Network",
            Self::Test => "Test",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(Error::InvalidValue { table: TABLE, column: "kind" })
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order of all; never given twice.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Whose; `None` is the server's own.
    pub operator: Option<String>,
    /// About which profile.
    pub iccid: Option<Iccid>,
    /// The profile's type.
    pub profile_type: Option<String>,
    /// What it is about.
    pub kind: EventKind,
    /// Who did it.
    pub actor: String,
    /// The state before, of a change.
    pub from: Option<ProfileState>,
    /// The state after, of a change.
    pub to: Option<ProfileState>,
    /// The function of the session, of a step.
    pub step: Option<String>,
    /// Subject code, of a step that was refused.
    pub subject: Option<String>,
    /// Reason code, of a step that was refused.
    pub reason: Option<String>,
    /// Seconds from the release to this installation.
    pub seconds: Option<i64>,
    /// What else is to be said.
    pub detail: Option<String>,
}

/// An event that no trigger writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// Whose; `None` is the server's own.
    pub operator: Option<String>,
    /// About which profile.
    pub iccid: Option<Iccid>,
    /// The profile's type.
    pub profile_type: Option<String>,
    /// What it is about; a state changes by [`Transaction::change_profile`] alone.
    pub kind: EventKind,
    /// Who did it.
    pub actor: String,
    /// The function of the session, of a step.
    pub step: Option<String>,
    /// Subject and reason code, of a step that was refused.
    pub refused: Option<(String, String)>,
    /// What else is to be said; nothing secret.
    pub detail: Option<String>,
}

/// Whose things are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    All,
    /// One operator's.
    Of(String),
    /// The server's own.
    Own,
}

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

/// How many events there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCount {
    /// Whose; empty for the server's own.
    pub operator: String,
    /// Of which type of profiles; empty for none.
    pub profile_type: String,
    /// What they are about.
    pub kind: EventKind,
    /// The function, of steps; empty otherwise.
    pub step: String,
    /// The new state, or subject/reason of a refusal, or nothing.
    pub outcome: String,
    /// How many.
    pub events: u64,
}

/// How many orders of a type stand in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCount {
    /// Whose; empty for the server's own.
    pub operator: String,
    /// Of which type.
    pub profile_type: String,
    /// In which state.
    pub state: ProfileState,
    /// How many.
    pub orders: u64,
}

const COLUMNS: &str = "number, at, operator, iccid, profile_type, kind, actor, from_state, to_state, step, subject, \
                       reason, seconds, detail";

impl Datastore {
    /// Events behind a number, in their order: for whoever follows what happens.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn events_after(&self, number: i64, limit: u32) -> Result<Vec<Event>, Error> {
        let text = format!("SELECT {COLUMNS} FROM events WHERE number > $1 ORDER BY number LIMIT $2");
        self.all(&text, params![number, limit], event)
    }

    /// The number of the newest event, 0 without any.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn last_event(&self) -> Result<i64, Error> {
        let last = self.first("SELECT max(number) FROM events", &[], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
        Ok(last.flatten().unwrap_or_default())
    }

    /// Everything that happened to a profile, oldest first, at most `limit` and then the newest.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn events_of(&self, iccid: &Iccid, limit: u32) -> Result<Vec<Event>, Error> {
        let text = format!("SELECT {COLUMNS} FROM events WHERE iccid = $1 ORDER BY number DESC LIMIT $2");
        let mut events = self.all(&text, params![iccid.0, limit], event)?;
        events.reverse();
        Ok(events)
    }

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

    /// How many events there were on some days since 1970, UTC, by everything that is counted apart.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn event_counts(&self, whose: &Whose, days: Range<i64>) -> Result<Vec<EventCount>, Error> {
        self.read(|connection| {
            let mut counts = Vec::new();
            for operator in operators(connection, whose)? {
                let text = "SELECT operator, profile_type, kind, step, outcome, sum(events) AS events FROM event_counts \
                            WHERE operator = $1 AND day >= $2 AND day < $3 GROUP BY profile_type, kind, step, outcome";
                let operator = operator.unwrap_or_default();
                counts.extend(sqlite::all(connection, text, params![operator, days.start, days.end], |row| {
                    let columns = Columns::new(row, "event_counts");
                    Ok(EventCount {
                        operator: columns.get("operator")?,
                        profile_type: columns.get("profile_type")?,
                        kind: columns.text("kind")?.parse()?,
                        step: columns.get("step")?,
                        outcome: columns.get("outcome")?,
                        events: columns.count("events")?,
                    })
                })?);
            }
            Ok(counts)
        })
    }

    /// How many orders stand where.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn order_counts(&self, whose: &Whose) -> Result<Vec<OrderCount>, Error> {
        self.read(|connection| order_counts(connection, whose))
    }

    /// Seconds from release to installation of the newest installations, newest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn activation_seconds(&self, whose: &Whose, newest: u32) -> Result<Vec<i64>, Error> {
        self.read(|connection| {
            let mut found: Vec<(i64, i64, i64)> = Vec::new();
            for operator in operators(connection, whose)? {
                let text = "SELECT at, number, seconds FROM events WHERE operator IS $1 AND seconds IS NOT NULL \
                            ORDER BY at DESC, number DESC LIMIT $2";
                let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                found.extend(sqlite::all(connection, text, params![operator, newest], read)?);
            }
            found.sort_unstable_by(|one, other| other.cmp(one));
            found.truncate(usize::try_from(newest).unwrap_or(usize::MAX));
            Ok(found.into_iter().map(|(_, _, seconds)| seconds).collect())
        })
    }
}

impl Transaction {
    /// Writes an event.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn record_event(&mut self, new: &NewEvent) -> Result<(), Error> {
        let (subject, reason) = new.refused.as_ref().map(|(subject, reason)| (subject, reason)).unzip();
        sqlite::execute(
            &self.connection,
            "INSERT INTO events (at, operator, iccid, profile_type, kind, actor, step, subject, reason, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                new.at.0,
                new.operator,
                new.iccid.map(|iccid| iccid.0),
                new.profile_type,
                new.kind.as_str(),
                new.actor,
                new.step,
                subject,
                reason,
                new.detail
            ],
        )?;
        Ok(())
    }
}

/// Whose things there are at all. Each is looked up apart from the others, in an order that its index has.
pub(crate) fn operators(connection: &Connection, whose: &Whose) -> Result<Vec<Option<String>>, Error> {
    match whose {
        Whose::Of(operator) => Ok(vec![Some(operator.clone())]),
        Whose::Own => Ok(vec![None]),
        Whose::All => {
            let mut all = sqlite::all(connection, "SELECT name FROM operators", &[], |row| Ok(Some(row.get(0)?)))?;
            all.push(None);
            Ok(all)
        }
    }
}

pub(crate) fn order_counts(connection: &Connection, whose: &Whose) -> Result<Vec<OrderCount>, Error> {
    let mut counts = Vec::new();
    for operator in operators(connection, whose)? {
        let text = "SELECT operator, profile_type, state, orders FROM order_counts WHERE operator = $1 AND orders > 0";
        counts.extend(sqlite::all(connection, text, params![operator.unwrap_or_default()], |row| {
            let columns = Columns::new(row, "order_counts");
            Ok(OrderCount {
                operator: columns.get("operator")?,
                profile_type: columns.get("profile_type")?,
                state: columns.text("state")?.parse()?,
                orders: columns.count("orders")?,
            })
        })?);
    }
    Ok(counts)
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
    if filter.activations {
        conditions.push("seconds IS NOT NULL".to_owned());
    }
    values.push(limit.into());
    let text = format!(
        "SELECT {COLUMNS} FROM events WHERE {} ORDER BY at DESC, number DESC LIMIT ${}",
        conditions.join(" AND "),
        values.len()
    );
    (text, values)
}

pub(crate) fn event(row: &Row<'_>) -> Result<Event, Error> {
    let columns = Columns::new(row, TABLE);
    Ok(Event {
        number: columns.get("number")?,
        at: columns.timestamp("at")?,
        operator: columns.get("operator")?,
        iccid: columns.optional_iccid("iccid")?,
        profile_type: columns.get("profile_type")?,
        kind: columns.text("kind")?.parse()?,
        actor: columns.get("actor")?,
        from: columns.optional_text("from_state")?.map(str::parse).transpose()?,
        to: columns.optional_text("to_state")?.map(str::parse).transpose()?,
        step: columns.get("step")?,
        subject: columns.get("subject")?,
        reason: columns.get("reason")?,
        seconds: columns.get("seconds")?,
        detail: columns.get("detail")?,
    })
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
