//! How many requests a key may make, and how many wrong keys an address may present.
//!
//! What is counted lies in memory: each process of a server counts for itself, and restarting it begins anew.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use rsp_asn1::Timestamp;

/// Counters that are kept at most, of each kind. Beyond that those go that have nothing to remember, then all.
const KEPT: usize = 100_000;

/// Seconds in which a full quota comes back.
pub(crate) const WINDOW: u64 = 60;

/// Parts of a request in which is counted.
const PARTS: u64 = 1000;

/// What may be done in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests with one key.
    pub requests: u32,
    /// Wrong keys from one address; of IPv6, from one /64.
    pub failures: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: 1200, failures: 20 }
    }
}

/// What is left of a quota after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// Whether the request goes through.
    pub(crate) allowed: bool,
    /// Requests left now.
    pub(crate) remaining: u64,
    /// Seconds until one more is allowed, if none is left.
    pub(crate) seconds: i64,
}

/// Buckets of one kind: each holds a quota, which comes back evenly.
pub(crate) struct Buckets<K> {
    quota: u64,
    full: Mutex<HashMap<K, Bucket>>,
}

/// What was taken, in parts of a request, at a moment.
#[derive(Clone, Copy)]
struct Bucket {
    taken: u64,
    at: i64,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(crate) fn new(quota: u32) -> Self {
        Self { quota: u64::from(quota), full: Mutex::default() }
    }

    /// Requests in a minute.
    pub(crate) fn quota(&self) -> u64 {
        self.quota
    }

    /// Takes one request.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Left {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if full.len() >= KEPT {
            full.retain(|_, bucket| self.taken(*bucket, now) > 0);
            if full.len() >= KEPT {
                full.clear();
            }
        }
        let bucket = full.entry(key).or_insert(Bucket { taken: 0, at: now.0 });
        let taken = self.taken(*bucket, now);
        let allowed = taken + PARTS <= self.quota * PARTS;
        *bucket = Bucket { taken: taken + if allowed { PARTS } else { 0 }, at: now.0.max(bucket.at) };
        self.left(allowed, bucket.taken)
    }

    /// Gives back one request that was taken before it was known that it does not count.
    pub(crate) fn give_back(&self, key: &K) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = full.get_mut(key) {
            bucket.taken = bucket.taken.saturating_sub(PARTS);
        }
    }

    fn left(&self, allowed: bool, taken: u64) -> Left {
        let free = (self.quota * PARTS).saturating_sub(taken);
        let missing = PARTS.saturating_sub(free);
        let seconds = (missing * WINDOW).div_ceil((self.quota * PARTS).max(1));
        Left { allowed, remaining: free / PARTS, seconds: i64::try_from(seconds).unwrap_or(i64::MAX) }
    }

    fn taken(&self, bucket: Bucket, now: Timestamp) -> u64 {
        let seconds = u64::try_from(now.0.saturating_sub(bucket.at)).unwrap_or(0).min(WINDOW);
        bucket.taken.saturating_sub(self.quota * PARTS * seconds / WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use rsp_asn1::Timestamp;

    use super::{Buckets, KEPT};

    #[test]
    fn a_quota_comes_back_evenly() {
        let buckets = Buckets::new(60);
        let taken = |at, times: u32| (0..times).filter(|_| buckets.take("key", Timestamp(at)).allowed).count();
        assert_eq!(taken(0, 100), 60);
        assert_eq!(taken(1, 5), 1);
        assert_eq!(taken(11, 50), 10);
        assert_eq!(taken(1_000, 100), 60, "no more than the quota, however long nobody came");
        assert_eq!(taken(5, 1), 0, "a clock that goes back gives nothing");
    }

    #[test]
    fn it_says_how_long_to_wait_and_waiting_so_long_helps() {
        for quota in [1, 2, 7, 60, 1200] {
            let buckets = Buckets::new(quota);
            while buckets.take((), Timestamp(0)).allowed {}
            let left = buckets.take((), Timestamp(0));
            assert!(left.remaining == 0 && left.seconds > 0, "{quota}: {left:?}");
            assert!(buckets.take((), Timestamp(left.seconds)).allowed, "{quota}: {left:?}");
            let buckets = Buckets::new(quota);
            while buckets.take((), Timestamp(0)).allowed {}
            assert!(!buckets.take((), Timestamp(left.seconds - 1)).allowed, "{quota}: {left:?}");
        }
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_no_more() {
        let buckets = Buckets::new(2);
        let take = || buckets.take("key", Timestamp(0)).allowed;
        assert!(take() && take() && !take());
        buckets.give_back(&"key");
        assert!(take() && !take());
        for _ in 0..5 {
            buckets.give_back(&"key");
        }
        assert!(take() && take() && !take());
        buckets.give_back(&"stranger");
    }

    #[test]
    fn keys_have_quotas_of_their_own_and_memory_is_bounded() {
        let buckets = Buckets::new(1);
        for key in 0..KEPT + 10 {
            assert!(buckets.take(key, Timestamp(0)).allowed);
        }
        assert!(buckets.full.lock().unwrap().len() <= KEPT);
    }
}
