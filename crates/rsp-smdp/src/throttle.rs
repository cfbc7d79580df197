//! How fast somebody may guess MatchingIDs (SGP.22 5.6.3 leaves it to the server).
//!
//! Wrong ones are counted for the address that they come from, for the eUICC that signed them, and for the whole server.
//! What is counted lies in memory: whoever restarts the server gives every guesser one more bucket, and no more.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use rsp_asn1::{Eid, Timestamp};

/// So many at once, and then one in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Wrong MatchingIDs that are looked up at once.
    pub burst: u32,
    /// Seconds after which one more is looked up.
    pub seconds: u32,
}

/// Limits of wrong MatchingIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessLimits {
    /// From one address. Loopback addresses are proxies' and not counted.
    pub per_address: Rate,
    /// By one eUICC.
    pub per_eid: Rate,
    /// In all, so many a second.
    pub per_second: u32,
}

impl Default for GuessLimits {
    fn default() -> Self {
        Self {
            per_address: Rate { burst: 100, seconds: 5 },
            per_eid: Rate { burst: 20, seconds: 60 },
            per_second: 1000,
        }
    }
}

/// Counters that are kept at most, of each kind. Beyond that those go that have nothing to remember, then all.
const KEPT: usize = 100_000;

/// The counters.
pub(crate) struct Throttle {
    limits: GuessLimits,
    counters: Mutex<Counters>,
}

#[derive(Default)]
struct Counters {
    addresses: HashMap<IpAddr, Debt>,
    eids: HashMap<Eid, Debt>,
    /// The second that it is, and the guesses in it.
    all: (i64, u32),
}

/// Guesses that have not been forgiven yet: the moment at which they will be.
#[derive(Clone, Copy)]
struct Debt {
    until: i64,
}

impl Debt {
    fn is_spent(self, rate: Rate, now: i64) -> bool {
        self.until - now >= i64::from(rate.burst) * i64::from(rate.seconds)
    }

    fn with_one_more(self, rate: Rate, now: i64) -> Self {
        Self { until: self.until.max(now) + i64::from(rate.seconds) }
    }
}

impl Throttle {
    pub(crate) fn new(limits: GuessLimits) -> Self {
        Self { limits, counters: Mutex::default() }
    }

    /// Whether a MatchingID that this eUICC sends from this address is looked up. Who the eUICC says that it is need not
    /// be proven yet: it can only spoil its own chances.
    pub(crate) fn allows(&self, address: Option<IpAddr>, eid: Option<Eid>, now: Timestamp) -> bool {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = |debt: Option<&Debt>, rate| debt.is_some_and(|debt: &Debt| debt.is_spent(rate, now.0));
        let (second, guesses) = counters.all;
        !spent(counted(address).and_then(|address| counters.addresses.get(&address)), self.limits.per_address)
            && !spent(eid.and_then(|eid| counters.eids.get(&eid)), self.limits.per_eid)
            && (second != now.0 || guesses < self.limits.per_second)
    }

    /// Counts a wrong MatchingID. The eUICC must have proven who it is: otherwise anybody could lock out another.
    pub(crate) fn count(&self, address: Option<IpAddr>, eid: Eid, now: Timestamp) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = counted(address) {
            charge(&mut counters.addresses, address, self.limits.per_address, now.0);
        }
        charge(&mut counters.eids, eid, self.limits.per_eid, now.0);
        counters.all = match counters.all {
            (second, guesses) if second == now.0 => (second, guesses.saturating_add(1)),
            _ => (now.0, 1),
        };
    }
}

fn counted(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| address.to_canonical()).filter(|address| !address.is_loopback())
}

fn charge<K: Hash + Eq>(debts: &mut HashMap<K, Debt>, key: K, rate: Rate, now: i64) {
    if debts.len() >= KEPT {
        debts.retain(|_, debt| debt.until > now);
        if debts.len() >= KEPT {
            debts.clear();
        }
    }
    let debt = debts.entry(key).or_insert(Debt { until: now });
    *debt = debt.with_one_more(rate, now);
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use rsp_asn1::{Eid, Timestamp};

    use super::{GuessLimits, KEPT, Rate, Throttle};

    const A: Eid = Eid([0x89; 16]);
    const B: Eid = Eid([0x12; 16]);
    const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    const LOOPBACK: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn limits(per_address: u32, per_eid: u32, per_second: u32) -> Throttle {
        let rate = |burst| Rate { burst, seconds: 10 };
        Throttle::new(GuessLimits { per_address: rate(per_address), per_eid: rate(per_eid), per_second })
    }

    #[test]
    fn one_euicc_is_stopped_and_another_is_not() {
        let throttle = limits(100, 3, 100);
        for _ in 0..3 {
            assert!(throttle.allows(LOOPBACK, Some(A), Timestamp(0)));
            throttle.count(LOOPBACK, A, Timestamp(0));
        }
        assert!(!throttle.allows(LOOPBACK, Some(A), Timestamp(0)));
        assert!(throttle.allows(LOOPBACK, Some(B), Timestamp(0)));
        assert!(throttle.allows(LOOPBACK, Some(A), Timestamp(1)), "a part of the first is forgiven");
        throttle.count(LOOPBACK, A, Timestamp(1));
        assert!(!throttle.allows(LOOPBACK, Some(A), Timestamp(10)));
        assert!(throttle.allows(LOOPBACK, Some(A), Timestamp(11)));
    }

    #[test]
    fn one_address_is_stopped_whoever_signs_and_loopback_is_not() {
        let throttle = limits(2, 100, 100);
        for (address, stopped) in [(HERE, true), (LOOPBACK, false)] {
            for eid in [A, B] {
                throttle.count(address, eid, Timestamp(0));
            }
            assert_eq!(!throttle.allows(address, Some(Eid([0x33; 16])), Timestamp(0)), stopped);
        }
        let mapped = Some("::ffff:192.0.2.1".parse().unwrap());
        assert!(!throttle.allows(mapped, None, Timestamp(0)), "the same address in another coding");
    }

    #[test]
    fn all_together_are_stopped_for_a_second() {
        let throttle = limits(100, 100, 2);
        for eid in [A, B] {
            throttle.count(None, eid, Timestamp(0));
        }
        assert!(!throttle.allows(None, None, Timestamp(0)));
        assert!(throttle.allows(None, None, Timestamp(1)));
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = limits(100, 100, u32::MAX);
        for number in 0..KEPT as u32 + 10 {
            let mut eid = [0; 16];
            eid[..4].copy_from_slice(&number.to_be_bytes());
            throttle.count(None, Eid(eid), Timestamp(0));
        }
        assert!(throttle.counters.lock().unwrap().eids.len() <= KEPT);
    }
}
