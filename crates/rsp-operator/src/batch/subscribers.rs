//! Lists of subscribers: their keys go into the stock of a template at once, and an eSIM is ordered for each in the background.
//!
//! The SM-DP+ takes subscribers in the order in which they wait. Should somebody else order of the same template meanwhile, then
//! that order gets one of them, and a row sells a later one's profile. So an order of such a list names nobody: who is on a
//! sheet is found by the IMSI whose keys the SM-DP+ put into the profile.

use std::collections::BTreeMap;

use rsp_asn1::Iccid;
use rsp_es::printable::printable;
use rsp_store::{AuditEntry, Batch, NewBatch, NewBatchRow};

use super::{Batches, MAX_ROWS, NAME};
use crate::actor::{Actor, Right};
use crate::error::Error;
use crate::open5gs::{self, Plan, Subscriber};

/// Before the name of who uploaded a list of subscribers; no actor's name begins so.
const MARK: &str = "subscribers of ";

/// What a list has sold.
pub struct Sold {
    /// The eSIMs, in the order of its rows.
    pub iccids: Vec<Iccid>,
    /// What a list of subscribers calls whom: by IMSI.
    pub names: BTreeMap<String, String>,
}

/// Whether the rows of a list are subscribers.
pub(super) fn are_rows_of(batch: &Batch) -> bool {
    batch.created_by.starts_with(MARK)
}

/// Who uploaded a list.
pub(super) fn uploader(batch: &Batch) -> &str {
    batch.created_by.strip_prefix(MARK).unwrap_or(&batch.created_by)
}

impl Batches {
    /// Puts subscribers into the stock of a plan's template, with a list that orders an eSIM for each: all of it, or nothing.
    /// Returns the list's number.
    ///
    /// The SM-DP+ of this server must have the template, and nothing else may be in its stock.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the rights to provision and to manage, [`Error::NotFound`], [`Error::Invalid`] when something
    /// is in the stock, for more than [`MAX_SHEETS`](crate::sheet::MAX_SHEETS), for a plan without template, or whose template made up
    /// subscribers until now and nobody said that it may stop, and for an IMSI that is taken or not the tenant's.
    pub async fn import(
        &self,
        actor: &Actor,
        plan: &Plan,
        name: &str,
        subscribers: &[Subscriber],
    ) -> Result<i64, Error> {
        let _importing = self.importing.lock().await;
        let profile_type = open5gs::check(&self.desk, &*self.seller, actor, plan, subscribers).await?;
        let tenant = self.desk.tenant(actor, plan.tenant.as_deref()).await?;
        // Lines may be shared in JSON: rows are counted.
        let row = |(line, subscriber): (u32, &Subscriber)| NewBatchRow {
            line,
            carrier: plan.carrier.clone(),
            plan: plan.name.clone(),
            eid: None,
            device_id: None,
            reference: Some(subscriber.name()),
        };
        let at = self.desk.now();
        let new = NewBatch {
            operator: tenant,
            name: printable(name, NAME),
            created_at: at,
            created_by: format!("{MARK}{}", actor.name()),
            rows: (1..).zip(subscribers).map(row).collect(),
        };
        let stock: Vec<_> = subscribers.iter().map(Subscriber::in_stock).collect();
        let by = actor.name().to_owned();
        let taken = self.desk.store().run_tx("import subscribers", move |tx| -> Result<i64, Error> {
            for subscriber in &stock {
                tx.stock_subscriber(&profile_type.name, subscriber).map_err(|error| match error {
                    rsp_store::Error::Duplicate { .. } => {
                        Error::invalid("subscribers", format!("IMSI {} is taken", subscriber.imsi))
                    }
                    other => other.into(),
                })?;
            }
            let number = tx.insert_batch(&new)?;
            let entry = AuditEntry {
                at,
                actor: by.clone(),
                action: "import subscribers".to_owned(),
                subject: format!("{}: {} subscribers, batch {number}", profile_type.name, stock.len()),
            };
            tx.record_audit_of(Some(&new.operator), &entry)?;
            Ok(number)
        });
        let number = taken.await?;
        self.uploaded.notify_one();
        Ok(number)
    }

    /// What a list has sold so far.
    ///
    /// # Errors
    /// As [`Batches::progress`]; [`Error::Invalid`] for more than `limit`.
    pub async fn sold(&self, actor: &Actor, number: i64, limit: usize) -> Result<Sold, Error> {
        let batch = self.progress(actor, number).await?.batch;
        // No list has more rows.
        let rows = self.desk.store().batch_rows(number, 0, MAX_ROWS as u32).await?;
        let iccids: Vec<_> = rows.iter().filter_map(|row| row.iccid).collect();
        if iccids.len() > limit {
            return Err(Error::invalid("batch", format!("it has sold {}; {limit} are taken at once", iccids.len())));
        }
        self.desk.require(actor, Right::Provision)?;
        let named = rows.into_iter().filter_map(|row| row.wanted.reference).filter(|_| are_rows_of(&batch));
        let names = named.filter_map(|name| Some((open5gs::imsi_of(&name)?.to_owned(), name))).collect();
        Ok(Sold { iccids, names })
    }
}

#[cfg(test)]
mod tests {
    use rsp_asn1::Timestamp;
    use rsp_store::Batch;

    use super::{are_rows_of, uploader};

    #[test]
    fn lists_of_subscribers_are_told_by_who_uploaded_them() {
        let by = |created_by: &str| Batch {
            number: 1,
            operator: "A".to_owned(),
            name: "subscribers of user ann".to_owned(),
            created_at: Timestamp(0),
            created_by: created_by.to_owned(),
            cancelled_at: None,
        };
        assert!(!are_rows_of(&by("user ann")) && uploader(&by("user ann")) == "user ann");
        assert!(!are_rows_of(&by("user subscribers of x")));
        let imported = by("subscribers of user ann");
        assert!(are_rows_of(&imported) && uploader(&imported) == "user ann");
    }
}
