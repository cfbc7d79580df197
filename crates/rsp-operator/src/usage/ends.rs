//! Validities that end, told of in time.

use rsp_asn1::Timestamp;
use rsp_store::{Ending, EventKind, NewEvent};

use super::{DAY, Usage};
use crate::error::Error;

/// Days before the end of the validity that are told of.
const DAYS: [i64; 3] = [3, 1, 0];
/// Subscriptions whose ends are told of between two looks at the clock.
const BATCH: u32 = 64;
/// Who it is in the events.
const ACTOR: &str = "usage";

impl Usage {
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
}

/// When it is said next that a validity ends.
pub(super) fn next_warning(end: Timestamp, after: Timestamp) -> Option<Timestamp> {
    DAYS.into_iter().map(|days| end.plus_seconds(-days * DAY)).find(|at| *at > after)
}

#[cfg(test)]
mod tests {
    use rsp_asn1::Timestamp;

    use super::{DAY, next_warning};

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
