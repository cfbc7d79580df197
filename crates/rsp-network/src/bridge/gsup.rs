//! GSUP, the protocol in which Osmocom's networks ask their subscriber register, in the frames of IPA.
//!
//! ```text
//! frame       length (2, of what follows the protocol), protocol (1), content
//!             protocol FE is IPA itself: 00 ping, 01 pong, 04 who are you, 05 I am, 06 acknowledged
//!             protocol EE 05 is GSUP
//! message     type (1), then elements: tag (1), length (1), value
//! ```

use std::io::{self, Read, Write};

use crate::{Auts, Error, Imsi};

/// IPA itself.
const IPA: u8 = 0xFE;
/// Osmocom's protocols, of which 05 is GSUP.
const OSMO: u8 = 0xEE;
const GSUP: u8 = 0x05;

const PING: u8 = 0x00;
const PONG: u8 = 0x01;
const WHO_ARE_YOU: u8 = 0x04;
const I_AM: u8 = 0x05;

/// What the register wants to know of who connects: serial number, name and number of the unit.
const SERIAL_NUMBER: u8 = 0x00;
const UNIT_NAME: u8 = 0x01;
const UNIT_ID: u8 = 0x08;

const SEND_AUTH_INFO: u8 = 0x08;
const SEND_AUTH_INFO_ERROR: u8 = 0x09;
const SEND_AUTH_INFO_RESULT: u8 = 0x0A;

const IE_IMSI: u8 = 0x01;
const IE_CAUSE: u8 = 0x02;
const IE_TUPLE: u8 = 0x03;
const IE_RAND: u8 = 0x20;
const IE_SRES: u8 = 0x21;
const IE_KC: u8 = 0x22;
const IE_IK: u8 = 0x23;
const IE_CK: u8 = 0x24;
const IE_AUTN: u8 = 0x25;
const IE_AUTS: u8 = 0x26;
const IE_RES: u8 = 0x27;
const IE_CURRENT_RAT: u8 = 0x2A;

/// E-UTRAN over SGs. osmo-hlr sets the AMF's separation bit for it, without which EAP-AKA' peers refuse (RFC 5448 3.1).
const RAT_EUTRAN_SGS: u8 = 0x03;

/// What a frame of the register is, as far as this side needs to know.
pub(super) enum Frame {
    /// Is somebody there?
    Ping,
    /// Who is it?
    WhoAreYou,
    /// A GSUP message.
    Gsup(Vec<u8>),
    /// Anything else, which needs no answer.
    Other,
}

/// Reads one frame.
///
/// # Errors
/// Those of reading; the end of the stream is [`io::ErrorKind::UnexpectedEof`].
pub(super) fn receive(stream: &mut impl Read) -> io::Result<Frame> {
    let mut header = [0; 3];
    stream.read_exact(&mut header)?;
    let [high, low, protocol] = header;
    let mut content = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    stream.read_exact(&mut content)?;
    Ok(match (protocol, content.as_slice()) {
        (IPA, [PING, ..]) => Frame::Ping,
        (IPA, [WHO_ARE_YOU, ..]) => Frame::WhoAreYou,
        (OSMO, [GSUP, message @ ..]) => Frame::Gsup(message.to_vec()),
        _ => Frame::Other,
    })
}

/// Answers a ping.
pub(super) fn send_pong(stream: &mut impl Write) -> io::Result<()> {
    send(stream, IPA, &[PONG])
}

/// Says who this is. The register tells its clients apart by the serial number; the first half of a unit's number is of no
/// meaning here.
pub(super) fn send_identity(stream: &mut impl Write, name: &str) -> io::Result<()> {
    let mut content = vec![I_AM];
    for (tag, value) in [(UNIT_ID, "0/0/0"), (UNIT_NAME, name), (SERIAL_NUMBER, name)] {
        let length = u16::try_from(value.len() + 2).map_err(|_| io::ErrorKind::InvalidInput)?;
        content.extend_from_slice(&length.to_be_bytes());
        content.push(tag);
        content.extend_from_slice(value.as_bytes());
        content.push(0);
    }
    send(stream, IPA, &content)
}

/// Asks for vectors. With the AUTS of a USIM and the challenge that it answered, the register first takes over the
/// sequence number in it.
pub(super) fn send_auth_info(
    stream: &mut impl Write,
    imsi: &Imsi,
    resynchronisation: Option<(&[u8; 16], &Auts)>,
) -> io::Result<()> {
    let mut message = vec![GSUP, SEND_AUTH_INFO];
    let mut element = |tag: u8, value: &[u8]| {
        // None of them comes near 256 bytes.
        message.extend([tag, value.len() as u8]);
        message.extend_from_slice(value);
    };
    element(IE_IMSI, &imsi.to_tbcd());
    if let Some((rand, auts)) = resynchronisation {
        element(IE_AUTS, &auts.to_bytes());
        element(IE_RAND, rand);
    }
    element(IE_CURRENT_RAT, &[RAT_EUTRAN_SGS]);
    send(stream, OSMO, &message)
}

fn send(stream: &mut impl Write, protocol: u8, content: &[u8]) -> io::Result<()> {
    let length = u16::try_from(content.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.push(protocol);
    frame.extend_from_slice(content);
    stream.write_all(&frame)?;
    stream.flush()
}

/// An authentication tuple of the register; GSM and UMTS parts are there or not by the subscriber's algorithms.
#[derive(Default)]
pub(super) struct Tuple {
    pub(super) rand: Option<[u8; 16]>,
    pub(super) sres: Option<[u8; 4]>,
    pub(super) kc: Option<[u8; 8]>,
    pub(super) ik: Option<[u8; 16]>,
    pub(super) ck: Option<[u8; 16]>,
    pub(super) autn: Option<[u8; 16]>,
    pub(super) res: Option<Vec<u8>>,
}

/// Reads the answer to [`send_auth_info`] for this subscriber; nothing for any other message.
///
/// # Errors
/// [`Error::HlrRefused`] with the register's cause, [`Error::HlrAnswer`] for what cannot be read.
pub(super) fn tuples(message: &[u8], imsi: &Imsi) -> Result<Option<Vec<Tuple>>, Error> {
    let (kind, rest) = message.split_first().ok_or(Error::HlrAnswer("an empty message"))?;
    if !matches!(*kind, SEND_AUTH_INFO_RESULT | SEND_AUTH_INFO_ERROR) {
        return Ok(None);
    }
    let mut of_subscriber = false;
    let mut cause = 0;
    let mut tuples = Vec::new();
    for element in elements(rest) {
        match element? {
            (IE_IMSI, value) => of_subscriber = Imsi::from_tbcd(value)? == *imsi,
            (IE_CAUSE, value) => cause = *value.first().ok_or(Error::HlrAnswer("a cause without value"))?,
            (IE_TUPLE, value) => tuples.push(Tuple::parse(value)?),
            _ => {}
        }
    }
    match (of_subscriber, *kind) {
        (false, _) => Ok(None),
        (true, SEND_AUTH_INFO_ERROR) => Err(Error::HlrRefused(cause)),
        (true, _) => Ok(Some(tuples)),
    }
}

impl Tuple {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut tuple = Self::default();
        for element in elements(bytes) {
            let (tag, value) = element?;
            match tag {
                IE_RAND => tuple.rand = Some(exactly(value)?),
                IE_SRES => tuple.sres = Some(exactly(value)?),
                IE_KC => tuple.kc = Some(exactly(value)?),
                IE_IK => tuple.ik = Some(exactly(value)?),
                IE_CK => tuple.ck = Some(exactly(value)?),
                IE_AUTN => tuple.autn = Some(exactly(value)?),
                IE_RES if (4..=16).contains(&value.len()) => tuple.res = Some(value.to_vec()),
                IE_RES => return Err(Error::HlrAnswer("RES is not of 4 to 16 bytes")),
                _ => {}
            }
        }
        Ok(tuple)
    }
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Error> {
    value.try_into().map_err(|_| Error::HlrAnswer("a part of a tuple has a wrong length"))
}

/// Tag and value of each element; the last item is an error when bytes are left that are none.
fn elements(mut rest: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), Error>> {
    std::iter::from_fn(move || {
        let element = match rest {
            [] => return None,
            [tag, length, content @ ..] => content.split_at_checked(usize::from(*length)).map(|split| (*tag, split)),
            [_] => None,
        };
        let Some((tag, (value, following))) = element else {
            rest = &[];
            return Some(Err(Error::HlrAnswer("an element is cut off")));
        };
        rest = following;
        Some(Ok((tag, value)))
    })
}
