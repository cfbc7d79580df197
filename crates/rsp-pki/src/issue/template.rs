//! A certificate before it is signed.

use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
use rsp_crypto::{PublicKey, Signer};

use super::extension::{self, KeyUse};
use super::{Authority, Extension, Host, Subject};
use crate::{Certificate, Error, Role, der, oid};

/// From when to when, both seconds included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
}

/// Everything in a certificate but its signature. The fields are open so that one of them can be changed before signing.
#[derive(Debug, Clone)]
pub struct Template {
    /// The version less one: 2 for X.509 version 3.
    pub version: u8,
    /// The serial number, big-endian and positive.
    pub serial: Vec<u8>,
    /// The issuer's name in DER.
    pub issuer: Vec<u8>,
    /// When the certificate is valid.
    pub validity: Validity,
    /// The subject's name in DER.
    pub subject: Vec<u8>,
    /// The subject's SubjectPublicKeyInfo in DER.
    pub key: Vec<u8>,
    /// The extensions, in their order.
    pub extensions: Vec<Extension>,
    /// The AlgorithmIdentifier in DER that the signed part names, and the one beside the signature.
    pub algorithms: [Vec<u8>; 2],
}

impl Template {
    fn new(issuer: Vec<u8>, subject: Vec<u8>, key: &PublicKey, serial: &[u8], validity: Validity) -> Self {
        Self {
            version: 2,
            serial: serial.to_vec(),
            issuer,
            validity,
            subject,
            key: public_key_info(key),
            extensions: Vec::new(),
            algorithms: [der::ecdsa_with_sha256(), der::ecdsa_with_sha256()],
        }
    }

    fn under(authority: &Authority<'_>, subject: Subject, key: &PublicKey, serial: &[u8], validity: Validity) -> Self {
        Self::new(authority.certificate().subject_der(), subject.encode(), key, serial, validity)
    }

    /// A root.
    pub fn ci(
        subject: &Subject,
        key: &PublicKey,
        oid: &ObjectIdentifier,
        crl_urls: &[String],
        serial: [u8; 8],
        validity: Validity,
    ) -> Self {
        let mut template = Self::new(subject.encode(), subject.encode(), key, &serial, validity);
        template.extensions = vec![
            extension::subject_key_identifier(&key.key_identifier()),
            extension::basic_constraints(true, None),
            extension::rsp_policies(true, Role::Ci.policy_v2().as_slice()),
            extension::key_usage(&[KeyUse::KeyCertSign, KeyUse::CrlSign]),
            extension::alt_names(None, &[oid.as_ref()]),
            extension::crl_distribution_points(crl_urls),
        ];
        template
    }

    /// An EUM under a CI, which may make eUICCs of its organisation whose EIDs begin with `eid_prefix`.
    #[expect(clippy::too_many_arguments, reason = "each is one field of the certificate")]
    pub fn eum(
        ci: &Authority<'_>,
        key: &PublicKey,
        organisation: &str,
        common_name: &str,
        eid_prefix: &str,
        oid: &ObjectIdentifier,
        serial: [u8; 8],
        validity: Validity,
    ) -> Self {
        let subject = Subject::new().country("ES").organisation(organisation).common_name(common_name);
        let mut template = Self::under(ci, subject, key, &serial, validity);
        template.extensions = vec![
            extension::authority_key_identifier(ci.key_id()),
            extension::subject_key_identifier(&key.key_identifier()),
            extension::key_usage(&[KeyUse::KeyCertSign]),
            extension::rsp_policies(true, Role::Eum.policy_v2().as_slice()),
            extension::alt_names(None, &[oid.as_ref()]),
            extension::basic_constraints(true, Some(0)),
            extension::crl_distribution_points(ci.crl_urls()),
            extension::name_constraints(organisation, eid_prefix),
        ];
        template
    }

    /// An eUICC under an EUM. The EID is not checked here: [`Authority::euicc`] does.
    ///
    /// # Errors
    /// [`Error::Incomplete`] when the EUM's certificate has no organisation.
    pub fn euicc(
        eum: &Authority<'_>,
        key: &PublicKey,
        eid: Eid,
        serial: [u8; 8],
        validity: Validity,
    ) -> Result<Self, Error> {
        let organisation = eum.certificate().subject_name().organisation();
        let organisation = organisation.ok_or(Error::Incomplete(Role::Eum, "organisation"))?;
        let subject = Subject::new()
            .country("ES")
            .organisation(organisation)
            .serial_number(&eid.to_string())
            .common_name("Test eUICC");
        let mut template = Self::under(eum, subject, key, &serial, validity);
        template.extensions = vec![
            extension::authority_key_identifier(eum.key_id()),
            extension::subject_key_identifier(&key.key_identifier()),
            extension::key_usage(&[KeyUse::DigitalSignature]),
            extension::rsp_policies(true, Role::Euicc.policy_v2().as_slice()),
        ];
        Ok(template)
    }

    /// A server's certificate for authentication or binding under a CI.
    pub fn auth(
        ci: &Authority<'_>,
        role: Role,
        key: &PublicKey,
        oid: &ObjectIdentifier,
        serial: [u8; 8],
        validity: Validity,
    ) -> Self {
        let name = if role == Role::DsAuth { "TEST SM-DS" } else { "TEST SM-DP+" };
        let subject = Subject::new().organisation("OpenRSP").common_name(name);
        let mut template = Self::under(ci, subject, key, &serial, validity);
        template.extensions = vec![
            extension::authority_key_identifier(ci.key_id()),
            extension::subject_key_identifier(&key.key_identifier()),
            extension::alt_names(None, &[oid.as_ref()]),
            extension::key_usage(&[KeyUse::DigitalSignature]),
            extension::rsp_policies(true, role.policy_v2().as_slice()),
            extension::crl_distribution_points(ci.crl_urls()),
        ];
        template
    }

    /// A server's certificate for TLS under a CI.
    pub fn tls(
        ci: &Authority<'_>,
        role: Role,
        key: &PublicKey,
        host: &Host,
        oid: &ObjectIdentifier,
        serial: [u8; 8],
        validity: Validity,
    ) -> Self {
        let subject = Subject::new().organisation("OpenRSP").common_name(&common_name(host));
        let mut template = Self::under(ci, subject, key, &serial, validity);
        template.extensions = vec![
            extension::key_usage(&[KeyUse::DigitalSignature]),
            extension::extended_key_usage(true, true),
            // Not critical, as in the published certificates: TLS libraries refuse critical policies they do not know.
            extension::rsp_policies(false, role.policy_v2().as_slice()),
            extension::subject_key_identifier(&key.key_identifier()),
            extension::authority_key_identifier(ci.key_id()),
            extension::alt_names(Some(host), &[oid.as_ref()]),
            extension::crl_distribution_points(ci.crl_urls()),
        ];
        template
    }

    /// An operator's certificate for TLS under a CI: as client, and with a host as server, too.
    pub fn operator(
        ci: &Authority<'_>,
        name: &str,
        key: &PublicKey,
        host: Option<&Host>,
        oid: Option<&ObjectIdentifier>,
        serial: [u8; 8],
        validity: Validity,
    ) -> Self {
        let subject = Subject::new().organisation(name).common_name(name);
        let mut template = Self::under(ci, subject, key, &serial, validity);
        template.extensions = vec![
            extension::key_usage(&[KeyUse::DigitalSignature]),
            extension::extended_key_usage(host.is_some(), true),
            extension::subject_key_identifier(&key.key_identifier()),
            extension::authority_key_identifier(ci.key_id()),
        ];
        if host.is_some() || oid.is_some() {
            let registered_ids: Vec<&[u32]> = oid.iter().map(|oid| oid.as_ref()).collect();
            template.extensions.push(extension::alt_names(host, &registered_ids));
        }
        template.extensions.push(extension::crl_distribution_points(ci.crl_urls()));
        template
    }

    /// Replaces the extension with the same identifier, or adds it.
    pub fn set(&mut self, extension: Extension) {
        match self.extensions.iter_mut().find(|there| there.id == extension.id) {
            Some(there) => *there = extension,
            None => self.extensions.push(extension),
        }
    }

    /// Takes an extension out.
    pub fn remove(&mut self, id: &[u32]) {
        self.extensions.retain(|extension| extension.id != id);
    }

    /// The bytes to be signed: tbsCertificate.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let version = match self.version {
            0 => Vec::new(),
            version => der::tlv(0xA0, &[der::unsigned(&[version])]),
        };
        let extensions: Vec<Vec<u8>> = self.extensions.iter().map(Extension::encode).collect();
        let extensions = match extensions.as_slice() {
            [] => Vec::new(),
            _ => der::tlv(0xA3, &[der::sequence(&extensions)]),
        };
        let dates = [der::time(self.validity.not_before), der::time(self.validity.not_after)];
        der::sequence(&[
            &version,
            &der::unsigned(&self.serial),
            &self.algorithms[0],
            &self.issuer,
            &der::sequence(&dates),
            &self.subject,
            &self.key,
            &extensions,
        ])
    }

    /// Signs.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the signer fails, [`Error::Encoding`] when a field holds what no certificate can.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Certificate, Error> {
        let tbs = self.to_be_signed();
        let signature = signer.sign(&tbs)?.to_der();
        Certificate::from_der(&der::sequence(&[&tbs, &self.algorithms[1], &der::bit_string(&signature)]))
    }
}

impl Authority<'_> {
    /// The identifier of the issuer's key, as its subordinates name it.
    fn key_id(&self) -> &[u8] {
        self.certificate().subject_key_identifier().unwrap_or_default()
    }
}

/// SubjectPublicKeyInfo of a key on a named curve.
pub(crate) fn public_key_info(key: &PublicKey) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid(oid::EC_PUBLIC_KEY), der::oid(key.curve().oid())]);
    der::sequence(&[&algorithm, &der::bit_string(key.as_bytes())])
}

/// A common name has at most 64 characters; longer hosts stand in the subjectAltName alone.
fn common_name(host: &Host) -> String {
    host.to_string().chars().take(64).collect()
}
