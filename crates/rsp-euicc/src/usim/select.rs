//! SELECT and STATUS (ETSI TS 102 221 11.1.1 and 11.1.2).

use rsp_apdu::{Command, StatusWord};

use super::{Executed, Session, cut, done, refused};
use crate::fs::{CURRENT_ADF, FileSystem, MF, NodeId, fcp};
use crate::interpreter::ProfileContents;

/// Life cycle status of a deactivated file.
pub(super) const DEACTIVATED: u8 = 0x04;

impl Session {
    /// SELECT by file identifier, path or AID.
    pub(super) fn select(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        if command.p2 & 0x80 != 0 {
            return refused(StatusWord::WRONG_P1_P2);
        }
        let fs = contents.files();
        let data = &command.data[..];
        let target = match command.p1 {
            0x00 if data.is_empty() => Some(NodeId::MF),
            0x00 => self.by_file_id(fs, file_id(data)?),
            0x01 => fs.child(self.df, file_id(data)?).filter(|id| fs.df(*id).is_some()),
            0x02 => fs.child(self.df, file_id(data)?).filter(|id| fs.df(*id).is_none()),
            0x03 if data.is_empty() => fs.node(self.df).parent,
            0x04 => return self.select_application(contents, command),
            0x08 => self.by_path(fs, NodeId::MF, path(data)?),
            0x09 => self.by_path(fs, self.df, path(data)?),
            _ => return refused(StatusWord::WRONG_P1_P2),
        };
        let Some(target) = target else { return refused(StatusWord::NOT_FOUND) };
        let answer = selection_answer(contents, target, command)?;
        self.set_current(contents.files(), target);
        Ok(answer)
    }

    /// SELECT by AID, whole or partial; P2 says which of several, and can end the application.
    fn select_application(&mut self, contents: &ProfileContents, command: &Command) -> Executed {
        let fs = contents.files();
        if command.data.is_empty() || command.data.len() > 16 {
            return refused(StatusWord::NOT_FOUND);
        }
        let matching: Vec<NodeId> = fs.applications(&command.data).collect();
        let current = matching.iter().position(|id| Some(*id) == self.application);
        let target = match (command.p2 & 0x03, current) {
            (0x00, _) => matching.first(),
            (0x01, _) => matching.last(),
            (0x02, current) => matching.get(current.map_or(0, |at| at + 1)),
            (_, current) => current.and_then(|at| at.checked_sub(1)).and_then(|at| matching.get(at)),
        };
        let Some(target) = target.copied() else { return refused(StatusWord::NOT_FOUND) };
        let answer = selection_answer(contents, target, command)?;
        self.set_current(fs, target);
        if command.p2 & 0x60 == 0x40 {
            // The application ends; the MF is selected (ETSI TS 102 221 8.5.1.3).
            *self = Self::new();
        }
        Ok(answer)
    }

    /// STATUS: what is selected.
    pub(super) fn status(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        match (command.p1, command.p2) {
            (0x00..=0x02, 0x00) => cut(file_control_parameters(contents, self.df), command),
            (0x00..=0x02, 0x01) => {
                let Some(aid) = self.application_aid(contents) else {
                    return refused(StatusWord::REFERENCED_DATA_NOT_FOUND);
                };
                let mut answer = vec![0x84, u8::try_from(aid.len()).unwrap_or(0)];
                answer.extend_from_slice(aid);
                cut(answer, command)
            }
            (0x00..=0x02, 0x0C) => done(Vec::new()),
            _ => refused(StatusWord::WRONG_P1_P2),
        }
    }

    /// The EF that a command works on: the one with the short identifier in its parameters, or the selected one.
    pub(super) fn target_ef(&mut self, fs: &FileSystem, sfi: Option<u8>) -> Result<NodeId, (StatusWord, bool)> {
        let Some(sfi) = sfi else {
            return self.ef.map_or_else(|| refused(StatusWord::COMMAND_NOT_ALLOWED), Ok);
        };
        let Some(ef) = fs.by_sfi(self.df, sfi) else { return refused(StatusWord::NOT_FOUND) };
        if self.ef != Some(ef) {
            self.record = 0;
        }
        self.ef = Some(ef);
        Ok(ef)
    }

    /// The EF that a command names by identifier or path; it is selected then.
    pub(super) fn named_ef(&mut self, fs: &FileSystem, command: &Command) -> Result<NodeId, (StatusWord, bool)> {
        let named = match command.p1 {
            0x00 => self.by_file_id(fs, file_id(&command.data)?),
            0x08 => self.by_path(fs, NodeId::MF, path(&command.data)?),
            _ => self.by_path(fs, self.df, path(&command.data)?),
        };
        let Some(ef) = named.filter(|id| fs.df(*id).is_none()) else { return refused(StatusWord::NOT_FOUND) };
        self.set_current(fs, ef);
        Ok(ef)
    }

    /// The DF whose rules and PINs apply.
    pub(super) fn current_df(&self) -> NodeId {
        self.df
    }

    /// The application that is active, while its ADF or a DF below it is the current directory: only then can its keys be
    /// used (3GPP TS 31.102 7.1.1.1).
    pub(super) fn application_here(&self, fs: &FileSystem) -> Option<NodeId> {
        self.application.filter(|application| fs.ancestors(self.df).any(|df| df == *application))
    }

    /// Where a file identifier is searched (ETSI TS 102 221 8.4.1).
    fn by_file_id(&self, fs: &FileSystem, file_id: u16) -> Option<NodeId> {
        match file_id {
            MF => return Some(NodeId::MF),
            CURRENT_ADF => return self.application,
            _ => {}
        }
        let is_df = |id: &NodeId| fs.df(*id).is_some();
        let parent = fs.node(self.df).parent;
        let own = Some(self.df).filter(|id| fs.node(*id).file_id == file_id && !fs.is_adf(*id));
        let above = parent.filter(|id| fs.node(*id).file_id == file_id && !fs.is_adf(*id));
        let sibling = || fs.child(parent?, file_id).filter(is_df);
        let in_application = || fs.child(self.application?, file_id).filter(is_df);
        let in_mf = || fs.child(NodeId::MF, file_id).filter(is_df);
        fs.child(self.df, file_id).or(own).or(above).or_else(sibling).or_else(in_application).or_else(in_mf)
    }

    fn by_path(&self, fs: &FileSystem, from: NodeId, path: Vec<u16>) -> Option<NodeId> {
        let (from, rest) = match path.split_first() {
            Some((&MF, rest)) => (NodeId::MF, rest),
            Some((&CURRENT_ADF, rest)) => (self.application?, rest),
            _ => (from, &path[..]),
        };
        rest.iter().try_fold(from, |df, file_id| fs.child(df, *file_id))
    }

    fn set_current(&mut self, fs: &FileSystem, target: NodeId) {
        self.record = 0;
        if fs.df(target).is_some() {
            self.df = target;
            self.ef = None;
        } else {
            self.df = fs.node(target).parent.unwrap_or(NodeId::MF);
            self.ef = Some(target);
        }
        if fs.is_adf(target) {
            self.application = Some(target);
        }
    }
}

fn selection_answer(contents: &ProfileContents, target: NodeId, command: &Command) -> Executed {
    let data = match command.p2 & 0x1C {
        0x0C => Vec::new(),
        0x00 | 0x04 => file_control_parameters(contents, target),
        _ => return refused(StatusWord::WRONG_P1_P2),
    };
    let deactivated = contents.files().node(target).life_cycle & 0x0D == DEACTIVATED;
    let sw = if deactivated { StatusWord::FILE_INVALIDATED } else { StatusWord::OK };
    Ok((data, sw, false))
}

fn file_control_parameters(contents: &ProfileContents, target: NodeId) -> Vec<u8> {
    fcp::template(contents.files(), target, &|reference| contents.pin_is_enabled(target, reference))
}

fn file_id(data: &[u8]) -> Result<u16, (StatusWord, bool)> {
    match data {
        [high, low] => Ok(u16::from_be_bytes([*high, *low])),
        _ => refused(StatusWord::WRONG_LENGTH),
    }
}

fn path(data: &[u8]) -> Result<Vec<u16>, (StatusWord, bool)> {
    if data.is_empty() || !data.len().is_multiple_of(2) {
        return refused(StatusWord::WRONG_LENGTH);
    }
    Ok(data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}
