//! What operators and SM-DSs are told of an order (SGP.22 5.3.5, 5.9), and what becomes of it when an SM-DS does not listen.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::{CancelSessionReason, ErrorReason, Iccid, NotificationEvent};
use rsp_crypto::Curve;
use rsp_es::es2plus::{ConfirmOrderRequest, HandleDownloadProgressInfoRequest, Request};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{NewOrder, Settings};
use rsp_store::{EventKind, OrderPolicy, ProfileState};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::euicc::{TestEuicc, free_memory};
use crate::operator::{ALPHA, BETA, Lab, SMDS, Sent, caller, inaccessible, registration, secret};
use crate::server::assert_refused;

const FOR_GOOD: Option<ErrorReason> = Some(ErrorReason(12));
const FOR_NOW: Option<ErrorReason> = Some(ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION);
const OTHER: &str = "89049032000000000000000000000042";

/// What Alpha was told since the last time: point and status.
async fn told(lab: &Lab) -> Vec<(u64, String)> {
    let progress = |sent: Sent| {
        let json = sent.json();
        let status = &json["notificationPointStatus"];
        let code = &status["statusCodeData"];
        let status = match status["status"].as_str().unwrap() {
            "Executed-Success" => "ok".to_owned(),
            "Failed" => {
                format!("{}/{}", code["subjectCode"].as_str().unwrap(), code["reasonCode"].as_str().unwrap())
            }
            other => panic!("{other}"),
        };
        (json["notificationPointId"].as_u64().unwrap(), status)
    };
    lab.outbox().await.into_iter().filter(|sent| sent.name() == "handleDownloadProgressInfo").map(progress).collect()
}

fn points(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(point, status)| (*point, (*status).to_owned())).collect()
}

#[tokio::test]
async fn each_point_of_a_download_is_told_with_exactly_the_members_of_the_standard() {
    let lab = Lab::new().await;
    let (iccid, euicc) = (lab.one().await, lab.euicc(Curve::P256));
    let matching_id = lab.placed(iccid, |request| request.confirmation_code = secret("4711")).await;
    assert_eq!(lab.outbox().await, []);

    let wrong = euicc.authenticate(&lab, &matching_id).await;
    assert_refused(euicc.try_prepare(&lab, &wrong, Some("0")).await, &StatusCode::CONFIRMATION_CODE_REFUSED);
    let right = euicc.authenticate(&lab, &matching_id).await;
    euicc.try_prepare(&lab, &right, Some("4711")).await.unwrap();
    let result = euicc.result(&right.transaction_id, 1, iccid, None);
    lab.es9().handle_notification(&Caller::default(), result.clone()).await.unwrap();
    let deleted = euicc.notification(2, NotificationEvent::DELETE, iccid);
    lab.es9().handle_notification(&Caller::default(), deleted).await.unwrap();

    let sent = lab.outbox().await;
    let padded = format!("{iccid}F");
    let refused = json!({ "subjectCode": "8.2.7", "reasonCode": "3.8" });
    let expected = [
        (1, json!({ "status": "Executed-Success" }), None),
        (2, json!({ "status": "Failed", "statusCodeData": refused }), None),
        (1, json!({ "status": "Executed-Success" }), None),
        (3, json!({ "status": "Executed-Success" }), None),
        (4, json!({ "status": "Executed-Success" }), Some(STANDARD.encode(result.pending_notification.bytes()))),
        (5, json!({ "status": "Executed-Success" }), None),
    ];
    assert_eq!(sent.len(), expected.len());
    for (sent, (point, status, data)) in sent.iter().zip(expected) {
        assert_eq!(sent.function, "/gsma/rsp2/es2plus/handleDownloadProgressInfo");
        assert_eq!(sent.recipient, "alpha.example.com:8444");
        let mut found = sent.json();
        let call = found["header"]["functionCallIdentifier"].take();
        assert!(call.as_str().is_some_and(|call| !call.is_empty()));
        let mut whole = json!({
            "header": { "functionRequesterIdentifier": "2.999.10", "functionCallIdentifier": null },
            "eid": euicc.eid.to_string(),
            "iccid": padded,
            "profileType": "alpha",
            "timestamp": crate::server::NOW.to_string(),
            "notificationPointId": point,
            "notificationPointStatus": status,
        });
        if let Some(data) = data {
            whole["resultData"] = Value::from(data);
        }
        assert_eq!(found, whole);
        HandleDownloadProgressInfoRequest::from_json(sent.body.as_bytes()).unwrap();
    }
    let calls: BTreeSet<_> =
        sent.iter().map(|sent| sent.json()["header"]["functionCallIdentifier"].to_string()).collect();
    assert_eq!(calls.len(), sent.len(), "each message has an identifier of its own");

    let events = lab.store.events_of(Some(ALPHA), &iccid, 100).await.unwrap();
    let steps = events.iter().filter(|event| event.kind == EventKind::Step);
    let steps: Vec<_> = steps
        .map(|event| (event.step.as_deref().unwrap(), event.subject.as_deref().zip(event.reason.as_deref())))
        .collect();
    let expected = [
        ("AuthenticateClient", None),
        ("GetBoundProfilePackage", Some(("8.2.7", "3.8"))),
        ("AuthenticateClient", None),
        ("GetBoundProfilePackage", None),
        ("HandleNotification", None),
        ("HandleNotification", None),
    ];
    assert_eq!(steps, expected, "the journal says what the operator is told");
}

#[tokio::test]
async fn the_journal_says_that_a_user_postponed() {
    let lab = Lab::new().await;
    let (iccid, euicc) = (lab.one().await, lab.euicc(Curve::P256));
    let matching_id = lab.placed(iccid, |_| {}).await;
    let session = euicc.authenticate(&lab, &matching_id).await;
    let cancel = euicc.cancel_request(&session.transaction_id, CancelSessionReason::POSTPONED);
    lab.es9().cancel_session(&Caller::default(), cancel).await.unwrap();
    let last = lab.store.events_of(Some(ALPHA), &iccid, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.step.as_deref(), last.subject), (Some("CancelSession"), None));
    assert_eq!(last.detail, Some(CancelSessionReason::POSTPONED.to_string()));
    assert_eq!(lab.store.profile(&iccid).await.unwrap().unwrap().state, ProfileState::Released);
}

#[tokio::test]
async fn each_device_of_a_reusable_order_is_told_of() {
    let lab = Lab::new().await;
    lab.one().await;
    let (one, two) = (lab.euicc(Curve::P256), TestEuicc::minted(lab.pki, Curve::P256, OTHER));
    let order = NewOrder { policy: OrderPolicy::Reusable, ..NewOrder::of("alpha") };
    let order = lab.orders.order(order).await.unwrap();
    let mut sessions = Vec::new();
    for euicc in [&one, &two, &one] {
        sessions.push((euicc, euicc.deliver(&lab, &order.matching_id).await.transaction_id));
    }
    lab.outbox().await;
    // The earlier devices fail while the last one's result is awaited, and after it.
    let expected = [(FOR_GOOD, "8.2.10/4.2"), (None, "ok"), (FOR_NOW, "8.2.10/4.2")];
    for (number, (session, (reason, status))) in (1..).zip([0, 2, 1].into_iter().zip(expected)) {
        let (euicc, session) = &sessions[session];
        let result = euicc.result(session, number, order.iccid, reason);
        lab.es9().handle_notification(&Caller::default(), result).await.unwrap();
        assert_eq!(told(&lab).await, points(&[(4, status)]));
    }
    assert_eq!(lab.state_of(order.iccid).await, ProfileState::Installed);
}

#[tokio::test]
async fn a_deletion_that_overtakes_its_installation_is_told_after_it() {
    let lab = Lab::new().await;
    let (iccid, euicc) = (lab.one().await, lab.euicc(Curve::P256));
    let matching_id = lab.placed(iccid, |_| {}).await;
    let session = euicc.deliver(&lab, &matching_id).await.transaction_id;
    lab.outbox().await;
    let deletion = euicc.notification(2, NotificationEvent::DELETE, iccid);
    for (notification, expected) in
        [(deletion, points(&[])), (euicc.result(&session, 1, iccid, None), points(&[(4, "ok"), (5, "ok")]))]
    {
        lab.es9().handle_notification(&Caller::default(), notification).await.unwrap();
        assert_eq!(told(&lab).await, expected);
    }
}

#[tokio::test]
async fn each_reason_to_cancel_is_told_with_its_code() {
    let before_delivery = [
        (CancelSessionReason::END_USER_REJECTION, Some((2, "8.8.5/3.8"))),
        (CancelSessionReason::PPR_NOT_ALLOWED, Some((2, "8.2.8/1.2"))),
        (CancelSessionReason::UNDEFINED_REASON, Some((2, "8/4.2"))),
        (CancelSessionReason::POSTPONED, None),
        (CancelSessionReason::TIMEOUT, None),
    ];
    let after_delivery = [
        (CancelSessionReason::METADATA_MISMATCH, Some((3, "8.2.9/3.11"))),
        (CancelSessionReason::LOAD_BPP_EXECUTION_ERROR, Some((4, "8.2.10/4.2"))),
        (CancelSessionReason::UNDEFINED_REASON, Some((4, "8/4.2"))),
        (CancelSessionReason::TIMEOUT, None),
    ];
    let cases = before_delivery.map(|case| (false, case)).into_iter().chain(after_delivery.map(|case| (true, case)));
    for (delivered, (reason, expected)) in cases {
        let lab = Lab::new().await;
        let (iccid, euicc) = (lab.one().await, lab.euicc(Curve::P256));
        let matching_id = lab
            .placed(iccid, |request| {
                request.eid = Some(euicc.eid);
                request.smds_address = Some(SMDS.to_owned());
            })
            .await;
        let authenticated = euicc.authenticate(&lab, &matching_id).await;
        if delivered {
            euicc.try_prepare(&lab, &authenticated, None).await.unwrap();
        }
        let state = lab.state_of(iccid).await;
        lab.outbox().await;
        let cancel = euicc.cancel_request(&authenticated.transaction_id, reason);
        lab.es9().cancel_session(&Caller::default(), cancel).await.unwrap();
        let sent = lab.outbox().await;
        let names: BTreeSet<_> = sent.iter().map(Sent::name).collect();
        match expected {
            None => {
                assert_eq!((sent.len(), lab.state_of(iccid).await), (0, state), "{reason}");
                lab.installs(&euicc, Some(&matching_id), None).await;
            }
            Some((point, code)) => {
                assert_eq!(names, BTreeSet::from(["deleteEvent", "handleDownloadProgressInfo"]), "{reason}");
                let progress = sent.iter().find(|sent| sent.name() != "deleteEvent").unwrap().json();
                let status = &progress["notificationPointStatus"]["statusCodeData"];
                assert_eq!(progress["notificationPointId"], point, "{reason}");
                let found =
                    format!("{}/{}", status["subjectCode"].as_str().unwrap(), status["reasonCode"].as_str().unwrap());
                assert_eq!(found, code, "{reason}");
                assert_eq!(lab.state_of(iccid).await, ProfileState::Error);
            }
        }
    }
}

#[tokio::test]
async fn each_refusal_of_an_order_is_told_with_its_code() {
    let settings = Settings { download_limit: 2, confirmation_code_limit: 1, ..Settings::default() };
    let lab = Lab::with(settings, Some(1_000)).await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 5).await;
    let mut euicc = lab.euicc(Curve::P256);

    // Not enough memory.
    let matching_id = lab.placed(iccids[0], |_| {}).await;
    let memory = std::mem::replace(&mut euicc.info2.ext_card_resource, free_memory(10));
    assert_refused(euicc.try_authenticate(&lab, Some(&matching_id)).await, &StatusCode::EUICC_INSUFFICIENT_MEMORY);
    euicc.info2.ext_card_resource = memory;
    assert_eq!(told(&lab).await, points(&[(1, "8.1/4.8")]));
    assert_eq!(lab.find(iccids[0]).await.eid, None, "an eUICC that is refused does not lock the order");

    // Too many deliveries; the second is a failure that may pass, and the third is refused.
    for reason in [FOR_NOW, FOR_NOW] {
        let session = euicc.deliver(&lab, &matching_id).await.transaction_id;
        let seq = u64::from(lab.find(iccids[0]).await.download_tries);
        let result = euicc.result(&session, seq, iccids[0], reason);
        lab.es9().handle_notification(&Caller::default(), result).await.unwrap();
        assert_eq!(told(&lab).await, points(&[(1, "ok"), (3, "ok"), (4, "8.2.10/4.2")]));
    }
    for told_now in [points(&[(1, "8.8.5/6.4")]), points(&[(1, "8.8.5/6.4")])] {
        assert_refused(
            euicc.try_authenticate(&lab, Some(&matching_id)).await,
            &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED,
        );
        assert_eq!(told(&lab).await, told_now);
        assert_eq!(lab.state_of(iccids[0]).await, ProfileState::Error);
    }

    // Too many wrong codes.
    let matching_id = lab.placed(iccids[1], |request| request.confirmation_code = secret("4711")).await;
    for (refusal, code) in [
        (StatusCode::CONFIRMATION_CODE_REFUSED, "8.2.7/3.8"),
        (StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED, "8.2.7/6.4"),
    ] {
        let authenticated = euicc.authenticate(&lab, &matching_id).await;
        assert_refused(euicc.try_prepare(&lab, &authenticated, Some("0")).await, &refusal);
        assert_eq!(told(&lab).await, points(&[(1, "ok"), (2, code)]));
    }

    // A permanent failure, and the success of an earlier delivery afterwards.
    let matching_id = lab.placed(iccids[2], |_| {}).await;
    let first = euicc.deliver(&lab, &matching_id).await.transaction_id;
    let second = euicc.deliver(&lab, &matching_id).await.transaction_id;
    told(&lab).await;
    for (session, seq, reason, expected) in [(second, 11, FOR_GOOD, "8.2.10/4.2"), (first, 12, None, "ok")] {
        let result = euicc.result(&session, seq, iccids[2], reason);
        lab.es9().handle_notification(&Caller::default(), result).await.unwrap();
        assert_eq!(told(&lab).await, points(&[(4, expected)]));
    }

    // Another eUICC than the order's is no news for its operator.
    let matching_id = lab.placed(iccids[3], |request| request.eid = Some(euicc.eid)).await;
    let other = TestEuicc::minted(lab.pki, Curve::P256, "89049032000000000000000000000042");
    assert_refused(other.try_authenticate(&lab, Some(&matching_id)).await, &StatusCode::EID_REFUSED);
    assert_eq!(told(&lab).await, []);

    // The end of its time, by a device and by the sweep.
    let late = lab.placed(iccids[4], |_| {}).await;
    lab.advance_clock(1_001);
    assert_refused(euicc.try_authenticate(&lab, Some(&late)).await, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
    assert_eq!(told(&lab).await, points(&[(1, "8.8.5/4.10")]));
    assert_eq!(lab.smdp.sweep().await.unwrap().orders, 2);
    assert_eq!(told(&lab).await, points(&[(1, "8.8.5/4.10"), (1, "8.8.5/4.10")]));
}

#[tokio::test]
async fn only_the_operator_of_an_order_is_told_and_the_house_tells_nobody() {
    let lab = Lab::new().await;
    let euicc = lab.euicc(Curve::P256);
    let beta = lab.stock(BETA, "beta", 890_010_120_000_000_020, 1).await[0];
    lab.es2().download_order(&caller(BETA), lab.download(beta)).await.unwrap();
    let confirmed = lab.es2().confirm_order(&caller(BETA), lab.confirm(beta)).await.unwrap();
    lab.installs(&euicc, Some(&confirmed.matching_id), None).await;
    let sent = lab.outbox().await;
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|sent| sent.recipient == "beta.example.com:8444"));

    let house = lab.order().await;
    lab.installs(&euicc, Some(&house.matching_id), None).await;
    assert_eq!(lab.outbox().await, []);

    // Nor is an operator without endpoint.
    let mut silent = registration(ALPHA);
    silent.endpoint = None;
    lab.orders.change_operator(silent).await.unwrap();
    let iccid = lab.one().await;
    let matching_id = lab.placed(iccid, |_| {}).await;
    lab.installs(&euicc, Some(&matching_id), None).await;
    assert_eq!(lab.outbox().await, []);
}

#[tokio::test]
async fn messages_about_one_profile_are_delivered_one_after_the_other() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 2).await;
    let euicc = lab.euicc(Curve::P256);
    for iccid in iccids {
        let matching_id = lab.placed(iccid, |_| {}).await;
        lab.installs(&euicc, Some(&matching_id), None).await;
    }
    let now = crate::server::NOW;
    let point = |message: &rsp_store::Message| {
        HandleDownloadProgressInfoRequest::from_json(&message.body).unwrap().notification_point_id.number()
    };
    let first = lab.store.claim_messages(now, now.plus_seconds(60), 100).await.unwrap();
    assert_eq!(first.iter().map(point).collect::<Vec<_>>(), [1, 1]);
    assert!(lab.store.claim_messages(now, now.plus_seconds(60), 100).await.unwrap().is_empty());
    // One that failed holds back its own profile only.
    lab.store.message_failed(&first[0], now.plus_seconds(600), "no route").await.unwrap();
    lab.store.message_delivered(&first[1]).await.unwrap();
    for expected in [3, 4] {
        let next = lab.store.claim_messages(now, now.plus_seconds(60), 100).await.unwrap();
        assert_eq!(next.iter().map(point).collect::<Vec<_>>(), [expected]);
        assert_eq!(next[0].lane, first[1].lane);
        lab.store.message_delivered(&next[0]).await.unwrap();
    }
    assert!(lab.store.claim_messages(now, now.plus_seconds(60), 100).await.unwrap().is_empty());
}

/// An order with an event, for this eUICC.
async fn with_event(lab: &Lab, iccid: Iccid, euicc: &TestEuicc) -> String {
    let matching_id = lab.placed(iccid, |request| {
        request.eid = Some(euicc.eid);
        request.smds_address = Some(SMDS.to_owned());
        request.confirmation_code = secret("4711");
    });
    matching_id.await
}

/// Functions that an SM-DS was or would be called with.
async fn events(lab: &Lab) -> Vec<String> {
    let carried = std::mem::take(&mut *lab.courier.carried.lock().unwrap());
    let waiting = lab.outbox().await;
    let all = carried.iter().chain(&waiting).filter(|sent| sent.recipient == SMDS);
    all.map(|sent| sent.name().to_owned()).collect()
}

#[tokio::test]
async fn an_event_is_registered_with_the_release_and_not_before() {
    let lab = Lab::new().await;
    let (iccid, euicc) = (lab.one().await, lab.euicc(Curve::P256));
    lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
    let confirm = ConfirmOrderRequest {
        eid: Some(euicc.eid),
        matching_id: Some("EVENT-1".to_owned()),
        smds_address: Some(SMDS.to_owned()),
        release_flag: false,
        ..lab.confirm(iccid)
    };
    lab.es2().confirm_order(&caller(ALPHA), confirm).await.unwrap();
    assert_eq!(events(&lab).await, [""; 0]);
    lab.es2().release_profile(&caller(ALPHA), lab.release(iccid)).await.unwrap();
    let carried = lab.courier.carried.lock().unwrap().clone();
    assert_eq!(carried.len(), 1);
    assert_eq!((carried[0].function.as_str(), carried[0].recipient.as_str()), ("/gsma/rsp2/es12/registerEvent", SMDS));
    let mut json = carried[0].json();
    assert!(json["header"]["functionCallIdentifier"].take().is_string());
    let header = json!({ "functionRequesterIdentifier": "2.999.10", "functionCallIdentifier": null });
    let expected = json!({
        "header": header,
        "eid": euicc.eid.to_string(),
        "rspServerAddress": "smdp.example.com:8443",
        "eventId": "EVENT-1",
        "forwardingIndicator": true,
    });
    assert_eq!(json, expected);
    // It has arrived: nothing is left to be sent.
    assert_eq!(lab.outbox().await, []);
    lab.es2().cancel_order(&caller(ALPHA), lab.cancel(iccid)).await.unwrap();
    let sent = lab.outbox().await;
    assert_eq!((sent[0].function.as_str(), sent[0].recipient.as_str()), ("/gsma/rsp2/es12/deleteEvent", SMDS));
    let mut json = sent[0].json();
    assert!(json["header"]["functionCallIdentifier"].take().is_string());
    assert_eq!(json, json!({ "header": header, "eid": euicc.eid.to_string(), "eventId": "EVENT-1" }));
}

#[tokio::test]
async fn an_event_lives_exactly_as_long_as_its_order_can_be_downloaded() {
    let settings = Settings { download_limit: 3, confirmation_code_limit: 1, ..Settings::default() };
    let lab = Lab::with(settings, Some(1_000)).await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 6).await;
    let euicc = lab.euicc(Curve::P256);
    let report = |session, seq, iccid, reason| {
        let result = euicc.result(&session, seq, iccid, reason);
        let (lab, caller) = (&lab, Caller::default());
        async move { lab.es9().handle_notification(&caller, result).await.unwrap() }
    };
    let delivered = async |matching_id: &str| {
        let authenticated = euicc.authenticate(&lab, matching_id).await;
        euicc.try_prepare(&lab, &authenticated, Some("4711")).await.unwrap().transaction_id
    };

    // A delivery and a failure for now keep it; the installation ends it, once.
    let matching_id = with_event(&lab, iccids[0], &euicc).await;
    assert_eq!(events(&lab).await, ["registerEvent"]);
    let session = delivered(&matching_id).await;
    report(session, 1, iccids[0], FOR_NOW).await;
    assert_eq!(events(&lab).await, [""; 0]);
    let session = delivered(&matching_id).await;
    report(session, 2, iccids[0], None).await;
    assert_eq!(events(&lab).await, ["deleteEvent"]);

    // A failure for good ends it; a success that follows has nothing to delete.
    let matching_id = with_event(&lab, iccids[1], &euicc).await;
    let (first, second) = (delivered(&matching_id).await, delivered(&matching_id).await);
    events(&lab).await;
    report(second, 3, iccids[1], FOR_GOOD).await;
    assert_eq!(events(&lab).await, ["deleteEvent"]);
    report(first, 4, iccids[1], None).await;
    assert_eq!(events(&lab).await, [""; 0]);

    // Too many deliveries.
    let matching_id = with_event(&lab, iccids[2], &euicc).await;
    for _ in 0..3 {
        delivered(&matching_id).await;
    }
    events(&lab).await;
    assert_refused(
        euicc.try_authenticate(&lab, Some(&matching_id)).await,
        &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED,
    );
    assert_eq!(events(&lab).await, ["deleteEvent"]);

    // Too many wrong codes.
    let matching_id = with_event(&lab, iccids[3], &euicc).await;
    events(&lab).await;
    for expected in [&[][..], &["deleteEvent"]] {
        let authenticated = euicc.authenticate(&lab, &matching_id).await;
        euicc.try_prepare(&lab, &authenticated, Some("0")).await.unwrap_err();
        assert_eq!(events(&lab).await, expected);
    }

    // CancelOrder, of an order that was released and of one that was not.
    with_event(&lab, iccids[4], &euicc).await;
    events(&lab).await;
    lab.es2().cancel_order(&caller(ALPHA), lab.cancel(iccids[4])).await.unwrap();
    assert_eq!(events(&lab).await, ["deleteEvent"]);
    lab.placed(iccids[4], |request| {
        request.eid = Some(euicc.eid);
        request.smds_address = Some(SMDS.to_owned());
        request.release_flag = false;
    })
    .await;
    lab.es2().cancel_order(&caller(ALPHA), lab.cancel(iccids[4])).await.unwrap();
    assert_eq!(events(&lab).await, [""; 0]);

    // The end of its time.
    with_event(&lab, iccids[5], &euicc).await;
    events(&lab).await;
    lab.advance_clock(1_001);
    assert_eq!(lab.smdp.sweep().await.unwrap().orders, 1);
    assert_eq!(events(&lab).await, ["deleteEvent"]);
    assert_eq!(lab.smdp.sweep().await.unwrap().orders, 0);
    assert_eq!(events(&lab).await, [""; 0]);
}

#[tokio::test]
async fn an_event_that_may_have_arrived_is_deleted_when_its_release_is_taken_back() {
    let lab = Lab::new().await;
    let (iccid, euicc) = (lab.one().await, lab.euicc(Curve::P256));
    lab.courier.fails(inaccessible());
    lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
    let confirm = |address: &str| ConfirmOrderRequest {
        eid: Some(euicc.eid),
        matching_id: Some("EVENT-1".to_owned()),
        smds_address: Some(address.to_owned()),
        ..lab.confirm(iccid)
    };
    assert_refused(lab.es2().confirm_order(&caller(ALPHA), confirm(SMDS)).await, &StatusCode::SMDS_INACCESSIBLE);
    let waiting = async || {
        let waiting = lab.store.waiting_messages().await.unwrap().into_iter();
        waiting
            .map(|message| (message.function.rsplit('/').next().unwrap().to_owned(), message.recipient))
            .collect::<Vec<_>>()
    };
    let deletion = |address: &str| ("deleteEvent".to_owned(), address.to_owned());
    assert_eq!(waiting().await, [deletion(SMDS)]);
    // At another SM-DS: what is left at the first must still go.
    assert_refused(
        lab.es2().confirm_order(&caller(ALPHA), confirm("other.example.com")).await,
        &StatusCode::SMDS_INACCESSIBLE,
    );
    let mut both = waiting().await;
    both.sort();
    assert_eq!(both, [deletion("other.example.com"), deletion(SMDS)]);
    // At the first once more: a deletion that comes late would delete what was registered.
    lab.courier.fails(None);
    lab.es2().confirm_order(&caller(ALPHA), confirm(SMDS)).await.unwrap();
    assert_eq!(waiting().await, [deletion("other.example.com")]);
    assert_eq!(lab.installs(&euicc, Some("EVENT-1"), None).await, iccid);
}

#[tokio::test]
async fn a_release_is_not_taken_back_when_a_device_was_faster_than_the_smds() {
    for far in [false, true] {
        let lab = Arc::new(Lab::new().await);
        let iccid = lab.one().await;
        lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
        let device = {
            let lab = Arc::clone(&lab);
            Box::pin(async move {
                let euicc = lab.euicc(Curve::P256);
                if far {
                    lab.installs(&euicc, Some("EVENT-1"), None).await;
                } else {
                    euicc.authenticate(&lab, "EVENT-1").await;
                }
            })
        };
        *lab.courier.meanwhile.lock().unwrap() = Some(device);
        lab.courier.fails(inaccessible());
        let confirm = ConfirmOrderRequest {
            eid: Some(lab.euicc(Curve::P256).eid),
            matching_id: Some("EVENT-1".to_owned()),
            smds_address: Some(SMDS.to_owned()),
            ..lab.confirm(iccid)
        };
        let confirmed = lab.es2().confirm_order(&caller(ALPHA), confirm).await.unwrap();
        assert_eq!(confirmed.matching_id, "EVENT-1");
        let state = if far { ProfileState::Installed } else { ProfileState::Released };
        assert_eq!(lab.state_of(iccid).await, state);
        // The event follows, and its end if that is near.
        let sent = lab.outbox().await;
        let names: Vec<_> = sent.iter().filter(|sent| sent.recipient == SMDS).map(Sent::name).collect();
        let expected: &[_] = if far { &["registerEvent", "deleteEvent"] } else { &["registerEvent"] };
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn orders_of_the_house_have_events_too() {
    let lab = Lab::new().await;
    lab.import(false).await;
    let euicc = lab.euicc(Curve::P256);
    let mut order = NewOrder::of("basic");
    (order.eid, order.smds_address) = (Some(euicc.eid), Some(SMDS.to_owned()));
    let order = lab.orders.order(order).await.unwrap();
    assert_eq!(events(&lab).await, ["registerEvent"]);
    lab.installs(&euicc, Some(&order.matching_id), None).await;
    assert_eq!(events(&lab).await, ["deleteEvent"]);
}

/// ConfirmOrder of an order with an event, up to the moment in which the SM-DS is asked; the SM-DS answers when told.
async fn while_the_smds_thinks(lab: &Lab, iccid: Iccid, then: impl AsyncFnOnce()) -> Arc<Notify> {
    let (asked, answers) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let thinks = {
        let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
        Box::pin(async move {
            asked.notify_one();
            answers.notified().await;
        })
    };
    *lab.courier.meanwhile.lock().unwrap() = Some(thinks);
    let confirm = ConfirmOrderRequest {
        eid: Some(lab.euicc(Curve::P256).eid),
        matching_id: Some("EVENT-1".to_owned()),
        smds_address: Some(SMDS.to_owned()),
        ..lab.confirm(iccid)
    };
    let (es2, caller) = (lab.es2(), caller(ALPHA));
    let call = es2.confirm_order(&caller, confirm);
    tokio::select! {
        _ = call => panic!("it does not wait for the SM-DS"),
        () = asked.notified() => then().await,
    }
    // The call is dropped here: its caller has gone away.
    answers
}

#[tokio::test]
async fn a_release_is_taken_back_although_its_caller_has_gone_away() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
    lab.courier.fails(inaccessible());
    let answers = while_the_smds_thinks(&lab, iccid, async || ()).await;
    assert_eq!(lab.state_of(iccid).await, ProfileState::Released);
    answers.notify_one();
    for _ in 0..1000 {
        if lab.state_of(iccid).await != ProfileState::Released {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(lab.state_of(iccid).await, ProfileState::Allocated);
}

#[tokio::test]
async fn nobody_else_registers_an_event_while_its_caller_waits() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
    let others = async {
        for _ in 0..100 {
            let now = rsp_smdp::Clock::now(&*lab.clock);
            assert!(lab.store.claim_messages(now, now.plus_seconds(60), 10).await.unwrap().is_empty());
            tokio::task::yield_now().await;
        }
    };
    let call = while_the_smds_thinks(&lab, iccid, async || ());
    tokio::join!(others, call);
    // If the caller's process had ended instead, the event would follow after a minute.
    let later = rsp_smdp::Clock::now(&*lab.clock).plus_seconds(60);
    let waiting = lab.store.claim_messages(later, later, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|message| message.recipient.as_str()).collect::<Vec<_>>(), [SMDS]);
}

#[tokio::test]
async fn the_words_of_a_caller_cannot_forge_a_line_of_the_log() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    let mut order = lab.download(iccid);
    order.header.function_call_identifier = format!("\u{1b}[2J\n{}", "x".repeat(200));
    lab.es2().download_order(&caller(ALPHA), order).await.unwrap();
    let actor = lab.store.profile_events(&iccid).await.unwrap().pop().unwrap().actor;
    assert!(!actor.contains(['\u{1b}', '\n']) && actor.len() < 200, "{actor:?}");
    let mut order = lab.download(iccid);
    order.header.function_requester_identifier = "x".repeat(256);
    let refused = lab.es2().download_order(&caller(ALPHA), order).await;
    assert_refused(refused, &StatusCode::FORMAT_INVALID);
}

#[tokio::test]
async fn a_call_that_is_repeated_while_the_smds_thinks_gets_the_same_answer() {
    for refuses in [false, true] {
        let lab = Lab::new().await;
        let iccid = lab.one().await;
        lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
        lab.courier.fails(if refuses { inaccessible() } else { None });
        let (asked, answers) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let thinks = {
            let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
            Box::pin(async move {
                asked.notify_one();
                answers.notified().await;
            })
        };
        *lab.courier.meanwhile.lock().unwrap() = Some(thinks);
        let confirm = || ConfirmOrderRequest {
            eid: Some(lab.euicc(Curve::P256).eid),
            matching_id: Some("EVENT-1".to_owned()),
            smds_address: Some(SMDS.to_owned()),
            ..lab.confirm(iccid)
        };
        let (es2, caller) = (lab.es2(), caller(ALPHA));
        let repeated = async {
            asked.notified().await;
            // Far enough to be in the way of the first one's answer.
            let answered = async {
                tokio::task::yield_now().await;
                answers.notify_one();
            };
            tokio::join!(es2.confirm_order(&caller, confirm()), answered).0
        };
        let (first, repeated) = tokio::join!(es2.confirm_order(&caller, confirm()), repeated);
        if refuses {
            assert_refused(first, &StatusCode::SMDS_INACCESSIBLE);
            assert_refused(repeated, &StatusCode::SMDS_INACCESSIBLE);
            assert_eq!(lab.state_of(iccid).await, ProfileState::Allocated);
        } else {
            assert_eq!(first.unwrap(), repeated.unwrap());
            assert_eq!(lab.state_of(iccid).await, ProfileState::Released);
        }
    }
}
