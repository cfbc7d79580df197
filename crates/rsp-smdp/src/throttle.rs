//! How fast somebody may guess MatchingIDs (SGP.22 5.6.3 leaves it to the server).
//!
//! Wrong ones are counted for the address that they come from, for the eUICC that signed them, and for the whole server.
//! What is counted lies in memory: whoever restarts the server gives every guesser one more bucket, and no more.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// From one address; of IPv6, from one /64, which is what one subscriber has. Loopback addresses are proxies' and not
    /// counted.
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

/// The counters. Those who serve the same orders at several addresses share them, with
/// [`Smdp::with_throttle`](crate::Smdp::with_throttle): a guess counts wherever it is made.
pub struct Throttle {
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
    /// Counters that begin at nothing.
    pub fn new(limits: GuessLimits) -> Self {
        Self { limits, counters: Mutex::default() }
    }

    /// Whether a MatchingID that this eUICC sends from this address is looked up. Who the eUICC says that it is need not
    /// be proven yet: it can only spoil its own chances.
    pub(crate) fn allows(&self, address: Option<IpAddr>, eid: Option<Eid>, now: Timestamp) -> bool {
        self.counters().allow(&self.limits, counted(address), eid, now)
    }

    /// Whether what was looked up may be answered; counts it if nothing was `found`. The eUICC must have proven who it is:
    /// otherwise anybody could lock out another.
    ///
    /// Of guesses that are looked up at the same time, which all were allowed, one that hits after the last wrong one that
    /// is allowed gets no more than if it had come after it.
    pub(crate) fn settles(&self, address: Option<IpAddr>, eid: Eid, found: bool, now: Timestamp) -> bool {
        let (mut counters, address) = (self.counters(), counted(address));
        if !found {
            counters.count(&self.limits, address, eid, now);
        }
        found && counters.allow(&self.limits, address, Some(eid), now)
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    fn allow(&self, limits: &GuessLimits, address: Option<IpAddr>, eid: Option<Eid>, now: Timestamp) -> bool {
        let spent = |debt: Option<&Debt>, rate| debt.is_some_and(|debt: &Debt| debt.is_spent(rate, now.0));
        let (second, guesses) = self.all;
        !spent(address.and_then(|address| self.addresses.get(&address)), limits.per_address)
            && !spent(eid.and_then(|eid| self.eids.get(&eid)), limits.per_eid)
            && (second != now.0 || guesses < limits.per_second)
    }

    fn count(&mut self, limits: &GuessLimits, address: Option<IpAddr>, eid: Eid, now: Timestamp) {
        if let Some(address) = address {
            charge(&mut self.addresses, address, limits.per_address, now.0);
        }
        charge(&mut self.eids, eid, limits.per_eid, now.0);
        self.all = match self.all {
            (second, guesses) if second == now.0 => (second, guesses.saturating_add(1)),
            _ => (now.0, 1),
        };
    }
}

/// What an address is counted as.
fn counted(address: Option<IpAddr>) -> Option<IpAddr> {
    match address?.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
        address => Some(address),
    }
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
            assert!(!throttle.settles(LOOPBACK, A, false, Timestamp(0)));
        }
        assert!(!throttle.allows(LOOPBACK, Some(A), Timestamp(0)));
        assert!(throttle.allows(LOOPBACK, Some(B), Timestamp(0)));
        assert!(throttle.allows(LOOPBACK, Some(A), Timestamp(1)), "a part of the first is forgiven");
        throttle.settles(LOOPBACK, A, false, Timestamp(1));
        assert!(!throttle.allows(LOOPBACK, Some(A), Timestamp(10)));
        assert!(throttle.allows(LOOPBACK, Some(A), Timestamp(11)));
    }

    #[test]
    fn one_address_is_stopped_whoever_signs_and_loopback_is_not() {
        let throttle = limits(2, 100, 100);
        for (address, stopped) in [(HERE, true), (LOOPBACK, false)] {
            for eid in [A, B] {
                throttle.settles(address, eid, false, Timestamp(0));
            }
            assert_eq!(!throttle.allows(address, Some(Eid([0x33; 16])), Timestamp(0)), stopped);
        }
        let mapped = Some("::ffff:192.0.2.1".parse().unwrap());
        assert!(!throttle.allows(mapped, None, Timestamp(0)), "the same address in another coding");
    }

    #[test]
    fn an_ipv6_address_counts_as_its_64_bit_network() {
        let throttle = limits(2, 100, 100);
        let at = |address: &str| Some(address.parse().unwrap());
        for address in ["2001:db8::1", "2001:db8::ffff:0:0:2"] {
            throttle.settles(at(address), A, false, Timestamp(0));
        }
        assert!(!throttle.allows(at("2001:db8:0:0:8000::"), None, Timestamp(0)));
        assert!(throttle.allows(at("2001:db8:0:1::1"), None, Timestamp(0)));
    }

    #[test]
    fn of_many_at_once_those_that_hit_after_the_last_wrong_one_are_not_answered() {
        let throttle = limits(100, 3, 100);
        assert!((0..10).all(|_| throttle.allows(HERE, Some(A), Timestamp(0))));
        let hits = |number| number == 2 || number > 5;
        let answered: Vec<_> = (0..10).filter(|n| throttle.settles(HERE, A, hits(*n), Timestamp(0))).collect();
        assert_eq!(answered, [2]);
    }

    #[test]
    fn all_together_are_stopped_for_a_second() {
        let throttle = limits(100, 100, 2);
        for eid in [A, B] {
            throttle.settles(None, eid, false, Timestamp(0));
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
            throttle.settles(None, Eid(eid), false, Timestamp(0));
        }
        assert!(throttle.counters.lock().unwrap().eids.len() <= KEPT);
    }
}
