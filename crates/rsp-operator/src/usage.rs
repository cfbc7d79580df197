//! What subscriptions use of their plans: counters that move by reports alone, top-ups, and what is said when little is left.
//!
//! Allowance, validity and throttling are facts of the catalogue and of whoever runs the network's billing; nothing of them is
//! in a profile. This module adds up what somebody reports, each report once, and says in events of the kind `Usage` when 75,
//! 90 and 100 percent are used, and when three days, one day and nothing of the validity is left. It enforces nothing.

use std::sync::Arc;

use rsp_asn1::{Iccid, Timestamp};
use rsp_es::printable::printable;
use rsp_smdp::Clock;
use rsp_store::{
    Amounts, AuditEntry, Datastore, Ending, EventKind, NewEvent, Plan, TopUp, Transaction, UsageCounters, UsageRecord,
    UsageSubject,
};

use crate::actor::{Actor, Right};
use crate::error::Error;

/// Reports that are taken in at once.
pub const MOST_RECORDS: usize = 1000;
/// Shares of an allowance that are told of, in percent.
const SHARES: [i64; 3] = [75, 90, 100];
/// Days before the end of the validity that are told of.
const DAYS: [i64; 3] = [3, 1, 0];
const DAY: i64 = 86_400;
/// Days that can be added to a validity in all: a hundred years.
const MOST_DAYS: i64 = 36_500;
/// The longest name of a report or a top-up.
const LONGEST_ID: usize = 64;
/// How far the clock of a reporter may be ahead, in seconds.
const AHEAD: i64 = DAY;
/// Subscriptions whose ends are told of between two looks at the clock.
const BATCH: u32 = 64;
/// Who it is in the events.
const ACTOR: &str = "usage";
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
        actor.require(Right::Provision)?;
        if records.len() > MOST_RECORDS {
            return Err(Error::invalid("records", format!("are more than {MOST_RECORDS}")));
        }
        let now = self.clock.now();
        let mut reports = Vec::with_capacity(records.len());
        for new in records {
            check_id(&new.id)?;
            check_amounts(&new.used)?;
            let at = new.at.unwrap_or(now);
            if at.0 < 0 || at > now.plus_seconds(AHEAD) {
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
            // A repetition without a time is the same report, whatever the time is by now.
            reports.push((record, subject, new.at.is_some()));
        }
        self.store
            .run_tx("count usage", move |tx| {
                reports.iter().map(|(record, subject, timed)| count(tx, record, subject, *timed)).collect()
            })
            .await
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

    /// Tells of validities that end; returns of how many. To be called now and then.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sweep(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let mut told = 0;
        loop {
            let endings = self.store.endings(now, BATCH).await?;
            let before = told;
            for ending in endings {
                told += usize::from(self.tell(ending, now).await?);
            }
            if told == before {
                return Ok(told);
            }
        }
    }

    /// Tells of one. False when somebody else was faster.
    async fn tell(&self, ending: Ending, now: Timestamp) -> Result<bool, Error> {
        let subject = self.store.usage_subject(Some(&ending.operator), &ending.iccid).await?;
        let left =
            DAYS.into_iter().rev().find(|days| now >= ending.expires_at.plus_seconds(-days * DAY)).unwrap_or(DAYS[0]);
        let event = NewEvent {
            at: now,
            operator: Some(ending.operator.clone()),
            iccid: Some(ending.iccid),
            profile_type: subject.map(|subject| subject.profile_type),
            kind: EventKind::Usage,
            actor: ACTOR.to_owned(),
            step: None,
            refused: None,
            detail: Some(format!("validity-{left}")),
        };
        self.store
            .run_tx("tell of an end", move |tx| {
                let first = tx.ending_told(&ending, next_warning(ending.expires_at, now))?;
                if first {
                    tx.record_event(&event)?;
                }
                Ok(first)
            })
            .await
    }

    async fn subject(&self, actor: &Actor, iccid: &Iccid) -> Result<UsageSubject, Error> {
        let found = self.store.usage_subject(actor.tenant(), iccid).await?;
        found.ok_or_else(|| Error::not_found(ESIM, iccid))
    }
}

/// Counts a report, if it did not come before.
fn count(tx: &mut Transaction, record: &UsageRecord, subject: &UsageSubject, timed: bool) -> Result<Counted, Error> {
    if let Some(known) = tx.usage_record(&record.operator, &record.id)? {
        let same = known.iccid == record.iccid && known.used == record.used && (!timed || known.at == record.at);
        return match same {
            true => Ok(Counted::Before),
            false => Err(Error::Exists { what: "usage record", name: record.id.clone() }),
        };
    }
    let before = tx.usage_counters(&record.operator, &record.iccid)?;
    tx.insert_usage_record(record)?;
    let mut after = tx.usage_counters(&record.operator, &record.iccid)?;
    // Who uses a subscription has installed it, wherever that was seen.
    if after.valid_from.is_none()
        && let Some(days) = subject.plan.as_ref().and_then(|plan| plan.validity_days)
    {
        let from = record.at.min(record.received_at);
        let days = days.clamp(0, MOST_DAYS) + after.added_days;
        let end = from.plus_seconds(days * DAY);
        after =
            UsageCounters { valid_from: Some(from), expires_at: Some(end), warn_at: next_warning(end, from), ..after };
        tx.put_usage_counters(&record.operator, &record.iccid, &after)?;
    }
    let limits = allowance(subject.plan.as_ref(), &after);
    let amounts = [
        ("data", before.used.data_bytes, after.used.data_bytes, limits.data_bytes),
        ("voice", before.used.voice_seconds, after.used.voice_seconds, limits.voice_seconds),
        ("messages", before.used.messages, after.used.messages, limits.messages),
    ];
    for (what, before, after, limit) in amounts {
        let Some(limit) = limit else { continue };
        for share in SHARES.into_iter().filter(|share| !reaches(before, limit, *share) && reaches(after, limit, *share))
        {
            tx.record_event(&event(&record.operator, subject, record, format!("{what}-{share}")))?;
        }
    }
    Ok(Counted::Now)
}

fn event(operator: &str, subject: &UsageSubject, record: &UsageRecord, detail: String) -> NewEvent {
    NewEvent {
        at: record.received_at,
        operator: Some(operator.to_owned()),
        iccid: Some(record.iccid),
        profile_type: Some(subject.profile_type.clone()),
        kind: EventKind::Usage,
        actor: record.received_from.clone(),
        step: None,
        refused: None,
        detail: Some(detail),
    }
}

/// Adds a top-up, if it did not come before.
fn add(tx: &mut Transaction, top_up: &TopUp, subject: &UsageSubject, said: &AuditEntry) -> Result<(), Error> {
    if let Some(known) = tx.top_up(&top_up.operator, &top_up.id)? {
        let same = known.iccid == top_up.iccid && known.added == top_up.added && known.days == top_up.days;
        return match same {
            true => Ok(()),
            false => Err(Error::Exists { what: "top-up", name: top_up.id.clone() }),
        };
    }
    tx.insert_top_up(top_up)?;
    let before = tx.usage_counters(&top_up.operator, &top_up.iccid)?;
    let added_days = before.added_days + top_up.days;
    if added_days > MOST_DAYS {
        return Err(Error::invalid("days", format!("would be more than {MOST_DAYS} in all")));
    }
    let mut after = UsageCounters { added: before.added.plus(top_up.added), added_days, ..before };
    if let Some(end) = before.expires_at.filter(|_| top_up.days > 0) {
        // Days that are bought when none are left begin now.
        let end = end.max(top_up.at).plus_seconds(top_up.days * DAY);
        after = UsageCounters { expires_at: Some(end), warn_at: next_warning(end, top_up.at), ..after };
    }
    tx.put_usage_counters(&top_up.operator, &top_up.iccid, &after)?;
    tx.record_event(&NewEvent {
        at: top_up.at,
        operator: Some(top_up.operator.clone()),
        iccid: Some(top_up.iccid),
        profile_type: Some(subject.profile_type.clone()),
        kind: EventKind::Usage,
        actor: top_up.by.clone(),
        step: None,
        refused: None,
        detail: Some("top-up".to_owned()),
    })?;
    Ok(tx.record_audit_of(Some(&top_up.operator), said)?)
}

/// The plan's allowance with what was added. What a plan does not limit, nothing limits.
fn allowance(plan: Option<&Plan>, counters: &UsageCounters) -> Allowance {
    let Some(plan) = plan else { return Allowance::default() };
    let with = |limit: Option<i64>, added: i64| limit.map(|limit| limit.saturating_add(added));
    Allowance {
        data_bytes: with(plan.data_bytes, counters.added.data_bytes),
        voice_seconds: with(plan.voice_seconds, counters.added.voice_seconds),
        messages: with(plan.messages, counters.added.messages),
    }
}

/// Whether so many percent of a limit are used. Of nothing, nothing is used before anything is.
fn reaches(used: i64, limit: i64, percent: i64) -> bool {
    used > 0 && i128::from(used) * 100 >= i128::from(limit) * i128::from(percent)
}

/// When it is said next that a validity ends.
fn next_warning(end: Timestamp, after: Timestamp) -> Option<Timestamp> {
    DAYS.into_iter().map(|days| end.plus_seconds(-days * DAY)).find(|at| *at > after)
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

#[cfg(test)]
mod tests {
    use rsp_asn1::Timestamp;

    use super::{DAY, next_warning, reaches};

    #[test]
    fn shares_are_right_at_their_edges_and_at_the_largest_numbers() {
        assert!(!reaches(74, 100, 75) && reaches(75, 100, 75));
        assert!(!reaches(2, 3, 75) && reaches(3, 3, 100));
        assert!(!reaches(0, 0, 75) && reaches(1, 0, 100));
        assert!(reaches(i64::MAX, i64::MAX, 100) && !reaches(i64::MAX - 1, i64::MAX, 100));
        assert!(reaches(i64::MAX, 1, 100));
    }

    #[test]
    fn an_end_is_told_of_three_days_before_one_day_before_and_then() {
        let end = Timestamp(100 * DAY);
        let mut told = Vec::new();
        let mut at = Timestamp(0);
        while let Some(next) = next_warning(end, at) {
            told.push((end.0 - next.0) / DAY);
            at = next;
        }
        assert_eq!(told, [3, 1, 0]);
        assert_eq!(next_warning(Timestamp(i64::MIN), Timestamp(0)), None);
    }
}
