//! Places in lists, as they are told: the database numbers the events and the log of all tenants in one order, and a number
//! would say how much the others do.

use rsp_asn1::Timestamp;
use rsp_crypto::Zeroizing;
use rsp_crypto::symmetric::{aes128_ecb_decrypt_block, aes128_ecb_encrypt_block};
use rsp_store::{Datastore, EventCursor};

/// No time and no number of a database is so large: what opens to more was never made here.
const LIMIT: i64 = 1 << 52;

/// Makes texts of places and places of texts. A text is one block under a key of the database: the same in every process, and
/// nobody else learns more of two of them than whether they are the same.
pub(crate) struct Cursors {
    events: Zeroizing<[u8; 16]>,
    log: Zeroizing<[u8; 16]>,
}

impl Cursors {
    pub(crate) fn new(store: &Datastore) -> Self {
        let key = |purpose| {
            let mut key = Zeroizing::new([0; 16]);
            key.copy_from_slice(&store.derive_key(purpose)[..16]);
            key
        };
        Self { events: key("cursors of events"), log: key("cursors of the log") }
    }

    /// A place in a list of events.
    pub(crate) fn of_event(&self, cursor: &EventCursor) -> String {
        sealed(&self.events, cursor.at.0, cursor.number)
    }

    /// The place that [`of_event`](Self::of_event) made such a text of.
    pub(crate) fn event(&self, text: &str) -> Option<EventCursor> {
        let (at, number) = opened(&self.events, text)?;
        Some(EventCursor { at: Timestamp(at), number })
    }

    /// A place in the log, by the number of its entry.
    pub(crate) fn of_entry(&self, number: i64) -> String {
        sealed(&self.log, 0, number)
    }

    /// The number that [`of_entry`](Self::of_entry) made such a text of.
    pub(crate) fn entry(&self, text: &str) -> Option<i64> {
        opened(&self.log, text).filter(|(zero, _)| *zero == 0).map(|(_, number)| number)
    }
}

fn sealed(key: &[u8; 16], one: i64, other: i64) -> String {
    let mut block = [0; 16];
    block[..8].copy_from_slice(&one.to_be_bytes());
    block[8..].copy_from_slice(&other.to_be_bytes());
    hex::encode(aes128_ecb_encrypt_block(key, &block))
}

fn opened(key: &[u8; 16], text: &str) -> Option<(i64, i64)> {
    let mut block = [0; 16];
    hex::decode_to_slice(text, &mut block).ok()?;
    let value = u128::from_be_bytes(aes128_ecb_decrypt_block(key, &block));
    let half = |bits: u128| i64::try_from(bits & u128::from(u64::MAX)).ok().filter(|half| *half < LIMIT);
    Some((half(value >> 64)?, half(value)?))
}

#[cfg(test)]
mod tests {
    use super::{opened, sealed};

    #[test]
    fn a_place_comes_back_and_nothing_else_is_one() {
        let key = [7; 16];
        for place in [(0, 1), (1_790_000_000, 81_000_000)] {
            let text = sealed(&key, place.0, place.1);
            assert_eq!(opened(&key, &text), Some(place));
            assert_eq!(opened(&[8; 16], &text), None);
        }
        for text in ["", "7", "1790000000:7", &"0".repeat(32), &"f".repeat(32), &"0".repeat(64)] {
            assert_eq!(opened(&key, text), None, "{text}");
        }
        let near = [sealed(&key, 5, 1), sealed(&key, 5, 2)];
        assert_ne!(near[0][..16], near[1][..16], "what follows each other does not look so");
    }
}
