//! A PKI, servers and clients for the tests of this module.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rsp_asn1::Timestamp;
use rsp_crypto::{Curve, SecretKey};
use rsp_es::client::{
    ClientIdentity, HttpRequest, HttpTransport as _, NetworkTransport, Origin, Scheme, TransportError,
};
use rsp_es::client::{HttpResponse, tls_config, tls_config_as};
use rsp_lpa::tls::CiVerifier;
use rsp_pki::directory::{InitOptions, Mint, PkiDirectory};
use rsp_pki::issue::{Host, Minted, Template, Validity, extension};
use rsp_pki::{Certificate, Crl, Role};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::clients::ClientVerifier;
use super::connections::{self, Endpoint};
use super::lingering::Limits;
use super::tls;
use crate::identity::Identity;
use crate::system::{OsRandomness, now};

/// The host of every server here.
pub(super) const HOST: &str = "localhost";

/// A directory with a PKI, and room for more.
pub(super) struct Bench {
    pub(super) dir: TempDir,
    pub(super) pki: PkiDirectory,
}

impl Bench {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::Dns(HOST.to_owned());
        let options = InitOptions { dp_host: host.clone(), ds_host: host, ..InitOptions::default() };
        let pki = PkiDirectory::init(&dir.path().join("pki"), &options, now(), &mut OsRandomness).unwrap();
        Self { dir, pki }
    }

    /// A certificate with its key, as it is written into files; begun so many seconds ago.
    pub(super) fn mint(&self, role: Role, age: i64) -> Minted {
        let mint = Mint { now: now().plus_seconds(-age), randomness: &mut OsRandomness };
        let host = Host::Dns(HOST.to_owned());
        match role {
            Role::OperatorTls => self.pki.mint_operator(&"Example Mobile".parse().unwrap(), Some(&host), None, mint),
            Role::DpTls | Role::DsTls => self.pki.mint_tls(role, &host, mint),
            role => panic!("{role} is not for TLS"),
        }
        .unwrap()
    }

    /// The same, read from files.
    pub(super) fn identity(&self, role: Role) -> Identity {
        self.read(&self.mint(role, 0), &role.to_string())
    }

    /// Writes certificate and key, and reads them.
    pub(super) fn read(&self, minted: &Minted, name: &str) -> Identity {
        let (certificate, key) = PkiDirectory::write_minted(minted, self.dir.path(), name).unwrap();
        Identity::read(&certificate, &key).unwrap()
    }

    /// What [`Bench::identity`] made last.
    pub(super) fn minted(&self, role: Role) -> Minted {
        let file = |extension| std::fs::read_to_string(self.dir.path().join(format!("{role}.{extension}"))).unwrap();
        let certificate = Certificate::from_pem(&file("pem")).unwrap();
        Minted { certificate, key: SecretKey::from_pem(&file("key")).unwrap() }
    }

    /// The same certificate for other purposes of TLS.
    pub(super) fn with_purposes(&self, minted: Minted, server: bool, client: bool) -> Minted {
        let ci = self.pki.authority(Curve::P256, Role::Ci).unwrap();
        let old = &minted.certificate;
        let validity = Validity { not_before: old.not_before(), not_after: old.not_after() };
        let host = Host::Dns(HOST.to_owned());
        let key = minted.key.public_key();
        let mut template = match (old.role().unwrap(), old.oid()) {
            (Role::OperatorTls, oid) => {
                Template::operator(&ci, "Example Mobile", key, Some(&host), oid.as_ref(), [7; 8], validity)
            }
            (role, oid) => Template::tls(&ci, role, key, &host, &oid.unwrap(), [7; 8], validity),
        };
        template.set(extension::extended_key_usage(server, client));
        Minted { certificate: template.sign(ci.signer()).unwrap(), key: minted.key }
    }

    /// A CRL of the P-256 CI, made so many seconds ago and good for ten days.
    pub(super) fn crl(&self, revoked: &[&Minted], age: i64) -> Crl {
        let ci = self.pki.authority(Curve::P256, Role::Ci).unwrap();
        let made: Timestamp = now().plus_seconds(-age);
        let mut crl = rsp_pki::issue::CrlTemplate::new(&ci, made, made.plus_seconds(10 * 86_400));
        revoked.iter().for_each(|minted| crl.revoke(&minted.certificate, made));
        crl.sign(ci.signer()).unwrap()
    }

    /// A server that lets clients of `roles` in.
    pub(super) async fn serve(&self, server: Role, clients: ClientVerifier, router: Router) -> Served {
        self.serve_as(&self.identity(server), clients, router).await
    }

    /// The same, judging by a verifier that somebody else has as well.
    pub(super) async fn serve_shared(&self, server: Role, clients: Arc<ClientVerifier>, router: Router) -> Served {
        self.serve_by(&self.identity(server), clients, router).await
    }

    /// The same with a certificate that was made elsewhere.
    pub(super) async fn serve_as(&self, server: &Identity, clients: ClientVerifier, router: Router) -> Served {
        self.serve_by(server, Arc::new(clients), router).await
    }

    async fn serve_by(&self, server: &Identity, clients: Arc<ClientVerifier>, router: Router) -> Served {
        let tls = tls::acceptor(server, Some(clients)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let endpoint = Endpoint { listener, tls: Some(tls), router };
        let serving = tokio::spawn(connections::serve(endpoint, Limits::DEFAULT, async { drop(stopped.await) }));
        Served { address, stop, serving }
    }

    pub(super) fn verifier(&self, roles: &'static [Role], crls: &[Crl]) -> ClientVerifier {
        ClientVerifier::new(roles, self.pki.trust_store(), crls.to_vec(), rsp_crypto::aws_lc())
    }

    /// One POST with this client certificate, or with none.
    pub(super) async fn post(
        &self,
        to: SocketAddr,
        server: Role,
        client: Option<&Minted>,
    ) -> Result<HttpResponse, TransportError> {
        let verifier = CiVerifier::for_role(server, self.pki.trust_store(), Vec::new(), rsp_crypto::aws_lc());
        let tls = match client {
            Some(minted) => tls_config_as(shown(minted), verifier).unwrap(),
            None => tls_config(verifier).unwrap(),
        };
        self.post_over(to, tls).await
    }

    /// The same in TLS 1.2, which SGP.22 has as the least.
    pub(super) async fn post_1_2(
        &self,
        to: SocketAddr,
        server: Role,
        client: Option<&Minted>,
    ) -> Result<HttpResponse, TransportError> {
        let verifier = CiVerifier::for_role(server, self.pki.trust_store(), Vec::new(), rsp_crypto::aws_lc());
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let tls = match client.map(shown) {
            Some(ClientIdentity { chain, key }) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        self.post_over(to, Arc::new(tls)).await
    }

    async fn post_over(&self, to: SocketAddr, tls: Arc<ClientConfig>) -> Result<HttpResponse, TransportError> {
        let origin = Origin::new(Scheme::Https, &format!("{HOST}:{}", to.port())).unwrap();
        let resolve = rsp_es::client::Resolve::new(HOST, None, to);
        let transport = NetworkTransport::new(tls).with_resolve(vec![resolve]);
        transport.post(HttpRequest::from_lpa(&origin, "/", Vec::new())).await
    }
}

fn shown(minted: &Minted) -> ClientIdentity {
    let key = minted.key.to_pkcs8_der().unwrap();
    ClientIdentity {
        chain: vec![CertificateDer::from(minted.certificate.der().to_vec())],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec())),
    }
}

/// A server at work.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    pub(super) async fn stop(self) {
        drop(self.stop);
        self.serving.await.unwrap();
    }
}
