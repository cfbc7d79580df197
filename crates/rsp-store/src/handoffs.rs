//! Links that hand out one eSIM once.

use rsp_asn1::{Iccid, Timestamp};
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "handoffs";

/// A link to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHandoff {
    /// SHA-256 of what stands in the link.
    pub link: [u8; 32],
    /// Whose eSIM it is.
    pub operator: String,
    /// The eSIM.
    pub iccid: Iccid,
    /// Now.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// The first second in which it does not work any more.
    pub expires_at: Timestamp,
}

/// What became of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// The first second in which it does not work any more.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl Datastore {
    /// The links of an operator's eSIM, the newest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn handoffs(&self, operator: &str, iccid: &Iccid) -> Result<Vec<Handoff>, Error> {
        let text = "SELECT created_at, created_by, expires_at, used_at FROM handoffs WHERE operator = $1 AND iccid = $2 \
                    ORDER BY created_at DESC, expires_at DESC";
        self.all(text, params![operator, iccid.0], |row| {
            let columns = Columns::new(row, TABLE);
            Ok(Handoff {
                created_at: columns.timestamp("created_at")?,
                created_by: columns.get("created_by")?,
                expires_at: columns.timestamp("expires_at")?,
                used_at: columns.get::<Option<i64>>("used_at")?.map(Timestamp),
            })
        })
    }
}

impl Transaction {
    /// Remembers a link.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when there is one like it.
    pub fn insert_handoff(&mut self, new: &NewHandoff) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO handoffs (link, operator, iccid, created_at, created_by, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![new.link, new.operator, new.iccid.0, new.created_at.0, new.created_by, new.expires_at.0],
        )
        .map_err(|error| error.naming_duplicate("link"))?;
        Ok(())
    }

    /// Whose eSIM a link hands out that was not used and has not expired.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn open_handoff(&mut self, link: &[u8; 32], now: Timestamp) -> Result<Option<(String, Iccid)>, Error> {
        let text = "SELECT operator, iccid FROM handoffs WHERE link = $1 AND used_at IS NULL AND expires_at > $2";
        sqlite::first(&self.connection, text, params![link, now.0], |row| {
            let columns = Columns::new(row, TABLE);
            Ok((columns.get("operator")?, columns.iccid("iccid")?))
        })
    }

    /// Uses a link up: whose eSIM it hands out. `None` when there is none, when it was used, and when it has expired.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn use_handoff(&mut self, link: &[u8; 32], now: Timestamp) -> Result<Option<(String, Iccid)>, Error> {
        let text = "UPDATE handoffs SET used_at = $2 WHERE link = $1 AND used_at IS NULL AND expires_at > $2 \
                    RETURNING operator, iccid";
        sqlite::first(&self.connection, text, params![link, now.0], |row| {
            let columns = Columns::new(row, TABLE);
            Ok((columns.get("operator")?, columns.iccid("iccid")?))
        })
    }

    /// Forgets the links that ended before `end`; returns how many.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn forget_handoffs(&mut self, end: Timestamp) -> Result<usize, Error> {
        sqlite::execute(&self.connection, "DELETE FROM handoffs WHERE expires_at < $1", params![end.0])
    }
}
