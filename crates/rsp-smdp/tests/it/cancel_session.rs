//! ES9+.CancelSession: which reasons end an order, and what is refused.

use rsp_asn1::{
    CancelSessionReason, CancelSessionResponse, CancelSessionResponseError, ObjectIdentifier, Raw, TransactionId,
};
use rsp_crypto::Curve;
use rsp_es::es9plus::CancelSessionRequest;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_store::ProfileState;

use crate::euicc::TestEuicc;
use crate::server::{Server, assert_refused};

#[tokio::test]
async fn every_reason_has_its_effect_before_and_after_the_delivery() {
    let kept = [CancelSessionReason::POSTPONED, CancelSessionReason::TIMEOUT];
    let reasons = [
        CancelSessionReason::END_USER_REJECTION,
        CancelSessionReason::POSTPONED,
        CancelSessionReason::TIMEOUT,
        CancelSessionReason::PPR_NOT_ALLOWED,
        CancelSessionReason::METADATA_MISMATCH,
        CancelSessionReason::LOAD_BPP_EXECUTION_ERROR,
        CancelSessionReason::UNDEFINED_REASON,
        CancelSessionReason(17),
    ];
    for delivered in [false, true] {
        for reason in reasons {
            let server = Server::new().await;
            let euicc = server.euicc(Curve::P256);
            let order = server.order().await;
            let authenticated = euicc.authenticate(&server, &order.matching_id).await;
            let mut expected = ProfileState::Released;
            if delivered {
                euicc.try_prepare(&server, &authenticated, None).await.unwrap();
                expected = ProfileState::Downloaded;
            }
            let request = euicc.cancel_request(&authenticated.transaction_id, reason);
            server.es9().cancel_session(&Caller::default(), request.clone()).await.unwrap();
            let usable = kept.contains(&reason);
            assert_eq!(server.state(&order).await, if usable { expected } else { ProfileState::Error }, "{reason}");
            assert_refused(
                server.es9().cancel_session(&Caller::default(), request).await,
                &StatusCode::TRANSACTION_ID_UNKNOWN,
            );
            let again = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
            match usable {
                true => drop(again.unwrap()),
                false => assert_refused(again, &StatusCode::PROFILE_NOT_RELEASED),
            }
        }
    }
}

#[tokio::test]
async fn refuses_what_the_euicc_did_not_sign_for_this_session_and_server() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let session = euicc.authenticate(&server, &order.matching_id).await.transaction_id;
    let rejection = CancelSessionReason::END_USER_REJECTION;
    let unknown = TransactionId::from([9; 16]);

    let other = TestEuicc::minted(server.pki, Curve::P256, "89049032000000000000000000000042");
    let other_oid = ObjectIdentifier::new(vec![2, 999, 12]).unwrap();
    let mut inner = euicc.cancel_request(&unknown, rejection);
    inner.transaction_id = session.clone();
    let error = |code| CancelSessionRequest {
        transaction_id: session.clone(),
        cancel_session_response: Raw::new(CancelSessionResponse::Error(code)).unwrap(),
    };
    let cases = [
        (euicc.cancel_request(&unknown, rejection), StatusCode::TRANSACTION_ID_UNKNOWN),
        (inner, StatusCode::TRANSACTION_ID_UNKNOWN),
        (other.cancel_request(&session, rejection), StatusCode::EUICC_VERIFICATION_FAILED),
        (euicc.cancel_request_to(&session, rejection, other_oid), StatusCode::SMDP_INVALID_ASSOCIATION),
        (error(CancelSessionResponseError::INVALID_TRANSACTION_ID), StatusCode::TRANSACTION_ID_UNKNOWN),
        (error(CancelSessionResponseError::UNDEFINED_ERROR), StatusCode::EUICC_VERIFICATION_FAILED),
    ];
    for (request, expected) in cases {
        assert_refused(server.es9().cancel_session(&Caller::default(), request).await, &expected);
        assert_eq!(server.state(&order).await, ProfileState::Released);
    }
    let good = euicc.cancel_request(&session, rejection);
    server.es9().cancel_session(&Caller::default(), good).await.unwrap();
}

#[tokio::test]
async fn refuses_a_session_in_which_no_euicc_is_known() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let session = euicc.initiate(&server).await.transaction_id;
    let request = euicc.cancel_request(&session, CancelSessionReason::POSTPONED);
    assert_refused(server.es9().cancel_session(&Caller::default(), request).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
}
