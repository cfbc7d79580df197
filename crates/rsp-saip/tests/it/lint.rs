//! Which packages leave a door open.

use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::lint::{Reason, findings, is_published_key};
use rsp_saip::{Element, ProfileElement, ProfilePackage, Secret};

use crate::known_answers::ts48;

fn package(name: &str) -> ProfilePackage {
    ProfilePackage::from_der(&rsp_testkit::standards(name).expect("listed")).expect("a package")
}

/// The package with its elements changed.
fn changed(package: &ProfilePackage, change: &mut dyn FnMut(&mut Element)) -> ProfilePackage {
    let elements = package.elements().iter().map(|element| {
        let mut element = element.element().clone();
        change(&mut element);
        ProfileElement::new(element).expect("it encodes")
    });
    ProfilePackage::new(elements.collect())
}

/// Another key in place of each of a security domain.
fn with_own_keys(package: &ProfilePackage) -> ProfilePackage {
    changed(package, &mut |element| {
        if let Element::SecurityDomain(domain) = element {
            for component in domain.key_list.iter_mut().flatten().flat_map(|key| &mut key.components) {
                component.key_data = Secret::from(&b"a key of its own"[..]);
            }
        }
    })
}

#[test]
fn atk_tp_public_keys_are_found_in_every_ts48_package_with_remote_management() {
    let mut clean = Vec::new();
    for name in ts48() {
        let package = package(&name);
        match &findings(&package)[..] {
            [] => clean.push(name),
            [finding] => {
                let Reason::PublishedKeys { versions, tars, .. } = &finding.reason else { panic!("{name}: {finding}") };
                assert_eq!(versions, &[1, 2], "{name}");
                assert_eq!(tars.len(), 6, "{name}: the security domain's two and four for files");
                let text = finding.to_string();
                assert!(text.contains("A000000151000000 are published (version 01 02)"), "{text}");
                assert!(text.ends_with("(TAR B20100 000000 B00120 B00140 B00141 B00142)"), "{text}");
            }
            more => panic!("{name}: {} findings", more.len()),
        }
    }
    if !ts48().is_empty() {
        let expected = ["ts48/TS48_v7_SAIP2.3_BERTLV_SUCI_NoRAMRFM.der", "ts48/TS48_v7_SAIP2.3_NoBERTLV_NoRAMRFM.der"];
        clean.sort();
        assert_eq!(clean, expected);
    }
}

#[test]
fn the_same_packages_are_clean_with_keys_of_their_own() {
    for name in ts48() {
        assert_eq!(findings(&with_own_keys(&package(&name))), [], "{name}");
    }
}

#[test]
fn remote_management_that_asks_for_no_checksum_is_found() {
    let name = "ts48/TS48_v7_SAIP2.3_NoBERTLV.der";
    if !ts48().contains(&name.to_owned()) {
        return;
    }
    let open = changed(&with_own_keys(&package(name)), &mut |element| {
        if let Element::Rfm(rfm) = element {
            rfm.minimum_security_level = vec![0x05].into();
        }
    });
    let findings = findings(&open);
    assert_eq!(findings.len(), 4);
    let first = findings[0].to_string();
    assert!(first.contains("A00000055910100001 takes messages without a checksum"), "{first}");
    assert!(first.ends_with("(TAR B00120)"), "{first}");
}

#[test]
fn a_security_domain_that_asks_for_no_checksum_is_found() {
    let name = "ts48/TS48_v7_SAIP2.3_NoBERTLV.der";
    if !ts48().contains(&name.to_owned()) {
        return;
    }
    // Ciphering and a redundancy check, for TAR B20100.
    let toolkit = [1, 0, 0, 0, 0, 2, 1, 0x15, 3, 0xB2, 0x01, 0x00, 0];
    let open = changed(&with_own_keys(&package(name)), &mut |element| {
        if let Element::SecurityDomain(domain) = element {
            let parameters = domain.instance.uicc_parameters.as_mut().expect("it is reached over the air");
            parameters.toolkit = Some(toolkit.to_vec().into());
        }
    });
    let findings = findings(&open);
    assert_eq!(findings.len(), 1);
    let text = findings[0].to_string();
    assert!(text.contains("A000000151000000 takes messages without a checksum"), "{text}");
    assert!(text.ends_with("(TAR B20100)"), "{text}");
}

#[test]
fn published_keys_behind_a_selection_are_found_without_any_tar() {
    let name = "ts48/TS48_v7_SAIP2.3_NoBERTLV_NoRAMRFM.der";
    if !ts48().contains(&name.to_owned()) {
        return;
    }
    let open = changed(&package(name), &mut |element| {
        if let Element::SecurityDomain(domain) = element {
            domain.key_list.iter_mut().flatten().for_each(|key| key.version_number = vec![0x30].into());
        }
    });
    assert!(findings(&open)[0].to_string().ends_with("are published (version 30)"));
}

#[test]
fn what_the_builder_makes_is_clean() {
    let code = |digits: &str| Secret::from(digits.as_bytes());
    let builder = ProfileBuilder {
        iccid: "89999012345678901236".into(),
        imsi: "999700123456785".into(),
        mnc_length: 2,
        spn: "OpenRSP".into(),
        profile_type: "test".into(),
        msisdn: None,
        gid1: None,
        gid2: None,
        key: Secret::from(&[0; 16][..]),
        opc: Secret::from(&[0; 16][..]),
        codes: Codes {
            pin1: code("0000"),
            puk1: code("11111111"),
            pin2: code("0000"),
            puk2: code("22222222"),
            adm1: code("55555555"),
        },
        isim: true,
        pad_to: 0,
    };
    assert_eq!(findings(&builder.build().expect("valid values")), []);
}

#[test]
fn keys_that_everybody_knows() {
    let hex = |text: &str| hex::decode(text).expect("hexadecimal");
    for known in [
        "404142434445464748494a4b4c4d4e4f",
        "404142434445464748494a4b4c4d4e4f4041424344454647",
        "404142434445464748494a4b4c4d4e4f5051525354555657",
        "000102030405060708090a0b0c0d0e0f",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "00000000000000000000000000000000",
        "ffffffffffffffffffffffffffffffff",
        "66778899aabbccdd1122334455eeff10",
        "112233445566778899aabbccddeeff10",
        "99aabbccddeeff101122334455667788",
    ] {
        assert!(is_published_key(&hex(known)), "{known}");
    }
    for own in [
        "404142434445464748494a4b4c4d4e4e",
        "010102030405060708090a0b0c0d0e0f",
        "303132333435363738393a3b3c3d3e3f",
        "000000000000000000000000000000ff",
        "66778899aabbccdd1122334455eeff11",
    ] {
        assert!(!is_published_key(&hex(own)), "{own}");
    }
}
