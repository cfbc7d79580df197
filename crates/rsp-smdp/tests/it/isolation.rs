//! Operators never see each other's objects: what is another's is what does not exist.

use rsp_asn1::Iccid;
use rsp_crypto::Curve;
use rsp_es::es2plus::{CancelOrderRequest, ConfirmOrderRequest, DownloadOrderRequest, FinalProfileStatus};
use rsp_es::status::StatusCode;
use rsp_smdp::{Error, NewOrder};
use rsp_store::Operator;

use crate::operator::{ALPHA, BETA, Lab, caller, iccid, registration, secret};

/// How far Alpha's order has got.
const STAGES: [&str; 9] =
    ["Available", "Allocated", "Linked", "Confirmed", "Released", "Downloaded", "Installed", "Error", "Unavailable"];

/// A profile of Alpha's at a stage, with its matching ID if it has one.
async fn alphas(lab: &Lab, iccid: Iccid, stage: &str) -> Option<String> {
    let (alpha, es2, euicc) = (caller(ALPHA), lab.es2(), lab.euicc(Curve::P256));
    if stage == "Available" {
        return None;
    }
    let mut order = lab.download(iccid);
    order.eid = (stage == "Linked").then_some(euicc.eid);
    es2.download_order(&alpha, order).await.unwrap();
    if ["Allocated", "Linked"].contains(&stage) {
        return None;
    }
    let confirm = ConfirmOrderRequest {
        eid: Some(euicc.eid),
        matching_id: Some(format!("ALPHA-{}", stage.to_uppercase())),
        release_flag: stage != "Confirmed",
        ..lab.confirm(iccid)
    };
    let matching_id = es2.confirm_order(&alpha, confirm).await.unwrap().matching_id;
    match stage {
        "Downloaded" => {
            euicc.deliver(lab, &matching_id).await;
        }
        "Installed" => {
            lab.installs(&euicc, Some(&matching_id), None).await;
        }
        "Error" => {
            let session = euicc.authenticate(lab, &matching_id).await.transaction_id;
            let cancel = euicc.cancel_request(&session, rsp_asn1::CancelSessionReason::END_USER_REJECTION);
            lab.es9().cancel_session(&rsp_es::server::Caller::default(), cancel).await.unwrap();
        }
        "Unavailable" => {
            let status = Some(FinalProfileStatus::Unavailable);
            let cancel = CancelOrderRequest { final_profile_status_indicator: status, ..lab.cancel(iccid) };
            es2.cancel_order(&alpha, cancel).await.unwrap();
        }
        _ => {}
    }
    Some(matching_id)
}

/// What Beta is told for every function and every form of request that names this ICCID and these things of Alpha's.
async fn answers(lab: &Lab, iccid: Iccid, type_name: &str, matching_id: Option<&str>) -> Vec<(String, StatusCode)> {
    let (beta, es2, euicc) = (caller(BETA), lab.es2(), lab.euicc(Curve::P256));
    let mut answers = Vec::new();
    for eid in [None, Some(euicc.eid)] {
        for profile_type in [None, Some(type_name.to_owned())] {
            let request = DownloadOrderRequest { eid, profile_type: profile_type.clone(), ..lab.download(iccid) };
            let what = format!("DownloadOrder by ICCID, type {}, EID {}", profile_type.is_some(), eid.is_some());
            answers.push((what, es2.download_order(&beta, request).await.unwrap_err()));
        }
        let request = DownloadOrderRequest { eid, ..lab.download_type(type_name) };
        let what = format!("DownloadOrder by type, EID {}", eid.is_some());
        answers.push((what, es2.download_order(&beta, request).await.unwrap_err()));
        for matching_id in [None, Some(""), matching_id] {
            for (code, release_flag) in [(None, true), (Some("4711"), false)] {
                let request = ConfirmOrderRequest {
                    eid,
                    matching_id: matching_id.map(str::to_owned),
                    confirmation_code: code.and_then(secret),
                    release_flag,
                    ..lab.confirm(iccid)
                };
                let what = format!("ConfirmOrder, matching ID {matching_id:?}, EID {}", eid.is_some());
                answers.push((what, es2.confirm_order(&beta, request).await.unwrap_err()));
            }
            let statuses = [None, Some(FinalProfileStatus::Available), Some(FinalProfileStatus::Unavailable)];
            for final_profile_status_indicator in statuses {
                let request = CancelOrderRequest {
                    eid,
                    matching_id: matching_id.map(str::to_owned),
                    final_profile_status_indicator,
                    ..lab.cancel(iccid)
                };
                let what = format!("CancelOrder to {final_profile_status_indicator:?}, matching ID {matching_id:?}");
                answers.push((what, es2.cancel_order(&beta, request).await.unwrap_err()));
            }
        }
    }
    answers.push(("ReleaseProfile".to_owned(), es2.release_profile(&beta, lab.release(iccid)).await.unwrap_err()));
    answers
}

/// `code` without what names the object that was asked for.
fn anonymous(code: &StatusCode, iccid: Iccid, type_name: &str) -> String {
    format!("{code:?}").replace(&iccid.to_string(), "ICCID").replace(type_name, "TYPE")
}

#[tokio::test]
async fn atk_tenant_cross() {
    for prefix in ["", "8900101"] {
        let lab = Lab::new().await;
        let mut beta = registration(BETA);
        beta.iccid_prefix = prefix.to_owned();
        lab.orders.change_operator(beta).await.unwrap();
        let nothing = iccid(890_010_120_000_999_999);
        let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, STAGES.len() as u64).await;
        let mut compared = 0;
        for (iccid, stage) in iccids.iter().zip(STAGES) {
            let matching_id = alphas(&lab, *iccid, stage).await;
            assert_eq!(lab.state_of(*iccid).await.as_str(), stage);
            let before = lab.files();
            let found = answers(&lab, *iccid, "alpha", matching_id.as_deref()).await;
            let expected = answers(&lab, nothing, "no-such", matching_id.as_deref()).await;
            for ((what, found), (_, expected)) in found.iter().zip(&expected) {
                let (found, expected) = (anonymous(found, *iccid, "alpha"), anonymous(expected, nothing, "no-such"));
                assert_eq!(found, expected, "{what} of a profile that is {stage}");
                compared += 1;
            }
            assert!(lab.files() == before, "{stage}");
        }
        assert_eq!(compared, STAGES.len() * 37);
    }
}

#[tokio::test]
async fn what_is_the_houses_is_no_operators() {
    let lab = Lab::new().await;
    let order = lab.order().await;
    let nothing = iccid(890_010_120_000_999_999);
    let found = answers(&lab, order.iccid, "basic", Some(&order.matching_id)).await;
    let expected = answers(&lab, nothing, "no-such", Some(&order.matching_id)).await;
    for ((what, found), (_, expected)) in found.iter().zip(&expected) {
        let (found, expected) = (anonymous(found, order.iccid, "basic"), anonymous(expected, nothing, "no-such"));
        assert_eq!(found, expected, "{what}");
    }
    assert!(lab.orders.order(NewOrder::of("basic")).await.is_err());
}

/// A matching ID is one for the whole server: whoever chooses one that exists is refused it, and is told nothing else.
#[tokio::test]
async fn a_matching_id_of_another_operator_is_in_use_and_nothing_more() {
    let lab = Lab::new().await;
    let alphas_profile = lab.one().await;
    let order = |name| ConfirmOrderRequest { matching_id: Some("QR-1".to_owned()), ..lab.confirm(name) };
    lab.placed(alphas_profile, |request| request.matching_id = Some("QR-1".to_owned())).await;
    let betas = lab.stock(BETA, "beta", 890_010_120_000_000_050, 1).await[0];
    lab.es2().download_order(&caller(BETA), lab.download(betas)).await.unwrap();
    let (beta, expected) = (caller(BETA), StatusCode::MATCHING_ID_ALREADY_IN_USE);
    lab.refuses(lab.es2().confirm_order(&beta, order(betas)), &expected).await;
    // The same for one that is over.
    lab.es2().cancel_order(&caller(ALPHA), lab.cancel(alphas_profile)).await.unwrap();
    lab.refuses(lab.es2().confirm_order(&beta, order(betas)), &expected).await;
    let wrong = CancelOrderRequest { matching_id: Some("QR-1".to_owned()), ..lab.cancel(betas) };
    lab.refuses(lab.es2().cancel_order(&beta, wrong), &StatusCode::MATCHING_ID_INVALID_ASSOCIATION).await;
    let none = CancelOrderRequest { matching_id: Some("QR-2".to_owned()), ..lab.cancel(betas) };
    lab.refuses(lab.es2().cancel_order(&beta, none), &StatusCode::MATCHING_ID_INVALID_ASSOCIATION).await;
}

/// Two operators, one eUICC: each finds its own order, whatever the other does with the same EID.
#[tokio::test]
async fn orders_of_two_operators_for_one_euicc_do_not_touch_each_other() {
    let lab = Lab::new().await;
    let euicc = lab.euicc(Curve::P256);
    let mut placed = Vec::new();
    for (name, first) in [(ALPHA, 890_010_120_000_000_001), (BETA, 890_010_120_000_000_050)] {
        let iccid = lab.stock(name, name, first, 1).await[0];
        let order = DownloadOrderRequest { eid: Some(euicc.eid), ..lab.download(iccid) };
        lab.es2().download_order(&caller(name), order).await.unwrap();
        let confirmed = lab.es2().confirm_order(&caller(name), lab.confirm(iccid)).await.unwrap();
        placed.push((name, iccid, confirmed.matching_id));
    }
    let cancel = CancelOrderRequest { eid: Some(euicc.eid), ..lab.cancel(placed[1].1) };
    lab.refuses(lab.es2().cancel_order(&caller(ALPHA), cancel.clone()), &StatusCode::ICCID_UNKNOWN).await;
    assert_eq!(lab.installs(&euicc, Some(&placed[0].2), None).await, placed[0].1);
    assert_eq!(lab.installs(&euicc, Some(&placed[1].2), None).await, placed[1].1);
}

#[tokio::test]
async fn no_imsi_is_two_operators() {
    let lab = Lab::new().await;
    let set = async |name: &str, prefix: &str| {
        lab.orders.change_operator(Operator { imsi_prefix: prefix.to_owned(), ..registration(name) }).await
    };
    for bad in ["0010", "001010000000001", "0010x", "26201 "] {
        assert!(matches!(set(ALPHA, bad).await, Err(Error::ImsiPrefix(_))), "{bad}");
    }
    set(ALPHA, "0010112").await.unwrap();
    for theirs in ["0010112", "00101", "00101123", "00101120000000"] {
        let refused = set(BETA, theirs).await.err().unwrap();
        assert!(matches!(&refused, Error::ImsiPrefixTaken { owner, .. } if owner == ALPHA), "{theirs}: {refused}");
        let another = Operator { imsi_prefix: theirs.to_owned(), ..registration("Gamma") };
        assert!(matches!(lab.orders.add_operator(another).await, Err(Error::ImsiPrefixTaken { .. })));
    }
    set(BETA, "0010113").await.unwrap();
    set(ALPHA, "001011").await.unwrap_err();
    for own in ["00101121", "0010112", ""] {
        set(ALPHA, own).await.unwrap();
        assert_eq!(lab.store.operator(ALPHA).await.unwrap().unwrap().imsi_prefix, own);
    }
    set(BETA, "00101").await.unwrap();
}
