//! One X.509 certificate as RSP reads it.

use std::fmt;
use std::net::IpAddr;

use rsp_asn1::pkix;
use rsp_asn1::{Eid, ObjectIdentifier, Raw, Timestamp, tlv};
use rsp_crypto::{Curve, PublicKey};

use crate::extensions::{CRL_SIGN, Extensions};
use crate::{DistinguishedName, Error, Role, oid};

/// A certificate, its exact bytes, and what RSP needs to know of it.
///
/// Being one says nothing about trust: any well-formed X.509 certificate can be read and shown, whatever its curve and
/// extensions. [`crate::validate`] decides whether it may be relied on.
#[derive(Clone)]
pub struct Certificate {
    raw: Raw<pkix::Certificate>,
    key: Result<PublicKey, KeyProblem>,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    extensions: Extensions,
}

/// Why the key of a certificate cannot be used in RSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not an elliptic-curve key on P-256 or brainpoolP256r1 by name.
    #[error("key is not on P-256 or brainpoolP256r1")]
    UnsupportedCurve,
    /// Not an uncompressed point on its curve.
    #[error("key is not an uncompressed point of its curve")]
    Point,
}

impl Certificate {
    /// Reads exactly one certificate in DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] when the bytes are not one.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Ok(Self::from_raw(Raw::from_der(der)?))
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// [`Error::NoPemBlock`] or [`Error::Encoding`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let block = pem::parse_many(text)
            .unwrap_or_default()
            .into_iter()
            .find(|block| block.tag() == "CERTIFICATE")
            .ok_or(Error::NoPemBlock("CERTIFICATE"))?;
        Self::from_der(block.contents())
    }

    /// Reads a file in either form: PEM if it has a PEM block, else DER.
    ///
    /// # Errors
    /// As [`Certificate::from_pem`] and [`Certificate::from_der`].
    pub fn from_file_content(content: &[u8]) -> Result<Self, Error> {
        match std::str::from_utf8(content) {
            Ok(text) if text.contains("-----BEGIN ") => Self::from_pem(text),
            _ => Self::from_der(content),
        }
    }

    /// Takes a certificate as it came inside a message.
    pub fn from_raw(raw: Raw<pkix::Certificate>) -> Self {
        let tbs = &raw.value().tbs_certificate;
        let key = read_key(&tbs.subject_public_key_info);
        let subject = DistinguishedName::read(&tbs.subject);
        let issuer = DistinguishedName::read(&tbs.issuer);
        let extensions = Extensions::read(tbs.extensions.as_ref());
        Self { raw, key, subject, issuer, extensions }
    }

    /// The exact bytes.
    pub fn der(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// The certificate as a member of messages.
    pub fn raw(&self) -> &Raw<pkix::Certificate> {
        &self.raw
    }

    /// The certificate in PEM, with line feeds.
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("CERTIFICATE", self.der()), config)
    }

    /// The subject's key.
    ///
    /// # Errors
    /// [`KeyProblem`] for keys that RSP does not have.
    pub fn public_key(&self) -> Result<&PublicKey, KeyProblem> {
        self.key.as_ref().map_err(|problem| *problem)
    }

    /// The curve of the subject's key, if it is one of RSP's.
    pub fn curve(&self) -> Option<Curve> {
        self.key.as_ref().ok().map(PublicKey::curve)
    }

    /// SHA-256 of the subjectPublicKeyInfo (DER): what a client that knows a server's key beforehand compares.
    pub fn public_key_sha256(&self) -> [u8; 32] {
        let info = &self.raw.value().tbs_certificate.subject_public_key_info;
        // What was decoded can be encoded; were it not so, no pin would match.
        rsp_crypto::hash::sha256(&rsp_asn1::encode(info).unwrap_or_default())
    }

    /// The subjectKeyIdentifier, usually 20 bytes: of a CI the `CI PKId`.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.subject_key_identifier.as_deref()
    }

    /// The keyIdentifier of the authorityKeyIdentifier: which key signed this certificate.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// The role that the certificate policies claim, if it is exactly one. Without any policy of RSP an end certificate
    /// for TLS clients claims to be an operator's.
    pub fn role(&self) -> Option<Role> {
        let mut roles = self.rsp_policies().map(Role::from_policy);
        match (roles.next(), roles.next()) {
            (Some(role), None) => role,
            (None, _) if self.is_for_tls_client() => Some(Role::OperatorTls),
            _ => None,
        }
    }

    /// Whether the extended key usage has serverAuth.
    pub fn is_for_tls_server(&self) -> bool {
        self.has_purpose(oid::SERVER_AUTH)
    }

    /// Whether the extended key usage has clientAuth. The TLS certificates of SM-DP+ and SM-DS have both purposes, for
    /// they call each other (SGP.22 2.6.6).
    pub fn is_for_tls_client(&self) -> bool {
        self.has_purpose(oid::CLIENT_AUTH)
    }

    fn has_purpose(&self, purpose: &[u32]) -> bool {
        self.extensions.extended_key_usage.iter().flatten().any(|there| there == purpose)
    }

    /// The policies under id-rspRole.
    pub(crate) fn rsp_policies(&self) -> impl Iterator<Item = &[u32]> {
        self.extensions.policies.iter().flatten().map(Vec::as_slice).filter(|policy| policy.starts_with(oid::RSP_ROLE))
    }

    /// All certificate policies, dotted.
    pub fn policies(&self) -> Vec<String> {
        self.extensions.policies.iter().flatten().map(|policy| crate::name::dotted(policy)).collect()
    }

    /// The registeredID of the subjectAltName: the OID of the SM-DP+, SM-DS, EUM, CI or operator.
    pub fn oid(&self) -> Option<ObjectIdentifier> {
        match self.extensions.alt_names.registered_ids.as_slice() {
            [only] => ObjectIdentifier::new(only.clone()),
            _ => None,
        }
    }

    /// The DNS names of the subjectAltName.
    pub fn dns_names(&self) -> &[String] {
        &self.extensions.alt_names.dns
    }

    /// The IP addresses of the subjectAltName.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.extensions.alt_names.ip
    }

    /// Where the issuer publishes its CRLs.
    pub fn crl_distribution_points(&self) -> &[String] {
        &self.extensions.crl_distribution_points
    }

    /// The EID of an eUICC certificate: the subject's serialNumber, if it is 32 digits.
    pub fn eid(&self) -> Option<Eid> {
        self.subject.serial_number()?.parse().ok()
    }

    /// The EID prefixes that the certificate of an EUM permits, from its name constraints or its permittedEins.
    pub fn permitted_eid_prefixes(&self) -> Vec<String> {
        if let Some(eins) = &self.extensions.permitted_eins {
            return eins.clone();
        }
        let constraints = self.extensions.name_constraints.iter().flat_map(|marked| &marked.value.permitted);
        constraints.filter_map(|name| name.serial_number()).map(str::to_owned).collect()
    }

    /// The first second of validity.
    pub fn not_before(&self) -> Timestamp {
        Timestamp::from(&self.raw.value().tbs_certificate.validity.not_before)
    }

    /// The last second of validity.
    pub fn not_after(&self) -> Timestamp {
        Timestamp::from(&self.raw.value().tbs_certificate.validity.not_after)
    }

    /// The subject as text, `C=ES, O=RSP Test EUM, …`.
    pub fn subject(&self) -> String {
        self.subject.to_string()
    }

    /// The issuer as text.
    pub fn issuer(&self) -> String {
        self.issuer.to_string()
    }

    /// The subject's name.
    pub fn subject_name(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The issuer's name.
    pub fn issuer_name(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// The serial number, big-endian in upper-case hexadecimal.
    pub fn serial(&self) -> String {
        let encoded = rsp_asn1::encode(&self.raw.value().tbs_certificate.serial_number).unwrap_or_default();
        let digits = tlv::first(&encoded).map(|(integer, _)| integer.value().to_vec()).unwrap_or_default();
        let digits = digits.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(&digits);
        digits.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether the key usage has cRLSign.
    pub(crate) fn may_sign_crls(&self) -> bool {
        self.extensions.key_usage.iter().any(|usage| usage.value.iter_ones().any(|bit| bit == CRL_SIGN))
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The subject's name as DER, to be repeated as the issuer of others.
    pub(crate) fn subject_der(&self) -> Vec<u8> {
        // version [0], serialNumber, signature, issuer, validity, subject
        let mut elements = tlv::iter(self.signed_bytes()).flatten().flat_map(|tbs| tbs.children()).flatten();
        let skip = if elements.clone().next().is_some_and(|first| first.tag() == [0xA0]) { 5 } else { 4 };
        elements.nth(skip).map(|subject| subject.raw().to_vec()).unwrap_or_default()
    }

    /// The bytes that the signature covers: tbsCertificate as received.
    pub(crate) fn signed_bytes(&self) -> &[u8] {
        first_element(self.der())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject, self.serial())
    }
}

/// The first element inside an outer SEQUENCE. The bytes were decoded before, so there is one.
pub(crate) fn first_element(der: &[u8]) -> &[u8] {
    let Ok((outer, _)) = tlv::first(der) else { return &[] };
    match tlv::first(outer.value()) {
        Ok((inner, _)) => inner.raw(),
        Err(_) => &[],
    }
}

fn read_key(info: &pkix::SubjectPublicKeyInfo) -> Result<PublicKey, KeyProblem> {
    let algorithm: &[u32] = info.algorithm.algorithm.as_ref();
    let named: Option<ObjectIdentifier> =
        info.algorithm.parameters.as_ref().and_then(|parameters| rsp_asn1::decode(parameters.as_bytes()).ok());
    let curve = named.and_then(|named| Curve::from_oid(named.as_ref()));
    match curve {
        Some(curve) if algorithm == oid::EC_PUBLIC_KEY => {
            let bits = &info.subject_public_key;
            if !bits.len().is_multiple_of(8) {
                return Err(KeyProblem::Point);
            }
            PublicKey::from_uncompressed(curve, bits.as_raw_slice()).map_err(|_| KeyProblem::Point)
        }
        _ => Err(KeyProblem::UnsupportedCurve),
    }
}
