//! What a user is there for.

use std::fmt;
use std::str::FromStr;

use crate::actor::{Right, Rights};

/// A user's role: a set of rights with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sees orders, plans and figures.
    Viewer,
    /// Sells: orders, cancels, suspends, and tells customers their confirmation codes.
    Operator,
    /// All of it, and plans, stock, webhooks, keys and users.
    Admin,
}

impl Role {
    /// Every role, the smallest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its name in the database, on the command line and on pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// What it may do.
    pub fn rights(self) -> Rights {
        match self {
            Self::Viewer => Rights::of([Right::Read]),
            Self::Operator => Rights::of([Right::Read, Right::Provision, Right::Codes]),
            Self::Admin => Rights::ALL,
        }
    }

    /// What it is for, in a sentence.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Viewer => "Sees orders, plans and figures. Changes nothing, and is told no confirmation code.",
            Self::Operator => "Provisions, cancels and suspends, and can reveal confirmation codes.",
            Self::Admin => "Everything an operator can, and plans, stock, webhooks, API keys and users.",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of the roles viewer, operator, admin"))
    }
}
