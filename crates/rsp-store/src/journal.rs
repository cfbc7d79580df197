//! What happened: the changes of orders, the steps of sessions, usage, and what the network was told; and how often.
//!
//! Changes of orders are written by triggers, with the change; the rest by [`Transaction::record_event`]. Counters follow
//! every event, so that a figure costs the same whether it counts ten events or a million.

mod counts;
mod list;

use std::fmt;
use std::str::FromStr;

use rsp_asn1::{Iccid, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::profiles::ProfileState;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;
pub use counts::{EventCount, OrderCount};
pub(crate) use counts::{order_counts, order_counts_elsewhere};
pub use list::{EventCursor, EventFilter, Outcome};

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

const COLUMNS: &str = "number, at, operator, iccid, profile_type, kind, actor, from_state, to_state, step, subject, \
                       reason, seconds, detail";

impl Datastore {
    /// The last events of an operator's profile, the oldest of them first. An ICCID that another SM-DP+ gave may be one of
    /// several operators.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn events_of(&self, operator: Option<&str>, iccid: &Iccid, limit: u32) -> Result<Vec<Event>, Error> {
        // The index is the profile's: an operator has many more events than one profile of all operators.
        let text =
            format!("SELECT {COLUMNS} FROM events WHERE iccid = $1 AND +operator IS $2 ORDER BY number DESC LIMIT $3");
        let mut events = self.all(&text, params![iccid.0, operator, limit], event)?;
        events.reverse();
        Ok(events)
    }

    /// The events of an operator's profile behind one with this number, the oldest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn events_behind(
        &self,
        operator: Option<&str>,
        iccid: &Iccid,
        number: i64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let text = format!(
            "SELECT {COLUMNS} FROM events WHERE iccid = $1 AND +operator IS $2 AND number > $3 ORDER BY number LIMIT $4"
        );
        self.all(&text, params![iccid.0, operator, number, limit], event)
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
