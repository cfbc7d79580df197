//! Where a profile stands, and how often its order can be downloaded.

use std::fmt;
use std::str::FromStr;

use super::TABLE;
use crate::error::Error;

/// State of a profile in the SM-DP+ (SGP.22 3.1.6). Which moves are allowed is the order module's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProfileState {
    /// In the inventory, ordered by nobody.
    Available,
    /// Ordered, for an eUICC not known yet.
    Allocated,
    /// Ordered for one eUICC.
    Linked,
    /// Confirmed, not yet to be downloaded.
    Confirmed,
    /// May be downloaded.
    Released,
    /// A bound package was delivered; its result is not known.
    Downloaded,
    /// The eUICC reported the installation.
    Installed,
    /// The eUICC reported that it deleted the profile; the operator decides what becomes of it.
    Deleted,
    /// The download failed for good, or was refused.
    Error,
    /// Taken out by the operator.
    Unavailable,
}

impl ProfileState {
    /// Every state, in the order of a profile's life.
    pub const ALL: [Self; 10] = [
        Self::Available,
        Self::Allocated,
        Self::Linked,
        Self::Confirmed,
        Self::Released,
        Self::Downloaded,
        Self::Installed,
        Self::Deleted,
        Self::Error,
        Self::Unavailable,
    ];

    /// The standard's word for the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Allocated => "Allocated",
            Self::Linked => "Linked",
            Self::Confirmed => "Confirmed",
            Self::Released => "Released",
            Self::Downloaded => "Downloaded",
            Self::Installed => "Installed",
            Self::Deleted => "Deleted",
            Self::Error => "Error",
            Self::Unavailable => "Unavailable",
        }
    }
}

impl fmt::Display for ProfileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProfileState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(Error::InvalidValue { table: TABLE, column: "state" })
    }
}

/// How often an order can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrderPolicy {
    /// Until it is installed.
    #[default]
    OneTime,
    /// Again after the installation, by the same eUICC.
    SameEid,
    /// Again and again, by any eUICC. For tests: a network must not have the same subscriber twice.
    Reusable,
}

impl OrderPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::OneTime, Self::SameEid, Self::Reusable];

    /// The policy's name in the database and in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "one-time",
            Self::SameEid => "same-eid",
            Self::Reusable => "reusable",
        }
    }
}

impl FromStr for OrderPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(Error::InvalidValue { table: TABLE, column: "policy" })
    }
}
