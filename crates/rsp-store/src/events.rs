//! Events that wait at an SM-DS for their eUICCs (SGP.22 3.6.1), and the sessions in which they were asked for.

use rsp_asn1::{Eid, Timestamp, TransactionId};
use rusqlite::{Row, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "event_records";

/// One event record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// OID of the SM-DP+ or SM-DS that registered it, dotted. Nobody else can delete it.
    pub registrar: String,
    /// Its EventID, unique among those of the registrar.
    pub event_id: String,
    /// The eUICC that it waits for.
    pub eid: Eid,
    /// Where the eUICC finds what waits: an SM-DP+, or an alternative SM-DS.
    pub rsp_server_address: String,
    /// The same event at a parent, if it was registered there as well.
    pub forwarded: Option<ForwardedEvent>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// The last second of its life: a record that is older is found no more, and waits for being deleted.
    pub expires_at: Timestamp,
}

/// An event as it is known to a parent SM-DS (SGP.22 3.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardedEvent {
    /// Its second EventID, which the registrar never sees.
    pub event_id: String,
    /// Address of the parent.
    pub parent: String,
}

/// How many records a registrar has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCounts {
    /// For one eUICC.
    pub of_eid: u32,
    /// In all.
    pub of_registrar: u32,
}

macro_rules! columns {
    () => {
        "registrar, event_id, eid, rsp_server_address, forwarded_as, forwarded_to, registered_at, expires_at"
    };
}

const OF_EID: &str =
    concat!("SELECT ", columns!(), " FROM event_records WHERE eid = $1 AND expires_at >= $2 ORDER BY number");

const DELETE: &str =
    concat!("DELETE FROM event_records WHERE registrar = $1 AND event_id = $2 AND eid = $3 RETURNING ", columns!());

// A union, for SQLite looks at all records of a registrar where two of its columns stand in an OR.
const DELETE_IN_THE_WAY: &str = concat!(
    "DELETE FROM event_records WHERE expires_at < $4 AND number IN (",
    "SELECT number FROM event_records WHERE registrar = $1 AND event_id = $2 ",
    "UNION SELECT number FROM event_records WHERE registrar = $1 AND eid = $3) RETURNING ",
    columns!()
);

const DELETE_EXPIRED: &str = concat!(
    "DELETE FROM event_records WHERE number IN ",
    "(SELECT number FROM event_records WHERE expires_at < $1 ORDER BY expires_at, number LIMIT $2) RETURNING ",
    columns!()
);

const COUNTS: &str = "SELECT (SELECT count(*) FROM event_records WHERE eid = $2 AND registrar = $1) AS of_eid, \
     coalesce((SELECT records FROM event_registrars WHERE registrar = $1), 0) AS of_registrar";

impl Datastore {
    /// Whether a session has had its answer.
    pub async fn event_session_ended(&self, transaction_id: &TransactionId) -> Result<bool, Error> {
        let text = "SELECT 1 FROM event_sessions WHERE transaction_id = $1";
        Ok(self.first(text, params![transaction_id.as_bytes()], |_| Ok(()))?.is_some())
    }

    /// The records of an eUICC that have not expired at `now`, in the order of their registration.
    pub async fn events(&self, eid: &Eid, now: Timestamp) -> Result<Vec<EventRecord>, Error> {
        self.all(OF_EID, params![eid.0, now.0], record)
    }
}

impl Transaction {
    /// Ends a session with its answer. False when it ended before.
    ///
    /// It is remembered until [`Transaction::purge_event_sessions`] is called after `begins_by`.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn end_event_session(&mut self, transaction_id: &TransactionId, begins_by: Timestamp) -> Result<bool, Error> {
        let text = "INSERT INTO event_sessions (transaction_id, begins_by) VALUES ($1, $2) \
                    ON CONFLICT (transaction_id) DO NOTHING";
        let written = sqlite::execute(&self.connection, text, params![transaction_id.as_bytes(), begins_by.0])?;
        Ok(written == 1)
    }

    /// Forgets the sessions that can begin no more; returns how many.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn purge_event_sessions(&mut self, now: Timestamp) -> Result<u64, Error> {
        let deleted =
            sqlite::execute(&self.connection, "DELETE FROM event_sessions WHERE begins_by < $1", params![now.0])?;
        Ok(deleted as u64)
    }

    /// The records of an eUICC, as [`Datastore::events`].
    ///
    /// # Errors
    /// The store's own failures.
    pub fn events(&mut self, eid: &Eid, now: Timestamp) -> Result<Vec<EventRecord>, Error> {
        sqlite::all(&self.connection, OF_EID, params![eid.0, now.0], record)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the registrar has a record with this EventID.
    pub fn insert_event(&mut self, new: &EventRecord) -> Result<(), Error> {
        let forwarded = new.forwarded.as_ref();
        sqlite::execute(
            &self.connection,
            concat!("INSERT INTO event_records (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
            params![
                new.registrar,
                new.event_id,
                new.eid.0,
                new.rsp_server_address,
                forwarded.map(|forwarded| &forwarded.event_id),
                forwarded.map(|forwarded| &forwarded.parent),
                new.registered_at.0,
                new.expires_at.0
            ],
        )
        .map_err(|error| error.naming_duplicate("event"))?;
        Ok(())
    }

    /// Deletes a record and returns it. `None` when the registrar has no such record for this eUICC.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn delete_event(&mut self, registrar: &str, eid: &Eid, event_id: &str) -> Result<Option<EventRecord>, Error> {
        // At most one: registrar and EventID are unique together.
        Ok(sqlite::all(&self.connection, DELETE, params![registrar, event_id, eid.0], record)?.pop())
    }

    /// Deletes those records of a registrar which have expired at `now` and would be in the way of a new one: those for
    /// its eUICC, and the one with its EventID. Returns them.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn delete_expired_events_before(
        &mut self,
        registrar: &str,
        eid: &Eid,
        event_id: &str,
        now: Timestamp,
    ) -> Result<Vec<EventRecord>, Error> {
        sqlite::all(&self.connection, DELETE_IN_THE_WAY, params![registrar, event_id, eid.0, now.0], record)
    }

    /// Deletes up to `limit` records that have expired at `now`, and returns them.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn delete_expired_events(&mut self, now: Timestamp, limit: u32) -> Result<Vec<EventRecord>, Error> {
        sqlite::all(&self.connection, DELETE_EXPIRED, params![now.0, limit], record)
    }

    /// How many records a registrar has, for one eUICC and in all, expired ones included.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn event_counts(&mut self, registrar: &str, eid: &Eid) -> Result<EventCounts, Error> {
        let counts = sqlite::first(&self.connection, COUNTS, params![registrar, eid.0], |row| {
            let columns = Columns::new(row, TABLE);
            Ok(EventCounts { of_eid: columns.unsigned("of_eid")?, of_registrar: columns.unsigned("of_registrar")? })
        })?;
        counts.ok_or(Error::InvalidValue { table: TABLE, column: "number" })
    }
}

fn record(row: &Row<'_>) -> Result<EventRecord, Error> {
    let columns = Columns::new(row, TABLE);
    let forwarded = match (columns.get("forwarded_as")?, columns.get("forwarded_to")?) {
        (Some(event_id), Some(parent)) => Some(ForwardedEvent { event_id, parent }),
        _ => None,
    };
    Ok(EventRecord {
        registrar: columns.get("registrar")?,
        event_id: columns.get("event_id")?,
        eid: columns.optional_eid("eid")?.ok_or_else(|| columns.invalid("eid"))?,
        rsp_server_address: columns.get("rsp_server_address")?,
        forwarded,
        registered_at: columns.timestamp("registered_at")?,
        expires_at: columns.timestamp("expires_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{COUNTS, DELETE, DELETE_EXPIRED, DELETE_IN_THE_WAY, OF_EID};
    use crate::sqlite::{Access, all, connect, migrate};
    use rusqlite::{ToSql, params};

    /// A registrar may have a million events.
    #[test]
    fn no_statement_looks_at_all_events_nor_at_all_of_a_registrar() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut connection = connect(file.path(), Access::Create).unwrap();
        migrate(&mut connection).unwrap();
        let four: &[&dyn ToSql] = params![1, 2, 3, 4];
        for text in [OF_EID, DELETE, DELETE_IN_THE_WAY, DELETE_EXPIRED, COUNTS] {
            let read = |row: &rusqlite::Row<'_>| Ok(row.get::<_, String>("detail")?);
            let plan = all(&connection, &format!("EXPLAIN QUERY PLAN {text}"), four, read).unwrap();
            let slow = |step: &&String| step.contains("SCAN event_re") || step.contains("(registrar=?)");
            // One row of event_registrars is all that there is of its registrar.
            let slow: Vec<_> = plan.iter().filter(slow).filter(|step| !step.contains("event_registrars")).collect();
            assert!(slow.is_empty(), "{text}: {plan:?}");
        }
    }
}
