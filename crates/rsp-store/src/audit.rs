//! Who did what to the server itself. Orders have a log of their own: [`ProfileEvent`](crate::ProfileEvent).

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What, for example `add operator`.
    pub action: String,
    /// To what.
    pub subject: String,
}

impl Datastore {
    /// The newest entries first, at most `limit`.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        self.all("SELECT at, actor, action, subject FROM audit ORDER BY id DESC LIMIT $1", params![limit], |row| {
            let columns = Columns::new(row, "audit");
            Ok(AuditEntry {
                at: columns.timestamp("at")?,
                actor: columns.get("actor")?,
                action: columns.get("action")?,
                subject: columns.get("subject")?,
            })
        })
    }
}

impl Transaction {
    /// Adds an entry.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn record_audit(&mut self, entry: &AuditEntry) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO audit (at, actor, action, subject) VALUES ($1, $2, $3, $4)",
            params![entry.at.0, entry.actor, entry.action, entry.subject],
        )?;
        Ok(())
    }
}
