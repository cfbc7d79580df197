//! A CRL before it is signed.

use rsp_asn1::Timestamp;
use rsp_crypto::Signer;

use super::{Authority, Extension, extension};
use crate::{Certificate, Crl, Error, der};

/// Everything in a CRL but its signature.
#[derive(Debug, Clone)]
pub struct CrlTemplate {
    /// The issuer's name in DER.
    pub issuer: Vec<u8>,
    /// When the list is made.
    pub this_update: Timestamp,
    /// When the next one is due at the latest.
    pub next_update: Option<Timestamp>,
    /// Serial numbers, big-endian, with the time of their revocation.
    pub revoked: Vec<(Vec<u8>, Timestamp)>,
    /// The extensions.
    pub extensions: Vec<Extension>,
}

impl CrlTemplate {
    /// A list of an authority that revokes nothing yet.
    pub fn new(authority: &Authority<'_>, this_update: Timestamp, next_update: Timestamp) -> Self {
        let issuer = authority.certificate();
        Self {
            issuer: issuer.subject_der(),
            this_update,
            next_update: Some(next_update),
            revoked: Vec::new(),
            extensions: vec![
                extension::authority_key_identifier(issuer.subject_key_identifier().unwrap_or_default()),
                extension::crl_number(1),
            ],
        }
    }

    /// Adds a certificate.
    pub fn revoke(&mut self, certificate: &Certificate, when: Timestamp) {
        let serial = certificate.serial();
        let bytes = serial.as_bytes().chunks(2).map(|pair| {
            pair.iter().fold(0, |byte, digit| byte << 4 | (*digit as char).to_digit(16).unwrap_or(0) as u8)
        });
        self.revoked.push((bytes.collect(), when));
    }

    /// Signs.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the signer fails, [`Error::Encoding`] when a field holds what no CRL can.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Crl, Error> {
        let entries: Vec<Vec<u8>> = self
            .revoked
            .iter()
            .map(|(serial, when)| der::sequence(&[der::unsigned(serial), der::time(*when)]))
            .collect();
        let entries = if entries.is_empty() { Vec::new() } else { der::sequence(&entries) };
        let extensions: Vec<Vec<u8>> = self.extensions.iter().map(Extension::encode).collect();
        let tbs = der::sequence(&[
            &der::unsigned(&[1]),
            &der::ecdsa_with_sha256(),
            &self.issuer,
            &der::time(self.this_update),
            &self.next_update.map(der::time).unwrap_or_default(),
            &entries,
            &der::tlv(0xA0, &[der::sequence(&extensions)]),
        ]);
        let signature = signer.sign(&tbs)?.to_der();
        Crl::from_der(&der::sequence(&[&tbs, &der::ecdsa_with_sha256(), &der::bit_string(&signature)]))
    }
}
