//! Status words (ISO/IEC 7816-4 5.6, ETSI TS 102 221 10.2).

use std::fmt;

/// The two bytes SW1 SW2 that end every answer of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// 9000: done.
    pub const OK: Self = Self(0x9000);
    /// 6200: done, with a warning that says nothing more.
    pub const WARNING: Self = Self(0x6200);
    /// 6283: the selected file is invalidated.
    pub const FILE_INVALIDATED: Self = Self(0x6283);
    /// 6581: non-volatile memory could not be written.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// 6700: wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// 6881: the logical channel is not supported or not open.
    pub const CHANNEL_NOT_SUPPORTED: Self = Self(0x6881);
    /// 6882: secure messaging is not supported.
    pub const SECURE_MESSAGING_NOT_SUPPORTED: Self = Self(0x6882);
    /// 6884: command chaining by the class byte is not supported.
    pub const CHAINING_NOT_SUPPORTED: Self = Self(0x6884);
    /// 6981: the command does not fit the structure of the file.
    pub const INCOMPATIBLE_FILE: Self = Self(0x6981);
    /// 6982: the security status does not allow it.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// 6983: the authentication method or PIN is blocked.
    pub const BLOCKED: Self = Self(0x6983);
    /// 6984: the referenced data are invalidated.
    pub const DATA_INVALIDATED: Self = Self(0x6984);
    /// 6985: the conditions of use are not satisfied.
    pub const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// 6986: the command is not allowed, as no elementary file is selected.
    pub const COMMAND_NOT_ALLOWED: Self = Self(0x6986);
    /// 6A80: the data field is wrong.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// 6A81: the function is not supported.
    pub const FUNCTION_NOT_SUPPORTED: Self = Self(0x6A81);
    /// 6A82: no such file or application.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// 6A83: no such record.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
    /// 6A84: not enough memory.
    pub const NOT_ENOUGH_MEMORY: Self = Self(0x6A84);
    /// 6A86: P1 or P2 is wrong.
    pub const WRONG_P1_P2: Self = Self(0x6A86);
    /// 6A88: the referenced data do not exist.
    pub const REFERENCED_DATA_NOT_FOUND: Self = Self(0x6A88);
    /// 6B00: the offset given by P1 and P2 lies outside the file.
    pub const WRONG_OFFSET: Self = Self(0x6B00);
    /// 6D00: the instruction is not supported.
    pub const INSTRUCTION_NOT_SUPPORTED: Self = Self(0x6D00);
    /// 6E00: the class is not supported.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x6E00);
    /// 6F00: the card failed and gives no reason.
    pub const NO_DIAGNOSIS: Self = Self(0x6F00);
    /// 9862: the network's authentication code is wrong (TS 31.102 7.3).
    pub const INCORRECT_MAC: Self = Self(0x9862);

    /// 61xx: `available` bytes wait for GET RESPONSE; 256 and more are written as 00.
    pub fn more_data(available: usize) -> Self {
        Self(0x6100 | u16::from(u8::try_from(available).unwrap_or(0)))
    }

    /// 6Cxx: the same command is to be sent again with this `Le`.
    pub fn wrong_le(exact: u8) -> Self {
        Self(0x6C00 | u16::from(exact))
    }

    /// 63Cx: verification failed, `retries` attempts are left (at most 15 are shown).
    pub fn verification_failed(retries: u8) -> Self {
        Self(0x63C0 | u16::from(retries.min(15)))
    }

    /// The first byte.
    pub fn sw1(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// The second byte.
    pub fn sw2(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// Both bytes, as they go over the wire.
    pub fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// Whether the command was carried out without a warning: 9000, or 91xx with a proactive command waiting.
    pub fn is_success(self) -> bool {
        self == Self::OK || self.sw1() == 0x91
    }

    /// What the status word says, in a few words.
    pub fn meaning(self) -> &'static str {
        match (self.sw1(), self.sw2()) {
            (0x90, 0x00) => "done",
            (0x91, _) => "done, a proactive command is waiting",
            (0x61, _) => "done, more data is waiting",
            (0x62, 0x81) => "part of the data may be corrupted",
            (0x62, 0x82) => "end of the file reached early",
            (0x62, 0x83) => "the selected file is invalidated",
            (0x62 | 0x63, 0x00) => "warning without further information",
            (0x63, 0xC0) => "verification failed, no attempt left",
            (0x63, 0xC1..=0xCF) => "verification failed, attempts are left",
            (0x64, _) => "execution error, memory unchanged",
            (0x65, 0x81) => "memory failure",
            (0x67, _) => "wrong length",
            (0x68, 0x81) => "logical channel not supported or not open",
            (0x68, 0x82) => "secure messaging not supported",
            (0x68, 0x84) => "command chaining not supported",
            (0x69, 0x81) => "command does not fit the file's structure",
            (0x69, 0x82) => "security status not satisfied",
            (0x69, 0x83) => "authentication method blocked",
            (0x69, 0x84) => "referenced data invalidated",
            (0x69, 0x85) => "conditions of use not satisfied",
            (0x69, 0x86) => "command not allowed, no elementary file selected",
            (0x69, 0x99) => "application selection failed",
            (0x6A, 0x80) => "wrong data field",
            (0x6A, 0x81) => "function not supported",
            (0x6A, 0x82) => "file or application not found",
            (0x6A, 0x83) => "record not found",
            (0x6A, 0x84) => "not enough memory",
            (0x6A, 0x86) => "wrong P1 or P2",
            (0x6A, 0x87) => "length does not fit P1 and P2",
            (0x6A, 0x88) => "referenced data not found",
            (0x6B, _) => "offset outside the file",
            (0x6C, _) => "wrong Le, the card names the right one",
            (0x6D, _) => "instruction not supported",
            (0x6E, _) => "class not supported",
            (0x6F, _) => "card failure without diagnosis",
            (0x98, 0x62) => "authentication failed, incorrect MAC",
            _ => "meaning unknown",
        }
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} ({})", self.0, self.meaning())
    }
}

impl From<[u8; 2]> for StatusWord {
    fn from(bytes: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(bytes))
    }
}
