//! Keys that sign receipts, sealed.

use rsp_asn1::Timestamp;
use rusqlite::params;
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "receipt_keys";

/// One key.
pub struct ReceiptKey {
    /// Its JWK thumbprint (RFC 7638).
    pub id: String,
    /// The scalar of the P-256 key.
    pub secret: Zeroizing<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Datastore {
    /// All keys, the newest first.
    pub async fn receipt_keys(&self) -> Result<Vec<ReceiptKey>, Error> {
        self.all("SELECT id, secret, created_at FROM receipt_keys ORDER BY created_at DESC, id", &[], |row| {
            let columns = Columns::new(row, TABLE);
            let id: String = columns.get("id")?;
            let secret = columns.sealed(self.crypter(), id.as_bytes(), "secret")?;
            Ok(ReceiptKey { id, secret, created_at: columns.timestamp("created_at")? })
        })
    }
}

impl Transaction {
    /// Adds the first key; does nothing when there is one.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn insert_first_receipt_key(&mut self, id: &str, secret: &[u8], at: Timestamp) -> Result<(), Error> {
        let sealed = self.crypter.seal(TABLE, id.as_bytes(), "secret", secret)?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO receipt_keys (id, secret, created_at) \
             SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM receipt_keys)",
            params![id, sealed, at.0],
        )?;
        Ok(())
    }
}
