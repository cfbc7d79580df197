//! Remote file management: commands on the files of the profile (ETSI TS 102 226 7).
//!
//! The commands that change PINs are not here: a code that is verified over the air would count for the terminal too.
//! Nor are those that create, delete or resize files.

use rsp_apdu::{Command, Response, StatusWord};
use rsp_crypto::Randomness;

use super::script;
use crate::fs::NodeId;
use crate::interpreter::ProfileContents;
use crate::registry::FileManagement;
use crate::usim::{RemoteAccess, Session};

/// The files that one instance manages, while a script runs.
#[derive(Clone)]
pub(super) struct RemoteFiles {
    session: Session,
}

impl RemoteFiles {
    /// Begins at the ADF that the instance manages, or at the MF. `None` when the profile has no such ADF.
    pub(super) fn of(instance: &FileManagement, contents: &ProfileContents) -> Option<Self> {
        let adf = match &instance.adf {
            None => None,
            Some((aid, access)) => Some((find_adf(contents, aid)?, access.clone())),
        };
        let access = RemoteAccess { shared_files: instance.shared_files.clone(), adf };
        Some(Self { session: Session::remote(access) })
    }

    /// Carries out one command; `changed` is set when a file is another than before.
    pub(super) fn execute(
        &mut self,
        contents: &mut ProfileContents,
        command: &Command,
        randomness: &mut dyn Randomness,
        changed: &mut bool,
    ) -> Response {
        if !script::is_on_no_channel(command.class) {
            return StatusWord::CHANNEL_NOT_SUPPORTED.into();
        }
        match command.ins {
            // Each instance has one ADF, where it begins.
            0xA4 if command.p1 == 0x04 => return StatusWord::WRONG_P1_P2.into(),
            // SELECT, READ and UPDATE BINARY and RECORD, SEARCH RECORD, INCREASE, DEACTIVATE and ACTIVATE FILE, RETRIEVE and
            // SET DATA.
            0xA4 | 0xB0 | 0xD6 | 0xB2 | 0xDC | 0xA2 | 0x32 | 0x04 | 0x44 | 0xCB | 0xDB => {}
            _ => return StatusWord::INSTRUCTION_NOT_SUPPORTED.into(),
        }
        let answer = self.session.process(contents, command, randomness);
        *changed |= answer.changed;
        answer.response
    }
}

/// The ADF whose AID this is, or whose AID begins with it.
fn find_adf(contents: &ProfileContents, aid: &[u8]) -> Option<NodeId> {
    contents.files().applications(aid).next()
}
