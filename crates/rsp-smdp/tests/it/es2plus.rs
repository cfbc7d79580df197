//! What operators order over ES2+ (SGP.22 5.3), what devices then get, and what is refused.

use rsp_asn1::{Eid, Iccid};
use rsp_crypto::{Curve, Zeroizing};
use rsp_es::es2plus::{CancelOrderRequest, ConfirmOrderRequest, FinalProfileStatus};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{Error, Import, MetadataOptions, Undelivered};
use rsp_store::{OrderPolicy, ProfileState, SubscriberInStock};

use crate::euicc::TestEuicc;
use crate::operator::{ALPHA, BETA, Lab, SMDS, caller, iccid, inaccessible, registration, secret};
use crate::server::assert_refused;

fn another(lab: &Lab) -> TestEuicc {
    TestEuicc::minted(lab.pki, Curve::P256, "89049032000000000000000000000042")
}

fn eid_of(lab: &Lab) -> Eid {
    lab.euicc(Curve::P256).eid
}

#[tokio::test]
async fn an_order_goes_through_the_states_of_the_standard() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    for eid in [None, Some(eid_of(&lab))] {
        let mut order = lab.download(iccid);
        order.eid = eid;
        assert_eq!(lab.es2().download_order(&caller(ALPHA), order).await.unwrap().iccid, iccid);
        let ordered = if eid.is_some() { ProfileState::Linked } else { ProfileState::Allocated };
        assert_eq!(lab.state_of(iccid).await, ordered);
        let mut confirm = lab.confirm(iccid);
        confirm.release_flag = false;
        let confirmed = lab.es2().confirm_order(&caller(ALPHA), confirm).await.unwrap();
        assert_eq!((confirmed.eid, confirmed.smdp_address.as_deref()), (eid, Some("smdp.example.com:8443")));
        assert_eq!(lab.state_of(iccid).await, ProfileState::Confirmed);
        let matching_id = Some(confirmed.matching_id.as_str());
        let euicc = lab.euicc(Curve::P256);
        assert_refused(euicc.try_authenticate(&lab, matching_id).await, &StatusCode::PROFILE_NOT_RELEASED);
        lab.es2().release_profile(&caller(ALPHA), lab.release(iccid)).await.unwrap();
        assert_eq!(lab.state_of(iccid).await, ProfileState::Released);
        lab.es2().cancel_order(&caller(ALPHA), lab.cancel(iccid)).await.unwrap();
        let found = lab.find(iccid).await;
        assert_eq!((found.state, found.eid, found.matching_id), (ProfileState::Available, None, None));
        assert_refused(euicc.try_authenticate(&lab, matching_id).await, &StatusCode::MATCHING_ID_REFUSED);
    }
}

#[tokio::test]
async fn a_cancelled_order_ends_available_or_unavailable() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 2).await;
    for (iccid, status, state) in [
        (iccids[0], FinalProfileStatus::Available, ProfileState::Available),
        (iccids[1], FinalProfileStatus::Unavailable, ProfileState::Unavailable),
    ] {
        let matching_id = lab.placed(iccid, |_| {}).await;
        let mut cancel = lab.cancel(iccid);
        cancel.matching_id = Some(matching_id);
        cancel.final_profile_status_indicator = Some(status);
        lab.es2().cancel_order(&caller(ALPHA), cancel).await.unwrap();
        assert_eq!(lab.state_of(iccid).await, state);
    }
    let again = lab.es2().download_order(&caller(ALPHA), lab.download_type("alpha")).await.unwrap();
    assert_eq!(again.iccid, iccids[0]);
    lab.refuses(
        lab.es2().download_order(&caller(ALPHA), lab.download_type("alpha")),
        &StatusCode::PROFILE_TYPE_UNAVAILABLE,
    )
    .await;
    lab.refuses(lab.es2().download_order(&caller(ALPHA), lab.download(iccids[1])), &StatusCode::ICCID_ALREADY_IN_USE)
        .await;
}

#[tokio::test]
async fn orders_of_a_type_take_each_profile_of_the_inventory_once() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 3).await;
    for expected in iccids {
        let order = lab.es2().download_order(&caller(ALPHA), lab.download_type("alpha")).await.unwrap();
        assert_eq!(order.iccid, expected);
    }
    let alpha = caller(ALPHA);
    lab.refuses(lab.es2().download_order(&alpha, lab.download_type("alpha")), &StatusCode::PROFILE_TYPE_UNAVAILABLE)
        .await;
}

/// A template of Alpha's with ICCIDs of its own and these subscribers.
async fn template(lab: &Lab, range: &str, imsis: &[&str]) {
    let import = Import {
        allow_published_keys: false,
        type_name: "made".to_owned(),
        operator: Some(ALPHA.to_owned()),
        iccids: Some(range.parse().unwrap()),
        package: lab.package.clone(),
        template: true,
        metadata: MetadataOptions::default(),
    };
    let subscriber = |imsi: &&str| SubscriberInStock { imsi: (*imsi).to_owned(), keys: Zeroizing::new([7; 32]) };
    lab.orders.import_with(import, imsis.iter().map(subscriber).collect()).await.unwrap();
}

#[tokio::test]
async fn orders_of_a_template_get_the_next_iccid_and_the_next_subscriber() {
    let lab = Lab::new().await;
    // The second number of the range is taken already.
    lab.stock(ALPHA, "alpha", 890_010_120_000_000_101, 1).await;
    template(&lab, "890010120000000100-890010120000000102", &["001010000000001", "001010000000002"]).await;
    for (number, imsi) in [(890_010_120_000_000_100, "001010000000001"), (890_010_120_000_000_102, "001010000000002")] {
        let order = lab.es2().download_order(&caller(ALPHA), lab.download_type("made")).await.unwrap();
        assert_eq!(order.iccid, iccid(number));
        assert!(
            Iccid::luhn_digit(&order.iccid.to_string()[..18])
                .is_some_and(|digit| order.iccid.to_string().ends_with(char::from(b'0' + digit)))
        );
        let subscriber = lab.store.subscriber(&order.iccid).await.unwrap().unwrap();
        assert_eq!((subscriber.imsi.as_str(), *subscriber.keys), (imsi, [7; 32]));
        assert_eq!(lab.state_of(order.iccid).await, ProfileState::Allocated);
    }
    let alpha = caller(ALPHA);
    lab.refuses(lab.es2().download_order(&alpha, lab.download_type("made")), &StatusCode::PROFILE_TYPE_UNAVAILABLE)
        .await;
}

#[tokio::test]
async fn a_template_without_subscribers_left_makes_no_profile() {
    let lab = Lab::new().await;
    template(&lab, "890010120000000100-890010120000000199", &["001010000000001"]).await;
    let order = lab.es2().download_order(&caller(ALPHA), lab.download_type("made")).await.unwrap();
    let alpha = caller(ALPHA);
    lab.refuses(lab.es2().download_order(&alpha, lab.download_type("made")), &StatusCode::PROFILE_TYPE_UNAVAILABLE)
        .await;
    // The one profile is as good as any other.
    let matching_id = lab.es2().confirm_order(&caller(ALPHA), lab.confirm(order.iccid)).await.unwrap().matching_id;
    assert_eq!(lab.installs(&lab.euicc(Curve::P256), Some(&matching_id), None).await, order.iccid);
}

#[tokio::test]
async fn a_copy_whose_order_was_given_back_is_ordered_again_before_a_fresh_one() {
    let lab = Lab::new().await;
    let imsis = ["001010000000001", "001010000000002"];
    template(&lab, "890010120000000100-890010120000000101", &imsis).await;
    let order = async || lab.es2().download_order(&caller(ALPHA), lab.download_type("made")).await.unwrap().iccid;
    let first = order().await;
    for _ in 0..3 {
        let matching_id = lab.es2().confirm_order(&caller(ALPHA), lab.confirm(first)).await.unwrap().matching_id;
        lab.es2().cancel_order(&caller(ALPHA), lab.cancel(first)).await.unwrap();
        assert_eq!(order().await, first);
        let euicc = lab.euicc(Curve::P256);
        assert_refused(euicc.try_authenticate(&lab, Some(&matching_id)).await, &StatusCode::MATCHING_ID_REFUSED);
    }
    assert_eq!(lab.store.subscriber(&first).await.unwrap().unwrap().imsi, imsis[0]);
    // Nobody was used up, and no order gets what another one has.
    assert_eq!(lab.store.subscribers_in_stock("made").await.unwrap(), 1);
    let second = order().await;
    assert_eq!(
        (second, lab.store.subscriber(&second).await.unwrap().unwrap().imsi.as_str()),
        (iccid(890_010_120_000_000_101), imsis[1])
    );
    let alpha = caller(ALPHA);
    lab.refuses(lab.es2().download_order(&alpha, lab.download_type("made")), &StatusCode::PROFILE_TYPE_UNAVAILABLE)
        .await;
}

#[tokio::test]
async fn subscribers_that_come_later_wait_behind_the_others_and_come_all_or_none() {
    let lab = Lab::new().await;
    template(&lab, "890010120000000100-890010120000000199", &["001010000000001"]).await;
    let in_stock = |imsi: &str| SubscriberInStock { imsi: imsi.to_owned(), keys: Zeroizing::new([8; 32]) };
    let order = async || lab.es2().download_order(&caller(ALPHA), lab.download_type("made")).await.unwrap().iccid;
    let first = order().await;
    assert_eq!(lab.store.subscriber(&first).await.unwrap().unwrap().imsi, "001010000000001");
    for (imsis, taken) in [
        (["001010000000003", "001010000000003"], "001010000000003"),
        (["001010000000004", "001010000000001"], "001010000000001"),
    ] {
        let refused = lab.orders.stock("made", imsis.map(in_stock).into()).await;
        assert!(matches!(refused, Err(Error::ImsiExists(imsi)) if imsi == taken));
    }
    let refused = lab.orders.stock("made", vec![in_stock("1")]).await;
    assert!(matches!(refused, Err(Error::ImsiInvalid(_))));
    let refused = lab.orders.stock("none", vec![in_stock("001010000000005")]).await;
    assert!(matches!(refused, Err(Error::ProfileTypeUnknown(_))));
    assert_eq!(lab.store.subscribers_in_stock("made").await.unwrap(), 0);
    lab.orders.stock("made", ["001010000000006", "001010000000005"].map(in_stock).into()).await.unwrap();
    for imsi in ["001010000000006", "001010000000005"] {
        let iccid = order().await;
        assert_eq!(lab.store.subscriber(&iccid).await.unwrap().unwrap().imsi, imsi);
    }
}

#[tokio::test]
async fn a_chosen_a_generated_and_an_empty_matching_id_are_answered() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 3).await;
    let chosen = lab.placed(iccids[0], |request| request.matching_id = Some("QR-0815".to_owned())).await;
    assert_eq!(chosen, "QR-0815");
    let generated = lab.placed(iccids[1], |_| {}).await;
    assert_eq!(generated.len(), 26);
    let eid = eid_of(&lab);
    let empty = lab.placed(iccids[2], |request| {
        request.matching_id = Some(String::new());
        request.eid = Some(eid);
    });
    assert_eq!(empty.await, "");
    // What stands in the row of the last one is told to nobody, and still not another's.
    let hidden = lab.find(iccids[2]).await.matching_id.unwrap();
    assert!(hidden.len() == 26 && hidden != generated);
}

/// How an order is bound, what the eUICC sends, and whether another may have it.
#[tokio::test]
async fn each_way_of_binding_ends_in_an_installed_profile() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 6).await;
    let (euicc, other) = (lab.euicc(Curve::P256), another(&lab));

    // By matching ID alone: whoever comes first.
    let matching_id = lab.placed(iccids[0], |_| {}).await;
    assert_eq!(lab.installs(&other, Some(&matching_id), None).await, iccids[0]);

    // By EID at DownloadOrder, and a matching ID.
    let mut order = lab.download(iccids[1]);
    order.eid = Some(euicc.eid);
    lab.es2().download_order(&caller(ALPHA), order).await.unwrap();
    let confirmed = lab.es2().confirm_order(&caller(ALPHA), lab.confirm(iccids[1])).await.unwrap();
    assert_eq!(confirmed.eid, Some(euicc.eid));
    let matching_id = Some(confirmed.matching_id.as_str());
    assert_refused(other.try_authenticate(&lab, matching_id).await, &StatusCode::EID_REFUSED);
    assert_eq!(lab.installs(&euicc, matching_id, None).await, iccids[1]);

    // By EID at ConfirmOrder, with a code.
    let matching_id = lab.placed(iccids[2], |request| {
        request.eid = Some(euicc.eid);
        request.confirmation_code = secret("4711");
    });
    let matching_id = matching_id.await;
    let authenticated = euicc.authenticate(&lab, &matching_id).await;
    assert!(authenticated.smdp_signed2.value().cc_required_flag);
    assert_refused(euicc.try_prepare(&lab, &authenticated, None).await, &StatusCode::CONFIRMATION_CODE_MISSING);
    assert_eq!(lab.installs(&euicc, Some(&matching_id), Some("4711")).await, iccids[2]);

    // From the default SM-DP+: the matching ID is empty, or there is none.
    for (iccid, sent) in [(iccids[3], None), (iccids[4], Some(""))] {
        let told = lab.placed(iccid, |request| {
            request.matching_id = Some(String::new());
            request.eid = Some(euicc.eid);
        });
        assert_eq!(told.await, "");
        assert_refused(other.try_authenticate(&lab, sent).await, &StatusCode::EID_REFUSED);
        assert_eq!(lab.installs(&euicc, sent, None).await, iccid);
        assert_refused(euicc.try_authenticate(&lab, sent).await, &StatusCode::EID_REFUSED);
    }

    // By an event at the SM-DS: its ID is the matching ID.
    let told = lab.placed(iccids[5], |request| {
        request.matching_id = Some(String::new());
        request.eid = Some(euicc.eid);
        request.smds_address = Some(SMDS.to_owned());
    });
    assert_eq!(told.await, "");
    let event = lab.courier.carried.lock().unwrap().pop().unwrap().json();
    let event_id = event["eventId"].as_str().unwrap();
    assert_eq!(lab.installs(&euicc, Some(event_id), None).await, iccids[5]);
}

#[tokio::test]
async fn refuses_a_caller_that_is_no_operator() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    for stranger in [Caller::default(), caller("Gamma")] {
        let expected = &StatusCode::FUNCTION_REQUESTER_UNKNOWN;
        lab.refuses(lab.es2().download_order(&stranger, lab.download(iccid)), expected).await;
        lab.refuses(lab.es2().confirm_order(&stranger, lab.confirm(iccid)), expected).await;
        let mut bad = lab.confirm(iccid);
        bad.confirmation_code = secret("");
        lab.refuses(lab.es2().confirm_order(&stranger, bad), expected).await;
        lab.refuses(lab.es2().release_profile(&stranger, lab.release(iccid)), expected).await;
        let nothing = CancelOrderRequest { iccid: None, ..lab.cancel(iccid) };
        lab.refuses(lab.es2().cancel_order(&stranger, nothing), expected).await;
    }
}

#[tokio::test]
async fn refuses_orders_that_cannot_be() {
    let lab = Lab::new().await;
    let first = lab.one().await;
    lab.stock(ALPHA, "second", 890_010_120_000_000_050, 1).await;
    let alpha = caller(ALPHA);
    let (es2, eid) = (lab.es2(), eid_of(&lab));

    let mut nothing = lab.download(first);
    nothing.iccid = None;
    lab.refuses(es2.download_order(&alpha, nothing), &StatusCode::ICCID_MISSING).await;
    let unknown = lab.download(iccid(890_010_120_000_999_999));
    lab.refuses(es2.download_order(&alpha, unknown), &StatusCode::ICCID_UNKNOWN).await;
    lab.refuses(es2.download_order(&alpha, lab.download_type("none")), &StatusCode::PROFILE_TYPE_UNKNOWN).await;
    for name in ["second", "none"] {
        let mut mixed = lab.download(first);
        mixed.profile_type = Some(name.to_owned());
        lab.refuses(es2.download_order(&alpha, mixed), &StatusCode::PROFILE_TYPE_REFUSED).await;
    }

    es2.download_order(&alpha, lab.download(first)).await.unwrap();
    let mut for_one = lab.download(first);
    for_one.eid = Some(eid);
    lab.refuses(es2.download_order(&alpha, for_one), &StatusCode::ICCID_ALREADY_IN_USE).await;
    es2.confirm_order(&alpha, lab.confirm(first)).await.unwrap();
    lab.refuses(es2.download_order(&alpha, lab.download(first)), &StatusCode::ICCID_ALREADY_IN_USE).await;
}

#[tokio::test]
async fn refuses_a_closed_type_however_it_is_asked_for() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 2).await;
    let ordered = lab.download(iccids[0]);
    lab.es2().download_order(&caller(ALPHA), ordered.clone()).await.unwrap();
    lab.orders.close_type("alpha", true).await.unwrap();
    let expected = &StatusCode::PROFILE_TYPE_NOT_ALLOWED;
    lab.refuses(lab.es2().download_order(&caller(ALPHA), lab.download_type("alpha")), expected).await;
    lab.refuses(lab.es2().download_order(&caller(ALPHA), lab.download(iccids[1])), expected).await;
    // What was ordered before goes on.
    lab.es2().download_order(&caller(ALPHA), lab.download(iccids[0])).await.unwrap();
    lab.es2().confirm_order(&caller(ALPHA), lab.confirm(iccids[0])).await.unwrap();
    lab.orders.close_type("alpha", false).await.unwrap();
    lab.es2().download_order(&caller(ALPHA), lab.download(iccids[1])).await.unwrap();
}

#[tokio::test]
async fn refuses_iccids_outside_of_the_operators_range() {
    let lab = Lab::new().await;
    let own = lab.one().await;
    let mut narrow = registration(ALPHA);
    narrow.iccid_prefix = "8900102".to_owned();
    lab.orders.change_operator(narrow).await.unwrap();
    let (alpha, es2, expected) = (caller(ALPHA), lab.es2(), &StatusCode::ICCID_NOT_ALLOWED);
    for iccid in [own, iccid(890_010_120_000_999_999)] {
        lab.refuses(es2.download_order(&alpha, lab.download(iccid)), expected).await;
        lab.refuses(es2.confirm_order(&alpha, lab.confirm(iccid)), expected).await;
        lab.refuses(es2.release_profile(&alpha, lab.release(iccid)), expected).await;
        lab.refuses(es2.cancel_order(&alpha, lab.cancel(iccid)), expected).await;
    }
    lab.refuses(es2.download_order(&alpha, lab.download(iccid(890_010_200_000_000_001))), &StatusCode::ICCID_UNKNOWN)
        .await;
}

#[tokio::test]
async fn refuses_confirmations_that_cannot_be() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 3).await;
    let (alpha, es2, eid) = (caller(ALPHA), lab.es2(), eid_of(&lab));
    let with = |iccid, change: &dyn Fn(&mut ConfirmOrderRequest)| {
        let mut request = lab.confirm(iccid);
        change(&mut request);
        es2.confirm_order(&alpha, request)
    };

    lab.refuses(with(iccid(890_010_120_000_999_999), &|_| {}), &StatusCode::ICCID_UNKNOWN).await;
    lab.refuses(with(iccids[0], &|_| {}), &StatusCode::ICCID_INVALID_TRANSITION).await;
    es2.download_order(&alpha, lab.download(iccids[0])).await.unwrap();
    let empty = |request: &mut ConfirmOrderRequest| request.matching_id = Some(String::new());
    lab.refuses(with(iccids[0], &empty), &StatusCode::EID_MISSING).await;
    let event = |request: &mut ConfirmOrderRequest| request.smds_address = Some(SMDS.to_owned());
    lab.refuses(with(iccids[0], &event), &StatusCode::EID_MISSING).await;
    for bad in ["no address", "http://smds.example.com/", ""] {
        let address = |request: &mut ConfirmOrderRequest| {
            request.eid = Some(eid);
            request.smds_address = Some(bad.to_owned());
        };
        lab.refuses(with(iccids[0], &address), &StatusCode::SMDS_ADDRESS_REFUSED).await;
    }
    for bad in ["lower", "A$B", "A B", &"A".repeat(256)] {
        let id = |request: &mut ConfirmOrderRequest| request.matching_id = Some(bad.to_owned());
        lab.refuses(with(iccids[0], &id), &StatusCode::MATCHING_ID_INVALID).await;
    }
    for bad in ["".to_owned(), "1".repeat(256)] {
        let code = |request: &mut ConfirmOrderRequest| request.confirmation_code = secret(&bad);
        lab.refuses(with(iccids[0], &code), &StatusCode::CONFIRMATION_CODE_INVALID).await;
    }
    let chosen = |request: &mut ConfirmOrderRequest| request.matching_id = Some("QR-0815".to_owned());
    with(iccids[0], &chosen).await.unwrap();
    es2.cancel_order(&alpha, lab.cancel(iccids[0])).await.unwrap();
    es2.download_order(&alpha, lab.download(iccids[1])).await.unwrap();
    lab.refuses(with(iccids[1], &chosen), &StatusCode::MATCHING_ID_ALREADY_IN_USE).await;

    let mut linked = lab.download(iccids[2]);
    linked.eid = Some(eid);
    es2.download_order(&alpha, linked).await.unwrap();
    let other = another(&lab).eid;
    lab.refuses(with(iccids[2], &|request| request.eid = Some(other)), &StatusCode::EID_INVALID_ASSOCIATION).await;
    with(iccids[2], &|request| request.eid = Some(eid)).await.unwrap();
    // Another confirmation of what is confirmed is none that was executed.
    let refused = &StatusCode::ICCID_INVALID_TRANSITION;
    lab.refuses(with(iccids[2], &|request| request.eid = Some(other)), refused).await;
    lab.refuses(with(iccids[2], &|request| request.release_flag = false), refused).await;
    lab.refuses(with(iccids[2], &|request| request.confirmation_code = secret("1")), refused).await;
    lab.refuses(with(iccids[2], &chosen), refused).await;
}

#[tokio::test]
async fn refuses_releases_and_cancellations_that_cannot_be() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 3).await;
    let (alpha, es2) = (caller(ALPHA), lab.es2());
    let (euicc, unknown) = (lab.euicc(Curve::P256), iccid(890_010_120_000_999_999));

    lab.refuses(es2.release_profile(&alpha, lab.release(unknown)), &StatusCode::ICCID_UNKNOWN).await;
    lab.refuses(es2.cancel_order(&alpha, lab.cancel(unknown)), &StatusCode::ICCID_UNKNOWN).await;
    let missing = [
        CancelOrderRequest { iccid: None, ..lab.cancel(iccids[0]) },
        CancelOrderRequest { final_profile_status_indicator: None, ..lab.cancel(iccids[0]) },
    ];
    for request in missing {
        lab.refuses(es2.cancel_order(&alpha, request), &StatusCode::ICCID_MISSING).await;
    }
    // Nothing was ordered.
    let refused = &StatusCode::ICCID_INVALID_TRANSITION;
    lab.refuses(es2.release_profile(&alpha, lab.release(iccids[0])), refused).await;
    lab.refuses(es2.cancel_order(&alpha, lab.cancel(iccids[0])), refused).await;
    es2.download_order(&alpha, lab.download(iccids[0])).await.unwrap();
    lab.refuses(es2.release_profile(&alpha, lab.release(iccids[0])), refused).await;

    let matching_id = lab.placed(iccids[1], |_| {}).await;
    lab.refuses(es2.release_profile(&alpha, lab.release(iccids[1])), refused).await;
    let wrong = CancelOrderRequest { matching_id: Some("WRONG".to_owned()), ..lab.cancel(iccids[1]) };
    lab.refuses(es2.cancel_order(&alpha, wrong), &StatusCode::MATCHING_ID_INVALID_ASSOCIATION).await;
    let wrong = CancelOrderRequest { eid: Some(euicc.eid), ..lab.cancel(iccids[1]) };
    lab.refuses(es2.cancel_order(&alpha, wrong), &StatusCode::ICCID_INVALID_ASSOCIATION).await;

    let mut linked = lab.download(iccids[2]);
    linked.eid = Some(euicc.eid);
    es2.download_order(&alpha, linked).await.unwrap();
    lab.refuses(es2.cancel_order(&alpha, lab.cancel(iccids[2])), &StatusCode::EID_MISSING).await;
    let wrong = CancelOrderRequest { eid: Some(another(&lab).eid), ..lab.cancel(iccids[2]) };
    lab.refuses(es2.cancel_order(&alpha, wrong), &StatusCode::ICCID_INVALID_ASSOCIATION).await;
    let right = CancelOrderRequest { eid: Some(euicc.eid), ..lab.cancel(iccids[2]) };
    es2.cancel_order(&alpha, right).await.unwrap();

    // On its way to an eUICC, and there.
    for _ in 0..2 {
        for status in [FinalProfileStatus::Available, FinalProfileStatus::Unavailable] {
            if lab.state_of(iccids[1]).await == ProfileState::Released {
                euicc.deliver(&lab, &matching_id).await;
            }
            let late = CancelOrderRequest { final_profile_status_indicator: Some(status), ..lab.cancel(iccids[1]) };
            lab.refuses(es2.cancel_order(&alpha, late), &StatusCode::ICCID_ALREADY_IN_USE).await;
        }
        if lab.state_of(iccids[1]).await == ProfileState::Downloaded {
            lab.installs(&euicc, Some(&matching_id), None).await;
        }
    }
}

#[tokio::test]
async fn a_release_that_the_smds_does_not_take_is_refused_and_taken_back() {
    let failures = [
        (inaccessible(), StatusCode::SMDS_INACCESSIBLE),
        (Some(Undelivered::Refused(StatusCode::FUNCTION_EXECUTION_ERROR)), StatusCode::SMDS_EXECUTION_ERROR),
    ];
    for (failure, expected) in failures {
        let lab = Lab::new().await;
        let iccid = lab.one().await;
        lab.courier.fails(failure);
        lab.es2().download_order(&caller(ALPHA), lab.download(iccid)).await.unwrap();
        let confirm = |release_flag| ConfirmOrderRequest {
            eid: Some(eid_of(&lab)),
            matching_id: Some("EVENT-1".to_owned()),
            confirmation_code: secret("4711"),
            smds_address: Some(SMDS.to_owned()),
            release_flag,
            ..lab.confirm(iccid)
        };
        assert_refused(lab.es2().confirm_order(&caller(ALPHA), confirm(true)).await, &expected);
        let found = lab.find(iccid).await;
        assert_eq!((found.state, found.eid, found.matching_id), (ProfileState::Allocated, None, None));
        assert_eq!((found.smds_address, found.policy), (None, OrderPolicy::OneTime));
        assert!(found.confirmation_code.is_none());
        assert_refused(
            lab.euicc(Curve::P256).try_authenticate(&lab, Some("EVENT-1")).await,
            &StatusCode::MATCHING_ID_REFUSED,
        );
        // The matching ID is not used up; nor is the order.
        lab.es2().confirm_order(&caller(ALPHA), confirm(false)).await.unwrap();
        let release = lab.release(iccid);
        assert_refused(lab.es2().release_profile(&caller(ALPHA), release.clone()).await, &expected);
        assert_eq!(lab.state_of(iccid).await, ProfileState::Confirmed);
        // The same call once more is executed, not answered from memory.
        lab.courier.fails(None);
        lab.es2().release_profile(&caller(ALPHA), release).await.unwrap();
        assert_eq!(lab.installs(&lab.euicc(Curve::P256), Some("EVENT-1"), Some("4711")).await, iccid);
    }
}

#[tokio::test]
async fn a_repeated_call_gets_its_first_answer_and_has_no_second_effect() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 3).await;
    let (alpha, es2) = (caller(ALPHA), lab.es2());
    let download = lab.download_type("alpha");
    let first = es2.download_order(&alpha, download.clone()).await.unwrap();
    let before = lab.files();
    assert_eq!(es2.download_order(&alpha, download.clone()).await.unwrap(), first);
    assert!(lab.files() == before);
    let header = lab.header();
    let confirm = || ConfirmOrderRequest { header: header.clone(), release_flag: false, ..lab.confirm(first.iccid) };
    let confirmed = es2.confirm_order(&alpha, confirm()).await.unwrap();
    let before = lab.files();
    assert_eq!(es2.confirm_order(&alpha, confirm()).await.unwrap(), confirmed);
    let release = lab.release(first.iccid);
    es2.release_profile(&alpha, release.clone()).await.unwrap();
    assert!(lab.files() != before);
    let before = lab.files();
    es2.release_profile(&alpha, release.clone()).await.unwrap();
    let cancel = lab.cancel(first.iccid);
    assert!(lab.files() == before);
    es2.cancel_order(&alpha, cancel.clone()).await.unwrap();
    let before = lab.files();
    es2.cancel_order(&alpha, cancel).await.unwrap();
    assert!(lab.files() == before);
    // The order has gone on: the same calls are new ones.
    lab.refuses(es2.release_profile(&alpha, release), &StatusCode::ICCID_INVALID_TRANSITION).await;
    lab.refuses(es2.confirm_order(&alpha, confirm()), &StatusCode::ICCID_INVALID_TRANSITION).await;
    assert_eq!(es2.download_order(&alpha, download).await.unwrap().iccid, iccids[0]);
}

#[tokio::test]
async fn calls_that_say_the_same_are_answered_alike_whatever_their_identifiers() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    let (alpha, es2, eid) = (caller(ALPHA), lab.es2(), eid_of(&lab));
    for _ in 0..2 {
        assert_eq!(es2.download_order(&alpha, lab.download(iccid)).await.unwrap().iccid, iccid);
    }
    let confirm = || ConfirmOrderRequest {
        eid: Some(eid),
        matching_id: Some("QR-1".to_owned()),
        confirmation_code: secret("4711"),
        ..lab.confirm(iccid)
    };
    let first = es2.confirm_order(&alpha, confirm()).await.unwrap();
    let before = lab.find(iccid).await.version;
    assert_eq!(es2.confirm_order(&alpha, confirm()).await.unwrap(), first);
    assert_eq!(lab.find(iccid).await.version, before);
}

#[tokio::test]
async fn a_caller_with_one_identifier_for_all_its_calls_is_served() {
    let lab = Lab::new().await;
    let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 2).await;
    let (alpha, es2, header) = (caller(ALPHA), lab.es2(), lab.header());
    for iccid in iccids {
        let mut download = lab.download_type("alpha");
        download.header = header.clone();
        assert_eq!(es2.download_order(&alpha, download).await.unwrap().iccid, iccid);
        let confirm = ConfirmOrderRequest { header: header.clone(), ..lab.confirm(iccid) };
        let confirmed = es2.confirm_order(&alpha, confirm).await.unwrap();
        lab.installs(&lab.euicc(Curve::P256), Some(&confirmed.matching_id), None).await;
    }
    // The same profile, order after order.
    let iccid = lab.stock(ALPHA, "again", 890_010_120_000_000_050, 1).await[0];
    for _ in 0..2 {
        let mut download = lab.download(iccid);
        download.header = header.clone();
        es2.download_order(&alpha, download).await.unwrap();
        let confirm = ConfirmOrderRequest { header: header.clone(), release_flag: false, ..lab.confirm(iccid) };
        es2.confirm_order(&alpha, confirm).await.unwrap();
        let mut release = lab.release(iccid);
        release.header = header.clone();
        es2.release_profile(&alpha, release).await.unwrap();
        assert_eq!(lab.state_of(iccid).await, ProfileState::Released);
        let cancel = CancelOrderRequest { header: header.clone(), ..lab.cancel(iccid) };
        es2.cancel_order(&alpha, cancel).await.unwrap();
        assert_eq!(lab.state_of(iccid).await, ProfileState::Available);
    }
}

#[tokio::test]
async fn an_identifier_of_one_operator_is_nothing_to_another() {
    let lab = Lab::new().await;
    lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, 1).await;
    let download = lab.download_type("alpha");
    lab.es2().download_order(&caller(ALPHA), download.clone()).await.unwrap();
    lab.refuses(lab.es2().download_order(&caller(BETA), download), &StatusCode::PROFILE_TYPE_UNKNOWN).await;
}

#[tokio::test]
async fn a_release_whose_answer_was_lost_is_answered_although_the_device_was_fast() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    let (alpha, euicc) = (caller(ALPHA), lab.euicc(Curve::P256));
    let matching_id = lab.placed(iccid, |request| request.release_flag = false).await;
    let release = lab.release(iccid);
    lab.es2().release_profile(&alpha, release.clone()).await.unwrap();
    let authenticated = euicc.authenticate(&lab, &matching_id).await;
    lab.es2().release_profile(&alpha, release.clone()).await.unwrap();
    euicc.try_prepare(&lab, &authenticated, None).await.unwrap();
    lab.es2().release_profile(&alpha, release.clone()).await.unwrap();
    lab.installs(&euicc, Some(&matching_id), None).await;
    lab.es2().release_profile(&alpha, release.clone()).await.unwrap();
    assert_eq!(lab.state_of(iccid).await, ProfileState::Installed);
    // Another call is another call; and so is this one when the profile is ordered again.
    let expected = &StatusCode::ICCID_INVALID_TRANSITION;
    lab.refuses(lab.es2().release_profile(&alpha, lab.release(iccid)), expected).await;
    let deleted = euicc.notification(100, rsp_asn1::NotificationEvent::DELETE, iccid);
    lab.es9().handle_notification(&Caller::default(), deleted).await.unwrap();
    lab.es2().cancel_order(&alpha, lab.cancel(iccid)).await.unwrap();
    lab.refuses(lab.es2().release_profile(&alpha, release.clone()), expected).await;
    lab.placed(iccid, |request| request.release_flag = false).await;
    lab.es2().release_profile(&alpha, release).await.unwrap();
    assert_eq!(lab.state_of(iccid).await, ProfileState::Released);
}

#[tokio::test]
async fn a_confirmation_whose_answer_was_lost_is_answered_although_the_device_was_fast() {
    let lab = Lab::new().await;
    let iccid = lab.one().await;
    let (alpha, euicc, header) = (caller(ALPHA), lab.euicc(Curve::P256), lab.header());
    lab.es2().download_order(&alpha, lab.download(iccid)).await.unwrap();
    let confirm = || ConfirmOrderRequest { header: header.clone(), ..lab.confirm(iccid) };
    let first = lab.es2().confirm_order(&alpha, confirm()).await.unwrap();
    assert_eq!(first.eid, None);
    let authenticated = euicc.authenticate(&lab, &first.matching_id).await;
    let again = |what| {
        let (lab, alpha, first) = (&lab, &alpha, &first);
        async move {
            let state = lab.state_of(iccid).await;
            assert_eq!(lab.es2().confirm_order(alpha, confirm()).await.as_ref(), Ok(first), "{what}");
            // One that says the same is told which eUICC it is now.
            let answer = lab.es2().confirm_order(alpha, lab.confirm(iccid)).await.unwrap();
            assert_eq!((&answer.matching_id, answer.eid), (&first.matching_id, Some(eid_of(lab))), "{what}");
            assert_eq!(lab.state_of(iccid).await, state);
        }
    };
    again("authenticated").await;
    euicc.try_prepare(&lab, &authenticated, None).await.unwrap();
    again("delivered").await;
    let result = euicc.result(&authenticated.transaction_id, 1, iccid, None);
    lab.es9().handle_notification(&Caller::default(), result).await.unwrap();
    again("installed").await;
}
