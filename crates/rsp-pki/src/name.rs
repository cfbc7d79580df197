//! Distinguished names.

use std::fmt;

use rsp_asn1::pkix::{Name, RdnSequence};
use rsp_asn1::tlv;

use crate::oid::{COMMON_NAME, COUNTRY, ORGANISATION, ORGANISATIONAL_UNIT, SERIAL_NUMBER};

/// The subject or issuer of a certificate: attributes in their order.
///
/// Names are compared by attribute and text, whatever string type carries the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    attributes: Vec<(Vec<u32>, String)>,
}

impl DistinguishedName {
    /// Attributes of a subject or issuer.
    pub(crate) fn read(name: &Name) -> Self {
        let Name::RdnSequence(rdns) = name;
        Self::read_rdns(rdns)
    }

    fn read_rdns(rdns: &RdnSequence) -> Self {
        let attributes = rdns
            .iter()
            .flat_map(|rdn| rdn.to_vec())
            .map(|attribute| (attribute.r#type.as_ref().to_vec(), text(attribute.value.as_bytes())))
            .collect();
        Self { attributes }
    }

    /// The common name, if there is one.
    pub fn common_name(&self) -> Option<&str> {
        self.attribute(COMMON_NAME)
    }

    /// The organisation, if there is one.
    pub fn organisation(&self) -> Option<&str> {
        self.attribute(ORGANISATION)
    }

    /// The serialNumber attribute: of an eUICC its EID.
    pub fn serial_number(&self) -> Option<&str> {
        self.attribute(SERIAL_NUMBER)
    }

    /// An attribute that is there exactly once.
    fn attribute(&self, kind: &[u32]) -> Option<&str> {
        let mut found = self.attributes.iter().filter(|(arcs, _)| arcs == kind).map(|(_, text)| text.as_str());
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, text)) in self.attributes.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match kind.as_slice() {
                COMMON_NAME => f.write_str("CN")?,
                COUNTRY => f.write_str("C")?,
                ORGANISATION => f.write_str("O")?,
                ORGANISATIONAL_UNIT => f.write_str("OU")?,
                SERIAL_NUMBER => f.write_str("serialNumber")?,
                other => f.write_str(&dotted(other))?,
            }
            write!(f, "={}", text.escape_debug())?;
        }
        Ok(())
    }
}

/// An object identifier as people write it.
pub(crate) fn dotted(arcs: &[u32]) -> String {
    arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// The text of a DirectoryString. A type that is no string gives its bytes in hexadecimal, which equals no text.
fn text(der: &[u8]) -> String {
    let Ok((value, _)) = tlv::first(der) else { return String::new() };
    match value.tag() {
        // UTF8String, NumericString, PrintableString, IA5String
        [0x0C | 0x12 | 0x13 | 0x16] => match std::str::from_utf8(value.value()) {
            Ok(text) => text.to_owned(),
            Err(_) => hexadecimal(value.value()),
        },
        // BMPString
        [0x1E] => {
            let units: Vec<u16> = value
                .value()
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)))
                .collect();
            String::from_utf16_lossy(&units)
        }
        _ => hexadecimal(der),
    }
}

/// `#` and upper-case hexadecimal (RFC 4514 2.4).
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold("#".to_owned(), |text, byte| text + &format!("{byte:02X}"))
}
