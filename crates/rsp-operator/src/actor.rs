//! Who asks for something, and what it may ask for.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// One thing that somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// See orders, plans and figures.
    Read,
    /// Order, release, cancel, suspend, resume, top up.
    Provision,
    /// Be told confirmation codes.
    Codes,
    /// Change plans, webhooks, stock, users and keys.
    Manage,
}

impl Right {
    /// Every right, the smallest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Provision, Self::Codes, Self::Manage];

    /// Its name in the database, on the command line and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Provision => "provision",
            Self::Codes => "codes",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of rights; as text their names with commas between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights(u8);

impl Rights {
    /// All of them.
    pub const ALL: Self = Self(0b1111);

    /// None but these.
    pub fn of(rights: impl IntoIterator<Item = Right>) -> Self {
        Self(rights.into_iter().fold(0, |set, right| set | 1 << right as u8))
    }

    /// Whether one is among them.
    pub fn has(self, right: Right) -> bool {
        self.0 & (1 << right as u8) != 0
    }

    /// Those that both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Right::ALL.into_iter().filter(|right| self.has(*right)).map(Right::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Rights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let right = |name: &str| {
            let found = Right::ALL.into_iter().find(|right| right.as_str() == name.trim());
            found.ok_or_else(|| format!("{name:?} is none of the rights read, provision, codes, manage"))
        };
        Ok(Self::of(text.split(',').filter(|name| !name.trim().is_empty()).map(right).collect::<Result<Vec<_>, _>>()?))
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    tenant: Option<String>,
    name: String,
    rights: Rights,
}

impl Actor {
    /// Somebody of a tenant, or of the server itself, who sees every tenant. `name` appears in logs, such as `user ann`.
    pub fn new(tenant: Option<String>, name: impl Into<String>, rights: Rights) -> Self {
        Self { tenant, name: name.into(), rights }
    }

    /// The operator on whose behalf it asks; `None` for whoever runs the server.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// As logs name it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may do.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// Refuses whoever lacks a right.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require(&self, right: Right) -> Result<(), Error> {
        if self.rights.has(right) { Ok(()) } else { Err(Error::Forbidden(right)) }
    }

    /// Whether something of `operator` is its own to see.
    pub fn sees(&self, operator: Option<&str>) -> bool {
        self.tenant.is_none() || self.tenant.as_deref() == operator
    }
}

#[cfg(test)]
mod tests {
    use super::{Actor, Right, Rights};

    #[test]
    fn rights_are_read_as_they_are_written() {
        for text in ["", "read", "read,codes", "read,provision,codes,manage"] {
            assert_eq!(text.parse::<Rights>().unwrap().to_string(), text);
        }
        assert_eq!("read,provision,codes,manage".parse(), Ok(Rights::ALL));
        assert!("reed".parse::<Rights>().is_err());
        let rights: Rights = " codes , read".parse().unwrap();
        assert!(rights.has(Right::Codes) && rights.has(Right::Read));
        assert!(!rights.has(Right::Provision) && !rights.has(Right::Manage));
        assert_eq!(rights.and(Rights::of([Right::Codes, Right::Manage])).to_string(), "codes");
    }

    #[test]
    fn a_tenant_sees_its_own_and_the_server_all() {
        let tenant = Actor::new(Some("A".to_owned()), "key 1", Rights::ALL);
        assert!(tenant.sees(Some("A")) && !tenant.sees(Some("B")) && !tenant.sees(None));
        let server = Actor::new(None, "user root", Rights::default());
        assert!(server.sees(Some("A")) && server.sees(None));
    }
}
