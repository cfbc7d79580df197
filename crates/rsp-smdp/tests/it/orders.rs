//! What operators do, and what is refused to them.

use rsp_asn1::Eid;
use rsp_crypto::Zeroizing;
use rsp_smdp::{Error, Import, MetadataOptions};
use rsp_store::{OrderPolicy, ProfileState};

use crate::server::{Server, new_order};

#[tokio::test]
async fn a_chosen_matching_id_is_used_once_for_ever() {
    let server = Server::new().await;
    let order = server.order_with(|order| order.matching_id = Some("QR-0815".to_owned())).await;
    assert_eq!(order.matching_id, "QR-0815");
    server.orders.cancel(&order.iccid, true).await.unwrap();
    let again = || {
        let mut order = new_order();
        order.matching_id = Some("QR-0815".to_owned());
        order
    };
    assert!(matches!(server.orders.order(again()).await, Err(Error::MatchingIdInUse)));
    // The refusal changed nothing: the profile can still be ordered.
    server.orders.order(new_order()).await.unwrap();
}

#[tokio::test]
async fn refuses_bad_matching_ids_and_unknown_types() {
    let server = Server::new().await;
    server.import(false).await;
    for bad in ["lower", "A$B"] {
        let mut order = new_order();
        order.matching_id = Some(bad.to_owned());
        assert!(matches!(server.orders.order(order).await, Err(Error::MatchingIdInvalid)));
    }
    let mut order = new_order();
    order.type_name = "other".to_owned();
    assert!(matches!(server.orders.order(order).await, Err(Error::ProfileTypeUnknown(_))));
}

#[tokio::test]
async fn an_inventory_runs_out() {
    let server = Server::new().await;
    server.order().await;
    assert!(matches!(server.orders.order(new_order()).await, Err(Error::ProfileTypeUnavailable(_))));
}

#[tokio::test]
async fn refuses_a_second_import_of_the_same_profile_or_type() {
    let server = Server::new().await;
    server.import(false).await;
    let import = |template| Import {
        allow_published_keys: false,
        type_name: "basic".to_owned(),
        operator: None,
        iccids: None,
        package: Zeroizing::new(server.package.to_vec()),
        template,
        metadata: MetadataOptions::default(),
    };
    assert!(matches!(server.orders.import(import(false)).await, Err(Error::IccidExists(_))));
    assert!(matches!(server.orders.import(import(true)).await, Err(Error::ProfileTypeExists(_))));
}

#[tokio::test]
async fn refuses_what_is_no_profile_package() {
    let server = Server::new().await;
    for bytes in [&b""[..], b"not a package", &server.package[..server.package.len() - 1]] {
        let import = Import {
            allow_published_keys: false,
            type_name: "broken".to_owned(),
            operator: None,
            iccids: None,
            package: Zeroizing::new(bytes.to_vec()),
            template: false,
            metadata: MetadataOptions::default(),
        };
        assert!(matches!(server.orders.import(import).await, Err(Error::Package(_))));
    }
    assert!(server.store.profile_types().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancelled_order_frees_its_profile() {
    let server = Server::new().await;
    let order = server.order().await;
    assert_eq!(server.orders.cancel(&order.iccid, true).await.unwrap(), ProfileState::Available);
    let again = server.orders.order(new_order()).await.unwrap();
    assert_eq!(again.iccid, order.iccid);
    assert_ne!(again.matching_id, order.matching_id);
    assert_eq!(server.orders.cancel(&order.iccid, false).await.unwrap(), ProfileState::Unavailable);
    assert!(matches!(server.orders.cancel(&order.iccid, false).await, Err(Error::Transition(_))));
}

#[tokio::test]
async fn the_log_says_who_did_what() {
    let server = Server::new().await;
    let order = server.order().await;
    let euicc = server.euicc(rsp_crypto::Curve::P256);
    euicc.deliver(&server, &order.matching_id).await;
    let events = server.store.profile_events(&order.iccid).await.unwrap();
    let log: Vec<_> = events.iter().map(|event| (event.to.as_str(), event.actor.as_str())).collect();
    assert_eq!(
        log,
        [("Available", "test"), ("Allocated", "test"), ("Released", "test"), ("Downloaded", "GetBoundProfilePackage")]
    );
}

#[tokio::test]
async fn an_order_gets_as_far_as_it_is_told() {
    let server = Server::new().await;
    server.import(true).await;
    for policy in OrderPolicy::ALL {
        for state in ProfileState::ALL {
            let mut order = new_order();
            order.policy = policy;
            order.state = state;
            order.eid = (state == ProfileState::Linked).then_some(Eid([0x89; 16]));
            let placed = server.orders.order(order).await.unwrap();
            assert_eq!(placed.state, state, "{policy:?}");
            assert_eq!(server.store.profile(&placed.iccid).await.unwrap().unwrap().state, state, "{policy:?}");
        }
    }
}

#[tokio::test]
async fn what_was_confirmed_is_released_once() {
    let server = Server::new().await;
    let order = server.order_with(|order| order.state = ProfileState::Confirmed).await;
    server.orders.release(&order.iccid).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Released);
    let again = server.orders.release(&order.iccid).await;
    assert!(matches!(again, Err(Error::NotToBeReleased(_, ProfileState::Released))));
}

#[tokio::test]
async fn the_messages_that_wait_for_an_order_are_its_own() {
    let server = Server::new().await;
    server.import(true).await;
    let ordered = async |smds: Option<&str>| {
        let mut order = new_order();
        order.eid = Some(Eid([0x89; 16]));
        order.smds_address = smds.map(str::to_owned);
        let placed = server.orders.order(order).await.unwrap();
        server.store.profile(&placed.iccid).await.unwrap().unwrap()
    };
    let (with, without) = (ordered(Some("smds.example.com")).await, ordered(None).await);
    let waiting = server.orders.waiting_messages(&with).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].recipient, "smds.example.com");
    assert!(server.orders.waiting_messages(&without).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reset_server_gives_matching_ids_out_again() {
    let server = Server::new().await;
    let order = server.order_with(|order| order.matching_id = Some("QR-0815".to_owned())).await;
    server.orders.reset().await.unwrap();
    assert!(server.store.profile(&order.iccid).await.unwrap().is_none());
    let again = server.order_with(|order| order.matching_id = Some("QR-0815".to_owned())).await;
    assert_eq!(again.iccid, order.iccid);
    let audit = server.store.audit(2).await.unwrap();
    let audit: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(audit, ["import", "reset"]);
}
