//! Freshness of sequence numbers: the array scheme of 3GPP TS 33.102 annex C.

use serde::{Deserialize, Serialize};

/// Bits of a sequence number that are its index in the array.
const INDEX_BITS: u32 = 5;
/// Places of the array.
pub const PLACES: usize = 1 << INDEX_BITS;

/// Bit of sqnOptions: numbers older than the age limit are refused (C.2.2).
const CHECK_AGE: u8 = 0x01;
/// Bit of sqnOptions: numbers that jump ahead by more than delta are refused, against wrap-around (C.2.1).
const CHECK_DELTA: u8 = 0x02;

/// The highest number accepted so far for each index, without the index.
#[derive(Clone, Serialize, Deserialize)]
pub struct SequenceNumbers {
    highest: Vec<u64>,
    options: u8,
    delta: u64,
    age_limit: u64,
}

impl SequenceNumbers {
    /// Starts with `initial`, whose numbers lack their index; `options`, `delta` and `age_limit` as in PE-AKAParameter.
    pub fn new(initial: [u64; PLACES], options: u8, delta: u64, age_limit: u64) -> Self {
        Self { highest: initial.to_vec(), options, delta, age_limit }
    }

    /// Whether this number was not used before and is neither too old nor too far ahead.
    pub fn is_fresh(&self, sqn: [u8; 6]) -> bool {
        let (sequence, index) = split(sqn);
        let newest = self.newest().0;
        let unused = self.highest.get(index).is_some_and(|highest| sequence > *highest);
        let near = self.options & CHECK_DELTA == 0 || sequence.saturating_sub(newest) <= self.delta;
        let young = self.options & CHECK_AGE == 0 || newest.saturating_sub(sequence) < self.age_limit;
        unused && near && young
    }

    /// Notes that the number was used.
    pub fn accept(&mut self, sqn: [u8; 6]) {
        let (sequence, index) = split(sqn);
        if let Some(highest) = self.highest.get_mut(index) {
            *highest = sequence.max(*highest);
        }
    }

    /// SQN_MS: the highest number accepted, with its index.
    pub fn sqn_ms(&self) -> [u8; 6] {
        let (sequence, index) = self.newest();
        let [_, _, sqn @ ..] = (sequence << INDEX_BITS | index as u64).to_be_bytes();
        sqn
    }

    fn newest(&self) -> (u64, usize) {
        let places = self.highest.iter().enumerate();
        places.map(|(index, sequence)| (*sequence, index)).max_by_key(|(sequence, _)| *sequence).unwrap_or_default()
    }
}

fn split(sqn: [u8; 6]) -> (u64, usize) {
    let sqn = sqn.iter().fold(0u64, |sqn, byte| sqn << 8 | u64::from(*byte));
    (sqn >> INDEX_BITS, (sqn & (PLACES as u64 - 1)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqn(sequence: u64, index: u64) -> [u8; 6] {
        let [_, _, sqn @ ..] = (sequence << INDEX_BITS | index).to_be_bytes();
        sqn
    }

    #[test]
    fn each_index_has_its_own_order() {
        let mut numbers = SequenceNumbers::new([0; PLACES], 0x02, 0x1000_0000, 0x1000_0000);
        assert!(!numbers.is_fresh(sqn(0, 0)));
        assert!(numbers.is_fresh(sqn(5, 3)));
        numbers.accept(sqn(5, 3));
        assert!(!numbers.is_fresh(sqn(5, 3)) && !numbers.is_fresh(sqn(4, 3)));
        assert!(numbers.is_fresh(sqn(4, 7)), "an older number of another index is still unused");
        assert_eq!(numbers.sqn_ms(), sqn(5, 3));
    }

    #[test]
    fn a_jump_beyond_delta_is_refused() {
        let numbers = SequenceNumbers::new([10; PLACES], 0x02, 100, 0);
        assert!(numbers.is_fresh(sqn(110, 1)) && !numbers.is_fresh(sqn(111, 1)));
        assert!(SequenceNumbers::new([10; PLACES], 0x00, 100, 0).is_fresh(sqn(111, 1)));
    }

    #[test]
    fn an_aged_number_is_refused() {
        let mut initial = [0; PLACES];
        initial[0] = 1000;
        let numbers = SequenceNumbers::new(initial, 0x01, 0, 50);
        assert!(numbers.is_fresh(sqn(951, 1)) && !numbers.is_fresh(sqn(950, 1)));
    }
}
