//! Subscribers of profiles that were personalised here: what the operator's network must know of them.

use rsp_asn1::Iccid;
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
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
        let row = sqlx::query("SELECT imsi, keys FROM subscribers WHERE iccid = $1")
            .bind(iccid.0.to_vec())
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new(&row, TABLE);
        let opened = columns.sealed(self.crypter(), &iccid.0, "keys")?;
        let mut keys = Zeroizing::new([0; 32]);
        if opened.len() != keys.len() {
            return Err(columns.invalid("keys"));
        }
        keys.copy_from_slice(&opened);
        Ok(Some(Subscriber { iccid: *iccid, imsi: columns.get("imsi")?, keys }))
    }
}

impl Transaction {
    /// Adds the subscriber of a profile that is already there.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the IMSI is taken.
    pub async fn insert_subscriber(&mut self, new: &Subscriber) -> Result<(), Error> {
        let sealed = self.crypter.seal(TABLE, &new.iccid.0, "keys", &*new.keys)?;
        sqlx::query("INSERT INTO subscribers (iccid, imsi, keys) VALUES ($1, $2, $3)")
            .bind(new.iccid.0.to_vec())
            .bind(new.imsi.as_str())
            .bind(sealed)
            .execute(&mut self.connection)
            .await
            .map_err(|error| Error::from(error).naming_duplicate("IMSI"))?;
        Ok(())
    }
}
