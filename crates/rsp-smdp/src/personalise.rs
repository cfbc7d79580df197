//! A fresh subscriber for a template: ICCID, IMSI, K and OPc (SGP.22 3.1.1, "generate on order").

use rsp_asn1::Iccid;
use rsp_crypto::{Randomness, RandomnessExt, Zeroizing};
use rsp_saip::ProfilePackage;
use rsp_saip::aka::AlgoParameter;
use rsp_saip::personalise::Personalisation;

use crate::error::Error;

/// A personalised copy of a template.
pub(crate) struct Personalised {
    pub(crate) iccid: Iccid,
    pub(crate) imsi: String,
    pub(crate) keys: Zeroizing<[u8; 32]>,
    pub(crate) package: Zeroizing<Vec<u8>>,
}

/// Leading digits of an ICCID that name country and issuer (ITU-T E.118); the rest is the issuer's to give.
const ISSUER_DIGITS: usize = 7;

/// Makes a copy of the template with a subscriber of its own. The digits are drawn at random, so ICCID and IMSI may
/// exist already: the store refuses them then, and the caller draws again.
pub(crate) fn personalise(template: &[u8], randomness: &mut dyn Randomness) -> Result<Personalised, Error> {
    let mut package = ProfilePackage::from_der(template)?;
    let summary = package.summary();
    let old_iccid = summary.iccid.ok_or(rsp_saip::Error::Missing("EF_ICCID"))?;
    let old_imsi = summary.imsi.ok_or(rsp_saip::Error::Missing("EF_IMSI"))?;
    let network = 3 + usize::from(summary.mnc_length.unwrap_or(2).clamp(2, 3));
    let iccid = fresh_iccid(&old_iccid, randomness);
    let imsi = fresh_digits(&old_imsi, network, old_imsi.len(), randomness);
    let key = Zeroizing::new(randomness.bytes::<16>());
    let opc = Zeroizing::new(randomness.bytes::<16>());
    package.personalise(&Personalisation {
        iccid: Some(&iccid),
        imsi: Some(&imsi),
        key: Some(&key),
        opc: Some(&opc),
        algorithm: Some(AlgoParameter::MILENAGE),
    })?;
    let mut keys = Zeroizing::new([0; 32]);
    keys[..16].copy_from_slice(&*key);
    keys[16..].copy_from_slice(&*opc);
    let iccid = iccid.parse().map_err(|_| Error::Damaged("ICCID of the template"))?;
    Ok(Personalised { iccid, imsi, keys, package: package.to_der() })
}

/// As many digits as the old one, the issuer's part kept, a valid check digit at the end.
fn fresh_iccid(old: &str, randomness: &mut dyn Randomness) -> String {
    let mut digits = fresh_digits(old, ISSUER_DIGITS, old.len().saturating_sub(1), randomness);
    if let Some(check) = Iccid::luhn_digit(&digits) {
        digits.push(char::from(b'0' + check));
    }
    digits
}

/// The first `kept` digits of `old`, then random ones up to `length`.
fn fresh_digits(old: &str, kept: usize, length: usize, randomness: &mut dyn Randomness) -> String {
    let mut digits: String = old.chars().take(kept).collect();
    while digits.len() < length {
        // 2^64 is so much larger than 10 that the remainder is uniform for every purpose.
        let digit = u64::from_be_bytes(randomness.bytes()) % 10;
        digits.push(char::from(b'0' + digit as u8));
    }
    digits
}
