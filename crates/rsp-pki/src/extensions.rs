//! The extensions that RSP certificates use (SGP.22 4.5.2.1).

use std::collections::BTreeSet;
use std::net::IpAddr;

use rasn::Decode;
use rsp_asn1::pkix::{self, DistributionPointName, GeneralName};
use rsp_asn1::{BitString, decode};

use crate::name::{DistinguishedName, dotted};
use crate::{Rule, oid};

/// Bits of keyUsage, numbered as in RFC 5280.
pub(crate) const DIGITAL_SIGNATURE: usize = 0;
pub(crate) const KEY_CERT_SIGN: usize = 5;
pub(crate) const CRL_SIGN: usize = 6;

/// What the extensions of one certificate say. Reading never fails: the first thing wrong is kept as `fault`, so that
/// the validator can say whose certificate it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    /// Every extension of [`NAMES`] that stands there.
    pub(crate) known: Vec<KnownExtension>,
    pub(crate) authority_key_identifier: Option<Vec<u8>>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) key_usage: Option<Marked<BitString>>,
    pub(crate) policies: Option<Vec<Vec<u32>>>,
    pub(crate) alt_names: AltNames,
    pub(crate) basic_constraints: Option<Marked<BasicConstraints>>,
    pub(crate) extended_key_usage: Option<Vec<Vec<u32>>>,
    pub(crate) name_constraints: Option<Marked<NameConstraints>>,
    pub(crate) permitted_eins: Option<Vec<String>>,
    pub(crate) crl_distribution_points: Vec<String>,
    pub(crate) fault: Option<Rule>,
}

/// That an extension stands there, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownExtension {
    pub(crate) id: &'static [u32],
    pub(crate) name: &'static str,
    pub(crate) critical: bool,
}

/// The extensions that some role has, with the names that errors use.
const NAMES: [(&[u32], &str); 10] = [
    (oid::AUTHORITY_KEY_IDENTIFIER, "authorityKeyIdentifier"),
    (oid::SUBJECT_KEY_IDENTIFIER, "subjectKeyIdentifier"),
    (oid::KEY_USAGE, "keyUsage"),
    (oid::CERTIFICATE_POLICIES, "certificatePolicies"),
    (oid::SUBJECT_ALT_NAME, "subjectAltName"),
    (oid::BASIC_CONSTRAINTS, "basicConstraints"),
    (oid::EXTENDED_KEY_USAGE, "extKeyUsage"),
    (oid::NAME_CONSTRAINTS, "nameConstraints"),
    (oid::PERMITTED_EINS, "permittedEins"),
    (oid::CRL_DISTRIBUTION_POINTS, "cRLDistributionPoints"),
];

/// A value with the criticality of its extension.
#[derive(Debug, Clone)]
pub(crate) struct Marked<T> {
    pub(crate) critical: bool,
    pub(crate) value: T,
}

/// subjectAltName, sorted by kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct AltNames {
    pub(crate) dns: Vec<String>,
    pub(crate) ip: Vec<IpAddr>,
    pub(crate) registered_ids: Vec<Vec<u32>>,
}

/// basicConstraints.
#[derive(Debug, Clone)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
    /// The pathLenConstraint, if there is one.
    pub(crate) path_len: Option<u32>,
}

/// nameConstraints as an EUM has them. `exact` says that nothing else stood there: no other kind of name, no excluded
/// subtree, no minimum or maximum.
#[derive(Debug, Clone)]
pub(crate) struct NameConstraints {
    pub(crate) permitted: Vec<DistinguishedName>,
    pub(crate) exact: bool,
}

impl Extensions {
    /// Reads all extensions of a certificate.
    pub(crate) fn read(list: Option<&pkix::Extensions>) -> Self {
        let mut read = Self::default();
        let mut seen = BTreeSet::new();
        for extension in list.iter().flat_map(|list| list.iter()) {
            let id: &[u32] = extension.extn_id.as_ref();
            if !seen.insert(id.to_vec()) {
                read.note(Rule::DuplicateExtension(dotted(id)));
                continue;
            }
            if let Some((id, name)) = NAMES.into_iter().find(|(known, _)| *known == id) {
                read.known.push(KnownExtension { id, name, critical: extension.critical });
            }
            if let Err(rule) = read.take(id, extension.critical, &extension.extn_value) {
                read.note(rule);
            }
        }
        read
    }

    fn note(&mut self, rule: Rule) {
        self.fault.get_or_insert(rule);
    }

    fn take(&mut self, id: &[u32], critical: bool, value: &[u8]) -> Result<(), Rule> {
        match id {
            oid::AUTHORITY_KEY_IDENTIFIER => {
                let read: pkix::AuthorityKeyIdentifier = content("authorityKeyIdentifier", value)?;
                self.authority_key_identifier = read.key_identifier.map(|id| id.to_vec());
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                let read: pkix::SubjectKeyIdentifier = content("subjectKeyIdentifier", value)?;
                self.subject_key_identifier = Some(read.to_vec());
            }
            oid::KEY_USAGE => self.key_usage = Some(Marked { critical, value: content("keyUsage", value)? }),
            oid::CERTIFICATE_POLICIES => {
                let read: pkix::CertificatePolicies = content("certificatePolicies", value)?;
                self.policies = Some(read.iter().map(|policy| policy.policy_identifier.as_ref().to_vec()).collect());
            }
            oid::SUBJECT_ALT_NAME => self.alt_names = AltNames::read(&content("subjectAltName", value)?)?,
            oid::BASIC_CONSTRAINTS => {
                let value = BasicConstraints::read(&content("basicConstraints", value)?)?;
                self.basic_constraints = Some(Marked { critical, value });
            }
            oid::EXTENDED_KEY_USAGE => {
                let read: pkix::ExtKeyUsageSyntax = content("extKeyUsage", value)?;
                self.extended_key_usage = Some(read.iter().map(|purpose| purpose.as_ref().to_vec()).collect());
            }
            oid::NAME_CONSTRAINTS => {
                let value = NameConstraints::read(&content("nameConstraints", value)?);
                self.name_constraints = Some(Marked { critical, value });
            }
            oid::PERMITTED_EINS => {
                let read: Vec<rasn::types::PrintableString> = content("permittedEins", value)?;
                let texts = read.iter().map(|ein| String::from_utf8_lossy(ein.as_bytes()).into_owned());
                self.permitted_eins = Some(texts.collect());
            }
            oid::CRL_DISTRIBUTION_POINTS => {
                self.crl_distribution_points = uris(&content("cRLDistributionPoints", value)?);
            }
            unknown if critical => return Err(Rule::UnknownCriticalExtension(dotted(unknown))),
            _ => {}
        }
        Ok(())
    }
}

fn content<T: Decode>(name: &'static str, der: &[u8]) -> Result<T, Rule> {
    decode(der).map_err(|_| Rule::MalformedExtension(name))
}

impl AltNames {
    fn read(names: &pkix::GeneralNames) -> Result<Self, Rule> {
        let mut read = Self::default();
        for name in names {
            match name {
                GeneralName::DnsName(dns) => read.dns.push(ascii(dns.as_iso646_bytes())),
                GeneralName::RegisteredId(id) => read.registered_ids.push(id.as_ref().to_vec()),
                GeneralName::IpAddress(octets) => {
                    let v4 = <[u8; 4]>::try_from(octets.as_ref()).map(IpAddr::from);
                    let any = v4.or_else(|_| <[u8; 16]>::try_from(octets.as_ref()).map(IpAddr::from));
                    read.ip.push(any.map_err(|_| Rule::MalformedExtension("subjectAltName"))?);
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

impl BasicConstraints {
    /// A length that is negative, absurdly long, or that limits a certificate that issues nothing, is no length.
    fn read(read: &pkix::BasicConstraints) -> Result<Self, Rule> {
        let path_len = match &read.path_len_constraint {
            None => None,
            Some(length) if read.ca => Some(length.to_string().parse().map_err(|_| Rule::PathLenConstraint)?),
            Some(_) => return Err(Rule::PathLenConstraint),
        };
        Ok(Self { ca: read.ca, path_len })
    }
}

impl NameConstraints {
    fn read(read: &pkix::NameConstraints) -> Self {
        let mut exact = read.excluded_subtrees.is_none();
        let mut permitted = Vec::new();
        for subtree in read.permitted_subtrees.iter().flatten() {
            exact &= subtree.minimum == 0.into() && subtree.maximum.is_none();
            match &subtree.base {
                GeneralName::DirectoryName(name) => permitted.push(DistinguishedName::read(name)),
                _ => exact = false,
            }
        }
        Self { permitted, exact }
    }
}

fn uris(points: &pkix::CrlDistributionPoints) -> Vec<String> {
    let mut found = Vec::new();
    for point in points {
        if let Some(DistributionPointName::FullName(names)) = &point.distribution_point {
            found.extend(names.iter().filter_map(|name| match name {
                GeneralName::Uri(uri) => Some(ascii(uri.as_iso646_bytes())),
                _ => None,
            }));
        }
    }
    found
}

fn ascii(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
