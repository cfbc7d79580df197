//! Our eUICC under lpac: every answer to the recorded commands.

use std::collections::VecDeque;
use std::ops::Range;

use rsp_apdu::Card;
use rsp_apdu::dialogue::{Step, parse};
use rsp_euicc::{Euicc, EuiccState, MemoryStore};

use super::{Draws, LPAC, LPAC_PCSC, LPAC_RELEASED, flip, read};

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

    /// The numbers of the APDUs, evenly spread, without TERMINAL CAPABILITY: it is 9000 whatever it says.
    fn some_apdus(&self, many: usize) -> Vec<usize> {
        let apdus: Vec<usize> = (0..self.steps.len())
            .filter(|index| matches!(&self.steps[*index], Step::Apdu { command, .. } if command[1] != 0xAA))
            .collect();
        apdus.iter().copied().step_by(apdus.len() / many).collect()
    }
}

#[test]
fn an_euicc_under_lpac_answers_as_recorded() {
    for transcript in [LPAC, LPAC_RELEASED, LPAC_PCSC] {
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
    for transcript in [LPAC, LPAC_RELEASED, LPAC_PCSC] {
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
    for transcript in [LPAC, LPAC_PCSC] {
        let record = CardRecord::of(transcript);
        for index in record.some_apdus(6) {
            let mut changed = record.clone();
            if let Step::Apdu { answer, .. } = &mut changed.steps[index] {
                flip(answer);
            }
            assert_eq!(changed.replay(), Err(index + 1));
        }
    }
}

#[test]
fn the_replay_sees_one_changed_byte_of_a_command() {
    for transcript in [LPAC, LPAC_PCSC] {
        let record = CardRecord::of(transcript);
        for index in record.some_apdus(6) {
            let mut changed = record.clone();
            if let Step::Apdu { command, .. } = &mut changed.steps[index] {
                flip(command);
            }
            assert!(changed.replay().is_err(), "{:?}", record.steps[index]);
        }
    }
}

/// What the card said to the first such command after `begin`, and where.
fn answer_to(steps: &[Step], begin: usize, wanted: &str) -> (usize, Vec<u8>) {
    let wanted = hex::decode(wanted).unwrap();
    let answers = steps.iter().enumerate().skip(begin).find_map(|(index, step)| match step {
        Step::Apdu { command, answer } if *command == wanted => Some((index, answer.clone())),
        _ => None,
    });
    answers.unwrap_or_else(|| panic!("nobody sent {}", hex::encode_upper(wanted)))
}

#[test]
fn pcsc_programs_were_answered_as_t_0_wants_it() {
    let CardRecord { steps, .. } = CardRecord::of(LPAC_PCSC);
    // opensc-tool first: it repeats READ RECORD with the length that the card names.
    let (begin, answer) = answer_to(&steps, 0, "00A40004023F00");
    assert_eq!(answer[0], 0x61);
    let (_, answer) = answer_to(&steps, begin, "00B2010426");
    let [0x6C, length] = answer[..] else { panic!("{answer:02X?}") };
    let (_, record) = answer_to(&steps, begin, &format!("00B20104{length:02X}"));
    assert_eq!(record.len(), usize::from(length) + 2);
    assert!(record.starts_with(&[0x61]) && record.ends_with(&[0x90, 0x00]), "an application of EF_DIR");
    // Then scriptor, which does not.
    let (index, answer) = answer_to(&steps, begin, "00B20104FF");
    assert_eq!(answer, [0x6C, length]);
    assert_eq!(answer_to(&steps, index - 2, "00A40004023F00").1[0], 0x61);
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
