//! The LPA's end of ES10: the ISD-R on a logical channel of its own (SGP.22 5.7.1, 5.7.2).

use rasn::{Decode, Encode};
use rsp_apdu::{CardAccess, CardError, store_data};
use rsp_asn1::{Raw, encode};
use rsp_es::client::ClientError;

use crate::authentication::Metered;
use crate::error::{Cause, Error};
use crate::event::{Events, Step};

/// The AID of the ISD-R (SGP.22 5.7.1).
pub const ISD_R: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00];

/// AIDs under which removable eUICCs are known to hide their ISD-R, tried after the standard's.
const OTHER_ISD_R: [[u8; 16]; 5] = [
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x05, 0x05, 0x00],
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00, 0x89, 0x00, 0x00, 0x03, 0x00],
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x77],
    *b"\xA0estkme\xFF\xFFISD-R 0",
    *b"\xA0estkme\xFF\xFF\xFF\xFFISD-R",
];

/// TERMINAL CAPABILITY: the device has the local user interface, download and discovery of an LPA (SGP.22 3.4.2).
const TERMINAL_CAPABILITY: [u8; 10] = [0x80, 0xAA, 0x00, 0x00, 0x05, 0xA9, 0x03, 0x83, 0x01, 0x07];

/// How to speak to the eUICC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// AIDs of the ISD-R, in the order in which they are tried.
    pub isd_r: Vec<Vec<u8>>,
    /// Bytes of data in one STORE DATA command, 1 to 255. Some modems take fewer than the standard allows.
    pub block: usize,
}

impl Default for Options {
    fn default() -> Self {
        let isd_r = std::iter::once(&ISD_R).chain(&OTHER_ISD_R).map(|aid| aid.to_vec()).collect();
        Self { isd_r, block: 255 }
    }
}

/// An LPA that holds the eUICC of one card: everything it does goes over one logical channel.
pub struct Lpa<'a> {
    access: &'a mut dyn CardAccess,
    events: &'a mut dyn Events,
    channel: u8,
    block: usize,
}

impl<'a> Lpa<'a> {
    /// Opens a logical channel to the ISD-R.
    ///
    /// # Errors
    /// [`Cause::NoIsdR`] when the card has none; what broke otherwise.
    pub fn open(access: &'a mut dyn CardAccess, events: &'a mut dyn Events, options: &Options) -> Result<Self, Error> {
        events.started(Step::SelectIsdr);
        let channel = match access.transmit(&TERMINAL_CAPABILITY) {
            // Nothing else will get through, and this is the error that says why.
            Err(error @ CardError::Link { .. }) => Err(error.into()),
            // A card that does not know this command has no use for it: its answer does not matter.
            _ => select(access, &options.isd_r),
        };
        events.finished(Step::SelectIsdr, 0, channel.is_ok());
        match channel {
            Ok(channel) => Ok(Self { access, events, channel, block: options.block }),
            Err(cause) => Err(Error::new(Step::SelectIsdr, cause)),
        }
    }

    /// Sends a request object and reads the answer object; both as DER.
    pub(crate) fn call<Q: Encode, A: Decode>(&mut self, step: Step, request: &Q) -> Result<Raw<A>, Error> {
        self.step(step, |lpa| {
            let request = encode(request)?;
            let (answer, bytes) = lpa.exchange(&request)?;
            if answer.is_empty() {
                return Err(Cause::EmptyAnswer);
            }
            Ok((Raw::from_der(&answer).map_err(Cause::MalformedAnswer)?, bytes))
        })
    }

    /// Sends one STORE DATA chain. The answer, and how many bytes of data went over the interface.
    pub(crate) fn exchange(&mut self, data: &[u8]) -> Result<(Vec<u8>, u64), CardError> {
        let answer = store_data::send(self.access, self.channel, data, self.block)?;
        let bytes = (data.len() + answer.len()) as u64;
        Ok((answer, bytes))
    }

    /// Runs a step and tells the listener.
    pub(crate) fn step<T>(
        &mut self,
        step: Step,
        run: impl FnOnce(&mut Self) -> Result<(T, u64), Cause>,
    ) -> Result<T, Error> {
        self.events.started(step);
        let outcome = run(self);
        match outcome {
            Ok((value, bytes)) => {
                self.events.finished(step, bytes, true);
                Ok(value)
            }
            Err(cause) => {
                self.events.finished(step, 0, false);
                Err(Error::new(step, cause))
            }
        }
    }

    /// Runs a step at a server and tells the listener.
    pub(crate) async fn server_step<T>(
        &mut self,
        step: Step,
        client: &impl Metered,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, Error> {
        self.events.started(step);
        let before = client.traffic();
        let outcome = call.await;
        let after = client.traffic();
        let bytes = (after.sent - before.sent) + (after.received - before.received);
        self.events.finished(step, bytes, outcome.is_ok());
        outcome.map_err(|error| Error::new(step, error))
    }
}

/// The channel is given back; a card that refuses even that is none of anybody's concern any more.
impl Drop for Lpa<'_> {
    fn drop(&mut self) {
        let _ = self.access.close_channel(self.channel);
    }
}

fn select(access: &mut dyn CardAccess, aids: &[Vec<u8>]) -> Result<u8, Cause> {
    let mut first = None;
    for aid in aids {
        match access.open_channel(aid) {
            Ok(channel) => return Ok(channel),
            // Another AID may be there; a terminal program need not say why it refused.
            Err(error @ (CardError::NoApplication { .. } | CardError::Backend { .. })) => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    match first {
        Some(first) => Err(Cause::NoIsdR { tried: aids.len(), first }),
        None => Err(CardError::Protocol("no AID of an ISD-R was given".to_owned()).into()),
    }
}
