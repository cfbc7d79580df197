//! ES9+.HandleNotification: what is believed, and that it counts once.

use rsp_asn1::{ErrorReason, NotificationEvent, PendingNotification, TransactionId};
use rsp_crypto::Curve;
use rsp_es::es9plus::HandleNotificationRequest;
use rsp_es::server::Caller;
use rsp_smdp::PlacedOrder;
use rsp_store::{OrderPolicy, ProfileState};

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

/// An eUICC with an order that it downloads several times, and what it reports, in any order.
struct Download {
    server: Server,
    euicc: TestEuicc,
    order: PlacedOrder,
}

impl Download {
    async fn new(policy: OrderPolicy) -> Self {
        let server = Server::new().await;
        let (euicc, order) = (server.euicc(Curve::P256), server.order_with(|order| order.policy = policy).await);
        Self { server, euicc, order }
    }

    async fn delivered(&self) -> TransactionId {
        self.euicc.deliver(&self.server, &self.order.matching_id).await.transaction_id
    }

    async fn result(&self, session: &TransactionId, number: u64, reason: Option<ErrorReason>) -> ProfileState {
        self.sent(self.euicc.result(session, number, self.order.iccid, reason)).await
    }

    async fn deleted(&self, number: u64) -> ProfileState {
        self.sent(self.euicc.notification(number, NotificationEvent::DELETE, self.order.iccid)).await
    }

    async fn sent(&self, notification: HandleNotificationRequest) -> ProfileState {
        self.server.es9().handle_notification(&Caller::default(), notification).await.unwrap();
        self.server.state(&self.order).await
    }
}

/// Were it believed, the profile could be given to another eUICC while it is on this one.
#[tokio::test]
async fn atk_deletion_held_back_until_the_profile_is_installed_again() {
    let download = Download::new(OrderPolicy::SameEid).await;
    let first = download.delivered().await;
    assert_eq!(download.result(&first, 1, None).await, ProfileState::Installed);
    let second = download.delivered().await;
    assert_eq!(download.result(&second, 3, None).await, ProfileState::Installed);
    assert_eq!(download.deleted(2).await, ProfileState::Installed);
    download.server.orders.cancel(&download.order.iccid, true).await.unwrap_err();
    assert_eq!(download.deleted(4).await, ProfileState::Deleted);
}

/// The result of the newer package is held back, too: that of an older one does not stand for it.
#[tokio::test]
async fn atk_deletion_held_back_with_the_result_that_follows_it() {
    for policy in [OrderPolicy::OneTime, OrderPolicy::SameEid] {
        for (reason, after) in [(None, ProfileState::Installed), (Some(ErrorReason(12)), ProfileState::Deleted)] {
            let download = Download::new(policy).await;
            let (first, second) = (download.delivered().await, download.delivered().await);
            assert_eq!(download.result(&first, 1, None).await, ProfileState::Installed);
            assert_eq!(download.deleted(2).await, ProfileState::Installed);
            assert_eq!(download.result(&second, 3, reason).await, after, "{policy:?}");
            assert_eq!(download.deleted(4).await, ProfileState::Deleted);
        }
    }
}

#[tokio::test]
async fn a_result_that_comes_late_does_not_make_an_old_deletion_new() {
    let download = Download::new(OrderPolicy::SameEid).await;
    let (first, second) = (download.delivered().await, download.delivered().await);
    for (session, number) in [(second, 3), (first, 1)] {
        assert_eq!(download.result(&session, number, None).await, ProfileState::Installed);
    }
    assert_eq!(download.deleted(2).await, ProfileState::Installed);
    assert_eq!(download.deleted(4).await, ProfileState::Deleted);
}

#[tokio::test]
async fn a_deletion_waits_for_no_result_that_came_before() {
    let download = Download::new(OrderPolicy::OneTime).await;
    let (first, second) = (download.delivered().await, download.delivered().await);
    assert_eq!(download.result(&second, 2, Some(ErrorReason(12))).await, ProfileState::Error);
    assert_eq!(download.result(&first, 1, None).await, ProfileState::Installed);
    assert_eq!(download.deleted(3).await, ProfileState::Deleted);
}

#[tokio::test]
async fn a_card_that_was_made_anew_counts_from_one_again() {
    let download = Download::new(OrderPolicy::SameEid).await;
    for (installed, deleted) in [(10, 11), (1, 2)] {
        let session = download.delivered().await;
        assert_eq!(download.result(&session, installed, None).await, ProfileState::Installed);
        assert_eq!(download.deleted(deleted).await, ProfileState::Deleted);
    }
}

#[tokio::test]
async fn a_deletion_that_overtakes_its_installation_counts_when_that_arrives() {
    for (installed, after) in [(1, ProfileState::Deleted), (3, ProfileState::Installed)] {
        let download = Download::new(OrderPolicy::OneTime).await;
        let session = download.delivered().await;
        for _ in 0..2 {
            assert_eq!(download.deleted(2).await, ProfileState::Downloaded);
        }
        assert_eq!(download.result(&session, installed, None).await, after);
        assert_eq!(download.deleted(2).await, after);
        // Each move is a line of the log, also when two come with one notification.
        let events = download.server.store.profile_events(&download.order.iccid).await.unwrap();
        let moves: Vec<_> = events.iter().map(|event| event.to).collect();
        let delivered = moves.iter().position(|state| *state == ProfileState::Downloaded).unwrap();
        let expected = [ProfileState::Downloaded, ProfileState::Installed, ProfileState::Deleted];
        let count = if after == ProfileState::Deleted { 3 } else { 2 };
        assert_eq!(moves[delivered..], expected[..count]);
    }
}

#[tokio::test]
async fn what_the_euiccs_of_a_reusable_order_report_is_recorded_and_moves_nothing() {
    let download = Download::new(OrderPolicy::Reusable).await;
    let session = download.delivered().await;
    download.result(&session, 1, None).await;
    let events = [NotificationEvent::ENABLE, NotificationEvent::DISABLE, NotificationEvent::DELETE];
    let other = TestEuicc::minted(download.server.pki, Curve::P256, "89049032000000000000000000000042");
    for (number, event) in (2..).zip(events) {
        for euicc in [&download.euicc, &other] {
            let notification = euicc.notification(number, event, download.order.iccid);
            assert_eq!(download.sent(notification).await, ProfileState::Installed);
        }
    }
    let kept = download.server.store.notifications(&download.order.iccid).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|kept| (kept.eid, kept.event.as_str())).collect();
    let names = ["notificationInstall", "notificationEnable", "notificationDisable", "notificationDelete"];
    assert_eq!(kept, names.map(|name| (download.euicc.eid, name)));
}
