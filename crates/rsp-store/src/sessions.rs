//! RSP sessions: one row per transactionId, advanced by compare-and-set.

use std::str::FromStr;

use rsp_asn1::{Eid, Iccid, Timestamp, TransactionId};
use sqlx::sqlite::SqliteRow;
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::profiles::{self, Profile, ProfileChange, profile_columns};
use crate::rows::Columns;
use crate::steps;
use crate::writer::Transaction;

pub(crate) const TABLE: &str = "download_sessions";

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// ES9+.AuthenticateClient.
    ExpectAuthenticateClient,
    /// ES9+.GetBoundProfilePackage.
    ExpectGetBoundProfilePackage,
    /// The ProfileInstallationResult; the package was delivered.
    ExpectResult,
    /// Nothing more.
    Closed,
}

impl SessionState {
    const ALL: [Self; 4] =
        [Self::ExpectAuthenticateClient, Self::ExpectGetBoundProfilePackage, Self::ExpectResult, Self::Closed];

    /// The state's name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpectAuthenticateClient => "ExpectAuthenticateClient",
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

/// A session to be stored, waiting for AuthenticateClient.
pub struct NewSession {
    /// The server's transactionId.
    pub transaction_id: TransactionId,
    /// What the next step needs; sealed on its way in.
    pub data: Zeroizing<Vec<u8>>,
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
    /// The profile that the session is about.
    pub iccid: Option<Iccid>,
    /// When it ends.
    pub expires_at: Timestamp,
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
    /// The session, and the order that `key` names if there is one. One query: both or nothing are read.
    pub async fn session_and_order(
        &self,
        transaction_id: &TransactionId,
        key: &OrderKey,
    ) -> Result<Option<(DownloadSession, Option<Profile>)>, Error> {
        let query = match key {
            OrderKey::MatchingId(matching_id) => {
                sqlx::query(session_with!("", "LEFT JOIN profiles p ON p.matching_id = $2"))
                    .bind(transaction_id.as_bytes().to_vec())
                    .bind(matching_id.clone())
            }
            OrderKey::Eid(eid) => sqlx::query(session_with!(
                "",
                "LEFT JOIN profiles p ON p.iccid = (SELECT iccid FROM profiles WHERE eid = $2 \
                 AND state IN ('Released', 'Downloaded') ORDER BY created_at, iccid LIMIT 1)"
            ))
            .bind(transaction_id.as_bytes().to_vec())
            .bind(eid.0.to_vec()),
        };
        let Some(row) = query.fetch_optional(&mut *self.reader().await?).await? else { return Ok(None) };
        Ok(Some((self.read_session(&row, transaction_id)?, self.joined_profile(&row)?)))
    }

    /// The session and the profile that it is about.
    pub async fn session_and_profile(
        &self,
        transaction_id: &TransactionId,
    ) -> Result<Option<(DownloadSession, Option<Profile>)>, Error> {
        let row = sqlx::query(session_with!("", "LEFT JOIN profiles p ON p.iccid = s.iccid"))
            .bind(transaction_id.as_bytes().to_vec())
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((self.read_session(&row, transaction_id)?, self.joined_profile(&row)?)))
    }

    /// The session, the profile that it is about, and that profile's package.
    pub async fn session_profile_and_package(
        &self,
        transaction_id: &TransactionId,
    ) -> Result<Option<(DownloadSession, Option<(Profile, Zeroizing<Vec<u8>>)>)>, Error> {
        let row = sqlx::query(session_with!(
            ", k.package",
            "LEFT JOIN profiles p ON p.iccid = s.iccid LEFT JOIN packages k ON k.iccid = s.iccid"
        ))
        .bind(transaction_id.as_bytes().to_vec())
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let session = self.read_session(&row, transaction_id)?;
        let Some(profile) = self.joined_profile(&row)? else { return Ok(Some((session, None))) };
        let package = profiles::joined_package(&row, &profile.iccid, self.crypter())?
            .ok_or(Error::InvalidValue { table: "packages", column: "package" })?;
        Ok(Some((session, Some((profile, package)))))
    }

    fn read_session(&self, row: &SqliteRow, transaction_id: &TransactionId) -> Result<DownloadSession, Error> {
        let columns = Columns::new(row, TABLE);
        Ok(DownloadSession {
            state: columns.get::<&str>("session_state")?.parse()?,
            data: columns.sealed(self.crypter(), transaction_id.as_bytes(), "data")?,
            expires_at: columns.timestamp("session_expires_at")?,
        })
    }

    fn joined_profile(&self, row: &SqliteRow) -> Result<Option<Profile>, Error> {
        let columns = Columns::new(row, profiles::TABLE);
        match columns.optional_iccid("iccid")? {
            None => Ok(None),
            Some(_) => profiles::profile(&columns, self.crypter()).map(Some),
        }
    }
}

impl Transaction {
    /// Advances a session and changes its profile, both or neither.
    ///
    /// False when either was changed by somebody else.
    pub async fn advance_session_and_profile(
        &mut self,
        advance: &SessionAdvance,
        change: &ProfileChange,
    ) -> Result<bool, Error> {
        let (text, arguments) = steps::advance(advance, Some(change), &self.crypter)?;
        let rows = sqlx::query_with(text.member, arguments).fetch_all(&mut self.connection).await?;
        Ok(!rows.is_empty())
    }

    /// Deletes the sessions that ended before `now`; returns how many.
    pub async fn purge_sessions(&mut self, now: Timestamp) -> Result<u64, Error> {
        let done = sqlx::query("DELETE FROM download_sessions WHERE expires_at < $1")
            .bind(now.0)
            .execute(&mut self.connection)
            .await?;
        Ok(done.rows_affected())
    }
}
