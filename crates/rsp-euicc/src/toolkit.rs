//! The card application toolkit, as far as an eUICC without applets has one: what the terminal says that it can do, and one
//! proactive command, REFRESH after a switch of profiles (ETSI TS 102 223, ETSI TS 102 221 7.4.2 and 11.2, SGP.22 5.7.16).
//!
//! All of it is volatile. A reset forgets what the terminal said, and a switch that waits for its REFRESH was not made: it
//! is carried out and stored in one step when the terminal reports success, or by the reset that a REFRESH in the mode
//! UICC Reset asks for, and never in halves.
//!
//! # What depends on the terminal
//! * TERMINAL PROFILE with REFRESH (byte 3, bit 8): EnableProfile and DisableProfile with refreshFlag, and an
//!   eUICCMemoryReset that removes the enabled profile, wait for REFRESH. Without it, and without any TERMINAL PROFILE, as
//!   programs on a reader behave, the switch is made at once.
//! * TERMINAL PROFILE with REFRESH in the mode eUICC Profile State Change (byte 34, bit 6) decides between this mode and
//!   UICC Reset.
//! * TERMINAL CAPABILITY with the eUICC related capabilities (tag 83): bit 1 (LUId) opens ES10c, bit 2 (LPDd) ES10b, bit 3
//!   (LDSd) ES10a. A terminal that sends no TERMINAL CAPABILITY, or one without this object, gets every function: many say
//!   nothing and expect everything. SELECT is never refused.
//! * Power supply (80), extended logical channels (81), additional interfaces (82) and the IoT Profile Assistant (84) are
//!   read and change nothing: all channels and functions are there anyway.

use rsp_apdu::{Command, Response, StatusWord};
use rsp_asn1::tlv;

/// The function group of ES10 that a terminal must show an assistant for (SGP.22 3.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Es10 {
    /// Discovery: LDSd.
    A,
    /// Download: LPDd.
    B,
    /// The user's hand on profiles: LUId.
    C,
}

/// What waits for the terminal's REFRESH. Profiles are named by ISD-P AID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Switch {
    /// EnableProfile.
    Enable([u8; 16]),
    /// DisableProfile of whatever is enabled.
    Disable,
    /// eUICCMemoryReset.
    MemoryReset {
        /// The profiles that go.
        going: Vec<[u8; 16]>,
        /// Whether the default SM-DP+ address goes back to that of the factory.
        resets_address: bool,
    },
}

/// A proactive session: from the answer 91xx to TERMINAL RESPONSE.
struct Refresh {
    mode: Mode,
    number: u8,
    fetched: bool,
    switch: Switch,
}

/// Command qualifier of REFRESH (ETSI TS 102 223 8.6).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    UiccReset = 0x04,
    EuiccProfileStateChange = 0x09,
}

/// What the terminal said since the last reset, and what it still has to do.
#[derive(Default)]
pub(crate) struct Toolkit {
    /// TERMINAL PROFILE, ETSI TS 102 223 5.2.
    profile: Vec<u8>,
    /// Tag 83 of TERMINAL CAPABILITY.
    assistants: Option<u8>,
    refresh: Option<Refresh>,
    /// The number of the next proactive command.
    next_number: u8,
}

impl Toolkit {
    /// Whether the terminal carries out REFRESH.
    pub(crate) fn has_refresh(&self) -> bool {
        self.shows(3, 8)
    }

    /// Whether a proactive session is open. The eUICC ends none by itself.
    pub(crate) fn is_busy(&self) -> bool {
        self.refresh.is_some()
    }

    /// What is to be made after the REFRESH that is awaited.
    pub(crate) fn awaited(&self) -> Option<&Switch> {
        self.refresh.as_ref().map(|refresh| &refresh.switch)
    }

    /// A bit of the terminal profile; bytes and bits count from 1, and what was not sent is 0.
    fn shows(&self, byte: usize, bit: u32) -> bool {
        self.profile.get(byte - 1).is_some_and(|byte| byte & (1 << (bit - 1)) != 0)
    }

    /// Asks for a REFRESH, after which the switch is made.
    pub(crate) fn ask_for_refresh(&mut self, switch: Switch) {
        let mode = if self.shows(34, 6) { Mode::EuiccProfileStateChange } else { Mode::UiccReset };
        // 01 to FE (ETSI TS 102 223 8.6).
        let number = self.next_number % 0xFE + 1;
        self.next_number = number;
        self.refresh = Some(Refresh { mode, number, fetched: false, switch });
    }

    /// A reset: everything is forgotten. The answer is a switch that the reset completes, since the terminal was told to
    /// make one.
    pub(crate) fn reset(&mut self) -> Option<Switch> {
        let refresh = std::mem::take(self).refresh?;
        (refresh.fetched && refresh.mode == Mode::UiccReset).then_some(refresh.switch)
    }

    /// Whether the terminal has the assistant that calls these functions.
    pub(crate) fn offers(&self, group: Es10) -> bool {
        let bit = match group {
            Es10::C => 0x01,
            Es10::B => 0x02,
            Es10::A => 0x04,
        };
        self.assistants.is_none_or(|assistants| assistants & bit != 0)
    }

    /// TERMINAL PROFILE (ETSI TS 102 221 11.2.1).
    pub(crate) fn terminal_profile(&mut self, command: &Command) -> Response {
        if (command.p1, command.p2) != (0, 0) {
            return StatusWord::WRONG_P1_P2.into();
        }
        self.profile.clone_from(&command.data);
        StatusWord::OK.into()
    }

    /// TERMINAL CAPABILITY (ETSI TS 102 221 11.1.19, SGP.22 3.4.2). What cannot be read inside says nothing.
    pub(crate) fn terminal_capability(&mut self, command: &Command) -> Response {
        if (command.p1, command.p2) != (0, 0) {
            return StatusWord::WRONG_P1_P2.into();
        }
        let Ok((template, [])) = tlv::first(&command.data) else { return StatusWord::WRONG_DATA.into() };
        if template.tag() != [0xA9] {
            return StatusWord::WRONG_DATA.into();
        }
        let objects = template.children().map_while(Result::ok);
        let euicc = objects.filter(|object| object.tag() == [0x83]).find_map(|object| object.value().first().copied());
        self.assistants = euicc;
        StatusWord::OK.into()
    }

    /// The status word of an answer: 91xx instead of 9000 while a command waits to be fetched.
    pub(crate) fn announce(&self, response: Response) -> Response {
        match &self.refresh {
            Some(refresh) if !refresh.fetched && response.sw == StatusWord::OK => {
                let length = u16::try_from(refresh.command().len()).unwrap_or(0);
                Response { sw: StatusWord(0x9100 | length), ..response }
            }
            _ => response,
        }
    }

    /// FETCH (ETSI TS 102 221 11.2.3).
    pub(crate) fn fetch(&mut self, command: &Command) -> Response {
        if (command.p1, command.p2) != (0, 0) {
            return StatusWord::WRONG_P1_P2.into();
        }
        let Some(refresh) = self.refresh.as_mut().filter(|refresh| !refresh.fetched) else {
            return StatusWord::CONDITIONS_NOT_SATISFIED.into();
        };
        let data = refresh.command();
        match command.le.map(usize::from) {
            Some(le) if le == data.len() || le == 256 => {
                refresh.fetched = true;
                Response::ok(data)
            }
            Some(_) => StatusWord::wrong_le(u8::try_from(data.len()).unwrap_or(0)).into(),
            None => StatusWord::WRONG_LENGTH.into(),
        }
    }

    /// TERMINAL RESPONSE (ETSI TS 102 221 11.2.4, ETSI TS 102 223 6.8): ends the session. A switch comes out when the
    /// terminal carried out the command.
    ///
    /// # Errors
    /// 6985 when no command was fetched; 6A80 when the answer is not one to it, which leaves the session open.
    pub(crate) fn terminal_response(&mut self, command: &Command) -> Result<Option<Switch>, StatusWord> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::WRONG_P1_P2);
        }
        let refresh = self.refresh.take_if(|refresh| refresh.fetched).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        match refresh.result(&command.data) {
            // 0X: performed, whatever the remark (ETSI TS 102 223 8.12).
            Some(result) => Ok((result < 0x10).then_some(refresh.switch)),
            None => {
                self.refresh = Some(refresh);
                Err(StatusWord::WRONG_DATA)
            }
        }
    }
}

impl Refresh {
    /// The command: details, and from the UICC to the terminal (ETSI TS 102 223 6.6.13).
    fn command(&self) -> Vec<u8> {
        let mut content = Vec::new();
        tlv::write(&mut content, &[0x81], &[self.number, 0x01, self.mode as u8]);
        tlv::write(&mut content, &[0x82], &[0x81, 0x82]);
        let mut command = Vec::new();
        tlv::write(&mut command, &[0xD0], &content);
        command
    }

    /// The general result in an answer to this command. The comprehension bit of tags does not matter.
    fn result(&self, answer: &[u8]) -> Option<u8> {
        let mut objects = Vec::new();
        let mut rest = answer;
        while !rest.is_empty() {
            let (object, behind) = tlv::first(rest).ok()?;
            objects.push((object.tag().first()? & 0x7F, object.value()));
            rest = behind;
        }
        let value = |tag| objects.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value);
        let ours = value(0x01)? == [self.number, 0x01, self.mode as u8];
        ours.then(|| value(0x03)?.first().copied()).flatten()
    }
}
