//! Cancelling what another SM-DP+ sold: it ends here when nothing of it is there, and what was done is never told as undone.

use std::sync::Arc;

use rsp_es::status::StatusCode;
use rsp_operator::{Desk, Error, provisioning};
use rsp_store::ProfileState;

use crate::provisioning::{Fault, Smdp, serve};
use crate::shop::{Shop, tenant};
use crate::unrecorded::{desk, last_of, wanted};

/// An eSIM that this SM-DP+ sold to A.
async fn sold(smdp: Smdp) -> (Shop, Arc<Smdp>, Desk) {
    let shop = Shop::new().await;
    shop.plan("S", |_| {}).await;
    let (smdp, supplier) = serve(smdp).await;
    let desk = desk(&shop, &Arc::new(supplier));
    desk.provision(&tenant("A"), wanted()).await.unwrap();
    (shop, smdp, desk)
}

#[tokio::test]
async fn an_order_of_which_nothing_is_there_any_more_is_cancelled_here() {
    for (status, is_over) in [
        (StatusCode::ICCID_UNKNOWN, true),
        (StatusCode::ICCID_NOT_ALLOWED, true),
        (StatusCode::ICCID_INVALID_TRANSITION, true),
        (StatusCode::MATCHING_ID_INVALID_ASSOCIATION, true),
        (StatusCode::ICCID_ALREADY_IN_USE, false),
        (StatusCode::FUNCTION_REQUESTER_UNKNOWN, false),
    ] {
        let (shop, _, desk) = sold(Smdp::new(7, 1).that_cancels_nothing(status.clone())).await;
        let (anna, iccid) = (tenant("A"), last_of(7));
        let cancelled = desk.cancel(&anna, &iccid).await;
        let esim = desk.esim(&anna, &iccid).await.unwrap();
        let newest = shop.store.log(Some("A"), None, 1).await.unwrap().remove(0).entry.action;
        if is_over {
            assert_eq!(cancelled.unwrap().state, ProfileState::Unavailable, "{status}");
            assert_eq!((esim.state, newest.as_str()), (ProfileState::Unavailable, "cancel"), "{status}");
            assert!(esim.activation_code.is_none() && esim.code_to_hand_out().is_none(), "{status}");
            assert!(matches!(desk.cancel(&anna, &iccid).await, Err(Error::WrongState { .. })), "{status}");
        } else {
            let refused = cancelled.err().unwrap();
            assert!(matches!(refused, Error::Provisioning(provisioning::Error::Refused { .. })), "{refused}");
            assert_eq!((esim.state, newest.as_str()), (ProfileState::Released, "provision"), "{status}");
        }
    }
}

#[tokio::test]
async fn what_was_cancelled_there_and_not_noted_is_not_told_as_undone() {
    let (shop, smdp, desk) = sold(Smdp::new(7, 1)).await;
    let (anna, iccid) = (tenant("A"), last_of(7));
    let database = rusqlite::Connection::open(shop._dir.path().join("test.db")).unwrap();
    let full = "CREATE TRIGGER full BEFORE UPDATE ON esims BEGIN SELECT RAISE(ABORT, 'full'); END";
    database.execute_batch(full).unwrap();
    let error = desk.cancel(&anna, &iccid).await.err().unwrap();
    assert!(matches!(error, Error::Provisioning(provisioning::Error::Unanswered { .. })), "{error}");
    assert_eq!(smdp.sold(), 0);
    assert_eq!(desk.esim(&anna, &iccid).await.unwrap().state, ProfileState::Released);
    // Neither half of it is noted, and it goes another time.
    assert_eq!(shop.store.log(Some("A"), None, 1).await.unwrap()[0].entry.action, "provision");
    database.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(desk.cancel(&anna, &iccid).await.unwrap().state, ProfileState::Unavailable);
}

#[tokio::test]
async fn a_cancellation_whose_answer_is_lost_may_have_been_done_and_goes_another_time() {
    let faults: Vec<_> = [Fault::Fine; 2].into_iter().chain([Fault::AfterIt; 3]).collect();
    let (_shop, smdp, desk) = sold(Smdp::new(7, 1).with(&faults)).await;
    let (anna, iccid) = (tenant("A"), last_of(7));
    let error = desk.cancel(&anna, &iccid).await.err().unwrap();
    assert!(matches!(error, Error::Provisioning(provisioning::Error::Unanswered { .. })), "{error}");
    assert_eq!((smdp.sold(), desk.esim(&anna, &iccid).await.unwrap().state), (0, ProfileState::Released));
    assert_eq!(desk.cancel(&anna, &iccid).await.unwrap().state, ProfileState::Unavailable);
}
