//! Requests of the REST API that carried an Idempotency-Key, so that a repetition gets the same answer instead of a second
//! effect.

use rsp_asn1::Timestamp;
use rusqlite::params;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "idempotency_keys";

/// A request that is to be executed once.
#[derive(Clone)]
pub struct IdempotentRequest {
    /// Name of the operator.
    pub operator: String,
    /// As the caller chose it.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub request: [u8; 32],
}

/// What is known of a request.
pub enum Claimed {
    /// Nothing: it is to be executed now, and this names the execution.
    New([u8; 16]),
    /// It was answered.
    Answered(Zeroizing<Vec<u8>>),
    /// It is being executed, or was when the server stopped.
    Begun {
        /// When it began.
        at: Timestamp,
    },
    /// The key was used for something else.
    Other,
}

impl IdempotentRequest {
    fn row(&self) -> Vec<u8> {
        [self.request.as_slice(), self.operator.as_bytes(), b"\0", self.key.as_bytes()].concat()
    }
}

impl Transaction {
    /// Begins a request, unless it was begun before.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn claim_request(&mut self, wanted: &IdempotentRequest, at: Timestamp) -> Result<Claimed, Error> {
        let found = sqlite::first(
            &self.connection,
            "SELECT request, response, at FROM idempotency_keys WHERE operator = $1 AND idempotency_key = $2",
            params![wanted.operator, wanted.key],
            |row| {
                let columns = Columns::new(row, TABLE);
                if columns.get::<[u8; 32]>("request")? != wanted.request {
                    return Ok(Claimed::Other);
                }
                Ok(match columns.optional_sealed(&self.crypter, &wanted.row(), "response")? {
                    Some(response) => Claimed::Answered(response),
                    None => Claimed::Begun { at: columns.timestamp("at")? },
                })
            },
        )?;
        if let Some(found) = found {
            return Ok(found);
        }
        let claim = self.crypter.draw_id();
        sqlite::execute(
            &self.connection,
            "INSERT INTO idempotency_keys (operator, idempotency_key, request, claim, at) VALUES ($1, $2, $3, $4, $5)",
            params![wanted.operator, wanted.key, wanted.request, claim, at.0],
        )?;
        Ok(Claimed::New(claim))
    }

    /// Remembers what a request was answered.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn answer_request(
        &mut self,
        wanted: &IdempotentRequest,
        claim: &[u8; 16],
        response: &[u8],
    ) -> Result<(), Error> {
        let sealed = self.crypter.seal(TABLE, &wanted.row(), "response", response)?;
        sqlite::execute(
            &self.connection,
            "UPDATE idempotency_keys SET response = $4 WHERE operator = $1 AND idempotency_key = $2 AND claim = $3",
            params![wanted.operator, wanted.key, claim, sealed],
        )?;
        Ok(())
    }

    /// Forgets a request that did nothing, so that its key can be used again.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn forget_request(&mut self, wanted: &IdempotentRequest, claim: &[u8; 16]) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "DELETE FROM idempotency_keys WHERE operator = $1 AND idempotency_key = $2 AND claim = $3",
            params![wanted.operator, wanted.key, claim],
        )?;
        Ok(())
    }

    /// Forgets the requests before `end`; returns how many.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn forget_requests(&mut self, end: Timestamp) -> Result<usize, Error> {
        sqlite::execute(&self.connection, "DELETE FROM idempotency_keys WHERE at < $1", params![end.0])
    }
}
