//! VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (ETSI TS 102 221 11.1.9 to 11.1.13).

use rsp_apdu::{Command, StatusWord};

use super::codes::{Codes, Refused};
use super::{Executed, Session, refused, stored};
use crate::interpreter::ProfileContents;

impl Session {
    /// VERIFY PIN; without data it tells the attempts that are left.
    pub(super) fn verify_pin(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let place = self.place(contents, command)?;
        match command.data.len() {
            0 => {
                let left = contents.codes().attempts_left(place);
                let sw = if left == 0 { StatusWord::BLOCKED } else { StatusWord::verification_failed(left) };
                refused(sw)
            }
            8 => answer(contents.codes_mut().verify(place, &command.data)),
            _ => refused(StatusWord::WRONG_LENGTH),
        }
    }

    /// CHANGE PIN: the old one, then the new one.
    pub(super) fn change_pin(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        self.with_two_codes(contents, command, Codes::change)
    }

    /// DISABLE PIN and ENABLE PIN. Replacing a PIN by the universal PIN (P1 81) is not supported.
    pub(super) fn set_pin_enabled(
        &mut self,
        contents: &mut ProfileContents,
        command: &Command,
        enable: bool,
    ) -> Executed {
        let place = self.place(contents, command)?;
        if command.data.len() != 8 {
            return refused(StatusWord::WRONG_LENGTH);
        }
        answer(contents.codes_mut().set_enabled(place, &command.data, enable))
    }

    /// UNBLOCK PIN: the PUK, then a new PIN; without data it tells the attempts that are left.
    pub(super) fn unblock_pin(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        if !command.data.is_empty() {
            return self.with_two_codes(contents, command, Codes::unblock);
        }
        let place = self.place(contents, command)?;
        refused(match contents.codes().unblock_attempts_left(place) {
            None => StatusWord::REFERENCED_DATA_NOT_FOUND,
            Some(0) => StatusWord::BLOCKED,
            Some(left) => StatusWord::verification_failed(left),
        })
    }

    fn with_two_codes(
        &mut self,
        contents: &mut ProfileContents,
        command: &Command,
        operation: impl FnOnce(&mut Codes, usize, &[u8], &[u8]) -> Result<(), Refused>,
    ) -> Executed {
        let place = self.place(contents, command)?;
        match command.data.split_at_checked(8) {
            Some((first, second)) if second.len() == 8 => answer(operation(contents.codes_mut(), place, first, second)),
            _ => refused(StatusWord::WRONG_LENGTH),
        }
    }

    /// The PIN that P2 names in the current DF.
    fn place(&self, contents: &ProfileContents, command: &Command) -> Result<usize, (StatusWord, bool)> {
        if command.p1 != 0 {
            return refused(StatusWord::WRONG_P1_P2);
        }
        contents.pin(self.current_df(), command.p2).map_or_else(|| refused(StatusWord::REFERENCED_DATA_NOT_FOUND), Ok)
    }
}

/// The status word; a counted attempt must be stored like a success.
fn answer(result: Result<(), Refused>) -> Executed {
    match result {
        Ok(()) => stored(),
        Err(Refused::Wrong { left }) => Err((StatusWord::verification_failed(left), true)),
        Err(Refused::Blocked) => refused(StatusWord::BLOCKED),
        Err(Refused::Unknown) => refused(StatusWord::REFERENCED_DATA_NOT_FOUND),
        Err(Refused::WrongState) => refused(StatusWord::DATA_INVALIDATED),
        Err(Refused::NotAllowed) => refused(StatusWord::CONDITIONS_NOT_SATISFIED),
        Err(Refused::BadFormat) => refused(StatusWord::WRONG_DATA),
    }
}
