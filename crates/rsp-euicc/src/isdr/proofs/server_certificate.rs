//! The certificate with which a server authenticates itself (SGP.22 4.5.2, 5.7.13).

use rsp_asn1::{ObjectIdentifier, Raw, pkix};
use rsp_crypto::PublicKey;
use rsp_pki::{Certificate, Crl, Failure, Role, Rule, ValidPath, Validation, validate};

use crate::isdr::load_crl::Lists;
use crate::platform::Platform;

/// Proof that CERT.DPauth or CERT.DSauth is valid under a CI that the eUICC knows, with what it says.
pub(crate) struct ServerCertificateVerified {
    role: Role,
    public_key: PublicKey,
    oid: ObjectIdentifier,
    ci_key_id: Vec<u8>,
}

impl ServerCertificateVerified {
    /// Validates CERT.DPauth or CERT.DSauth.
    pub(crate) fn verify(platform: &Platform, raw: &Raw<pkix::Certificate>) -> Result<Self, Fault> {
        let certificate = Certificate::from_raw(raw.clone());
        let role = match certificate.role() {
            Some(Role::DsAuth) => Role::DsAuth,
            _ => Role::DpAuth,
        };
        let path = validate_server(platform, role, &certificate)?;
        Ok(Self {
            role,
            public_key: *path.public_key(),
            oid: path.oid().cloned().ok_or(Fault::Invalid)?,
            ci_key_id: path.ci_key_id().to_vec(),
        })
    }

    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// DPauth or DSauth.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// registeredID in subjectAltName.
    pub(crate) fn oid(&self) -> &ObjectIdentifier {
        &self.oid
    }

    /// Key identifier of the CI that issued it.
    pub(crate) fn ci_key_id(&self) -> &[u8] {
        &self.ci_key_id
    }
}

/// Why a certificate is refused, as far as the error codes of ES10b tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its CI is not among those that the eUICC knows.
    CiUnknown,
    /// Its key is not on the CI's curve.
    UnsupportedCurve,
    /// It is the certificate of another role.
    InvalidOid,
    /// Anything else.
    Invalid,
}

/// Without dates: the eUICC has no clock. The LPA looks at them. With the CRLs that were loaded.
pub(super) fn validate_server(platform: &Platform, role: Role, certificate: &Certificate) -> Result<ValidPath, Fault> {
    let lists = certificate.authority_key_identifier().and_then(|ci| platform.anchors.get(ci));
    let lists = lists.map(|ci| Lists::of(platform, ci)).unwrap_or_default();
    let validated = |crls: &[Crl]| {
        let validation = Validation { provider: platform.provider, now: None, crls, crl_max_age: None };
        validate(&validation, role, certificate, &[], &platform.anchors)
    };
    let path = validated(&lists.in_force).map_err(|error| match error.failure() {
        Failure::UnknownCi => Fault::CiUnknown,
        Failure::UnsupportedCurve => Fault::UnsupportedCurve,
        Failure::WrongRole => Fault::InvalidOid,
        Failure::Expired | Failure::Invalid => Fault::Invalid,
    })?;
    match validated(&lists.parts) {
        Ok(_) => Ok(path),
        // That other parts are missing is known, and no reason to believe nobody any more.
        Err(error) if matches!(error.rule, Rule::CrlIncomplete { .. }) => Ok(path),
        Err(_) => Err(Fault::Invalid),
    }
}
