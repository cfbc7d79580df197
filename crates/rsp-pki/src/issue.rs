//! Making certificates of every role, shaped like those of SGP.26: the same extensions in the same order, with the same
//! criticality, policies and subject forms.
//!
//! A [`Template`] is filled by one of its constructors, may be changed before signing (tests change one property at a
//! time), and becomes a [`Certificate`] by [`Template::sign`]. [`Authority`] is a CI or EUM at work: certificate and
//! signer together.

pub mod extension;

mod crl;
mod host;
mod operator;
mod subject;
mod template;

use std::sync::Arc;

use rsp_asn1::{Eid, ObjectIdentifier};
use rsp_crypto::{Provider, PublicKey, Randomness, RandomnessExt, SecretKey, Signer};

use crate::{Certificate, Error, Role};

pub use crl::CrlTemplate;
pub use extension::Extension;
pub use host::Host;
pub use operator::OperatorName;
pub use subject::Subject;
pub use template::{Template, Validity};

/// A certificate with its private key, freshly made.
pub struct Minted {
    /// The certificate.
    pub certificate: Certificate,
    /// The key that belongs to it.
    pub key: SecretKey,
}

/// An issuer of certificates: a CI or an EUM with its key at work.
pub struct Authority<'a> {
    certificate: &'a Certificate,
    signer: Arc<dyn Signer>,
    /// Where its CRLs are said to be.
    crl_urls: Vec<String>,
}

impl<'a> Authority<'a> {
    /// Puts certificate and key together. Subordinates repeat the CRL distribution points of the certificate.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the key is refused or belongs to another certificate.
    pub fn new(provider: &dyn Provider, certificate: &'a Certificate, key: &SecretKey) -> Result<Self, Error> {
        if certificate.public_key() != Ok(key.public_key()) {
            return Err(Error::Crypto(rsp_crypto::Error::InconsistentKeyFile));
        }
        let signer = provider.signer(key)?;
        Ok(Self { certificate, signer, crl_urls: certificate.crl_distribution_points().to_vec() })
    }

    /// The issuer's certificate.
    pub fn certificate(&self) -> &'a Certificate {
        self.certificate
    }

    /// The issuer's key at work.
    pub fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    /// Where the issuer's CRLs are said to be.
    pub(crate) fn crl_urls(&self) -> &[String] {
        &self.crl_urls
    }

    /// The certificate of an eUICC under this EUM: its organisation, and an EID that the EUM may use.
    ///
    /// # Errors
    /// [`Error::EidNotPermitted`] when the EID does not begin with a permitted prefix; [`Error::Incomplete`] when this
    /// is not the certificate of an EUM.
    pub fn euicc(&self, key: &PublicKey, eid: Eid, serial: [u8; 8], validity: Validity) -> Result<Certificate, Error> {
        let prefixes = self.certificate.permitted_eid_prefixes();
        if !prefixes.iter().any(|prefix| !prefix.is_empty() && eid.to_string().starts_with(prefix)) {
            return Err(Error::EidNotPermitted { prefixes: prefixes.join(" or ") });
        }
        Template::euicc(self, key, eid, serial, validity)?.sign(self.signer())
    }

    /// A certificate of a server role under this CI. TLS roles need a host.
    ///
    /// # Errors
    /// [`Error::Encoding`] when the issuer's certificate is unusable.
    pub fn server(
        &self,
        role: Role,
        key: &PublicKey,
        oid: &ObjectIdentifier,
        host: &Host,
        serial: [u8; 8],
        validity: Validity,
    ) -> Result<Certificate, Error> {
        let template = match role {
            Role::DpTls | Role::DsTls => Template::tls(self, role, key, host, oid, serial, validity),
            _ => Template::auth(self, role, key, oid, serial, validity),
        };
        template.sign(self.signer())
    }

    /// An operator's TLS certificate under this CI: for a client, and with a host for a server as well.
    ///
    /// # Errors
    /// [`Error::Encoding`] when the issuer's certificate is unusable.
    pub fn operator(
        &self,
        name: &OperatorName,
        key: &PublicKey,
        host: Option<&Host>,
        oid: Option<&ObjectIdentifier>,
        serial: [u8; 8],
        validity: Validity,
    ) -> Result<Certificate, Error> {
        Template::operator(self, name.as_str(), key, host, oid, serial, validity).sign(self.signer())
    }

    /// A fresh key on the issuer's curve.
    pub fn fresh_key(&self, randomness: &mut dyn Randomness) -> SecretKey {
        SecretKey::generate(self.signer.public_key().curve(), randomness)
    }
}

/// A positive serial number of 64 random bits.
pub fn random_serial(randomness: &mut dyn Randomness) -> [u8; 8] {
    let mut serial: [u8; 8] = randomness.bytes();
    serial[0] = serial[0] & 0x7F | 0x40;
    serial
}
