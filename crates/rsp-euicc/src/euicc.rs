//! The chip: logical channels, selection by AID, and who gets which command (ETSI TS 102 221 11.1, SGP.22 5.7.1, 5.7.2).

use rsp_apdu::store_data::{self, Progress};
use rsp_apdu::{Card, Command, Response, SecureMessaging, StatusWord};
use rsp_crypto::{Provider, Randomness, Zeroizing, rust_crypto};

use crate::channel::{Channel, Selection};
use crate::isdr::{self, ISDR_AID, Session};
use crate::platform::Platform;
use crate::profile::ProfileContents;
use crate::{ECASD_AID, Error, EuiccState, StateStore, ecasd, ota, profile};

/// Answer to reset (ISO/IEC 7816-3 8, ETSI TS 102 221 6.3): T=0, global interface bytes behind T=15 whose TB carries the
/// eUICC indication, and as historical bytes the card services, the card capabilities with all logical channels, and a name.
pub const ATR: [u8; 23] = with_check_byte([
    0x3B, 0x9F, 0x96, 0x80, 0x3F, 0xC7, 0x82, 0x80, 0x31, 0xE0, 0x73, 0xFE, 0x21, 0x1F, 0x57, b'O', b'p', b'e', b'n',
    b'R', b'S', b'P', 0x00,
]);

/// Sets the last byte so that all but the first make 0 together (ISO/IEC 7816-3 8.2.5).
const fn with_check_byte(mut atr: [u8; 23]) -> [u8; 23] {
    let mut index = 1;
    while index < 22 {
        atr[22] ^= atr[index];
        index += 1;
    }
    atr
}

/// Logical channels besides the basic one.
const CHANNELS: usize = 19;
/// The beginning of every AID of an RSP security domain.
const RSP_AID_PREFIX: [u8; 7] = [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10];

/// A software eUICC.
pub struct Euicc<S> {
    platform: Platform,
    store: S,
    /// What the store holds, to go back to when it refuses.
    committed: Zeroizing<Vec<u8>>,
    session: Session,
    /// What there is while no profile is enabled.
    bare: ProfileContents,
    /// By number; the basic channel is always open.
    channels: Vec<Option<Channel>>,
}

impl<S: StateStore> Euicc<S> {
    /// An eUICC with this state, which is committed to the store unless it is what the store holds. Its cryptography is RustCrypto's.
    ///
    /// # Errors
    /// [`Error::StateContent`] when keys and certificates of the state do not belong together, [`Error::Io`] when the
    /// store refuses.
    pub fn new(state: EuiccState, store: S, randomness: Box<dyn Randomness>) -> Result<Self, Error> {
        Self::with_provider(state, store, randomness, rust_crypto())
    }

    /// The same with other cryptography.
    ///
    /// # Errors
    /// As [`Euicc::new`].
    pub fn with_provider(
        state: EuiccState,
        mut store: S,
        randomness: Box<dyn Randomness>,
        provider: &'static dyn Provider,
    ) -> Result<Self, Error> {
        let platform = Platform::new(state, provider, randomness)?;
        let committed = platform.state.to_bytes()?;
        if !store.holds(&committed) {
            store.commit(&committed).map_err(|source| Error::Io { path: "the eUICC's state".into(), source })?;
        }
        let bare = ProfileContents::without_profile();
        let mut euicc = Self { platform, store, committed, session: Session::None, bare, channels: Vec::new() };
        euicc.clear();
        Ok(euicc)
    }

    /// The state as it is now.
    pub fn state(&self) -> &EuiccState {
        &self.platform.state
    }

    /// Loses everything volatile.
    fn clear(&mut self) {
        self.session = Session::None;
        self.platform.concatenation = Default::default();
        self.channels.clear();
        self.channels.resize_with(CHANNELS + 1, || None);
        self.channels[0] = Some(Channel::default());
        for slot in &mut self.platform.state.profiles {
            slot.contents.reset_security_status();
        }
    }

    fn start(&mut self) -> Vec<u8> {
        if let Some(switch) = self.platform.toolkit.reset() {
            isdr::carry_out(&mut self.platform, &mut self.session, switch);
        }
        self.platform.switched = false;
        self.clear();
        isdr::report_interruption(&mut self.platform);
        // There is no answer that could say that this was not stored. A report is made again at the next start, a switch
        // was not made.
        let _ = self.commit();
        ATR.to_vec()
    }

    /// Writes the state if it changed. When that fails, the eUICC goes back to what is stored.
    fn commit(&mut self) -> Result<(), StatusWord> {
        if !std::mem::take(&mut self.platform.changed) {
            return Ok(());
        }
        let bytes = self.platform.state.to_bytes().ok();
        if let Some(bytes) = bytes.filter(|bytes| self.store.commit(bytes).is_ok()) {
            self.committed = bytes;
            return Ok(());
        }
        if let Ok(state) = EuiccState::from_bytes(&self.committed) {
            self.platform.state = state;
        }
        self.session = Session::None;
        self.platform.switched = false;
        Err(StatusWord::MEMORY_FAILURE)
    }

    fn process(&mut self, bytes: &[u8]) -> Response {
        let command = match Command::parse(bytes) {
            Ok(command) => command,
            Err(error) => return error.status_word().into(),
        };
        if command.class.secure_messaging != SecureMessaging::None {
            return StatusWord::SECURE_MESSAGING_NOT_SUPPORTED.into();
        }
        if command.class.chaining {
            return StatusWord::CHAINING_NOT_SUPPORTED.into();
        }
        let number = usize::from(command.class.channel);
        let Some(mut channel) = self.channels.get_mut(number).and_then(Option::take) else {
            return StatusWord::CHANNEL_NOT_SUPPORTED.into();
        };
        if command.ins == 0xC0 {
            let response = channel.get_response(&command);
            self.channels[number] = Some(channel);
            return self.platform.toolkit.announce(response);
        }
        channel.discard();
        let mut response = self.dispatch(&mut channel, &command);
        if let Err(sw) = self.commit() {
            response = sw.into();
        }
        if !command.data.is_empty() {
            response = channel.deliver(response);
        }
        self.channels[number] = Some(channel);
        if std::mem::take(&mut self.platform.switched) {
            self.restart_profile();
        }
        if (command.ins, command.class.proprietary) == (0x70, false) {
            response = self.manage_channel(&command);
        }
        self.platform.toolkit.announce(response)
    }

    /// Another profile is enabled, or none: the basic channel has its MF selected, channels to the former are closed, and
    /// nothing of it is verified any more (SGP.22 5.7.16). Channels to the security domains of RSP stay.
    fn restart_profile(&mut self) {
        for (number, place) in self.channels.iter_mut().enumerate() {
            let Some(channel) = place else { continue };
            match channel.selection {
                _ if number == 0 => channel.restart(),
                Selection::Profile => *place = None,
                Selection::Isdr | Selection::Ecasd => {}
            }
        }
        // Parts of a message to the former profile are of no use to this one.
        self.platform.concatenation = Default::default();
        for slot in &mut self.platform.state.profiles {
            slot.contents.reset_security_status();
        }
    }

    fn dispatch(&mut self, channel: &mut Channel, command: &Command) -> Response {
        match (command.ins, command.class.proprietary) {
            // Answered once the channel is back in its place.
            (0x70, false) => StatusWord::OK.into(),
            (0xA4, false) if command.p1 == 0x04 => self.select(channel, command),
            (0xC2, true) if command.data.first() == Some(&ota::SMS_PP_DOWNLOAD) => {
                ota::sms_pp(&mut self.platform, &command.data)
            }
            (0xAA, true) => self.platform.toolkit.terminal_capability(command),
            (0x10, true) => self.platform.toolkit.terminal_profile(command),
            (0x12, true) => self.platform.toolkit.fetch(command),
            (0x14, true) => self.terminal_response(command),
            _ => match channel.selection {
                Selection::Profile => self.ask_profile(channel, command),
                Selection::Isdr if (command.ins, command.class.proprietary) == (store_data::INS, true) => {
                    self.store_data(channel, command)
                }
                // A file of the profile: whoever used the basic channel for the ISD-R finds the way back to the MF.
                Selection::Isdr | Selection::Ecasd if (command.ins, command.class.proprietary) == (0xA4, false) => {
                    self.select_in_profile(channel, command)
                }
                Selection::Isdr | Selection::Ecasd => StatusWord::INSTRUCTION_NOT_SUPPORTED.into(),
            },
        }
    }

    /// SELECT by AID. The security domains of RSP are selected by their whole AID; ISD-Ps not at all.
    fn select(&mut self, channel: &mut Channel, command: &Command) -> Response {
        let aid = command.data.as_slice();
        if !aid.starts_with(&RSP_AID_PREFIX) {
            return self.select_in_profile(channel, command);
        }
        let (selection, fci) = match () {
            () if aid == ISDR_AID => (Selection::Isdr, isdr::fci()),
            () if aid == ECASD_AID => (Selection::Ecasd, ecasd::fci()),
            () => return StatusWord::NOT_FOUND.into(),
        };
        match command.p2 {
            0x00 | 0x04 | 0x0C => {}
            _ => return StatusWord::WRONG_P1_P2.into(),
        }
        channel.selection = selection;
        channel.assembler.clear();
        if command.p2 == 0x0C { StatusWord::OK.into() } else { Response::ok(fci) }
    }

    /// SELECT of something that is the profile's: the channel leaves the security domain if it is there.
    fn select_in_profile(&mut self, channel: &mut Channel, command: &Command) -> Response {
        let response = self.ask_profile(channel, command);
        if response.sw.is_success() || response.sw.sw1() == 0x61 {
            channel.selection = Selection::Profile;
            channel.assembler.clear();
        }
        response
    }

    fn store_data(&mut self, channel: &mut Channel, command: &Command) -> Response {
        match channel.assembler.push(command.p1, command.p2, &command.data) {
            Err(sw) => sw.into(),
            Ok(Progress::More) => StatusWord::OK.into(),
            Ok(Progress::Complete { request, wants_answer }) => {
                match isdr::process(&mut self.platform, &mut self.session, &request) {
                    Ok(answer) if wants_answer => Response::ok(answer),
                    Ok(_) => StatusWord::OK.into(),
                    Err(sw) => sw.into(),
                }
            }
        }
    }

    /// TERMINAL RESPONSE: after a REFRESH that was carried out, the switch that waited for it is made.
    fn terminal_response(&mut self, command: &Command) -> Response {
        match self.platform.toolkit.terminal_response(command) {
            Ok(switch) => {
                if let Some(switch) = switch {
                    isdr::carry_out(&mut self.platform, &mut self.session, switch);
                }
                StatusWord::OK.into()
            }
            Err(sw) => sw.into(),
        }
    }

    /// Whatever is not for a security domain is for the enabled profile.
    fn ask_profile(&mut self, channel: &mut Channel, command: &Command) -> Response {
        let Platform { state, randomness, changed, .. } = &mut self.platform;
        let mut nothing_to_keep = false;
        let (contents, changed) = match state.profiles.iter_mut().find(|slot| slot.enabled) {
            Some(slot) => (&mut slot.contents, changed),
            None => (&mut self.bare, &mut nothing_to_keep),
        };
        profile::process(&mut channel.session, contents, command, &mut **randomness, changed)
    }

    /// A new channel: from the basic one with the MF selected, from another with what is selected there.
    fn channel_from(&self, command: &Command) -> Channel {
        let parent = self.channels.get(usize::from(command.class.channel)).and_then(Option::as_ref);
        match parent.filter(|parent| command.class.channel != 0 && parent.selection == Selection::Profile) {
            Some(parent) => Channel::with_session(parent.session.inherited()),
            None => Channel::default(),
        }
    }

    /// MANAGE CHANNEL (ETSI TS 102 221 11.1.17).
    fn manage_channel(&mut self, command: &Command) -> Response {
        if !command.data.is_empty() {
            return StatusWord::WRONG_LENGTH.into();
        }
        let wanted = usize::from(command.p2);
        match (command.p1, wanted) {
            (0x00, 0) => {
                let Some(number) = self.channels.iter().position(Option::is_none) else {
                    return StatusWord::FUNCTION_NOT_SUPPORTED.into();
                };
                let Ok(byte) = u8::try_from(number) else { return StatusWord::NO_DIAGNOSIS.into() };
                match command.le {
                    // Without Le, P3 is 00 on the wire of T=0.
                    Some(1 | 256) | None => {}
                    Some(_) => return StatusWord::wrong_le(1).into(),
                }
                self.channels[number] = Some(self.channel_from(command));
                Response::ok(vec![byte])
            }
            (0x00, 1..=CHANNELS) if self.channels[wanted].is_none() => {
                self.channels[wanted] = Some(self.channel_from(command));
                StatusWord::OK.into()
            }
            (0x80, 0..=CHANNELS) => {
                let number = if wanted == 0 { usize::from(command.class.channel) } else { wanted };
                match (number, self.channels[number].is_some()) {
                    (0, _) => StatusWord::WRONG_P1_P2.into(),
                    (_, true) => {
                        self.channels[number] = None;
                        StatusWord::OK.into()
                    }
                    (_, false) => StatusWord::CHANNEL_NOT_SUPPORTED.into(),
                }
            }
            _ => StatusWord::WRONG_P1_P2.into(),
        }
    }
}

impl<S: StateStore> Card for Euicc<S> {
    fn power_on(&mut self) -> Vec<u8> {
        self.start()
    }

    fn reset(&mut self) -> Vec<u8> {
        self.start()
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        self.process(command).to_bytes()
    }
}
