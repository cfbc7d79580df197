//! Short command APDUs (ISO/IEC 7816-4 5.1, ETSI TS 102 221 10.1).

use std::fmt;

use crate::StatusWord;

/// Secure messaging as the class byte announces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureMessaging {
    /// None: the only form that RSP uses.
    None,
    /// Any of the protected forms.
    Protected,
}

/// The class byte, taken apart (ETSI TS 102 221 10.1.1): `0X 1X` and `8X` for channels 0 to 3, `4X`..`7X`, `CX` and `EX`
/// for channels 4 to 19.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    byte: u8,
    /// Logical channel, 0 (basic) to 19.
    pub channel: u8,
    /// Whether this is not the last command of a chain (ISO/IEC 7816-4 5.3.3).
    pub chaining: bool,
    /// Whether the command is protected.
    pub secure_messaging: SecureMessaging,
    /// Whether instructions mean what ETSI and GlobalPlatform say (`8X`, `CX`, `EX`) instead of ISO.
    pub proprietary: bool,
}

impl Class {
    /// The interindustry class (`0X`, `4X`) of a channel, without chaining and protection; `None` above channel 19.
    pub fn interindustry(channel: u8) -> Option<Self> {
        Self::parse(Self::byte_for(0x00, 0x40, channel)?)
    }

    /// The class of ETSI and GlobalPlatform commands (`8X`, `CX`) of a channel; `None` above channel 19.
    pub fn proprietary(channel: u8) -> Option<Self> {
        Self::parse(Self::byte_for(0x80, 0xC0, channel)?)
    }

    /// The class byte as transmitted.
    pub fn byte(self) -> u8 {
        self.byte
    }

    fn byte_for(first: u8, further: u8, channel: u8) -> Option<u8> {
        match channel {
            0..=3 => Some(first | channel),
            4..=19 => Some(further | (channel - 4)),
            _ => None,
        }
    }

    fn parse(byte: u8) -> Option<Self> {
        let first = Self {
            byte,
            channel: byte & 0x03,
            chaining: byte & 0x10 != 0,
            secure_messaging: if byte & 0x0C == 0 { SecureMessaging::None } else { SecureMessaging::Protected },
            proprietary: byte & 0x80 != 0,
        };
        let further = Self {
            channel: (byte & 0x0F) + 4,
            secure_messaging: if byte & 0x20 == 0 { SecureMessaging::None } else { SecureMessaging::Protected },
            ..first
        };
        match byte >> 4 {
            0x0 | 0x1 | 0x8 => Some(first),
            0x4..=0x7 | 0xC | 0xE => Some(further),
            _ => None,
        }
    }
}

/// One command: class, instruction, parameters, data and the expected length of the answer. Its Debug does not show the data,
/// which may be a code or a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// CLA.
    pub class: Class,
    /// INS.
    pub ins: u8,
    /// P1.
    pub p1: u8,
    /// P2.
    pub p2: u8,
    /// The data field, at most 255 bytes.
    pub data: Vec<u8>,
    /// Le: how many bytes the terminal expects, 1 to 256; `None` when it expects none (cases 1 and 3).
    pub le: Option<u16>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, ins, p1, p2, data, le } = self;
        write!(f, "Command({class:?}, {ins:02X} {p1:02X} {p2:02X}, {} bytes, Le {le:?})", data.len())
    }
}

impl Command {
    /// A command without data and without Le.
    pub fn new(class: Class, ins: u8, p1: u8, p2: u8) -> Self {
        Self { class, ins, p1, p2, data: Vec::new(), le: None }
    }

    /// The same with a data field; what exceeds 255 bytes cannot be encoded and is refused by [`Command::to_bytes`].
    pub fn with_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = data.into();
        self
    }

    /// The same with Le, 1 to 256.
    pub fn with_le(mut self, le: u16) -> Self {
        self.le = Some(le);
        self
    }

    /// Takes a short command of case 1, 2, 3 or 4 apart.
    ///
    /// # Errors
    /// [`ParseError`], each with the status word that a card answers.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let Some((&[cla, ins, p1, p2], body)) = bytes.split_first_chunk::<4>() else {
            return Err(ParseError::NoHeader { length: bytes.len() });
        };
        let class = Class::parse(cla).ok_or(ParseError::Class(cla))?;
        if matches!(ins >> 4, 0x6 | 0x9) {
            return Err(ParseError::Instruction(ins));
        }
        let (data, le) = match *body {
            [] => (&[][..], None),
            [le] => (&[][..], Some(le)),
            [lc, ref rest @ ..] => {
                let lc = usize::from(lc);
                match rest.len().checked_sub(lc) {
                    Some(0) if lc > 0 => (rest, None),
                    Some(1) if lc > 0 => (&rest[..lc], Some(rest[lc])),
                    _ => return Err(ParseError::Length { lc, body: rest.len() }),
                }
            }
        };
        let le = le.map(|le| if le == 0 { 256 } else { u16::from(le) });
        Ok(Self { class, ins, p1, p2, data: data.to_vec(), le })
    }

    /// The command as it goes over the wire.
    ///
    /// # Errors
    /// [`ParseError::Length`] when the data field exceeds 255 bytes or Le is not 1 to 256.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ParseError> {
        let lc = self.data.len();
        let mut bytes = vec![self.class.byte, self.ins, self.p1, self.p2];
        if lc > 0 {
            bytes.push(u8::try_from(lc).map_err(|_| ParseError::Length { lc, body: lc })?);
            bytes.extend(&self.data);
        }
        match self.le {
            None => {}
            Some(256) => bytes.push(0),
            Some(le @ 1..=255) => bytes.extend(u8::try_from(le).ok()),
            Some(le) => return Err(ParseError::Length { lc, body: usize::from(le) }),
        }
        Ok(bytes)
    }
}

/// Why bytes are not a short command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Fewer than the four header bytes.
    #[error("{length} bytes, but a command has at least 4")]
    NoHeader {
        /// Bytes received.
        length: usize,
    },
    /// A class byte that ETSI TS 102 221 does not define.
    #[error("class {0:02X} is not defined")]
    Class(u8),
    /// An instruction of the form 6X or 9X, which would look like a status word.
    #[error("instruction {0:02X} is not allowed")]
    Instruction(u8),
    /// Lc, the data field and Le do not fit together, or the command has extended length.
    #[error("Lc is {lc} but {body} bytes follow")]
    Length {
        /// Lc.
        lc: usize,
        /// Bytes after it.
        body: usize,
    },
}

impl ParseError {
    /// What a card answers to such bytes.
    pub fn status_word(self) -> StatusWord {
        match self {
            Self::NoHeader { .. } | Self::Length { .. } => StatusWord::WRONG_LENGTH,
            Self::Class(_) => StatusWord::CLASS_NOT_SUPPORTED,
            Self::Instruction(_) => StatusWord::INSTRUCTION_NOT_SUPPORTED,
        }
    }
}

/// MANAGE CHANNEL, open the next free channel: `00 70 00 00 01`.
pub fn open_channel() -> Vec<u8> {
    vec![0x00, 0x70, 0x00, 0x00, 0x01]
}

/// MANAGE CHANNEL, close `channel`: `00 70 80 nn`.
pub fn close_channel(channel: u8) -> Vec<u8> {
    vec![0x00, 0x70, 0x80, channel]
}

/// SELECT by AID on a channel, asking for the FCI: `0n A4 04 00 Lc AID 00`; `None` for a channel above 19 or an AID that
/// is empty or longer than 16 bytes.
pub fn select(channel: u8, aid: &[u8]) -> Option<Vec<u8>> {
    if !(1..=16).contains(&aid.len()) {
        return None;
    }
    Command::new(Class::interindustry(channel)?, 0xA4, 0x04, 0x00).with_data(aid).with_le(256).to_bytes().ok()
}

/// GET RESPONSE on a channel: `0n C0 00 00 xx`, where 0 asks for 256 bytes; `None` for a channel above 19.
pub fn get_response(channel: u8, length: u8) -> Option<Vec<u8>> {
    Some(vec![Class::interindustry(channel)?.byte, 0xC0, 0x00, 0x00, length])
}
