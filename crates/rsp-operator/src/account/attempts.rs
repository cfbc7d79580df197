//! How fast somebody may guess passwords: counted for the name that is tried and for the address that tries.
//!
//! What is counted lies in memory: whoever restarts the server gives every guesser one more handful, and no more.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use rsp_asn1::Timestamp;

use crate::callers::Network;

/// Wrong ones for one name at once, and the seconds after which one more is allowed.
const PER_NAME: (i64, i64) = (10, 60);
/// The same for one address; of IPv6, for one /64.
const PER_ADDRESS: (i64, i64) = (30, 20);
/// Names and addresses that are remembered at most, of each kind.
const KEPT: usize = 50_000;

/// The counters: for each name and address the moment at which all is forgiven.
#[derive(Default)]
pub(super) struct Attempts(Mutex<Counters>);

#[derive(Default)]
struct Counters {
    names: HashMap<[u8; 32], i64>,
    addresses: HashMap<Network, i64>,
}

impl Attempts {
    /// Counts an attempt before it is made, so that many at once are counted, too. `Err` says after how many seconds the next
    /// one makes sense.
    pub(super) fn begin(&self, name: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), i64> {
        let (name, address) = (key(name), address.map(Network::of));
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = [
            wait(counters.names.get(&name), PER_NAME, now.0),
            address.and_then(|address| wait(counters.addresses.get(&address), PER_ADDRESS, now.0)),
        ];
        if let Some(seconds) = waits.into_iter().flatten().max() {
            return Err(seconds);
        }
        charge(&mut counters.names, name, PER_NAME, now.0);
        if let Some(address) = address {
            charge(&mut counters.addresses, address, PER_ADDRESS, now.0);
        }
        Ok(())
    }

    /// Takes an attempt back that was right. Those before it stay: who knows one password must not guess others for free.
    pub(super) fn was_right(&self, name: &str, address: Option<IpAddr>) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = counters.names.get_mut(&key(name)) {
            *until -= PER_NAME.1;
        }
        if let Some(until) = address.and_then(|address| counters.addresses.get_mut(&Network::of(address))) {
            *until -= PER_ADDRESS.1;
        }
    }
}

/// Names are compared whatever the case of their letters, and can be of any length here.
fn key(name: &str) -> [u8; 32] {
    rsp_crypto::hash::sha256(name.to_ascii_lowercase().as_bytes())
}

fn wait(until: Option<&i64>, (burst, seconds): (i64, i64), now: i64) -> Option<i64> {
    let missing = until? - now - burst * seconds + seconds;
    (missing > 0).then_some(missing)
}

fn charge<K: Hash + Eq>(counters: &mut HashMap<K, i64>, key: K, (_, seconds): (i64, i64), now: i64) {
    if counters.len() >= KEPT {
        counters.retain(|_, until| *until > now);
        if counters.len() >= KEPT {
            counters.clear();
        }
    }
    let until = counters.entry(key).or_insert(now);
    *until = (*until).max(now) + seconds;
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rsp_asn1::Timestamp;

    use super::{Attempts, KEPT};

    fn at(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn ten_for_a_name_and_then_one_a_minute_from_wherever() {
        let attempts = Attempts::default();
        for number in 0..10 {
            assert_eq!(attempts.begin("Ann", at(&format!("192.0.2.{number}")), Timestamp(0)), Ok(()));
        }
        assert_eq!(attempts.begin("ANN", at("192.0.2.99"), Timestamp(0)), Err(60));
        assert_eq!(attempts.begin("bob", at("192.0.2.99"), Timestamp(0)), Ok(()));
        assert_eq!(attempts.begin("ann", None, Timestamp(59)), Err(1));
        assert_eq!(attempts.begin("ann", None, Timestamp(60)), Ok(()));
        assert_eq!(attempts.begin("ann", None, Timestamp(60)), Err(60));
    }

    #[test]
    fn thirty_from_an_address_whatever_the_names() {
        let attempts = Attempts::default();
        for number in 0..30 {
            let address = at(&format!("2001:db8::{number:x}"));
            assert_eq!(attempts.begin(&format!("user {number}"), address, Timestamp(0)), Ok(()));
        }
        assert_eq!(attempts.begin("another", at("2001:db8::ffff"), Timestamp(0)), Err(20));
        assert_eq!(attempts.begin("another", at("2001:db8:0:1::1"), Timestamp(0)), Ok(()));
    }

    #[test]
    fn what_was_right_is_not_counted_and_takes_nothing_else_back() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.begin("ann", at("192.0.2.1"), Timestamp(0)), Ok(()));
            attempts.was_right("ann", at("192.0.2.1"));
        }
        for _ in 0..9 {
            assert_eq!(attempts.begin("ann", None, Timestamp(0)), Ok(()));
        }
        assert_eq!(attempts.begin("ann", None, Timestamp(0)), Ok(()));
        attempts.was_right("ann", None);
        assert_eq!(attempts.begin("ann", None, Timestamp(0)), Ok(()));
        assert!(attempts.begin("ann", None, Timestamp(0)).is_err());
    }

    #[test]
    fn memory_stays_bounded() {
        let attempts = Attempts::default();
        for number in 0..KEPT + 10 {
            let _ = attempts.begin(&number.to_string(), None, Timestamp(0));
        }
        assert!(attempts.0.lock().unwrap().names.len() <= KEPT);
    }
}
