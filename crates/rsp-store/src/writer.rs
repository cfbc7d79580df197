//! Transactions: those that are ready at the same time share one `BEGIN … COMMIT`.
//!
//! Whoever wants to write queues up, lets every other task that is ready have its turn first, and then, if nobody else
//! does, runs all that queue, each behind a savepoint of its own: one flush to disk (`synchronous=FULL`) serves all of
//! them, and the busier the server, the more share it. Everybody gets the answer after the commit. There is no thread to
//! hand anything to: doing so would cost more than most transactions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::crypter::Crypter;
use crate::error::Error;
use crate::sqlite;

/// Transactions that one commit serves at most.
const BATCH: usize = 64;
/// How long another process may keep the write lock.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two attempts to get the write lock.
const PAUSE: Duration = Duration::from_millis(5);

/// An open transaction: the methods that write are on this type.
pub struct Transaction {
    pub(crate) connection: Connection,
    pub(crate) crypter: Arc<Crypter>,
}

/// The writing connection and those who wait for it.
pub(crate) struct Writer {
    transaction: tokio::sync::Mutex<Transaction>,
    queue: Mutex<Vec<Box<dyn Job>>>,
}

impl Writer {
    pub(crate) fn new(connection: Connection, crypter: Arc<Crypter>) -> Result<Self, Error> {
        // Waiting for another process is done here, not inside SQLite, where it would keep the thread.
        connection.busy_timeout(Duration::ZERO)?;
        let transaction = tokio::sync::Mutex::new(Transaction { connection, crypter });
        Ok(Self { transaction, queue: Mutex::default() })
    }

    pub(crate) async fn run<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Transaction) -> Result<T, E> + Send + 'static,
    {
        let (reply, mut result) = oneshot::channel();
        self.queue().push(Box::new(ClosureJob { name, closure, result: None, reply }));
        tokio::task::yield_now().await;
        let result = tokio::select! {
            biased;
            result = &mut result => result,
            mut tx = self.transaction.lock() => {
                self.serve(&mut tx).await;
                result.await
            }
        };
        // A transaction whose closure panicked has no result.
        result.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Reads with the writing connection, whose memory holds what was written last, if nobody writes.
    pub(crate) fn idle(&self) -> Option<tokio::sync::MutexGuard<'_, Transaction>> {
        self.transaction.try_lock().ok().filter(|tx| tx.connection.is_autocommit())
    }

    /// Runs what queues until nothing is left of it that was there at the beginning.
    ///
    /// A caller that goes away while this waits for another process leaves everything in the queue for the next.
    async fn serve(&self, tx: &mut Transaction) {
        let mut left = self.queue().len();
        while left > 0 {
            let begun = tx.begin_patiently().await;
            let jobs: Vec<_> = {
                let mut queue = self.queue();
                let count = queue.len().min(BATCH);
                queue.drain(..count).collect()
            };
            left = left.saturating_sub(jobs.len());
            match begun {
                Ok(()) => tx.run(jobs),
                Err(error) => {
                    tracing::warn!(%error, "transactions not begun");
                    jobs.into_iter().for_each(|job| job.finish(Err(error.again())));
                }
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Box<dyn Job>>> {
        // The lock holds for a push or a drain, neither of which panics half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction {
    fn begin(&mut self) -> Result<(), Error> {
        if !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        self.execute("BEGIN IMMEDIATE")
    }

    /// Waits for other processes.
    async fn begin_patiently(&mut self) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            match self.begin() {
                Err(Error::Busy) if start.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                other => return other,
            }
        }
    }

    /// Runs `jobs` in the transaction that has begun, and commits.
    fn run(&mut self, jobs: Vec<Box<dyn Job>>) {
        // What fails alone is rolled back with the whole.
        let alone = jobs.len() == 1;
        let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        // A caller that went away before its turn gets nothing done; later it interrupts nothing.
        while let Some(job) = jobs.find(|job| job.is_wanted()) {
            match self.run_member(job, alone) {
                Member::Joined(job) => done.push(job),
                Member::Undone => {}
                Member::Broken(error) => {
                    done.extend(jobs);
                    return self.abort(done, &error);
                }
            }
        }
        if done.is_empty() && self.connection.is_autocommit() {
            return;
        }
        match self.execute("COMMIT") {
            Ok(()) => done.into_iter().for_each(|job| job.finish(Ok(()))),
            Err(error) => self.abort(done, &error),
        }
    }

    fn run_member(&mut self, mut job: Box<dyn Job>, alone: bool) -> Member {
        let (before, after, undo): (&[_], &[_], &[_]) = match alone {
            true => (&[], &[], &["ROLLBACK"]),
            false => (&["SAVEPOINT member"], &["RELEASE member"], &["ROLLBACK TO member", "RELEASE member"]),
        };
        if let Err(error) = self.execute_all(before) {
            job.finish(Err(error.again()));
            return Member::Broken(error);
        }
        // A panic of one closure must not take the transactions of others with it.
        match catch_unwind(AssertUnwindSafe(|| job.run(self))) {
            Ok(true) => match self.execute_all(after) {
                Ok(()) => return Member::Joined(job),
                Err(error) => {
                    job.finish(Err(error.again()));
                    return Member::Broken(error);
                }
            },
            Ok(false) => {}
            Err(_) => tracing::error!(name = job.name(), "a transaction panicked"),
        }
        let undone = self.execute_all(undo);
        // The closure's own error goes first.
        job.finish(Ok(()));
        undone.map_or_else(Member::Broken, |()| Member::Undone)
    }

    /// Gives up the whole batch; every member hears why.
    fn abort(&mut self, done: Vec<Box<dyn Job>>, error: &Error) {
        tracing::error!(%error, "transactions rolled back");
        if let Err(error) = self.execute("ROLLBACK") {
            tracing::error!(%error, "rolling back");
        }
        for job in done {
            job.finish(Err(error.again()));
        }
    }

    fn execute_all(&mut self, statements: &[&'static str]) -> Result<(), Error> {
        statements.iter().try_for_each(|statement| self.execute(statement))
    }

    fn execute(&mut self, statement: &'static str) -> Result<(), Error> {
        sqlite::execute(&self.connection, statement, &[]).map(drop)
    }
}

/// What became of a member of a batch.
enum Member {
    /// It waits for the commit.
    Joined(Box<dyn Job>),
    /// It failed; what it wrote is undone.
    Undone,
    /// The transaction cannot go on.
    Broken(Error),
}

/// A transaction to be run; its result waits inside until the commit.
trait Job: Send {
    /// Name of the transaction, for logs.
    fn name(&self) -> &'static str;
    /// Whether anybody still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Runs the closure. True when it succeeded and may be committed.
    fn run(&mut self, tx: &mut Transaction) -> bool;
    /// Delivers the result, or the error that kept it from being committed.
    fn finish(self: Box<Self>, committed: Result<(), Error>);
}

/// A closure with the place to which its result goes.
struct ClosureJob<T, E, F> {
    name: &'static str,
    closure: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for ClosureJob<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: Fn(&mut Transaction) -> Result<T, E> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Transaction) -> bool {
        self.result.insert((self.closure)(tx)).is_ok()
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
