//! What works lists off, in the background.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::Timestamp;
use rsp_smdp::Clock;
use rsp_store::{Batch, BatchRow, BatchState, Datastore};
use tokio::sync::Notify;

use super::PROBLEM;
use super::subscribers::{are_rows_of, uploader};
use super::wanted;
use crate::actor::{Actor, Right, Rights};
use crate::error::Error;
use crate::provisioning;
use crate::selling::Sell;
use crate::told;

/// After a failure of the database.
const PAUSE: Duration = Duration::from_secs(5);

/// How often it is looked how orders ended that an earlier process began.
const INTERVAL: Duration = Duration::from_secs(60);

/// Seconds until a carrier is asked again of which no SM-DP+ was reached, which is doubled each time.
const ASKED_AGAIN: i64 = 5;
/// At most so many.
const LONGEST_PAUSE: i64 = 900;

/// What stands in a row whose order an earlier process began, as long as it is open.
const STOPPED: &str =
    "the server stopped while it was ordered, and gives the order up at the SM-DP+; then it is ordered again";
/// What follows in a row that waits again.
const AGAIN: &str = "It is ordered again by itself.";

/// Works lists off, one row after the other; lists take turns.
pub struct Worker {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    seller: Arc<dyn Sell>,
    uploaded: Arc<Notify>,
    /// The list whose turn was last.
    last: i64,
    /// Carriers of tenants of which no SM-DP+ was reached: the next order would have the same fate.
    pauses: HashMap<(String, String), Pause>,
}

/// How long a carrier is left alone.
struct Pause {
    tries: u32,
    until: Timestamp,
}

/// Why a row was not sold.
enum Unsold {
    /// The one who sells has said so.
    Refused,
    /// Nobody was reached, and nothing is sold.
    NotReached,
    /// Nobody knows whether it was.
    Unclear,
}

impl Worker {
    pub(super) fn new(
        store: Arc<Datastore>,
        clock: Arc<dyn Clock>,
        seller: Arc<dyn Sell>,
        uploaded: Arc<Notify>,
    ) -> Self {
        Self { store, clock, seller, uploaded, last: 0, pauses: HashMap::new() }
    }

    /// Settles what an earlier process left, and works until it is dropped. After a failure of the
    /// database it goes on in a moment.
    pub async fn run(mut self) {
        loop {
            let worked = async {
                let open = self.settle().await?;
                while self.step().await? {}
                Ok::<_, Error>(open)
            };
            let rest = match worked.await {
                Ok(open) => self.rest(open > 0),
                Err(error) => {
                    tracing::error!(%error, "lists of orders are not worked off");
                    Some(PAUSE)
                }
            };
            let rested = async {
                match rest {
                    Some(rest) => tokio::time::sleep(rest).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = rested => {}
                () = self.uploaded.notified() => {}
            }
        }
    }

    /// How long nothing is to be done, if no list comes. `None`: for ever.
    fn rest(&self, open: bool) -> Option<Duration> {
        let now = self.clock.now();
        let until = self.pauses.values().map(|pause| pause.until).filter(|until| *until > now).min();
        let paused = until.map(|until| Duration::from_secs(u64::try_from(until.0 - now.0).unwrap_or(0).max(1)));
        paused.into_iter().chain(open.then_some(INTERVAL)).min()
    }

    /// Finds out what became of rows that were claimed by a process that is no more. Nobody else may be working. Returns of
    /// how many that is not known yet, since their orders are being given up ([`Desk::give_up_orders`]).
    ///
    /// # Errors
    /// [`Error::Store`].
    ///
    /// [`Desk::give_up_orders`]: crate::Desk::give_up_orders
    pub async fn settle(&self) -> Result<usize, Error> {
        let mut open = 0;
        for (number, row) in self.store.claimed_batch_rows().await? {
            let Some(batch) = self.store.batch(number).await? else { continue };
            let name = seller_name(number, row.wanted.line, uploader(&batch));
            // First this, and then what was sold: in one transaction an order is closed and its subscription is there.
            if self.store.is_order_open(&batch.operator, &name).await? {
                open += 1;
                if row.problem.as_deref() != Some(STOPPED) {
                    self.finish(number, &row, BatchState::Working, None, Some(STOPPED)).await?;
                }
                continue;
            }
            match self.store.sold_by(&batch.operator, &name).await? {
                Some(iccid) => self.finish(number, &row, BatchState::Done, Some(iccid), None).await?,
                // Each order is open from before its first call until it is sold, or nothing of it is left.
                None => self.put_back(number, &row, None).await?,
            }
        }
        Ok(open)
    }

    /// Orders for the next row that waits. False when none does whose carrier can be asked.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn step(&mut self) -> Result<bool, Error> {
        let (last, now) = (self.last, self.clock.now());
        let paused = self.pauses.iter().filter(|(_, pause)| pause.until > now);
        let paused: Vec<_> = paused.map(|(carrier, _)| carrier.clone()).collect();
        let claimed = self.store.run_tx("claim row", move |tx| tx.claim_batch_row(last, &paused)).await?;
        let Some((number, row)) = claimed else { return Ok(false) };
        self.last = number;
        let Some(batch) = self.store.batch(number).await? else { return Ok(true) };
        let carrier = (batch.operator.clone(), row.wanted.carrier.clone());
        let error = match self.order(&batch, &row).await {
            Ok(iccid) => {
                self.pauses.remove(&carrier);
                self.finish(number, &row, BatchState::Done, Some(iccid), None).await?;
                return Ok(true);
            }
            Err(error) => error,
        };
        told::log(&error);
        let why = told::told(&error).text();
        match unsold(&error) {
            Unsold::Refused => {
                self.pauses.remove(&carrier);
                self.finish(number, &row, BatchState::Failed, None, Some(&why)).await?;
            }
            Unsold::NotReached => {
                self.pause(carrier);
                let end = if why.ends_with('.') { "" } else { "." };
                self.put_back(number, &row, Some(format!("{why}{end} {AGAIN}"))).await?;
            }
            Unsold::Unclear => {
                self.pause(carrier);
                self.finish(number, &row, BatchState::Unclear, None, Some(&why)).await?;
            }
        }
        Ok(true)
    }

    async fn order(&self, batch: &Batch, row: &BatchRow) -> Result<rsp_asn1::Iccid, Error> {
        let name = seller_name(batch.number, row.wanted.line, uploader(batch));
        let actor = Actor::new(Some(batch.operator.clone()), name, Rights::of([Right::Read, Right::Provision]));
        let mut wanted = wanted(&actor, &batch.operator, &row.wanted);
        if are_rows_of(batch) {
            // Whose keys the profile gets is known once it is sold: its order names nobody.
            wanted.reference = None;
        }
        Ok(self.seller.sell(&actor, wanted).await?.esim.iccid)
    }

    /// Leaves a carrier alone, longer each time.
    fn pause(&mut self, carrier: (String, String)) {
        let now = self.clock.now();
        let pause = self.pauses.entry(carrier).or_insert(Pause { tries: 0, until: now });
        let seconds = (ASKED_AGAIN << pause.tries.min(16)).min(LONGEST_PAUSE);
        *pause = Pause { tries: pause.tries.saturating_add(1), until: now.plus_seconds(seconds) };
    }

    async fn put_back(&self, number: i64, row: &BatchRow, problem: Option<String>) -> Result<(), Error> {
        let line = row.wanted.line;
        let problem = problem.map(|problem| rsp_es::printable::printable(&problem, PROBLEM));
        let put = self.store.run_tx("put row back", move |tx| tx.put_batch_row_back(number, line, problem.as_deref()));
        put.await?;
        Ok(())
    }

    async fn finish(
        &self,
        number: i64,
        row: &BatchRow,
        state: BatchState,
        iccid: Option<rsp_asn1::Iccid>,
        problem: Option<&str>,
    ) -> Result<(), Error> {
        let line = row.wanted.line;
        let problem = problem.map(|problem| rsp_es::printable::printable(problem, PROBLEM));
        let finished = self
            .store
            .run_tx("finish row", move |tx| tx.finish_batch_row(number, line, state, iccid, problem.as_deref()));
        finished.await?;
        Ok(())
    }
}

/// Under which name a row is ordered: what it sold is found by it.
fn seller_name(number: i64, line: u32, uploader: &str) -> String {
    format!("batch {number} line {line} of {uploader}")
}

/// What is known of an order that failed. Nothing is sold but where the error says that it may be.
fn unsold(error: &Error) -> Unsold {
    match error {
        Error::Provisioning(provisioning::Error::Uncertain { .. } | provisioning::Error::Unanswered { .. })
        | Error::Unrecorded { .. }
        | Error::Smdp(_) => Unsold::Unclear,
        Error::Provisioning(provisioning::Error::Untraced) | Error::Unreachable(_) | Error::Store(_) | Error::Busy => {
            Unsold::NotReached
        }
        Error::Provisioning(error) if error.may_go_later() => Unsold::NotReached,
        _ => Unsold::Refused,
    }
}
