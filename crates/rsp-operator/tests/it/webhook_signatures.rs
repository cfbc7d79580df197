//! Webhooks: messages that somebody else made, and those that come again.

use std::collections::HashSet;

use axum::http::{HeaderMap, HeaderValue};
use rsp_asn1::Timestamp;
use rsp_operator::webhooks::{SIGNATURE_HEADER, TOLERANCE, VerifyError, sign, verify};

use crate::support::NOW;

const ID: &str = "evt_0123456789abcdef0123456789abcdef";

pub(crate) fn header(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(value).unwrap());
    headers
}

#[test]
fn the_signature_is_that_of_another_implementation() {
    // Computed with Python's hmac and hashlib.
    let value = sign(&["whsec_abc"], "evt_1", Timestamp(1_790_000_000), br#"{"id":"evt_1"}"#);
    assert_eq!(value, "t=1790000000,id=evt_1,v1=9fb019fe05cc0bcb5fd293c993b7fd0acc70f13c14a167c9fdac35fb7f492bd1");
}

#[test]
fn atk_webhook_forge() {
    let (secrets, body) = (["whsec_new", "whsec_old"], br#"{"id":"x","type":"esim.state"}"#);
    let check = |headers: &HeaderMap, body: &[u8], secrets: &[&str]| {
        verify(headers, body, secrets, NOW, TOLERANCE, &mut HashSet::new())
    };
    let value = sign(&secrets, ID, NOW, body);
    assert_eq!(check(&header(&value), body, &secrets).as_deref(), Ok(ID));
    // One of two is enough on either side.
    assert!(check(&header(&value), body, &["whsec_old"]).is_ok());
    assert!(check(&header(&sign(&["whsec_old"], ID, NOW, body)), body, &secrets).is_ok());
    // No octet of what is signed may be another.
    for place in 0..body.len() {
        let mut other = body.to_vec();
        other[place] ^= 1;
        assert_eq!(check(&header(&value), &other, &secrets), Err(VerifyError::Forged));
    }
    assert_eq!(check(&header(&value), b"", &secrets), Err(VerifyError::Forged));
    let later = value.replace(&format!("t={}", NOW.0), &format!("t={}", NOW.0 + 1));
    assert_eq!(check(&header(&later), body, &secrets), Err(VerifyError::Forged));
    assert_eq!(check(&header(&value.replace("evt_0", "evt_1")), body, &secrets), Err(VerifyError::Forged));
    // What ends the id and what begins the time are not to be moved.
    let moved = sign(&["whsec_new"], "evt_1", Timestamp(NOW.0), b".x");
    assert_eq!(check(&header(&moved), format!("{}.x", NOW.0).as_bytes(), &secrets), Err(VerifyError::Forged));
    for secrets in [&["whsec_other"][..], &[""], &[]] {
        assert_eq!(check(&header(&value), body, secrets), Err(VerifyError::Forged));
    }
    assert_eq!(check(&HeaderMap::new(), body, &secrets), Err(VerifyError::Missing));
    let mut twice = header(&value);
    twice.append(SIGNATURE_HEADER, HeaderValue::from_static("t=1,id=a,v1=00"));
    assert_eq!(check(&twice, body, &secrets), Err(VerifyError::Missing));
    let zeros = "0".repeat(64);
    for malformed in [
        String::new(),
        "v1".to_owned(),
        format!("t={}", NOW.0),
        format!("t={},id={ID}", NOW.0),
        format!("t={},id={ID},v1=", NOW.0),
        format!("t={},id={ID},v1={}", NOW.0, &zeros[1..]),
        format!("t={},id={ID},v1={zeros}x", NOW.0),
        format!("t=0{},id={ID},v1={zeros}", NOW.0),
        format!("t=+{},id={ID},v1={zeros}", NOW.0),
        format!("t=99999999999999999999,id={ID},v1={zeros}"),
        format!("t={},t={},id={ID},v1={zeros}", NOW.0, NOW.0),
        format!("t={},id={ID},id={ID},v1={zeros}", NOW.0),
        format!("t={},id=,v1={zeros}", NOW.0),
        format!("t={},id=a.b,v1={zeros}", NOW.0),
        format!("t={},id={ID}{}", NOW.0, format!(",v1={zeros}").repeat(17)),
        "x".repeat(5000),
    ] {
        assert_eq!(check(&header(&malformed), body, &secrets), Err(VerifyError::Malformed), "{malformed}");
    }
    let unsigned = format!("t={},id={ID},v0={zeros}", NOW.0);
    assert_eq!(check(&header(&unsigned), body, &secrets), Err(VerifyError::Malformed));
    assert_eq!(check(&header(&format!("t={},id={ID},v1={zeros}", NOW.0)), body, &secrets), Err(VerifyError::Forged));
}

#[test]
fn atk_webhook_replay() {
    let (secrets, body, mut seen) = (["whsec_a"], b"{}", HashSet::new());
    let value = header(&sign(&secrets, ID, NOW, body));
    let mut at = |now: Timestamp| verify(&value, body, &secrets, now, TOLERANCE, &mut seen);
    // Forged ones are not remembered, nor are those of another time.
    for late in [NOW.0 + TOLERANCE + 1, NOW.0 - TOLERANCE - 1, i64::MAX, i64::MIN] {
        assert_eq!(at(Timestamp(late)), Err(VerifyError::Stale));
    }
    assert!(at(NOW.plus_seconds(TOLERANCE)).is_ok());
    assert_eq!(at(NOW), Err(VerifyError::Seen));
    // The same event, signed anew because the answer was lost, is the same event.
    let again = header(&sign(&secrets, ID, NOW.plus_seconds(9), body));
    assert_eq!(verify(&again, body, &secrets, NOW, TOLERANCE, &mut seen), Err(VerifyError::Seen));
    let forged = header(&sign(&["whsec_b"], "evt_new", NOW, body));
    assert_eq!(verify(&forged, body, &secrets, NOW, TOLERANCE, &mut seen), Err(VerifyError::Forged));
    assert!(verify(&header(&sign(&secrets, "evt_new", NOW, body)), body, &secrets, NOW, TOLERANCE, &mut seen).is_ok());
}
