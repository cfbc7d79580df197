//! The package that the builder makes.

use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::{Element, ElementKind, Error, ProfilePackage, Secret};

pub(crate) fn builder() -> ProfileBuilder {
    let code = |digits: &str| Secret::from(digits.as_bytes());
    ProfileBuilder {
        iccid: "89999012345678901236".to_owned(),
        imsi: "999700123456785".to_owned(),
        mnc_length: 2,
        spn: "OpenRSP".to_owned(),
        profile_type: "OpenRSP demonstration".to_owned(),
        msisdn: Some("+9997000000001".to_owned()),
        gid1: Some(vec![0x01]),
        gid2: None,
        key: Secret::from(&[0x4B; 16][..]),
        opc: Secret::from(&[0x4F; 16][..]),
        codes: Codes {
            pin1: code("1234"),
            puk1: code("12345678"),
            pin2: code("5678"),
            puk2: code("87654321"),
            adm1: code("11223344"),
        },
        isim: true,
        pad_to: 0,
    }
}

#[test]
fn what_is_built_reads_back() {
    let built = builder().build().expect("valid values");
    let bytes = built.to_der();
    let read = ProfilePackage::from_der(&bytes).expect("a package");
    assert!(read == built);
    let summary = read.summary();
    assert_eq!(summary.iccid.as_deref(), Some("89999012345678901236"));
    assert_eq!(summary.header_iccid, summary.iccid);
    assert_eq!(summary.imsi.as_deref(), Some("999700123456785"));
    assert_eq!((summary.mnc_length, summary.algorithm), (Some(2), Some("milenage")));
    assert_eq!(summary.spn.as_deref(), Some("OpenRSP"));
    assert_eq!(summary.elements.first(), Some(&ElementKind::Header));
    assert_eq!(summary.elements.last(), Some(&ElementKind::End));
    let mut identifications: Vec<u16> = read
        .elements()
        .iter()
        .filter_map(|element| element.element().pe_header())
        .map(|header| header.identification)
        .collect();
    let count = identifications.len();
    identifications.dedup();
    assert_eq!(identifications.len(), count, "identifications are unique");
}

#[test]
fn the_profile_type_is_counted_in_characters() {
    for c in ["a", "ä", "電", "😀"] {
        let of = |count| ProfileBuilder { profile_type: c.repeat(count), ..builder() }.build();
        let package = ProfilePackage::from_der(&of(100).expect("100 characters").to_der()).expect("a package");
        assert_eq!(package.summary().profile_type, Some(c.repeat(100)));
        assert!(of(101).is_err());
    }
}

#[test]
fn padding_reaches_the_size_asked_for() {
    for pad_to in [4_000, 12_000, 20_000, 200_000, 1_000_000] {
        let package = ProfileBuilder { pad_to, ..builder() }.build().expect("valid values");
        let size = package.summary().size;
        // Each further file has a descriptor of its own.
        assert!((pad_to..pad_to + 250 + pad_to / 500).contains(&size), "{size} bytes for {pad_to}");
        assert!(
            package.elements().iter().any(|element| matches!(element.element(), Element::GenericFileManagement(_)))
        );
        ProfilePackage::from_der(&package.to_der()).expect("a package");
    }
}

#[test]
fn values_of_the_wrong_form_are_refused_by_name() {
    type Spoil = fn(&mut ProfileBuilder);
    let cases: [(&str, Spoil); 8] = [
        ("ICCID", |builder| builder.iccid = "12".to_owned()),
        ("IMSI", |builder| builder.imsi = "99970012345678x".to_owned()),
        ("SPN", |builder| builder.spn = String::new()),
        ("K", |builder| builder.key = Secret::from(&[0; 15][..])),
        ("OPc", |builder| builder.opc = Secret::from(&[][..])),
        ("PIN1", |builder| builder.codes.pin1 = Secret::from(&b"12a4"[..])),
        ("MNC length", |builder| builder.mnc_length = 4),
        ("telephone number", |builder| builder.msisdn = Some("+".to_owned())),
    ];
    for (expected, spoil) in cases {
        let mut builder = builder();
        spoil(&mut builder);
        match builder.build().err() {
            Some(Error::InvalidValue { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}
