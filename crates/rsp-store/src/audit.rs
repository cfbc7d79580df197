//! Who did what to the server itself. Orders have a log of their own: [`ProfileEvent`](crate::ProfileEvent).

use rsp_asn1::Timestamp;
use rusqlite::{Row, params};

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
    /// The tenant whose it is to see; `None` for what was done to the server.
    pub operator: Option<String>,
}

impl Datastore {
    /// The newest entries first, at most `limit`.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        Ok(self.audit_of(None, i64::MAX, limit).await?.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The newest entries first, each with its number: of one operator or of everybody, and only those before `number`.
    pub async fn audit_of(
        &self,
        operator: Option<&str>,
        number: i64,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, Error> {
        let read = |row: &Row<'_>| {
            let columns = Columns::new(row, "audit");
            let entry = AuditEntry {
                at: columns.timestamp("at")?,
                actor: columns.get("actor")?,
                action: columns.get("action")?,
                subject: columns.get("subject")?,
                operator: columns.get("operator")?,
            };
            Ok((columns.get("id")?, entry))
        };
        const COLUMNS: &str = "SELECT id, at, actor, action, subject, operator FROM audit";
        match operator {
            None => {
                let text = format!("{COLUMNS} WHERE id < $1 ORDER BY id DESC LIMIT $2");
                self.all(&text, params![number, limit], read)
            }
            Some(operator) => {
                let text = format!("{COLUMNS} WHERE operator = $3 AND id < $1 ORDER BY id DESC LIMIT $2");
                self.all(&text, params![number, limit, operator], read)
            }
        }
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
            "INSERT INTO audit (at, actor, action, subject, operator) VALUES ($1, $2, $3, $4, $5)",
            params![entry.at.0, entry.actor, entry.action, entry.subject, entry.operator],
        )?;
        Ok(())
    }
}
