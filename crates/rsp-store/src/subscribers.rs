//! Subscribers of profiles that were personalised here: what the operator's network must know of them.

use rsp_asn1::Iccid;
use rusqlite::params;
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "subscribers";
const STOCK: &str = "subscriber_stock";

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
            let keys = keys(&columns, &columns.sealed(self.crypter(), &iccid.0, "keys")?)?;
            Ok(Subscriber { iccid: *iccid, imsi: columns.get("imsi")?, keys })
        })
    }

    /// The IMSI of an operator's profile, if it was personalised here; its keys stay sealed. `None` also for a profile of
    /// another operator.
    pub async fn imsi(&self, operator: &str, iccid: &Iccid) -> Result<Option<String>, Error> {
        let text = "SELECT s.imsi FROM subscribers s JOIN profiles p ON p.iccid = s.iccid \
                    WHERE s.iccid = $1 AND p.operator = $2";
        self.first(text, params![iccid.0, operator], |row| Columns::new(row, TABLE).get("imsi"))
    }
}

/// A subscriber that waits for a profile.
pub struct SubscriberInStock {
    /// IMSI, decimal digits; unique.
    pub imsi: String,
    /// K (16 bytes), then OPc (16 bytes).
    pub keys: Zeroizing<[u8; 32]>,
}

impl Datastore {
    /// How many subscribers wait for profiles of a type.
    pub async fn subscribers_in_stock(&self, profile_type: &str) -> Result<u32, Error> {
        let text = "SELECT COUNT(*) AS position FROM subscriber_stock WHERE profile_type = $1";
        let count = self.first(text, params![profile_type], |row| Columns::new(row, STOCK).unsigned("position"))?;
        Ok(count.unwrap_or_default())
    }

    /// The subscribers that wait for profiles of a type, in the order in which orders will take them.
    pub async fn waiting_subscribers(&self, profile_type: &str) -> Result<Vec<SubscriberInStock>, Error> {
        let text = "SELECT imsi, keys FROM subscriber_stock WHERE profile_type = $1 ORDER BY position";
        self.all(text, params![profile_type], |row| in_stock(&Columns::new(row, STOCK), self.crypter()))
    }
}

impl Transaction {
    /// Puts a subscriber behind those that wait for profiles of a type.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the IMSI waits or is taken.
    pub fn stock_subscriber(&mut self, profile_type: &str, new: &SubscriberInStock) -> Result<(), Error> {
        let taken = sqlite::first(
            &self.connection,
            "SELECT 1 FROM subscribers WHERE imsi = $1",
            params![new.imsi],
            |_| Ok(()),
        )?;
        if taken.is_some() {
            return Err(Error::Duplicate { what: "IMSI" });
        }
        let sealed = self.crypter.seal(STOCK, new.imsi.as_bytes(), "keys", &*new.keys)?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO subscriber_stock (profile_type, position, imsi, keys) VALUES ($1, \
             (SELECT COALESCE(MAX(position), 0) + 1 FROM subscriber_stock WHERE profile_type = $1), $2, $3)",
            params![profile_type, new.imsi, sealed],
        )
        .map_err(|error| error.naming_duplicate("IMSI"))?;
        let text = "UPDATE profile_types SET stocked = 1 WHERE name = $1 AND stocked = 0";
        sqlite::execute(&self.connection, text, params![profile_type])?;
        Ok(())
    }

    /// Takes the first subscriber that waits for a profile of a type. `None` when nobody does.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn take_subscriber(&mut self, profile_type: &str) -> Result<Option<SubscriberInStock>, Error> {
        let text = "DELETE FROM subscriber_stock WHERE profile_type = $1 AND position = \
                    (SELECT MIN(position) FROM subscriber_stock WHERE profile_type = $1) RETURNING imsi, keys";
        sqlite::first(&self.connection, text, params![profile_type], |row| {
            in_stock(&Columns::new(row, STOCK), &self.crypter)
        })
    }

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

fn in_stock(columns: &Columns<'_>, crypter: &Crypter) -> Result<SubscriberInStock, Error> {
    let imsi: String = columns.get("imsi")?;
    let keys = keys(columns, &columns.sealed(crypter, imsi.as_bytes(), "keys")?)?;
    Ok(SubscriberInStock { imsi, keys })
}

/// K and OPc, as they were sealed.
fn keys(columns: &Columns<'_>, opened: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
    Ok(Zeroizing::new(opened.try_into().map_err(|_| columns.invalid("keys"))?))
}
