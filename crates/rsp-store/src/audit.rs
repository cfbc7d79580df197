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
}

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number; a later entry has a greater one.
    pub number: i64,
    /// The operator whose matter it is; `None` is the server's own.
    pub operator: Option<String>,
    /// What it says.
    pub entry: AuditEntry,
}

impl Datastore {
    /// The newest entries before `before` first, at most `limit`: those of one operator, or with `None` all.
    pub async fn log(&self, operator: Option<&str>, before: Option<i64>, limit: u32) -> Result<Vec<LogEntry>, Error> {
        let before = before.unwrap_or(i64::MAX);
        let read = |row: &Row<'_>| {
            let columns = Columns::new(row, "audit");
            let entry = AuditEntry {
                at: columns.timestamp("at")?,
                actor: columns.get("actor")?,
                action: columns.get("action")?,
                subject: columns.get("subject")?,
            };
            Ok(LogEntry { number: columns.get("id")?, operator: columns.get("operator")?, entry })
        };
        match operator {
            Some(operator) => {
                let text = "SELECT id, at, actor, action, subject, operator FROM audit \
                            WHERE operator = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
                self.all(text, params![operator, before, limit], read)
            }
            None => {
                let text = "SELECT id, at, actor, action, subject, operator FROM audit \
                            WHERE id < $1 ORDER BY id DESC LIMIT $2";
                self.all(text, params![before, limit], read)
            }
        }
    }

    /// The newest entries first, at most `limit`.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        Ok(self.log(None, None, limit).await?.into_iter().map(|entry| entry.entry).collect())
    }
}

impl Transaction {
    /// Adds an entry that is the matter of an operator: its people may read it.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn record_audit_of(&mut self, operator: Option<&str>, entry: &AuditEntry) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO audit (at, actor, action, subject, operator) VALUES ($1, $2, $3, $4, $5)",
            params![entry.at.0, entry.actor, entry.action, entry.subject, operator],
        )?;
        Ok(())
    }

    /// Adds an entry of the server's own.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn record_audit(&mut self, entry: &AuditEntry) -> Result<(), Error> {
        self.record_audit_of(None, entry)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use crate::sqlite::{self, Access};

    #[test]
    fn the_log_only_grows() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut connection = sqlite::connect(file.path(), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        let text = "INSERT INTO audit (at, actor, action, subject) VALUES ($1, 'a', 'b', 'c')";
        sqlite::execute(&connection, text, params![1]).unwrap();
        for text in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"] {
            let refused = sqlite::execute(&connection, text, &[]).unwrap_err();
            assert!(refused.to_string().contains("the log only grows"), "{text}: {refused}");
        }
        let read = |row: &rusqlite::Row<'_>| Ok(row.get::<_, String>(0)?);
        assert_eq!(sqlite::all(&connection, "SELECT actor FROM audit", &[], read).unwrap(), ["a"]);
    }
}
