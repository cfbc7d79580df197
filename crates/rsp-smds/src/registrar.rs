//! Who registers events (SGP.22 5.9, 5.10): an SM-DP+ or an SM-DS, known by the OID in its TLS certificate.

use rsp_pki::{Certificate, Role};

use crate::error::Error;
use crate::smds::Smds;

/// Proof of who calls. Only [`Smds::registrar`] makes one.
pub(crate) struct Registrar {
    oid: String,
}

impl Registrar {
    /// Its OID, dotted.
    pub(crate) fn oid(&self) -> &str {
        &self.oid
    }
}

impl Smds {
    /// Who the TLS client certificate belongs to. It must be of `role` under a trusted CI, valid now and not revoked.
    ///
    /// TLS has verified that the caller has its key.
    pub(crate) fn registrar(&self, role: Role, certificate: Option<&[u8]>) -> Result<Registrar, Error> {
        let der = certificate.ok_or(Error::CertificateMissing)?;
        let certificate = Certificate::from_der(der).map_err(Error::CertificateUnreadable)?;
        let identified = self.authenticator.identify_server(role, &certificate, self.clock.now());
        let path = identified.map_err(Error::CertificateInvalid)?;
        let oid = path.oid().ok_or(Error::CertificateWithoutOid)?;
        Ok(Registrar { oid: oid.to_string() })
    }
}
