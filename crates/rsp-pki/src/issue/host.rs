//! What a TLS certificate is made for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::Error;

/// A host name or an address, without port: it becomes a dNSName or an iPAddress of the subjectAltName.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in lower case.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl FromStr for Host {
    type Err = Error;

    /// Reads a DNS name of letters, digits, hyphens and dots, an IPv4 address, or an IPv6 address with or without
    /// brackets.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unbracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = unbracketed.parse() {
            return Ok(Self::Ip(address));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A name of digits and dots alone would be a mistyped address.
        let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if text.len() <= 253 && !numeric && text.split('.').all(label) {
            Ok(Self::Dns(text.to_ascii_lowercase()))
        } else {
            Err(Error::Host(text.to_owned()))
        }
    }
}
