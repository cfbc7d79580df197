//! Which interface is served where: from the configuration and the command line to open sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use rsp_pki::{Certificate, PathError, Role};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::clients::ClientVerifier;
use super::{ServeArgs, tls};
use crate::config::{Es9PlusEndpoint, ServerDir, TlsSection};
use crate::exit::{Exit, Failure};
use crate::identity::Identity;
use crate::system::now;

/// Who calls ES2+.
const OPERATORS: &[Role] = &[Role::OperatorTls];

/// What is spoken on a listener.
pub(super) enum Interface {
    /// LPAs to the SM-DP+.
    Es9Plus(Es9PlusEndpoint),
    /// Operators to the SM-DP+.
    Es2Plus,
    /// LPAs to the SM-DS.
    Es11,
    /// SM-DP+s, and SM-DSs on ES15, to the SM-DS.
    Es12,
    /// People and programs of operators.
    Operator,
}

impl Interface {
    /// How it is announced: as its section in the configuration is called, but for the SM-DS's ES11.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Es9Plus(endpoint) => endpoint.name,
            Self::Es2Plus => "es2plus",
            Self::Es11 => "es11",
            Self::Es12 => "es12",
            Self::Operator => "operator",
        }
    }

    /// Whose client certificate is asked for; none where LPAs and browsers call, who have none.
    fn clients(&self) -> Option<&'static [Role]> {
        match self {
            Self::Es9Plus(_) | Self::Es11 | Self::Operator => None,
            Self::Es2Plus => Some(OPERATORS),
            Self::Es12 => Some(&[Role::DpTls, Role::DsTls]),
        }
    }
}

/// An interface with its address and TLS, not yet listening.
pub(super) struct Plan {
    pub(super) interface: Interface,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    clients: Option<Arc<ClientVerifier>>,
}

/// The same, listening.
pub(super) struct Listener {
    pub(super) interface: Interface,
    pub(super) socket: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    /// Who judges its clients, where they prove themselves by TLS.
    pub(super) clients: Option<Arc<ClientVerifier>>,
}

/// What the configuration enables. ES9+ comes first: its address is the one that is announced for the whole server.
pub(super) fn plan(server: &ServerDir, args: &ServeArgs) -> anyhow::Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for (interface, mut address) in interfaces(server) {
        match args.listen {
            Some(listen) if plans.is_empty() => address = listen,
            // Whoever takes what is free wants to be in nobody's way.
            Some(listen) if listen.port() == 0 => address.set_port(0),
            _ => {}
        }
        let (tls, clients) = match interface.clients() {
            None if args.plain_http && address.ip().is_loopback() => (None, None),
            None if args.plain_http => {
                let problem = format!("--plain-http: {address} is not a loopback address");
                return Err(Failure::new(Exit::Usage, problem));
            }
            roles => {
                let clients = roles.map(|roles| verifier(server, roles)).transpose()?;
                (Some(acceptor(server, &interface, clients.clone())?), clients)
            }
        };
        plans.push(Plan { interface, address, tls, clients });
    }
    if plans.is_empty() {
        let problem = "openrsp.toml enables no interface: set es9plus.listen, for example to \"127.0.0.1:8443\"";
        return Err(Failure::new(Exit::Input, problem));
    }
    Ok(plans)
}

/// ES2+ alone, wherever the configuration has it.
pub(super) fn es2plus(server: &ServerDir, address: SocketAddr) -> anyhow::Result<Plan> {
    let (interface, clients) = (Interface::Es2Plus, verifier(server, OPERATORS)?);
    let tls = Some(acceptor(server, &interface, Some(Arc::clone(&clients)))?);
    Ok(Plan { interface, address, tls, clients: Some(clients) })
}

fn interfaces(server: &ServerDir) -> Vec<(Interface, SocketAddr)> {
    let config = &server.config;
    let es9plus = config.es9plus().into_iter().map(|endpoint| {
        let listen = endpoint.listen;
        (Interface::Es9Plus(endpoint), listen)
    });
    let others = [
        config.es2plus_listen().map(|listen| (Interface::Es2Plus, listen)),
        config.smds.as_ref().map(|smds| (Interface::Es11, smds.listen.0)),
        config.es12_listen().map(|listen| (Interface::Es12, listen)),
        config.operator.as_ref().map(|section| (Interface::Operator, section.listen.0)),
    ];
    es9plus.chain(others.into_iter().flatten()).collect()
}

fn acceptor(
    server: &ServerDir,
    interface: &Interface,
    clients: Option<Arc<ClientVerifier>>,
) -> anyhow::Result<TlsAcceptor> {
    let config = &server.config;
    let files: &TlsSection = match interface {
        Interface::Es9Plus(endpoint) => endpoint.tls.as_ref().unwrap_or(&config.tls),
        Interface::Es2Plus => &config.tls,
        Interface::Operator => config.operator.as_ref().and_then(|section| section.tls.as_ref()).unwrap_or(&config.tls),
        Interface::Es11 | Interface::Es12 => config.smds.as_ref().map_or(&config.tls, |smds| &smds.tls),
    };
    let identity = Identity::read(&server.path(&files.certificate), &server.path(&files.key))?;
    tls::acceptor(&identity, clients.map(|clients| clients as _))
}

/// Whether a certificate is let in on ES2+ now, or why not.
///
/// # Errors
/// When the CIs and CRLs of the server cannot be read.
pub(crate) fn check_operator(server: &ServerDir, certificate: &Certificate) -> anyhow::Result<Result<(), PathError>> {
    Ok(verifier(server, OPERATORS)?.check(certificate, &[], now()))
}

fn verifier(server: &ServerDir, roles: &'static [Role]) -> anyhow::Result<Arc<ClientVerifier>> {
    let (anchors, crls) = server.trust()?;
    let verifier = ClientVerifier::new(roles, anchors, crls, rsp_crypto::aws_lc());
    Ok(Arc::new(verifier.with_crl_max_age(server.crl_max_age())))
}

impl Plan {
    /// Takes the address.
    pub(super) async fn bind(self) -> anyhow::Result<Listener> {
        let Self { interface, address, tls, clients } = self;
        let socket = TcpListener::bind(address).await.map_err(|error| {
            let problem = format!("{}: listening on {address}: {error}", interface.name());
            Failure::new(Exit::Network, problem)
        })?;
        Ok(Listener { interface, socket, tls, clients })
    }
}

/// Whoever starts a server waits for this line. The first address is that of ES9+, if it is served at all.
pub(super) fn announce(listeners: &[Listener], json: bool) -> anyhow::Result<()> {
    let mut addresses = Vec::new();
    for listener in listeners {
        addresses.push((listener.interface.name(), listener.socket.local_addr()?.to_string()));
    }
    let (Some((_, first)), others) = (addresses.first(), addresses.iter().skip(1)) else { return Ok(()) };
    if json {
        let all: Map<String, Value> =
            addresses.iter().map(|(name, address)| ((*name).to_owned(), address.as_str().into())).collect();
        println!("{}", serde_json::json!({ "listening": first, "listeners": all }));
    } else {
        println!("{first}");
        others.for_each(|(name, address)| println!("{name} {address}"));
    }
    Ok(())
}
