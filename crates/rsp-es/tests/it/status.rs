//! Subject and reason codes: text, not numbers.

use std::collections::HashSet;

use rsp_es::es9plus::{Response as _, ResponseError};
use rsp_es::status::{Reason, StatusCode, Subject, TABLE};

#[test]
fn three_ten_is_not_three_one() {
    let association = StatusCode::MATCHING_ID_INVALID_ASSOCIATION;
    assert_eq!(association.reason.as_str(), "3.10");
    assert_ne!(association.reason, Reason::parse("3.1").unwrap());
    assert_eq!(association.reason.name(), Some("invalid association"));
    assert_eq!(Reason::parse("3.1").unwrap().name(), Some("unsupported"));
    assert_eq!(StatusCode::DOWNLOAD_ORDER_EXPIRED.reason.as_str(), "4.10");
}

#[test]
fn every_pair_stands_once_and_has_names_and_a_remedy() {
    let mut seen = HashSet::new();
    for row in TABLE {
        let pair = format!("{}/{}", row.code.subject, row.code.reason);
        assert!(seen.insert(pair.clone()), "{pair} stands twice");
        assert!(row.code.subject.name().is_some(), "{pair}: subject without a name");
        assert!(row.code.reason.name().is_some(), "{pair}: reason without a name");
        assert_eq!(Subject::parse(row.code.subject.as_str()).as_ref(), Ok(&row.code.subject));
        assert!(row.explanation.meaning.ends_with('.') && row.explanation.remedy.ends_with('.'), "{pair}");
    }
    for pair in [
        "8.1/4.8",
        "8.1/6.1",
        "8.1.1/2.2",
        "8.1.1/3.8",
        "8.1.1/3.10",
        "8.1.2/6.1",
        "8.1.2/6.3",
        "8.1.3/6.1",
        "8.1.3/6.3",
        "8.2/1.2",
        "8.2/3.7",
        "8.2.1/1.2",
        "8.2.1/2.2",
        "8.2.1/3.3",
        "8.2.1/3.5",
        "8.2.1/3.9",
        "8.2.1/3.10",
        "8.2.5/1.2",
        "8.2.5/3.7",
        "8.2.5/3.8",
        "8.2.5/3.9",
        "8.2.5/4.3",
        "8.2.6/2.1",
        "8.2.6/3.3",
        "8.2.6/3.8",
        "8.2.6/3.10",
        "8.2.7/2.2",
        "8.2.7/3.8",
        "8.2.7/6.4",
        "8.8/3.10",
        "8.8.1/3.8",
        "8.8.2/3.1",
        "8.8.3/3.1",
        "8.8.4/3.7",
        "8.8.5/4.10",
        "8.8.5/6.4",
        "8.9/4.2",
        "8.9/5.1",
        "8.9.1/3.8",
        "8.9.2/3.1",
        "8.9.3/3.1",
        "8.9.4/3.7",
        "8.9.5/3.3",
        "8.9.5/3.9",
        "8.10.1/3.9",
        "8.11.1/3.9",
        "8.8.5/3.8",
        "8.2.8/1.2",
        "8.2.9/3.11",
        "8.2.10/4.2",
        "8/4.2",
        "1.1/1.2",
        "1.1/3.9",
        "8.2.6/2.2",
        "8.2.7/2.1",
    ] {
        assert!(seen.contains(pair), "{pair} is missing");
    }
}

/// The codes that ES9+ answers with, once more as numbers: tests of the server compare names.
#[test]
fn the_codes_of_es9_have_these_numbers() {
    for (code, pair) in [
        (StatusCode::CONTENT_TYPE_INVALID, "1.2.1/2.1"),
        (StatusCode::ADMIN_PROTOCOL_INVALID, "1.2.2/2.1"),
        (StatusCode::FORMAT_INVALID, "1.3.1/2.1"),
        (StatusCode::FORMAT_ELEMENT_MISSING, "1.3.1/2.2"),
        (StatusCode::EUICC_INSUFFICIENT_MEMORY, "8.1/4.8"),
        (StatusCode::EUICC_VERIFICATION_FAILED, "8.1/6.1"),
        (StatusCode::EID_REFUSED, "8.1.1/3.8"),
        (StatusCode::EUM_CERTIFICATE_VERIFICATION_FAILED, "8.1.2/6.1"),
        (StatusCode::EUM_CERTIFICATE_EXPIRED, "8.1.2/6.3"),
        (StatusCode::EUICC_CERTIFICATE_VERIFICATION_FAILED, "8.1.3/6.1"),
        (StatusCode::EUICC_CERTIFICATE_EXPIRED, "8.1.3/6.3"),
        (StatusCode::PROFILE_NOT_RELEASED, "8.2/1.2"),
        (StatusCode::PROFILE_UNAVAILABLE, "8.2/3.7"),
        (StatusCode::PROFILE_TYPE_NOT_ELIGIBLE, "8.2.5/4.3"),
        (StatusCode::MATCHING_ID_REFUSED, "8.2.6/3.8"),
        (StatusCode::CONFIRMATION_CODE_MISSING, "8.2.7/2.2"),
        (StatusCode::CONFIRMATION_CODE_REFUSED, "8.2.7/3.8"),
        (StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED, "8.2.7/6.4"),
        (StatusCode::SMDP_INVALID_ASSOCIATION, "8.8/3.10"),
        (StatusCode::SMDP_ADDRESS_REFUSED, "8.8.1/3.8"),
        (StatusCode::SMDP_SECURITY_UNSUPPORTED, "8.8.2/3.1"),
        (StatusCode::SMDP_SVN_UNSUPPORTED, "8.8.3/3.1"),
        (StatusCode::SMDP_CERTIFICATE_UNAVAILABLE, "8.8.4/3.7"),
        (StatusCode::DOWNLOAD_ORDER_EXPIRED, "8.8.5/4.10"),
        (StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED, "8.8.5/6.4"),
        (StatusCode::TRANSACTION_ID_UNKNOWN, "8.10.1/3.9"),
        (StatusCode::CI_PUBLIC_KEY_UNKNOWN, "8.11.1/3.9"),
    ] {
        assert_eq!(format!("{}/{}", code.subject, code.reason), pair);
    }
}

/// The codes that ES2+, ES12 and ES15 answer with besides those of ES9+.
#[test]
fn the_codes_of_es2_and_es12_have_these_numbers() {
    for (code, pair) in [
        (StatusCode::FUNCTION_REQUESTER_NOT_ALLOWED, "1.1/1.2"),
        (StatusCode::FUNCTION_REQUESTER_UNKNOWN, "1.1/3.9"),
        (StatusCode::EID_MISSING, "8.1.1/2.2"),
        (StatusCode::EID_INVALID_ASSOCIATION, "8.1.1/3.10"),
        (StatusCode::ICCID_NOT_ALLOWED, "8.2.1/1.2"),
        (StatusCode::ICCID_MISSING, "8.2.1/2.2"),
        (StatusCode::ICCID_ALREADY_IN_USE, "8.2.1/3.3"),
        (StatusCode::ICCID_INVALID_TRANSITION, "8.2.1/3.5"),
        (StatusCode::ICCID_UNKNOWN, "8.2.1/3.9"),
        (StatusCode::ICCID_INVALID_ASSOCIATION, "8.2.1/3.10"),
        (StatusCode::PROFILE_TYPE_NOT_ALLOWED, "8.2.5/1.2"),
        (StatusCode::PROFILE_TYPE_UNAVAILABLE, "8.2.5/3.7"),
        (StatusCode::PROFILE_TYPE_REFUSED, "8.2.5/3.8"),
        (StatusCode::PROFILE_TYPE_UNKNOWN, "8.2.5/3.9"),
        (StatusCode::MATCHING_ID_INVALID, "8.2.6/2.1"),
        (StatusCode::MATCHING_ID_MISSING, "8.2.6/2.2"),
        (StatusCode::MATCHING_ID_ALREADY_IN_USE, "8.2.6/3.3"),
        (StatusCode::MATCHING_ID_INVALID_ASSOCIATION, "8.2.6/3.10"),
        (StatusCode::CONFIRMATION_CODE_INVALID, "8.2.7/2.1"),
        (StatusCode::PPR_NOT_ALLOWED, "8.2.8/1.2"),
        (StatusCode::METADATA_VALUE_CHANGED, "8.2.9/3.11"),
        (StatusCode::BPP_EXECUTION_ERROR, "8.2.10/4.2"),
        (StatusCode::DOWNLOAD_ORDER_REFUSED, "8.8.5/3.8"),
        (StatusCode::SMDS_EXECUTION_ERROR, "8.9/4.2"),
        (StatusCode::SMDS_INACCESSIBLE, "8.9/5.1"),
        (StatusCode::EVENT_RECORD_ALREADY_IN_USE, "8.9.5/3.3"),
        (StatusCode::EVENT_RECORD_UNKNOWN, "8.9.5/3.9"),
    ] {
        assert_eq!(format!("{}/{}", code.subject, code.reason), pair);
    }
}

/// Pairs that no server of this workspace sends: from others they are understood all the same.
#[test]
fn every_pair_that_only_others_send_is_explained() {
    for code in [
        StatusCode::FUNCTION_REQUESTER_NOT_ALLOWED,
        StatusCode::FUNCTION_PROVIDER_INVALID,
        StatusCode::PROTOCOL_VERSION_UNSUPPORTED,
        StatusCode::FUNCTION_UNKNOWN,
        StatusCode::EID_RANGE_INVALID,
        StatusCode::MATCHING_ID_MISSING,
        StatusCode::SMDP_EXECUTION_ERROR,
    ] {
        let answer = rsp_es::es9plus::failure(&code);
        let Err(ResponseError::Status(read)) = <()>::from_json(answer.as_bytes()) else { panic!("{answer}") };
        assert!(read.is(&code) && read.explanation().is_some(), "{read}");
        assert!(read.to_string().starts_with(&format!("{}/{} (", code.subject, code.reason)), "{read}");
    }
}

#[test]
fn codes_that_are_no_codes_are_refused() {
    for text in ["", ".", "8.", ".8", "8..1", "8.1a", "-8", "8,1", "８", "8.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"] {
        assert!(Subject::parse(text).is_err(), "{text}");
    }
    assert_eq!(Subject::parse("99.7").unwrap().name(), None);
}

#[test]
fn a_code_is_shown_with_names_instance_and_message() {
    let code = StatusCode::EID_REFUSED.with_subject_identifier("8904").with_message("no order for this EID");
    assert_eq!(code.to_string(), "8.1.1/3.8 (EID: refused) [8904]: no order for this EID");
    assert!(code.is(&StatusCode::EID_REFUSED));
    assert!(code.explanation().unwrap().remedy.contains("device"));
}

#[test]
fn the_words_of_a_server_are_escaped_and_cut() {
    let status = StatusCode::MATCHING_ID_REFUSED
        .with_subject_identifier("a\u{1B}]0;title\u{7}")
        .with_message("no\nopenrsp: installed\r\u{9B}2J\u{202E}x\u{200B}y\u{2028}z\u{FEFF} é \\");
    assert_eq!(
        status.to_string(),
        r"8.2.6/3.8 (MatchingID: refused) [a\u{1b}]0;title\u{7}]: no\u{a}openrsp: installed\u{d}\u{9b}2J\u{202e}x\u{200b}y\u{2028}z\u{feff} é \"
    );
    let status =
        StatusCode::MATCHING_ID_REFUSED.with_subject_identifier("é".repeat(100_000)).with_message("é".repeat(100_000));
    let expected = format!("8.2.6/3.8 (MatchingID: refused) [{}…]: {}…", "é".repeat(64), "é".repeat(200));
    assert_eq!(status.to_string(), expected);
}
