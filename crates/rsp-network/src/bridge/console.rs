//! Subscribers of osmo-hlr, by its console (VTY): a line in, lines and a prompt out.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::AccessMode;
use crate::algorithm::Algorithm;
use crate::{Error, Imsi, Subscriber};

/// What the console ends each answer with, before and after `enable`.
const PROMPTS: [&[u8]; 2] = [b"OsmoHLR> ", b"OsmoHLR# "];
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 16;
/// How an answer begins that says what was done; others with a percent sign say what was not.
const DONE: [&str; 2] = ["% Created subscriber", "% Deleted subscriber"];

/// The console of an osmo-hlr.
pub struct HlrConsole<S> {
    stream: S,
}

impl<S: Read + Write> HlrConsole<S> {
    /// Waits for the greeting and asks for the right to change things.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn new(stream: S) -> Result<Self, Error> {
        let mut console = Self { stream };
        console.answer()?;
        console.run("enable")?;
        Ok(console)
    }

    /// Adds a subscriber with its keys. osmo-hlr counts from the beginning, whatever the subscriber's sequence number is
    /// here: its USIM may ask for resynchronisation.
    ///
    /// # Errors
    /// [`Error::HlrAnswer`] when the console refuses, as it does for one that is there already; [`Error::NotInHlr`];
    /// [`Error::HlrLink`].
    pub fn add(&mut self, imsi: &Imsi, subscriber: &Subscriber) -> Result<(), Error> {
        let keys = Zeroizing::new(match subscriber.algorithm() {
            Algorithm::Milenage { k, opc } => {
                format!("milenage k {} opc {}", *hex_of(k), *hex_of(opc))
            }
            Algorithm::UsimTest { k } => format!("xor k {}", *hex_of(k)),
            Algorithm::Tuak { .. } => return Err(Error::NotInHlr("TUAK")),
        });
        self.run(&format!("subscriber imsi {imsi} create"))?;
        // As many bits of index as the subscribers here have.
        let update = Zeroizing::new(format!("subscriber imsi {imsi} update aud3g {} ind-bitlen 5", *keys));
        self.run(&update)
    }

    /// Removes a subscriber.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn remove(&mut self, imsi: &Imsi) -> Result<(), Error> {
        self.run(&format!("subscriber imsi {imsi} delete"))
    }

    /// Lets a subscriber use this and nothing else: its network access mode. Its keys and its sequence number stay.
    ///
    /// # Errors
    /// As [`add`](Self::add); also when the register has accepted the command and does not show its effect.
    pub fn set_access_mode(&mut self, imsi: &Imsi, mode: AccessMode) -> Result<(), Error> {
        self.run(&format!("subscriber imsi {imsi} update network-access-mode {}", mode.as_str()))?;
        match self.access_mode(imsi)? == mode {
            true => Ok(()),
            false => Err(Error::HlrAnswer("it has not changed the access mode")),
        }
    }

    /// Whether a subscriber is let in to packet services.
    ///
    /// # Errors
    /// As [`access_mode`](Self::access_mode).
    pub fn is_admitted(&mut self, imsi: &Imsi) -> Result<bool, Error> {
        Ok(self.access_mode(imsi)?.has_ps())
    }

    /// What a subscriber is let use.
    ///
    /// # Errors
    /// As [`add`](Self::add); one that is not there is an error.
    pub fn access_mode(&mut self, imsi: &Imsi) -> Result<AccessMode, Error> {
        let answer = self.ask(&format!("subscriber imsi {imsi} show"))?;
        let text = Zeroizing::new(String::from_utf8_lossy(&answer).into_owned());
        // What shows nothing of the subscriber says nothing of its access.
        let shows = |what: &str| text.lines().any(|line| line.trim() == what);
        match shows(&format!("IMSI: {imsi}")) {
            true => Ok(AccessMode::of(!shows("CS disabled"), !shows("PS disabled"))),
            false => Err(Error::HlrAnswer("its console does not show the subscriber")),
        }
    }

    fn run(&mut self, command: &str) -> Result<(), Error> {
        self.ask(command).map(drop)
    }

    fn ask(&mut self, command: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        // One write: the console answers to what a packet holds.
        let line = Zeroizing::new(format!("{command}\n"));
        self.stream.write_all(line.as_bytes())?;
        self.stream.flush()?;
        let answer = self.answer()?;
        let complains = |line: &str| line.starts_with('%') && !DONE.iter().any(|done| line.starts_with(done));
        match String::from_utf8_lossy(&answer).lines().any(complains) {
            true => Err(Error::HlrAnswer("its console refuses a command")),
            false => Ok(answer),
        }
    }

    /// Reads up to the next prompt. The answer repeats the command, with whatever secret is in it.
    fn answer(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut answer = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        let mut buffer = Zeroizing::new([0; 1024]);
        while answer.len() + buffer.len() <= MAX_ANSWER {
            match self.stream.read(&mut buffer[..])? {
                0 => return Err(Error::HlrLink(std::io::ErrorKind::UnexpectedEof)),
                count => answer.extend_from_slice(&buffer[..count]),
            }
            if PROMPTS.iter().any(|prompt| answer.ends_with(prompt)) {
                return Ok(answer);
            }
        }
        Err(Error::HlrAnswer("its console does not stop"))
    }
}

fn hex_of(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(bytes))
}
