//! Certificates that servers show to the eUICC (SGP.22 4.5.2, 5.7.5, 5.7.13).

use rsp_asn1::{ObjectIdentifier, Raw, pkix};
use rsp_crypto::PublicKey;
use rsp_pki::{Certificate, Failure, Role, Validation, validate};

use crate::platform::Platform;

/// What a valid server certificate says.
pub(super) struct ServerCertificate {
    pub(super) public_key: PublicKey,
    /// registeredID in subjectAltName.
    pub(super) oid: ObjectIdentifier,
    /// Key identifier of the CI that issued it.
    pub(super) ci_key_id: Vec<u8>,
}

/// Why a certificate is refused, as far as the error codes of ES10b tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its CI is not among those that the eUICC knows.
    CiUnknown,
    /// Its key is not on the CI's curve.
    UnsupportedCurve,
    /// It is the certificate of another role.
    InvalidOid,
    /// Anything else.
    Invalid,
}

impl ServerCertificate {
    /// CERT.DPauth or CERT.DSauth.
    pub(super) fn for_authentication(platform: &Platform, raw: &Raw<pkix::Certificate>) -> Result<Self, Fault> {
        let certificate = Certificate::from_raw(raw.clone());
        let role = match certificate.role() {
            Some(Role::DsAuth) => Role::DsAuth,
            _ => Role::DpAuth,
        };
        Self::validate(platform, role, &certificate)
    }

    /// CERT.DPpb.
    pub(super) fn for_binding(platform: &Platform, raw: &Raw<pkix::Certificate>) -> Result<Self, Fault> {
        Self::validate(platform, Role::DpPb, &Certificate::from_raw(raw.clone()))
    }

    /// Without dates: the eUICC has no clock. The LPA looks at them.
    fn validate(platform: &Platform, role: Role, certificate: &Certificate) -> Result<Self, Fault> {
        let validation = Validation { provider: platform.provider, now: None, crls: &[] };
        let path = validate(&validation, role, certificate, &[], &platform.anchors).map_err(|error| {
            match error.failure() {
                Failure::UnknownCi => Fault::CiUnknown,
                Failure::UnsupportedCurve => Fault::UnsupportedCurve,
                Failure::WrongRole => Fault::InvalidOid,
                Failure::Expired | Failure::Invalid => Fault::Invalid,
            }
        })?;
        Ok(Self {
            public_key: *path.public_key(),
            oid: path.oid().cloned().ok_or(Fault::Invalid)?,
            ci_key_id: path.ci_key_id().to_vec(),
        })
    }
}
