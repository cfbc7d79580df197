//! osmo-hlr as authentication centre.

use std::io::{self, Read, Write};

use super::gsup::{self, Frame, Tuple};
use super::{AuthenticationCentre, Triplet};
use crate::{Auts, Error, Imsi, Vector};

/// The most messages that are read for one answer, so that a register that sends others for ever is given up.
const MAX_MESSAGES: usize = 64;

/// A connection to osmo-hlr, made when it is first needed and again when it broke.
///
/// Streams should have a time limit for reading: without one, a register that says nothing is waited for.
pub struct HlrClient<S, C> {
    name: String,
    connect: C,
    stream: Option<S>,
}

impl<S: Read + Write, C: FnMut() -> io::Result<S>> HlrClient<S, C> {
    /// A client of this name, which osmo-hlr tells its clients apart by, over what `connect` gives.
    pub fn new(name: impl Into<String>, connect: C) -> Self {
        Self { name: name.into(), connect, stream: None }
    }

    /// Tuples of a subscriber, at least one. After an error other than a refusal, nobody knows what the stream would bring
    /// next: it is given up.
    fn ask(&mut self, imsi: &Imsi, resynchronisation: Option<(&[u8; 16], &Auts)>) -> Result<Vec<Tuple>, Error> {
        let asked = self.exchange(imsi, resynchronisation);
        if !matches!(asked, Ok(_) | Err(Error::HlrRefused(_))) {
            self.stream = None;
        }
        match asked {
            Ok(tuples) if tuples.is_empty() => Err(Error::HlrAnswer("no tuple")),
            asked => asked,
        }
    }

    fn exchange(&mut self, imsi: &Imsi, resynchronisation: Option<(&[u8; 16], &Auts)>) -> Result<Vec<Tuple>, Error> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(introduced((self.connect)()?, &self.name)?),
        };
        gsup::send_auth_info(stream, imsi, resynchronisation)?;
        for _ in 0..MAX_MESSAGES {
            match gsup::receive(stream)? {
                Frame::Gsup(message) => match gsup::tuples(&message, imsi)? {
                    Some(tuples) => return Ok(tuples),
                    None => continue,
                },
                Frame::Ping => gsup::send_pong(stream)?,
                Frame::WhoAreYou => gsup::send_identity(stream, &self.name)?,
                Frame::Other => {}
            }
        }
        Err(Error::HlrAnswer("many messages, and none is the answer"))
    }
}

/// Answers the question who this is, with which the register begins. It does not say whether it likes the answer.
fn introduced<S: Read + Write>(mut stream: S, name: &str) -> Result<S, Error> {
    for _ in 0..MAX_MESSAGES {
        match gsup::receive(&mut stream)? {
            Frame::WhoAreYou => {
                gsup::send_identity(&mut stream, name)?;
                return Ok(stream);
            }
            Frame::Ping => gsup::send_pong(&mut stream)?,
            Frame::Gsup(_) | Frame::Other => {}
        }
    }
    Err(Error::HlrAnswer("many messages, and it never asks who this is"))
}

impl<S: Read + Write, C: FnMut() -> io::Result<S>> AuthenticationCentre for HlrClient<S, C> {
    /// The first of the tuples that the register made. The others are left: each request makes new ones.
    fn vector(&mut self, imsi: &Imsi) -> Result<Vector, Error> {
        let tuple = self.ask(imsi, None)?.into_iter().next().ok_or(Error::HlrAnswer("no tuple"))?;
        let Tuple { rand: Some(rand), autn: Some(autn), ck: Some(ck), ik: Some(ik), res: Some(res), .. } = tuple else {
            return Err(Error::HlrAnswer("the subscriber has no UMTS keys"));
        };
        Ok(Vector::of_network(rand, autn, res, ck, ik))
    }

    fn triplets(&mut self, imsi: &Imsi, count: usize) -> Result<Vec<Triplet>, Error> {
        let triplet = |tuple: Tuple| match tuple {
            Tuple { rand: Some(rand), sres: Some(sres), kc: Some(kc), .. } => Ok(Triplet { rand, sres, kc }),
            _ => Err(Error::HlrAnswer("the subscriber has no GSM keys")),
        };
        let triplets: Vec<Triplet> =
            self.ask(imsi, None)?.into_iter().take(count).map(triplet).collect::<Result<_, _>>()?;
        match triplets.len() == count {
            true => Ok(triplets),
            false => Err(Error::HlrAnswer("fewer tuples than needed")),
        }
    }

    /// The vectors that come with the answer are left: the next request brings others.
    fn resynchronise(&mut self, imsi: &Imsi, rand: &[u8; 16], auts: &Auts) -> Result<(), Error> {
        self.ask(imsi, Some((rand, auts))).map(drop)
    }
}
