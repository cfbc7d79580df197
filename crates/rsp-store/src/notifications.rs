//! Notifications taken in. A sequence number of an eUICC counts once, whatever is sent how often.

use rsp_asn1::{Eid, Iccid, Timestamp};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
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

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is the first with its sequence number.
    New,
    /// The sequence number was taken before: nothing was written.
    Known,
}

impl Datastore {
    /// The notifications about a profile, in the order of their arrival.
    pub async fn notifications(&self, iccid: &Iccid) -> Result<Vec<Notification>, Error> {
        sqlx::query(
            "SELECT eid, seq_number, iccid, event, body, received_at FROM notifications \
             WHERE iccid = $1 ORDER BY received_at, seq_number",
        )
        .bind(iccid.0.to_vec())
        .fetch_all(&mut *self.reader().await?)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns::new(row, "notifications");
            Ok(Notification {
                eid: columns.optional_eid("eid")?.ok_or_else(|| columns.invalid("eid"))?,
                seq_number: columns.get("seq_number")?,
                iccid: columns.optional_iccid("iccid")?,
                event: columns.get("event")?,
                body: columns.get("body")?,
                received_at: columns.timestamp("received_at")?,
            })
        })
        .collect()
    }
}

impl Transaction {
    /// Records a notification, unless its sequence number is known for this eUICC.
    pub async fn record_notification(&mut self, new: &Notification) -> Result<Recorded, Error> {
        let done = sqlx::query(
            "INSERT INTO notifications (eid, seq_number, iccid, event, body, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (eid, seq_number) DO NOTHING",
        )
        .bind(new.eid.0.to_vec())
        .bind(new.seq_number)
        .bind(new.iccid.map(|iccid| iccid.0.to_vec()))
        .bind(new.event.as_str())
        .bind(new.body.as_slice())
        .bind(new.received_at.0)
        .execute(&mut self.connection)
        .await?;
        Ok(if done.rows_affected() == 1 { Recorded::New } else { Recorded::Known })
    }
}
