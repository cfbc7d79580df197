//! Profiles and the orders that they belong to (SGP.22 3.1.6).

mod change;
mod state;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Row, params};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;
pub use change::{ProfileChange, SealedChange};
pub use state::{OrderPolicy, ProfileState};

pub(crate) const TABLE: &str = "profiles";
const PACKAGES: &str = "packages";

/// A profile with its order.
pub struct Profile {
    /// The profile's ICCID.
    pub iccid: Iccid,
    /// Name of its profile type.
    pub profile_type: String,
    /// The operator whose it is; `None` for the server's own.
    pub operator: Option<String>,
    /// Where it stands.
    pub state: ProfileState,
    /// Counts the changes of this profile; a [`ProfileChange`] takes effect only on the version that it was made from.
    pub version: i64,
    /// The eUICC that the order is for.
    pub eid: Option<Eid>,
    /// The order's matching ID.
    pub matching_id: Option<String>,
    /// Whether the order is asked for by EID alone: its matching ID is told to nobody but an SM-DS.
    pub unnamed: bool,
    /// How often it can be downloaded.
    pub policy: OrderPolicy,
    /// The SM-DS at which the order has an event.
    pub smds_address: Option<String>,
    /// Deliveries before the order ends, if it has a limit of its own.
    pub download_limit: Option<u32>,
    /// Wrong confirmation codes before the order ends, if it has a limit of its own.
    pub confirmation_limit: Option<u32>,
    /// DER of the StoreMetadataRequest.
    pub metadata: Vec<u8>,
    /// Octets of the unprotected profile package.
    pub package_size: u32,
    /// SHA-256 of the confirmation code, when the order has one.
    pub confirmation_code: Option<Zeroizing<Vec<u8>>>,
    /// Wrong confirmation codes so far.
    pub confirmation_tries: u32,
    /// Bound packages delivered so far.
    pub download_tries: u32,
    /// What the last binding needs to be repeated.
    pub binding: Option<Zeroizing<Vec<u8>>>,
    /// End of the order's life.
    pub expires_at: Option<Timestamp>,
    /// When the profile entered the store.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Who made the last change.
    pub updated_by: String,
}

/// A profile to be added, in whatever state its maker decided.
pub struct NewProfile {
    /// The profile's ICCID.
    pub iccid: Iccid,
    /// Name of its profile type.
    pub profile_type: String,
    /// The operator whose it is; `None` for the server's own.
    pub operator: Option<String>,
    /// Its first state.
    pub state: ProfileState,
    /// DER of the StoreMetadataRequest.
    pub metadata: Vec<u8>,
    /// The unprotected profile package.
    pub package: Zeroizing<Vec<u8>>,
    /// Now.
    pub at: Timestamp,
    /// Who adds it.
    pub by: String,
}

/// One line of the log of state changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileEvent {
    /// Which profile.
    pub iccid: Iccid,
    /// The profile's version after the change.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// State before; none for the entry into the store.
    pub from: Option<ProfileState>,
    /// State after.
    pub to: ProfileState,
}

impl Profile {
    /// Whether a package of this order was ever delivered: the profile may be on an eUICC.
    pub fn was_delivered(&self) -> bool {
        self.download_tries > 0 || self.binding.is_some()
    }
}

/// Columns of `profiles p`, for every query that reads profiles.
macro_rules! profile_columns {
    () => {
        "p.iccid, p.profile_type, p.state, p.version, p.eid, p.matching_id, p.metadata, p.package_size, \
         p.confirmation_code, p.confirmation_tries, p.download_tries, p.binding, p.expires_at, p.created_at, \
         p.updated_at, p.updated_by, p.operator, p.policy, p.unnamed, p.smds_address, p.download_limit, \
         p.confirmation_limit"
    };
}
pub(crate) use profile_columns;

impl Datastore {
    /// The profile with this ICCID.
    pub async fn profile(&self, iccid: &Iccid) -> Result<Option<Profile>, Error> {
        self.first(
            concat!("SELECT ", profile_columns!(), " FROM profiles p WHERE p.iccid = $1"),
            params![iccid.0],
            |row| profile(&Columns::new(row, TABLE), self.crypter()),
        )
    }

    /// The profile whose order has this matching ID.
    pub async fn profile_by_matching_id(&self, matching_id: &str) -> Result<Option<Profile>, Error> {
        self.first(
            concat!("SELECT ", profile_columns!(), " FROM profiles p WHERE p.matching_id = $1"),
            params![matching_id],
            |row| profile(&Columns::new(row, TABLE), self.crypter()),
        )
    }

    /// The profiles of an operator, oldest first.
    pub async fn profiles_of(&self, operator: &str) -> Result<Vec<Profile>, Error> {
        self.all(
            concat!(
                "SELECT ",
                profile_columns!(),
                " FROM profiles p WHERE p.operator = $1 ORDER BY p.created_at, p.iccid"
            ),
            params![operator],
            |row| profile(&Columns::new(row, TABLE), self.crypter()),
        )
    }

    /// Profiles whose order ended before `now` and was not closed yet, at most `limit`.
    pub async fn expired_orders(&self, now: Timestamp, limit: u32) -> Result<Vec<Profile>, Error> {
        self.all(
            concat!(
                "SELECT ",
                profile_columns!(),
                " FROM profiles p WHERE p.expires_at < $1 \
                 AND p.state IN ('Allocated', 'Linked', 'Confirmed', 'Released', 'Downloaded') LIMIT $2"
            ),
            params![now.0, limit],
            |row| profile(&Columns::new(row, TABLE), self.crypter()),
        )
    }

    /// Every profile, oldest first.
    pub async fn profiles(&self) -> Result<Vec<Profile>, Error> {
        self.all(
            concat!("SELECT ", profile_columns!(), " FROM profiles p ORDER BY p.created_at, p.iccid"),
            &[],
            |row| profile(&Columns::new(row, TABLE), self.crypter()),
        )
    }

    /// The unprotected package of a profile.
    pub async fn package(&self, iccid: &Iccid) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.first("SELECT package FROM packages WHERE iccid = $1", params![iccid.0], |row| {
            joined_package(row, iccid, self.crypter())
        })
    }

    /// The log of a profile's state changes, oldest first.
    pub async fn profile_events(&self, iccid: &Iccid) -> Result<Vec<ProfileEvent>, Error> {
        self.all(
            "SELECT iccid, version, at, actor, from_state, to_state FROM events \
             WHERE iccid = $1 AND kind = 'State' ORDER BY number",
            params![iccid.0],
            |row| {
                let columns = Columns::new(row, "events");
                Ok(ProfileEvent {
                    iccid: columns.iccid("iccid")?,
                    version: columns.get("version")?,
                    at: columns.timestamp("at")?,
                    actor: columns.get("actor")?,
                    from: columns.optional_text("from_state")?.map(str::parse).transpose()?,
                    to: columns.text("to_state")?.parse()?,
                })
            },
        )
    }
}

impl Transaction {
    /// Adds a profile and its package.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the ICCID is taken.
    pub fn insert_profile(&mut self, new: &NewProfile) -> Result<(), Error> {
        let size = i64::try_from(new.package.len())
            .map_err(|_| Error::InvalidValue { table: TABLE, column: "package_size" })?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO profiles (iccid, profile_type, state, version, metadata, package_size, \
             confirmation_tries, download_tries, created_at, updated_at, updated_by, operator) \
             VALUES ($1, $2, $3, 1, $4, $5, 0, 0, $6, $6, $7, $8)",
            params![
                new.iccid.0,
                new.profile_type,
                new.state.as_str(),
                new.metadata,
                size,
                new.at.0,
                new.by,
                new.operator
            ],
        )
        .map_err(|error| error.naming_duplicate("ICCID"))?;
        let sealed = self.crypter.seal(PACKAGES, &new.iccid.0, "package", &new.package)?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO packages (iccid, package) VALUES ($1, $2)",
            params![new.iccid.0, sealed],
        )?;
        Ok(())
    }

    /// The profile with this ICCID, as this transaction sees it.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn profile(&mut self, iccid: &Iccid) -> Result<Option<Profile>, Error> {
        sqlite::first(
            &self.connection,
            concat!("SELECT ", profile_columns!(), " FROM profiles p WHERE p.iccid = $1"),
            params![iccid.0],
            |row| profile(&Columns::new(row, TABLE), &self.crypter),
        )
    }

    /// The oldest profile of a type that nobody ordered.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn available_profile(&mut self, profile_type: &str) -> Result<Option<Profile>, Error> {
        sqlite::first(
            &self.connection,
            concat!(
                "SELECT ",
                profile_columns!(),
                " FROM profiles p WHERE p.profile_type = $1 AND p.state = 'Available' \
                 ORDER BY p.created_at, p.iccid LIMIT 1"
            ),
            params![profile_type],
            |row| profile(&Columns::new(row, TABLE), &self.crypter),
        )
    }

    /// Marks a matching ID as given out, for ever. One that is kept for a profile is given out to it once more.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when it was given out before.
    pub fn reserve_matching_id(&mut self, matching_id: &str, iccid: &Iccid, at: Timestamp) -> Result<(), Error> {
        let text = "INSERT INTO matching_ids (matching_id, created_at) VALUES ($1, $2) \
                    ON CONFLICT (matching_id) DO UPDATE SET kept_for = NULL WHERE kept_for = $3";
        match sqlite::execute(&self.connection, text, params![matching_id, at.0, iccid.0])? {
            0 => Err(Error::Duplicate { what: "matching ID" }),
            _ => Ok(()),
        }
    }

    /// Keeps a matching ID for a profile whose order was taken back.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn keep_matching_id_for(&mut self, matching_id: &str, iccid: &Iccid) -> Result<(), Error> {
        let text = "UPDATE matching_ids SET kept_for = $2 WHERE matching_id = $1";
        sqlite::execute(&self.connection, text, params![matching_id, iccid.0]).map(drop)
    }
}

/// Reads the columns of `profile_columns!`.
pub(crate) fn profile(columns: &Columns<'_>, crypter: &Crypter) -> Result<Profile, Error> {
    let iccid = columns.iccid("iccid")?;
    Ok(Profile {
        iccid,
        profile_type: columns.get("profile_type")?,
        state: columns.text("state")?.parse()?,
        version: columns.get("version")?,
        eid: columns.optional_eid("eid")?,
        matching_id: columns.get("matching_id")?,
        metadata: columns.get("metadata")?,
        package_size: columns.unsigned("package_size")?,
        confirmation_code: columns.optional_sealed(crypter, &iccid.0, "confirmation_code")?,
        confirmation_tries: columns.unsigned("confirmation_tries")?,
        download_tries: columns.unsigned("download_tries")?,
        binding: columns.optional_sealed(crypter, &iccid.0, "binding")?,
        expires_at: columns.get::<Option<i64>>("expires_at")?.map(Timestamp),
        created_at: columns.timestamp("created_at")?,
        updated_at: columns.timestamp("updated_at")?,
        updated_by: columns.get("updated_by")?,
        operator: columns.get("operator")?,
        policy: columns.text("policy")?.parse()?,
        unnamed: columns.get("unnamed")?,
        smds_address: columns.get("smds_address")?,
        download_limit: columns.get("download_limit")?,
        confirmation_limit: columns.get("confirmation_limit")?,
    })
}

/// The package in a row that has one.
pub(crate) fn joined_package(row: &Row<'_>, iccid: &Iccid, crypter: &Crypter) -> Result<Zeroizing<Vec<u8>>, Error> {
    Columns::new(row, PACKAGES).sealed(crypter, &iccid.0, "package")
}
