//! Lists of orders that somebody uploads, worked off in the background.
//!
//! A list is CSV with a header: `carrier`, `plan`, and as wanted `eid`, `device_id` and `reference`. All of it is checked before
//! any of it is ordered. Confirmation codes are not ordered in lists, since each must be told once, to somebody, on its own way.
//!
//! A row is claimed in the database before its order goes out, and its sale and its intent carry the row's name. After a crash
//! the worker looks for what claimed rows have sold, which is written to them. Where an intent is open, the order is being given
//! up, and the row is left alone until that is done. Where nothing is to be found, nothing is sold, and the row waits again. So
//! it does when no SM-DP+ was reached; then all rows of the carrier wait, longer each time. A row of which an SM-DP+ did not say
//! whether it sold is *unclear*. No row ever buys two.
//!
//! A list of subscribers ([`Batches::import`]) becomes such a list, with a row for each of them.

mod list;
mod subscribers;
mod worker;

use std::sync::Arc;

use rsp_store::{AuditEntry, Batch, BatchRow, BatchState, NewBatch, NewBatchRow};
use tokio::sync::Notify;

use crate::actor::{Actor, Right};
use crate::desk::{Confirmation, Desk, Wanted};
use crate::error::Error;
use crate::selling::Sell;
pub use subscribers::Sold;
pub use worker::Worker;

/// Rows of a list at most.
pub const MAX_ROWS: usize = 10_000;
/// Octets of a list at most, of orders as of subscribers: 16 MiB.
pub const MAX_SIZE: usize = 16 * 1024 * 1024;
/// Characters of a file's name that are kept.
const NAME: usize = 100;
/// Characters of what is wrong with a line: it may repeat a cell.
const WRONG: usize = 200;
/// Characters of why nothing was sold for a row, and of what helps.
const PROBLEM: usize = 500;

/// How far a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The list.
    pub batch: Batch,
    /// How many rows stand where; states without rows are left out.
    pub rows: Vec<(BatchState, u64)>,
}

impl Progress {
    /// How many rows stand in a state.
    pub fn count(&self, state: BatchState) -> u64 {
        self.rows.iter().find(|(found, _)| *found == state).map_or(0, |(_, count)| *count)
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|(_, count)| count).sum()
    }

    /// Rows for which nothing more will be done.
    pub fn finished(&self) -> u64 {
        self.total() - self.count(BatchState::Waiting) - self.count(BatchState::Working)
    }

    /// Whether all are.
    pub fn is_finished(&self) -> bool {
        self.finished() == self.total()
    }

    /// Whether its rows are subscribers that were imported.
    pub fn is_of_subscribers(&self) -> bool {
        subscribers::are_rows_of(&self.batch)
    }

    /// Who uploaded it.
    pub fn uploader(&self) -> &str {
        subscribers::uploader(&self.batch)
    }
}

/// The lists of all tenants.
pub struct Batches {
    desk: Arc<Desk>,
    seller: Arc<dyn Sell>,
    uploaded: Arc<Notify>,
    /// Held while subscribers are put into a stock in which nobody may wait.
    importing: tokio::sync::Mutex<()>,
}

impl Batches {
    /// Lists that are ordered at a desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        let seller: Arc<dyn Sell> = Arc::new(Arc::clone(&desk));
        Self::selling_by(desk, seller)
    }

    /// The same with another seller, for tests.
    pub fn selling_by(desk: Arc<Desk>, seller: Arc<dyn Sell>) -> Self {
        Self { desk, seller, uploaded: Arc::new(Notify::new()), importing: tokio::sync::Mutex::default() }
    }

    /// What works them off. One for each database.
    pub fn worker(&self) -> Worker {
        let (store, clock) = (Arc::clone(self.desk.store()), Arc::clone(self.desk.clock()));
        Worker::new(store, clock, Arc::clone(&self.seller), Arc::clone(&self.uploaded))
    }

    /// Takes a list: all of it, or nothing. Returns its number. It is work for a [`Workshop`](crate::workshop::Workshop).
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant, [`Error::Invalid`] with the first line that is not
    /// what it should be, or names what cannot be ordered.
    pub async fn upload(&self, actor: &Actor, tenant: Option<&str>, name: &str, list: &[u8]) -> Result<i64, Error> {
        self.desk.require(actor, Right::Provision)?;
        let tenant = self.desk.tenant(actor, tenant).await?;
        let rows = list::read(list)?;
        self.take(actor, Some(&tenant), name, rows).await
    }

    /// Takes orders that somebody has read: all of them, or none. Returns the number of their list.
    ///
    /// # Errors
    /// As [`Batches::upload`].
    pub async fn take(
        &self,
        actor: &Actor,
        tenant: Option<&str>,
        name: &str,
        rows: Vec<NewBatchRow>,
    ) -> Result<i64, Error> {
        self.desk.require(actor, Right::Provision)?;
        let tenant = self.desk.tenant(actor, tenant).await?;
        if rows.is_empty() || rows.len() > MAX_ROWS {
            return Err(Error::invalid("list", format!("it has not 1 to {MAX_ROWS} orders")));
        }
        // Lists are mostly of a few plans: each is looked at once.
        let mut checked = std::collections::HashSet::new();
        for row in &rows {
            let plain = row.eid.is_none() && row.device_id.is_none() && row.reference.is_none();
            if checked.insert((row.carrier.clone(), row.plan.clone())) || !plain {
                let wanted = wanted(actor, &tenant, row);
                self.seller.check(actor, &wanted).await.map_err(|error| match error {
                    Error::NotFound { .. } | Error::Invalid { .. } => {
                        let problem = rsp_es::printable::printable(&error.to_string(), WRONG);
                        Error::invalid("list", format!("line {}: {problem}", row.line))
                    }
                    Error::Provisioning(_) => {
                        let problem = crate::told::told(&error).text();
                        Error::invalid("list", format!("line {}: {problem}", row.line))
                    }
                    other => other,
                })?;
            }
        }
        let new = NewBatch {
            operator: tenant,
            name: rsp_es::printable::printable(name, NAME),
            created_at: self.desk.now(),
            created_by: actor.name().to_owned(),
            rows,
        };
        let (actor, at) = (actor.name().to_owned(), self.desk.now());
        let number = self.desk.store().run_tx("upload batch", move |tx| -> Result<i64, rsp_store::Error> {
            let number = tx.insert_batch(&new)?;
            let entry = AuditEntry {
                at,
                actor: actor.clone(),
                action: "upload batch".to_owned(),
                subject: format!("{number}: {} orders", new.rows.len()),
            };
            tx.record_audit_of(Some(&new.operator), &entry)?;
            Ok(number)
        });
        let number = number.await?;
        self.uploaded.notify_one();
        Ok(number)
    }

    /// How far a list is.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], also for another tenant's.
    pub async fn progress(&self, actor: &Actor, number: i64) -> Result<Progress, Error> {
        self.desk.require(actor, Right::Read)?;
        let batch = self.desk.store().batch(number).await?.filter(|batch| actor.sees(Some(&batch.operator)));
        let batch = batch.ok_or_else(|| Error::not_found("batch", number))?;
        let rows = self.desk.store().batch_progress(number).await?;
        Ok(Progress { batch, rows })
    }

    /// The rows of a list behind a line, at most `limit`.
    ///
    /// # Errors
    /// As [`Batches::progress`].
    pub async fn rows(&self, actor: &Actor, number: i64, after: u32, limit: u32) -> Result<Vec<BatchRow>, Error> {
        self.progress(actor, number).await?;
        Ok(self.desk.store().batch_rows(number, after, limit).await?)
    }

    /// Lists, the newest first, before a number.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn list(&self, actor: &Actor, before: Option<i64>, limit: u32) -> Result<Vec<Batch>, Error> {
        self.desk.require(actor, Right::Read)?;
        Ok(self.desk.store().batches(actor.tenant(), before.unwrap_or(i64::MAX), limit).await?)
    }

    /// Orders nothing more of a list. What is under way is finished. Returns how many rows that spares.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], also for another tenant's.
    pub async fn cancel(&self, actor: &Actor, number: i64) -> Result<usize, Error> {
        self.desk.require(actor, Right::Provision)?;
        let batch = self.progress(actor, number).await?.batch;
        let at = self.desk.now();
        let entry = AuditEntry {
            at,
            actor: actor.name().to_owned(),
            action: "cancel batch".to_owned(),
            subject: number.to_string(),
        };
        let cancelled = self.desk.store().run_tx("cancel batch", move |tx| -> Result<usize, rsp_store::Error> {
            let cancelled = tx.cancel_batch(number, at)?;
            tx.record_audit_of(Some(&batch.operator), &entry)?;
            Ok(cancelled)
        });
        Ok(cancelled.await?)
    }
}

/// What is ordered for a row on behalf of a tenant.
fn wanted(actor: &Actor, tenant: &str, row: &rsp_store::NewBatchRow) -> Wanted {
    Wanted {
        // A tenant's own need not be named.
        tenant: actor.tenant().is_none().then(|| tenant.to_owned()),
        carrier: row.carrier.clone(),
        plan: row.plan.clone(),
        eid: row.eid,
        device_id: row.device_id.clone(),
        reference: row.reference.clone(),
        confirmation: Confirmation::None,
        secure: false,
    }
}
