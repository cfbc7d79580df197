//! Names, as they are written.

use crate::{der, oid};

/// A distinguished name under construction: attributes in the order in which they are added.
///
/// Text is UTF8String; country and serial number are PrintableString, as RFC 5280 and SGP.22 have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    rdns: Vec<Vec<u8>>,
}

impl Subject {
    /// An empty name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a common name.
    pub fn common_name(self, text: &str) -> Self {
        self.attribute(oid::COMMON_NAME, der::UTF8_STRING, text)
    }

    /// Adds an organisation.
    pub fn organisation(self, text: &str) -> Self {
        self.attribute(oid::ORGANISATION, der::UTF8_STRING, text)
    }

    /// Adds an organisational unit.
    pub fn organisational_unit(self, text: &str) -> Self {
        self.attribute(oid::ORGANISATIONAL_UNIT, der::UTF8_STRING, text)
    }

    /// Adds a country of two letters.
    pub fn country(self, text: &str) -> Self {
        self.attribute(oid::COUNTRY, der::PRINTABLE_STRING, text)
    }

    /// Adds a serial number: the EID of an eUICC, or its first digits in a constraint.
    pub fn serial_number(self, text: &str) -> Self {
        self.attribute(oid::SERIAL_NUMBER, der::PRINTABLE_STRING, text)
    }

    fn attribute(mut self, kind: &[u32], string: u8, text: &str) -> Self {
        let attribute = der::sequence(&[der::oid(kind), der::tlv(string, &[text])]);
        self.rdns.push(der::tlv(der::SET, &[attribute]));
        self
    }

    /// Its DER.
    pub fn encode(&self) -> Vec<u8> {
        der::sequence(&self.rdns)
    }
}
