//! What is done now and then: sessions and orders whose time is over.

use rsp_asn1::Timestamp;
use rsp_es::es2plus::NotificationPoint;
use rsp_store::Profile;

use crate::error::Error;
use crate::notices::Progress;
use crate::order::Event;
use crate::smdp::Smdp;

/// Orders that are closed between two looks at the clock.
const BATCH: u32 = 64;
/// How long an executed call is remembered: nobody repeats one after that.
const CALL_SECONDS: i64 = 7 * 24 * 60 * 60;

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions that were deleted.
    pub sessions: u64,
    /// Orders that were closed.
    pub orders: u64,
}

impl Smdp {
    /// Deletes the sessions and closes the orders whose time is over. To be called now and then.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let now = self.clock.now();
        let sessions = self
            .store
            .run_tx("purge sessions", move |tx| {
                tx.forget_calls(now.plus_seconds(-CALL_SECONDS))?;
                Ok::<_, Error>(tx.purge_sessions(now)?)
            })
            .await?;
        let mut swept = Swept { sessions, orders: 0 };
        loop {
            let expired = self.store.expired_orders(now, BATCH).await?;
            let mut closed = 0;
            for profile in &expired {
                closed += u64::from(self.expire(profile, now).await?);
            }
            swept.orders += closed;
            // Those that somebody else changed meanwhile are left to the next sweep.
            if closed == 0 {
                return Ok(swept);
            }
        }
    }

    /// Closes an order. False when somebody else was faster.
    async fn expire(&self, profile: &Profile, now: Timestamp) -> Result<bool, Error> {
        let mut change = self.notices.moved(profile, Event::Expired, "expiry", now)?;
        let point = NotificationPoint::EligibilityAndRetryLimitCheck;
        let progress = Progress { point, outcome: Err(Error::OrderExpired.into()), eid: profile.eid, result: None };
        change.messages.extend(self.notices.progress(profile, &change, progress));
        let iccid = profile.iccid;
        self.store
            .run_tx("expire order", move |tx| {
                tx.close_sessions(&iccid, now)?;
                if tx.change_profile(&change)? { Ok(true) } else { Err(Error::Contention) }
            })
            .await
            .or_else(|error| if matches!(error, Error::Contention) { Ok(false) } else { Err(error) })
    }
}
