//! Emptying a database, for laboratories that begin anew with the same set-up.

use crate::error::Error;
use crate::sqlite;
use crate::writer::Transaction;

/// What is emptied, each table before those that it refers to. What the server did to itself stays in the audit, and the key
/// stays the same.
const TABLES: [&str; 39] = [
    "DELETE FROM outbox",
    "DELETE FROM webhook_deliveries",
    "DELETE FROM webhook_secrets",
    "DELETE FROM webhooks",
    "DELETE FROM usage_records",
    "DELETE FROM top_ups",
    "DELETE FROM usage_counters",
    "DELETE FROM calls",
    "DELETE FROM notifications",
    "DELETE FROM installations",
    "DELETE FROM download_sessions",
    "DELETE FROM subscribers",
    "DELETE FROM packages",
    "DELETE FROM profiles",
    "DELETE FROM events",
    "DELETE FROM event_counts",
    "DELETE FROM order_counts",
    "DELETE FROM elsewhere_counts",
    "DELETE FROM handoffs",
    "DELETE FROM batch_rows",
    "DELETE FROM batch_counts",
    "DELETE FROM batches",
    "DELETE FROM intents",
    "DELETE FROM esims",
    "DELETE FROM plans",
    "DELETE FROM matching_ids",
    "DELETE FROM subscriber_stock",
    "DELETE FROM profile_types",
    "DELETE FROM api_keys",
    "DELETE FROM idempotency_keys",
    "DELETE FROM spent_challenges",
    "DELETE FROM browser_sessions",
    "DELETE FROM passkeys",
    "DELETE FROM users",
    "DELETE FROM offline_batches",
    "DELETE FROM operators",
    "DELETE FROM event_records",
    "DELETE FROM event_registrars",
    "DELETE FROM event_sessions",
];

impl Transaction {
    /// Deletes every operator, profile type, profile, order, session, notification and message, every event of an SM-DS, and
    /// every user of the portal, and forgets which matching IDs were given out. Nothing of it comes back; of profiles that are
    /// on eUICCs the server knows nothing any more.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn wipe(&mut self) -> Result<(), Error> {
        TABLES.iter().try_for_each(|text| sqlite::execute(&self.connection, text, &[]).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::TABLES;
    use crate::sqlite::{self, Access};

    /// What a wiped database keeps: its key, the key of receipts that were given out, the audit, and how far webhooks were told
    /// of events, whose numbers go on.
    const KEPT: [&str; 4] = ["store_key", "receipt_keys", "audit", "webhook_cursor"];

    #[test]
    fn every_table_is_wiped_or_kept_on_purpose() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        let text = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let tables: Vec<String> = sqlite::all(&connection, text, &[], |row| Ok(row.get(0)?)).unwrap();
        for table in tables {
            let wiped = TABLES.contains(&format!("DELETE FROM {table}").as_str());
            assert!(wiped != KEPT.contains(&table.as_str()), "{table}");
        }
    }
}
