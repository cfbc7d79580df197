//! The subscriptions that demo, benchmark and conformance runner sell: a package, and what the network must know of it.

use std::path::Path;

use anyhow::{Context as _, bail};
use rsp_asn1::Iccid;
use rsp_crypto::{Randomness, RandomnessExt as _, hash};
use rsp_network::{Subscriber, Tuak};
use rsp_saip::aka::{AlgoParameter, AlgorithmConfiguration};
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::{Element, ProfilePackage, Secret};

/// `algorithmID` of akaParameter: Milenage.
const MILENAGE: u8 = 1;
/// `algorithmID` of akaParameter: TUAK.
const TUAK: u8 = 2;
/// `algorithmID` of akaParameter: the XOR algorithm of 3GPP TS 34.108.
const USIM_TEST: u8 = 3;

/// A profile package with the identity and the keys inside it.
pub struct Subscription {
    package: Vec<u8>,
    parsed: ProfilePackage,
    iccid: String,
    imsi: String,
}

impl Subscription {
    /// A new subscriber of the test network 001/01 with random keys, under Milenage.
    ///
    /// # Errors
    /// Those of building the package.
    pub fn fresh(randomness: &mut dyn Randomness) -> anyhow::Result<Self> {
        Self::fresh_of_size(randomness, 0)
    }

    /// The same, with a telephone book that makes the package at least this large, in bytes.
    ///
    /// # Errors
    /// Those of building the package.
    pub fn fresh_of_size(randomness: &mut dyn Randomness, size: usize) -> anyhow::Result<Self> {
        let iccid = format!("8900101{}", digits(randomness, 11));
        let check = Iccid::luhn_digit(&iccid).context("digits have a check digit")?;
        let imsi = format!("00101{}", digits(randomness, 10));
        let builder = builder(format!("{iccid}{check}"), imsi, "OpenRSP demo", randomness);
        let builder = ProfileBuilder { isim: true, pad_to: size, ..builder };
        Self::new(builder.build()?.to_der().to_vec())
    }

    /// The subscriber whose package somebody else made.
    ///
    /// # Errors
    /// When the file cannot be read, or is no package with ICCID and IMSI.
    pub fn from_file(file: &Path) -> anyhow::Result<Self> {
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

    /// The same subscriber with the XOR algorithm of 3GPP TS 34.108 8.1.2 instead, for networks that know no other.
    ///
    /// # Errors
    /// When the package has no parameters of an algorithm.
    pub fn into_usim_test(mut self) -> anyhow::Result<Self> {
        let found = self.parsed.elements().iter().enumerate().find_map(|(index, element)| match element.element() {
            Element::AkaParameter(aka) => match &aka.algorithm {
                AlgorithmConfiguration::Algorithm(parameter) => Some((index, aka.clone(), parameter.clone())),
                AlgorithmConfiguration::Mapping(_) => None,
            },
            _ => None,
        });
        let (index, mut aka, mut parameter) = found.context("the package has no akaParameter with an algorithm")?;
        parameter.algorithm_id = USIM_TEST;
        // RES of 128 bits, as the published test profiles have it.
        parameter.options = vec![0x02].into();
        aka.algorithm = AlgorithmConfiguration::Algorithm(parameter);
        self.parsed.replace(index, Element::AkaParameter(aka))?;
        self.package = self.parsed.to_der().to_vec();
        Ok(self)
    }

    /// The package, DER.
    pub fn package(&self) -> &[u8] {
        &self.package
    }

    /// Its ICCID, digits.
    pub fn iccid(&self) -> &str {
        &self.iccid
    }

    /// Its IMSI, digits.
    pub fn imsi(&self) -> &str {
        &self.imsi
    }

    /// SHA-256 of the package, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(hash::sha256(&self.package))
    }

    /// The profile class that such keys are meant for: the XOR algorithm and published keys are for tests.
    pub fn class(&self) -> &'static str {
        if self.has_published_keys() {
            return "test";
        }
        match algorithm(&self.parsed).map(|parameter| parameter.algorithm_id) {
            Some(USIM_TEST) => "test",
            _ => "operational",
        }
    }

    /// Whether a server takes the package only if it is told to: see [`rsp_saip::lint`].
    pub fn has_published_keys(&self) -> bool {
        !rsp_saip::lint::findings(&self.parsed).is_empty()
    }

    /// What the network stores of this subscriber.
    ///
    /// # Errors
    /// Those of [`subscriber`].
    pub fn subscriber(&self) -> anyhow::Result<Subscriber> {
        subscriber(&self.parsed)
    }
}

/// What the network must know of a profile, from its package.
///
/// # Errors
/// When the package does not say, or authenticates in a way that the network does not know.
pub fn subscriber(package: &ProfilePackage) -> anyhow::Result<Subscriber> {
    let parameter = algorithm(package).context("the package has no akaParameter with an algorithm")?;
    let key = || parameter.key.expose().try_into().context("K has not 16 bytes");
    match parameter.algorithm_id {
        MILENAGE => {
            Ok(Subscriber::milenage(key()?, parameter.opc.expose().try_into().context("OPc has not 16 bytes")?))
        }
        TUAK => tuak(parameter),
        USIM_TEST => Ok(Subscriber::usim_test(key()?)),
        other => bail!("the package authenticates with algorithm {other}; this network knows Milenage, TUAK and XOR"),
    }
}

/// A subscriber with TUAK, whose algorithmOptions say how long RES is.
fn tuak(parameter: &AlgoParameter) -> anyhow::Result<Subscriber> {
    let topc = parameter.opc.expose().try_into().context("TOPc has not 32 bytes")?;
    let tuak = Tuak::new(parameter.key.expose(), topc).context("K has neither 16 nor 32 bytes")?;
    let res_length = match parameter.options.first() {
        Some(0x00 | 0x08) => 4,
        Some(0x01 | 0x09) => 8,
        Some(0x02 | 0x0A) => 16,
        _ => bail!("the package asks TUAK for lengths that no network uses (algorithmOptions)"),
    };
    Ok(Subscriber::tuak(tuak.with_iterations(parameter.number_of_keccak.unwrap_or(1)), res_length))
}

/// Algorithm and keys of the first network access application.
fn algorithm(package: &ProfilePackage) -> Option<&AlgoParameter> {
    package.elements().iter().find_map(|element| match element.element() {
        Element::AkaParameter(aka) => match &aka.algorithm {
            AlgorithmConfiguration::Algorithm(parameter) => Some(parameter),
            _ => None,
        },
        _ => None,
    })
}

/// A profile of the test network 001/01 with keys and codes that `randomness` gives, under Milenage.
pub fn builder(iccid: String, imsi: String, profile_type: &str, randomness: &mut dyn Randomness) -> ProfileBuilder {
    let mut code = |count| Secret::from(digits(randomness, count).as_bytes());
    let codes = Codes { pin1: code(4), puk1: code(8), pin2: code(4), puk2: code(8), adm1: code(8) };
    ProfileBuilder {
        iccid,
        imsi,
        mnc_length: 2,
        spn: "OpenRSP".to_owned(),
        profile_type: profile_type.to_owned(),
        msisdn: None,
        gid1: None,
        gid2: None,
        key: Secret::from(&randomness.bytes::<16>()[..]),
        opc: Secret::from(&randomness.bytes::<16>()[..]),
        codes,
        isim: false,
        pad_to: 0,
    }
}

/// Random decimal digits; the slight preference for low digits does no harm to identities of a demo.
fn digits(randomness: &mut dyn Randomness, count: usize) -> String {
    let mut bytes = vec![0; count];
    randomness.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b'0' + byte % 10)).collect()
}

#[cfg(test)]
mod tests {
    use rsp_asn1::OctetString;
    use rsp_saip::ProfileElement;
    use rsp_testkit::SeededRandomness;

    use super::*;

    /// A package that authenticates by TUAK with these options.
    fn with_tuak(options: u8, key: &[u8], iterations: Option<u8>) -> ProfilePackage {
        let mut randomness = SeededRandomness::new("subscription");
        let builder = builder("8900101234567890123".into(), "001010123456789".into(), "tuak", &mut randomness);
        let package = builder.build().unwrap();
        let elements = package.elements().iter().map(|element| {
            let mut element = element.element().clone();
            if let Element::AkaParameter(aka) = &mut element
                && let AlgorithmConfiguration::Algorithm(parameter) = &mut aka.algorithm
            {
                parameter.algorithm_id = TUAK;
                parameter.options = OctetString::from(vec![options]);
                parameter.key = Secret::from(key);
                parameter.opc = Secret::from(&[0x7A; 32][..]);
                parameter.number_of_keccak = iterations;
            }
            ProfileElement::new(element).unwrap().bytes().to_vec()
        });
        ProfilePackage::from_der(&elements.collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn a_tuak_subscriber_is_read_with_its_lengths_and_iterations() {
        for (options, key, iterations, res_length) in
            [(0x00, &[1; 16][..], None, 4), (0x09, &[2; 32], Some(3), 8), (0x02, &[3; 32], None, 16)]
        {
            let mut read = subscriber(&with_tuak(options, key, iterations)).unwrap();
            let tuak = Tuak::new(key, [0x7A; 32]).unwrap().with_iterations(iterations.unwrap_or(1));
            let mut expected = Subscriber::tuak(tuak, res_length);
            let (read, expected) = (read.challenge([0x5A; 16]), expected.challenge([0x5A; 16]));
            assert_eq!((read.autn(), read.xres()), (expected.autn(), expected.xres()));
            assert_eq!(read.xres().len(), res_length);
        }
        // A RES of 256 bits, a MAC of 128 bits, keys of 256 bits, and a K of 24 bytes.
        for (options, key) in [(0x04, &[1; 16][..]), (0x10, &[1; 16]), (0x40, &[1; 16]), (0x00, &[1; 24])] {
            assert!(subscriber(&with_tuak(options, key, None)).is_err(), "{options:02X}");
        }
    }
}
