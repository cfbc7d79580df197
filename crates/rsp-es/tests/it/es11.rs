//! The messages of ES11.

use rsp_asn1::TransactionId;
use rsp_es::asn1::ResponseMessage as _;
use rsp_es::es9plus::{JsonError, Response as _, ResponseError};
use rsp_es::es11::{AuthenticateClientResponse, EventEntry};
use serde_json::json;

pub(crate) fn response(entries: &[(&str, &str)]) -> AuthenticateClientResponse {
    let entries = entries
        .iter()
        .map(|(id, address)| EventEntry { event_id: (*id).to_owned(), rsp_server_address: (*address).to_owned() });
    AuthenticateClientResponse {
        transaction_id: TransactionId::new(&[0xAB; 16]).unwrap(),
        event_entries: entries.collect(),
    }
}

#[test]
fn entries_come_back_in_their_order() {
    for entries in [&[][..], &[("A-1", "smdp.example.com")], &[("B", "b.example:8443"), ("A\"\\", "ü")]] {
        let response = response(entries);
        let text = response.to_json();
        assert_eq!(AuthenticateClientResponse::from_json(text.as_bytes()).as_ref(), Ok(&response), "{text}");
        let message = response.clone().to_message().unwrap();
        let read = rsp_asn1::decode(&rsp_asn1::encode(&message).unwrap()).unwrap();
        assert_eq!(AuthenticateClientResponse::from_message(read), Some(Ok(response)));
    }
}

#[test]
fn the_members_are_those_of_the_standard() {
    let text = response(&[("B", "b.example"), ("A", "a.example")]).to_json();
    let expected = json!({
        "header": {"functionExecutionStatus": {"status": "Executed-Success"}},
        "transactionId": "AB".repeat(16),
        "eventEntries": [
            {"eventId": "B", "rspServerAddress": "b.example"},
            {"eventId": "A", "rspServerAddress": "a.example"},
        ],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
}

#[test]
fn names_the_member_that_is_wrong_and_passes_over_unknown_ones() {
    let read = |entries: serde_json::Value| {
        let body = json!({
            "header": {"functionExecutionStatus": {"status": "Executed-Success"}},
            "transactionId": "AB",
            "eventEntries": entries,
        });
        AuthenticateClientResponse::from_json(body.to_string().as_bytes())
    };
    let malformed = |entries| match read(entries) {
        Err(ResponseError::Malformed(error)) => error,
        other => panic!("{other:?}"),
    };
    let later = json!([{"eventId": "A", "rspServerAddress": "b", "later": [1, {"x": null}]}]);
    assert_eq!(read(later).unwrap().event_entries.len(), 1);
    assert_eq!(malformed(json!("A")), JsonError::NotAList("eventEntries"));
    assert_eq!(malformed(json!([7])), JsonError::NotAList("eventEntries"));
    assert_eq!(malformed(json!([{"eventId": "A"}])), JsonError::Missing("rspServerAddress"));
    assert_eq!(malformed(json!([{"eventId": 7, "rspServerAddress": "b"}])), JsonError::NotAString("eventId"));
    let endless = vec![json!({"eventId": "A", "rspServerAddress": "b"}); 1001];
    assert_eq!(malformed(json!(endless)), JsonError::NotAList("eventEntries"));
    let missing = br#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"transactionId":"AB"}"#;
    let error = AuthenticateClientResponse::from_json(missing).unwrap_err();
    assert_eq!(error, ResponseError::Malformed(JsonError::Missing("eventEntries")));
}
