//! Keys with which an operator's programs call the REST API. The secrets themselves are nowhere in the database.

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "api_keys";

/// Seconds between two notes of when a key was used: a write for each request would cost more than most requests.
const USE_IS_NOTED_EVERY: i64 = 60;

/// One API key.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part.
    pub id: String,
    /// The operator whose key it is.
    pub operator: String,
    /// What people call it.
    pub name: String,
    /// What it may do, names with commas between them.
    pub rights: String,
    /// Argon2id hash of its secret, in the PHC text form.
    pub hash: String,
    /// The secret before the last rotation.
    pub previous: Option<PreviousSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got its present secret, if that is not its first.
    pub rotated_at: Option<Timestamp>,
    /// Its last second, if it has one.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// A secret that was replaced and is good for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Argon2id hash.
    pub hash: String,
    /// The last second in which it counts.
    pub until: Timestamp,
}

macro_rules! keys_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, operator, name, rights, hash, previous_hash, previous_until, created_at, rotated_at, expires_at, \
             revoked_at, used_at FROM api_keys ",
            $condition
        )
    };
}

impl Datastore {
    /// The key with this public part.
    pub async fn api_key(&self, id: &str) -> Result<Option<ApiKey>, Error> {
        self.first(keys_where!("WHERE id = $1"), params![id], |row| api_key(&Columns::new(row, TABLE)))
    }

    /// The keys of an operator, or of all, the oldest first.
    pub async fn api_keys(&self, operator: Option<&str>) -> Result<Vec<ApiKey>, Error> {
        self.all(
            keys_where!("WHERE $1 IS NULL OR operator = $1 ORDER BY operator, created_at, id"),
            params![operator],
            |row| api_key(&Columns::new(row, TABLE)),
        )
    }
}

impl Transaction {
    /// Adds a key of an operator. False when there is no such operator.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the public part is another's.
    pub fn insert_api_key(&mut self, new: &ApiKey) -> Result<bool, Error> {
        let written = sqlite::execute(
            &self.connection,
            "INSERT INTO api_keys (id, operator, name, rights, hash, created_at, expires_at) \
             SELECT $1, name, $3, $4, $5, $6, $7 FROM operators WHERE name = $2",
            params![
                new.id,
                new.operator,
                new.name,
                new.rights,
                new.hash,
                new.created_at.0,
                new.expires_at.map(|end| end.0)
            ],
        )
        .map_err(|error| error.naming_duplicate("API key"))?;
        Ok(written == 1)
    }

    /// Gives a key that is not revoked another secret; the present one counts to the end of `until`. Whose it is;
    /// `None` when there is no such key of the operator; without one it may be anybody's.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn rotate_api_key(
        &mut self,
        operator: Option<&str>,
        id: &str,
        hash: &str,
        until: Timestamp,
        at: Timestamp,
    ) -> Result<Option<String>, Error> {
        sqlite::first(
            &self.connection,
            "UPDATE api_keys SET previous_hash = hash, previous_until = $4, hash = $3, rotated_at = $5 \
             WHERE id = $2 AND ($1 IS NULL OR operator = $1) AND revoked_at IS NULL RETURNING operator",
            params![operator, id, hash, until.0, at.0],
            |row| Columns::new(row, TABLE).get("operator"),
        )
    }

    /// Revokes a key: none of its secrets counts any more. Whose it was; `None` when there is no such key of the operator
    /// that was not revoked yet; without an operator it may be anybody's.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn revoke_api_key(&mut self, operator: Option<&str>, id: &str, at: Timestamp) -> Result<Option<String>, Error> {
        sqlite::first(
            &self.connection,
            "UPDATE api_keys SET revoked_at = $3, previous_hash = NULL, previous_until = NULL \
             WHERE id = $2 AND ($1 IS NULL OR operator = $1) AND revoked_at IS NULL RETURNING operator",
            params![operator, id, at.0],
            |row| Columns::new(row, TABLE).get("operator"),
        )
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn note_api_key_used(&mut self, id: &str, at: Timestamp) -> Result<(), Error> {
        sqlite::execute(&self.connection, "UPDATE api_keys SET used_at = $2 WHERE id = $1", params![id, at.0])?;
        Ok(())
    }
}

impl ApiKey {
    /// Whether it can be used at all: it was not revoked and has not expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now <= end)
    }

    /// Whether a use should be noted now.
    pub fn notes_use(&self, now: Timestamp) -> bool {
        self.used_at.is_none_or(|used| now >= used.plus_seconds(USE_IS_NOTED_EVERY))
    }
}

fn api_key(columns: &Columns<'_>) -> Result<ApiKey, Error> {
    let time = |column| Ok::<_, Error>(columns.get::<Option<i64>>(column)?.map(Timestamp));
    let previous = match (columns.get::<Option<String>>("previous_hash")?, time("previous_until")?) {
        (Some(hash), Some(until)) => Some(PreviousSecret { hash, until }),
        _ => None,
    };
    Ok(ApiKey {
        id: columns.get("id")?,
        operator: columns.get("operator")?,
        name: columns.get("name")?,
        rights: columns.get("rights")?,
        hash: columns.get("hash")?,
        previous,
        created_at: columns.timestamp("created_at")?,
        rotated_at: time("rotated_at")?,
        expires_at: time("expires_at")?,
        revoked_at: time("revoked_at")?,
        used_at: time("used_at")?,
    })
}
