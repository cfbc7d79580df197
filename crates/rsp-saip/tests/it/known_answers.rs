//! Packages that others made: the TS.48 generic test profiles and two captured ones.

use rsp_saip::status::{EuiccResponse, PeStatusCode};
use rsp_saip::{Element, ElementKind, Error, ProfilePackage, Text};

/// Names of all published TS.48 packages.
pub(crate) fn ts48() -> Vec<String> {
    let Some(dir) = rsp_testkit::standards_dir() else {
        rsp_testkit::standards("ts48");
        return Vec::new();
    };
    let mut names: Vec<String> = std::fs::read_dir(dir.join("ts48"))
        .expect("the directory of TS.48 packages")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a UTF-8 name"))
        .filter(|name| name.ends_with(".der"))
        .map(|name| format!("ts48/{name}"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 26, "all versions of the generic test profile are there");
    names
}

#[test]
fn every_ts48_element_encodes_again_to_the_bytes_received() {
    for name in ts48() {
        let bytes = rsp_testkit::standards(&name).expect("listed above");
        let package = ProfilePackage::from_der(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (index, element) in package.elements().iter().enumerate() {
            let encoded = element.element().to_der().unwrap_or_else(|error| panic!("{name}: {error}"));
            let place = format!("{name}: element {} ({})", index + 1, element.kind());
            assert!(encoded[..] == *element.bytes(), "{place} is encoded differently");
            assert!(!matches!(element.element(), Element::Other { .. }), "{place} has no type");
        }
        assert!(*package.to_der() == bytes, "{name}");
        let summary = package.summary();
        assert_eq!(summary.iccid.as_deref(), Some("89000123456789012341"), "{name}");
        if name.contains("_v7_") {
            assert_eq!(summary.spn.as_deref(), Some("GSMA_TEST"), "{name}");
        }
        assert_eq!(summary.algorithm, Some("usim-test-algorithm"), "{name}");
    }
}

#[test]
fn the_package_of_a_captured_download_encodes_again() {
    let Some(bytes) = rsp_testkit::standards("vectors/bpp-osmo-smdpp.upp.der") else { return };
    let package = ProfilePackage::from_der(&bytes).expect("a package");
    assert_eq!(package.elements().first().map(|element| element.kind()), Some(ElementKind::Header));
    assert_eq!(package.elements().last().map(|element| element.kind()), Some(ElementKind::End));
    for element in package.elements() {
        assert!(element.element().to_der().expect("it encodes")[..] == *element.bytes(), "{}", element.kind());
    }
}

#[test]
fn text_is_not_a_package() {
    let error = ProfilePackage::from_der(b"not a profile").err().expect("text is refused");
    let Error::Malformed(malformed) = &error else { panic!("{error}") };
    assert_eq!((malformed.number, malformed.offset), (1, 0));
}

#[test]
fn an_error_names_element_type_and_offset() {
    let Some(mut bytes) = rsp_testkit::standards("ts48/TS48_v7_SAIP2.3_BERTLV_SUCI.der") else { return };
    // The length of EF_ICCID's content, 10 bytes in the second element, becomes one too long.
    let at = bytes.windows(4).position(|window| window == [0x83, 0x0A, 0x98, 0x00]).expect("EF_ICCID") + 1;
    bytes[at] = 0x0B;
    let error = ProfilePackage::from_der(&bytes).err().expect("a length that does not fit is refused");
    let Error::Malformed(malformed) = error else { panic!("{error}") };
    assert_eq!((malformed.number, malformed.kind), (2, Some(ElementKind::Mf)));
    assert_eq!(malformed.offset, at, "{malformed}");
}

#[test]
fn every_truncation_is_refused() {
    let Some(bytes) = rsp_testkit::standards("ts48/TS48_v1_A.der") else { return };
    let package = ProfilePackage::from_der(&bytes).expect("a package");
    let ends: Vec<usize> = package
        .elements()
        .iter()
        .scan(0, |end, element| {
            *end += element.bytes().len();
            Some(*end)
        })
        .collect();
    for length in (0..200).chain((200..bytes.len()).step_by(37)) {
        if !ends.contains(&length) {
            assert!(ProfilePackage::from_der(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn success_is_the_response_that_real_cards_send() {
    let success = EuiccResponse::success().to_der().expect("it encodes");
    assert_eq!(hex::encode_upper(&success), "3007A0053003800100");
    let response = EuiccResponse::from_der(&success).expect("a response");
    assert_eq!(response.pe_status[0].status, PeStatusCode::OK);
}

#[test]
fn a_status_message_is_counted_in_characters() {
    for c in ["a", "ä", "電", "😀"] {
        let response = EuiccResponse::aborted(Vec::new(), &c.repeat(70)).to_der().expect("it encodes");
        let message = EuiccResponse::from_der(&response).expect("a response").status_message;
        assert_eq!(message, Some(Text(c.repeat(64))));
        for count in [1, 65] {
            let bytes = rasn::der::encode(&Text::<0, 100>(c.repeat(count))).expect("within its own bounds");
            let error = rasn::der::decode::<Text<2, 64>>(&bytes).expect_err("out of bounds").to_string();
            assert!(error.contains(&format!("has {count} characters, 2 to 64 are allowed")), "{error}");
        }
    }
}

#[test]
fn unknown_elements_and_unknown_fields_are_kept() {
    // An end element with a field of a later version, then an element with a tag of a later version.
    let bytes = hex::decode("AA0AA0058000810105850107BF3F0CA005800081010684035A5A5A").expect("hex");
    let package = ProfilePackage::from_der(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(package.elements()[1].kind(), ElementKind::Other(63));
    let header = package.elements()[1].element().pe_header().expect("it begins like all elements");
    assert_eq!((header.mandated, header.identification), (Some(()), 6));
    for element in package.elements() {
        assert!(element.element().to_der().expect("it encodes")[..] == *element.bytes());
    }
}
