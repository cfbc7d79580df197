//! A server's own address as LPAs write it (SGP.22 5.6.1: smdpAddress, smdsAddress).

/// A host name or IP address with an optional port, such as `smdp.example.com` or `smdp.example.com:8443`.
///
/// An LPA names the server as its activation code does: in any case, with or without the port. All of these are the
/// same server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: Option<u16>,
}

impl ServerAddress {
    /// Reads `host` or `host:port`; an IPv6 address with a port stands in brackets. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = split_port(text)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
        (!host.is_empty() && host.len() <= 255 && host.bytes().all(allowed))
            .then(|| Self { host: host.to_ascii_lowercase(), port })
    }

    /// The host in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if the address names one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether `claimed` means this server: the same host in any case, and the same port or none.
    ///
    /// A port in `claimed` that this address does not name is another server's, except for 443, which is the default.
    pub fn is(&self, claimed: &str) -> bool {
        Self::parse(claimed).is_some_and(|claimed| {
            claimed.host == self.host && claimed.port.is_none_or(|port| port == self.port.unwrap_or(DEFAULT_PORT))
        })
    }
}

/// HTTPS.
const DEFAULT_PORT: u16 = 443;

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        return match text[end..].strip_prefix(':') {
            Some(port) => Some((&text[..end], Some(port.parse().ok()?))),
            None => text[end..].is_empty().then_some((text, None)),
        };
    }
    match text.split_once(':') {
        // More than one colon: a bare IPv6 address.
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::ServerAddress;

    #[test]
    fn accepts_its_own_name_in_any_case_with_and_without_port() {
        let own = ServerAddress::parse("Smdp.Example.com:8443").unwrap();
        for same in ["smdp.example.com", "SMDP.EXAMPLE.COM", "smdp.example.com:8443"] {
            assert!(own.is(same), "{same}");
        }
        for other in ["smdp.example.org", "smdp.example.com:8444", "", ":8443", "smdp.example.com:x", "a b"] {
            assert!(!own.is(other), "{other}");
        }
        let without = ServerAddress::parse("smdp.example.com").unwrap();
        assert!(without.is("smdp.example.com:443"));
        assert!(!without.is("smdp.example.com:8443"));
    }

    #[test]
    fn reads_ip_addresses() {
        assert!(ServerAddress::parse("127.0.0.1:8443").unwrap().is("127.0.0.1"));
        assert!(ServerAddress::parse("[::1]:8443").unwrap().is("[::1]"));
        assert_eq!(ServerAddress::parse("[::1]:8443").unwrap().to_string(), "[::1]:8443");
        assert_eq!(ServerAddress::parse("::1").unwrap().port(), None);
    }
}
