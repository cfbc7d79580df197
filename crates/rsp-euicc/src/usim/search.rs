//! SEARCH RECORD (ETSI TS 102 221 11.1.7, ISO/IEC 7816-4 11.4.7).

use rsp_apdu::{Command, StatusWord};

use super::files::{record_sfi, with_records};
use super::{Executed, Session, cut, refused};
use crate::fs::access::Access;
use crate::interpreter::ProfileContents;

/// 6282: nothing was found (ETSI TS 102 221 10.2.1.3).
const NOTHING_FOUND: StatusWord = StatusWord(0x6282);
/// Mode of P2: forward from the record in P1.
const FORWARD: u8 = 0x04;
/// Mode of P2: backward from the record in P1.
const BACKWARD: u8 = 0x05;
/// Mode of P2: the data field begins with a search indication.
const ENHANCED: u8 = 0x06;
/// In a search indication: forward from the record behind the current one.
const FROM_NEXT: u8 = 0x06;
/// In a search indication: backward from the record before the current one.
const FROM_PREVIOUS: u8 = 0x07;
/// In a search indication: the second byte is a value, behind whose first occurrence the search begins, not an offset.
const AFTER_VALUE: u8 = 0x08;

/// Where in a record the search begins.
enum Start {
    Offset(usize),
    After(u8),
}

impl Session {
    /// SEARCH RECORD: the numbers of the records that contain a string, in the order of the search. The first of them
    /// becomes the current one.
    pub(super) fn search_record(&mut self, contents: &ProfileContents, command: &Command) -> Executed {
        let ef = self.open(contents, record_sfi(command), Access::Read)?;
        let file = with_records(contents, ef)?;
        let (direction, start, string) = match (command.p2 & 0x07, &command.data[..]) {
            (mode @ (FORWARD | BACKWARD), string) => (mode, Start::Offset(0), string),
            (ENHANCED, [indication, place, string @ ..]) if indication & 0xF0 == 0 => {
                let after_value = indication & AFTER_VALUE != 0;
                let start = if after_value { Start::After(*place) } else { Start::Offset((*place).into()) };
                (indication & 0x07, start, string)
            }
            (ENHANCED, [_, _, ..]) => return refused(StatusWord::WRONG_DATA),
            (ENHANCED, _) => return refused(StatusWord::WRONG_LENGTH),
            _ => return refused(StatusWord::WRONG_P1_P2),
        };
        let (count, length) = (file.record_count(), file.record_length().unwrap_or_default());
        if string.is_empty() || string.len() > length {
            return refused(StatusWord::WRONG_LENGTH);
        }
        let first = match (direction, command.p1) {
            (FORWARD | BACKWARD, 0x00) => Some(self.record).filter(|record| *record > 0),
            (FORWARD | BACKWARD, number) => Some(number.into()),
            // Without a current record the search begins at the end of the file where it starts.
            (FROM_NEXT, 0x00) => Some(self.record + 1),
            (FROM_PREVIOUS, 0x00) if self.record == 0 => Some(count),
            (FROM_PREVIOUS, 0x00) => Some(self.record - 1),
            (FROM_NEXT | FROM_PREVIOUS, _) => return refused(StatusWord::WRONG_P1_P2),
            _ => return refused(StatusWord::WRONG_DATA),
        };
        let numbers: Vec<usize> = match (direction, first) {
            (FORWARD | BACKWARD, None) => return refused(StatusWord::RECORD_NOT_FOUND),
            (FORWARD | BACKWARD, Some(number)) if number > count => return refused(StatusWord::RECORD_NOT_FOUND),
            (FORWARD | FROM_NEXT, first) => (first.unwrap_or(1)..=count).collect(),
            (_, first) => (1..=first.unwrap_or(count)).rev().collect(),
        };
        let holds = |number: &usize| file.record(*number).is_some_and(|record| contains(record, &start, string));
        let found: Vec<usize> = numbers.into_iter().filter(holds).collect();
        let Some(first) = found.first() else { return refused(NOTHING_FOUND) };
        let answer = cut(found.iter().filter_map(|number| u8::try_from(*number).ok()).collect(), command)?;
        self.record = *first;
        Ok(answer)
    }
}

fn contains(record: &[u8], start: &Start, string: &[u8]) -> bool {
    let from = match start {
        Start::Offset(offset) => Some(*offset),
        Start::After(value) => record.iter().position(|byte| byte == value).map(|at| at + 1),
    };
    let rest = from.and_then(|from| record.get(from..)).unwrap_or_default();
    rest.windows(string.len()).any(|window| window == string)
}
