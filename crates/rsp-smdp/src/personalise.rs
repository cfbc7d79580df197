//! A fresh subscriber for a template: ICCID, IMSI, K and OPc (SGP.22 3.1.1, "generate on order").

use rsp_asn1::Iccid;
use rsp_crypto::{Randomness, RandomnessExt, Zeroizing};
use rsp_saip::ProfilePackage;
use rsp_saip::aka::AlgoParameter;
use rsp_saip::personalise::Personalisation;
use rsp_store::SubscriberInStock;

use crate::error::Error;

/// A personalised copy of a template.
pub(crate) struct Personalised {
    pub(crate) iccid: Iccid,
    pub(crate) imsi: String,
    pub(crate) keys: Zeroizing<[u8; 32]>,
    pub(crate) package: Zeroizing<Vec<u8>>,
}

/// What a copy gets, instead of something random.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) iccid: Option<Iccid>,
    pub(crate) subscriber: Option<SubscriberInStock>,
}

/// Leading digits of an ICCID that name country and issuer (ITU-T E.118); the rest is the issuer's to give.
const ISSUER_DIGITS: usize = 7;

/// Makes a copy of the template with a subscriber of its own. What is not given is drawn at random, so that it may exist
/// already: the store refuses it then, and the caller draws again.
pub(crate) fn personalise(
    template: &[u8],
    given: Given,
    randomness: &mut dyn Randomness,
) -> Result<Personalised, Error> {
    let mut package = ProfilePackage::from_der(template)?;
    let summary = package.summary();
    let old_iccid = summary.iccid.ok_or(rsp_saip::Error::Missing("EF_ICCID"))?;
    let old_imsi = summary.imsi.ok_or(rsp_saip::Error::Missing("EF_IMSI"))?;
    let network = 3 + usize::from(summary.mnc_length.unwrap_or(2).clamp(2, 3));
    let iccid = match given.iccid {
        Some(iccid) => iccid.to_string(),
        None => fresh_iccid(&old_iccid, randomness),
    };
    let SubscriberInStock { imsi, keys } = match given.subscriber {
        Some(subscriber) => subscriber,
        None => SubscriberInStock {
            imsi: fresh_digits(&old_imsi, network, old_imsi.len(), randomness),
            keys: Zeroizing::new(randomness.bytes()),
        },
    };
    let half = |start: usize| Zeroizing::new(std::array::from_fn::<u8, 16, _>(|index| keys[start + index]));
    package.personalise(&Personalisation {
        iccid: Some(&iccid),
        imsi: Some(&imsi),
        key: Some(&half(0)),
        opc: Some(&half(16)),
        algorithm: Some(AlgoParameter::MILENAGE),
    })?;
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
