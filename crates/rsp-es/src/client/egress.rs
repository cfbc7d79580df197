//! Where a server may connect to when an address comes from somebody else: an operator's endpoint, an SM-DS in an order.
//!
//! Without a guard, whoever may name an address makes the server call anything that the server can reach: itself, its
//! neighbours, the metadata service of its cloud. Judged are the addresses that a name resolves to, never the name: they
//! are resolved once, judged, and then called, so that no second answer of a resolver comes into it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::transport::{MalformedAddress, Origin, Scheme, TransportError};

/// Which addresses may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EgressPolicy {
    /// All. For an LPA: it acts for the person who gave it the address.
    #[default]
    Open,
    /// Those of the public internet, and the ones that are listed.
    Guarded {
        /// Hosts that may have any address, but none beyond those that they had at first: the server's own operator has
        /// named them.
        allow: Vec<AllowedHost>,
    },
}

/// A host at one port that may have a private address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AllowedHost {
    host: String,
    port: u16,
}

impl AllowedHost {
    /// This host at this port. Names are compared as they are called, without case; nothing is resolved.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_ascii_lowercase(), port }
    }

    fn covers(&self, origin: &Origin) -> bool {
        self.port == origin.port() && self.host.eq_ignore_ascii_case(origin.host())
    }
}

/// Reads `HOST:PORT`; an IPv6 address stands in brackets. Without a port it is that of HTTPS.
impl FromStr for AllowedHost {
    type Err = MalformedAddress;

    fn from_str(text: &str) -> Result<Self, MalformedAddress> {
        let origin = Origin::new(Scheme::Https, text)?;
        Ok(Self::new(origin.host(), origin.port()))
    }
}

/// Finds the addresses of a name.
#[async_trait]
pub trait NameResolver: Send + Sync {
    /// All addresses of a host, each with `port`. Is asked once for each connection.
    ///
    /// # Errors
    /// What the resolver says.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl NameResolver for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// A policy at work.
#[derive(Default)]
pub(super) struct Guard {
    policy: EgressPolicy,
    /// What each allowed host was first resolved to.
    pinned: Mutex<HashMap<AllowedHost, Vec<IpAddr>>>,
}

impl Guard {
    pub(super) fn new(policy: EgressPolicy) -> Self {
        Self { policy, pinned: Mutex::default() }
    }

    /// Whether the server's own operator has named this host.
    pub(super) fn names(&self, origin: &Origin) -> bool {
        matches!(&self.policy, EgressPolicy::Guarded { allow } if allow.iter().any(|allowed| allowed.covers(origin)))
    }

    /// Whether every one of these addresses of `origin` may be called.
    ///
    /// One that may not spoils the answer: which of several is called would be the resolver's choice. A host that is
    /// allowed gets no address that its first answer did not have, public or private, else its name server could point it
    /// anywhere.
    pub(super) fn check(&self, origin: &Origin, addresses: &[SocketAddr]) -> Result<(), TransportError> {
        let EgressPolicy::Guarded { allow } = &self.policy else { return Ok(()) };
        // An answer without addresses calls nobody, and must not hold a host to it.
        if addresses.is_empty() {
            return Ok(());
        }
        let mut addresses = addresses.iter().copied();
        let refused = match allow.iter().find(|allowed| allowed.covers(origin)) {
            None => addresses.find(|address| !is_public(address.ip())),
            Some(allowed) => {
                let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
                let first = || addresses.clone().map(|address| address.ip()).collect();
                let known = pinned.entry(allowed.clone()).or_insert_with(first);
                addresses.find(|address| !known.contains(&address.ip()))
            }
        };
        match refused {
            Some(address) => Err(TransportError::EgressRefused { host: origin.host().to_owned(), address }),
            None => Ok(()),
        }
    }
}

/// Whether an address belongs to the public internet, by the registries of special-purpose addresses of IANA
/// (RFC 6890): not private, loopback, link-local, shared, multicast, reserved or for documentation, and for IPv6 inside
/// of what is allocated as global unicast. An IPv6 address that carries an IPv4 address is judged by that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether a host can be one of the public internet: an address by [`is_public`], a name by what it ends in. Nothing is resolved:
/// refused are names that no public name server has (RFC 6761, RFC 6762, RFC 8375, and those that networks use by habit).
pub fn may_be_public(host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return is_public(address);
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let top = host.rsplit('.').next().unwrap_or_default();
    let reserved = ["localhost", "local", "internal", "lan", "home", "corp", "onion", "invalid"];
    // A number at the end makes the whole an IPv4 address to many (inet_aton): 127.1, 0x7f.1, 2130706433.
    let number = top.starts_with(|digit: char| digit.is_ascii_digit());
    host.contains('.') && !reserved.contains(&top) && !host.ends_with(".home.arpa") && host != "home.arpa" && !number
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // "This network", private, loopback, link-local, multicast, reserved and broadcast.
        [0 | 10 | 127 | 224..=255, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            // Shared by carriers (RFC 6598), benchmarks (RFC 2544).
            | [100, 64..=127, ..]
            | [198, 18 | 19, ..]
            // Protocol assignments, 6to4 relays, documentation.
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(address) = address.to_ipv4_mapped() {
        return is_public_v4(address);
    }
    match address.segments() {
        // NAT64 (RFC 6052): who translates reaches the IPv4 address at the end.
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        // Protocol assignments with Teredo, documentation, 6to4: the last carries an IPv4 address that nobody needs.
        [0x2001, 0..=0x1FF, ..] | [0x2001, 0xDB8, ..] | [0x2002, ..] | [0x3FFF, 0..=0xFFF, ..] => false,
        // Everything else that is global unicast begins with 001.
        [first, ..] => first & 0xE000 == 0x2000,
    }
}
