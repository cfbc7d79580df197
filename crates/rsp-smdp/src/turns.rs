//! Turns: what is done to one profile goes one after the other, whatever is done to others meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rsp_asn1::Iccid;

/// Profiles that are remembered before those are forgotten about which nobody calls any more.
const REMEMBERED: usize = 1024;

/// Calls about the same profile take turns.
///
/// Only a courtesy: between processes, and for the truth, the database decides.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<Iccid, Weak<tokio::sync::Mutex<()>>>>);

/// The turn of one call; it ends when this is dropped.
pub type Turn = tokio::sync::OwnedMutexGuard<()>;

impl Turns {
    /// Waits until nobody else has the turn of this profile.
    pub async fn wait(&self, iccid: Iccid) -> Turn {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() >= REMEMBERED {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
            let known = locks.get(&iccid).and_then(Weak::upgrade);
            let lock = known.unwrap_or_default();
            locks.insert(iccid, Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}
