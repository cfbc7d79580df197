//! A card in the same process.

use rsp_apdu::{Card, CardAccess, CardError, Response, StatusWord, exchange};

/// A terminal around a [`Card`]: the shortest way from a program to a chip.
pub struct InProcess<C> {
    card: C,
    atr: Vec<u8>,
}

impl<C: Card> InProcess<C> {
    /// Powers the card on.
    pub fn new(mut card: C) -> Self {
        let atr = card.power_on();
        Self { card, atr }
    }

    /// What the card answered to the last power-on or reset.
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// Powers the card off and on.
    pub fn power_cycle(&mut self) {
        self.atr = self.card.power_on();
    }

    /// The card itself.
    pub fn card(&self) -> &C {
        &self.card
    }

    /// The card itself, to change it behind the terminal's back.
    pub fn card_mut(&mut self) -> &mut C {
        &mut self.card
    }

    /// Takes the card out.
    pub fn into_card(self) -> C {
        self.card
    }
}

impl<C: Card + Send> CardAccess for InProcess<C> {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        open_channel(&mut |apdu| Ok(self.card.transmit(apdu)), aid)
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        exchange(|apdu| Ok(self.card.transmit(apdu)), apdu)
    }

    fn close_channel(&mut self, channel: u8) -> Result<(), CardError> {
        close_channel(&mut |apdu| Ok(self.card.transmit(apdu)), channel)
    }
}

/// One command to the card as it is, one answer back.
pub(crate) type Raw<'a> = dyn FnMut(&[u8]) -> Result<Vec<u8>, CardError> + 'a;

/// MANAGE CHANNEL and SELECT; the channel is closed again when the application is not there.
pub(crate) fn open_channel(raw: &mut Raw<'_>, aid: &[u8]) -> Result<u8, CardError> {
    let opened = exchange(&mut *raw, &rsp_apdu::open_channel())?;
    if !opened.sw.is_success() {
        return Err(CardError::Refused { what: "MANAGE CHANNEL (open)".into(), sw: opened.sw });
    }
    let &[channel] = opened.data.as_slice() else {
        return Err(CardError::Protocol(format!("MANAGE CHANNEL brought {} bytes, not one", opened.data.len())));
    };
    let selected = match rsp_apdu::select(channel, aid) {
        Some(select) => exchange(&mut *raw, &select)?.sw,
        None => StatusWord::WRONG_DATA,
    };
    if !selected.is_success() {
        // The refusal is what matters to the caller; whether the channel closes does not change it.
        let _ = close_channel(raw, channel);
        return Err(CardError::NoApplication { aid: aid.to_vec(), sw: selected });
    }
    Ok(channel)
}

pub(crate) fn close_channel(raw: &mut Raw<'_>, channel: u8) -> Result<(), CardError> {
    let closed = exchange(raw, &rsp_apdu::close_channel(channel))?;
    match closed.sw.is_success() {
        true => Ok(()),
        false => Err(CardError::Refused { what: format!("MANAGE CHANNEL (close {channel})"), sw: closed.sw }),
    }
}
