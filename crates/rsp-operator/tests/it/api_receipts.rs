//! The REST API: signed receipts.

use rsp_asn1::Iccid;
use rsp_crypto::aws_lc;
use rsp_operator::Rights;
use rsp_operator::receipts::{Jwks, ReceiptError, verify};
use rsp_store::{EventKind, NewEvent};

use crate::api::{Api, LIMITS};
use crate::support::NOW;

/// A refusal of the eUICC's is noted.
pub(crate) async fn refuse(api: &Api, iccid: Iccid) {
    let event = NewEvent {
        at: NOW,
        operator: Some("A".to_owned()),
        iccid: Some(iccid),
        profile_type: None,
        kind: EventKind::Step,
        actor: "eUICC".to_owned(),
        step: Some("GetBoundProfilePackage".to_owned()),
        refused: Some(("8.2.7".to_owned(), "3.8".to_owned())),
        detail: None,
    };
    api.bed.store.run_tx("fixture", move |tx| tx.record_event(&event)).await.unwrap();
}

#[tokio::test]
async fn a_receipt_says_why_and_cannot_be_changed() {
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    refuse(&api, iccid).await;
    let (_, answer) = api.call(&key, "GET", &format!("/api/v1/esims/{iccid}/receipt"), None).await;
    let (_, keys) = api.call("", "GET", "/.well-known/openrsp-receipts.json", None).await;
    let keys: Jwks = serde_json::from_value(keys).unwrap();
    let receipt = answer["receipt"].as_str().unwrap();
    let claims = verify(receipt, &keys, aws_lc()).unwrap();
    assert_eq!(serde_json::to_value(&claims).unwrap(), answer["claims"]);
    // The bed's eSIMs were ordered elsewhere: of their state nothing is signed.
    assert_eq!((claims.state_known, &claims.state, &claims.server), (false, &None, &None));
    let refusal = claims.last_refusal.clone().unwrap();
    assert_eq!((refusal.subject_code.as_str(), refusal.reason_code.as_str()), ("8.2.7", "3.8"));
    assert_eq!(refusal.meaning.as_deref(), Some("The confirmation code is wrong."));
    assert_eq!((claims.iss.as_str(), claims.iat, claims.iccid), ("2.999.1", NOW.0, iccid.to_string()));

    for at in 0..receipt.len() {
        let mut changed = receipt.to_owned();
        changed.replace_range(at..=at, if &receipt[at..=at] == "A" { "B" } else { "A" });
        assert!(verify(&changed, &keys, aws_lc()).is_err(), "{at}");
    }
    assert!(verify(&receipt[..receipt.len() - 4], &keys, aws_lc()).is_err());
    // Another server's key, though it is called by the same name.
    let other = Api::new(LIMITS).await;
    other.bed.desk.randomness().with(|source| source.fill(&mut [0; 8]));
    let (_, others) = other.call("", "GET", "/.well-known/openrsp-receipts.json", None).await;
    let mut others: Jwks = serde_json::from_value(others).unwrap();
    assert_eq!(verify(receipt, &others, aws_lc()), Err(ReceiptError::UnknownKey));
    others.keys[0].kid = keys.keys[0].kid.clone();
    assert_eq!(verify(receipt, &others, aws_lc()), Err(ReceiptError::Signature));
}
