//! TLS with CERT.DP.TLS (SGP.22 2.6.6, 6.1): versions 1.3 and 1.2, on P-256.

use std::sync::Arc;

use anyhow::Context as _;
use rsp_crypto::{SecretKey, Zeroizing};
use rsp_pki::Certificate;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{CipherSuite, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::config::ServerDir;
use crate::exit::{Exit, Failure};
use crate::system::{now, require_private};

/// Reads certificate and key, and says at the start what a client would only find out later.
pub(super) fn acceptor(server: &ServerDir) -> anyhow::Result<TlsAcceptor> {
    let certificate_file = server.path(&server.config.tls.certificate);
    let content = std::fs::read(&certificate_file)
        .map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", certificate_file.display())))?;
    let certificate = Certificate::from_file_content(&content)
        .map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", certificate_file.display())))?;
    if now() > certificate.not_after() {
        let end = certificate.not_after();
        return Err(Failure::new(Exit::Input, format!("{}: expired on {end}", certificate_file.display())));
    }

    let key_file = server.path(&server.config.tls.key);
    require_private(&key_file)?;
    let pem = Zeroizing::new(std::fs::read_to_string(&key_file).with_context(|| key_file.display().to_string())?);
    let key = SecretKey::from_pem(&pem)
        .map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", key_file.display())))?;
    if certificate.public_key() != Ok(key.public_key()) {
        let problem = format!("{}: is not the key of {}", key_file.display(), certificate_file.display());
        return Err(Failure::new(Exit::Input, problem));
    }

    let provider = Arc::new(provider());
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_pkcs8_der()?.to_vec()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, der)
        .with_context(|| certificate_file.display().to_string())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // All suites here are strong, and what a connection costs is the server's affair.
    config.ignore_client_order = true;
    // No resumption: making and reading tickets costs the server as much as the signature that they save, and a session
    // store would be state.
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
