//! Writing DER for certificates and CRLs.
//!
//! Certificates are read with the types of RFC 5280 and written by these few functions, so that reader and writer check
//! each other, and so that tests can also write what no type would allow.

use rsp_asn1::{Timestamp, tlv};

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0C;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// BOOLEAN TRUE.
pub(crate) const TRUE: [u8; 3] = [0x01, 0x01, 0xFF];

/// One TLV whose value is the concatenation of `parts`.
pub(crate) fn tlv<P: AsRef<[u8]>>(tag: u8, parts: &[P]) -> Vec<u8> {
    let value: Vec<u8> = parts.iter().flat_map(|part| part.as_ref().iter().copied()).collect();
    let mut out = Vec::with_capacity(value.len() + 6);
    tlv::write(&mut out, &[tag], &value);
    out
}

/// A SEQUENCE of the given elements.
pub(crate) fn sequence<P: AsRef<[u8]>>(elements: &[P]) -> Vec<u8> {
    tlv(SEQUENCE, elements)
}

/// A non-negative INTEGER from big-endian bytes.
pub(crate) fn unsigned(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = &big_endian[zeros..];
    let sign: &[u8] = if digits.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    tlv(INTEGER, &[sign, digits])
}

/// The content of an OBJECT IDENTIFIER, without tag and length.
pub(crate) fn oid_content(arcs: &[u32]) -> Vec<u8> {
    let (head, rest) = match arcs {
        [first, second, rest @ ..] => (u64::from(*first) * 40 + u64::from(*second), rest),
        _ => return Vec::new(),
    };
    let mut out = Vec::new();
    for arc in std::iter::once(head).chain(rest.iter().map(|arc| u64::from(*arc))) {
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group == 0 { 0 } else { 0x80 };
            out.push((arc >> (7 * group)) as u8 & 0x7F | more);
        }
    }
    out
}

/// An OBJECT IDENTIFIER.
pub(crate) fn oid(arcs: &[u32]) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, &[oid_content(arcs)])
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes])
}

/// UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5).
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let (year, month, day, hour, minute, second) = at.civil();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if (1950..2050).contains(&year) {
        tlv(UTC_TIME, &[format!("{:02}{rest}", year % 100)])
    } else {
        tlv(GENERALIZED_TIME, &[format!("{year:04}{rest}")])
    }
}

/// The AlgorithmIdentifier of ECDSA with SHA-256: no parameters (RFC 5758 3.2).
pub(crate) fn ecdsa_with_sha256() -> Vec<u8> {
    sequence(&[oid(crate::oid::ECDSA_WITH_SHA256)])
}
