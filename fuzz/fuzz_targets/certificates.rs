//! Certificates and CRLs (SGP.22 4.5): a leaf, what follows it, and the CI last, one after the other.
//!
//! Every signature counts as good here, so that the rules behind the signature are reached as well.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rsp_asn1::{Timestamp, tlv};
use rsp_crypto::{Error, Provider, PublicKey, SecretKey, SharedSecret, Signature, Signer, rust_crypto};
use rsp_pki::{Certificate, Crl, Role, TrustStore, Validation, validate, validate_euicc};

const ROLES: [Role; 8] =
    [Role::Ci, Role::Eum, Role::Euicc, Role::DpAuth, Role::DpPb, Role::DpTls, Role::DsAuth, Role::DsTls];

/// Believes every signature.
#[derive(Debug)]
struct Credulous;

impl Provider for Credulous {
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, Error> {
        rust_crypto().signer(key)
    }

    fn verify(&self, _: &PublicKey, _: &[u8], _: &Signature) -> Result<(), Error> {
        Ok(())
    }

    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, Error> {
        rust_crypto().agree(own, peer)
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = Certificate::from_file_content(data);
    let _ = Crl::from_file_content(data);
    let mut certificates = Vec::new();
    let mut crls = Vec::new();
    for element in tlv::iter(data).map_while(Result::ok).take(4) {
        if let Ok(certificate) = Certificate::from_der(element.raw()) {
            look_at(&certificate, element.raw());
            certificates.push(certificate);
        } else if let Ok(crl) = Crl::from_der(element.raw()) {
            assert_eq!(crl.der(), element.raw());
            let _ = (crl.this_update(), crl.next_update(), crl.len());
            crls.push(crl);
        }
    }
    let Some((leaf, rest)) = certificates.split_first() else { return };
    let anchors = TrustStore::new(vec![certificates.last().unwrap_or(leaf).clone()]);
    for now in [None, Some(Timestamp(1_790_000_000))] {
        let validation = Validation { provider: &Credulous, now, crls: &crls, crl_max_age: now.map(|_| 86_400) };
        for role in ROLES {
            let _ = validate(&validation, role, leaf, rest, &anchors);
        }
        if let Some(eum) = rest.first()
            && let Ok(euicc) = validate_euicc(&validation, leaf, eum, &anchors)
        {
            assert_eq!(leaf.eid(), Some(euicc.eid()), "the EID is the one that was certified");
        }
    }
});

/// Reads everything that a certificate says.
fn look_at(certificate: &Certificate, der: &[u8]) {
    assert_eq!(certificate.der(), der, "a certificate keeps its bytes");
    let _ = (certificate.public_key(), certificate.curve(), certificate.role(), certificate.policies());
    let _ = (certificate.subject_key_identifier(), certificate.authority_key_identifier(), certificate.oid());
    let _ = (certificate.dns_names(), certificate.ip_addresses(), certificate.crl_distribution_points());
    let _ = (certificate.eid(), certificate.permitted_eid_prefixes(), certificate.is_self_issued());
    let _ = (certificate.not_before(), certificate.not_after(), certificate.serial());
    let _ = (certificate.subject(), certificate.issuer());
    let again = Certificate::from_pem(&certificate.to_pem());
    assert!(again.is_ok_and(|again| again.der() == der), "PEM and DER are the same certificate");
}
