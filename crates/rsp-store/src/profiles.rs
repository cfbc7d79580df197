//! Profiles and the orders that they belong to (SGP.22 3.1.6).

use std::fmt;
use std::str::FromStr;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Row, params};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::journal::NewEvent;
use crate::outbox::NewMessage;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

pub(crate) const TABLE: &str = "profiles";
const PACKAGES: &str = "packages";

/// State of a profile in the SM-DP+ (SGP.22 3.1.6). Which moves are allowed is the order module's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProfileState {
    /// In the inventory, ordered by nobody.
    Available,
    /// Ordered, for an eUICC not known yet.
    Allocated,
    /// Ordered for one eUICC.
    Linked,
    /// Confirmed, not yet to be downloaded.
    Confirmed,
    /// May be downloaded.
    Released,
    /// A bound package was delivered; its result is not known.
    Downloaded,
    /// The eUICC reported the installation.
    Installed,
    /// The eUICC reported that it deleted the profile; the operator decides what becomes of it.
    Deleted,
    /// The download failed for good, or was refused.
    Error,
    /// Taken out by the operator.
    Unavailable,
}

impl ProfileState {
    /// Every state, in the order of a profile's life.
    pub const ALL: [Self; 10] = [
        Self::Available,
        Self::Allocated,
        Self::Linked,
        Self::Confirmed,
        Self::Released,
        Self::Downloaded,
        Self::Installed,
        Self::Deleted,
        Self::Error,
        Self::Unavailable,
    ];

    /// The standard's word for the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Allocated => "Allocated",
            Self::Linked => "Linked",
            Self::Confirmed => "Confirmed",
            Self::Released => "Released",
            Self::Downloaded => "Downloaded",
            Self::Installed => "Installed",
            Self::Deleted => "Deleted",
            Self::Error => "Error",
            Self::Unavailable => "Unavailable",
        }
    }
}

impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProfileState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(Error::InvalidValue { table: TABLE, column: "state" })
    }
}

/// How often an order can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrderPolicy {
    /// Until it is installed.
    #[default]
    OneTime,
    /// Again after the installation, by the same eUICC.
    SameEid,
    /// Again and again, by any eUICC. For tests: a network must not have the same subscriber twice.
    Reusable,
}

impl OrderPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::OneTime, Self::SameEid, Self::Reusable];

    /// The policy's name in the database and in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "one-time",
            Self::SameEid => "same-eid",
            Self::Reusable => "reusable",
        }
    }
}

impl FromStr for OrderPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(Error::InvalidValue { table: TABLE, column: "policy" })
    }
}

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

/// What becomes of a sealed column.
pub enum SealedChange {
    /// It stays as it is.
    Keep,
    /// It is emptied.
    Clear,
    /// It gets this value.
    Set(Zeroizing<Vec<u8>>),
}

/// All changeable columns of a profile, to be written if the row still has the version that was read.
pub struct ProfileChange {
    /// Which profile.
    pub iccid: Iccid,
    /// Version that the change was made from.
    pub version: i64,
    /// New state.
    pub state: ProfileState,
    /// New EID.
    pub eid: Option<Eid>,
    /// New matching ID. Where it changes, the rules of the order that follow are written too, and only there.
    pub matching_id: Option<String>,
    /// New answer to whether the order is asked for by EID alone.
    pub unnamed: bool,
    /// New policy.
    pub policy: OrderPolicy,
    /// New SM-DS.
    pub smds_address: Option<String>,
    /// New limit of deliveries.
    pub download_limit: Option<u32>,
    /// New limit of wrong confirmation codes.
    pub confirmation_limit: Option<u32>,
    /// New confirmation-code hash.
    pub confirmation_code: SealedChange,
    /// New count of wrong confirmation codes.
    pub confirmation_tries: u32,
    /// New count of deliveries.
    pub download_tries: u32,
    /// New binding.
    pub binding: SealedChange,
    /// New end of life.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
    /// Who changes it.
    pub by: String,
    /// What other servers are told of it.
    pub messages: Vec<NewMessage>,
    /// The steps of a session that it comes from. The change of the state is an event of its own, and not among them.
    pub steps: Vec<NewEvent>,
    /// EID and matching ID as they were read: each has an index, which is written only where they change.
    indexed: (Option<Eid>, Option<String>),
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

    /// A change that changes nothing yet, made by `by` at `at`.
    pub fn change(&self, by: &str, at: Timestamp) -> ProfileChange {
        ProfileChange {
            iccid: self.iccid,
            version: self.version,
            state: self.state,
            eid: self.eid,
            matching_id: self.matching_id.clone(),
            unnamed: self.unnamed,
            policy: self.policy,
            smds_address: self.smds_address.clone(),
            download_limit: self.download_limit,
            confirmation_limit: self.confirmation_limit,
            confirmation_code: SealedChange::Keep,
            confirmation_tries: self.confirmation_tries,
            download_tries: self.download_tries,
            binding: SealedChange::Keep,
            expires_at: self.expires_at,
            at,
            by: by.to_owned(),
            messages: Vec::new(),
            steps: Vec::new(),
            indexed: (self.eid, self.matching_id.clone()),
        }
    }
}

/// Statement text: changes a profile that has the version that was read, with further columns.
macro_rules! profile_update {
    ($more:expr) => {
        concat!(
            "UPDATE profiles SET version = version + 1, state = $3, \
             confirmation_code = CASE WHEN $6 THEN $7 ELSE confirmation_code END, confirmation_tries = $8, \
             download_tries = $9, binding = CASE WHEN $10 THEN $11 ELSE binding END, expires_at = $12, \
             updated_at = $13, updated_by = $14",
            $more,
            " WHERE iccid = $1 AND version = $2"
        )
    };
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

    /// Writes a change. False when the profile was changed since it was read, and nothing was written.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn change_profile(&mut self, change: &ProfileChange) -> Result<bool, Error> {
        let seal = |value, column| seal_change(value, &self.crypter, &change.iccid, column);
        let (set_code, code) = seal(&change.confirmation_code, "confirmation_code")?;
        let (set_binding, binding) = seal(&change.binding, "binding")?;
        let (eid, matching_id) = &change.indexed;
        let text = if *matching_id != change.matching_id {
            profile_update!(
                ", eid = $4, matching_id = $5, unnamed = $15, policy = $16, smds_address = $17, download_limit = $18, \
                 confirmation_limit = $19"
            )
        } else if *eid != change.eid {
            profile_update!(", eid = $4")
        } else {
            profile_update!("")
        };
        let written = sqlite::execute(
            &self.connection,
            text,
            params![
                change.iccid.0,
                change.version,
                change.state.as_str(),
                change.eid.map(|eid| eid.0),
                change.matching_id,
                set_code,
                code,
                change.confirmation_tries,
                change.download_tries,
                set_binding,
                binding,
                change.expires_at.map(|at| at.0),
                change.at.0,
                change.by,
                change.unnamed,
                change.policy.as_str(),
                change.smds_address,
                change.download_limit,
                change.confirmation_limit
            ],
        )?;
        if written == 1 {
            change.messages.iter().try_for_each(|message| self.enqueue(message))?;
            change.steps.iter().try_for_each(|step| self.record_event(step))?;
        }
        Ok(written == 1)
    }
}

fn seal_change(
    change: &SealedChange,
    crypter: &Crypter,
    iccid: &Iccid,
    column: &'static str,
) -> Result<(bool, Option<Vec<u8>>), Error> {
    Ok(match change {
        SealedChange::Keep => (false, None),
        SealedChange::Clear => (true, None),
        SealedChange::Set(value) => (true, Some(crypter.seal(TABLE, &iccid.0, column, value)?)),
    })
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
