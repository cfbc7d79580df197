//! ES9+.HandleNotification: what is believed, and that it counts once.

use rsp_asn1::{ErrorReason, NotificationEvent, PendingNotification, TransactionId};
use rsp_crypto::Curve;
use rsp_es::server::Caller;
use rsp_smdp::PlacedOrder;
use rsp_store::ProfileState;

use crate::euicc::{TestEuicc, pending};
use crate::server::{Server, assert_refused};

async fn delivered() -> (Server, TestEuicc, PlacedOrder, TransactionId) {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let session = euicc.deliver(&server, &order.matching_id).await.transaction_id;
    (server, euicc, order, session)
}

async fn installed() -> (Server, TestEuicc, PlacedOrder) {
    let (server, euicc, order, session) = delivered().await;
    server.es9().handle_notification(&Caller::default(), euicc.result(&session, 1, order.iccid, None)).await.unwrap();
    (server, euicc, order)
}

#[tokio::test]
async fn every_error_reason_has_its_effect() {
    for reason in (1..=15).chain([31, 32, 127]) {
        let (server, euicc, order, session) = delivered().await;
        let result = euicc.result(&session, 1, order.iccid, Some(ErrorReason(reason)));
        server.es9().handle_notification(&Caller::default(), result).await.unwrap();
        let temporary = [10, 11].contains(&reason);
        let expected = if temporary { ProfileState::Downloaded } else { ProfileState::Error };
        assert_eq!(server.state(&order).await, expected, "{reason}");
        let again = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
        match temporary {
            true => drop(again.unwrap()),
            false => assert_refused(again, &rsp_es::status::StatusCode::PROFILE_NOT_RELEASED),
        }
    }
}

#[tokio::test]
async fn atk_notification_replay() {
    let (server, euicc, order, session) = delivered().await;
    let result = euicc.result(&session, 7, order.iccid, None);
    for _ in 0..3 {
        server.es9().handle_notification(&Caller::default(), result.clone()).await.unwrap();
        assert_eq!(server.state(&order).await, ProfileState::Installed);
    }
    // An old failure does not undo the success, and a used number counts for nothing else.
    let failure = euicc.result(&session, 6, order.iccid, Some(ErrorReason(12)));
    server.es9().handle_notification(&Caller::default(), failure).await.unwrap();
    server
        .es9()
        .handle_notification(&Caller::default(), euicc.notification(7, NotificationEvent::DELETE, order.iccid))
        .await
        .unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Installed);
    let events = server.store.profile_events(&order.iccid).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.to == ProfileState::Installed).count(), 1);
    assert_eq!(server.store.notifications(&order.iccid).await.unwrap().len(), 1);
    // A deletion, replayed after the profile went out again.
    let deletion = euicc.notification(8, NotificationEvent::DELETE, order.iccid);
    server.es9().handle_notification(&Caller::default(), deletion.clone()).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Deleted);
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let order = server.orders.order(crate::server::new_order()).await.unwrap();
    let session = euicc.deliver(&server, &order.matching_id).await.transaction_id;
    server.es9().handle_notification(&Caller::default(), euicc.result(&session, 9, order.iccid, None)).await.unwrap();
    server.es9().handle_notification(&Caller::default(), deletion).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Installed);
}

#[tokio::test]
async fn atk_notification_forge() {
    let (server, euicc, order, session) = delivered().await;
    let other = TestEuicc::minted(server.pki, Curve::P256, "89049032000000000000000000000042");
    let mut tampered = euicc.result(&session, 1, order.iccid, None).pending_notification.into_value();
    if let PendingNotification::ProfileInstallationResult(result) = &mut tampered {
        result.euicc_sign_pir = euicc.sign(b"another message");
    }
    let forged = [
        other.result(&session, 1, order.iccid, None),
        euicc.result(&TransactionId::from([9; 16]), 1, order.iccid, None),
        euicc.result(&session, 1, rsp_asn1::Iccid([0x98; 10]), None),
        euicc.result(&session, u64::MAX, order.iccid, None),
        pending(tampered),
    ];
    for notification in forged {
        server.es9().handle_notification(&Caller::default(), notification).await.unwrap();
        assert_eq!(server.state(&order).await, ProfileState::Downloaded);
    }
    assert!(server.store.notifications(&order.iccid).await.unwrap().is_empty());
    server.es9().handle_notification(&Caller::default(), euicc.result(&session, 1, order.iccid, None)).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Installed);
}

#[tokio::test]
async fn only_the_euicc_that_has_the_profile_is_believed() {
    let (server, euicc, order) = installed().await;
    let other = TestEuicc::minted(server.pki, Curve::P256, "89049032000000000000000000000042");
    let mut swapped = euicc.notification(3, NotificationEvent::DELETE, order.iccid).pending_notification.into_value();
    if let PendingNotification::OtherSignedNotification(notification) = &mut swapped {
        notification.euicc_certificate = other.certificate.raw().clone();
    }
    let both = NotificationEvent::DELETE;
    let forged = [other.notification(3, both, order.iccid), pending(swapped)];
    for notification in forged {
        server.es9().handle_notification(&Caller::default(), notification).await.unwrap();
        assert_eq!(server.state(&order).await, ProfileState::Installed);
    }
    assert_eq!(server.store.notifications(&order.iccid).await.unwrap().len(), 1);
    server.es9().handle_notification(&Caller::default(), euicc.notification(3, both, order.iccid)).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Deleted);
}

#[tokio::test]
async fn a_result_is_taken_long_after_the_session() {
    let (server, euicc, order, session) = delivered().await;
    server.advance_clock(90 * 86_400);
    assert_eq!(server.smdp.sweep().await.map(|swept| swept.sessions).unwrap(), 0);
    server.es9().handle_notification(&Caller::default(), euicc.result(&session, 1, order.iccid, None)).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Installed);
    // The session is over, and its row goes within a day.
    server.advance_clock(86_400 + 1);
    assert_eq!(server.smdp.sweep().await.map(|swept| swept.sessions).unwrap(), 1);
}
