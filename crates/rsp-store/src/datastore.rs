//! Opening a database, reading from it, and the way into a transaction.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rsp_crypto::Randomness;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Row, Sqlite, SqlitePool};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::crypter::{Crypter, KeyEncryptionKey};
use crate::error::Error;
use crate::writer::{self, ClosureJob, Job, Transaction, TransactionFuture};

/// Migrations are only ever added.
static MIGRATOR: Migrator = sqlx::migrate!();

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
/// Transactions that may wait for the writer before callers wait for a place in the queue.
const QUEUE: usize = 1024;

/// One SQLite database with its secret columns sealed. Made once per process.
pub struct Datastore {
    readers: SqlitePool,
    crypter: Arc<Crypter>,
    jobs: mpsc::Sender<Job>,
    writer: JoinHandle<()>,
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
        let mut connection = options(path).create_if_missing(true).connect().await?;
        migrate(&mut connection).await?;
        let (crypter, wrapped) = Crypter::generate(kek, randomness)?;
        sqlx::query("INSERT INTO store_key (id, wrapped) VALUES (1, $1)")
            .bind(wrapped)
            .execute(&mut connection)
            .await
            .map_err(|error| Error::from(error).naming_duplicate("database"))?;
        Self::start(path, connection, crypter).await
    }

    /// Opens the database in `path` and brings its schema up to this program's version.
    ///
    /// # Errors
    /// [`Error::WrongKeyEncryptionKey`], [`Error::UnknownSchemaVersion`] when a newer program wrote it.
    pub async fn open(path: &Path, kek: &KeyEncryptionKey, randomness: Box<dyn Randomness>) -> Result<Self, Error> {
        let mut connection = options(path).connect().await?;
        migrate(&mut connection).await?;
        let row = sqlx::query("SELECT wrapped FROM store_key WHERE id = 1")
            .fetch_optional(&mut connection)
            .await?
            .ok_or(Error::InvalidValue { table: "store_key", column: "wrapped" })?;
        let crypter = Crypter::unwrap(kek, row.try_get("wrapped")?, randomness)?;
        Self::start(path, connection, crypter).await
    }

    async fn start(path: &Path, connection: SqliteConnection, crypter: Crypter) -> Result<Self, Error> {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options(path).pragma("query_only", "ON"))
            .await?;
        let crypter = Arc::new(crypter);
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let transaction = Transaction { connection, crypter: Arc::clone(&crypter) };
        let writer = tokio::spawn(writer::run(transaction, receiver));
        Ok(Self { readers, crypter, jobs, writer })
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
        F: for<'t> Fn(&'t mut Transaction) -> TransactionFuture<'t, T, E> + Send + 'static,
    {
        let (job, result) = ClosureJob::new(name, closure);
        self.submit(Job::Closure(Box::new(job))).await?;
        result.await.map_err(|_| Error::Closed)?
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&mut *self.reader().await?).await?;
        Ok(())
    }

    /// Finishes the transactions that wait and closes the database.
    pub async fn close(self) {
        drop(self.jobs);
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the writer of the database ended badly");
        }
        self.readers.close().await;
    }

    pub(crate) async fn submit(&self, job: Job) -> Result<(), Error> {
        self.jobs.send(job).await.map_err(|_| Error::Closed)
    }

    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, Error> {
        Ok(self.readers.acquire().await?)
    }

    pub(crate) fn crypter(&self) -> &Crypter {
        &self.crypter
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .disable_statement_logging()
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    MIGRATOR.run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => Error::UnknownSchemaVersion { found, known },
        other => Error::Database(other.to_string()),
    })
}
