//! The certificate with which an SM-DP+ binds profiles (SGP.22 4.5.2, 5.7.5).

use rsp_asn1::{Raw, pkix};
use rsp_crypto::PublicKey;
use rsp_pki::{Certificate, Role};

use super::Fault;
use super::server_certificate::validate_server;
use crate::isdr::stages::Authenticated;
use crate::platform::Platform;

/// Proof that CERT.DPpb is valid and belongs to the SM-DP+ that authenticated itself, under the same CI.
pub(crate) struct SmdpCertificateVerified {
    public_key: PublicKey,
}

impl SmdpCertificateVerified {
    /// Validates CERT.DPpb for a session.
    pub(crate) fn verify(
        platform: &Platform,
        session: &Authenticated,
        raw: &Raw<pkix::Certificate>,
    ) -> Result<Self, Fault> {
        let path = validate_server(platform, Role::DpPb, &Certificate::from_raw(raw.clone()))?;
        // An SM-DS may share the OID of an SM-DP+, but not its part.
        let same_server = session.server_role() == Role::DpAuth
            && path.oid() == Some(session.server_oid())
            && path.ci_key_id() == session.server_ci_key_id();
        if same_server { Ok(Self { public_key: *path.public_key() }) } else { Err(Fault::Invalid) }
    }

    /// PK.DPpb.ECDSA.
    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}
