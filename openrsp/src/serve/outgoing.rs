//! Where this server is a client: of operators (ES2+), of SM-DSs (ES12), and as an SM-DS of the one above it (ES15).
//!
//! Addresses come from operators and their orders, so that every call goes through the guard of `[egress]`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rsp_es::client::{ClientIdentity, EgressPolicy, Limits, NetworkTransport, Origin, Resolve, tls_config_as};
use rsp_lpa::tls::CiVerifier;
use rsp_pki::{Certificate, Role};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::config::{HostPort, ServerDir};
use crate::identity::Identity;

/// Answers are short, and whoever does not give one is asked again later.
const LIMITS: Limits = Limits { connect: Duration::from_secs(5), exchange: Duration::from_secs(20), body: 64 * 1024 };

/// The way to servers of one kind, with the certificate that they are shown.
pub(super) struct Outgoing {
    tls: Arc<ClientConfig>,
    policy: EgressPolicy,
    resolve: Vec<Resolve>,
    /// To hosts that may have private addresses. Each keeps its transport, because that knows which ones they had.
    allowed: Vec<(HostPort, Arc<NetworkTransport>)>,
}

impl Outgoing {
    /// Calls servers of `role`, and shows them `identity`.
    pub(super) fn new(server: &ServerDir, role: Role, identity: &Identity) -> anyhow::Result<Self> {
        let (anchors, crls) = server.trust()?;
        let verifier: Arc<dyn ServerCertVerifier> =
            match CiVerifier::for_role(role, anchors, crls, rsp_crypto::aws_lc()) {
                verifier if role == Role::OperatorTls => Arc::new(OperatorVerifier(verifier)),
                verifier => verifier,
            };
        let client = ClientIdentity { chain: identity.chain(), key: identity.key() };
        let tls = tls_config_as(client, verifier).with_context(|| identity.certificate().subject())?;
        let egress = &server.config.egress;
        let resolve = egress.resolve.iter().map(|fixed| fixed.0.clone()).collect();
        let mut outgoing = Self { tls, policy: egress.policy(), resolve, allowed: Vec::new() };
        outgoing.allowed = egress.allow.iter().map(|allowed| (allowed.clone(), Arc::new(outgoing.fresh()))).collect();
        Ok(outgoing)
    }

    /// The way to one server.
    pub(super) fn transport(&self, to: &Origin) -> Arc<NetworkTransport> {
        let same = |allowed: &Origin| allowed.port() == to.port() && allowed.host().eq_ignore_ascii_case(to.host());
        let kept = self.allowed.iter().find(|(allowed, _)| same(allowed.origin()));
        kept.map_or_else(|| Arc::new(self.fresh()), |(_, transport)| Arc::clone(transport))
    }

    fn fresh(&self) -> NetworkTransport {
        NetworkTransport::new(Arc::clone(&self.tls))
            .with_egress(self.policy.clone())
            .with_resolve(self.resolve.clone())
            .with_limits(LIMITS)
    }
}

/// An operator's certificate is one of a client first; that of a server says so.
#[derive(Debug)]
struct OperatorVerifier(Arc<CiVerifier>);

impl ServerCertVerifier for OperatorVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        match Certificate::from_der(end_entity) {
            Ok(certificate) if certificate.is_for_tls_server() => Ok(verified),
            _ => Err(CertificateError::InvalidPurpose.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
