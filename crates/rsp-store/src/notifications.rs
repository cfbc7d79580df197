//! Notifications taken in. A sequence number of an eUICC counts once, whatever is sent how often.

use rsp_asn1::{Eid, Iccid, Timestamp};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;

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
