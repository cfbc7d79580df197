//! How a request gets to a server and the answer back.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;

use super::recorded::Deviation;
use crate::es9plus::CONTENT_TYPE;

/// Carries one HTTP POST at a time to an RSP server.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends the request with the headers of SGP.22 6.5.1 and waits for the whole answer. Redirects are not followed.
    ///
    /// # Errors
    /// [`TransportError`] when there is no complete answer of the server that was meant. An HTTP status is an answer.
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError>;
}

/// Value of the HTTP header User-Agent of an LPA in the device (SGP.22 6.5.1).
pub const LPAD: &str = "gsma-rsp-lpad";

/// One POST.
#[derive(Debug, Clone)]
pub struct HttpRequest<'a> {
    /// The server.
    pub origin: &'a Origin,
    /// The path of the URL.
    pub path: &'static str,
    /// Value of the HTTP header Content-Type.
    pub content_type: &'static str,
    /// Value of the HTTP header User-Agent: [`LPAD`] for an LPA, nothing for a server that calls another.
    pub user_agent: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

impl<'a> HttpRequest<'a> {
    /// What an LPA sends in the JSON binding.
    pub fn from_lpa(origin: &'a Origin, path: &'static str, body: Vec<u8>) -> Self {
        Self { origin, path, content_type: CONTENT_TYPE, user_agent: Some(LPAD), body }
    }
}

/// A POST to a server that speaks no interface of RSP, such as a partner's receiver of events.
#[derive(Debug, Clone, Copy)]
pub struct PlainPost<'a> {
    /// The server.
    pub origin: &'a Origin,
    /// Path and query of the URL.
    pub target: &'a str,
    /// Names and values of HTTP headers besides Host.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// The answer to a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// The body, without any transfer coding.
    pub body: Vec<u8>,
}

/// Whether TLS is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// TLS, as the standard demands.
    Https,
    /// No TLS: to a loopback address, for a server behind a proxy on the same machine, or to a host that a policy of egress
    /// names.
    PlainHttp,
}

/// A server: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
}

/// An address that is neither a host name nor an IP address, with or without a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of a server: expected HOST or HOST:PORT")]
pub struct MalformedAddress(pub String);

impl Origin {
    /// The server at `address`, which is `HOST` or `HOST:PORT` as in an activation code; an IPv6 address stands in
    /// brackets.
    ///
    /// # Errors
    /// [`MalformedAddress`].
    pub fn new(scheme: Scheme, address: &str) -> Result<Self, MalformedAddress> {
        let malformed = || MalformedAddress(address.chars().take(256).collect());
        let (host, port) = match address.rsplit_once(':') {
            // The last colon of [::1] is not before a port.
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(malformed)?))
            }
            _ => (address, None),
        };
        let v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let well_formed = match v6 {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host.len() <= 253
                    && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
            }
        };
        if !well_formed {
            return Err(malformed());
        }
        Ok(Self { scheme, host: v6.unwrap_or(host).to_owned(), port })
    }

    /// Whether TLS is spoken.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host name or IP address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, that of the scheme if the address gives none.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            Scheme::Https => 443,
            Scheme::PlainHttp => 80,
        })
    }

    /// `HOST` or `HOST:PORT` as it was given: also the value of the HTTP header Host.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

/// The URL without a path.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Https => "https",
            Scheme::PlainHttp => "http",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The host name has no address.
    #[error("the host name {host} could not be resolved: {source}")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// No connection to any of the host's addresses.
    #[error("no connection to {host} at {address}: {source}")]
    Connect {
        /// The name.
        host: String,
        /// The last address tried.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server's certificate was not accepted: this may not be the server that was meant.
    #[error("the TLS certificate of {host} is not acceptable: {reason}")]
    Certificate {
        /// The name.
        host: String,
        /// Which check failed.
        reason: String,
    },
    /// The TLS handshake failed for another reason.
    #[error("no TLS connection to {host}: {reason}")]
    Tls {
        /// The name.
        host: String,
        /// What TLS said.
        reason: String,
    },
    /// Plain HTTP to another machine is refused, unless a policy of egress names it.
    #[error("plain HTTP is spoken to a loopback address only, and {host} is {address}")]
    PlainHttpRefused {
        /// The name.
        host: String,
        /// Its address.
        address: SocketAddr,
    },
    /// The address is not one that a server may call for somebody else.
    #[error("{host} is {address}, which is no address of the public internet and not allowed as an exception")]
    EgressRefused {
        /// The name.
        host: String,
        /// The address at fault; it was not called.
        address: SocketAddr,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection to {host} broke {when}: {reason}")]
    Interrupted {
        /// The name.
        host: String,
        /// Before or during the answer.
        when: &'static str,
        /// What happened.
        reason: String,
    },
    /// It took too long.
    #[error("{host}: {what} took longer than {seconds} s")]
    Timeout {
        /// The name.
        host: String,
        /// What was waited for.
        what: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// The answer is larger than any answer of this interface.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The name.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// A replay met a request that was not recorded.
    #[error(transparent)]
    Deviation(#[from] Deviation),
}

/// What a timeout was waiting for when the request was on its way.
pub(super) const ANSWER: &str = "the answer";
/// When a connection broke before anything was sent.
pub(super) const BEFORE_REQUEST: &str = "before the request";

impl TransportError {
    /// Whether the server certainly got no request, so that nothing can have come of it.
    pub fn is_before_request(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Certificate { .. }
            | Self::PlainHttpRefused { .. }
            | Self::EgressRefused { .. }
            | Self::Deviation(_) => true,
            Self::Timeout { what, .. } => *what != ANSWER,
            Self::Interrupted { when, .. } => *when == BEFORE_REQUEST,
            // In the handshake; or plain HTTP was spoken to one who speaks TLS, and cannot have read it.
            Self::Tls { .. } => true,
            Self::TooLarge { .. } => false,
        }
    }
}
