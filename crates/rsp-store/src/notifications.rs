//! Notifications taken in. A sequence number counts once for a profile of an eUICC, whatever is sent how often; an
//! installation result counts once in its session.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

/// A verified notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The eUICC that signed it.
    pub eid: Eid,
    /// Its sequence number there.
    pub seq_number: i64,
    /// The profile that it is about.
    pub iccid: Option<Iccid>,
    /// The standard's word for the event, for example `notificationInstall`.
    pub event: String,
    /// The DER as received.
    pub body: Vec<u8>,
    /// When it arrived.
    pub received_at: Timestamp,
}

impl Datastore {
    /// The notifications about a profile, in the order of their arrival.
    pub async fn notifications(&self, iccid: &Iccid) -> Result<Vec<Notification>, Error> {
        self.all(
            "SELECT eid, seq_number, iccid, event, body, received_at FROM notifications \
             WHERE iccid = $1 ORDER BY received_at, seq_number",
            params![iccid.0],
            |row| {
                let columns = Columns::new(row, "notifications");
                Ok(Notification {
                    eid: columns.optional_eid("eid")?.ok_or_else(|| columns.invalid("eid"))?,
                    seq_number: columns.get("seq_number")?,
                    iccid: columns.optional_iccid("iccid")?,
                    event: columns.get("event")?,
                    body: columns.get("body")?,
                    received_at: columns.timestamp("received_at")?,
                })
            },
        )
    }
}

impl Transaction {
    /// Whether a notification with this sequence number is known for this eUICC and profile.
    pub(crate) fn knows_notification(&mut self, new: &Notification) -> Result<bool, Error> {
        let found = sqlite::first(
            &self.connection,
            "SELECT 1 FROM notifications WHERE iccid IS $1 AND eid = $2 AND seq_number = $3",
            params![new.iccid.map(|iccid| iccid.0), new.eid.0, new.seq_number],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Records a notification.
    pub(crate) fn record_notification(&mut self, new: &Notification) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO notifications (eid, seq_number, iccid, event, body, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![new.eid.0, new.seq_number, new.iccid.map(|iccid| iccid.0), new.event, new.body, new.received_at.0],
        )?;
        Ok(())
    }
}
