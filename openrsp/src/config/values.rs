//! Values of a configuration file, each checked where it is read.

use std::net::SocketAddr;

use rsp_asn1::VersionType;
use rsp_auth::ServerAddress;
use rsp_crypto::Curve;
use rsp_es::client::{AllowedHost, EgressPolicy, Origin, Resolve, Scheme};
use rsp_smdp::Eligibility;
use serde::Deserialize;

/// Where something listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Listen(pub(crate) SocketAddr);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("{text:?} is no ADDR:PORT, such as 127.0.0.1:8443"))
    }
}

/// A server's own address, as LPAs name it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(crate) ServerAddress);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        super::server_address(&text).map(Self).ok_or_else(|| format!("{text:?} is no host[:port]"))
    }
}

/// Another server, with its port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct HostPort(Origin);

impl HostPort {
    /// The server, as clients take it.
    pub(crate) fn origin(&self) -> &Origin {
        &self.0
    }

    /// The public internet, and these.
    pub(crate) fn policy(allow: &[Self]) -> EgressPolicy {
        let allow = allow.iter().map(|allowed| AllowedHost::new(allowed.0.host(), allowed.0.port())).collect();
        EgressPolicy::Guarded { allow }
    }
}

impl TryFrom<String> for HostPort {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let origin = Origin::new(Scheme::Https, &text).ok();
        // The port of a scheme is not assumed: what is allowed shall be seen in the file.
        let origin = origin.filter(|origin| text.ends_with(&format!(":{}", origin.port())));
        origin.map(Self).ok_or_else(|| format!("{text:?} is no HOST:PORT, such as smds.example.com:443"))
    }
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Fixed(pub(crate) Resolve);

impl TryFrom<String> for Fixed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Resolve::parse(&text).map(Self).map_err(|_| format!("{text:?} is no HOST[:PORT]=ADDR:PORT"))
    }
}

/// One of the two curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CurveName(pub(crate) Curve);

impl TryFrom<String> for CurveName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("{text:?} is neither \"p256\" nor \"brainpool\""))
    }
}

/// A version of SGP.22: three numbers with points between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Version([u8; 3]);

impl Version {
    /// As messages have it.
    pub(crate) fn version(self) -> VersionType {
        VersionType(self.0)
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let numbers: Option<Vec<u8>> = text.split('.').map(|number| number.parse().ok()).collect();
        let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers.map(Self).ok_or_else(|| format!("{text:?} is no version of SGP.22 such as \"2.2.0\""))
    }
}

/// A type allocation code: the first eight digits of an IMEI.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Tac(pub(crate) [u8; 4]);

impl TryFrom<String> for Tac {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let tac = Eligibility::tac(&text);
        tac.map(Self).ok_or_else(|| format!("{text:?} is no type allocation code of 8 digits, such as \"35290611\""))
    }
}
