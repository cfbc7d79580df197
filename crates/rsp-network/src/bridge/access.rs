//! What a register lets a subscriber use: the network access mode (3GPP TS 23.008 2.1.1.2).

use std::str::FromStr;

/// A network access mode, by the words of osmo-hlr's console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// Nothing.
    None,
    /// Circuit-switched services alone.
    Cs,
    /// Packet services alone.
    Ps,
    /// Both.
    CsPs,
}

impl AccessMode {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cs => "cs",
            Self::Ps => "ps",
            Self::CsPs => "cs+ps",
        }
    }

    /// The mode with these services.
    pub(super) const fn of(cs: bool, ps: bool) -> Self {
        match (cs, ps) {
            (false, false) => Self::None,
            (true, false) => Self::Cs,
            (false, true) => Self::Ps,
            (true, true) => Self::CsPs,
        }
    }

    /// Whether packet services are among it.
    pub const fn has_ps(self) -> bool {
        matches!(self, Self::Ps | Self::CsPs)
    }
}

impl FromStr for AccessMode {
    type Err = crate::Error;

    fn from_str(word: &str) -> Result<Self, crate::Error> {
        let known = [Self::None, Self::Cs, Self::Ps, Self::CsPs].into_iter().find(|mode| mode.as_str() == word);
        known.ok_or(crate::Error::HlrAnswer("this is no access mode"))
    }
}
