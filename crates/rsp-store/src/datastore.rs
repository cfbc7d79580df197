//! Opening a database, reading from it, and the way into a transaction.

use std::path::Path;
use std::sync::Arc;

use rsp_crypto::Randomness;
use rusqlite::{Connection, Row, ToSql, params};
use zeroize::Zeroizing;

use crate::crypter::{Crypter, KeyEncryptionKey};
use crate::error::Error;
use crate::readers::Readers;
use crate::sqlite::{self, Access};
use crate::writer::{Transaction, Writer};

/// One SQLite database with its secret columns sealed. Made once per process.
///
/// The functions are asynchronous for the sake of those that wait for others who write. What a caller does itself, a query
/// or a commit with its flush to disk, it does on its own thread.
pub struct Datastore {
    readers: Readers,
    crypter: Arc<Crypter>,
    writer: Writer,
}

impl Datastore {
    /// Makes a new, empty database in `path`, sealed under `kek`.
    ///
    /// `randomness` serves the sealing only. The file itself must be made with the wanted permissions beforehand, if
    /// the caller's umask does not give them: SQLite copies them to its side files.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the file already holds a database of ours.
    pub async fn create(path: &Path, kek: &KeyEncryptionKey, randomness: Box<dyn Randomness>) -> Result<Self, Error> {
        let mut connection = sqlite::connect(path, Access::Create)?;
        sqlite::migrate(&mut connection)?;
        let (crypter, wrapped) = Crypter::generate(kek, randomness)?;
        sqlite::execute(&connection, "INSERT INTO store_key (id, wrapped) VALUES (1, $1)", params![wrapped])
            .map_err(|error| error.naming_duplicate("database"))?;
        Self::start(path, connection, crypter)
    }

    /// Opens the database in `path` and brings its schema up to this program's version.
    ///
    /// # Errors
    /// [`Error::WrongKeyEncryptionKey`], [`Error::UnknownSchemaVersion`] when a newer program wrote it.
    pub async fn open(path: &Path, kek: &KeyEncryptionKey, randomness: Box<dyn Randomness>) -> Result<Self, Error> {
        let mut connection = sqlite::connect(path, Access::Write)?;
        sqlite::migrate(&mut connection)?;
        let wrapped: Vec<u8> =
            sqlite::first(&connection, "SELECT wrapped FROM store_key WHERE id = 1", &[], |row| Ok(row.get(0)?))?
                .ok_or(Error::InvalidValue { table: "store_key", column: "wrapped" })?;
        let crypter = Crypter::unwrap(kek, &wrapped, randomness)?;
        Self::start(path, connection, crypter)
    }

    fn start(path: &Path, connection: Connection, crypter: Crypter) -> Result<Self, Error> {
        let crypter = Arc::new(crypter);
        let writer = Writer::new(connection, Arc::clone(&crypter))?;
        Ok(Self { readers: Readers::new(path)?, crypter, writer })
    }

    /// Runs `closure` in one transaction and returns its result when that is on disk.
    ///
    /// An `Err` of the closure rolls its changes back. The closure must not depend on running only once: another
    /// database may ask for a repetition. `name` appears in logs.
    ///
    /// # Errors
    /// Those of the closure, and the store's own when beginning or committing fails.
    pub async fn run_tx<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Transaction) -> Result<T, E> + Send + 'static,
    {
        self.writer.run(name, closure).await
    }

    /// A key for what the server needs to recognise without storing it: derived from the data-encryption key, another for
    /// each purpose, and the same in every process that opens this database.
    pub fn derive_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        self.crypter.derive_key(purpose)
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), Error> {
        self.first("SELECT 1", &[], |_| Ok(())).map(drop)
    }

    /// Closes the database; nobody can be waiting for a transaction any more. SQLite then tidies its side files away.
    pub async fn close(self) {
        drop(self);
    }

    /// The first row of a query, if there is one.
    pub(crate) fn first<T>(
        &self,
        text: &str,
        parameters: &[&dyn ToSql],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.read(|connection| sqlite::first(connection, text, parameters, read))
    }

    /// All rows of a query.
    pub(crate) fn all<T>(
        &self,
        text: &str,
        parameters: &[&dyn ToSql],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.readers.with(|connection| sqlite::all(connection, text, parameters, read))
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        match self.writer.idle() {
            Some(tx) => read(&tx.connection),
            None => self.readers.with(read),
        }
    }

    pub(crate) fn crypter(&self) -> &Crypter {
        &self.crypter
    }
}
