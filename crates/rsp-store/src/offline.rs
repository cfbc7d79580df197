//! Batches of orders that operators made without the server, so that each is loaded once.

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::error::Error;
use crate::sqlite;
use crate::writer::Transaction;

/// A batch that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineBatch {
    /// The identifier that its maker drew.
    pub id: [u8; 16],
    /// Whose it is.
    pub operator: String,
    /// What was ordered.
    pub profile_type: String,
    /// How many.
    pub orders: u32,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// By whom.
    pub loaded_by: String,
}

impl Transaction {
    /// Remembers a batch.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when it was loaded before.
    pub fn insert_offline_batch(&mut self, batch: &OfflineBatch) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO offline_batches (id, operator, profile_type, orders, loaded_at, loaded_by) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![batch.id, batch.operator, batch.profile_type, batch.orders, batch.loaded_at.0, batch.loaded_by],
        )
        .map_err(|error| error.naming_duplicate("offline batch"))?;
        Ok(())
    }
}
