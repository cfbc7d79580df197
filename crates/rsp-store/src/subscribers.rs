//! Subscribers of profiles that were personalised here: what the operator's network must know of them.

use rsp_asn1::Iccid;
use rusqlite::params;
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "subscribers";

/// The subscriber of one profile.
pub struct Subscriber {
    /// The profile.
    pub iccid: Iccid,
    /// IMSI, decimal digits; unique.
    pub imsi: String,
    /// K (16 bytes), then OPc (16 bytes).
    pub keys: Zeroizing<[u8; 32]>,
}

impl Datastore {
    /// The subscriber of a profile, if it was personalised here.
    pub async fn subscriber(&self, iccid: &Iccid) -> Result<Option<Subscriber>, Error> {
        self.first("SELECT imsi, keys FROM subscribers WHERE iccid = $1", params![iccid.0], |row| {
            let columns = Columns::new(row, TABLE);
            let opened = columns.sealed(self.crypter(), &iccid.0, "keys")?;
            let mut keys = Zeroizing::new([0; 32]);
            if opened.len() != keys.len() {
                return Err(columns.invalid("keys"));
            }
            keys.copy_from_slice(&opened);
            Ok(Subscriber { iccid: *iccid, imsi: columns.get("imsi")?, keys })
        })
    }
}

impl Transaction {
    /// Adds the subscriber of a profile that is already there.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the IMSI is taken.
    pub fn insert_subscriber(&mut self, new: &Subscriber) -> Result<(), Error> {
        let sealed = self.crypter.seal(TABLE, &new.iccid.0, "keys", &*new.keys)?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO subscribers (iccid, imsi, keys) VALUES ($1, $2, $3)",
            params![new.iccid.0, new.imsi, sealed],
        )
        .map_err(|error| error.naming_duplicate("IMSI"))?;
        Ok(())
    }
}
