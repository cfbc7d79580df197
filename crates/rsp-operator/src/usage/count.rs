//! What a report or a top-up does to the counters, within its transaction.

use std::collections::BTreeMap;

use rsp_asn1::Timestamp;
use rsp_store::{AuditEntry, EventKind, NewEvent, Plan, TopUp, Transaction, UsageCounters, UsageRecord, UsageSubject};

use super::ends::next_warning;
use super::{Allowance, Counted, DAY, MOST_DAYS};
use crate::error::Error;

/// Shares of an allowance that are told of, in percent.
const SHARES: [i64; 3] = [75, 90, 100];

/// Counts a report, if it did not come before.
pub(super) fn count(
    tx: &mut Transaction,
    record: &UsageRecord,
    subject: &UsageSubject,
    timed: bool,
) -> Result<Counted, Error> {
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

/// Writes down who moved counters: a line for each tenant, whatever the number of reports.
pub(super) fn note(
    tx: &mut Transaction,
    reports: Vec<(&UsageRecord, &Counted)>,
    by: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let mut tenants: BTreeMap<&str, Vec<&UsageRecord>> = BTreeMap::new();
    for (record, _) in reports.into_iter().filter(|(_, counted)| **counted == Counted::Now) {
        tenants.entry(&record.operator).or_default().push(record);
    }
    for (tenant, counted) in tenants {
        let subject = match counted.as_slice() {
            [one] => format!("{} by {}", one.iccid, one.id),
            several => format!("{} reports from {} on", several.len(), several.first().map_or("", |first| &first.id)),
        };
        let entry = AuditEntry { at, actor: by.to_owned(), action: "report usage".to_owned(), subject };
        tx.record_audit_of(Some(tenant), &entry)?;
    }
    Ok(())
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
pub(super) fn add(
    tx: &mut Transaction,
    top_up: &TopUp,
    subject: &UsageSubject,
    said: &AuditEntry,
) -> Result<(), Error> {
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
pub(super) fn allowance(plan: Option<&Plan>, counters: &UsageCounters) -> Allowance {
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

#[cfg(test)]
mod tests {
    use super::reaches;

    #[test]
    fn shares_are_right_at_their_edges_and_at_the_largest_numbers() {
        assert!(!reaches(74, 100, 75) && reaches(75, 100, 75));
        assert!(!reaches(2, 3, 75) && reaches(3, 3, 100));
        assert!(!reaches(0, 0, 75) && reaches(1, 0, 100));
        assert!(reaches(i64::MAX, i64::MAX, 100) && !reaches(i64::MAX - 1, i64::MAX, 100));
        assert!(reaches(i64::MAX, 1, 100));
    }
}
