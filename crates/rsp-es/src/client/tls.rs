//! TLS configurations for clients: how servers are proven, and how the client proves itself (SGP.22 2.6.6.2).

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

/// A TLS configuration that proves servers by `verifier` and by nothing else: TLS 1.3 preferred, 1.2 accepted
/// (SGP.22 2.6.6.2).
///
/// # Errors
/// [`rustls::Error`] if the cryptography of this build lacks what these versions need.
pub fn tls_config(verifier: Arc<dyn ServerCertVerifier>) -> Result<Arc<ClientConfig>, rustls::Error> {
    Ok(with_alpn(builder(verifier)?.with_no_client_auth()))
}

/// Why a bundle of CIs cannot prove servers of the web.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no bundle of certificates: {0}")]
pub struct UnusableBundle(String);

/// A TLS configuration like [`tls_config`] for servers that are no part of RSP: they are proved as browsers prove them (RFC
/// 5280, RFC 6125), by the issuers in `bundle`, certificates in PEM one after the other. One that cannot be read is left
/// out, as every collection of issuers has some that are unusual.
///
/// # Errors
/// [`UnusableBundle`] if it is no PEM, or holds no certificate that can be used.
pub fn web_tls_config(bundle: &[u8]) -> Result<Arc<ClientConfig>, UnusableBundle> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|error| UnusableBundle(error.to_string()))?;
        roots.add_parsable_certificates([certificate]);
    }
    if roots.is_empty() {
        return Err(UnusableBundle("it holds no certificate that can be used".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| UnusableBundle(error.to_string()))?;
    tls_config(verifier).map_err(|error| UnusableBundle(error.to_string()))
}

/// Who calls, for servers that ask for a certificate (SGP.22 6.2: ES2+, ES12, ES15). Holds a key: neither `Debug` nor
/// `Display`.
pub struct ClientIdentity {
    /// The client's certificate, and those between it and an issuer that the server trusts.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the first.
    pub key: PrivateKeyDer<'static>,
}

/// A TLS configuration like [`tls_config`] that shows a client certificate to servers which ask for one.
///
/// # Errors
/// [`rustls::Error`] also if key and certificate do not belong together.
pub fn tls_config_as(
    identity: ClientIdentity,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    Ok(with_alpn(builder(verifier)?.with_client_auth_cert(identity.chain, identity.key)?))
}

fn builder(
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        // The name is rustls's: "dangerous" is to bring a verifier of one's own, which a certificate issuer outside the
        // web's needs.
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(builder)
}

fn with_alpn(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
