//! Calls that were executed, so that a repetition gets the same answer instead of a second effect.

use rsp_asn1::{Iccid, Timestamp};
use rusqlite::params;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "calls";

/// Which call: an operator's identifier for it, and what it asked for.
#[derive(Clone)]
pub struct CallKey {
    /// Name of the operator.
    pub operator: String,
    /// functionCallIdentifier.
    pub call_id: String,
    /// SHA-256 of function and request.
    pub request: [u8; 32],
}

impl CallKey {
    fn row(&self) -> Vec<u8> {
        [self.request.as_slice(), self.operator.as_bytes(), b"\0", self.call_id.as_bytes()].concat()
    }
}

impl Transaction {
    /// What this very call was answered, if it was executed before and no other call has moved its order since. What devices
    /// and time did since makes it no other order.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn executed_call(&mut self, key: &CallKey) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        sqlite::first(
            &self.connection,
            "SELECT c.response FROM calls c WHERE c.operator = $1 AND c.call_id = $2 AND c.request = $3 \
             AND NOT EXISTS (SELECT 1 FROM events e WHERE e.iccid = c.iccid AND e.version > c.version \
             AND e.to_state NOT IN ('Downloaded', 'Installed', 'Deleted', 'Error'))",
            params![key.operator, key.call_id, key.request],
            |row| Columns::new(row, TABLE).sealed(&self.crypter, &key.row(), "response"),
        )
    }

    /// Remembers what a call about a profile was answered.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn remember_call(&mut self, key: &CallKey, response: &[u8], iccid: &Iccid, at: Timestamp) -> Result<(), Error> {
        let sealed = self.crypter.seal(TABLE, &key.row(), "response", response)?;
        sqlite::execute(
            &self.connection,
            "INSERT OR REPLACE INTO calls (operator, call_id, request, response, iccid, version, at) \
             SELECT $1, $2, $3, $4, iccid, version, $6 FROM profiles WHERE iccid = $5",
            params![key.operator, key.call_id, key.request, sealed, iccid.0, at.0],
        )?;
        Ok(())
    }

    /// Forgets a call whose effect was taken back.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn forget_call(&mut self, key: &CallKey) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "DELETE FROM calls WHERE operator = $1 AND call_id = $2 AND request = $3",
            params![key.operator, key.call_id, key.request],
        )
        .map(drop)
    }

    /// Forgets the calls before `end`; returns how many.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn forget_calls(&mut self, end: Timestamp) -> Result<usize, Error> {
        sqlite::execute(&self.connection, "DELETE FROM calls WHERE at < $1", params![end.0])
    }
}
