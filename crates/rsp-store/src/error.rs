//! What can go wrong in the store, sorted by blame.

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

/// Errors of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller asked for a row that would be the second of its kind.
    #[error("{what} already exists")]
    Duplicate {
        /// The kind of the row, for example `matching ID`.
        what: &'static str,
    },
    /// The operator gave a key-encryption key that does not open this database.
    #[error("the key-encryption key does not belong to this database")]
    WrongKeyEncryptionKey,
    /// The database was written by a newer program.
    #[error("the database has schema version {found}, this program knows up to {known}")]
    UnknownSchemaVersion {
        /// Version of the newest migration that the database has seen.
        found: i64,
        /// Version of the newest migration of this program.
        known: i64,
    },
    /// A sealed value does not open: it was changed, or moved from another row or column.
    #[error("{table}.{column}: the sealed value is damaged or belongs to another row")]
    Unsealable {
        /// Table of the value.
        table: &'static str,
        /// Column of the value.
        column: &'static str,
    },
    /// A column holds what this program never writes there.
    #[error("{table}.{column}: invalid value in the database")]
    InvalidValue {
        /// Table of the value.
        table: &'static str,
        /// Column of the value.
        column: &'static str,
    },
    /// Another process held the write lock longer than a transaction waits.
    #[error("the database is busy")]
    Busy,
    /// The store is closing and takes no more work.
    #[error("the datastore is closed")]
    Closed,
    /// The database itself failed (disk full, file missing, …).
    #[error("database: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(inner) if matches!(inner.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(inner) if matches!(inner.extended_code, SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Self::Duplicate { what: "row" }
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

impl Error {
    /// The same failure, told to another who was affected.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            other => Self::Database(other.to_string()),
        }
    }

    /// The same error, with a duplicate row named for the reader.
    pub(crate) fn naming_duplicate(self, what: &'static str) -> Self {
        match self {
            Self::Duplicate { .. } => Self::Duplicate { what },
            other => other,
        }
    }
}
