//! In which order an eUICC installed and deleted a profile. What follows from it is not decided here.

use rsp_asn1::{Eid, Iccid};
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "installations";

/// What the notifications of an eUICC say of a profile, by the sequence numbers that it counts up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The profile.
    pub iccid: Iccid,
    /// The eUICC.
    pub eid: Eid,
    /// Number of the result of the last installation; 0 before the first.
    pub installed: i64,
    /// Number of a deletion that waits for the result of the installation that it follows.
    pub deleted: Option<i64>,
    /// The last delivery whose result came, of those that were the last.
    pub settled: Option<Vec<u8>>,
    /// The delivery whose result is still awaited, although an earlier one's installed the profile.
    pub awaited: Option<Vec<u8>>,
}

impl Datastore {
    /// What is known of a profile on an eUICC.
    pub async fn installation(&self, iccid: &Iccid, eid: &Eid) -> Result<Option<Installation>, Error> {
        self.first(
            "SELECT installed, deleted, settled, awaited FROM installations WHERE iccid = $1 AND eid = $2",
            params![iccid.0, eid.0],
            |row| {
                let columns = Columns::new(row, TABLE);
                Ok(Installation {
                    iccid: *iccid,
                    eid: *eid,
                    installed: columns.get("installed")?,
                    deleted: columns.get("deleted")?,
                    settled: columns.get("settled")?,
                    awaited: columns.get("awaited")?,
                })
            },
        )
    }
}

impl Transaction {
    /// Writes what is known now.
    pub(crate) fn keep_installation(&mut self, new: &Installation) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO installations (iccid, eid, installed, deleted, settled, awaited) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (iccid, eid) DO UPDATE SET installed = $3, deleted = $4, settled = $5, awaited = $6",
            params![new.iccid.0, new.eid.0, new.installed, new.deleted, new.settled, new.awaited],
        )?;
        Ok(())
    }
}
