//! PINs, their unblocking codes, and which of them are satisfied (ETSI TS 102 221 9.5).

use std::collections::BTreeSet;

use rsp_crypto::constant_time_eq;
use serde::{Deserialize, Serialize};

use crate::fs::{NodeId, Octets};

/// Bit of pinAttributes: the PIN is enabled.
const ENABLED: u8 = 0x01;
/// Bit of pinAttributes: the PIN may be changed.
const CHANGEABLE: u8 = 0x02;
/// Bit of pinAttributes: the PIN may be disabled.
const MAY_BE_DISABLED: u8 = 0x04;

/// A code of eight bytes with its counter.
#[derive(Clone, Serialize, Deserialize)]
struct Code {
    value: Octets,
    max: u8,
    left: u8,
}

impl Code {
    /// `attempts` as in the profile package: all in the high nibble, those left in the low one.
    fn new(value: &[u8], attempts: u8) -> Self {
        let max = attempts >> 4;
        Self { value: Octets::from(value), max, left: (attempts & 0x0F).min(max) }
    }

    /// Compares and counts. Says how many attempts are left when the code is wrong.
    fn verify(&mut self, candidate: &[u8]) -> Result<(), Refused> {
        let left = self.left.checked_sub(1).ok_or(Refused::Blocked)?;
        if constant_time_eq(&self.value, candidate) {
            self.left = self.max;
            return Ok(());
        }
        self.left = left;
        Err(Refused::Wrong { left })
    }
}

/// Why a code is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such key reference here.
    Unknown,
    /// The code is wrong.
    Wrong {
        /// Attempts that are left.
        left: u8,
    },
    /// No attempt is left.
    Blocked,
    /// The PIN is disabled, or already in the state asked for.
    WrongState,
    /// The profile does not allow this operation on this PIN.
    NotAllowed,
    /// A new PIN is not four to eight digits with FF behind them.
    BadFormat,
}

/// One PIN or administrative code.
#[derive(Clone, Serialize, Deserialize)]
struct Pin {
    reference: u8,
    /// DF that a local PIN belongs to; the MF for global ones.
    df: NodeId,
    code: Code,
    puk: Option<u8>,
    attributes: u8,
    /// Verified since the last reset. Not stored: power loss ends it.
    #[serde(skip)]
    verified: bool,
}

/// An unblocking code.
#[derive(Clone, Serialize, Deserialize)]
struct Puk {
    reference: u8,
    code: Code,
}

/// All codes of a profile. They cannot be printed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Codes {
    pins: Vec<Pin>,
    puks: Vec<Puk>,
}

/// What defines a PIN.
pub struct PinDefinition<'a> {
    /// Key reference.
    pub reference: u8,
    /// The DF that it belongs to.
    pub df: NodeId,
    /// Eight bytes.
    pub value: &'a [u8],
    /// Reference of the PUK.
    pub puk: Option<u8>,
    /// pinAttributes of the profile package.
    pub attributes: u8,
    /// maxNumOfAttemps-retryNumLeft of the profile package.
    pub attempts: u8,
}

impl Codes {
    /// Adds a PIN; `false` when the DF already has one with this reference.
    pub fn add_pin(&mut self, pin: &PinDefinition<'_>) -> bool {
        if self.find(pin.df, pin.reference).is_some() {
            return false;
        }
        self.pins.push(Pin {
            reference: pin.reference,
            df: pin.df,
            code: Code::new(pin.value, pin.attempts),
            puk: pin.puk,
            attributes: pin.attributes,
            verified: false,
        });
        true
    }

    /// Adds a PUK; `false` when there is already one with this reference.
    pub fn add_puk(&mut self, reference: u8, value: &[u8], attempts: u8) -> bool {
        let new = !self.has_puk(reference);
        if new {
            self.puks.push(Puk { reference, code: Code::new(value, attempts) });
        }
        new
    }

    /// Whether a PUK with this reference exists.
    pub fn has_puk(&self, reference: u8) -> bool {
        self.puks.iter().any(|puk| puk.reference == reference)
    }

    /// Every PIN that there is, by the DF that it belongs to and its reference.
    pub(crate) fn defined(&self) -> BTreeSet<(NodeId, u8)> {
        self.pins.iter().map(|pin| (pin.df, pin.reference)).collect()
    }

    /// The place of a PIN that belongs to exactly this DF.
    pub fn find(&self, df: NodeId, reference: u8) -> Option<usize> {
        self.pins.iter().position(|pin| pin.df == df && pin.reference == reference)
    }

    /// Whether the access condition of this PIN is met: verified, or disabled and not blocked.
    pub fn is_satisfied(&self, place: usize) -> bool {
        self.pins.get(place).is_some_and(|pin| pin.code.left > 0 && (pin.verified || pin.attributes & ENABLED == 0))
    }

    /// Whether the PIN is enabled.
    pub fn is_enabled(&self, place: usize) -> bool {
        self.pins.get(place).is_some_and(|pin| pin.attributes & ENABLED != 0)
    }

    /// Attempts that are left for the PIN.
    pub fn attempts_left(&self, place: usize) -> u8 {
        self.pins.get(place).map_or(0, |pin| pin.code.left)
    }

    /// Attempts that are left for the PIN's PUK.
    pub fn unblock_attempts_left(&self, place: usize) -> Option<u8> {
        let reference = self.pins.get(place)?.puk?;
        self.puks.iter().find(|puk| puk.reference == reference).map(|puk| puk.code.left)
    }

    /// Forgets which PINs were verified, as a reset of the card does.
    pub fn reset(&mut self) {
        self.pins.iter_mut().for_each(|pin| pin.verified = false);
    }

    /// VERIFY PIN.
    ///
    /// # Errors
    /// [`Refused`]; the counter is already counted down.
    pub fn verify(&mut self, place: usize, candidate: &[u8]) -> Result<(), Refused> {
        let pin = self.pins.get_mut(place).ok_or(Refused::Unknown)?;
        if pin.attributes & ENABLED == 0 {
            return Err(Refused::WrongState);
        }
        pin.try_code(candidate)
    }

    /// CHANGE PIN.
    ///
    /// # Errors
    /// [`Refused`]; the counter is already counted down.
    pub fn change(&mut self, place: usize, old: &[u8], new: &[u8]) -> Result<(), Refused> {
        let pin = self.pins.get_mut(place).ok_or(Refused::Unknown)?;
        match pin.attributes {
            attributes if attributes & ENABLED == 0 => return Err(Refused::WrongState),
            attributes if attributes & CHANGEABLE == 0 => return Err(Refused::NotAllowed),
            _ => pin.check_format(new)?,
        }
        pin.try_code(old)?;
        pin.code.value = Octets::from(new);
        Ok(())
    }

    /// DISABLE PIN (`enable` false) or ENABLE PIN.
    ///
    /// # Errors
    /// [`Refused`]; the counter is already counted down.
    pub fn set_enabled(&mut self, place: usize, candidate: &[u8], enable: bool) -> Result<(), Refused> {
        let pin = self.pins.get_mut(place).ok_or(Refused::Unknown)?;
        if (pin.attributes & ENABLED != 0) == enable {
            return Err(Refused::WrongState);
        }
        if !enable && pin.attributes & MAY_BE_DISABLED == 0 {
            return Err(Refused::NotAllowed);
        }
        pin.try_code(candidate)?;
        pin.attributes ^= ENABLED;
        Ok(())
    }

    /// UNBLOCK PIN: the PUK sets a new PIN, full counters, and enables the PIN.
    ///
    /// # Errors
    /// [`Refused`]; the counter of the PUK is already counted down.
    pub fn unblock(&mut self, place: usize, candidate: &[u8], new: &[u8]) -> Result<(), Refused> {
        let pin = self.pins.get_mut(place).ok_or(Refused::Unknown)?;
        let reference = pin.puk.ok_or(Refused::NotAllowed)?;
        let puk = self.puks.iter_mut().find(|puk| puk.reference == reference).ok_or(Refused::NotAllowed)?;
        pin.check_format(new)?;
        puk.code.verify(candidate)?;
        pin.code.value = Octets::from(new);
        pin.code.left = pin.code.max;
        pin.attributes |= ENABLED;
        pin.verified = true;
        Ok(())
    }
}

impl Pin {
    /// Four to eight digits with FF behind them; an administrative code is any eight bytes (ETSI TS 102 221 9.4, 9.5.1).
    fn check_format(&self, new: &[u8]) -> Result<(), Refused> {
        let administrative = matches!(self.reference, 0x0A..=0x0E | 0x8A..=0x8E);
        let digits = new.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let padded = new.iter().skip(digits).all(|byte| *byte == 0xFF);
        let well_formed = administrative || ((4..=8).contains(&digits) && padded);
        if well_formed && new.len() == 8 { Ok(()) } else { Err(Refused::BadFormat) }
    }

    fn try_code(&mut self, candidate: &[u8]) -> Result<(), Refused> {
        let result = self.code.verify(candidate);
        self.verified = match result {
            Ok(()) => true,
            // A wrong attempt does not undo an earlier right one, until the PIN is blocked.
            Err(_) => self.verified && self.code.left > 0,
        };
        result
    }
}
