//! ENVELOPE (SMS-PP download) down to the user data of the short message (3GPP TS 31.111 7.1.1.2, 3GPP TS 23.040 9.2).

use rsp_asn1::tlv;

/// Tag of the envelope.
pub(crate) const SMS_PP_DOWNLOAD: u8 = 0xD1;
/// Tag of the SMS TPDU within, without the bit for comprehension.
const SMS_TPDU: u8 = 0x0B;
/// First byte of a TPDU: message type, and whether the user data begins with a header.
const MESSAGE_TYPE: u8 = 0x03;
const HAS_HEADER: u8 = 0x40;
/// Information elements: concatenation with a reference of one or of two bytes, and a command packet (3GPP TS 31.115 4.2).
const CONCATENATED_8: u8 = 0x00;
const CONCATENATED_16: u8 = 0x08;
const COMMAND_PACKET: u8 = 0x70;

/// A short message as it comes in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShortMessage<'a> {
    /// TP-OA as it stands: who sent it.
    pub(crate) origin: &'a [u8],
    /// Its place, when it is one of several.
    pub(crate) part: Option<Part>,
    /// Whether its header announces a command packet.
    pub(crate) is_command_packet: bool,
    /// User data behind the header.
    pub(crate) data: &'a [u8],
}

/// The place of a message among several (3GPP TS 23.040 9.2.3.24.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) reference: u16,
    pub(crate) total: u8,
    /// From 1.
    pub(crate) number: u8,
}

impl<'a> ShortMessage<'a> {
    /// Takes an envelope apart. `None` when it is not an SMS-PP download of 8-bit data with a header.
    pub(crate) fn read(envelope: &'a [u8]) -> Option<Self> {
        let Ok((outer, [])) = tlv::first(envelope) else { return None };
        if outer.tag() != [SMS_PP_DOWNLOAD] {
            return None;
        }
        // COMPREHENSION-TLVs have one byte of tag, whose first bit is a flag: read here, as BER would see longer tags.
        let mut rest = outer.value();
        while let [tag, after @ ..] = rest {
            let (value, next) = simple_value(after)?;
            if tag & 0x7F == SMS_TPDU {
                return Self::read_deliver(value);
            }
            rest = next;
        }
        None
    }

    /// SMS-DELIVER: type, TP-OA, TP-PID, TP-DCS, seven bytes of TP-SCTS, TP-UDL, TP-UD.
    fn read_deliver(tpdu: &'a [u8]) -> Option<Self> {
        let (&[first, digits], rest) = tpdu.split_first_chunk::<2>()?;
        if first & MESSAGE_TYPE != 0 || first & HAS_HEADER == 0 {
            return None;
        }
        let (origin, rest) = rest.split_at_checked(1 + usize::from(digits).div_ceil(2))?;
        let (&[_pid, coding, .., length], data) = rest.split_first_chunk::<10>()?;
        if !is_8_bit(coding) || data.len() != usize::from(length) {
            return None;
        }
        let (header, data) = data.split_first().and_then(|(length, rest)| rest.split_at_checked((*length).into()))?;
        let mut message = Self { origin, part: None, is_command_packet: false, data };
        let mut elements = header;
        while let [identifier, length, after @ ..] = elements {
            let (value, next) = after.split_at_checked(usize::from(*length))?;
            match (*identifier, value) {
                (CONCATENATED_8, &[reference, total, number]) => {
                    message.part = Some(Part { reference: reference.into(), total, number });
                }
                (CONCATENATED_16, &[high, low, total, number]) => {
                    message.part = Some(Part { reference: u16::from_be_bytes([high, low]), total, number });
                }
                (CONCATENATED_8 | CONCATENATED_16, _) => return None,
                (COMMAND_PACKET, []) => message.is_command_packet = true,
                _ => {}
            }
            elements = next;
        }
        elements.is_empty().then_some(message)
    }
}

/// 8-bit data in the general or in the message class group (3GPP TS 23.038 4).
fn is_8_bit(coding: u8) -> bool {
    match coding >> 4 {
        0x0..=0x3 => coding & 0x0C == 0x04,
        0xF => coding & 0x04 != 0,
        _ => false,
    }
}

/// A value behind its length of one byte, or of two with 81, and what follows.
fn simple_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match *bytes {
        [length, ref rest @ ..] if length < 0x80 => rest.split_at_checked(length.into()),
        [0x81, length, ref rest @ ..] => rest.split_at_checked(length.into()),
        _ => None,
    }
}
