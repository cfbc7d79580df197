//! What subscriptions use of their plans: counters that move by reports alone, top-ups, and what is said when little is left.
//!
//! Allowance, validity and throttling are facts of the catalogue and of whoever runs the network's billing; nothing of them is
//! in a profile. This module adds up what somebody reports, each report once, and says in events of the kind `Usage` when 75,
//! 90 and 100 percent are used, and when three days, one day and nothing of the validity is left. It enforces nothing.

mod count;
mod ends;

use std::sync::Arc;

use rsp_asn1::{Iccid, Timestamp};
use rsp_es::printable::printable;
use rsp_smdp::Clock;
use rsp_store::{Amounts, AuditEntry, Datastore, TopUp, UsageCounters, UsageRecord, UsageSubject};

use crate::actor::{Actor, Right};
use crate::error::Error;
use count::{add, allowance, count, note};

/// Reports that are taken in at once.
pub const MOST_RECORDS: usize = 1000;
const DAY: i64 = 86_400;
/// Days that can be added to a validity in all: a hundred years.
const MOST_DAYS: i64 = 36_500;
/// The longest name of a report or a top-up.
const LONGEST_ID: usize = 64;
/// How far the clock of a reporter may be ahead, in seconds.
const AHEAD: i64 = DAY;
/// What things are called in errors.
const ESIM: &str = "eSIM";

/// The counters of subscriptions.
pub struct Usage {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
}

/// A report of what a subscription used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUsage {
    /// Its name: the reporter's, unique for the tenant. A second report of the same name is the same report.
    pub id: String,
    /// The profile.
    pub iccid: Iccid,
    /// What was used.
    pub used: Amounts,
    /// When it was used; now, if it is not said.
    pub at: Option<Timestamp>,
}

/// Something to be added to a subscription's allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopUp {
    /// Its name, unique for the tenant. A second one of the same name is the same top-up.
    pub id: String,
    /// The profile.
    pub iccid: Iccid,
    /// What is added.
    pub added: Amounts,
    /// Days by which it is valid for longer.
    pub days: i64,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The counters moved.
    Now,
    /// It came before.
    Before,
}

/// Why no report was taken in.
#[derive(Debug)]
pub struct NotCounted {
    /// Which report is at fault, from 0 on, if it is one.
    pub record: Option<usize>,
    /// What is wrong.
    pub error: Box<Error>,
}

impl NotCounted {
    fn at(record: usize, error: Error) -> Self {
        Self { record: Some(record), error: Box::new(error) }
    }
}

impl<E: Into<Error>> From<E> for NotCounted {
    fn from(error: E) -> Self {
        Self { record: None, error: Box::new(error.into()) }
    }
}

/// What a subscription may use: `None` is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Octets of data.
    pub data_bytes: Option<i64>,
    /// Seconds of calls.
    pub voice_seconds: Option<i64>,
    /// Messages.
    pub messages: Option<i64>,
}

/// How a subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The profile.
    pub iccid: Iccid,
    /// What was used, what was added, and until when it is valid.
    pub counters: UsageCounters,
    /// What it may use: the plan's allowance with what was added.
    pub allowance: Allowance,
    /// Kilobits a second when the data are used up, if the plan says so.
    pub throttle_kbps: Option<i64>,
    /// Whether the data are used up.
    pub data_used_up: bool,
    /// Whether its validity is over.
    pub expired: bool,
    /// What was added, the newest first.
    pub top_ups: Vec<TopUp>,
}

impl Usage {
    /// Counters in `store`.
    pub fn new(store: Arc<Datastore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Takes reports in, all of them or none.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for an eSIM that is not the actor's, [`Error::Invalid`], and
    /// [`Error::Exists`] for a report of the name of another one.
    pub async fn post(&self, actor: &Actor, records: &[NewUsage]) -> Result<Vec<Counted>, Error> {
        self.post_list(actor, records).await.map_err(|refused| *refused.error)
    }

    /// The same, and says which of the reports was at fault.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn post_list(&self, actor: &Actor, records: &[NewUsage]) -> Result<Vec<Counted>, NotCounted> {
        actor.require(Right::Provision)?;
        if records.len() > MOST_RECORDS {
            return Err(Error::invalid("records", format!("are more than {MOST_RECORDS}")).into());
        }
        let now = self.clock.now();
        let mut reports = Vec::with_capacity(records.len());
        for (place, new) in records.iter().enumerate() {
            let report = self.report(actor, new, now).await;
            reports.push(report.map_err(|error| NotCounted::at(place, error))?);
        }
        let by = actor.name().to_owned();
        self.store
            .run_tx("count usage", move |tx| {
                let mut counted = Vec::with_capacity(reports.len());
                for (place, (record, subject, timed)) in reports.iter().enumerate() {
                    let done = count(tx, record, subject, *timed);
                    counted.push(done.map_err(|error| NotCounted::at(place, error))?);
                }
                let records = reports.iter().map(|(record, ..)| record);
                note(tx, records.zip(&counted).collect(), &by, now)?;
                Ok(counted)
            })
            .await
    }

    /// What is written of a report, what it is about, and whether it says when it was. One without a time is the same report
    /// when it is repeated, whatever the time is by then.
    async fn report(
        &self,
        actor: &Actor,
        new: &NewUsage,
        now: Timestamp,
    ) -> Result<(UsageRecord, UsageSubject, bool), Error> {
        check_id(&new.id)?;
        check_amounts(&new.used)?;
        if new.used == Amounts::default() {
            return Err(Error::invalid("data_bytes", "is 0, and so is all else: a report says what was used"));
        }
        let at = new.at.unwrap_or(now);
        if at.0 < 0 {
            return Err(Error::invalid("at", "is before 1970"));
        }
        if at > now.plus_seconds(AHEAD) {
            return Err(Error::invalid("at", "is not in the past"));
        }
        let subject = self.subject(actor, &new.iccid).await?;
        let record = UsageRecord {
            operator: subject.operator.clone(),
            id: new.id.clone(),
            iccid: new.iccid,
            used: new.used,
            at,
            received_at: now,
            received_from: actor.name().to_owned(),
        };
        Ok((record, subject, new.at.is_some()))
    }

    /// Adds to an allowance, once for each name.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn top_up(&self, actor: &Actor, new: &NewTopUp) -> Result<Standing, Error> {
        actor.require(Right::Provision)?;
        check_id(&new.id)?;
        check_amounts(&new.added)?;
        if !(0..=MOST_DAYS).contains(&new.days) {
            return Err(Error::invalid("days", format!("is not between 0 and {MOST_DAYS}")));
        }
        if new.added == Amounts::default() && new.days == 0 {
            return Err(Error::invalid("top_up", "adds nothing"));
        }
        let (subject, now) = (self.subject(actor, &new.iccid).await?, self.clock.now());
        let top_up = TopUp {
            operator: subject.operator.clone(),
            id: new.id.clone(),
            iccid: new.iccid,
            added: new.added,
            days: new.days,
            at: now,
            by: actor.name().to_owned(),
        };
        let said = AuditEntry {
            at: now,
            actor: actor.name().to_owned(),
            action: "top up".to_owned(),
            subject: format!("{} by {}", new.iccid, printable(&new.id, LONGEST_ID)),
        };
        self.store.run_tx("top up", move |tx| add(tx, &top_up, &subject, &said)).await?;
        self.standing(actor, &new.iccid).await
    }

    /// How a subscription stands.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn standing(&self, actor: &Actor, iccid: &Iccid) -> Result<Standing, Error> {
        actor.require(Right::Read)?;
        let subject = self.subject(actor, iccid).await?;
        let counters = self.store.usage_counters(&subject.operator, iccid).await?;
        let allowance = allowance(subject.plan.as_ref(), &counters);
        Ok(Standing {
            iccid: *iccid,
            allowance,
            throttle_kbps: subject.plan.as_ref().and_then(|plan| plan.throttle_kbps),
            data_used_up: allowance.data_bytes.is_some_and(|limit| counters.used.data_bytes >= limit),
            expired: counters.expires_at.is_some_and(|end| end <= self.clock.now()),
            top_ups: self.store.top_ups(&subject.operator, iccid, 100).await?,
            counters,
        })
    }

    async fn subject(&self, actor: &Actor, iccid: &Iccid) -> Result<UsageSubject, Error> {
        let found = self.store.usage_subject(actor.tenant(), iccid).await?;
        found.ok_or_else(|| Error::not_found(ESIM, iccid))
    }
}

fn check_id(id: &str) -> Result<(), Error> {
    let well_formed = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    match well_formed {
        true => Ok(()),
        false => {
            Err(Error::invalid("id", format!("is not 1 to {LONGEST_ID} printable ASCII characters without spaces")))
        }
    }
}

fn check_amounts(amounts: &Amounts) -> Result<(), Error> {
    let named =
        [("data_bytes", amounts.data_bytes), ("voice_seconds", amounts.voice_seconds), ("messages", amounts.messages)];
    match named.into_iter().find(|(_, amount)| *amount < 0) {
        Some((field, _)) => Err(Error::invalid(field, "is negative")),
        None => Ok(()),
    }
}
