//! Another subscriber for an existing package.

use rsp_saip::aka::{AlgoParameter, AlgorithmConfiguration};
use rsp_saip::header::Service;
use rsp_saip::personalise::Personalisation;
use rsp_saip::{Element, ElementKind, Error, ProfilePackage};

use crate::building::builder;
use crate::known_answers::ts48;

const ICCID: &str = "89999990000000000017";
const IMSI: &str = "999990987654321";

#[test]
fn every_ts48_package_takes_another_subscriber() {
    for name in ts48() {
        let bytes = rsp_testkit::standards(&name).expect("listed");
        let original = ProfilePackage::from_der(&bytes).expect("a package");
        let mut package = original.clone();
        let with = Personalisation {
            iccid: Some(ICCID),
            imsi: Some(IMSI),
            key: Some(&[0xAB; 16]),
            opc: Some(&[0xCD; 16]),
            algorithm: Some(AlgoParameter::MILENAGE),
        };
        package.personalise(&with).unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = ProfilePackage::from_der(&package.to_der()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let summary = read.summary();
        assert_eq!(summary.iccid.as_deref(), Some(ICCID), "{name}");
        assert_eq!(summary.header_iccid.as_deref(), Some(ICCID), "{name}");
        assert_eq!(summary.imsi.as_deref(), Some(IMSI), "{name}");
        assert_eq!(summary.algorithm, Some("milenage"), "{name}");
        assert!(summary.services.contains(&Service::MILENAGE), "{name}");
        assert!(!summary.services.contains(&Service::USIM_TEST_ALGORITHM), "{name}");
        for (before, after) in original.elements().iter().zip(read.elements()) {
            assert_eq!(before.kind(), after.kind(), "{name}");
            match after.element() {
                Element::AkaParameter(aka) => {
                    let AlgorithmConfiguration::Algorithm(algorithm) = &aka.algorithm else { panic!("{name}") };
                    assert_eq!((algorithm.key.expose(), algorithm.opc.expose()), (&[0xAB; 16][..], &[0xCD; 16][..]));
                }
                Element::Header(_) => {}
                Element::Template(_)
                    if matches!(after.kind(), ElementKind::Mf | ElementKind::Usim | ElementKind::Isim) => {}
                _ => assert!(before.bytes() == after.bytes(), "{name}: {} changed", after.kind()),
            }
        }
        assert!(!read.to_der().windows(15).any(|window| window == b"001010123456789"), "{name}: the old IMSI remains");
    }
}

#[test]
fn the_home_domain_of_the_isim_follows_the_imsi() {
    let mut package = builder().build().expect("valid values");
    package.personalise(&Personalisation { imsi: Some(IMSI), ..Default::default() }).expect("it fits");
    let bytes = package.to_der();
    let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(contains("sip:999990987654321@ims.mnc099.mcc999.3gppnetwork.org"));
    assert!(!contains("mnc070") && !contains("999700123456785"));
}

#[test]
fn nothing_asked_changes_nothing() {
    let original = builder().build().expect("valid values");
    let mut package = original.clone();
    package.personalise(&Personalisation::default()).expect("nothing to do");
    assert!(package == original);
}

#[test]
fn a_value_that_does_not_fit_changes_nothing() {
    let original = builder().build().expect("valid values");
    for with in [
        Personalisation { iccid: Some("8999"), imsi: Some(IMSI), ..Default::default() },
        Personalisation { iccid: Some(ICCID), imsi: Some("99999"), ..Default::default() },
        Personalisation { iccid: Some(ICCID), imsi: Some("99999098765432"), ..Default::default() },
        Personalisation { iccid: Some(ICCID), algorithm: Some(9), ..Default::default() },
    ] {
        let mut package = original.clone();
        assert!(matches!(package.personalise(&with), Err(Error::InvalidValue { .. })));
        assert!(package == original);
    }
    let mut empty = ProfilePackage::default();
    let with = Personalisation { iccid: Some(ICCID), ..Default::default() };
    assert_eq!(empty.personalise(&with), Err(Error::Missing("PE-MF")));
}
