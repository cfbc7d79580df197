//! RSP sessions whose eUICC has authenticated itself: one row per transactionId, advanced by compare-and-set.

use std::str::FromStr;

use rsp_asn1::{Eid, Iccid, Timestamp, TransactionId};
use rusqlite::{Row, params};
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::profiles::{self, Profile, profile_columns};
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "download_sessions";

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// ES9+.GetBoundProfilePackage.
    ExpectGetBoundProfilePackage,
    /// The ProfileInstallationResult; the package was delivered.
    ExpectResult,
    /// Nothing more.
    Closed,
}

impl SessionState {
    const ALL: [Self; 3] = [Self::ExpectGetBoundProfilePackage, Self::ExpectResult, Self::Closed];

    /// The state's name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpectGetBoundProfilePackage => "ExpectGetBoundProfilePackage",
            Self::ExpectResult => "ExpectResult",
            Self::Closed => "Closed",
        }
    }
}

impl FromStr for SessionState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(Error::InvalidValue { table: TABLE, column: "state" })
    }
}

/// A session as read.
pub struct DownloadSession {
    /// What it waits for.
    pub state: SessionState,
    /// What the next step needs.
    pub data: Zeroizing<Vec<u8>>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A session to be stored: its eUICC has authenticated itself, and GetBoundProfilePackage is awaited.
pub struct NewSession {
    /// The server's transactionId.
    pub transaction_id: TransactionId,
    /// What the next step needs; sealed on its way in.
    pub data: Zeroizing<Vec<u8>>,
    /// The profile that the session is about.
    pub iccid: Iccid,
    /// Until when the transactionId could begin a session: it is remembered at least as long, even if the session ends
    /// before.
    pub begins_by: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A session's next state, to be written if it is still in the state that was read.
pub struct SessionAdvance {
    /// Which session.
    pub transaction_id: TransactionId,
    /// State that was read.
    pub from: SessionState,
    /// New state.
    pub to: SessionState,
    /// What the next step needs; `None` keeps what is there.
    pub data: Option<Zeroizing<Vec<u8>>>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What AuthenticateClient finds.
pub struct OrderFound {
    /// Whether a session began under the transactionId.
    pub begun: bool,
    /// The order.
    pub profile: Option<Profile>,
}

/// How an eUICC names the order that it wants.
pub enum OrderKey {
    /// By matching ID.
    MatchingId(String),
    /// By itself: any order released for this EID.
    Eid(Eid),
}

macro_rules! session_columns {
    () => {
        "s.state AS session_state, s.data, s.expires_at AS session_expires_at"
    };
}

/// Statement text: whether a session is known, and the profile by a condition. Always one row.
macro_rules! order_with {
    ($condition:expr) => {
        concat!(
            "SELECT EXISTS (SELECT 1 FROM download_sessions WHERE transaction_id = $1) AS begun, ",
            profile_columns!(),
            " FROM (SELECT 1) LEFT JOIN profiles p ON ",
            $condition
        )
    };
}

/// Statement text: a session joined with profile columns by a condition.
macro_rules! session_with {
    ($columns:expr, $join:expr) => {
        concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            profile_columns!(),
            $columns,
            " FROM download_sessions s ",
            $join,
            " WHERE s.transaction_id = $1"
        )
    };
}

impl Datastore {
    /// Whether a session began under this transactionId, and the order that `key` names if there is one.
    ///
    /// Of several orders for an EID, one that has not expired at `now` goes before one that has, one that was not installed
    /// before one that may be installed again, one that is asked for by EID alone before one that has a matching ID, one
    /// that was never delivered before one that was, and an older one before a newer one. One that has ended, and that was
    /// asked for by EID alone, goes last: whoever asks is told why.
    pub async fn order_for_session(
        &self,
        transaction_id: &TransactionId,
        key: &OrderKey,
        now: Timestamp,
    ) -> Result<OrderFound, Error> {
        let read = |row: &Row<'_>| {
            let begun = Columns::new(row, TABLE).get("begun")?;
            Ok(OrderFound { begun, profile: self.joined_profile(row)? })
        };
        let found = match key {
            OrderKey::MatchingId(matching_id) => {
                self.first(order_with!("p.matching_id = $2"), params![transaction_id.as_bytes(), matching_id], read)
            }
            OrderKey::Eid(eid) => self.first(
                order_with!(
                    "p.iccid = (SELECT iccid FROM profiles WHERE eid = $2 AND (state IN ('Released', 'Downloaded') \
                     OR state IN ('Installed', 'Deleted') AND policy <> 'one-time' OR state = 'Error' AND unnamed) \
                     ORDER BY state = 'Error', expires_at IS NOT NULL AND expires_at < $3, state IN ('Installed', 'Deleted'), \
                     unnamed = 0, state = 'Downloaded', created_at, iccid LIMIT 1)"
                ),
                params![transaction_id.as_bytes(), eid.0, now.0],
                read,
            ),
        };
        found?.ok_or(Error::InvalidValue { table: TABLE, column: "begun" })
    }

    /// The session and the profile that it is about.
    pub async fn session_and_profile(
        &self,
        transaction_id: &TransactionId,
    ) -> Result<Option<(DownloadSession, Option<Profile>)>, Error> {
        self.first(
            session_with!("", "LEFT JOIN profiles p ON p.iccid = s.iccid"),
            params![transaction_id.as_bytes()],
            |row| Ok((self.read_session(row, transaction_id)?, self.joined_profile(row)?)),
        )
    }

    /// The session, the profile that it is about, and that profile's package.
    pub async fn session_profile_and_package(
        &self,
        transaction_id: &TransactionId,
    ) -> Result<Option<(DownloadSession, Option<(Profile, Zeroizing<Vec<u8>>)>)>, Error> {
        self.first(
            session_with!(
                ", k.package",
                "LEFT JOIN profiles p ON p.iccid = s.iccid LEFT JOIN packages k ON k.iccid = s.iccid"
            ),
            params![transaction_id.as_bytes()],
            |row| {
                let session = self.read_session(row, transaction_id)?;
                let Some(profile) = self.joined_profile(row)? else { return Ok((session, None)) };
                let package = profiles::joined_package(row, &profile.iccid, self.crypter())?;
                Ok((session, Some((profile, package))))
            },
        )
    }

    fn read_session(&self, row: &Row<'_>, transaction_id: &TransactionId) -> Result<DownloadSession, Error> {
        let columns = Columns::new(row, TABLE);
        Ok(DownloadSession {
            state: columns.text("session_state")?.parse()?,
            data: columns.sealed(self.crypter(), transaction_id.as_bytes(), "data")?,
            expires_at: columns.timestamp("session_expires_at")?,
        })
    }

    fn joined_profile(&self, row: &Row<'_>) -> Result<Option<Profile>, Error> {
        let columns = Columns::new(row, profiles::TABLE);
        match columns.optional_iccid("iccid")? {
            None => Ok(None),
            Some(_) => profiles::profile(&columns, self.crypter()).map(Some),
        }
    }
}

impl Transaction {
    /// Stores a new session. False when one began under its transactionId before.
    pub(crate) fn insert_session(&mut self, new: &NewSession) -> Result<bool, Error> {
        let key = new.transaction_id.as_bytes();
        let sealed = self.crypter.seal(TABLE, key, "data", &new.data)?;
        let written = sqlite::execute(
            &self.connection,
            "INSERT INTO download_sessions (transaction_id, state, data, iccid, expires_at, examine_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (transaction_id) DO NOTHING",
            params![
                key,
                SessionState::ExpectGetBoundProfilePackage.as_str(),
                sealed,
                new.iccid.0,
                new.expires_at.0,
                new.expires_at.max(new.begins_by).0
            ],
        )?;
        Ok(written == 1)
    }

    /// Advances a session. False when it is no longer in the state that was read, and nothing was written.
    pub(crate) fn advance_session(&mut self, advance: &SessionAdvance) -> Result<bool, Error> {
        let key = advance.transaction_id.as_bytes();
        let data = advance.data.as_ref().map(|data| self.crypter.seal(TABLE, key, "data", data)).transpose()?;
        let written = sqlite::execute(
            &self.connection,
            "UPDATE download_sessions SET state = $3, data = COALESCE($4, data), expires_at = $5 \
             WHERE transaction_id = $1 AND state = $2",
            params![key, advance.from.as_str(), advance.to.as_str(), data, advance.expires_at.0],
        )?;
        Ok(written == 1)
    }

    /// Ends the sessions about a profile in which a package may still be asked for. Those in which one was delivered
    /// stay: their results are to be taken in.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn close_sessions(&mut self, iccid: &Iccid, at: Timestamp) -> Result<(), Error> {
        let text = "UPDATE download_sessions SET state = 'Closed', expires_at = $2 \
                    WHERE iccid = $1 AND state = 'ExpectGetBoundProfilePackage'";
        sqlite::execute(&self.connection, text, params![iccid.0, at.0])?;
        Ok(())
    }

    /// Deletes the sessions that ended before `now`; returns how many. One that ended before it was expected to may stay
    /// for a day.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn purge_sessions(&mut self, now: Timestamp) -> Result<u64, Error> {
        let text = "DELETE FROM download_sessions WHERE examine_at < $1 AND expires_at < $1";
        let deleted = sqlite::execute(&self.connection, text, params![now.0])?;
        // What is left goes on; it may end before its time, so it is looked at again tomorrow.
        let text = "UPDATE download_sessions SET examine_at = MIN(expires_at, $2) WHERE examine_at < $1";
        sqlite::execute(&self.connection, text, params![now.0, now.plus_seconds(24 * 60 * 60).0])?;
        Ok(deleted as u64)
    }
}
