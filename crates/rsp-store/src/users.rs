//! People who sign in at the operator's portal, and their passkeys.

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Number of its row; never given again while the row exists.
    pub id: i64,
    /// The name that it signs in with; unique whatever the case of its letters.
    pub name: String,
    /// The operator for whom it works; `None` for the staff of the server.
    pub operator: Option<String>,
    /// Its role, by name.
    pub role: String,
    /// Whether it has a password.
    pub has_password: bool,
    /// The user handle of WebAuthn.
    pub handle: [u8; 32],
    /// Whether it cannot sign in.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it signed in last.
    pub signed_in_at: Option<Timestamp>,
}

/// A user to be added.
#[derive(Clone)]
pub struct NewUser {
    /// The name to sign in with.
    pub name: String,
    /// The operator for whom it works; `None` for the staff of the server.
    pub operator: Option<String>,
    /// Its role, by name.
    pub role: String,
    /// Hash of its password, in the PHC text form.
    pub password: Option<String>,
    /// The user handle of WebAuthn, 32 random octets.
    pub handle: [u8; 32],
    /// Now.
    pub created_at: Timestamp,
}

/// One WebAuthn credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The credential's identifier, as the authenticator chose it.
    pub credential: Vec<u8>,
    /// Whose it is.
    pub user: i64,
    /// The public key: an uncompressed point of P-256.
    pub public_key: [u8; 65],
    /// The highest signature counter seen; 0 with authenticators that do not count.
    pub counter: u32,
    /// What its owner calls it.
    pub label: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it signed last.
    pub used_at: Option<Timestamp>,
}

macro_rules! users_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, name, operator, role, password IS NOT NULL AS has_password, handle, disabled, created_at, \
             signed_in_at FROM users ",
            $condition
        )
    };
}

macro_rules! passkeys_where {
    ($condition:literal) => {
        concat!("SELECT credential, user, public_key, counter, label, created_at, used_at FROM passkeys ", $condition)
    };
}

impl Datastore {
    /// The user of this name, whatever the case of its letters.
    pub async fn user(&self, name: &str) -> Result<Option<User>, Error> {
        self.first(users_where!("WHERE name = $1"), params![name], |row| user(&Columns::new(row, "users")))
    }

    /// The user of this number.
    pub async fn user_by_id(&self, id: i64) -> Result<Option<User>, Error> {
        self.first(users_where!("WHERE id = $1"), params![id], |row| user(&Columns::new(row, "users")))
    }

    /// All users by name.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        self.all(users_where!("ORDER BY name"), &[], |row| user(&Columns::new(row, "users")))
    }

    /// The users of one operator by name.
    pub async fn users_of(&self, operator: &str) -> Result<Vec<User>, Error> {
        self.all(users_where!("WHERE operator = $1 ORDER BY name"), params![operator], |row| {
            user(&Columns::new(row, "users"))
        })
    }

    /// The hash of a user's password, if it has one.
    pub async fn password_hash(&self, id: i64) -> Result<Option<String>, Error> {
        let found = self.first("SELECT password FROM users WHERE id = $1", params![id], |row| {
            Columns::new(row, "users").get::<Option<String>>("password")
        })?;
        Ok(found.flatten())
    }

    /// One credential.
    pub async fn passkey(&self, credential: &[u8]) -> Result<Option<Passkey>, Error> {
        self.first(passkeys_where!("WHERE credential = $1"), params![credential], |row| {
            passkey(&Columns::new(row, "passkeys"))
        })
    }

    /// The credentials of a user, the oldest first.
    pub async fn passkeys(&self, user: i64) -> Result<Vec<Passkey>, Error> {
        self.all(passkeys_where!("WHERE user = $1 ORDER BY created_at, credential"), params![user], |row| {
            passkey(&Columns::new(row, "passkeys"))
        })
    }
}

impl Transaction {
    /// Adds a user; the answer is its number.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the name is taken.
    pub fn insert_user(&mut self, new: &NewUser) -> Result<i64, Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO users (name, operator, role, password, handle, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            params![new.name, new.operator, new.role, new.password, new.handle, new.created_at.0],
        )
        .map_err(|error| error.naming_duplicate("user"))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Gives a user another password, by its hash, and signs its browsers out. False when there is no such user.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn set_password(&mut self, id: i64, hash: &str) -> Result<bool, Error> {
        self.sign_user_out(id)?;
        let text = "UPDATE users SET password = $2 WHERE id = $1";
        Ok(sqlite::execute(&self.connection, text, params![id, hash])? == 1)
    }

    /// Disables a user, and signs its browsers out, or lets it sign in again. False when there is no such user.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn disable_user(&mut self, id: i64, disabled: bool) -> Result<bool, Error> {
        self.sign_user_out(id)?;
        let text = "UPDATE users SET disabled = $2 WHERE id = $1";
        Ok(sqlite::execute(&self.connection, text, params![id, disabled])? == 1)
    }

    /// Gives a user another role. False when there is no such user.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn set_role(&mut self, id: i64, role: &str) -> Result<bool, Error> {
        let text = "UPDATE users SET role = $2 WHERE id = $1";
        Ok(sqlite::execute(&self.connection, text, params![id, role])? == 1)
    }

    /// Adds a credential.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when it is registered already, by whomever.
    pub fn insert_passkey(&mut self, new: &Passkey) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO passkeys (credential, user, public_key, counter, label, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![new.credential, new.user, new.public_key, new.counter, new.label, new.created_at.0],
        )
        .map_err(|error| error.naming_duplicate("passkey"))?;
        Ok(())
    }

    /// Takes a signature of a credential into account: its counter must have grown, unless it does not count (0). False when
    /// it has not, or the credential is gone.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn use_passkey(&mut self, credential: &[u8], counter: u32, at: Timestamp) -> Result<bool, Error> {
        let text = "UPDATE passkeys SET counter = $2, used_at = $3 \
                    WHERE credential = $1 AND (counter < $2 OR counter = 0 AND $2 = 0)";
        Ok(sqlite::execute(&self.connection, text, params![credential, counter, at.0])? == 1)
    }

    /// Removes a credential of a user. False when it has none like this.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn delete_passkey(&mut self, user: i64, credential: &[u8]) -> Result<bool, Error> {
        let text = "DELETE FROM passkeys WHERE user = $1 AND credential = $2";
        Ok(sqlite::execute(&self.connection, text, params![user, credential])? == 1)
    }

    /// Remembers that a challenge was answered. False when it had been answered before. Forgets those that are expired.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn spend_challenge(&mut self, challenge: &[u8], expires_at: Timestamp, now: Timestamp) -> Result<bool, Error> {
        let text = "DELETE FROM spent_challenges WHERE expires_at < $1";
        sqlite::execute(&self.connection, text, params![now.0])?;
        let text = "INSERT INTO spent_challenges (challenge, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        Ok(sqlite::execute(&self.connection, text, params![challenge, expires_at.0])? == 1)
    }
}

fn user(columns: &Columns<'_>) -> Result<User, Error> {
    Ok(User {
        id: columns.get("id")?,
        name: columns.get("name")?,
        operator: columns.get("operator")?,
        role: columns.get("role")?,
        has_password: columns.get("has_password")?,
        handle: columns.get("handle")?,
        disabled: columns.get("disabled")?,
        created_at: columns.timestamp("created_at")?,
        signed_in_at: columns.get::<Option<i64>>("signed_in_at")?.map(Timestamp),
    })
}

fn passkey(columns: &Columns<'_>) -> Result<Passkey, Error> {
    Ok(Passkey {
        credential: columns.get("credential")?,
        user: columns.get("user")?,
        public_key: columns.get("public_key")?,
        counter: columns.unsigned("counter")?,
        label: columns.get("label")?,
        created_at: columns.timestamp("created_at")?,
        used_at: columns.get::<Option<i64>>("used_at")?.map(Timestamp),
    })
}
