//! How often something happened, and how many orders stand where. The triggers of the journal count.

use std::ops::Range;

use rusqlite::{Connection, Row, params};

use super::{EventKind, Whose, operators};
use crate::datastore::Datastore;
use crate::error::Error;
use crate::profiles::ProfileState;
use crate::rows::Columns;
use crate::sqlite;

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

impl Datastore {
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

    /// How many orders of other SM-DP+s stand where a list shows them: as Unavailable when they were cancelled, else as
    /// Released.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn order_counts_elsewhere(&self, whose: &Whose) -> Result<Vec<OrderCount>, Error> {
        self.read(|connection| order_counts_elsewhere(connection, whose))
    }

    /// How many orders of this SM-DP+ stand where.
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

pub(crate) fn order_counts_elsewhere(connection: &Connection, whose: &Whose) -> Result<Vec<OrderCount>, Error> {
    let mut counts = Vec::new();
    for operator in operators(connection, whose)?.into_iter().flatten() {
        let text = "SELECT profile_type, cancelled, orders FROM elsewhere_counts WHERE operator = $1 AND orders > 0";
        counts.extend(sqlite::all(connection, text, params![operator], |row| {
            let columns = Columns::new(row, "elsewhere_counts");
            let cancelled: bool = columns.get("cancelled")?;
            Ok(OrderCount {
                operator: operator.clone(),
                profile_type: columns.get("profile_type")?,
                state: if cancelled { ProfileState::Unavailable } else { ProfileState::Released },
                orders: columns.count("orders")?,
            })
        })?);
    }
    Ok(counts)
}
