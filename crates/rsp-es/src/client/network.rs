//! The real transport: HTTP/1.1 over TLS with a configuration that the caller gives.
//!
//! Written on hyper rather than on a general client: a name must be resolvable to any address and port while Host and
//! TLS name stay as they are, and a user must learn whether name, connection, certificate or server was at fault.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex as SyncMutex};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use super::egress::{EgressPolicy, Guard, NameResolver, SystemResolver};
use super::transport::{
    ANSWER, BEFORE_REQUEST, HttpRequest, HttpResponse, HttpTransport, MalformedAddress, Origin, PlainPost, Scheme,
    TransportError,
};
use crate::es9plus::{ADMIN_PROTOCOL, ADMIN_PROTOCOL_HEADER};

/// Where a host name leads instead of where the resolver says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    port: Option<u16>,
    address: SocketAddr,
}

impl Resolve {
    /// Connections to `host`, and only those to `port` if one is given, go to `address`.
    pub fn new(host: &str, port: Option<u16>, address: SocketAddr) -> Self {
        Self { host: host.to_owned(), port, address }
    }

    /// Reads `HOST[:PORT]=ADDR:PORT`.
    ///
    /// # Errors
    /// [`MalformedAddress`] with the half that is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedAddress> {
        let (from, to) = text.split_once('=').ok_or_else(|| MalformedAddress(text.to_owned()))?;
        let address = to.parse().map_err(|_| MalformedAddress(to.to_owned()))?;
        let origin = Origin::new(Scheme::Https, from)?;
        let port = from.ends_with(&format!(":{}", origin.port())).then(|| origin.port());
        Ok(Self { host: origin.host().to_owned(), port, address })
    }

    fn covers(&self, origin: &Origin) -> bool {
        self.host.eq_ignore_ascii_case(origin.host()) && self.port.is_none_or(|port| port == origin.port())
    }
}

/// How long and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For name, connection and handshake, each.
    pub connect: Duration,
    /// For one request with its answer. Binding a profile may take a server some seconds.
    pub exchange: Duration,
    /// For the body of an answer, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), exchange: Duration::from_secs(60), body: 8 << 20 }
    }
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiatedTls {
    /// For example `TLSv1_3`.
    pub version: String,
    /// For example `TLS13_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// The certificate by which the server proved itself, DER.
    pub certificate: Option<Vec<u8>>,
}

/// Talks to servers over TCP and TLS; keeps one connection and uses it as long as the server is the same.
pub struct NetworkTransport {
    tls: Arc<ClientConfig>,
    resolve: Vec<Resolve>,
    resolver: Arc<dyn NameResolver>,
    guard: Arc<Guard>,
    limits: Limits,
    keep: bool,
    /// Whether nothing is sent over TLS of another version than 1.3.
    tls_1_3: bool,
    open: Mutex<Option<Connection>>,
    negotiated: SyncMutex<Option<NegotiatedTls>>,
}

struct Connection {
    origin: Origin,
    sender: SendRequest<Full<Bytes>>,
}

impl NetworkTransport {
    /// A transport that proves servers by `tls`, which the caller makes and in which nothing is switched off.
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls,
            resolve: Vec::new(),
            resolver: Arc::new(SystemResolver),
            guard: Arc::default(),
            limits: Limits::default(),
            keep: true,
            tls_1_3: false,
            open: Mutex::new(None),
            negotiated: SyncMutex::new(None),
        }
    }

    /// Sends the named hosts elsewhere; Host header and TLS name stay.
    #[must_use]
    pub fn with_resolve(self, resolve: Vec<Resolve>) -> Self {
        Self { resolve, ..self }
    }

    /// Another resolver than the operating system's.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn NameResolver>) -> Self {
        Self { resolver, ..self }
    }

    /// Calls only what `policy` allows. Without this, everything: right for an LPA, wrong for a server that calls
    /// addresses which others gave it.
    #[must_use]
    pub fn with_egress(self, policy: EgressPolicy) -> Self {
        Self { guard: Arc::new(Guard::new(policy)), ..self }
    }

    /// Other limits than the usual.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// A new connection, with a new handshake, for each request.
    #[must_use]
    pub fn without_keep_alive(self) -> Self {
        Self { keep: false, ..self }
    }

    /// A transport of the same settings without any connection yet. Over TLS it sends nothing but over version 1.3, on whichever
    /// connection, and what [`negotiated`](Self::negotiated) says is of its own connections alone.
    #[must_use]
    pub fn fresh_tls_1_3(&self) -> Self {
        Self {
            tls: Arc::clone(&self.tls),
            resolve: self.resolve.clone(),
            resolver: Arc::clone(&self.resolver),
            guard: Arc::clone(&self.guard),
            limits: self.limits,
            keep: self.keep,
            tls_1_3: true,
            open: Mutex::new(None),
            negotiated: SyncMutex::new(None),
        }
    }

    /// What the last handshake agreed on, if there was one.
    pub fn negotiated(&self) -> Option<NegotiatedTls> {
        self.negotiated.lock().map(|negotiated| negotiated.clone()).unwrap_or_default()
    }

    /// Connects to a server without sending it anything, so that it can be seen what TLS agrees on before something is asked
    /// for. The next request goes over this connection, as long as it stands.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn open(&self, origin: &Origin) -> Result<(), TransportError> {
        let mut open = self.open.lock().await;
        // The old one first: it must not be what the next request goes over.
        *open = None;
        *open = Some(self.connect(origin).await?);
        Ok(())
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, TransportError> {
        let stream = self.tcp(origin).await?;
        let sender = match origin.scheme() {
            Scheme::PlainHttp => handshake(origin, stream).await?,
            Scheme::Https => {
                let stream = self.tls(origin, stream).await?;
                handshake(origin, stream).await?
            }
        };
        Ok(Connection { origin: origin.clone(), sender })
    }

    async fn tcp(&self, origin: &Origin) -> Result<TcpStream, TransportError> {
        let host = || origin.host().to_owned();
        let dns = |source| TransportError::Dns { host: host(), source };
        let addresses: Vec<SocketAddr> = match self.resolve.iter().find(|resolve| resolve.covers(origin)) {
            Some(resolve) => vec![resolve.address],
            None => {
                let lookup = self.resolver.resolve(origin.host(), origin.port());
                self.within(origin, "resolving the name", lookup).await?.map_err(dns)?
            }
        };
        // What follows connects to these very addresses: the name is not asked for again.
        self.guard.check(origin, &addresses)?;
        let mut last = dns(std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address"));
        for address in addresses {
            if origin.scheme() == Scheme::PlainHttp && !address.ip().is_loopback() && !self.guard.names(origin) {
                return Err(TransportError::PlainHttpRefused { host: host(), address });
            }
            match self.within(origin, "connecting", TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Each request is one small write; without this it waits for the acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(source)) => last = TransportError::Connect { host: host(), address, source },
                Err(timeout) => last = timeout,
            }
        }
        Err(last)
    }

    async fn tls(
        &self,
        origin: &Origin,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, TransportError> {
        let host = || origin.host().to_owned();
        let name = ServerName::try_from(host())
            .map_err(|error| TransportError::Tls { host: host(), reason: error.to_string() })?;
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        let stream =
            self.within(origin, "the TLS handshake", handshake).await?.map_err(|error| tls_error(host(), &error))?;
        let (_, session) = stream.get_ref();
        if let (Some(version), Some(suite)) = (session.protocol_version(), session.negotiated_cipher_suite())
            && let Ok(mut negotiated) = self.negotiated.lock()
        {
            *negotiated = Some(NegotiatedTls {
                version: format!("{version:?}"),
                cipher_suite: format!("{:?}", suite.suite()),
                certificate: session.peer_certificates().and_then(|shown| shown.first()).map(|shown| shown.to_vec()),
            });
        }
        if self.tls_1_3 && session.protocol_version() != Some(rustls::ProtocolVersion::TLSv1_3) {
            let reason = "TLS 1.3 is demanded, and the server agreed on another version".to_owned();
            return Err(TransportError::Tls { host: host(), reason });
        }
        Ok(stream)
    }

    async fn within<T>(
        &self,
        origin: &Origin,
        what: &'static str,
        future: impl Future<Output = T>,
    ) -> Result<T, TransportError> {
        let limit = self.limits.connect;
        tokio::time::timeout(limit, future).await.map_err(|_| timeout(origin, what, limit))
    }

    /// Sends a request that no interface of RSP defines, and returns the HTTP status of the answer. Redirects are not
    /// followed; the body of the answer is thrown away, and whatever of it exceeds the limits is not waited for.
    ///
    /// # Errors
    /// [`TransportError`] when there is no answer of the server that was meant.
    pub async fn post_plain(&self, request: PlainPost<'_>) -> Result<u16, TransportError> {
        let origin = request.origin;
        let message = plain_message(&request)?;
        let mut open = self.open.lock().await;
        let exchange = tokio::time::timeout(self.limits.exchange, self.send(&mut open, origin, message));
        match exchange.await.unwrap_or_else(|_| Err(timeout(origin, ANSWER, self.limits.exchange))) {
            Ok(response) => {
                let status = response.status().as_u16();
                let rest = receive(origin, response.into_body(), self.limits.body);
                // The status is the answer; a connection on which more is to come serves nobody else.
                let ended = matches!(tokio::time::timeout(self.limits.connect, rest).await, Ok(Ok(_)));
                if !ended || !self.keep {
                    *open = None;
                }
                Ok(status)
            }
            Err(error) => {
                *open = None;
                Err(error)
            }
        }
    }

    /// Sends over the open connection if there is one to this server, else over a new one.
    async fn send(
        &self,
        open: &mut Option<Connection>,
        origin: &Origin,
        mut message: hyper::Request<Full<Bytes>>,
    ) -> Result<hyper::Response<Incoming>, TransportError> {
        if let Some(mut connection) = open.take().filter(|connection| connection.origin == *origin)
            && connection.sender.ready().await.is_ok()
        {
            match connection.sender.try_send_request(message).await {
                Ok(response) => {
                    *open = Some(connection);
                    return Ok(response);
                }
                // The server had closed the connection before it saw anything: not a failure, and safe to repeat.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => message = unsent,
                    None => return Err(interrupted(origin, "before the answer", error.error())),
                },
            }
        }
        let connection = open.insert(self.connect(origin).await?);
        connection.sender.send_request(message).await.map_err(|error| interrupted(origin, "before the answer", &error))
    }
}

#[async_trait]
impl HttpTransport for NetworkTransport {
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let origin = request.origin;
        let mut open = self.open.lock().await;
        let exchange = async {
            let response = self.send(&mut open, origin, message(&request)?).await?;
            let status = response.status().as_u16();
            let body = receive(origin, response.into_body(), self.limits.body).await?;
            Ok(HttpResponse { status, body })
        };
        let outcome = tokio::time::timeout(self.limits.exchange, exchange)
            .await
            .unwrap_or_else(|_| Err(timeout(origin, ANSWER, self.limits.exchange)));
        if outcome.is_err() || !self.keep {
            *open = None;
        }
        outcome
    }
}

async fn handshake<S>(origin: &Origin, stream: S) -> Result<SendRequest<Full<Bytes>>, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| interrupted(origin, BEFORE_REQUEST, &error))?;
    // Ends with the sender, or with the server's end of the connection; its error also reaches the request.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    Ok(sender)
}

fn message(request: &HttpRequest<'_>) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
    let message = hyper::Request::post(request.path)
        .header(HOST, request.origin.authority())
        .header(CONTENT_TYPE, request.content_type)
        .header(ADMIN_PROTOCOL_HEADER, ADMIN_PROTOCOL);
    let message = match request.user_agent {
        Some(user_agent) => message.header(USER_AGENT, user_agent),
        None => message,
    };
    with_body(message, request.origin, &request.body)
}

fn plain_message(request: &PlainPost<'_>) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
    let message = hyper::Request::post(request.target).header(HOST, request.origin.authority());
    let message = request.headers.iter().fold(message, |message, (name, value)| message.header(*name, *value));
    with_body(message, request.origin, request.body)
}

fn with_body(
    message: hyper::http::request::Builder,
    origin: &Origin,
    body: &[u8],
) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
    message.body(Full::new(Bytes::copy_from_slice(body))).map_err(|error| TransportError::Interrupted {
        host: origin.host().to_owned(),
        when: BEFORE_REQUEST,
        reason: error.to_string(),
    })
}

async fn receive(origin: &Origin, body: Incoming, limit: usize) -> Result<Vec<u8>, TransportError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(TransportError::TooLarge { host: origin.host().to_owned(), limit })
        }
        Err(error) => Err(TransportError::Interrupted {
            host: origin.host().to_owned(),
            when: "during the answer",
            reason: innermost(error.as_ref()),
        }),
    }
}

fn tls_error(host: String, error: &std::io::Error) -> TransportError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) => {
            TransportError::Certificate { host, reason: innermost(&other.0) }
        }
        Some(rustls::Error::InvalidCertificate(reason)) => {
            TransportError::Certificate { host, reason: reason.to_string() }
        }
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            let reason = "the answer is no TLS: probably plain HTTP is spoken on this port".to_owned();
            TransportError::Tls { host, reason }
        }
        Some(other) => TransportError::Tls { host, reason: other.to_string() },
        None => TransportError::Tls { host, reason: error.to_string() },
    }
}

fn interrupted(origin: &Origin, when: &'static str, error: &hyper::Error) -> TransportError {
    let host = origin.host().to_owned();
    if origin.scheme() == Scheme::PlainHttp && error.is_parse() {
        let reason = "the answer is no HTTP: probably TLS is spoken on this port".to_owned();
        return TransportError::Tls { host, reason };
    }
    TransportError::Interrupted { host, when, reason: innermost(error) }
}

fn timeout(origin: &Origin, what: &'static str, limit: Duration) -> TransportError {
    TransportError::Timeout { host: origin.host().to_owned(), what, seconds: limit.as_secs() }
}

/// The text of an error with those that it wraps, from the outside in.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
