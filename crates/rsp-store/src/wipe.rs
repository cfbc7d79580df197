//! Emptying a database, for laboratories that begin anew with the same set-up.

use crate::error::Error;
use crate::sqlite;
use crate::writer::Transaction;

/// What is emptied, each table before those that it refers to. What the server did to itself stays in the audit, and the key
/// stays the same.
const TABLES: [&str; 12] = [
    "DELETE FROM outbox",
    "DELETE FROM calls",
    "DELETE FROM notifications",
    "DELETE FROM download_sessions",
    "DELETE FROM profile_events",
    "DELETE FROM subscribers",
    "DELETE FROM packages",
    "DELETE FROM profiles",
    "DELETE FROM matching_ids",
    "DELETE FROM subscriber_stock",
    "DELETE FROM profile_types",
    "DELETE FROM operators",
];

impl Transaction {
    /// Deletes every operator, profile type, profile, order, session, notification and message, and forgets which matching
    /// IDs were given out. Nothing of it comes back; of profiles that are on eUICCs the server knows nothing any more.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn wipe(&mut self) -> Result<(), Error> {
        TABLES.iter().try_for_each(|text| sqlite::execute(&self.connection, text, &[]).map(drop))
    }
}
