//! TLS with CERT.DP.TLS or CERT.DS.TLS (SGP.22 2.6.6, 6.1): versions 1.3 and 1.2, on P-256.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CipherSuite, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::identity::Identity;

/// A server that shows `identity`; whether and how its clients prove who they are is said by `clients`.
pub(super) fn acceptor(
    identity: &Identity,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> anyhow::Result<TlsAcceptor> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    let mut config =
        builder.with_single_cert(identity.chain(), identity.key()).with_context(|| identity.certificate().subject())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // All suites here are strong, and what a connection costs is the server's affair.
    config.ignore_client_order = true;
    // No resumption: making and reading tickets costs the server as much as the signature that they save, and a session
    // store would be state. A client certificate is then judged at each connection, by today's dates and CRLs.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// AWS-LC with the cheapest suite first: processors hash SHA-256 by themselves, the SHA-384 of the 256-bit suites they do
/// not. X25519 stays the first group: it is the one that clients send a share for.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| {
        let suite = suite.suite();
        ![CipherSuite::TLS13_AES_128_GCM_SHA256, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256].contains(&suite)
    });
    provider
}
