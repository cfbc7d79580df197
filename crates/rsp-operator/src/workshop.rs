//! Where work is done that keeps a processor busy: documents, archives, tables, lists that are read. The threads that serve
//! requests do none of it, so that a large archive delays no page.
//!
//! As many pieces are under way as there are processors. Few may wait for their turn; whoever comes after them is told to come
//! again.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// Pieces of work that may wait, unless somebody wants other numbers.
const WAITING: usize = 16;

/// Threads for such work, and who may wait for them. One for the whole server.
pub struct Workshop {
    places: usize,
    working: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for Workshop {
    /// A place for each processor.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from), WAITING)
    }
}

impl Workshop {
    /// A workshop in which so many pieces are under way at most, and so many wait. No place counts as one.
    pub fn new(places: usize, waiting: usize) -> Self {
        let places = places.max(1);
        let working = Arc::new(Semaphore::new(places));
        Self { places, working, admitted: Arc::new(Semaphore::new(places + waiting)) }
    }

    /// How many pieces are under way at most.
    pub fn places(&self) -> usize {
        self.places
    }

    /// Does something when its turn comes, on a thread that serves no requests.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when too many wait; those of the work.
    pub async fn run<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Busy)?;
        self.in_turn(work, Some(admitted)).await
    }

    /// Goes on with something that was admitted when it began, such as the next page of a table: it waits for its turn
    /// however many others do.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn go_on<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.in_turn(work, None).await
    }

    async fn in_turn<T, W>(&self, work: W, admitted: Option<OwnedSemaphorePermit>) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let closed = || Error::Store(rsp_store::Error::Closed);
        let place = Arc::clone(&self.working).acquire_owned().await.map_err(|_| closed())?;
        let runtime = Handle::current();
        // Whoever asked may go away: the work goes on, and keeps its place until it ends.
        let working = tokio::task::spawn_blocking(move || {
            let _until_it_ends = (place, admitted);
            runtime.block_on(work)
        });
        working.await.map_err(|error| {
            tracing::error!(%error, "work was not finished");
            closed()
        })?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::Workshop;
    use crate::error::Error;

    /// A piece of work that blocks its thread until it is told to end.
    fn blocking(workshop: &Arc<Workshop>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), Error>>) {
        let (end, told) = mpsc::channel();
        let workshop = Arc::clone(workshop);
        let work = async move {
            // Nobody who tells it is an end, too.
            let _ = told.recv();
            Ok(())
        };
        (end, tokio::spawn(async move { workshop.run(work).await }))
    }

    /// With one thread that serves: were the work done there, nothing would tell it to end.
    #[tokio::test]
    async fn work_that_blocks_keeps_nobody_from_being_served() {
        let workshop = Arc::new(Workshop::new(1, 1));
        let (end, first) = blocking(&workshop);
        let (_, second) = blocking(&workshop);
        // The first works, and the second waits.
        while workshop.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = workshop.run(async { Ok(()) }).await;
        assert!(matches!(refused, Err(Error::Busy)));
        end.send(()).unwrap();
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(workshop.run(async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_no_place_taken_for_ever_and_none_free_too_early() {
        let workshop = Arc::new(Workshop::new(1, 0));
        let (end, gone) = blocking(&workshop);
        while workshop.admitted.available_permits() > 0 || workshop.working.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert!(matches!(workshop.run(async { Ok(()) }).await, Err(Error::Busy)), "it still works");
        end.send(()).unwrap();
        while workshop.run(async { Ok(()) }).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_goes_on_waits_and_what_panics_is_an_error() {
        let workshop = Arc::new(Workshop::new(1, 0));
        let (end, first) = blocking(&workshop);
        while workshop.working.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let page = tokio::spawn({
            let workshop = Arc::clone(&workshop);
            async move { workshop.go_on(async { Ok(()) }).await }
        });
        tokio::task::yield_now().await;
        assert!(!page.is_finished());
        end.send(()).unwrap();
        first.await.unwrap().unwrap();
        page.await.unwrap().unwrap();
        let panicked = workshop.go_on(async { panic!("a test of what panics") as Result<(), Error> }).await;
        assert!(matches!(panicked, Err(Error::Store(_))));
        workshop.run(async { Ok(()) }).await.unwrap();
    }
}
