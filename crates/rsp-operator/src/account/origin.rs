//! Where browsers find the portal: what their requests must come from, and what passkeys are made for.

/// An address of the portal that browsers would not keep secrets for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address for a portal: https://HOST[:PORT], or http:// on localhost or a loopback address")]
pub struct BadOrigin(String);

/// Scheme, host and port of the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: String,
    secure: bool,
}

impl Origin {
    /// The origin of a URL. Anything behind the host is left out.
    ///
    /// # Errors
    /// [`BadOrigin`] for plain HTTP beyond this machine, and what is no URL.
    pub fn of(url: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().map_err(|_| bad())?)),
            _ => (authority.as_str(), None),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(bad());
        }
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let (secure, usual) = match scheme {
            "https" => (true, 443),
            "http" if loopback => (false, 80),
            _ => return Err(bad()),
        };
        let port = port.filter(|port| *port != usual).map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { text: format!("{scheme}://{host}{port}"), host: host.to_owned(), secure })
    }

    /// As browsers write it in `Origin`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The relying party of WebAuthn.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is HTTPS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Name of the session's cookie. Behind HTTPS a name that no other host and no page without TLS can set.
    pub fn cookie(&self) -> &'static str {
        if self.secure { "__Host-openrsp" } else { "openrsp" }
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn is_written_as_browsers_write_it() {
        for (url, origin, host) in [
            ("https://Portal.example.com/", "https://portal.example.com", "portal.example.com"),
            ("https://portal.example.com:443", "https://portal.example.com", "portal.example.com"),
            ("https://portal.example.com:8443/x?y", "https://portal.example.com:8443", "portal.example.com"),
            ("http://localhost:8080", "http://localhost:8080", "localhost"),
            ("http://127.0.0.1", "http://127.0.0.1", "127.0.0.1"),
            ("http://[::1]:8080/", "http://[::1]:8080", "[::1]"),
        ] {
            let parsed = Origin::of(url).unwrap();
            assert_eq!((parsed.as_str(), parsed.host()), (origin, host), "{url}");
        }
    }

    #[test]
    fn refuses_what_browsers_would_not_trust() {
        for url in
            ["http://portal.example.com", "ftp://localhost", "localhost", "https://", "https://a b", "https://a:x"]
        {
            assert!(Origin::of(url).is_err(), "{url}");
        }
    }
}
