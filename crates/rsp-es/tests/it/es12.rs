//! The JSON binding of ES12 and ES15: member names and codings, as others write them, and what is refused.

use proptest::prelude::*;
use rsp_es::es12::{DeleteEventRequest, Function, Interface, JsonError, RegisterEventRequest, Request, RequestHeader};
use serde_json::{Value, json};

pub(crate) fn header() -> RequestHeader {
    RequestHeader {
        function_requester_identifier: "TTCN3".to_owned(),
        function_call_identifier: "testsuite".to_owned(),
    }
}

pub(crate) fn register() -> RegisterEventRequest {
    RegisterEventRequest {
        header: header(),
        eid: "89049032123451234512345678901235".parse().unwrap(),
        rsp_server_address: "smdp.example.com".to_owned(),
        event_id: "ABCDEFGH".to_owned(),
        forwarding_indicator: false,
    }
}

pub(crate) fn delete() -> DeleteEventRequest {
    DeleteEventRequest { header: header(), eid: register().eid, event_id: "ABCDEFGH".to_owned() }
}

/// The members as the test suite of osmo-ttcn3-hacks writes them.
#[test]
fn requests_have_the_standards_members_and_come_back_equal() {
    let text = r#"{"header":{"functionRequesterIdentifier":"TTCN3","functionCallIdentifier":"testsuite"},"eid":"89049032123451234512345678901235","rspServerAddress":"smdp.example.com","eventId":"ABCDEFGH","forwardingIndicator":false}"#;
    assert_eq!(RegisterEventRequest::from_json(text.as_bytes()), Ok(register()));
    assert_eq!(register().to_json(), text);
    let text = r#"{"header":{"functionRequesterIdentifier":"TTCN3","functionCallIdentifier":"testsuite"},"eid":"89049032123451234512345678901235","eventId":"ABCDEFGH"}"#;
    assert_eq!(DeleteEventRequest::from_json(text.as_bytes()), Ok(delete()));
    assert_eq!(delete().to_json(), text);
}

#[test]
fn both_interfaces_have_paths_of_their_own() {
    assert_eq!(Function::RegisterEvent.path(Interface::Es12), "/gsma/rsp2/es12/registerEvent");
    assert_eq!(Function::DeleteEvent.path(Interface::Es15), "/gsma/rsp2/es15/deleteEvent");
    for interface in [Interface::Es12, Interface::Es15] {
        for function in Function::ALL {
            assert_eq!(Function::from_path(function.path(interface)), Some((interface, function)));
        }
    }
    assert_eq!(Function::from_path("/gsma/rsp2/es12/nothing"), None);
}

fn check_members<Req: Request>(whole: &Value, members: &[&'static str]) {
    let refusal = |text: &str| Req::from_json(text.as_bytes()).err();
    assert_eq!(refusal(&whole.to_string()), None);
    for member in members {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(*member);
        assert_eq!(refusal(&without.to_string()), Some(JsonError::Missing(member)));
        for wrong in [Value::Null, json!([]), json!(7), json!("")] {
            let mut other = whole.clone();
            other[*member] = wrong.clone();
            // Any text is an address or an identifier to this crate.
            let free = wrong == "" && ["rspServerAddress", "eventId"].contains(member);
            let refusal = refusal(&other.to_string());
            assert_eq!(refusal.as_ref().and_then(JsonError::member), (!free).then_some(*member), "{wrong}");
        }
        let twice = whole.to_string().replacen('{', &format!("{{\"{member}\":{},", whole[*member]), 1);
        assert_eq!(refusal(&twice), Some(JsonError::Duplicate(member)));
    }
}

#[test]
fn names_the_member_that_is_wrong() {
    let whole = serde_json::from_str(&register().to_json()).unwrap();
    let members = ["header", "eid", "rspServerAddress", "eventId", "forwardingIndicator"];
    check_members::<RegisterEventRequest>(&whole, &members);
    let whole = serde_json::from_str(&delete().to_json()).unwrap();
    check_members::<DeleteEventRequest>(&whole, &["header", "eid", "eventId"]);
    let mut hexadecimal: Value = serde_json::from_str(&register().to_json()).unwrap();
    hexadecimal["eid"] = json!("000102030405060708090A0B0C0D0E0F");
    let error = RegisterEventRequest::from_json(hexadecimal.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.member(), Some("eid"));
}

proptest! {
    #[test]
    fn any_event_comes_back_equal(
        eid in "[0-9]{32}",
        rsp_server_address: String,
        event_id: String,
        forwarding_indicator: bool,
    ) {
        let eid = eid.parse().unwrap();
        let request =
            RegisterEventRequest { header: header(), eid, rsp_server_address, event_id, forwarding_indicator };
        let delete = DeleteEventRequest { header: header(), eid, event_id: request.event_id.clone() };
        prop_assert_eq!(RegisterEventRequest::from_json(request.to_json().as_bytes()), Ok(request));
        prop_assert_eq!(DeleteEventRequest::from_json(delete.to_json().as_bytes()), Ok(delete));
    }

    #[test]
    fn survives_any_body(body: Vec<u8>) {
        let _ = RegisterEventRequest::from_json(&body);
        let _ = DeleteEventRequest::from_json(&body);
    }
}
