//! Commands that read and change elementary files (ETSI TS 102 221 11.1.3 to 11.1.6, 11.1.8, 11.1.14, 11.1.15).

use rsp_apdu::{Command, StatusWord};

use super::select::DEACTIVATED;
use super::{Executed, Session, cut, done, refused, stored};
use crate::fs::access::Access;
use crate::fs::{Ef, NodeId, Octets, Structure};
use crate::interpreter::ProfileContents;

/// Readable and updatable although deactivated: bit 7 of the special file information.
const USABLE_WHEN_DEACTIVATED: u8 = 0x40;

impl Session {
    /// READ BINARY.
    pub(super) fn read_binary(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let (sfi, offset) = binary_parameters(command)?;
        let ef = self.open(contents, sfi, Access::Read)?;
        let file = transparent(contents, ef)?;
        let Some(rest) = file.body.get(offset..).filter(|rest| !rest.is_empty()) else {
            return refused(StatusWord::WRONG_OFFSET);
        };
        match command.le.map(usize::from) {
            Some(256) => done(rest[..rest.len().min(256)].to_vec()),
            Some(le) if le <= rest.len() => done(rest[..le].to_vec()),
            // 256 bytes and more are written as 00.
            _ => refused(StatusWord::wrong_le(u8::try_from(rest.len()).unwrap_or(0))),
        }
    }

    /// UPDATE BINARY.
    pub(super) fn update_binary(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let (sfi, offset) = binary_parameters(command)?;
        let ef = self.open(contents, sfi, Access::Update)?;
        transparent(contents, ef)?;
        let Some(file) = contents.files_mut().ef_mut(ef) else { return refused(StatusWord::NOT_FOUND) };
        if command.data.is_empty() {
            return refused(StatusWord::WRONG_LENGTH);
        }
        if offset >= file.body.len() {
            return refused(StatusWord::WRONG_OFFSET);
        }
        match file.body.get_mut(offset..offset + command.data.len()) {
            Some(target) => target.copy_from_slice(&command.data),
            None => return refused(StatusWord::WRONG_LENGTH),
        }
        stored()
    }

    /// READ RECORD.
    pub(super) fn read_record(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let ef = self.open(contents, record_sfi(command), Access::Read)?;
        let file = with_records(contents, ef)?;
        let number = self.record_number(file, command)?;
        let Some(record) = file.record(number) else { return refused(StatusWord::RECORD_NOT_FOUND) };
        let answer = cut(record.to_vec(), command)?;
        if moves_pointer(command) {
            self.record = number;
        }
        Ok(answer)
    }

    /// UPDATE RECORD. Of a cyclic file only the oldest record is overwritten, which then is the first.
    pub(super) fn update_record(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let ef = self.open(contents, record_sfi(command), Access::Update)?;
        let file = with_records(contents, ef)?;
        let length = file.record_length().unwrap_or_default();
        let cyclic = matches!(file.structure, Structure::Cyclic { .. });
        let number = match (cyclic, command.p2 & 0x07, command.p1) {
            (true, 0x03, 0x00) => file.record_count(),
            (true, ..) => return refused(StatusWord::WRONG_P1_P2),
            (false, ..) => self.record_number(file, command)?,
        };
        if command.data.len() != length {
            return refused(StatusWord::WRONG_LENGTH);
        }
        let Some(file) = contents.files_mut().ef_mut(ef) else { return refused(StatusWord::NOT_FOUND) };
        if !write_record(file, number, &command.data) {
            return refused(StatusWord::RECORD_NOT_FOUND);
        }
        if cyclic {
            self.record = 1;
        } else if moves_pointer(command) {
            self.record = number;
        }
        stored()
    }

    /// INCREASE: adds to the newest record of a cyclic file, and writes the sum as its new first record.
    pub(super) fn increase(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let sfi = match (command.p1, command.p2) {
            (0x00, 0x00) => None,
            (0x81..=0x9E, 0x00) => Some(command.p1 & 0x1F),
            _ => return refused(StatusWord::WRONG_P1_P2),
        };
        let ef = self.open(contents, sfi, Access::Increase)?;
        let file = with_records(contents, ef)?;
        if !matches!(file.structure, Structure::Cyclic { .. }) {
            return refused(StatusWord::INCOMPATIBLE_FILE);
        }
        let oldest = file.record_count();
        let Some(newest) = file.record(1) else { return refused(StatusWord::RECORD_NOT_FOUND) };
        if command.data.is_empty() || command.data.len() > newest.len() {
            return refused(StatusWord::WRONG_LENGTH);
        }
        // 9850: the sum exceeds the record (ETSI TS 102 221 10.2.1.6).
        let Some(sum) = add(newest, &command.data) else { return refused(StatusWord(0x9850)) };
        let Some(file) = contents.files_mut().ef_mut(ef) else { return refused(StatusWord::NOT_FOUND) };
        write_record(file, oldest, &sum);
        Ok(([&sum[..], &command.data].concat(), StatusWord::OK, true))
    }

    /// DEACTIVATE FILE and ACTIVATE FILE: of the selected file, or of one that the command names as SELECT does, which then
    /// is the selected one.
    pub(super) fn set_activated(
        &mut self,
        contents: &mut ProfileContents,
        command: &Command,
        active: bool,
    ) -> Executed {
        let ef = match (command.p1, command.p2, command.data.is_empty()) {
            (0x00, 0x00, true) => self.target_ef(contents.files(), None)?,
            (0x00 | 0x08 | 0x09, 0x00, false) => self.named_ef(contents.files(), command)?,
            _ => return refused(StatusWord::WRONG_P1_P2),
        };
        let access = if active { Access::Activate } else { Access::Deactivate };
        if !self.allowed(contents, ef, access) {
            return refused(StatusWord::SECURITY_STATUS);
        }
        if contents.files().node(ef).life_cycle & 0x0C == 0x0C {
            return refused(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        contents.files_mut().node_mut(ef).life_cycle = if active { 0x05 } else { DEACTIVATED };
        stored()
    }

    /// Finds the EF of a command that does not work on data objects, and checks its rule and life cycle.
    pub(super) fn open(
        &mut self,
        contents: &ProfileContents,
        sfi: Option<u8>,
        access: Access,
    ) -> Result<NodeId, (StatusWord, bool)> {
        let ef = self.target_ef(contents.files(), sfi)?;
        match contents.files().ef(ef) {
            None => refused(StatusWord::NOT_FOUND),
            Some(file) if file.structure == Structure::BerTlv => refused(StatusWord::INCOMPATIBLE_FILE),
            Some(_) => self.usable(contents, ef, access).map(|()| ef),
        }
    }

    /// Whether the rule of an EF and its life cycle allow the access.
    pub(super) fn usable(
        &self,
        contents: &ProfileContents,
        ef: NodeId,
        access: Access,
    ) -> Result<(), (StatusWord, bool)> {
        if !self.allowed(contents, ef, access) {
            return refused(StatusWord::SECURITY_STATUS);
        }
        let special = contents.files().ef(ef).map_or(0, |file| file.special);
        match contents.files().node(ef).life_cycle {
            cycle if cycle & 0x0D == DEACTIVATED && special & USABLE_WHEN_DEACTIVATED == 0 => {
                refused(StatusWord::DATA_INVALIDATED)
            }
            cycle if cycle & 0x0C == 0x0C => refused(StatusWord::CONDITIONS_NOT_SATISFIED),
            _ => Ok(()),
        }
    }

    /// The record that P1 and the mode in P2 mean: 2 next, 3 previous, 4 absolute or current.
    fn record_number(&self, file: &Ef, command: &Command) -> Result<usize, (StatusWord, bool)> {
        let count = file.record_count();
        let cyclic = matches!(file.structure, Structure::Cyclic { .. });
        let number = match (command.p2 & 0x07, command.p1) {
            (0x04, 0x00) => Some(self.record).filter(|record| *record > 0),
            (0x04, number) => Some(number.into()),
            (0x02, 0x00) if cyclic && self.record >= count => Some(1),
            (0x02, 0x00) => Some(self.record + 1),
            (0x03, 0x00) if self.record == 0 || (cyclic && self.record == 1) => Some(count),
            (0x03, 0x00) => self.record.checked_sub(1).filter(|record| *record > 0),
            _ => return refused(StatusWord::WRONG_P1_P2),
        };
        number.filter(|number| (1..=count).contains(number)).map_or_else(|| refused(StatusWord::RECORD_NOT_FOUND), Ok)
    }
}

fn moves_pointer(command: &Command) -> bool {
    matches!(command.p2 & 0x07, 0x02 | 0x03)
}

/// Short identifier in P1, or an offset of 15 bits.
fn binary_parameters(command: &Command) -> Result<(Option<u8>, usize), (StatusWord, bool)> {
    if command.p1 & 0x80 == 0 {
        return Ok((None, usize::from(command.p1) << 8 | usize::from(command.p2)));
    }
    if command.p1 & 0x60 != 0 {
        return refused(StatusWord::WRONG_P1_P2);
    }
    Ok((Some(command.p1 & 0x1F), command.p2.into()))
}

pub(super) fn record_sfi(command: &Command) -> Option<u8> {
    Some(command.p2 >> 3).filter(|sfi| *sfi != 0)
}

fn transparent(contents: &ProfileContents, ef: NodeId) -> Result<&Ef, (StatusWord, bool)> {
    match contents.files().ef(ef) {
        Some(file) if file.structure == Structure::Transparent => Ok(file),
        _ => refused(StatusWord::INCOMPATIBLE_FILE),
    }
}

pub(super) fn with_records(contents: &ProfileContents, ef: NodeId) -> Result<&Ef, (StatusWord, bool)> {
    match contents.files().ef(ef) {
        Some(file) if file.record_length().is_some() => Ok(file),
        _ => refused(StatusWord::INCOMPATIBLE_FILE),
    }
}

/// Writes a record; that of a cyclic file moves to the front.
fn write_record(file: &mut Ef, number: usize, data: &[u8]) -> bool {
    let Some(length) = file.record_length() else { return false };
    let Some(start) = number.checked_sub(1).map(|index| index * length) else { return false };
    if file.body.len() < start + length || data.len() != length {
        return false;
    }
    if matches!(file.structure, Structure::Cyclic { .. }) {
        file.body = Octets::from([data, &file.body[..start], &file.body[start + length..]].concat());
    } else {
        file.body[start..start + length].copy_from_slice(data);
    }
    true
}

/// Big-endian sum of the length of `left`; `None` on overflow.
fn add(left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    let mut sum = left.to_vec();
    let mut carry = 0u16;
    let addends = right.iter().rev().copied().chain(std::iter::repeat(0));
    for (slot, addend) in sum.iter_mut().rev().zip(addends) {
        let total = u16::from(*slot) + u16::from(addend) + carry;
        *slot = total as u8;
        carry = total >> 8;
    }
    (carry == 0).then_some(sum)
}
