//! Recorded lives of a card: with the recorded state and the recorded randomness, every answer is the recorded one, byte
//! for byte.

use std::collections::VecDeque;

use rsp_apdu::Card;
use rsp_apdu::dialogue::{Step, parse};
use rsp_crypto::Randomness;
use rsp_euicc::{Euicc, EuiccState, MemoryStore};

/// The draws of the recording, in order.
struct Recorded(VecDeque<Vec<u8>>);

impl Recorded {
    fn new(text: &str) -> Self {
        Self(text.lines().map(|line| hex::decode(line).unwrap()).collect())
    }
}

impl Randomness for Recorded {
    fn fill(&mut self, buffer: &mut [u8]) {
        let draw = self.0.pop_front().expect("a draw that was not recorded");
        buffer.copy_from_slice(&draw);
    }
}

const STATE: &[u8] = include_bytes!("../data/lpac-8f68d5c-life/initial.euicc");
const RANDOMNESS: &str = include_str!("../data/lpac-8f68d5c-life/randomness");
const DIALOGUE: &str = include_str!("../data/lpac-8f68d5c-life/dialogue");

/// Replays: the number of the first step whose answer is another, if any.
fn replay(state: EuiccState, randomness: Recorded, steps: &[Step]) -> Option<usize> {
    let mut card = Euicc::new(state, MemoryStore::default(), Box::new(randomness)).unwrap();
    steps.iter().position(|step| match step {
        Step::PowerOn(atr) => card.power_on() != *atr,
        Step::Reset(atr) => card.reset() != *atr,
        Step::Apdu { command, answer } => card.transmit(command) != *answer,
        _ => panic!("a card has no such step"),
    })
}

#[test]
fn a_life_under_lpac_replays_byte_for_byte() {
    let steps = parse(DIALOGUE).unwrap();
    assert!(steps.len() > 250);
    let state = EuiccState::from_bytes(STATE).unwrap();
    assert_eq!(replay(state, Recorded::new(RANDOMNESS), &steps), None);
}

#[test]
fn one_changed_byte_is_noticed() {
    let steps = parse(DIALOGUE).unwrap();
    for draw in 0..2 {
        let mut altered = Recorded::new(RANDOMNESS);
        altered.0[draw][7] ^= 1;
        let state = EuiccState::from_bytes(STATE).unwrap();
        assert!(replay(state, altered, &steps).is_some(), "draw {draw}");
    }
    let mut altered = steps.clone();
    let longest = altered.iter_mut().filter_map(|step| match step {
        Step::Apdu { answer, .. } => Some(answer),
        _ => None,
    });
    let longest = longest.max_by_key(|answer| answer.len()).unwrap();
    longest[100] ^= 1;
    let state = EuiccState::from_bytes(STATE).unwrap();
    assert!(replay(state, Recorded::new(RANDOMNESS), &altered).is_some());
}
