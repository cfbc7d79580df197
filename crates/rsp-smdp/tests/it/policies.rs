//! How often an order can be downloaded, by whom, and until when.

use rsp_asn1::{CancelSessionReason, ErrorReason, NotificationEvent, TransactionId};
use rsp_crypto::{Curve, SecretKey};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{Error, NewOrder, PlacedOrder, Rebinding, Settings};
use rsp_store::{OrderPolicy, ProfileState};
use rsp_testkit::SeededRandomness;

use crate::euicc::TestEuicc;
use crate::server::{CODE, NOW, Server, assert_refused, code};

const FOR_GOOD: Option<ErrorReason> = Some(ErrorReason(12));
const FOR_NOW: Option<ErrorReason> = Some(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE);

fn another(server: &Server) -> TestEuicc {
    TestEuicc::minted(server.pki, Curve::P256, "89049032000000000000000000000042")
}

async fn placed(server: &Server, policy: OrderPolicy) -> PlacedOrder {
    server.order_with(|order| order.policy = policy).await
}

async fn report(
    server: &Server,
    euicc: &TestEuicc,
    order: &PlacedOrder,
    session: &TransactionId,
    seq: u64,
    reason: Option<ErrorReason>,
) {
    let result = euicc.result(session, seq, order.iccid, reason);
    server.es9().handle_notification(&Caller::default(), result).await.unwrap();
}

/// A download that succeeds, with a one-time key of its own.
async fn installs(server: &Server, euicc: &mut TestEuicc, order: &PlacedOrder, seq: u64) {
    euicc.one_time_key = SecretKey::generate(Curve::P256, &mut SeededRandomness::new(format!("key {seq}")));
    let session = euicc.deliver(server, &order.matching_id).await.transaction_id;
    report(server, euicc, order, &session, seq, None).await;
    assert_eq!(server.state(order).await, ProfileState::Installed);
}

async fn deleted(server: &Server, euicc: &TestEuicc, order: &PlacedOrder, seq: u64) {
    let notification = euicc.notification(seq, NotificationEvent::DELETE, order.iccid);
    server.es9().handle_notification(&Caller::default(), notification).await.unwrap();
    assert_eq!(server.state(order).await, ProfileState::Deleted);
}

#[tokio::test]
async fn a_one_time_order_is_over_when_it_is_installed() {
    let server = Server::new().await;
    let (mut euicc, other) = (server.euicc(Curve::P256), another(&server));
    let order = placed(&server, OrderPolicy::OneTime).await;
    installs(&server, &mut euicc, &order, 1).await;
    let again = Some(order.matching_id.as_str());
    assert_refused(euicc.try_authenticate(&server, again).await, &StatusCode::PROFILE_NOT_RELEASED);
    assert_refused(other.try_authenticate(&server, again).await, &StatusCode::EID_REFUSED);
    deleted(&server, &euicc, &order, 2).await;
    assert_refused(euicc.try_authenticate(&server, again).await, &StatusCode::PROFILE_NOT_RELEASED);
}

#[tokio::test]
async fn a_same_eid_order_serves_its_euicc_again_and_no_other() {
    for rebinding in [Rebinding::Allowed, Rebinding::Refused] {
        let settings = Settings { rebinding, download_limit: 2, ..Settings::default() };
        let server = Server::with_settings(settings).await;
        let (mut euicc, other) = (server.euicc(Curve::P256), another(&server));
        let order = placed(&server, OrderPolicy::SameEid).await;
        let matching_id = Some(order.matching_id.as_str());
        for round in 0..4 {
            installs(&server, &mut euicc, &order, 10 * round + 1).await;
            assert_refused(other.try_authenticate(&server, matching_id).await, &StatusCode::EID_REFUSED);
            if round % 2 == 1 {
                deleted(&server, &euicc, &order, 10 * round + 2).await;
            }
        }
        // The limit is for deliveries without success.
        for _ in 0..2 {
            euicc.deliver(&server, &order.matching_id).await;
        }
        assert_refused(
            euicc.try_authenticate(&server, matching_id).await,
            &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED,
        );
        assert_eq!(server.state(&order).await, ProfileState::Error);
    }
}

#[tokio::test]
async fn a_late_failure_from_before_the_installation_does_not_end_a_same_eid_order() {
    let server = Server::new().await;
    let mut euicc = server.euicc(Curve::P256);
    let order = placed(&server, OrderPolicy::SameEid).await;
    let late = euicc.deliver(&server, &order.matching_id).await.transaction_id;
    installs(&server, &mut euicc, &order, 1).await;
    // The first delivery after the installation has the number that the first one had before it.
    let now = euicc.deliver(&server, &order.matching_id).await.transaction_id;
    report(&server, &euicc, &order, &late, 2, FOR_GOOD).await;
    assert_eq!(server.state(&order).await, ProfileState::Downloaded);
    report(&server, &euicc, &order, &now, 3, FOR_GOOD).await;
    assert_eq!(server.state(&order).await, ProfileState::Error);
}

#[tokio::test]
async fn a_reusable_order_serves_two_euiccs_at_the_same_time() {
    let server = Server::new().await;
    let (one, two) = (server.euicc(Curve::P256), another(&server));
    let order = server
        .order_with(|order| {
            order.policy = OrderPolicy::Reusable;
            order.confirmation_code = Some(code());
        })
        .await;
    let first = one.authenticate(&server, &order.matching_id).await;
    let second = two.authenticate(&server, &order.matching_id).await;
    assert_eq!(first.smdp_signed2.value().bpp_euicc_otpk, None);
    let to_two = two.try_prepare(&server, &second, Some(CODE)).await.unwrap();
    let to_one = one.try_prepare(&server, &first, Some(CODE)).await.unwrap();
    for (euicc, authenticated, answer) in [(&one, &first, &to_one), (&two, &second, &to_two)] {
        let (metadata, elements) = crate::download::open(euicc, authenticated, answer.bound_profile_package.as_slice());
        assert_eq!(metadata, authenticated.profile_metadata.bytes());
        assert_eq!(elements, *server.package);
    }
    // What becomes of one is nothing to the other, nor to the next.
    report(&server, &two, &order, &second.transaction_id, 1, FOR_GOOD).await;
    report(&server, &one, &order, &first.transaction_id, 1, None).await;
    assert_eq!(server.state(&order).await, ProfileState::Installed);
    for _ in 0..12 {
        let authenticated = two.authenticate(&server, &order.matching_id).await;
        two.try_prepare(&server, &authenticated, Some(CODE)).await.unwrap();
    }
    let rejected = two.authenticate(&server, &order.matching_id).await.transaction_id;
    let cancel = two.cancel_request(&rejected, CancelSessionReason::END_USER_REJECTION);
    server.es9().cancel_session(&Caller::default(), cancel).await.unwrap();
    one.authenticate(&server, &order.matching_id).await;
    assert_eq!(server.profile(&order).await.eid, None);
}

#[tokio::test]
async fn a_reusable_order_has_the_limit_that_it_was_given() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server
        .order_with(|order| {
            order.policy = OrderPolicy::Reusable;
            order.download_limit = Some(2);
        })
        .await;
    for _ in 0..2 {
        euicc.deliver(&server, &order.matching_id).await;
    }
    for _ in 0..2 {
        assert_refused(
            another(&server).try_authenticate(&server, Some(&order.matching_id)).await,
            &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED,
        );
    }
}

#[tokio::test]
async fn each_order_has_its_own_limits() {
    let server = Server::new().await;
    server.import(true).await;
    let euicc = server.euicc(Curve::P256);
    for limit in [1, 3] {
        let mut order = NewOrder::of("basic");
        (order.download_limit, order.confirmation_limit) = (Some(limit), Some(limit));
        order.confirmation_code = Some(code());
        let wrong = server.orders.order(order).await.unwrap();
        for tries in 0..=limit {
            assert_eq!(server.profile(&wrong).await.confirmation_tries, tries);
            let authenticated = euicc.authenticate(&server, &wrong.matching_id).await;
            let answer = euicc.try_prepare(&server, &authenticated, Some("wrong")).await;
            let expected = match tries {
                tries if tries < limit => &StatusCode::CONFIRMATION_CODE_REFUSED,
                _ => &StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED,
            };
            assert_refused(answer, expected);
        }
        assert_eq!(server.profile(&wrong).await.confirmation_tries, limit);
        assert_eq!(server.state(&wrong).await, ProfileState::Error);

        let mut order = NewOrder::of("basic");
        order.download_limit = Some(limit);
        let order = server.orders.order(order).await.unwrap();
        for _ in 0..limit {
            euicc.deliver(&server, &order.matching_id).await;
        }
        for _ in 0..2 {
            assert_refused(
                euicc.try_authenticate(&server, Some(&order.matching_id)).await,
                &StatusCode::DOWNLOAD_ORDER_RETRIES_EXCEEDED,
            );
        }
        assert_eq!(server.profile(&order).await.download_tries, limit);
        assert_eq!(server.state(&order).await, ProfileState::Error);
    }
}

#[tokio::test]
async fn an_order_that_has_expired_says_so_before_and_after_it_is_swept() {
    for delivered in [false, true] {
        let server = Server::new().await;
        let euicc = server.euicc(Curve::P256);
        let order = server.order_with(|order| order.expires_at = Some(NOW.plus_seconds(60))).await;
        if delivered {
            euicc.deliver(&server, &order.matching_id).await;
        }
        let waiting = euicc.authenticate(&server, &order.matching_id).await;
        server.advance_clock(60);
        assert_eq!(server.smdp.sweep().await.unwrap().orders, 0);
        euicc.authenticate(&server, &order.matching_id).await;
        server.advance_clock(1);
        let matching_id = Some(order.matching_id.as_str());
        assert_refused(euicc.try_authenticate(&server, matching_id).await, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
        assert_refused(euicc.try_prepare(&server, &waiting, None).await, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
        assert_eq!(server.smdp.sweep().await.unwrap().orders, 1);
        assert_eq!(server.state(&order).await, ProfileState::Error);
        assert_refused(euicc.try_authenticate(&server, matching_id).await, &StatusCode::DOWNLOAD_ORDER_EXPIRED);
        // Its sessions ended with it.
        assert_refused(euicc.try_prepare(&server, &waiting, None).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
        assert_eq!(server.smdp.sweep().await.unwrap().orders, 0);
    }
}

#[tokio::test]
async fn the_sweep_closes_every_order_whose_time_is_over_and_no_other() {
    let server = Server::new().await;
    server.import(true).await;
    let mut due = Vec::new();
    for number in 0..70 {
        let mut order = NewOrder::of("basic");
        order.expires_at = Some(NOW.plus_seconds(10));
        order.state = [ProfileState::Released, ProfileState::Confirmed, ProfileState::Downloaded][number % 3];
        due.push(server.orders.order(order).await.unwrap());
    }
    let mut others = Vec::new();
    for (state, expires_at) in [
        (ProfileState::Released, Some(NOW.plus_seconds(11))),
        (ProfileState::Released, None),
        (ProfileState::Installed, Some(NOW.plus_seconds(10))),
        (ProfileState::Allocated, Some(NOW.plus_seconds(10))),
    ] {
        let mut order = NewOrder::of("basic");
        (order.state, order.expires_at) = (state, expires_at);
        others.push(server.orders.order(order).await.unwrap());
    }
    server.advance_clock(11);
    assert_eq!(server.smdp.sweep().await.unwrap().orders, 70);
    for order in &due {
        assert_eq!(server.state(order).await, ProfileState::Error);
    }
    for order in &others {
        assert_eq!(server.state(order).await, order.state);
    }
}

#[tokio::test]
async fn a_half_finished_session_neither_blocks_nor_counts() {
    let settings = Settings { download_limit: 1, confirmation_code_limit: 1, ..Settings::default() };
    let server = Server::with_settings(settings).await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    for _ in 0..20 {
        euicc.initiate(&server).await;
        euicc.authenticate(&server, &order.matching_id).await;
    }
    let found = server.profile(&order).await;
    assert_eq!((found.download_tries, found.confirmation_tries), (0, 0));
    // One that the user put off is none either.
    for reason in [CancelSessionReason::POSTPONED, CancelSessionReason::TIMEOUT] {
        let session = euicc.authenticate(&server, &order.matching_id).await.transaction_id;
        let cancel = euicc.cancel_request(&session, reason);
        server.es9().cancel_session(&Caller::default(), cancel).await.unwrap();
    }
    let session = euicc.deliver(&server, &order.matching_id).await.transaction_id;
    report(&server, &euicc, &order, &session, 1, FOR_NOW).await;
    assert_eq!(server.state(&order).await, ProfileState::Downloaded);
}

#[tokio::test]
async fn a_laboratorys_orders_stand_where_they_were_put() {
    let server = Server::new().await;
    server.import(true).await;
    for policy in OrderPolicy::ALL {
        for state in ProfileState::ALL {
            if matches!(state, ProfileState::Available) {
                continue;
            }
            let mut order = NewOrder::of("basic");
            (order.state, order.policy, order.eid) = (state, policy, Some(server.euicc(Curve::P256).eid));
            if state == ProfileState::Allocated {
                order.eid = None;
            }
            let placed = server.orders.order(order).await.unwrap();
            assert_eq!((placed.state, server.state(&placed).await), (state, state), "{policy:?}");
        }
    }
}

#[tokio::test]
async fn an_order_that_can_be_downloaded_again_can_be_withdrawn_and_its_profile_is_not_sold_again() {
    for policy in [OrderPolicy::SameEid, OrderPolicy::Reusable] {
        let server = Server::new().await;
        let order = placed(&server, policy).await;
        let mut euicc = server.euicc(Curve::P256);
        installs(&server, &mut euicc, &order, 1).await;
        assert!(matches!(server.orders.cancel(&order.iccid, true).await, Err(Error::DownloadedAlready(..))));
        assert_eq!(server.orders.cancel(&order.iccid, false).await.unwrap(), ProfileState::Unavailable);
        let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
}

#[tokio::test]
async fn the_log_names_the_function_that_ended_an_order() {
    let server = Server::with_settings(Settings { confirmation_code_limit: 3, ..Settings::default() }).await;
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    let euicc = server.euicc(Curve::P256);
    for _ in 0..4 {
        let authenticated = euicc.authenticate(&server, &order.matching_id).await;
        euicc.try_prepare(&server, &authenticated, Some("wrong")).await.unwrap_err();
    }
    let last = server.store.profile_events(&order.iccid).await.unwrap().pop().unwrap();
    assert_eq!((last.to, last.actor.as_str()), (ProfileState::Error, "GetBoundProfilePackage"));
}
