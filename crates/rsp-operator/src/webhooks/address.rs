//! The URL of a webhook: which ones are taken at all. Whatever is taken is judged once more by the addresses that its name
//! has when it is called.

use std::net::{IpAddr, Ipv4Addr};

use rsp_es::client::{MalformedAddress, Origin, Scheme, may_be_public};

/// The longest URL.
const LONGEST: usize = 2048;
/// Ports below this one belong to services that are not called, but for those of the web.
const FIRST_FREE_PORT: u16 = 1024;
const WEB: [u16; 2] = [80, 443];

/// Which URLs are taken: those of the public internet over HTTPS, and hosts that the one who runs the server names.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    allow: Vec<Origin>,
}

impl AddressRules {
    /// With these hosts, each at one port, as exceptions: they may be private, have any port, and be called without TLS.
    pub fn new(allow: impl IntoIterator<Item = Origin>) -> Self {
        Self { allow: allow.into_iter().collect() }
    }

    fn allows(&self, origin: &Origin) -> bool {
        let same =
            |allowed: &Origin| allowed.port() == origin.port() && allowed.host().eq_ignore_ascii_case(origin.host());
        self.allow.iter().any(same)
    }
}

/// Where a webhook is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    origin: Origin,
    target: String,
}

/// Why a URL is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("is no URL such as https://partner.example/events")]
    Malformed,
    /// It is too long.
    #[error("is longer than {LONGEST} characters")]
    TooLong,
    /// It is another scheme.
    #[error("must begin with https://")]
    Scheme,
    /// It holds a user name or a password.
    #[error("must not hold a user name or a password")]
    UserInfo,
    /// It has a fragment, which is never sent.
    #[error("must not have a fragment")]
    Fragment,
    /// Its host is a number in disguise.
    #[error("its host is neither a name nor an IP address as it is usually written")]
    Host,
    /// Its host is not in the public internet.
    #[error("its host does not belong to the public internet")]
    Private,
    /// Its port is that of another service.
    #[error("its port is neither 443, 80 nor one from {FIRST_FREE_PORT} on")]
    Port,
    /// It speaks HTTP without TLS.
    #[error("must be https://, as the host is no exception of this server")]
    PlainHttp,
}

impl From<MalformedAddress> for AddressError {
    fn from(_: MalformedAddress) -> Self {
        Self::Host
    }
}

impl Address {
    /// Reads a URL, without any tolerance: what two programs could read in two ways is refused.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(url: &str, rules: &AddressRules) -> Result<Self, AddressError> {
        if url.len() > LONGEST {
            return Err(AddressError::TooLong);
        }
        // A backslash is a slash to some.
        if url.is_empty()
            || url.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'"' | b'<' | b'>'))
        {
            return Err(AddressError::Malformed);
        }
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::Malformed)?;
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::PlainHttp,
            _ => return Err(AddressError::Scheme),
        };
        if rest.contains('#') {
            return Err(AddressError::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(AddressError::UserInfo);
        }
        let origin = Origin::new(scheme, authority)?;
        let address =
            Self { origin, target: if target.starts_with('/') { target.to_owned() } else { format!("/{target}") } };
        address.check(rules)?;
        Ok(address)
    }

    fn check(&self, rules: &AddressRules) -> Result<(), AddressError> {
        let host = self.origin.host();
        let literal = host.parse::<IpAddr>().ok();
        // Resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses (WHATWG URL: "ends in a number").
        let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
        if number && literal.is_none() && !host.contains(':') {
            return Err(AddressError::Host);
        }
        // One leading zero makes it octal to some.
        if let Some(IpAddr::V4(v4)) = literal
            && v4 != Ipv4Addr::UNSPECIFIED
            && v4.to_string() != host
        {
            return Err(AddressError::Host);
        }
        if rules.allows(&self.origin) {
            return Ok(());
        }
        if !may_be_public(host) {
            return Err(AddressError::Private);
        }
        if self.origin.scheme() == Scheme::PlainHttp {
            return Err(AddressError::PlainHttp);
        }
        match self.origin.port() {
            port if port >= FIRST_FREE_PORT || WEB.contains(&port) => Ok(()),
            _ => Err(AddressError::Port),
        }
    }

    /// The server.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The URL as it is shown: without its query, which may hold a secret of the receiver.
    pub fn shown(&self) -> String {
        let (path, query) = self.target.split_once('?').map_or((self.target.as_str(), ""), |(path, _)| (path, "?…"));
        format!("{}{path}{query}", self.origin)
    }
}
