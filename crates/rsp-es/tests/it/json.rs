//! The JSON binding of ES9+: member names, codings, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, GetBoundProfilePackageRequest,
    GetBoundProfilePackageResponse, HandleNotificationRequest, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse, JsonError, Request, Response, ResponseError, failure,
};
use rsp_es::status::StatusCode;
use serde_json::{Value, json};

use crate::fixtures::session;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn bytes_of(message: &Value, member: &str) -> Vec<u8> {
    STANDARD.decode(message[member].as_str().unwrap()).unwrap()
}

#[test]
fn requests_have_the_standards_members_and_come_back_equal() {
    let Some(session) = session() else { return };
    let initiate = parsed(&session.initiate.0.to_json());
    assert_eq!(initiate["smdpAddress"], "smdp.example.com");
    assert_eq!(bytes_of(&initiate, "euiccChallenge").len(), 16);
    assert_eq!(bytes_of(&initiate, "euiccInfo1")[..2], [0xBF, 0x20]);
    assert_eq!(initiate.as_object().unwrap().len(), 3);
    let again = InitiateAuthenticationRequest::from_json(initiate.to_string().as_bytes());
    assert_eq!(again, Ok(session.initiate.0));

    let authenticate = parsed(&session.authenticate.0.to_json());
    assert_eq!(authenticate["transactionId"], "0102030405060708090A0B0C0D0E0F10");
    assert_eq!(bytes_of(&authenticate, "authenticateServerResponse")[..2], [0xBF, 0x38]);
    let again = AuthenticateClientRequest::from_json(authenticate.to_string().as_bytes());
    assert_eq!(again, Ok(session.authenticate.0));

    let package = parsed(&session.package.0.to_json());
    assert_eq!(bytes_of(&package, "prepareDownloadResponse")[..2], [0xBF, 0x21]);
    assert_eq!(GetBoundProfilePackageRequest::from_json(package.to_string().as_bytes()), Ok(session.package.0));

    let notification = parsed(&session.notification.to_json());
    assert_eq!(bytes_of(&notification, "pendingNotification")[..2], [0xBF, 0x37]);
    assert_eq!(HandleNotificationRequest::from_json(notification.to_string().as_bytes()), Ok(session.notification));
}

#[test]
fn responses_have_a_header_and_whole_objects_and_come_back_equal() {
    let Some(session) = session() else { return };
    let initiate = parsed(&session.initiate.1.to_json());
    assert_eq!(initiate["header"]["functionExecutionStatus"]["status"], "Executed-Success");
    assert_eq!(bytes_of(&initiate, "serverSignature1")[..3], [0x5F, 0x37, 0x40]);
    assert_eq!(bytes_of(&initiate, "euiccCiPKIdToBeUsed")[..2], [0x04, 0x14]);
    assert_eq!(bytes_of(&initiate, "serverSigned1")[0], 0x30);
    let again = InitiateAuthenticationResponse::from_json(initiate.to_string().as_bytes());
    assert_eq!(again, Ok(session.initiate.1));

    let authenticate = parsed(&session.authenticate.1.to_json());
    assert_eq!(bytes_of(&authenticate, "profileMetadata")[..2], [0xBF, 0x25]);
    assert_eq!(bytes_of(&authenticate, "smdpSignature2")[..3], [0x5F, 0x37, 0x40]);
    let again = AuthenticateClientResponse::from_json(authenticate.to_string().as_bytes());
    assert_eq!(again, Ok(session.authenticate.1));

    let package = parsed(&session.package.1.to_json());
    assert_eq!(bytes_of(&package, "boundProfilePackage")[..2], [0xBF, 0x36]);
    assert_eq!(GetBoundProfilePackageResponse::from_json(package.to_string().as_bytes()), Ok(session.package.1));
}

#[test]
fn accepts_the_other_spelling_a_header_unknown_members_and_lower_case() {
    let Some(session) = session() else { return };
    let mut initiate = parsed(&session.initiate.1.to_json());
    let members = initiate.as_object_mut().unwrap();
    let key_identifier = members.remove("euiccCiPKIdToBeUsed").unwrap();
    members.insert("euiccCiPKIdTobeUsed".to_owned(), key_identifier);
    members.insert("crlStaplingV3".to_owned(), json!({"a": [1, 2.5, null, true, {"b": "c"}]}));
    let again = InitiateAuthenticationResponse::from_json(initiate.to_string().as_bytes());
    assert_eq!(again, Ok(session.initiate.1));

    let mut package = parsed(&session.package.0.to_json());
    package["header"] = json!({"functionRequesterIdentifier": "1.2.3", "functionCallIdentifier": "TX-1"});
    package["transactionId"] = json!("0102030405060708090a0b0c0d0e0f10");
    package["future"] = json!(7);
    assert_eq!(GetBoundProfilePackageRequest::from_json(package.to_string().as_bytes()), Ok(session.package.0));
}

#[test]
fn an_escaped_slash_and_missing_padding_are_read() {
    let Some(session) = session() else { return };
    let text = session.authenticate.0.to_json();
    let escaped = text.replace('/', "\\/").replace("=\"", "\"").replace("=\"", "\"");
    assert_ne!(escaped, text);
    assert_eq!(AuthenticateClientRequest::from_json(escaped.as_bytes()), Ok(session.authenticate.0));
}

#[test]
fn names_the_member_that_is_wrong() {
    let refusal = |body: &str| InitiateAuthenticationRequest::from_json(body.as_bytes()).unwrap_err();
    let info = "vyAJggMCAACpAKoA";
    let whole = |challenge: &str, info: &str, address: &str| {
        format!(r#"{{"euiccChallenge":{challenge},"euiccInfo1":{info},"smdpAddress":{address}}}"#)
    };
    let (challenge, info, address) = ("\"AAECAwQFBgcICQoLDA0ODw==\"", &format!("\"{info}\""), "\"a.example\"");
    assert!(InitiateAuthenticationRequest::from_json(whole(challenge, info, address).as_bytes()).is_ok());
    assert_eq!(refusal("{}"), JsonError::Missing("euiccChallenge"));
    assert_eq!(refusal(&whole("7", info, address)), JsonError::NotAString("euiccChallenge"));
    assert_eq!(refusal(&whole(challenge, "null", address)), JsonError::NotAString("euiccInfo1"));
    assert_eq!(refusal(&whole("\"AA*A\"", info, address)).member(), Some("euiccChallenge"));
    assert_eq!(refusal(&whole("\"AAEC\"", info, address)).member(), Some("euiccChallenge"));
    assert!(matches!(refusal(&whole(challenge, "\"AAEC\"", address)), JsonError::NotDer { member: "euiccInfo1", .. }));
    let twice = whole(challenge, info, address).replacen('{', "{\"smdpAddress\":\"b.example\",", 1);
    assert_eq!(refusal(&twice), JsonError::Duplicate("smdpAddress"));
    for body in ["", "[]", "7", "\"a\"", "{", "{}x", "{\"a\":1,}", "null"] {
        assert!(matches!(refusal(body), JsonError::NotAnObject(_)), "{body}");
    }

    let cancel = |body: &str| CancelSessionRequest::from_json(body.as_bytes()).unwrap_err();
    for transaction in ["", "0", "0G", "00000000000000000000000000000000FF", "ÿÿ"] {
        let body = json!({"transactionId": transaction, "cancelSessionResponse": "AA=="}).to_string();
        assert_eq!(cancel(&body), JsonError::NotATransactionId("transactionId"), "{transaction}");
    }
}

#[test]
fn a_failure_comes_back_as_its_code() {
    let code = StatusCode::MATCHING_ID_INVALID_ASSOCIATION
        .with_subject_identifier("ABC\"\\")
        .with_message("tab\there, line\nthere, \u{1}");
    let text = failure(&code);
    let status = &parsed(&text)["header"]["functionExecutionStatus"];
    assert_eq!(status["status"], "Failed");
    assert_eq!(status["statusCodeData"]["reasonCode"], "3.10");
    assert_eq!(<()>::from_json(text.as_bytes()), Err(ResponseError::Status(code)));
    assert_eq!(<()>::from_json(().to_json().as_bytes()), Ok(()));
}

#[test]
fn responses_without_a_usable_header_are_malformed() {
    for body in [
        "{}",
        r#"{"header":{}}"#,
        r#"{"header":7}"#,
        r#"{"header":{"functionExecutionStatus":{"status":"Perhaps"}}}"#,
        r#"{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":{"subjectCode":"x","reasonCode":"1"}}}}"#,
    ] {
        assert!(matches!(<()>::from_json(body.as_bytes()), Err(ResponseError::Malformed(_))), "{body}");
    }
    let silent = r#"{"header":{"functionExecutionStatus":{"status":"Failed"}}}"#;
    assert!(matches!(<()>::from_json(silent.as_bytes()), Err(ResponseError::Status(_))));
}

/// Nesting without end and numbers without end must not exhaust anything.
#[test]
fn deep_and_long_bodies_are_refused_in_time() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let deep_objects = "{\"a\":".repeat(10_000);
    let long_number = format!("{{\"a\":{}}}", "9".repeat(60_000));
    for body in [deep, deep_objects, long_number] {
        assert!(InitiateAuthenticationRequest::from_json(body.as_bytes()).is_err());
    }
}

proptest! {
    #[test]
    fn survives_any_body(body: Vec<u8>) {
        let _ = InitiateAuthenticationRequest::from_json(&body);
        let _ = AuthenticateClientResponse::from_json(&body);
    }

    #[test]
    fn a_changed_byte_is_refused_or_changes_the_message(position: prop::sample::Index, byte: u8) {
        if let Some(session) = session() {
            let text = session.authenticate.0.to_json().into_bytes();
            let mut changed = text.clone();
            let position = position.index(text.len());
            changed[position] = byte;
            if changed[position] != text[position]
                && let Ok(read) = AuthenticateClientRequest::from_json(&changed)
            {
                // The case of a hexadecimal digit is the only thing that means the same.
                prop_assert!(read != session.authenticate.0 || byte.eq_ignore_ascii_case(&text[position]));
            }
        }
    }
}
