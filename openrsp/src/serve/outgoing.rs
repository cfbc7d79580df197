//! Where this server is a client: of operators (ES2+), of SM-DSs (ES12), and as an SM-DS of the one above it (ES15).
//!
//! Addresses come from operators and their orders, so that every call goes through the guard of `[egress]`.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use rsp_asn1::Timestamp;
use rsp_es::client::{ClientIdentity, EgressPolicy, Limits, NetworkTransport, Origin, Resolve, tls_config_as};
use rsp_lpa::tls::CiVerifier;
use rsp_pki::{Certificate, Crl, Role, TrustStore, Validation, validate};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};

use crate::config::{HostPort, ServerDir};
use crate::identity::Identity;

/// Answers are short, and whoever does not give one is asked again later.
const LIMITS: Limits = Limits { connect: Duration::from_secs(5), exchange: Duration::from_secs(20), body: 64 * 1024 };

/// The way to servers of one kind, with the certificate that they are shown.
pub(super) struct Outgoing {
    tls: Arc<ClientConfig>,
    verifier: Arc<PeerVerifier>,
    policy: EgressPolicy,
    resolve: Vec<Resolve>,
    /// To hosts that may have private addresses. Each keeps its transport, because that knows which ones they had.
    allowed: Vec<(HostPort, Arc<NetworkTransport>)>,
}

impl Outgoing {
    /// Calls servers of `role`, and shows them `identity`.
    pub(super) fn new(server: &ServerDir, role: Role, identity: &Identity) -> anyhow::Result<Self> {
        let (anchors, crls) = server.trust()?;
        let verifier = Arc::new(PeerVerifier::new(role, anchors, crls, server.crl_max_age()));
        let client = ClientIdentity { chain: identity.chain(), key: identity.key() };
        let tls =
            tls_config_as(client, Arc::clone(&verifier) as _).with_context(|| identity.certificate().subject())?;
        let egress = &server.config.egress;
        let resolve = egress.resolve.iter().map(|fixed| fixed.0.clone()).collect();
        let mut outgoing = Self { tls, verifier, policy: egress.policy(), resolve, allowed: Vec::new() };
        outgoing.allowed = egress.allow.iter().map(|allowed| (allowed.clone(), Arc::new(outgoing.fresh()))).collect();
        Ok(outgoing)
    }

    /// The way to one server.
    pub(super) fn transport(&self, to: &Origin) -> Arc<NetworkTransport> {
        let same = |allowed: &Origin| allowed.port() == to.port() && allowed.host().eq_ignore_ascii_case(to.host());
        let kept = self.allowed.iter().find(|(allowed, _)| same(allowed.origin()));
        kept.map_or_else(|| Arc::new(self.fresh()), |(_, transport)| Arc::clone(transport))
    }

    /// Takes newer CRLs.
    pub(super) fn renew_crls(&self, crls: &[Crl]) {
        self.verifier.renew_crls(crls);
    }

    fn fresh(&self) -> NetworkTransport {
        NetworkTransport::new(Arc::clone(&self.tls))
            .with_egress(self.policy.clone())
            .with_resolve(self.resolve.clone())
            .with_limits(LIMITS)
    }
}

/// Proves servers as an LPA does, and what else a server asks of its peers: fresh CRLs, and of an operator, whose
/// certificate is one of a client first, that it is one of a server, too.
struct PeerVerifier {
    role: Role,
    anchors: TrustStore,
    crl_max_age: Option<i64>,
    current: RwLock<(Arc<CiVerifier>, Arc<[Crl]>)>,
}

impl PeerVerifier {
    fn new(role: Role, anchors: TrustStore, crls: Vec<Crl>, crl_max_age: Option<i64>) -> Self {
        let current = RwLock::new(Self::with(role, &anchors, &crls));
        Self { role, anchors, crl_max_age, current }
    }

    fn with(role: Role, anchors: &TrustStore, crls: &[Crl]) -> (Arc<CiVerifier>, Arc<[Crl]>) {
        let verifier = CiVerifier::for_role(role, anchors.clone(), crls.to_vec(), rsp_crypto::aws_lc());
        (verifier, crls.into())
    }

    fn renew_crls(&self, crls: &[Crl]) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Self::with(self.role, &self.anchors, crls);
    }

    fn current(&self) -> (Arc<CiVerifier>, Arc<[Crl]>) {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the LPA's verifier does not look at. It has read the certificates before.
    fn check_more(&self, leaf: &Certificate, crls: &[Crl], now: UnixTime) -> Result<(), CertificateError> {
        if self.role == Role::OperatorTls && !leaf.is_for_tls_server() {
            return Err(CertificateError::InvalidPurpose);
        }
        if self.crl_max_age.is_some() {
            let now = Some(Timestamp(i64::try_from(now.as_secs()).unwrap_or(i64::MAX)));
            let crl_max_age = self.crl_max_age;
            let validation = Validation { provider: rsp_crypto::aws_lc(), now, crls, crl_max_age };
            validate(&validation, self.role, leaf, &[], &self.anchors)
                .map_err(|error| CertificateError::Other(OtherError(Arc::new(error))))?;
        }
        Ok(())
    }
}

impl fmt::Debug for PeerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerVerifier").field("role", &self.role).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (verifier, crls) = self.current();
        let verified = verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        let leaf = Certificate::from_der(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        self.check_more(&leaf, &crls, now)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current().0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current().0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current().0.supported_verify_schemes()
    }
}
