//! What the decoder refuses, and how it says so (atk_ber_ambiguity, atk_deep_asn1, atk_len_bomb).

use rsp_asn1::tlv::TlvError;
use rsp_asn1::{
    DecodeError, EuiccInfo1, ProfileInfoListResponse, ProfileInstallationResultData, ServerSigned1,
    StoreMetadataRequest, decode,
};

const INFO1: &str = "bf200982030206 00a900aa00";

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

#[track_caller]
fn structure_error(bytes: &[u8]) -> TlvError {
    match decode::<EuiccInfo1>(bytes) {
        Err(DecodeError::Structure { source, type_name: "EuiccInfo1" }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn accepts_the_value_that_the_other_tests_break() {
    assert_eq!(decode::<EuiccInfo1>(&hex(INFO1)).unwrap().svn.to_string(), "2.6.0");
}

#[test]
fn atk_ber_ambiguity_indefinite_length() {
    assert_eq!(structure_error(&hex("bf2080 8203020600 a900 aa00 0000")), TlvError::IndefiniteLength { offset: 0 });
}

#[test]
fn atk_ber_ambiguity_non_minimal_length() {
    assert_eq!(structure_error(&hex("bf208109 82030206 00a900aa00")), TlvError::NonMinimalLength { offset: 0 });
    assert_eq!(structure_error(&hex("bf200a 8281030206 00a900aa00")), TlvError::NonMinimalLength { offset: 3 });
}

#[test]
fn atk_ber_ambiguity_trailing_bytes() {
    let mut bytes = hex(INFO1);
    bytes.push(0);
    assert!(matches!(decode::<EuiccInfo1>(&bytes), Err(DecodeError::TrailingBytes { count: 1, .. })));
}

#[test]
fn atk_ber_ambiguity_tag_in_long_form_without_need() {
    assert_eq!(structure_error(&hex("bf0200")), TlvError::BadTag { offset: 0 });
    assert_eq!(structure_error(&hex("bf808000")), TlvError::BadTag { offset: 0 });
}

#[test]
fn atk_ber_ambiguity_element_twice() {
    assert!(matches!(decode::<EuiccInfo1>(&hex("bf2004 a900aa00")), Err(DecodeError::Content { .. })), "no svn");
    let twice = hex("bf200e 8203020600 8203020600 a900aa00");
    assert!(decode::<EuiccInfo1>(&twice).is_err(), "svn twice");
}

/// An explicit tag is constructed (X.690 8.14.3). In primitive form it would hide its content from the structure check.
#[test]
fn atk_ber_ambiguity_explicit_tag_in_primitive_form() {
    let list = [&hex("bf2d10 a00e e30c 5a0a")[..], &[0x98; 10]].concat();
    assert!(decode::<ProfileInfoListResponse>(&list).is_ok());
    let primitive = [&hex("9f2d10 a00e e30c 5a0a")[..], &[0x98; 10]].concat();
    assert_eq!(
        decode::<ProfileInfoListResponse>(&primitive),
        Err(DecodeError::PrimitiveForm { type_name: "ProfileInfoListResponse" })
    );
}

/// Below an explicit tag inside a message, where only the decoder goes, an element that is kept verbatim is checked by
/// itself: here the last one of an ErrorResult.
#[test]
fn atk_ber_ambiguity_verbatim_element_below_a_primitive_tag() {
    let result = |element: &str| {
        let final_result = format!("82 0d a10b 800100 810101 {element}");
        decode::<ProfileInstallationResultData>(&hex(&format!(
            "bf27 22 8001aa bf2f0a 800101 81020780 0c0161 06012a {final_result}"
        )))
    };
    result("3003 0c0161").unwrap();
    for element in ["3003 0c0561", "30 8102 0500", "3080 0000 00"] {
        let error = result(element).unwrap_err();
        assert!(matches!(error, DecodeError::Content { .. }), "{element}: {error}");
    }
}

#[test]
fn atk_deep_asn1() {
    let mut bytes = vec![0x30, 0x00];
    for _ in 0..10_000 {
        let mut outer = Vec::with_capacity(bytes.len() + 5);
        rsp_asn1::tlv::write(&mut outer, &[0x30], &bytes);
        bytes = outer;
    }
    assert!(matches!(
        decode::<ServerSigned1>(&bytes),
        Err(DecodeError::Structure { source: TlvError::TooDeep { limit: 16, .. }, .. })
    ));
}

#[test]
fn atk_len_bomb() {
    assert_eq!(structure_error(&hex("bf2084ffffffff")), TlvError::Truncated { offset: 0, needed: 0xFFFF_FFFF });
    assert_eq!(structure_error(&hex("bf20850100000000")), TlvError::LengthTooLarge { offset: 0 });
    assert_eq!(structure_error(&hex("bf20")), TlvError::Truncated { offset: 0, needed: 1 });
    assert_eq!(structure_error(&[]), TlvError::Truncated { offset: 0, needed: 2 });
}

#[test]
fn sizes_of_the_standard_hold() {
    // serviceProviderName of 33 characters.
    let name = "61".repeat(33);
    let body = format!("5a0a98001032547698103214 9121{name} 920141");
    let bytes = hex(&format!("bf25{:02x}{body}", hex(&body).len()));
    assert!(matches!(decode::<StoreMetadataRequest>(&bytes), Err(DecodeError::Content { .. })));
    // An ICCID of nine bytes.
    assert!(decode::<StoreMetadataRequest>(&hex("bf2511 5a09980010325476981032 910141 920141")).is_err());
}
