//! The one writer: a task that owns the writing connection and runs the transactions of everybody in turn.
//!
//! Transactions that wait at the same time share one `BEGIN … COMMIT`, so that one flush to disk (`synchronous=FULL`)
//! serves all of them: closures each behind a savepoint of their own, steps without, for they write all or nothing. A
//! step that finds nobody waiting is sent as one text. A caller that goes away does not interrupt its transaction.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot};

use crate::crypter::Crypter;
use crate::error::Error;
use crate::steps::Text;

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

/// Work for the writer.
pub(crate) enum Job {
    /// A closure.
    Closure(Box<dyn Closure>),
    /// A step.
    Script(ScriptJob),
}

/// A closure whose result waits inside until the commit.
pub(crate) trait Closure: Send {
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

impl<T, E, F> Closure for ClosureJob<T, E, F>
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

/// A step with the place to which its result goes: whether anything was written.
pub(crate) struct ScriptJob {
    name: &'static str,
    text: &'static Text,
    arguments: SqliteArguments,
    written: bool,
    reply: oneshot::Sender<Result<bool, Error>>,
}

impl ScriptJob {
    /// The job and the end at which its result arrives.
    pub(crate) fn new(
        name: &'static str,
        text: &'static Text,
        arguments: SqliteArguments,
    ) -> (Self, oneshot::Receiver<Result<bool, Error>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { name, text, arguments, written: false, reply }, receiver)
    }

    /// Runs the step and notes whether it wrote.
    async fn run(&mut self, tx: &mut Transaction, text: &'static str) -> Result<(), Error> {
        // A step that was refused for being busy runs again, with the same parameters.
        let arguments = self.arguments.clone();
        let rows = tx.connection.fetch_all(sqlx::query_with(text, arguments)).await?;
        self.written = !rows.is_empty();
        Ok(())
    }

    fn finish(self, committed: Result<(), Error>) {
        drop(self.reply.send(committed.map(|()| self.written)));
    }
}

impl From<ScriptJob> for Job {
    fn from(job: ScriptJob) -> Self {
        Self::Script(job)
    }
}

impl Job {
    fn finish(self, committed: Result<(), Error>) {
        match self {
            Self::Closure(closure) => closure.finish(committed),
            Self::Script(script) => script.finish(committed),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Closure(closure) => closure.name(),
            Self::Script(script) => script.name,
        }
    }
}

/// Runs until every sender is gone, then closes the connection.
pub(crate) async fn run(mut tx: Transaction, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        match first {
            Job::Script(script) if jobs.is_empty() => run_alone(&mut tx, script).await,
            first => run_batch(&mut tx, first, &mut jobs).await,
        }
    }
    if let Err(error) = tx.connection.close().await {
        tracing::warn!(%error, "closing the database");
    }
}

/// A step in a transaction of its own, in one round trip.
async fn run_alone(tx: &mut Transaction, mut script: ScriptJob) {
    let mut attempt = 1;
    let result = loop {
        match script.run(tx, script.text.alone).await {
            Err(Error::Busy) if attempt < BUSY_ATTEMPTS => wait_for_others(&mut attempt).await,
            Err(error) => {
                // Whatever failed, the connection must not stay in a transaction. There may be none.
                drop(tx.execute("ROLLBACK").await);
                break Err(error);
            }
            Ok(()) => break Ok(()),
        }
    };
    if let Err(error) = &result {
        tracing::warn!(name = script.name, %error, "step not written");
    }
    script.finish(result);
}

async fn run_batch(tx: &mut Transaction, first: Job, jobs: &mut mpsc::Receiver<Job>) {
    if let Err(error) = begin(tx).await {
        tracing::warn!(name = first.name(), %error, "transaction not begun");
        return first.finish(Err(error));
    }
    let mut done: Vec<Job> = Vec::new();
    let mut next = Some(first);
    while let Some(job) = next.take() {
        match run_member(tx, job, done.is_empty()).await {
            Member::Joined(job) => done.push(job),
            Member::Undone => {}
            Member::AllUndone => return,
            Member::Broken(error) => return abort(tx, done, &error).await,
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

/// What became of one member of a batch.
enum Member {
    /// It waits for the commit.
    Joined(Job),
    /// It failed; what it wrote is undone.
    Undone,
    /// It failed and was the first: the transaction is over.
    AllUndone,
    /// The transaction cannot go on.
    Broken(Error),
}

async fn run_member(tx: &mut Transaction, job: Job, first: bool) -> Member {
    match job {
        Job::Script(mut script) => match script.run(tx, script.text.member).await {
            Ok(()) => Member::Joined(Job::Script(script)),
            Err(error) => {
                let broken = Error::Database(error.to_string());
                script.finish(Err(error));
                Member::Broken(broken)
            }
        },
        Job::Closure(mut closure) => {
            if !first && let Err(error) = tx.execute("SAVEPOINT member").await {
                let broken = Error::Database(error.to_string());
                closure.finish(Err(error));
                return Member::Broken(broken);
            }
            if closure.run(tx).await {
                return Member::Joined(Job::Closure(closure));
            }
            let undone = tx.execute(if first { "ROLLBACK" } else { "ROLLBACK TO member" }).await;
            // The closure's own error goes first.
            closure.finish(Ok(()));
            match undone {
                Ok(()) if first => Member::AllUndone,
                Ok(()) => Member::Undone,
                Err(error) => Member::Broken(error),
            }
        }
    }
}

/// Gives up the whole batch; every member hears why.
async fn abort(tx: &mut Transaction, done: Vec<Job>, error: &Error) {
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
            Err(Error::Busy) if attempt < BUSY_ATTEMPTS => wait_for_others(&mut attempt).await,
            other => return other,
        }
    }
}

async fn wait_for_others(attempt: &mut u32) {
    tracing::debug!(attempt, "database busy");
    tokio::time::sleep(Duration::from_millis(20 << *attempt)).await;
    *attempt += 1;
}

impl Transaction {
    async fn execute(&mut self, statement: &'static str) -> Result<(), Error> {
        // A prepared statement from the cache; a bare string would be parsed anew each time.
        self.connection.execute(sqlx::query(statement)).await?;
        Ok(())
    }
}
