//! docs/webhooks.md: what a partner's receiver does, in the lines that the document gives it.

use std::collections::HashSet;
use std::path::Path;

use axum::http::{HeaderMap, HeaderValue};
use rsp_asn1::Timestamp;
use rsp_crypto::Randomness as _;
use rsp_operator::webhooks::{Address, AddressRules, SIGNATURE_HEADER, TOLERANCE, VerifyError, sign, verify};
use serde_json::{Value, json};

use crate::programs;
use crate::support::{Counter, NOW};

/// Runs each case with what is remembered of those before it, and prints what came of it.
const CASES: &str = r#"
import json
import sys

seen = set()
for case in json.load(open(sys.argv[1])):
    try:
        outcome = verify(case["header"], case["body"].encode(), case["secrets"], seen, now=case["now"])
        print("Seen" if outcome is None else outcome)
    except ValueError as error:
        print({"malformed": "Malformed", "stale": "Stale", "forged": "Forged"}[str(error)])
"#;

/// The lines of the document between ```python and ```.
fn snippet() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, rest) = document.split_once("```python\n").unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

fn case(header: &str, body: &str, secrets: &[&str], now: Timestamp) -> Value {
    json!({ "header": header, "body": body, "secrets": secrets, "now": now.0 })
}

/// What our own function says to the same cases, in the same words.
fn ours(cases: &[Value]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut say = |case: &Value| {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(case["header"].as_str().unwrap()).unwrap());
        let secrets: Vec<&str> = case["secrets"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let (body, now) = (case["body"].as_str().unwrap().as_bytes(), Timestamp(case["now"].as_i64().unwrap()));
        match verify(&headers, body, &secrets, now, TOLERANCE, &mut seen) {
            Ok(id) => id,
            Err(VerifyError::Seen) => "Seen".to_owned(),
            Err(VerifyError::Stale) => "Stale".to_owned(),
            Err(VerifyError::Forged) => "Forged".to_owned(),
            Err(VerifyError::Malformed | VerifyError::Missing) => "Malformed".to_owned(),
        }
    };
    cases.iter().map(&mut say).collect()
}

#[test]
fn the_document_s_python_judges_as_we_do() {
    let (both, body) = (["whsec_old", "whsec_new"], r#"{"id":"evt_1","data":{"reference":"Grüße \u0000"}}"#);
    let signed = |id: &str, at: Timestamp| sign(&both, id, at, body.as_bytes());
    let first = signed("evt_1", NOW);
    let cases = [
        case(&first, &body.replace("Grüße", "Gruesse"), &both, NOW),
        case(&first, body, &["whsec_other"], NOW),
        case(&first, body, &[], NOW),
        case(&first, body, &both, NOW.plus_seconds(TOLERANCE + 1)),
        case(&first, body, &both, NOW.plus_seconds(-TOLERANCE - 1)),
        case(&first, body, &both, NOW.plus_seconds(TOLERANCE)),
        case(&first, body, &both, NOW),
        case(&signed("evt_1", NOW.plus_seconds(9)), body, &both, NOW),
        case(&signed("evt_2", NOW), body, &["whsec_new"], NOW),
        case(&signed("evt_3", NOW), body, &["whsec_old"], NOW),
        case(&first.replace("id=evt_1", "id=evt_4"), body, &both, NOW),
        case(&first.replace(&format!("t={}", NOW.0), &format!("t={}", NOW.0 + 1)), body, &both, NOW),
        case(&first.replace("v1=", "v0="), body, &both, NOW),
        case(&format!("{first},t={}", NOW.0), body, &both, NOW),
        case("", body, &both, NOW),
    ];
    let dir = tempfile::tempdir().unwrap();
    let (script, input) = (dir.path().join("receiver.py"), dir.path().join("cases.json"));
    std::fs::write(&script, snippet() + CASES).unwrap();
    std::fs::write(&input, serde_json::to_vec(&cases).unwrap()).unwrap();
    let expected = ours(&cases);
    assert_eq!(expected.iter().filter(|said| said.starts_with("evt_")).count(), 3);
    let Some(said) = programs::run("python3", &[script.to_str().unwrap()], &input) else { return };
    // Where our own function calls a header without signature malformed, nothing in it can be right for the other.
    let said: Vec<_> = said.lines().map(str::to_owned).collect();
    let same = |(ours, theirs): (&String, &String)| ours == theirs || (ours == "Malformed" && theirs == "Forged");
    assert!(said.len() == expected.len() && expected.iter().zip(&said).all(same), "{expected:?} {said:?}");
}

#[test]
fn no_header_and_no_url_makes_anything_panic() {
    const PARTS: [&str; 24] = [
        "t=",
        "id=",
        "v1=",
        ",",
        "=",
        "1790000000",
        "-1",
        "99999999999999999999",
        "evt_1",
        "é",
        "\u{0}",
        "0123456789abcdef",
        "https://",
        "http://",
        "[",
        "]",
        ":",
        "/",
        "?",
        "#",
        "@",
        "127.0.0.1",
        "0x",
        "%2f",
    ];
    let (secrets, mut counter) = (["whsec_a"], Counter(7));
    for _ in 0..20_000 {
        let mut draws = [0; 12];
        counter.fill(&mut draws);
        let length = usize::from(draws[0] % 12);
        let text: String = draws[..length].iter().map(|draw| PARTS[usize::from(*draw >> 2) % PARTS.len()]).collect();
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            let headers = HeaderMap::from_iter([(SIGNATURE_HEADER.parse().unwrap(), value)]);
            let verified = verify(&headers, text.as_bytes(), &secrets, NOW, TOLERANCE, &mut HashSet::new());
            assert!(verified.is_err(), "{text:?}");
        }
        if let Ok(address) = Address::parse(&text, &AddressRules::default()) {
            assert!(address.target().starts_with('/') && text.starts_with("https://"), "{text:?}");
        }
    }
}
