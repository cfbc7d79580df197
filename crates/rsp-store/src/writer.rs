//! The one writer: a task that owns the writing connection and runs the transactions of everybody in turn.
//!
//! Transactions that wait at the same time share one `BEGIN … COMMIT`, each behind its own savepoint, so that one
//! flush to disk (`synchronous=FULL`) serves all of them. A caller that goes away does not interrupt its transaction.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot};

use crate::crypter::Crypter;
use crate::error::Error;

/// What the closure of [`run_tx`](crate::Datastore::run_tx) returns.
pub type TransactionFuture<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// Transactions that one commit serves at most.
const BATCH: usize = 64;
/// Attempts to get the write lock from another process, after the busy timeout of each.
const BUSY_ATTEMPTS: u32 = 3;

/// An open transaction: the methods that write are on this type.
pub struct Transaction {
    pub(crate) connection: SqliteConnection,
    pub(crate) crypter: Arc<Crypter>,
}

/// A unit of work for the writer; its result waits inside until the commit.
pub(crate) trait Job: Send {
    /// Name of the transaction, for logs.
    fn name(&self) -> &'static str;
    /// Runs the closure. True when it succeeded and may be committed.
    fn run<'t>(&'t mut self, tx: &'t mut Transaction) -> Pin<Box<dyn Future<Output = bool> + Send + 't>>;
    /// Delivers the result, or the error that kept it from being committed.
    fn finish(self: Box<Self>, committed: Result<(), Error>);
}

/// A closure with the place to which its result goes.
pub(crate) struct ClosureJob<T, E, F> {
    name: &'static str,
    closure: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> ClosureJob<T, E, F> {
    /// The job and the end at which its result arrives.
    pub(crate) fn new(name: &'static str, closure: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { name, closure, result: None, reply }, receiver)
    }
}

impl<T, E, F> Job for ClosureJob<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: for<'t> Fn(&'t mut Transaction) -> TransactionFuture<'t, T, E> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run<'t>(&'t mut self, tx: &'t mut Transaction) -> Pin<Box<dyn Future<Output = bool> + Send + 't>> {
        let running = (self.closure)(tx);
        let result = &mut self.result;
        Box::pin(async move { result.insert(running.await).is_ok() })
    }

    fn finish(self: Box<Self>, committed: Result<(), Error>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(E::from(error)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(E::from(Error::Closed)),
        };
        // The caller may have gone away: what was committed stays committed.
        drop(self.reply.send(result));
    }
}

/// Runs until every sender is gone, then closes the connection.
pub(crate) async fn run(mut tx: Transaction, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = jobs.recv().await {
        run_batch(&mut tx, first, &mut jobs).await;
    }
    if let Err(error) = tx.connection.close().await {
        tracing::warn!(%error, "closing the database");
    }
}

async fn run_batch(tx: &mut Transaction, first: Box<dyn Job>, jobs: &mut mpsc::Receiver<Box<dyn Job>>) {
    if let Err(error) = begin(tx).await {
        tracing::warn!(name = first.name(), %error, "transaction not begun");
        return first.finish(Err(error));
    }
    let mut done: Vec<Box<dyn Job>> = Vec::new();
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        let alone = done.is_empty();
        if !alone && let Err(error) = tx.execute("SAVEPOINT member").await {
            job.finish(Err(error));
            break;
        }
        if job.run(tx).await {
            done.push(job);
        } else {
            let undo = if alone { "ROLLBACK" } else { "ROLLBACK TO member" };
            let undone = tx.execute(undo).await;
            job.finish(undone.as_ref().map(drop).map_err(|error| Error::Database(error.to_string())));
            if alone {
                return;
            }
            if let Err(error) = undone {
                return abort(tx, done, &error).await;
            }
        }
        if done.len() < BATCH {
            next = jobs.try_recv().ok();
        }
    }
    match tx.execute("COMMIT").await {
        Ok(()) => done.into_iter().for_each(|job| job.finish(Ok(()))),
        Err(error) => abort(tx, done, &error).await,
    }
}

/// Gives up the whole batch; every member hears why.
async fn abort(tx: &mut Transaction, done: Vec<Box<dyn Job>>, error: &Error) {
    tracing::error!(%error, "transactions rolled back");
    if let Err(error) = tx.execute("ROLLBACK").await {
        tracing::error!(%error, "rolling back");
    }
    for job in done {
        job.finish(Err(Error::Database(error.to_string())));
    }
}

/// Takes the write lock at once, so that nothing after it can be busy.
async fn begin(tx: &mut Transaction) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        match tx.execute("BEGIN IMMEDIATE").await {
            Err(Error::Busy) if attempt < BUSY_ATTEMPTS => {
                tracing::debug!(attempt, "database busy");
                tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

impl Transaction {
    async fn execute(&mut self, statement: &'static str) -> Result<(), Error> {
        // A prepared statement from the cache; a bare string would be parsed anew each time.
        self.connection.execute(sqlx::query(statement)).await?;
        Ok(())
    }
}
