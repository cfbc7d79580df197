//! The subscription that demo and benchmark sell: a package, and what the network must know of it.

use std::path::Path;

use anyhow::{Context as _, bail};
use rsp_asn1::Iccid;
use rsp_crypto::{Randomness, RandomnessExt as _, hash};
use rsp_network::Subscriber;
use rsp_saip::aka::AlgorithmConfiguration;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::{Element, ProfilePackage, Secret};

/// `algorithmID` of akaParameter: Milenage.
const MILENAGE: u8 = 1;
/// `algorithmID` of akaParameter: the XOR algorithm of 3GPP TS 34.108.
const USIM_TEST: u8 = 3;

/// A profile package with the identity and the keys inside it.
pub(crate) struct Subscription {
    package: Vec<u8>,
    parsed: ProfilePackage,
    iccid: String,
    imsi: String,
}

impl Subscription {
    /// A new subscriber of the test network 001/01 with random keys, under Milenage.
    pub(crate) fn fresh(randomness: &mut dyn Randomness) -> anyhow::Result<Self> {
        Self::fresh_of_size(randomness, 0)
    }

    /// The same, with a telephone book that makes the package at least this large, in bytes.
    pub(crate) fn fresh_of_size(randomness: &mut dyn Randomness, size: usize) -> anyhow::Result<Self> {
        let iccid = format!("8900101{}", digits(randomness, 11));
        let check = Iccid::luhn_digit(&iccid).context("digits have a check digit")?;
        let mut code = |count| Secret::from(digits(randomness, count).as_bytes());
        let codes = Codes { pin1: code(4), puk1: code(8), pin2: code(4), puk2: code(8), adm1: code(8) };
        let builder = ProfileBuilder {
            iccid: format!("{iccid}{check}"),
            imsi: format!("00101{}", digits(randomness, 10)),
            mnc_length: 2,
            spn: "OpenRSP".to_owned(),
            profile_type: "OpenRSP demo".to_owned(),
            msisdn: None,
            gid1: None,
            gid2: None,
            key: Secret::from(&randomness.bytes::<16>()[..]),
            opc: Secret::from(&randomness.bytes::<16>()[..]),
            codes,
            isim: true,
            pad_to: size,
        };
        Self::new(builder.build()?.to_der().to_vec())
    }

    /// The subscriber whose package somebody else made.
    pub(crate) fn from_file(file: &Path) -> anyhow::Result<Self> {
        let package = std::fs::read(file).with_context(|| file.display().to_string())?;
        Self::new(package).with_context(|| file.display().to_string())
    }

    fn new(package: Vec<u8>) -> anyhow::Result<Self> {
        let parsed = ProfilePackage::from_der(&package)?;
        let summary = parsed.summary();
        let iccid = summary.iccid.context("the package has no EF_ICCID")?;
        let imsi = summary.imsi.context("the package has no EF_IMSI")?;
        Ok(Self { package, parsed, iccid, imsi })
    }

    pub(crate) fn package(&self) -> &[u8] {
        &self.package
    }

    pub(crate) fn iccid(&self) -> &str {
        &self.iccid
    }

    pub(crate) fn imsi(&self) -> &str {
        &self.imsi
    }

    /// SHA-256 of the package, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(hash::sha256(&self.package))
    }

    /// The profile class that such keys belong to: the XOR algorithm is for test profiles only.
    pub(crate) fn class(&self) -> &'static str {
        match self.algorithm() {
            Some((USIM_TEST, _, _)) => "test",
            _ => "operational",
        }
    }

    /// What the network stores of this subscriber.
    pub(crate) fn subscriber(&self) -> anyhow::Result<Subscriber> {
        let (algorithm, key, opc) = self.algorithm().context("the package has no akaParameter")?;
        let key = key.try_into().context("K has not 16 bytes")?;
        match algorithm {
            MILENAGE => Ok(Subscriber::milenage(key, opc.try_into().context("OPc has not 16 bytes")?)),
            USIM_TEST => Ok(Subscriber::usim_test(key)),
            other => bail!("the package authenticates with algorithm {other}; this network knows Milenage and XOR"),
        }
    }

    /// Algorithm, K and OPc of the first network access application.
    fn algorithm(&self) -> Option<(u8, &[u8], &[u8])> {
        self.parsed.elements().iter().find_map(|element| match element.element() {
            Element::AkaParameter(aka) => match &aka.algorithm {
                AlgorithmConfiguration::Algorithm(parameter) => {
                    Some((parameter.algorithm_id, parameter.key.expose(), parameter.opc.expose()))
                }
                _ => None,
            },
            _ => None,
        })
    }
}

/// Random decimal digits; the slight preference for low digits does no harm to identities of a demo.
fn digits(randomness: &mut dyn Randomness, count: usize) -> String {
    let mut bytes = vec![0; count];
    randomness.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b'0' + byte % 10)).collect()
}
