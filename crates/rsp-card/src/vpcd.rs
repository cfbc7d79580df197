//! A card in the virtual reader of vsmartcard: any PC/SC program of the machine then sees it.
//!
//! The reader is a driver of pcscd, and listens; the card connects to it. Each message, both ways, is a length of two bytes,
//! big-endian, and that many bytes. One byte from the reader is an order, everything else a command:
//!
//! ```text
//! 00 power off   01 power on   02 reset   04 send the ATR
//! ```
//!
//! Only 04 and commands are answered. The reader asks for the ATR again and again to see whether the card is still there.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use rsp_apdu::Card;
use rustix::net::sockopt::set_tcp_quickack;

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const ATR: u8 = 0x04;

/// How long to wait before a reader that is not there is looked for again.
const RETRY: Duration = Duration::from_millis(200);
/// The longest that one attempt to connect, or the sending of one answer, may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What becomes of the way to the reader.
#[derive(Debug)]
pub enum VpcdEvent<'a> {
    /// The card is in the reader, which has spoken to it.
    Connected,
    /// The reader is not there: told once, and then it is looked for until it is.
    Waiting(&'a io::Error),
    /// The reader went away, as it does when pcscd ends. The card is without power from here on.
    Disconnected,
}

/// A card's place in a virtual reader, by the reader's address.
///
/// There is no authentication: whoever listens at the address can use the card.
pub struct Vpcd {
    address: String,
}

impl Vpcd {
    /// The reader at `address`, a host and a port; vsmartcard's own are 35963 and, for its second slot, 35964.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }

    /// Waits for the reader, puts the card in, and returns when the reader has gone away. `hear` is told what happens.
    ///
    /// # Errors
    /// What the system says when the address is none. That the reader is not there or goes away is no error.
    pub fn serve_one(&self, card: &mut dyn Card, hear: &mut dyn FnMut(VpcdEvent<'_>)) -> io::Result<()> {
        let stream = self.connect(hear)?;
        let mut connected = false;
        // A broken connection is a card taken out, and nothing else.
        let _ = serve_until_closed(card, Acknowledging(stream), &mut || {
            if !std::mem::replace(&mut connected, true) {
                hear(VpcdEvent::Connected);
            }
        });
        if connected {
            hear(VpcdEvent::Disconnected);
        }
        Ok(())
    }

    /// Puts the card in again each time that the reader comes back.
    ///
    /// # Errors
    /// As [`Vpcd::serve_one`].
    pub fn serve(&self, card: &mut dyn Card, hear: &mut dyn FnMut(VpcdEvent<'_>)) -> io::Result<()> {
        loop {
            self.serve_one(card, hear)?;
        }
    }

    fn connect(&self, hear: &mut dyn FnMut(VpcdEvent<'_>)) -> io::Result<TcpStream> {
        let mut told = false;
        loop {
            // Each time anew: a name may lead elsewhere by now.
            let mut addresses = self.address.to_socket_addrs()?;
            let address = addresses.next().ok_or_else(|| io::Error::other("the name has no address"))?;
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                // A connection from a port of the same machine to a free port can meet itself (TCP simultaneous open).
                Ok(stream) if stream.local_addr()? == stream.peer_addr()? => {}
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_write_timeout(Some(TIMEOUT))?;
                    return Ok(stream);
                }
                Err(error) if !told => {
                    told = true;
                    hear(VpcdEvent::Waiting(&error));
                }
                Err(_) => {}
            }
            std::thread::sleep(RETRY);
        }
    }
}

/// A stream that acknowledges at once what it reads. The driver sends length and content separately, and its system holds
/// the content back until the length is acknowledged: some 40 ms for each command if that waits for an answer to go with.
struct Acknowledging(TcpStream);

impl Read for Acknowledging {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Holds for a while only. Where it cannot be had, everything is as slow as said.
        let _ = set_tcp_quickack(&self.0, true);
        self.0.read(buffer)
    }
}

impl Write for Acknowledging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Answers a reader until its side of the stream is closed.
///
/// # Errors
/// Only those of reading and writing; an end in the middle of a message is [`io::ErrorKind::UnexpectedEof`].
pub fn serve_vpcd(card: &mut dyn Card, stream: impl Read + Write) -> io::Result<()> {
    serve_until_closed(card, stream, &mut || ())
}

/// The same; tells when the reader speaks. One that has another card already takes the connection and says nothing.
fn serve_until_closed(card: &mut dyn Card, mut stream: impl Read + Write, asked: &mut dyn FnMut()) -> io::Result<()> {
    let mut slot = Slot { card, atr: None, powered: false };
    while let Some(message) = receive(&mut stream)? {
        asked();
        if let Some(answer) = slot.answer(&message) {
            send(&mut stream, &answer)?;
        }
    }
    Ok(())
}

/// The card between its contacts.
struct Slot<'a> {
    card: &'a mut dyn Card,
    /// Of the last power-on or reset.
    atr: Option<Vec<u8>>,
    powered: bool,
}

impl Slot<'_> {
    fn answer(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        match *message {
            [] => None,
            [POWER_OFF] => {
                self.powered = false;
                None
            }
            [POWER_ON] => {
                self.power_on();
                None
            }
            [RESET] if self.powered => {
                self.atr = Some(self.card.reset());
                None
            }
            [RESET] => {
                self.power_on();
                None
            }
            // Whether somebody is there is asked without power as well, and is no reason to lose a session.
            [ATR] => Some(match &self.atr {
                Some(atr) => atr.clone(),
                None => self.power_on(),
            }),
            [_] => None,
            ref command => {
                if !self.powered {
                    self.power_on();
                }
                Some(self.card.transmit(command))
            }
        }
    }

    fn power_on(&mut self) -> Vec<u8> {
        let atr = self.card.power_on();
        self.powered = true;
        self.atr = Some(atr.clone());
        atr
    }
}

/// The next message; nothing at the end of the stream.
fn receive(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    loop {
        match stream.read(&mut length[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.read_exact(&mut length[1..])?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Length and content in one write, so that they are one packet.
fn send(stream: &mut impl Write, answer: &[u8]) -> io::Result<()> {
    let length = u16::try_from(answer.len()).map_err(|_| io::Error::other("an answer of more than 65535 bytes"))?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(answer);
    stream.write_all(&message)?;
    stream.flush()
}
