//! What works lists off, in the background.

use std::sync::Arc;

use rsp_store::{BatchRow, BatchState, Datastore};
use tokio::sync::Notify;

use super::PROBLEM;
use super::subscribers::{are_rows_of, uploader};
use super::wanted;
use crate::actor::{Actor, Right, Rights};
use crate::error::Error;
use crate::provisioning;
use crate::selling::Sell;

/// After an order that was not answered.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

/// Works lists off, one row after the other; lists take turns.
pub struct Worker {
    store: Arc<Datastore>,
    seller: Arc<dyn Sell>,
    uploaded: Arc<Notify>,
    /// The list whose turn was last.
    last: i64,
    /// Whether an answer was missing: the next order may have the same fate.
    troubled: bool,
}

/// Why a row was not sold.
enum Unsold {
    /// The one who sells has said so.
    Refused(String),
    /// Nobody knows whether it was.
    Unclear(String),
}

impl Worker {
    pub(super) fn new(store: Arc<Datastore>, seller: Arc<dyn Sell>, uploaded: Arc<Notify>) -> Self {
        Self { store, seller, uploaded, last: 0, troubled: false }
    }

    /// Settles what an earlier process left, and works until it is dropped. After a failure of the
    /// database it goes on in a moment.
    pub async fn run(mut self) {
        loop {
            let worked = async {
                self.settle().await?;
                while self.step().await? {
                    if std::mem::take(&mut self.troubled) {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Ok::<_, Error>(())
            };
            match worked.await {
                Ok(()) => self.uploaded.notified().await,
                Err(error) => {
                    tracing::error!(%error, "lists of orders are not worked off");
                    tokio::select! {
                        () = tokio::time::sleep(PAUSE) => {}
                        () = self.uploaded.notified() => {}
                    }
                }
            }
        }
    }

    /// Finds out what became of rows that were claimed by a process that is no more. Nobody else may be working.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn settle(&self) -> Result<(), Error> {
        for (number, row) in self.store.claimed_batch_rows().await? {
            let Some(batch) = self.store.batch(number).await? else { continue };
            let name = seller_name(number, row.wanted.line, uploader(&batch));
            match self.store.sold_by(&batch.operator, &name).await? {
                Some(iccid) => self.finish(number, &row, BatchState::Done, Some(iccid), None).await?,
                None => {
                    let problem = "the server stopped while it was ordered; look among the SM-DP+'s orders".to_owned();
                    self.finish(number, &row, BatchState::Unclear, None, Some(problem)).await?;
                }
            }
        }
        Ok(())
    }

    /// Orders for the next row that waits. False when none does.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn step(&mut self) -> Result<bool, Error> {
        let last = self.last;
        let claimed = self.store.run_tx("claim row", move |tx| tx.claim_batch_row(last)).await?;
        let Some((number, row)) = claimed else { return Ok(false) };
        self.last = number;
        let Some(batch) = self.store.batch(number).await? else { return Ok(true) };
        let name = seller_name(number, row.wanted.line, uploader(&batch));
        let actor = Actor::new(Some(batch.operator.clone()), name, Rights::of([Right::Read, Right::Provision]));
        let mut wanted = wanted(&actor, &batch.operator, &row.wanted);
        if are_rows_of(&batch) {
            // Whose keys the profile gets is known once it is sold: its order names nobody.
            wanted.reference = None;
        }
        let sold = self.seller.sell(&actor, wanted).await;
        match sold.map_err(unsold) {
            Ok(sold) => self.finish(number, &row, BatchState::Done, Some(sold.esim.iccid), None).await?,
            Err(Unsold::Refused(why)) => self.finish(number, &row, BatchState::Failed, None, Some(why)).await?,
            Err(Unsold::Unclear(why)) => {
                self.troubled = true;
                self.finish(number, &row, BatchState::Unclear, None, Some(why)).await?;
            }
        }
        Ok(true)
    }

    async fn finish(
        &self,
        number: i64,
        row: &BatchRow,
        state: BatchState,
        iccid: Option<rsp_asn1::Iccid>,
        problem: Option<String>,
    ) -> Result<(), Error> {
        let line = row.wanted.line;
        let problem = problem.map(|problem| rsp_es::printable::printable(&problem, PROBLEM));
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

/// An order may have been placed wherever an answer is missing, or our own database failed after it.
fn unsold(error: Error) -> Unsold {
    let why = error.to_string();
    match error {
        Error::Provisioning(provisioning::Error::Unreachable { .. } | provisioning::Error::Uncertain { .. })
        | Error::Unreachable(_)
        | Error::Unrecorded { .. }
        | Error::Store(_)
        | Error::Smdp(_) => Unsold::Unclear(why),
        _ => Unsold::Refused(why),
    }
}
