//! Our eUICC under lpac: every answer to the recorded commands.

use std::collections::VecDeque;
use std::ops::Range;

use rsp_apdu::Card;
use rsp_apdu::dialogue::{Step, parse};
use rsp_euicc::{Euicc, EuiccState, MemoryStore};

use super::{Draws, LPAC, LPAC_RELEASED, flip, read};

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
    for transcript in [LPAC, LPAC_RELEASED] {
        let record = CardRecord::of(transcript);
        assert!(record.steps.len() > 800, "{}", record.steps.len());
        assert_eq!(record.replay(), Ok(record.steps.len()), "{transcript}");
    }
}

/// The runs in which lpac asks an SM-DS: it authenticates the server and prepares no download.
fn discoveries(record: &CardRecord) -> Vec<Range<usize>> {
    let is_power_on = |step: &Step| matches!(step, Step::PowerOn(_));
    let begins: Vec<usize> = (0..record.steps.len()).filter(|index| is_power_on(&record.steps[*index])).collect();
    let ends = begins.iter().copied().skip(1).chain([record.steps.len()]);
    let runs = begins.iter().copied().zip(ends).map(|(begin, end)| begin..end);
    let is_sent = |run: &Range<usize>, function: &[u8]| {
        record.steps[run.clone()].iter().any(|step| match step {
            // After the header of STORE DATA.
            Step::Apdu { command, .. } => command.get(5..).is_some_and(|data| data.starts_with(function)),
            _ => false,
        })
    };
    let [authenticate_server, prepare_download, cancel_session] = [[0xBF, 0x38], [0xBF, 0x21], [0xBF, 0x41]];
    runs.filter(|run| {
        is_sent(run, &authenticate_server) && !is_sent(run, &prepare_download) && !is_sent(run, &cancel_session)
    })
    .collect()
}

#[test]
fn the_replay_sees_one_changed_byte_of_a_discovery() {
    for transcript in [LPAC, LPAC_RELEASED] {
        let record = CardRecord::of(transcript);
        let discoveries = discoveries(&record);
        assert!(discoveries.len() >= 5, "{}", discoveries.len());
        // One at the root SM-DS, and the next.
        for run in &discoveries[..2] {
            for index in run.clone().step_by(4) {
                let mut changed = record.clone();
                let Step::Apdu { answer, .. } = &mut changed.steps[index] else { continue };
                flip(answer);
                assert_eq!(changed.replay(), Err(index + 1), "{transcript}");
            }
        }
    }
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
