//! Subscriptions that were handed out: what the SM-DP+ does not know of them.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Connection, Row, params};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::error::Error;
use crate::order_list::Listed;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "esims";

/// Whether the network lets a subscriber in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkState {
    /// It does.
    Active,
    /// It was told not to.
    Suspended,
}

impl NetworkState {
    /// Its name in the database and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// A subscription that was handed out.
pub struct Esim {
    /// Whose it is.
    pub operator: String,
    /// The profile.
    pub iccid: Iccid,
    /// The carrier, as the plan names it.
    pub carrier: String,
    /// The plan.
    pub plan: String,
    /// The type of profiles that was ordered.
    pub profile_type: String,
    /// The carrier's country.
    pub country: String,
    /// Name of the SM-DP+ where it was ordered, in the configuration.
    pub smdp: String,
    /// Whether that is this one, so that the order is among its profiles.
    pub own: bool,
    /// `LPA:1$address$matchingId`.
    pub activation_code: Zeroizing<String>,
    /// Whether the user must enter a confirmation code.
    pub confirmation_code_required: bool,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// The device that it is for, as its owner calls it.
    pub device_id: Option<String>,
    /// What the one who ordered it calls it.
    pub reference: Option<String>,
    /// Whether the network lets it in.
    pub network: NetworkState,
    /// Whether its order was cancelled, as far as this SM-DP+ keeps no state of it.
    pub cancelled: bool,
    /// When it was ordered.
    pub created_at: Timestamp,
    /// Who ordered it.
    pub created_by: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT e.operator, e.iccid, e.carrier, e.plan, e.profile_type, e.country, e.smdp, e.own, e.activation_code, \
             e.confirmation_code_required, e.eid AS esim_eid, e.device_id, e.reference, \
             e.network, e.cancelled, e.created_at AS esim_created_at, e.created_by FROM esims e ",
            $rest
        )
    };
}

impl Transaction {
    /// Whether a profile of this ICCID is here and is not the operator's: another one's, or the server's own.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn is_profile_of_another(&mut self, operator: &str, iccid: &Iccid) -> Result<bool, Error> {
        let text = "SELECT 1 FROM profiles WHERE iccid = $2 AND operator IS NOT $1";
        Ok(sqlite::first(&self.connection, text, params![operator, iccid.0], |_| Ok(()))?.is_some())
    }

    /// Adds a subscription. Whether its order is here, is looked up.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the operator has one of this ICCID.
    pub fn insert_esim(&mut self, new: &Esim) -> Result<(), Error> {
        let key = row_key(&new.operator, &new.iccid);
        let sealed = self.crypter.seal(TABLE, &key, "activation_code", new.activation_code.as_bytes())?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO esims (operator, iccid, carrier, plan, profile_type, country, smdp, own, activation_code, \
             confirmation_code_required, eid, device_id, reference, network, cancelled, created_at, created_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, EXISTS (SELECT 1 FROM profiles WHERE iccid = $2 AND operator = $1), $8, $9, \
             $10, $11, $12, $13, $14, $15, $16)",
            params![
                new.operator,
                new.iccid.0,
                new.carrier,
                new.plan,
                new.profile_type,
                new.country,
                new.smdp,
                sealed,
                new.confirmation_code_required,
                new.eid.map(|eid| eid.0),
                new.device_id,
                new.reference,
                new.network.as_str(),
                new.cancelled,
                new.created_at.0,
                new.created_by
            ],
        )
        .map_err(|error| error.naming_duplicate("ICCID"))?;
        Ok(())
    }

    /// Whether the network lets a subscriber in; `None` when the operator has no such subscription.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn network(&mut self, operator: &str, iccid: &Iccid) -> Result<Option<NetworkState>, Error> {
        let text = "SELECT network FROM esims WHERE operator = $1 AND iccid = $2";
        sqlite::first(&self.connection, text, params![operator, iccid.0], |row| network(&Columns::new(row, TABLE)))
    }

    /// Writes whether the network lets a subscriber in; what it let one use before is forgotten with the suspension. False
    /// when the operator has no such subscription.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn set_network(&mut self, operator: &str, iccid: &Iccid, to: NetworkState) -> Result<bool, Error> {
        let text = "UPDATE esims SET network = $3, network_before = CASE $3 WHEN 'active' THEN NULL ELSE network_before END \
                    WHERE operator = $1 AND iccid = $2";
        Ok(sqlite::execute(&self.connection, text, params![operator, iccid.0, to.as_str()])? == 1)
    }

    /// What the network let a subscriber use before it was told not to, in the network's own word.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn network_before(&mut self, operator: &str, iccid: &Iccid) -> Result<Option<String>, Error> {
        let text = "SELECT network_before FROM esims WHERE operator = $1 AND iccid = $2";
        let found = sqlite::first(&self.connection, text, params![operator, iccid.0], |row| {
            Columns::new(row, TABLE).get::<Option<String>>("network_before")
        })?;
        Ok(found.flatten())
    }

    /// Remembers what the network lets a subscriber use, until it is active again. False when the operator has no such
    /// subscription.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn remember_network(&mut self, operator: &str, iccid: &Iccid, before: &str) -> Result<bool, Error> {
        let text = "UPDATE esims SET network_before = $3 WHERE operator = $1 AND iccid = $2";
        Ok(sqlite::execute(&self.connection, text, params![operator, iccid.0, before])? == 1)
    }

    /// Writes that the order of a subscription was cancelled. False when the operator has none of this ICCID.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn cancel_esim(&mut self, operator: &str, iccid: &Iccid) -> Result<bool, Error> {
        let text = "UPDATE esims SET cancelled = 1 WHERE operator = $1 AND iccid = $2";
        Ok(sqlite::execute(&self.connection, text, params![operator, iccid.0])? == 1)
    }
}

/// Subscriptions of this ICCID whose orders other SM-DP+s have.
pub(crate) fn elsewhere(connection: &Connection, iccid: &Iccid, crypter: &Crypter) -> Result<Vec<Listed>, Error> {
    let text = select!("JOIN operators o ON o.name = e.operator WHERE e.iccid = $1 AND e.own = 0");
    sqlite::all(connection, text, params![iccid.0], |row| alone(row, crypter))
}

/// Which subscriptions whose orders other SM-DP+s have.
pub(crate) struct Elsewhere<'a> {
    /// Of this operator.
    pub(crate) operator: &'a str,
    /// Of this type.
    pub(crate) profile_type: &'a str,
    /// Cancelled or not.
    pub(crate) cancelled: bool,
    /// Before a time and an ICCID.
    pub(crate) before: (i64, [u8; 10]),
}

/// Statement text: when the newest of them were ordered, down to a time.
pub(crate) const PLACES_ELSEWHERE: &str = "SELECT created_at, iccid FROM esims \
     WHERE operator = $1 AND own = 0 AND profile_type = $2 AND cancelled = $3 \
     AND (created_at, iccid) < ($4, $5) AND created_at >= $6 ORDER BY created_at DESC, iccid DESC LIMIT $7";

/// When the newest ones were ordered, but for those that are older than `oldest`.
pub(crate) fn places_elsewhere(
    connection: &Connection,
    which: &Elsewhere<'_>,
    oldest: i64,
    limit: u32,
) -> Result<Vec<(i64, Iccid)>, Error> {
    let Elsewhere { operator, profile_type, cancelled, before } = which;
    let parameters = params![operator, profile_type, cancelled, before.0, before.1, oldest, limit];
    sqlite::all(connection, PLACES_ELSEWHERE, parameters, |row| {
        let columns = Columns::new(row, TABLE);
        Ok((columns.get("created_at")?, columns.iccid("iccid")?))
    })
}

/// An operator's subscription of this ICCID, if another SM-DP+ has its order.
pub(crate) fn elsewhere_of(
    connection: &Connection,
    operator: &str,
    iccid: &Iccid,
    crypter: &Crypter,
) -> Result<Option<Listed>, Error> {
    let text = select!("WHERE e.operator = $1 AND e.iccid = $2 AND e.own = 0");
    sqlite::first(connection, text, params![operator, iccid.0], |row| alone(row, crypter))
}

/// A subscription whose order another SM-DP+ has.
fn alone(row: &Row<'_>, crypter: &Crypter) -> Result<Listed, Error> {
    let columns = Columns::new(row, TABLE);
    let (operator, iccid) = (columns.get::<String>("operator")?, columns.iccid("iccid")?);
    let profile_type: String = columns.get("profile_type")?;
    let esim = joined(row, &operator, &profile_type, iccid, crypter)?;
    Ok(Listed {
        iccid,
        operator: Some(operator),
        profile_type,
        order: None,
        created_at: esim.created_at,
        esim: Some(esim),
    })
}

/// A subscription from the columns of a wider row.
pub(crate) fn joined(
    row: &Row<'_>,
    operator: &str,
    profile_type: &str,
    iccid: Iccid,
    crypter: &Crypter,
) -> Result<Esim, Error> {
    let columns = Columns::new(row, TABLE);
    let code = columns.sealed(crypter, &row_key(operator, &iccid), "activation_code")?;
    let code = std::str::from_utf8(&code).map_err(|_| columns.invalid("activation_code"))?;
    Ok(Esim {
        operator: operator.to_owned(),
        iccid,
        carrier: columns.get("carrier")?,
        plan: columns.get("plan")?,
        profile_type: profile_type.to_owned(),
        country: columns.get("country")?,
        smdp: columns.get("smdp")?,
        own: columns.get("own")?,
        activation_code: Zeroizing::new(code.to_owned()),
        confirmation_code_required: columns.get("confirmation_code_required")?,
        eid: columns.optional_eid("esim_eid")?,
        device_id: columns.get("device_id")?,
        reference: columns.get("reference")?,
        network: network(&columns)?,
        cancelled: columns.get("cancelled")?,
        created_at: columns.timestamp("esim_created_at")?,
        created_by: columns.get("created_by")?,
    })
}

fn network(columns: &Columns<'_>) -> Result<NetworkState, Error> {
    match columns.text("network")? {
        "active" => Ok(NetworkState::Active),
        "suspended" => Ok(NetworkState::Suspended),
        _ => Err(columns.invalid("network")),
    }
}

/// Names the row for its seal.
fn row_key(operator: &str, iccid: &Iccid) -> Vec<u8> {
    [&iccid.0, operator.as_bytes()].concat()
}
