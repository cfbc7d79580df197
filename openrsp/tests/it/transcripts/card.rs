//! Our eUICC under lpac: every answer to the recorded commands.

use std::collections::VecDeque;

use rsp_apdu::Card;
use rsp_apdu::dialogue::{Step, parse};
use rsp_euicc::{Euicc, EuiccState, MemoryStore};

use super::{Draws, LPAC, flip, read};

/// A card's part of a transcript.
#[derive(Clone)]
pub(super) struct CardRecord {
    state: Vec<u8>,
    pub(super) draws: Draws,
    pub(super) steps: Vec<Step>,
}

impl CardRecord {
    pub(super) fn of(transcript: &str) -> Self {
        let file = |name: &str| read(transcript, &format!("card/{name}"));
        let state: String = file("initial.hex").split_whitespace().collect();
        let draws = file("randomness").lines().map(|line| hex::decode(line).unwrap()).collect::<VecDeque<_>>();
        Self { state: hex::decode(state).unwrap(), draws: Draws(draws), steps: parse(&file("dialogue")).unwrap() }
    }

    /// The card as it was before the first command, with the recorded draws before it.
    pub(super) fn card(&self) -> Euicc<MemoryStore> {
        let state = EuiccState::from_bytes(&self.state).unwrap();
        Euicc::new(state, MemoryStore::default(), Box::new(self.draws.clone())).unwrap()
    }

    /// Plays the recorded terminal.
    ///
    /// # Errors
    /// The number of the first step, from 1, whose answer is not the recorded one.
    fn replay(&self) -> Result<usize, usize> {
        let mut card = self.card();
        let deviates = |step: &Step| match step {
            Step::PowerOn(atr) => card.power_on() != *atr,
            Step::Reset(atr) => card.reset() != *atr,
            Step::Apdu { command, answer } => card.transmit(command) != *answer,
            Step::OpenChannel { .. } | Step::CloseChannel(_) => panic!("a card has no such step"),
        };
        match self.steps.iter().position(deviates) {
            Some(index) => Err(index + 1),
            None => Ok(self.steps.len()),
        }
    }

    /// The numbers of the APDUs, evenly spread.
    fn some_apdus(&self, many: usize) -> Vec<usize> {
        let apdus: Vec<usize> =
            (0..self.steps.len()).filter(|index| matches!(self.steps[*index], Step::Apdu { .. })).collect();
        apdus.iter().copied().step_by(apdus.len() / many).collect()
    }
}

#[test]
fn an_euicc_under_lpac_answers_as_recorded() {
    let record = CardRecord::of(LPAC);
    assert!(record.steps.len() > 300, "{}", record.steps.len());
    assert_eq!(record.replay(), Ok(record.steps.len()));
}

#[test]
fn the_replay_sees_one_changed_byte_of_an_answer() {
    let record = CardRecord::of(LPAC);
    for index in record.some_apdus(6) {
        let mut changed = record.clone();
        if let Step::Apdu { answer, .. } = &mut changed.steps[index] {
            flip(answer);
        }
        assert_eq!(changed.replay(), Err(index + 1));
    }
}

#[test]
fn the_replay_sees_one_changed_byte_of_a_command() {
    let record = CardRecord::of(LPAC);
    for index in record.some_apdus(6) {
        let mut changed = record.clone();
        if let Step::Apdu { command, .. } = &mut changed.steps[index] {
            flip(command);
        }
        assert!(changed.replay().is_err(), "{:?}", record.steps[index]);
    }
}

#[test]
fn the_replay_sees_one_changed_byte_of_any_draw() {
    let record = CardRecord::of(LPAC);
    for number in 0..record.draws.0.len() {
        let mut changed = record.clone();
        flip(&mut changed.draws.0[number]);
        assert!(changed.replay().is_err(), "draw {number}");
    }
}
