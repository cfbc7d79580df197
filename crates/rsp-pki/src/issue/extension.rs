//! The extensions of RSP certificates, as they are written.

use std::net::IpAddr;

use super::{Host, Subject};
use crate::{der, oid};

/// One extension, its value encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The arcs of its identifier.
    pub id: Vec<u32>,
    /// Whether whoever does not know it must refuse the certificate.
    pub critical: bool,
    /// The DER of its value, which an OCTET STRING will wrap.
    pub value: Vec<u8>,
}

impl Extension {
    /// Any extension.
    pub fn new(id: &[u32], critical: bool, value: Vec<u8>) -> Self {
        Self { id: id.to_vec(), critical, value }
    }

    /// Its DER.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let critical: &[u8] = if self.critical { &der::TRUE } else { &[] };
        der::sequence(&[&der::oid(&self.id), critical, &der::tlv(der::OCTET_STRING, &[&self.value])])
    }
}

/// Who signed: the subjectKeyIdentifier of the issuer.
pub fn authority_key_identifier(key_id: &[u8]) -> Extension {
    Extension::new(oid::AUTHORITY_KEY_IDENTIFIER, false, der::sequence(&[der::tlv(0x80, &[key_id])]))
}

/// The identifier of the subject's key.
pub fn subject_key_identifier(key_id: &[u8]) -> Extension {
    Extension::new(oid::SUBJECT_KEY_IDENTIFIER, false, der::tlv(der::OCTET_STRING, &[key_id]))
}

/// What the key may do, critical.
pub fn key_usage(uses: &[KeyUse]) -> Extension {
    let bits = uses.iter().fold(0u8, |bits, usage| bits | 0x80 >> *usage as u8);
    // A named bit list ends with its last one bit (X.690 11.2.2).
    let content = if bits == 0 { vec![0] } else { vec![bits.trailing_zeros() as u8, bits] };
    Extension::new(oid::KEY_USAGE, true, der::tlv(der::BIT_STRING, &[content]))
}

/// The bits of keyUsage that RSP names, and one that it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// digitalSignature (0).
    DigitalSignature = 0,
    /// keyAgreement (4).
    KeyAgreement = 4,
    /// keyCertSign (5).
    KeyCertSign = 5,
    /// cRLSign (6).
    CrlSign = 6,
}

/// Certificate policies under id-rspRole.
pub fn rsp_policies(critical: bool, roles: &[&[u32]]) -> Extension {
    let policies: Vec<Vec<u8>> =
        roles.iter().map(|arcs| der::sequence(&[der::oid(&[oid::RSP_ROLE, arcs].concat())])).collect();
    Extension::new(oid::CERTIFICATE_POLICIES, critical, der::sequence(&policies))
}

/// The subject's host and OID, either or both.
pub fn alt_names(host: Option<&Host>, registered_ids: &[&[u32]]) -> Extension {
    let mut names: Vec<Vec<u8>> = Vec::new();
    match host {
        Some(Host::Dns(name)) => names.push(der::tlv(0x82, &[name])),
        Some(Host::Ip(IpAddr::V4(address))) => names.push(der::tlv(0x87, &[address.octets()])),
        Some(Host::Ip(IpAddr::V6(address))) => names.push(der::tlv(0x87, &[address.octets()])),
        None => {}
    }
    names.extend(registered_ids.iter().map(|arcs| der::tlv(0x88, &[der::oid_content(arcs)])));
    Extension::new(oid::SUBJECT_ALT_NAME, false, der::sequence(&names))
}

/// CA or not, critical, with the number of further CAs below.
pub fn basic_constraints(ca: bool, path_len: Option<u8>) -> Extension {
    let ca: &[u8] = if ca { &der::TRUE } else { &[] };
    let path_len = path_len.map(|length| der::unsigned(&[length])).unwrap_or_default();
    Extension::new(oid::BASIC_CONSTRAINTS, true, der::sequence(&[ca, &path_len]))
}

/// serverAuth and clientAuth, as the TLS certificates of RSP have both; critical.
pub fn extended_key_usage(server: bool, client: bool) -> Extension {
    let mut purposes = Vec::new();
    if server {
        purposes.push(der::oid(oid::SERVER_AUTH));
    }
    if client {
        purposes.push(der::oid(oid::CLIENT_AUTH));
    }
    Extension::new(oid::EXTENDED_KEY_USAGE, true, der::sequence(&purposes))
}

/// One distribution point for each URL.
pub fn crl_distribution_points(urls: &[String]) -> Extension {
    let point = |url: &String| der::sequence(&[der::tlv(0xA0, &[der::tlv(0xA0, &[der::tlv(0x86, &[url])])])]);
    let points: Vec<Vec<u8>> = urls.iter().map(point).collect();
    Extension::new(oid::CRL_DISTRIBUTION_POINTS, false, der::sequence(&points))
}

/// The constraints of an EUM (SGP.22 v2): its organisation and the first digits of its EIDs, critical.
pub fn name_constraints(organisation: &str, eid_prefix: &str) -> Extension {
    name_constraints_of(&[Subject::new().organisation(organisation).serial_number(eid_prefix)])
}

/// Name constraints with these directory names permitted.
pub fn name_constraints_of(permitted: &[Subject]) -> Extension {
    let subtree = |name: &Subject| der::sequence(&[der::tlv(0xA4, &[name.encode()])]);
    let subtrees: Vec<Vec<u8>> = permitted.iter().map(subtree).collect();
    Extension::new(oid::NAME_CONSTRAINTS, true, der::sequence(&[der::tlv(0xA0, &subtrees)]))
}

/// The EID prefixes of an EUM (SGP.22 v3).
pub fn permitted_eins(prefixes: &[&str]) -> Extension {
    let eins: Vec<Vec<u8>> = prefixes.iter().map(|prefix| der::tlv(der::PRINTABLE_STRING, &[prefix])).collect();
    Extension::new(oid::PERMITTED_EINS, false, der::sequence(&eins))
}

/// The number of a CRL.
pub fn crl_number(number: u8) -> Extension {
    Extension::new(oid::CRL_NUMBER, false, der::unsigned(&[number]))
}

/// Which part of a CRL this is, and of how many.
pub fn partial_crl(number: u8, total: u8) -> [Extension; 2] {
    [
        Extension::new(oid::TOTAL_PARTIAL_CRL, false, der::unsigned(&[total])),
        Extension::new(oid::PARTIAL_CRL, false, der::unsigned(&[number])),
    ]
}
