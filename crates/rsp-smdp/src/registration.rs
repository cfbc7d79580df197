//! The event of an order that an operator releases (SGP.22 5.3.2, 5.3.4, 5.9.1): the SM-DS takes it before the operator is
//! told, or the order is as it was.

use std::sync::Arc;

use rsp_store::{CallKey, Datastore, Front, Profile};

use crate::clock::{Clock, SharedRandomness};
use crate::courier::{Courier, Undelivered};
use crate::error::Error;
use crate::notices::{Notices, event_lane};
use crate::placing::Placing;
use crate::turns::{Turn, Turns};

/// How long the answer of an SM-DS is waited for before somebody else may ask it, in seconds.
pub(crate) const LEASE: i64 = 60;

/// What it takes to have events registered.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) store: Arc<Datastore>,
    pub(crate) notices: Notices,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: SharedRandomness,
    pub(crate) courier: Arc<dyn Courier>,
    /// Whoever repeats a call gets its answer, and not that it is under way.
    pub(crate) turns: Arc<Turns>,
}

/// An order that a call released.
pub(crate) struct Release {
    /// For the log.
    pub(crate) actor: String,
    /// The call, which is forgotten if its effect is taken back.
    pub(crate) key: CallKey,
    pub(crate) before: Profile,
    pub(crate) after: Profile,
    /// Nobody else's until all is done.
    #[expect(dead_code, reason = "what counts is when it is dropped")]
    pub(crate) turn: Option<Turn>,
}

impl Registration {
    /// Has the SM-DS take the event of an order that was released. If it does not, the release is taken back.
    ///
    /// If the process ends meanwhile, the order stays released, and the event is registered later like any other message.
    pub(crate) async fn register(self, release: Release) -> Result<(), Error> {
        let (Some(address), Some(event_id)) = (&release.after.smds_address, &release.after.matching_id) else {
            return Ok(());
        };
        let lane = event_lane(address, event_id);
        let Err(undelivered) = self.deliver_lane(&lane).await? else { return Ok(()) };
        if !self.take_back(release).await? {
            // A device was faster than the SM-DS: the order is under way, and the event will follow.
            tracing::warn!(%undelivered, "the event of an order that is under way is not registered yet");
            return Ok(());
        }
        Err(match undelivered {
            Undelivered::Inaccessible(why) => Error::SmdsInaccessible(why),
            Undelivered::Refused(status) => Error::SmdsRefused(status),
        })
    }

    /// False when the order has gone on.
    async fn take_back(&self, release: Release) -> Result<bool, Error> {
        let (notices, randomness, now) = (self.notices.clone(), self.randomness.clone(), self.clock.now());
        // A release makes none.
        let matching_ids = rsp_auth::matching_id::Length::default();
        self.store
            .run_tx("take back release", move |tx| {
                let Release { actor, key, before, after, .. } = &release;
                let placing =
                    Placing { notices: &notices, randomness: &randomness, matching_ids, actor, now, events_at: now };
                let taken_back = placing.take_back_release(tx, before, after)?;
                if taken_back {
                    tx.forget_call(key)?;
                }
                Ok(taken_back)
            })
            .await
    }

    /// Delivers everything in a lane, now. What could not be delivered stays there, to be tried again by others.
    async fn deliver_lane(&self, lane: &str) -> Result<Result<(), Undelivered>, Error> {
        loop {
            let now = self.clock.now();
            let message = match self.store.claim_lane(lane, now, now.plus_seconds(LEASE)).await? {
                Front::Empty => return Ok(Ok(())),
                Front::Taken => {
                    return Ok(Err(Undelivered::Inaccessible("an earlier message is under way".to_owned())));
                }
                Front::Message(message) => message,
            };
            if let Err(undelivered) = self.courier.deliver(&message).await {
                // Not at once: it may be taken back.
                let retry_at = self.clock.now().plus_seconds(LEASE);
                self.store.message_failed(&message, retry_at, &undelivered.to_string()).await?;
                return Ok(Err(undelivered));
            }
            self.store.message_delivered(&message).await?;
        }
    }
}
