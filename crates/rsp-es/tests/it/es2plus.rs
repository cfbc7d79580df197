//! The JSON binding of ES2+: member names and codings, as others write them, and what is refused.

use proptest::prelude::*;
use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    ExecutionStatus, FinalProfileStatus, Function, HandleDownloadProgressInfoRequest, JsonError, NotificationPoint,
    NotificationPointStatus, ReleaseProfileRequest, Request, RequestHeader, Response, ResponseError,
};
use rsp_es::status::StatusCode;
use serde_json::{Value, json};
use zeroize::Zeroizing;

const EID: &str = "89049032123451234512345678901235";

pub(crate) fn eid() -> Eid {
    EID.parse().unwrap()
}

pub(crate) fn iccid(digits: &str) -> Iccid {
    digits.parse().unwrap()
}

pub(crate) fn header() -> RequestHeader {
    RequestHeader {
        function_requester_identifier: "1.3.6.1.4.1.30378".to_owned(),
        function_call_identifier: "FCI-1763653040-1".to_owned(),
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn read<Req: Request>(json: &Value) -> Result<Req, JsonError> {
    Req::from_json(json.to_string().as_bytes())
}

fn refusal<Req: Request>(json: &Value) -> JsonError {
    match read::<Req>(json) {
        Ok(_) => panic!("{json} was read"),
        Err(error) => error,
    }
}

pub(crate) fn confirm() -> ConfirmOrderRequest {
    ConfirmOrderRequest {
        header: header(),
        iccid: iccid("89000000000000001010"),
        eid: Some(eid()),
        matching_id: Some("QR-G-5C-1LS-1W1Z9P7".to_owned()),
        confirmation_code: Some(Zeroizing::new("1234".to_owned())),
        smds_address: Some("smds.example.com".to_owned()),
        release_flag: true,
    }
}

pub(crate) fn progress() -> HandleDownloadProgressInfoRequest {
    HandleDownloadProgressInfoRequest {
        header: header(),
        eid: Some(eid()),
        iccid: iccid("8900000000000099999"),
        profile_type: "P9054-2".to_owned(),
        timestamp: Timestamp(1_732_095_120),
        notification_point_id: NotificationPoint::BppInstallation,
        notification_point_status: NotificationPointStatus::failed(StatusCode::BPP_EXECUTION_ERROR),
        result_data: Some(vec![0xBF, 0x27, 0x00]),
    }
}

/// As pySim's client of ES2+ writes it: spaces, and an ICCID of 20 characters with the filler.
#[test]
fn reads_the_requests_of_pysim() {
    let text = r#"{"header": {"functionRequesterIdentifier": "1.3.6.1.4.1.30378", "functionCallIdentifier": "FCI-1763653040-1"}, "eid": "89049032123451234512345678901235", "iccid": "8988211000000123456F", "profileType": "TestProfile"}"#;
    let expected = DownloadOrderRequest {
        header: header(),
        eid: Some(eid()),
        iccid: Some(iccid("8988211000000123456")),
        profile_type: Some("TestProfile".to_owned()),
    };
    assert_eq!(DownloadOrderRequest::from_json(text.as_bytes()), Ok(expected));

    let text = r#"{"header": {"functionRequesterIdentifier": "1.3.6.1.4.1.30378", "functionCallIdentifier": "FCI-1763653040-1"}, "iccid": "89000000000000001010", "eid": "89049032123451234512345678901235", "matchingId": "QR-G-5C-1LS-1W1Z9P7", "confirmationCode": "1234", "smdsAddress": "smds.example.com", "releaseFlag": true}"#;
    let read = ConfirmOrderRequest::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*read.to_json(), *confirm().to_json());
    assert_eq!(read.confirmation_code.as_ref().map(|code| code.as_str()), Some("1234"));

    // The notification point as text, the zone as an offset.
    let text = r#"{"header": {"functionRequesterIdentifier": "1.3.6.1.4.1.30378", "functionCallIdentifier": "FCI-1763653040-1"}, "eid": "89049032123451234512345678901235", "iccid": "8900000000000099999F", "profileType": "P9054-2", "timestamp": "2024-11-20T09:32:00+00:00", "notificationPointId": "4", "notificationPointStatus": {"status": "Failed", "statusCodeData": {"subjectCode": "8.2.10", "reasonCode": "4.2"}}, "resultData": "vycA"}"#;
    assert_eq!(HandleDownloadProgressInfoRequest::from_json(text.as_bytes()), Ok(progress()));
}

/// As the test suite of osmo-ttcn3-hacks writes it: an ICCID of 19 digits, a number, a fraction of a second.
#[test]
fn reads_the_requests_of_the_ttcn3_suite() {
    let header = json!({"functionRequesterIdentifier": "TTCN3", "functionCallIdentifier": "testsuite"});
    let order = json!({"header": header, "iccid": "8900000000000099999"});
    let read_order: DownloadOrderRequest = read(&order).unwrap();
    assert_eq!((read_order.eid, read_order.iccid), (None, Some(iccid("8900000000000099999"))));
    assert_eq!(read_order.header.function_requester_identifier, "TTCN3");
    let confirm = json!({"header": header, "iccid": "89000000000000001028", "releaseFlag": false});
    let read_confirm = read::<ConfirmOrderRequest>(&confirm).unwrap_or_else(|error| panic!("{error}"));
    assert!(!read_confirm.release_flag && read_confirm.matching_id.is_none() && read_confirm.eid.is_none());
    assert!(read_confirm.confirmation_code.is_none() && read_confirm.smds_address.is_none());
    let progress = json!({"header": header, "iccid": "8900000000000099999", "profileType": "THIS_IS_A_PROFILE_TYPE",
        "timestamp": "1970-01-01T00:00:00.511Z", "notificationPointId": 1,
        "notificationPointStatus": {"status": "Executed-Success"}});
    let read_progress: HandleDownloadProgressInfoRequest = read(&progress).unwrap();
    assert_eq!(read_progress.timestamp, Timestamp(0));
    assert_eq!(read_progress.notification_point_id, NotificationPoint::EligibilityAndRetryLimitCheck);
    assert_eq!(read_progress.notification_point_status, NotificationPointStatus::SUCCESS);
}

#[test]
fn requests_have_the_standards_members_and_come_back_equal() {
    let written_header =
        r#"{"header":{"functionRequesterIdentifier":"1.3.6.1.4.1.30378","functionCallIdentifier":"FCI-1763653040-1"},"#;
    let order = DownloadOrderRequest {
        header: header(),
        eid: Some(eid()),
        iccid: Some(iccid("8988211000000123456")),
        profile_type: Some("a \"b\"".to_owned()),
    };
    let expected = format!(r#"{written_header}"eid":"{EID}","iccid":"8988211000000123456F","profileType":"a \"b\""}}"#);
    assert_eq!(*order.to_json(), expected);
    assert_eq!(DownloadOrderRequest::from_json(expected.as_bytes()), Ok(order));

    let expected = format!(
        r#"{written_header}"iccid":"89000000000000001010","eid":"{EID}","matchingId":"QR-G-5C-1LS-1W1Z9P7","confirmationCode":"1234","smdsAddress":"smds.example.com","releaseFlag":true}}"#
    );
    assert_eq!(*confirm().to_json(), expected);

    let cancel = CancelOrderRequest {
        header: header(),
        iccid: Some(iccid("89000000000000001010")),
        eid: Some(eid()),
        matching_id: Some(String::new()),
        final_profile_status_indicator: Some(FinalProfileStatus::Unavailable),
    };
    let expected = format!(
        r#"{written_header}"iccid":"89000000000000001010","eid":"{EID}","matchingId":"","finalProfileStatusIndicator":"Unavailable"}}"#
    );
    assert_eq!(*cancel.to_json(), expected);
    assert_eq!(CancelOrderRequest::from_json(expected.as_bytes()), Ok(cancel));

    let release = ReleaseProfileRequest { header: header(), iccid: iccid("89000000000000001010") };
    let expected = format!(r#"{written_header}"iccid":"89000000000000001010"}}"#);
    assert_eq!(*release.to_json(), expected);
    assert_eq!(ReleaseProfileRequest::from_json(expected.as_bytes()), Ok(release));

    let expected = format!(
        r#"{written_header}"eid":"{EID}","iccid":"8900000000000099999F","profileType":"P9054-2","timestamp":"2024-11-20T09:32:00Z","notificationPointId":4,"notificationPointStatus":{{"status":"Failed","statusCodeData":{{"subjectCode":"8.2.10","reasonCode":"4.2"}}}},"resultData":"vycA"}}"#
    );
    assert_eq!(*progress().to_json(), expected);
    assert_eq!(HandleDownloadProgressInfoRequest::from_json(expected.as_bytes()), Ok(progress()));
}

#[test]
fn responses_have_a_header_and_come_back_equal() {
    let success = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}}"#;
    let order = DownloadOrderResponse { iccid: iccid("8988211000000123456") };
    assert_eq!(order.to_json(), format!(r#"{success},"iccid":"8988211000000123456F"}}"#));
    assert_eq!(DownloadOrderResponse::from_json(order.to_json().as_bytes()), Ok(order));
    for (eid, smdp_address) in [(None, None), (Some(eid()), Some("smdp.example.com".to_owned()))] {
        let confirm = ConfirmOrderResponse { eid, matching_id: "A-1".to_owned(), smdp_address };
        let json = parsed(&confirm.to_json());
        assert_eq!(json["matchingId"], "A-1");
        assert_eq!((json.get("eid").is_some(), json.get("smdpAddress").is_some()), (eid.is_some(), eid.is_some()));
        assert!(json["header"].get("functionCallIdentifier").is_none());
        assert_eq!(ConfirmOrderResponse::from_json(confirm.to_json().as_bytes()), Ok(confirm));
    }
    let nothing = format!("{success}}}");
    assert_eq!(
        DownloadOrderResponse::from_json(nothing.as_bytes()),
        Err(ResponseError::Malformed(JsonError::Missing("iccid")))
    );
    let warned = r#"{"header":{"functionExecutionStatus":{"status":"Executed-WithWarning","statusCodeData":{"subjectCode":"8.9","reasonCode":"5.1"}}}}"#;
    assert_eq!(<()>::from_json(warned.as_bytes()), Ok(()));
    let twice = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success","status":"Failed"}}}"#;
    assert_eq!(<()>::from_json(twice.as_bytes()), Err(ResponseError::Malformed(JsonError::Duplicate("status"))));
}

/// The standard has codes of its own for what misses in CancelOrder, so that the server has to see it.
#[test]
fn optional_members_may_be_missing_or_null() {
    let header =
        json!({"functionRequesterIdentifier": "a", "functionCallIdentifier": "b", "later": {"c": [1, {"d": null}]}});
    let cancel: CancelOrderRequest = read(&json!({"header": header})).unwrap();
    assert_eq!((cancel.iccid, cancel.final_profile_status_indicator), (None, None));
    let order: DownloadOrderRequest =
        read(&json!({"header": header, "eid": null, "iccid": null, "profileType": null, "later": 1.5})).unwrap();
    assert_eq!((order.eid, order.iccid, order.profile_type), (None, None, None));
    let confirm = json!({"header": header, "iccid": "8900000000000099999f", "eid": null, "matchingId": "",
        "confirmationCode": null, "smdsAddress": null, "releaseFlag": false});
    let confirm = read::<ConfirmOrderRequest>(&confirm).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(confirm.matching_id.as_deref(), Some(""), "the empty MatchingID is not the missing one");
    assert!(confirm.confirmation_code.is_none());
}

/// Each member of a whole request is taken away, given another type, and given twice.
fn check_members<Req: Request>(whole: &Value, mandatory: &[&'static str], optional: &[&'static str]) {
    assert!(read::<Req>(whole).is_ok(), "{whole}");
    for member in mandatory {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(*member);
        assert_eq!(refusal::<Req>(&without), JsonError::Missing(member));
        let mut null = whole.clone();
        null[*member] = Value::Null;
        assert_eq!(refusal::<Req>(&null).member(), Some(*member));
    }
    for member in mandatory.iter().chain(optional) {
        for wrong in [json!([]), json!(["a"]), json!({"a": 1}), json!(-1), json!(1.5)] {
            let mut other = whole.clone();
            other[*member] = wrong;
            // A header or status that is an object lacks something inside.
            let named = refusal::<Req>(&other).member();
            assert!(named == Some(*member) || other[*member].is_object() && named.is_some(), "{member}: {named:?}");
        }
        let twice = whole.to_string().replacen('{', &format!("{{\"{member}\":{},", whole[*member]), 1);
        assert_eq!(Req::from_json(twice.as_bytes()).err(), Some(JsonError::Duplicate(member)));
    }
    for part in ["functionRequesterIdentifier", "functionCallIdentifier"] {
        let mut without = whole.clone();
        without["header"].as_object_mut().unwrap().remove(part);
        assert_eq!(refusal::<Req>(&without), JsonError::Missing(part));
        let mut other = whole.clone();
        other["header"][part] = json!(7);
        assert_eq!(refusal::<Req>(&other), JsonError::NotAString(part));
        let twice = whole.to_string().replacen("\"header\":{", &format!("\"header\":{{\"{part}\":\"x\","), 1);
        assert_eq!(Req::from_json(twice.as_bytes()).err(), Some(JsonError::Duplicate(part)));
    }
    for body in ["", "[]", "null", "7", "{", "{\"header\":"] {
        assert!(matches!(Req::from_json(body.as_bytes()), Err(JsonError::NotAnObject(_))), "{body}");
    }
}

#[test]
fn names_the_member_that_is_wrong() {
    let order = DownloadOrderRequest {
        header: header(),
        eid: Some(eid()),
        iccid: Some(iccid("8988211000000123456")),
        profile_type: Some("a".to_owned()),
    };
    check_members::<DownloadOrderRequest>(&parsed(&order.to_json()), &["header"], &["eid", "iccid", "profileType"]);
    check_members::<ConfirmOrderRequest>(
        &parsed(&confirm().to_json()),
        &["header", "iccid", "releaseFlag"],
        &["eid", "matchingId", "confirmationCode", "smdsAddress"],
    );
    let cancel = json!({"header": parsed(&order.to_json())["header"], "iccid": "89000000000000001010", "eid": EID,
        "matchingId": "A", "finalProfileStatusIndicator": "Available"});
    let optional = ["iccid", "eid", "matchingId", "finalProfileStatusIndicator"];
    check_members::<CancelOrderRequest>(&cancel, &["header"], &optional);
    let release = ReleaseProfileRequest { header: header(), iccid: iccid("89000000000000001010") };
    check_members::<ReleaseProfileRequest>(&parsed(&release.to_json()), &["header", "iccid"], &[]);
    check_members::<HandleDownloadProgressInfoRequest>(
        &parsed(&progress().to_json()),
        &["header", "iccid", "profileType", "timestamp", "notificationPointId", "notificationPointStatus"],
        &["eid", "resultData"],
    );
}

#[test]
fn refuses_values_that_the_standard_does_not_know() {
    let whole = parsed(&confirm().to_json());
    for (member, wrong) in [
        ("iccid", json!("890000000000000010")),
        ("iccid", json!("890000000000000010FF")),
        ("iccid", json!("890000000000000010100")),
        ("iccid", json!("89000000000000001010F")),
        ("iccid", json!("123456789ABCDEFFAAAA")),
        ("iccid", json!("")),
        ("iccid", json!("８９０００００００００００００９９９９９")),
        ("eid", json!("8904903212345123451234567890123")),
        ("eid", json!("000102030405060708090A0B0C0D0E0F")),
        ("eid", json!("")),
        ("releaseFlag", json!("true")),
        ("releaseFlag", json!(1)),
    ] {
        let mut changed = whole.clone();
        changed[member] = wrong.clone();
        assert_eq!(refusal::<ConfirmOrderRequest>(&changed).member(), Some(member), "{wrong}");
    }
    let mut cancel = json!({"header": whole["header"], "finalProfileStatusIndicator": "available"});
    assert_eq!(refusal::<CancelOrderRequest>(&cancel).member(), Some("finalProfileStatusIndicator"));
    cancel["finalProfileStatusIndicator"] = json!("Available");
    assert!(read::<CancelOrderRequest>(&cancel).is_ok());

    let whole = parsed(&progress().to_json());
    for wrong in [json!(0), json!(6), json!("0"), json!("+4"), json!(""), json!(" 4"), json!(260), json!(true)] {
        let mut changed = whole.clone();
        changed["notificationPointId"] = wrong;
        assert_eq!(refusal::<HandleDownloadProgressInfoRequest>(&changed).member(), Some("notificationPointId"));
    }
    for (member, wrong) in [
        ("status", json!({"status": "Perhaps"})),
        ("status", json!({})),
        ("statusCodeData", json!({"status": "Failed", "statusCodeData": "8.1/4.8"})),
        ("subjectCode", json!({"status": "Failed", "statusCodeData": {"subjectCode": "x", "reasonCode": "1"}})),
        ("reasonCode", json!({"status": "Failed", "statusCodeData": {"subjectCode": "8.1"}})),
        (
            "message",
            json!({"status": "Failed", "statusCodeData": {"subjectCode": "8", "reasonCode": "1", "message": 1}}),
        ),
    ] {
        let mut changed = whole.clone();
        changed["notificationPointStatus"] = wrong;
        assert_eq!(refusal::<HandleDownloadProgressInfoRequest>(&changed).member(), Some(member));
    }
    let mut changed = whole.clone();
    changed["resultData"] = json!("*");
    assert!(matches!(refusal::<HandleDownloadProgressInfoRequest>(&changed), JsonError::NotBase64 { .. }));
}

#[test]
fn reads_points_in_time() {
    let whole = parsed(&progress().to_json());
    let at = |text: &str| {
        let mut changed = whole.clone();
        changed["timestamp"] = json!(text);
        read::<HandleDownloadProgressInfoRequest>(&changed).map(|request| request.timestamp.0)
    };
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2024-11-20T09:32:00Z", 1_732_095_120),
        ("2024-11-20T10:32:00+01:00", 1_732_095_120),
        ("2024-11-20T04:02:00.999999-05:30", 1_732_095_120),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("0000-03-01T00:00:00Z", -62_162_035_200),
    ] {
        assert_eq!(at(text), Ok(seconds), "{text}");
    }
    for text in [
        "",
        "2024-11-20",
        "2024-11-20T09:32:00",
        "2024-11-20 09:32:00Z",
        "2024-11-20T09:32Z",
        "2024-11-20T09:32:00z",
        "2024-11-20T09:32:00.Z",
        "2024-11-20T09:32:00,5Z",
        "2024-11-20T09:32:00+0100",
        "2024-11-20T09:32:00+24:00",
        "2024-11-20T09:32:00ZZ",
        "2024-11-20T24:00:00Z",
        "2024-11-20T09:60:00Z",
        "2024-11-20T09:32:60Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-11-31T00:00:00Z",
        "2024-11-00T00:00:00Z",
        "24-11-20T09:32:00Z",
        "+024-11-20T09:32:00Z",
        "2024-11-20T09:32:0é",
        "1732095120",
    ] {
        assert!(matches!(at(text), Err(JsonError::Invalid { member: "timestamp", .. })), "{text}");
    }
}

/// A refusal is logged and answered, so that it must not repeat the code.
#[test]
fn no_refusal_repeats_a_confirmation_code() {
    for wrong in [json!({"code": "73111937"}), json!(73111937), json!(["73111937"])] {
        let mut changed = parsed(&confirm().to_json());
        changed["confirmationCode"] = wrong;
        assert!(!refusal::<ConfirmOrderRequest>(&changed).to_string().contains("73111937"));
    }
    let mut changed = parsed(&confirm().to_json());
    changed["confirmationCode"] = json!("73111937");
    changed["releaseFlag"] = json!("73111937");
    assert!(!refusal::<ConfirmOrderRequest>(&changed).to_string().contains("73111937"));
}

#[test]
fn each_function_has_its_path() {
    for function in Function::ALL {
        assert_eq!(Function::from_path(function.path()), Some(function));
    }
    assert_eq!(Function::from_path("/gsma/rsp2/es2plus/nothing"), None);
    assert_eq!(Function::ConfirmOrder.path(), "/gsma/rsp2/es2plus/confirmOrder");
    assert!(!Function::OF_SMDP.contains(&Function::HandleDownloadProgressInfo));
}

fn any_text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn any_iccid() -> impl Strategy<Value = Iccid> {
    "[0-9]{19,20}".prop_map(|digits| iccid(&digits))
}

fn any_eid() -> impl Strategy<Value = Eid> {
    "[0-9]{32}".prop_map(|digits| digits.parse().unwrap())
}

prop_compose! {
    fn any_header()(requester in any_text(), call in any_text()) -> RequestHeader {
        RequestHeader { function_requester_identifier: requester, function_call_identifier: call }
    }
}

fn any_status() -> impl Strategy<Value = NotificationPointStatus> {
    let status = prop_oneof![
        Just(ExecutionStatus::Success),
        Just(ExecutionStatus::WithWarning),
        Just(ExecutionStatus::Failed),
        Just(ExecutionStatus::Expired)
    ];
    let code = prop::option::of((any_text(), any_text()).prop_map(|(identifier, message)| {
        StatusCode::EID_REFUSED.with_subject_identifier(identifier).with_message(message)
    }));
    (status, code).prop_map(|(status, code)| NotificationPointStatus { status, code })
}

proptest! {
    #[test]
    fn any_download_order_comes_back_equal(
        header in any_header(),
        eid in prop::option::of(any_eid()),
        iccid in prop::option::of(any_iccid()),
        profile_type in prop::option::of(any_text()),
    ) {
        let request = DownloadOrderRequest { header, eid, iccid, profile_type };
        prop_assert_eq!(DownloadOrderRequest::from_json(request.to_json().as_bytes()), Ok(request));
    }

    #[test]
    fn any_confirm_order_comes_back_equal(
        header in any_header(),
        iccid in any_iccid(),
        eid in prop::option::of(any_eid()),
        texts in [prop::option::of(any_text()), prop::option::of(any_text()), prop::option::of(any_text())],
        release_flag: bool,
    ) {
        let [matching_id, code, smds_address] = texts;
        let confirmation_code = code.map(Zeroizing::new);
        let request =
            ConfirmOrderRequest { header, iccid, eid, matching_id, confirmation_code, smds_address, release_flag };
        let json = request.to_json();
        let read = ConfirmOrderRequest::from_json(json.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read.header, &request.header);
        prop_assert!(read.iccid == request.iccid && read.eid == request.eid && read.release_flag == release_flag);
        prop_assert!(read.matching_id == request.matching_id && read.smds_address == request.smds_address);
        prop_assert!(read.confirmation_code == request.confirmation_code);
        // The text was not moved while it grew: what it leaves behind is not zeroised.
        let header = [&request.header.function_requester_identifier, &request.header.function_call_identifier];
        let code = request.confirmation_code.as_deref();
        let texts = header.into_iter().chain(&request.matching_id).chain(code).chain(&request.smds_address);
        prop_assert_eq!(json.capacity(), 512 + 6 * texts.map(String::len).sum::<usize>());
    }

    #[test]
    fn any_progress_info_comes_back_equal(
        header in any_header(),
        eid in prop::option::of(any_eid()),
        iccid in any_iccid(),
        profile_type in any_text(),
        seconds in -62_135_596_800_i64..253_402_300_800,
        point in 1_u64..=5,
        notification_point_status in any_status(),
        result_data: Option<Vec<u8>>,
    ) {
        let request = HandleDownloadProgressInfoRequest {
            header,
            eid,
            iccid,
            profile_type,
            timestamp: Timestamp(seconds),
            notification_point_id: NotificationPoint::from_number(point).unwrap(),
            notification_point_status,
            result_data,
        };
        prop_assert_eq!(HandleDownloadProgressInfoRequest::from_json(request.to_json().as_bytes()), Ok(request));
    }

    #[test]
    fn survives_any_body(body: Vec<u8>) {
        let _ = DownloadOrderRequest::from_json(&body);
        let _ = ConfirmOrderResponse::from_json(&body);
        let _ = HandleDownloadProgressInfoRequest::from_json(&body);
    }

    #[test]
    fn survives_any_time(text in "[-+0-9TZ:.é ]{0,30}") {
        let mut changed = parsed(&progress().to_json());
        changed["timestamp"] = json!(text);
        let _ = read::<HandleDownloadProgressInfoRequest>(&changed);
    }
}
