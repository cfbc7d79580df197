//! Transactions: one at a time, whoever runs them.
//!
//! A transaction that finds nobody writing runs at once, on its caller's thread. The others wait for the writer, a thread
//! that runs all of them in one `BEGIN … COMMIT`, each behind a savepoint of its own, so that one flush to disk
//! (`synchronous=FULL`) serves all of them: the slower the disk, the more share a flush. Everybody gets the answer after
//! the commit. A caller that goes away does not interrupt its transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
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

/// The writing connection and the thread that serves those who wait for it.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    jobs: Sender<Box<dyn Job>>,
    ended: oneshot::Receiver<()>,
}

struct Shared {
    transaction: Mutex<Transaction>,
    /// Jobs that the thread has not taken yet: nobody goes past them.
    waiting: AtomicUsize,
}

impl Writer {
    pub(crate) fn start(connection: Connection, crypter: Arc<Crypter>) -> Result<Self, Error> {
        // Who waits for another process is decided here, not inside SQLite: a caller's thread never does.
        connection.busy_timeout(Duration::ZERO)?;
        let transaction = Mutex::new(Transaction { connection, crypter });
        let shared = Arc::new(Shared { transaction, waiting: AtomicUsize::new(0) });
        let (jobs, receiver) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let served = Arc::clone(&shared);
        let serve = move || {
            serve(&served, &receiver);
            drop(served);
            drop(end);
        };
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(serve)
            .map_err(|error| Error::Database(format!("starting the writer: {error}")))?;
        Ok(Self { shared, jobs, ended })
    }

    pub(crate) async fn run<T, E, F>(&self, name: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Transaction) -> Result<T, E> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        self.submit(Box::new(ClosureJob { name, closure, result: None, reply }))?;
        // A transaction whose closure panicked has no result.
        result.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let Some(job) = self.run_here(job) else { return Ok(()) };
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        self.jobs.send(job).map_err(|_| Error::Closed)
    }

    /// Runs the job if nobody else writes, in this process or another. Gives it back otherwise.
    fn run_here(&self, job: Box<dyn Job>) -> Option<Box<dyn Job>> {
        if self.shared.waiting.load(Ordering::Acquire) > 0 {
            return Some(job);
        }
        let Some(mut tx) = self.shared.try_lock() else { return Some(job) };
        match tx.begin() {
            Ok(()) => tx.run(job, || None),
            Err(Error::Busy) => return Some(job),
            Err(error) => job.finish(Err(error)),
        }
        None
    }

    /// Ends after the last job that waits, with the connection closed.
    pub(crate) async fn close(self) {
        let Self { shared, jobs, ended } = self;
        drop((shared, jobs));
        // The other end is never used, only dropped.
        drop(ended.await);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Transaction> {
        // What a panic left half done is rolled back by the next `begin`.
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Transaction>> {
        match self.transaction.try_lock() {
            Ok(tx) => Some(tx),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// The writer's thread: runs until every sender is gone.
fn serve(shared: &Shared, jobs: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut tx = shared.lock();
        shared.waiting.fetch_sub(1, Ordering::AcqRel);
        match tx.begin_patiently() {
            Ok(()) => tx.run(first, || {
                let job = jobs.try_recv().ok()?;
                shared.waiting.fetch_sub(1, Ordering::AcqRel);
                Some(job)
            }),
            Err(error) => {
                tracing::warn!(name = first.name(), %error, "transaction not begun");
                first.finish(Err(error));
            }
        }
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
    fn begin_patiently(&mut self) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            match self.begin() {
                Err(Error::Busy) if start.elapsed() < PATIENCE => thread::sleep(PAUSE),
                other => return other,
            }
        }
    }

    /// Runs `first` and what `next` gives in the transaction that has begun, and commits.
    fn run(&mut self, first: Box<dyn Job>, mut next: impl FnMut() -> Option<Box<dyn Job>>) {
        let mut done: Vec<Box<dyn Job>> = Vec::new();
        let mut member = Some(first);
        while let Some(job) = member.take() {
            match self.run_member(job, done.is_empty()) {
                Member::Joined(job) => done.push(job),
                Member::Undone => {}
                Member::AllUndone => return,
                Member::Broken(error) => return self.abort(done, &error),
            }
            if done.len() < BATCH {
                member = next();
            }
        }
        match self.execute("COMMIT") {
            Ok(()) => done.into_iter().for_each(|job| job.finish(Ok(()))),
            Err(error) => self.abort(done, &error),
        }
    }

    fn run_member(&mut self, mut job: Box<dyn Job>, first: bool) -> Member {
        if !first && let Err(error) = self.execute("SAVEPOINT member") {
            let broken = Error::Database(error.to_string());
            job.finish(Err(error));
            return Member::Broken(broken);
        }
        // A panic of one closure must not take the transactions of others with it.
        match catch_unwind(AssertUnwindSafe(|| job.run(self))) {
            Ok(true) => return Member::Joined(job),
            Ok(false) => {}
            Err(_) => tracing::error!(name = job.name(), "a transaction panicked"),
        }
        let undone = self.execute(if first { "ROLLBACK" } else { "ROLLBACK TO member" });
        // The closure's own error goes first.
        job.finish(Ok(()));
        match undone {
            Ok(()) if first => Member::AllUndone,
            Ok(()) => Member::Undone,
            Err(error) => Member::Broken(error),
        }
    }

    /// Gives up the whole batch; every member hears why.
    fn abort(&mut self, done: Vec<Box<dyn Job>>, error: &Error) {
        tracing::error!(%error, "transactions rolled back");
        if let Err(error) = self.execute("ROLLBACK") {
            tracing::error!(%error, "rolling back");
        }
        for job in done {
            job.finish(Err(Error::Database(error.to_string())));
        }
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
    /// It failed and was the first: the transaction is over.
    AllUndone,
    /// The transaction cannot go on.
    Broken(Error),
}

/// A transaction to be run; its result waits inside until the commit.
trait Job: Send {
    /// Name of the transaction, for logs.
    fn name(&self) -> &'static str;
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
