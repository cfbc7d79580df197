//! Proof of a client's identity in mutual TLS (SGP.22 2.6.6: ES2+, ES12, ES15): its certificate chains to a CI of this
//! server's PKI, by the rules of RSP, and has the role of those who call this interface.
//!
//! Who of them it is and what it may do is decided by the function that it calls: TLS only says whose certificate it is.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rsp_asn1::Timestamp;
use rsp_crypto::Provider;
use rsp_lpa::tls::verify_handshake;
use rsp_pki::{Certificate, Crl, PathError, Role, Rule, TrustStore, Validation, validate};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme};

/// Verifies TLS clients against the CIs.
pub(super) struct ClientVerifier {
    anchors: TrustStore,
    crls: RwLock<Arc<[Crl]>>,
    crl_max_age: Option<i64>,
    provider: &'static dyn Provider,
    roles: &'static [Role],
}

impl ClientVerifier {
    /// Those of `roles` whom these CIs certify and these CRLs do not revoke.
    pub(super) fn new(
        roles: &'static [Role],
        anchors: TrustStore,
        crls: Vec<Crl>,
        provider: &'static dyn Provider,
    ) -> Self {
        Self { anchors, crls: RwLock::new(crls.into()), crl_max_age: None, provider, roles }
    }

    /// Believes nobody whose CI has no CRL, or one that is older than so many seconds.
    pub(super) fn with_crl_max_age(self, crl_max_age: Option<i64>) -> Self {
        Self { crl_max_age, ..self }
    }

    /// Takes newer CRLs.
    pub(super) fn renew_crls(&self, crls: Vec<Crl>) {
        *self.crls.write().unwrap_or_else(PoisonError::into_inner) = crls.into();
    }

    /// Whether a certificate is let in, or why not.
    pub(super) fn check(&self, leaf: &Certificate, chain: &[Certificate], now: Timestamp) -> Result<(), PathError> {
        // Of the roles that may call, the one that it claims to have: any other would fail anyway.
        let claimed = self.roles.iter().find(|role| leaf.role() == Some(**role)).or(self.roles.first());
        let role = *claimed.unwrap_or(&Role::OperatorTls);
        let crls = Arc::clone(&self.crls.read().unwrap_or_else(PoisonError::into_inner));
        let (provider, crl_max_age) = (self.provider, self.crl_max_age);
        let validation = Validation { provider, now: Some(now), crls: &crls, crl_max_age };
        validate(&validation, role, leaf, chain, &self.anchors)?;
        if !leaf.is_for_tls_client() {
            return Err(PathError { certificate: role, rule: Rule::ExtendedKeyUsage("clientAuth") });
        }
        Ok(())
    }
}

/// What the client's alert will say; the whole reason is in the log of the server.
fn refusal(error: PathError) -> CertificateError {
    match error.rule {
        Rule::Expired(_) => CertificateError::Expired,
        Rule::NotYetValid(_) => CertificateError::NotValidYet,
        Rule::Revoked(_) => CertificateError::Revoked,
        Rule::UnknownCi { .. } => CertificateError::UnknownIssuer,
        _ => CertificateError::Other(OtherError(Arc::new(error))),
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Clients have one certificate for this; none has to choose.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let read = |der: &CertificateDer<'_>| Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding);
        let leaf = read(end_entity)?;
        let chain = intermediates.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let now = Timestamp(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        self.check(&leaf, &chain, now).map_err(|error| {
            tracing::info!(client = %leaf.subject(), %error, "a TLS client is refused");
            refusal(error)
        })?;
        Ok(ClientCertVerified::assertion())
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

#[cfg(test)]
mod tests;
