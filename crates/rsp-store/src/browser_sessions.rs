//! Browsers that are signed in at the operator's portal. The token itself is the browser's alone: what is stored is its
//! SHA-256, so that nobody signs in with what a copy of the database holds.

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

/// One browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// SHA-256 of its token.
    pub token: [u8; 32],
    /// Who signed in.
    pub user: i64,
    /// When.
    pub created_at: Timestamp,
    /// When it was last heard of, to about a minute.
    pub seen_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

impl Datastore {
    /// The session whose token has this SHA-256, expired or not.
    pub async fn browser_session(&self, token: &[u8; 32]) -> Result<Option<BrowserSession>, Error> {
        let text = "SELECT token, user, created_at, seen_at, expires_at FROM browser_sessions WHERE token = $1";
        self.first(text, params![token], |row| {
            let columns = Columns::new(row, "browser_sessions");
            Ok(BrowserSession {
                token: columns.get("token")?,
                user: columns.get("user")?,
                created_at: columns.timestamp("created_at")?,
                seen_at: columns.timestamp("seen_at")?,
                expires_at: columns.timestamp("expires_at")?,
            })
        })
    }
}

impl Transaction {
    /// Signs a browser in, and forgets the sessions that are expired.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn sign_in(&mut self, new: &BrowserSession) -> Result<(), Error> {
        let text = "DELETE FROM browser_sessions WHERE expires_at < $1";
        sqlite::execute(&self.connection, text, params![new.created_at.0])?;
        let text =
            "INSERT INTO browser_sessions (token, user, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
        let parameters = params![new.token, new.user, new.created_at.0, new.seen_at.0, new.expires_at.0];
        sqlite::execute(&self.connection, text, parameters)?;
        let text = "UPDATE users SET signed_in_at = $2 WHERE id = $1";
        sqlite::execute(&self.connection, text, params![new.user, new.created_at.0])?;
        Ok(())
    }

    /// Remembers that a session was heard of.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn touch_browser_session(&mut self, token: &[u8; 32], at: Timestamp) -> Result<(), Error> {
        let text = "UPDATE browser_sessions SET seen_at = $2 WHERE token = $1";
        sqlite::execute(&self.connection, text, params![token, at.0])?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn sign_out(&mut self, token: &[u8; 32]) -> Result<(), Error> {
        sqlite::execute(&self.connection, "DELETE FROM browser_sessions WHERE token = $1", params![token])?;
        Ok(())
    }

    /// Ends every session of a user.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn sign_user_out(&mut self, user: i64) -> Result<(), Error> {
        sqlite::execute(&self.connection, "DELETE FROM browser_sessions WHERE user = $1", params![user])?;
        Ok(())
    }
}
