//! Messages that nobody delivers any more.

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::audit::AuditEntry;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::sqlite;
use crate::writer::Transaction;

/// Statement text: what nobody delivers any more at the time `$1`: what was written until `$2`, and what is for operators
/// without endpoint. Not what is under way.
macro_rules! undeliverable {
    () => {
        "NOT (m.attempts > 0 AND m.problem IS NULL AND m.due_at > $1) \
         AND (m.created_at <= $2 OR (m.operator IS NOT NULL AND o.endpoint IS NULL))"
    };
}

impl Datastore {
    /// Gives up what was written until `oldest`, and what is for operators that have no endpoint any more; but nothing that
    /// is under way. The audit tells of it, in the name of `actor`, with the entries that are returned.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn give_up_messages(
        &self,
        now: Timestamp,
        oldest: Timestamp,
        actor: &str,
    ) -> Result<Vec<AuditEntry>, Error> {
        let old = "SELECT 1 FROM outbox WHERE created_at <= $1 LIMIT 1";
        let silent = "SELECT 1 FROM operators o JOIN outbox m ON m.front = 1 AND m.addressee = 'operator ' || o.name \
                      WHERE o.endpoint IS NULL LIMIT 1";
        if self.first(old, params![oldest.0], |_| Ok(()))?.is_none() && self.first(silent, &[], |_| Ok(()))?.is_none() {
            return Ok(Vec::new());
        }
        let actor = actor.to_owned();
        self.run_tx("give up messages", move |tx| tx.give_up_messages(now, oldest, &actor)).await
    }
}

impl Transaction {
    fn give_up_messages(&mut self, now: Timestamp, oldest: Timestamp, actor: &str) -> Result<Vec<AuditEntry>, Error> {
        let text = concat!(
            "SELECT m.function, COALESCE(m.operator, m.recipient), m.operator IS NOT NULL AND o.endpoint IS NULL, \
             COUNT(*), MAX(m.problem) ",
            addressed!(),
            " WHERE ",
            undeliverable!(),
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        );
        let entries = sqlite::all(&self.connection, text, params![now.0, oldest.0], |row| {
            let (function, addressee): (String, String) = (row.get(0)?, row.get(1)?);
            let (silent, count, problem): (bool, u32, Option<String>) = (row.get(2)?, row.get(3)?, row.get(4)?);
            let why = match (silent, problem) {
                (true, _) => "it has no endpoint any more".to_owned(),
                (false, Some(problem)) => format!("too old; {problem}"),
                (false, None) => "too old".to_owned(),
            };
            let subject = format!("{function} for {addressee:?}, messages: {count}; {why}");
            Ok(AuditEntry { at: now, actor: actor.to_owned(), action: "give up".to_owned(), subject })
        })?;
        let text = concat!(
            "DELETE FROM outbox WHERE (lane, number) IN (SELECT m.lane, m.number ",
            addressed!(),
            " WHERE ",
            undeliverable!(),
            ")"
        );
        sqlite::execute(&self.connection, text, params![now.0, oldest.0])?;
        entries.iter().try_for_each(|entry| self.record_audit(entry))?;
        Ok(entries)
    }
}
