//! A session is about one order: whatever became of the profile since, it moves no other.

use rsp_asn1::{CancelSessionReason, ErrorReason, NotificationEvent, TransactionId};
use rsp_crypto::{Curve, SecretKey};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{Error, PlacedOrder, Settings};
use rsp_store::ProfileState;
use rsp_testkit::SeededRandomness;

use crate::euicc::TestEuicc;
use crate::server::{NOW, Server, assert_refused, code, new_order};

/// A reason for which the eUICC will never take this package.
const FOR_GOOD: Option<ErrorReason> = Some(ErrorReason(12));

fn another(server: &Server) -> TestEuicc {
    TestEuicc::minted(server.pki, Curve::P256, "89049032000000000000000000000042")
}

/// The profile, ordered once more, for one eUICC.
async fn ordered_again(server: &Server, euicc: &TestEuicc) -> PlacedOrder {
    let mut order = new_order();
    order.eid = Some(euicc.eid);
    server.orders.order(order).await.unwrap()
}

async fn report(server: &Server, euicc: &TestEuicc, session: &TransactionId, seq: u64, reason: Option<ErrorReason>) {
    let iccid = server.store.profiles().await.unwrap()[0].iccid;
    server.es9().handle_notification(&Caller::default(), euicc.result(session, seq, iccid, reason)).await.unwrap();
}

/// Two packages delivered to one eUICC for one order, each in a session of its own.
async fn delivered_twice(server: &Server) -> (TestEuicc, PlacedOrder, [TransactionId; 2]) {
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let first = euicc.deliver(server, &order.matching_id).await.transaction_id;
    let second = euicc.deliver(server, &order.matching_id).await.transaction_id;
    (euicc, order, [first, second])
}

/// An eUICC with a session of an order that is over, and the next order of the same profile, for another eUICC.
async fn order_that_moved_on(server: &Server) -> (TestEuicc, TransactionId, TestEuicc, PlacedOrder) {
    let (old, order, [late, installed]) = delivered_twice(server).await;
    report(server, &old, &installed, 1, None).await;
    let deleted = old.notification(2, NotificationEvent::DELETE, order.iccid);
    server.es9().handle_notification(&Caller::default(), deleted).await.unwrap();
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let new = another(server);
    let next = ordered_again(server, &new).await;
    assert_eq!(next.iccid, order.iccid);
    (old, late, new, next)
}

#[tokio::test]
async fn a_session_of_a_cancelled_order_is_closed() {
    let server = Server::new().await;
    let old = server.euicc(Curve::P256);
    let order = server.order().await;
    let stale = old.authenticate(&server, &order.matching_id).await;
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let next = ordered_again(&server, &another(&server)).await;
    assert_eq!(next.iccid, order.iccid);
    let cancel = old.cancel_request(&stale.transaction_id, CancelSessionReason::END_USER_REJECTION);
    assert_refused(server.es9().cancel_session(&Caller::default(), cancel).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
    let answer = old.try_prepare(&server, &stale, None).await;
    assert_refused(answer, &StatusCode::TRANSACTION_ID_UNKNOWN);
    assert_eq!(server.state(&next).await, ProfileState::Released);
}

#[tokio::test]
async fn a_stale_session_does_not_cancel_the_next_order() {
    for delivered in [false, true] {
        let server = Server::new().await;
        let (old, late, new, next) = order_that_moved_on(&server).await;
        let expected = if delivered { ProfileState::Downloaded } else { ProfileState::Released };
        if delivered {
            new.deliver(&server, &next.matching_id).await;
        }
        let cancel = old.cancel_request(&late, CancelSessionReason::END_USER_REJECTION);
        server.es9().cancel_session(&Caller::default(), cancel.clone()).await.unwrap();
        assert_eq!(server.state(&next).await, expected);
        assert_refused(
            server.es9().cancel_session(&Caller::default(), cancel).await,
            &StatusCode::TRANSACTION_ID_UNKNOWN,
        );
        let answer = new.try_authenticate(&server, Some(&next.matching_id)).await;
        assert_eq!(answer.unwrap().profile_metadata.value().iccid, next.iccid);
    }
}

#[tokio::test]
async fn a_late_result_does_not_move_the_next_order() {
    for reason in [None, FOR_GOOD] {
        let server = Server::new().await;
        let (old, late, new, next) = order_that_moved_on(&server).await;
        let session = new.deliver(&server, &next.matching_id).await.transaction_id;
        report(&server, &old, &late, 3, reason).await;
        assert_eq!(server.state(&next).await, ProfileState::Downloaded);
        // It is on record all the same, and its session is over: sent again, it is not taken again.
        assert_eq!(server.store.notifications(&next.iccid).await.unwrap().len(), 3);
        report(&server, &old, &late, 3, reason).await;
        assert_eq!(server.store.notifications(&next.iccid).await.unwrap().len(), 3);
        report(&server, &new, &session, 1, None).await;
        assert_eq!(server.state(&next).await, ProfileState::Installed);
    }
}

#[tokio::test]
async fn a_late_result_does_not_move_the_next_order_of_the_same_euicc() {
    let server = Server::new().await;
    let (old, late, _, next) = order_that_moved_on(&server).await;
    server.orders.cancel(&next.iccid, true).await.unwrap();
    let next = ordered_again(&server, &old).await;
    let session = old.deliver(&server, &next.matching_id).await.transaction_id;
    report(&server, &old, &late, 3, FOR_GOOD).await;
    assert_eq!(server.state(&next).await, ProfileState::Downloaded);
    report(&server, &old, &session, 4, None).await;
    assert_eq!(server.state(&next).await, ProfileState::Installed);
}

#[tokio::test]
async fn a_session_of_an_order_that_moved_on_gets_no_package() {
    let server = Server::new().await;
    let (old, order, _) = delivered_twice(&server).await;
    let authenticated = old.authenticate(&server, &order.matching_id).await;
    let request = old.prepare_request(&authenticated, None);
    server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    report(&server, &old, &authenticated.transaction_id, 1, None).await;
    assert_refused(
        server.es9().get_bound_profile_package(&Caller::default(), request).await,
        &StatusCode::TRANSACTION_ID_UNKNOWN,
    );

    // The session of another delivery of the same order, whose order is another's now.
    let server = Server::new().await;
    let old = server.euicc(Curve::P256);
    let order = server.order().await;
    let authenticated = old.authenticate(&server, &order.matching_id).await;
    let request = old.prepare_request(&authenticated, None);
    server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    let second = old.deliver(&server, &order.matching_id).await.transaction_id;
    report(&server, &old, &second, 1, None).await;
    let deleted = old.notification(2, NotificationEvent::DELETE, order.iccid);
    server.es9().handle_notification(&Caller::default(), deleted).await.unwrap();
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let next = ordered_again(&server, &another(&server)).await;
    let answer = server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await;
    assert_refused(answer, &StatusCode::EID_REFUSED);
    server.orders.cancel(&next.iccid, true).await.unwrap();
    ordered_again(&server, &old).await;
    let answer = server.es9().get_bound_profile_package(&Caller::default(), request).await;
    assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
}

#[tokio::test]
async fn a_success_after_a_failure_is_an_installed_profile() {
    let server = Server::new().await;
    let (euicc, order, [first, second]) = delivered_twice(&server).await;
    report(&server, &euicc, &second, 2, FOR_GOOD).await;
    assert_eq!(server.state(&order).await, ProfileState::Error);
    report(&server, &euicc, &first, 1, None).await;
    assert_eq!(server.state(&order).await, ProfileState::Installed);
    assert!(matches!(server.orders.cancel(&order.iccid, true).await, Err(Error::DownloadedAlready(..))));
}

#[tokio::test]
async fn a_success_after_a_cancelled_session_is_an_installed_profile() {
    let server = Server::new().await;
    let (euicc, order, [first, second]) = delivered_twice(&server).await;
    let cancel = euicc.cancel_request(&second, CancelSessionReason::END_USER_REJECTION);
    server.es9().cancel_session(&Caller::default(), cancel).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Error);
    report(&server, &euicc, &first, 1, None).await;
    assert_eq!(server.state(&order).await, ProfileState::Installed);
}

#[tokio::test]
async fn a_failure_of_an_earlier_delivery_moves_nothing() {
    let server = Server::new().await;
    let (euicc, order, [first, second]) = delivered_twice(&server).await;
    report(&server, &euicc, &first, 1, FOR_GOOD).await;
    assert_eq!(server.state(&order).await, ProfileState::Downloaded);
    report(&server, &euicc, &second, 2, None).await;
    assert_eq!(server.state(&order).await, ProfileState::Installed);
    assert_eq!(server.store.notifications(&order.iccid).await.unwrap().len(), 2);
    let events = server.store.profile_events(&order.iccid).await.unwrap();
    let states: Vec<_> = events.iter().map(|event| event.to.as_str()).collect();
    assert_eq!(states, ["Available", "Allocated", "Released", "Downloaded", "Installed"]);
}

#[tokio::test]
async fn a_profile_that_was_delivered_is_not_ordered_again() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let session = euicc.deliver(&server, &order.matching_id).await.transaction_id;
    report(&server, &euicc, &session, 1, FOR_GOOD).await;
    let refused = server.orders.cancel(&order.iccid, true).await.unwrap_err();
    assert!(matches!(&refused, Error::AlreadyDownloaded(iccid) if *iccid == order.iccid));
    assert!(StatusCode::from(refused).is(&StatusCode::ICCID_ALREADY_IN_USE));
    assert_eq!(server.state(&order).await, ProfileState::Error);
    assert_eq!(server.orders.cancel(&order.iccid, false).await.unwrap(), ProfileState::Unavailable);
    assert!(matches!(server.orders.order(new_order()).await, Err(Error::ProfileTypeUnavailable(_))));
}

#[tokio::test]
async fn a_repeat_after_another_binding_is_refused() {
    let server = Server::new().await;
    let mut euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let request = euicc.prepare_request(&authenticated, None);
    let first = server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    // A delivery under the same key leaves the first package what it was.
    euicc.deliver(&server, &order.matching_id).await;
    assert_eq!(server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap(), first);
    euicc.one_time_key = SecretKey::generate(Curve::P256, &mut SeededRandomness::new("another"));
    euicc.deliver(&server, &order.matching_id).await;
    let answer = server.es9().get_bound_profile_package(&Caller::default(), request).await;
    assert_refused(answer, &StatusCode::PROFILE_UNAVAILABLE);
    assert_eq!(server.state(&order).await, ProfileState::Downloaded);
}

#[tokio::test]
async fn a_repeat_is_refused_when_the_order_is_over() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.expires_at = Some(NOW.plus_seconds(60))).await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let request = euicc.prepare_request(&authenticated, None);
    server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    server.advance_clock(61);
    assert_refused(
        server.es9().get_bound_profile_package(&Caller::default(), request).await,
        &StatusCode::DOWNLOAD_ORDER_EXPIRED,
    );
}

#[tokio::test]
async fn a_repeat_is_refused_when_the_confirmation_code_was_wrong_too_often() {
    let server = Server::with_settings(Settings { confirmation_code_limit: 1, ..Settings::default() }).await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let request = euicc.prepare_request(&authenticated, Some(crate::server::CODE));
    server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    let guess = euicc.authenticate(&server, &order.matching_id).await;
    let answer = euicc.try_prepare(&server, &guess, Some("wrong")).await;
    assert_refused(answer, &StatusCode::CONFIRMATION_CODE_REFUSED);
    let answer = server.es9().get_bound_profile_package(&Caller::default(), request).await;
    assert_refused(answer, &StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED);
    assert_eq!(server.state(&order).await, ProfileState::Error);
}

#[tokio::test]
async fn a_repeat_of_the_last_delivery_is_answered() {
    let server = Server::with_settings(Settings { download_limit: 1, ..Settings::default() }).await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let request = euicc.prepare_request(&authenticated, None);
    let first = server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    assert_eq!(server.es9().get_bound_profile_package(&Caller::default(), request).await.unwrap(), first);
    assert_eq!(server.state(&order).await, ProfileState::Downloaded);
}

#[tokio::test]
async fn a_card_made_anew_reports_under_the_same_numbers() {
    let server = Server::new().await;
    server.import(true).await;
    let euicc = server.euicc(Curve::P256);
    for _ in 0..2 {
        let order = server.orders.order(new_order()).await.unwrap();
        let session = euicc.deliver(&server, &order.matching_id).await.transaction_id;
        server
            .es9()
            .handle_notification(&Caller::default(), euicc.result(&session, 1, order.iccid, None))
            .await
            .unwrap();
        assert_eq!(server.state(&order).await, ProfileState::Installed);
        let deleted = euicc.notification(2, NotificationEvent::DELETE, order.iccid);
        server.es9().handle_notification(&Caller::default(), deleted).await.unwrap();
        assert_eq!(server.state(&order).await, ProfileState::Deleted);
        assert_eq!(server.store.notifications(&order.iccid).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_result_with_a_number_seen_before_counts_in_its_session() {
    // The same profile, installed once more by a card made anew: same EID, same ICCID, same number.
    let server = Server::new().await;
    let (old, _, _, next) = order_that_moved_on(&server).await;
    server.orders.cancel(&next.iccid, true).await.unwrap();
    let next = ordered_again(&server, &old).await;
    let session = old.deliver(&server, &next.matching_id).await.transaction_id;
    report(&server, &old, &session, 1, None).await;
    assert_eq!(server.state(&next).await, ProfileState::Installed);
    assert_eq!(server.store.notifications(&next.iccid).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_expired_order_does_not_hide_a_later_one() {
    let server = Server::new().await;
    server.import(true).await;
    let euicc = server.euicc(Curve::P256);
    let place = |expires_at| {
        let mut order = new_order();
        order.eid = Some(euicc.eid);
        order.expires_at = expires_at;
        server.orders.order(order)
    };
    let expired = place(Some(NOW.plus_seconds(60))).await.unwrap();
    server.advance_clock(30);
    let downloaded = place(None).await.unwrap();
    let found = |answer: rsp_es::es9plus::AuthenticateClientResponse| answer.profile_metadata.value().iccid;
    // While it lives, the oldest comes first; no order is preferred for having an end.
    let answer = euicc.try_authenticate(&server, None).await.unwrap();
    assert_eq!(found(answer), server.store.profiles().await.unwrap()[0].iccid);
    server.advance_clock(31);
    assert_eq!(found(euicc.try_authenticate(&server, None).await.unwrap()), downloaded.iccid);
    euicc.deliver(&server, &downloaded.matching_id).await;
    assert_eq!(found(euicc.try_authenticate(&server, Some("")).await.unwrap()), downloaded.iccid);
    // One that was never delivered goes before one that was.
    let released = place(None).await.unwrap();
    assert_eq!(found(euicc.try_authenticate(&server, None).await.unwrap()), released.iccid);
    // With none but the expired one left, the answer says why.
    for order in [&released, &downloaded] {
        let session = euicc.deliver(&server, &order.matching_id).await.transaction_id;
        server
            .es9()
            .handle_notification(&Caller::default(), euicc.result(&session, 1, order.iccid, None))
            .await
            .unwrap();
    }
    assert_refused(euicc.try_authenticate(&server, None).await, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
    assert_eq!(server.state(&expired).await, ProfileState::Released);
}
