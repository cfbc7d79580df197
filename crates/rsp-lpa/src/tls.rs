//! Proof of a server's identity in TLS: its certificate chains to a CI that the LPA trusts, by the rules of RSP
//! (SGP.22 2.6.6.2, 4.5.2), and names the host that was called. There is no way to switch this off.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use rsp_asn1::Timestamp;
use rsp_crypto::{Curve, Provider, Signature};
use rsp_es::client::tls_config;
use rsp_pki::{Certificate, Crl, PathError, Role, TrustStore, Validation, validate};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};

/// Who was trusted in the last handshake, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedServer {
    /// Subject of the server's certificate.
    pub server: String,
    /// Subject of the CI.
    pub ci: String,
    /// Key identifier of the CI, in hexadecimal.
    pub ci_key_id: String,
}

/// Why a TLS certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsRefusal {
    /// Not a certificate.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// It does not chain to a trusted CI, or is not for TLS of such a server, or has expired.
    #[error("{0}")]
    Path(PathError),
    /// Its key is not the one that the caller knows.
    #[error("its key is not the pinned one, but {found}")]
    NotPinned {
        /// The pin of the key that the server has.
        found: Pin,
    },
    /// It is for other hosts.
    #[error("it is for {names}, and {called} was called")]
    HostName {
        /// The host that was called.
        called: String,
        /// The hosts that the certificate names.
        names: String,
    },
}

/// A server's key that the caller knows beforehand: SHA-256 of the subjectPublicKeyInfo of its TLS certificate, written in
/// hexadecimal. It holds besides the CI's word, not instead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

/// A text that is no [`Pin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a pin is the SHA-256 of a server's public key, 64 hexadecimal digits; `openrsp pki show` prints it")]
pub struct MalformedPin;

impl Pin {
    /// The pin of the key in a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self(certificate.public_key_sha256())
    }

    /// The hash itself.
    pub fn sha256(&self) -> [u8; 32] {
        self.0
    }
}

impl FromStr for Pin {
    type Err = MalformedPin;

    fn from_str(text: &str) -> Result<Self, MalformedPin> {
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(MalformedPin)?;
        Ok(Self(std::array::from_fn(|index| digits[2 * index] << 4 | digits[2 * index + 1])))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Verifies TLS servers against the CIs.
pub struct CiVerifier {
    anchors: TrustStore,
    crls: Vec<Crl>,
    provider: &'static dyn Provider,
    role: Role,
    pins: Vec<Pin>,
    trusted: Mutex<Option<TrustedServer>>,
}

impl CiVerifier {
    /// Trusts the SM-DP+ that these CIs certify and these CRLs do not revoke.
    pub fn new(anchors: TrustStore, crls: Vec<Crl>, provider: &'static dyn Provider) -> Arc<Self> {
        Self::for_role(Role::DpTls, anchors, crls, provider)
    }

    /// Trusts the servers of one kind: [`Role::DpTls`] for ES9+, [`Role::DsTls`] for an SM-DS. The caller knows whom it
    /// calls; a certificate must not choose by which rules it is judged.
    pub fn for_role(role: Role, anchors: TrustStore, crls: Vec<Crl>, provider: &'static dyn Provider) -> Arc<Self> {
        Self::pinned(role, anchors, crls, provider, Vec::new())
    }

    /// The same, for servers that must have one of these keys besides, if there are any.
    pub fn pinned(
        role: Role,
        anchors: TrustStore,
        crls: Vec<Crl>,
        provider: &'static dyn Provider,
        pins: Vec<Pin>,
    ) -> Arc<Self> {
        Arc::new(Self { anchors, crls, provider, role, pins, trusted: Mutex::new(None) })
    }

    /// The TLS configuration that trusts by this verifier alone.
    ///
    /// # Errors
    /// [`rustls::Error`] if this build has no TLS.
    pub fn tls_config(self: &Arc<Self>) -> Result<Arc<ClientConfig>, rustls::Error> {
        tls_config(Arc::clone(self) as Arc<dyn ServerCertVerifier>)
    }

    /// Whom the last successful handshake trusted.
    pub fn trusted(&self) -> Option<TrustedServer> {
        self.trusted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn check(
        &self,
        end_entity: &[u8],
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: Timestamp,
    ) -> Result<TrustedServer, TlsRefusal> {
        let read = |der: &[u8]| Certificate::from_der(der).map_err(|error| TlsRefusal::Malformed(error.to_string()));
        let leaf = read(end_entity)?;
        let chain = intermediates.iter().map(|der| read(der)).collect::<Result<Vec<_>, _>>()?;
        let validation = Validation { provider: self.provider, now: Some(now), crls: &self.crls, crl_max_age: None };
        let path = validate(&validation, self.role, &leaf, &chain, &self.anchors).map_err(TlsRefusal::Path)?;
        check_name(&leaf, name)?;
        let found = Pin::of(&leaf);
        if !self.pins.is_empty() && !self.pins.contains(&found) {
            return Err(TlsRefusal::NotPinned { found });
        }
        let ci = self.anchors.get(path.ci_key_id()).map(Certificate::subject).unwrap_or_default();
        let ci_key_id = path.ci_key_id().iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(TrustedServer { server: leaf.subject(), ci, ci_key_id })
    }
}

impl fmt::Debug for CiVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CiVerifier").field("anchors", &self.anchors.iter().count()).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for CiVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let now = Timestamp(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        match self.check(end_entity, intermediates, server_name, now) {
            Ok(trusted) => {
                *self.trusted.lock().unwrap_or_else(PoisonError::into_inner) = Some(trusted);
                Ok(ServerCertVerified::assertion())
            }
            Err(refusal) => Err(CertificateError::Other(OtherError(Arc::new(refusal))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_handshake(self.provider, message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_handshake(self.provider, message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// Verifies what a peer signed in the handshake with the key in its certificate, for servers and for clients.
///
/// # Errors
/// [`CertificateError::BadSignature`].
pub fn verify_handshake(
    provider: &dyn Provider,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let bad = || rustls::Error::InvalidCertificate(CertificateError::BadSignature);
    let certificate = Certificate::from_der(certificate).map_err(|_| bad())?;
    let key = certificate.public_key().map_err(|_| bad())?;
    // The only scheme that is offered; a peer that uses another does not follow the protocol.
    if signed.scheme != SignatureScheme::ECDSA_NISTP256_SHA256 || key.curve() != Curve::P256 {
        return Err(bad());
    }
    let signature = Signature::from_der(signed.signature()).map_err(|_| bad())?;
    provider.verify(key, message, &signature).map_err(|_| bad())?;
    Ok(HandshakeSignatureValid::assertion())
}

/// A DNS name in any case, or the very IP address; RSP certificates have no wildcards.
fn check_name(certificate: &Certificate, called: &ServerName<'_>) -> Result<(), TlsRefusal> {
    let matches = match called {
        ServerName::DnsName(name) => {
            let called = name.as_ref().trim_end_matches('.');
            certificate.dns_names().iter().any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(called))
        }
        ServerName::IpAddress(address) => certificate.ip_addresses().contains(&IpAddr::from(*address)),
        _ => false,
    };
    if matches {
        return Ok(());
    }
    let addresses = certificate.ip_addresses().iter().map(IpAddr::to_string);
    let names: Vec<String> = certificate.dns_names().iter().cloned().chain(addresses).collect();
    let names = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
    Err(TlsRefusal::HostName { called: called.to_str().into_owned(), names })
}
