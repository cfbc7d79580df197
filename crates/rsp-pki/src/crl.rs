//! Certificate revocation lists (SGP.22 4.5.2.1.3).
//!
//! A CI may cut its CRL into partial ones and number them (id-rspExt totalPartialCrl-number, partialCrl-number): an
//! absent serial number then says something only when all parts are there.

use std::collections::BTreeSet;

use rsp_asn1::pkix::{CertificateList, IssuingDistributionPoint};
use rsp_asn1::{Raw, Timestamp, decode, tlv};
use rsp_crypto::Provider;

use crate::certificate::first_element;
use crate::path::{is_ecdsa_with_sha256, read_signature};
use crate::{Certificate, DistinguishedName, Error, Rule, Validation, oid};

/// A CRL and its exact bytes. As with certificates, being one says nothing about trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    raw: Raw<CertificateList>,
    issuer: DistinguishedName,
}

impl Crl {
    /// Reads exactly one CRL in DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] when the bytes are not one.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let raw: Raw<CertificateList> = Raw::from_der(der)?;
        let issuer = DistinguishedName::read(&raw.value().tbs_cert_list.issuer);
        Ok(Self { raw, issuer })
    }

    /// Reads a file in either form: PEM if it has a PEM block, else DER.
    ///
    /// # Errors
    /// [`Error::NoPemBlock`] or [`Error::Encoding`].
    pub fn from_file_content(content: &[u8]) -> Result<Self, Error> {
        match std::str::from_utf8(content) {
            Ok(text) if text.contains("-----BEGIN ") => {
                let blocks = pem::parse_many(text).unwrap_or_default();
                let block = blocks.iter().find(|block| block.tag() == "X509 CRL");
                Self::from_der(block.ok_or(Error::NoPemBlock("X509 CRL"))?.contents())
            }
            _ => Self::from_der(content),
        }
    }

    /// The exact bytes.
    pub fn der(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// The issuer's name.
    pub fn issuer_name(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// When the list was made.
    pub fn this_update(&self) -> Timestamp {
        Timestamp::from(&self.raw.value().tbs_cert_list.this_update)
    }

    /// When the next list was to follow at the latest.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.raw.value().tbs_cert_list.next_update.as_ref().map(Timestamp::from)
    }

    /// How many certificates are revoked.
    pub fn len(&self) -> usize {
        self.raw.value().tbs_cert_list.revoked_certificates.len()
    }

    /// Whether no certificate is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The CRL number, big-endian without leading zeros (RFC 5280 5.2.3); `None` when there is none, or a negative one.
    pub fn number(&self) -> Option<Vec<u8>> {
        let value = self.extension_value(oid::CRL_NUMBER)?;
        let (number, rest) = tlv::first(value).ok()?;
        let is_natural = number.tag() == [0x02] && rest.is_empty() && number.value().first()? & 0x80 == 0;
        is_natural.then(|| number.value().iter().copied().skip_while(|byte| *byte == 0).collect())
    }

    /// Whether the list says only what has changed since another one (RFC 5280 5.2.4).
    pub fn is_delta(&self) -> bool {
        self.extension_value(oid::DELTA_CRL_INDICATOR).is_some()
    }

    /// Which certificates the list covers, as issuingDistributionPoint says it, in DER; `None` for all of its issuer.
    pub fn scope(&self) -> Option<&[u8]> {
        self.extension_value(oid::ISSUING_DISTRIBUTION_POINT)
    }

    /// Verifies the list as one of `issuer` without looking at dates: signature, key usage and kind.
    ///
    /// # Errors
    /// [`Rule::CrlSign`], [`Rule::CrlForged`] or [`Rule::CrlUnsupported`].
    pub fn verify(&self, provider: &dyn Provider, issuer: &Certificate) -> Result<(), Rule> {
        self.check(&Validation { provider, now: None, crls: &[], crl_max_age: None }, issuer)
    }

    /// Whether this list is in the name of the owner of `issuer`, by name and, where given, by key identifier.
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        let named = self.extension::<rsp_asn1::pkix::AuthorityKeyIdentifier>(oid::AUTHORITY_KEY_IDENTIFIER);
        let key_id = named.and_then(Result::ok).and_then(|named| named.key_identifier);
        &self.issuer == issuer.subject_name()
            && key_id.is_none_or(|key_id| issuer.subject_key_identifier() == Some(key_id.as_ref()))
    }

    /// When the certificate was revoked, if it was.
    fn revocation(&self, certificate: &Certificate) -> Option<Timestamp> {
        let serial = &certificate.raw().value().tbs_certificate.serial_number;
        let list = &self.raw.value().tbs_cert_list;
        let entry = list.revoked_certificates.iter().find(|entry| &entry.user_certificate == serial)?;
        Some(Timestamp::from(&entry.revocation_date))
    }

    fn check(&self, validation: &Validation<'_>, issuer: &Certificate) -> Result<(), Rule> {
        let outer = self.raw.value();
        if !issuer.may_sign_crls() {
            return Err(Rule::CrlSign);
        }
        let algorithms_hold =
            is_ecdsa_with_sha256(&outer.signature_algorithm) && is_ecdsa_with_sha256(&outer.tbs_cert_list.signature);
        let signature = read_signature(&outer.signature).filter(|_| algorithms_hold).ok_or(Rule::CrlForged)?;
        validation
            .provider
            .verify(issuer.public_key()?, first_element(self.der()), &signature)
            .map_err(|_| Rule::CrlForged)?;
        self.check_kind()?;
        match (validation.now, self.next_update()) {
            (Some(now), _) if now < self.this_update() => Err(Rule::CrlStale(self.this_update())),
            (Some(now), Some(next)) if now > next => Err(Rule::CrlStale(next)),
            (Some(now), _) => match validation.crl_max_age.map(|seconds| self.this_update().plus_seconds(seconds)) {
                Some(end) if now > end => Err(Rule::CrlStale(end)),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Delta, indirect and attribute lists do not exist in RSP; other critical extensions are unknown.
    fn check_kind(&self) -> Result<(), Rule> {
        const KNOWN: [&[u32]; 5] = [
            oid::AUTHORITY_KEY_IDENTIFIER,
            oid::CRL_NUMBER,
            oid::ISSUING_DISTRIBUTION_POINT,
            oid::TOTAL_PARTIAL_CRL,
            oid::PARTIAL_CRL,
        ];
        let list = &self.raw.value().tbs_cert_list;
        let extensions = list.crl_extensions.iter().flat_map(|extensions| extensions.iter());
        let entries = list.revoked_certificates.iter().flat_map(|entry| &entry.crl_entry_extensions);
        let unknown = extensions.filter(|extension| extension.critical).any(|e| !KNOWN.contains(&e.extn_id.as_ref()))
            || entries.flat_map(|extensions| extensions.iter()).any(|extension| extension.critical);
        let indirect = match self.extension::<IssuingDistributionPoint>(oid::ISSUING_DISTRIBUTION_POINT) {
            None => false,
            Some(Ok(point)) => point.indirect_crl || point.only_contains_attribute_certs,
            Some(Err(())) => true,
        };
        if unknown || indirect { Err(Rule::CrlUnsupported) } else { Ok(()) }
    }

    /// Whether the list says itself that it covers but some certificates or reasons.
    fn is_scoped(&self) -> bool {
        self.extension::<IssuingDistributionPoint>(oid::ISSUING_DISTRIBUTION_POINT).is_some()
    }

    /// Number and total, if this is a part of a CRL.
    pub fn part(&self) -> Option<(u64, u64)> {
        let number = |id| self.extension::<u64>(id).and_then(Result::ok);
        Some((number(oid::PARTIAL_CRL)?, number(oid::TOTAL_PARTIAL_CRL)?))
    }

    /// One extension, decoded; `Err` when it is malformed.
    fn extension<T: rasn::Decode>(&self, id: &[u32]) -> Option<Result<T, ()>> {
        self.extension_value(id).map(|value| decode(value).map_err(drop))
    }

    fn extension_value(&self, id: &[u32]) -> Option<&[u8]> {
        let extensions = self.raw.value().tbs_cert_list.crl_extensions.as_ref()?;
        let found = extensions.iter().find(|extension| extension.extn_id.as_ref() == id)?;
        Some(&found.extn_value)
    }
}

/// Looks a certificate up in the lists of its issuer.
pub(crate) fn check(validation: &Validation<'_>, certificate: &Certificate, issuer: &Certificate) -> Result<(), Rule> {
    let mut parts = BTreeSet::new();
    let (mut total, mut whole) = (None, false);
    for crl in validation.crls.iter().filter(|crl| crl.is_of(issuer)) {
        crl.check(validation, issuer)?;
        if let Some(when) = crl.revocation(certificate) {
            return Err(Rule::Revoked(when));
        }
        match crl.part() {
            Some((number, of)) => {
                parts.insert(number);
                total = total.max(Some(of));
            }
            // A whole list beside partial ones says all that they say, one with a scope of its own does not.
            None => whole |= !crl.is_scoped(),
        }
    }
    // An EUM of version 2 has no key usage for it, so that its eUICCs are on nobody's list.
    if validation.crl_max_age.is_some() && issuer.may_sign_crls() && total.is_none() && !whole {
        return Err(Rule::CrlMissing);
    }
    let Some(total) = total.filter(|_| !whole) else { return Ok(()) };
    // A number beyond the total stands for none of the parts.
    let found = parts.iter().filter(|number| (1..=total).contains(*number)).count();
    if (found as u64) < total { Err(Rule::CrlIncomplete { found, total }) } else { Ok(()) }
}
