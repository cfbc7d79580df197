//! Connections that read, each by one caller at a time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::error::Error;
use crate::sqlite::{self, Access};

/// Connections that are kept when nobody reads.
const IDLE: usize = 8;

/// A connection for everyone who reads at the same time. Each sees what was committed when its query began.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Opens the first connection.
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let first = sqlite::connect(path, Access::Read)?;
        Ok(Self { path: path.to_owned(), idle: Mutex::new(vec![first]) })
    }

    /// Lends a connection to `read`.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        // The lock holds for one push or pop, neither of which panics half-way.
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => sqlite::connect(&self.path, Access::Read)?,
        };
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        result
    }
}
