//! A logical channel: what is selected on it, and what waits to be fetched (ETSI TS 102 221 7.3.1.1, 11.1.17).

use rsp_apdu::store_data::Assembler;
use rsp_apdu::{Command, Response, StatusWord};

use crate::usim;

/// What a channel talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The enabled profile, or the bare MF when there is none.
    Profile,
    /// The ISD-R.
    Isdr,
    /// The ECASD.
    Ecasd,
}

/// The state of one open channel.
pub(crate) struct Channel {
    pub(crate) selection: Selection,
    /// What is selected and verified in the profile.
    pub(crate) session: usim::Session,
    /// An unfinished STORE DATA chain.
    pub(crate) assembler: Assembler,
    /// Answer data that GET RESPONSE has not fetched yet.
    waiting: Vec<u8>,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            selection: Selection::Profile,
            session: usim::Session::default(),
            assembler: Assembler::default(),
            waiting: Vec::new(),
        }
    }
}

impl Channel {
    /// A channel that begins where another one is.
    pub(crate) fn with_session(session: usim::Session) -> Self {
        Self { session, ..Self::default() }
    }

    /// The MF of another profile is selected, and nothing else. What waits to be fetched still does: it may be the answer to
    /// the command that enabled it.
    pub(crate) fn restart(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        *self = Self { waiting, ..Self::default() };
    }

    /// Puts answer data of a command with a data field aside: 61xx, or the warning that goes with it, and GET RESPONSE
    /// fetches it (ETSI TS 102 221 7.3.1.1.4).
    pub(crate) fn deliver(&mut self, response: Response) -> Response {
        let warning = matches!(response.sw.sw1(), 0x62 | 0x63);
        if response.data.is_empty() || !(warning || response.sw.is_success()) {
            return response;
        }
        self.waiting = response.data;
        Response::status(if warning { response.sw } else { StatusWord::more_data(self.waiting.len()) })
    }

    /// Forgets what waits: every command but GET RESPONSE does.
    pub(crate) fn discard(&mut self) {
        self.waiting.clear();
    }

    /// GET RESPONSE: up to Le bytes, 61xx while there are more. Le = 00 takes what there is.
    pub(crate) fn get_response(&mut self, command: &Command) -> Response {
        if (command.p1, command.p2) != (0, 0) {
            return StatusWord::WRONG_P1_P2.into();
        }
        let Some(le) = command.le.map(usize::from) else { return StatusWord::WRONG_LENGTH.into() };
        if self.waiting.is_empty() {
            return StatusWord::CONDITIONS_NOT_SATISFIED.into();
        }
        let length = self.waiting.len();
        if le > length && le != 256 {
            // At most 255 bytes can wait here, since Le is more and is below 256.
            return StatusWord::wrong_le(u8::try_from(length).unwrap_or(0)).into();
        }
        let rest = self.waiting.split_off(le.min(length));
        let data = std::mem::replace(&mut self.waiting, rest);
        let sw = match self.waiting.len() {
            0 => StatusWord::OK,
            left => StatusWord::more_data(left),
        };
        Response { data, sw }
    }
}
