//! Whole downloads: what was ordered is what the eUICC can open.

use rsp_asn1::{BoundProfilePackage, ErrorReason, NotificationEvent, decode, tlv};
use rsp_bpp::{Bsp, BspKeys};
use rsp_crypto::{Curve, PublicKey, rust_crypto};
use rsp_es::es9plus::AuthenticateClientResponse;
use rsp_es::server::Caller;
use rsp_smdp::{Rebinding, Settings, UppProtection};
use rsp_store::ProfileState;

use crate::euicc::TestEuicc;
use crate::server::{CODE, Server, code};

/// Opens a package as the eUICC does, and returns the metadata and the profile elements.
pub(crate) fn open(
    euicc: &TestEuicc,
    authenticated: &AuthenticateClientResponse,
    package: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let bpp: BoundProfilePackage = decode(package).unwrap();
    bpp.check_structure().unwrap();
    let request = &bpp.initialise_secure_channel_request;
    assert_eq!(request.value().transaction_id, authenticated.transaction_id);
    let dp_pb = rsp_pki::Certificate::from_raw(authenticated.smdp_certificate.clone());
    let otpk = euicc.one_time_key.public_key();
    rsp_bpp::verify_initialise_secure_channel(rust_crypto(), dp_pb.public_key().unwrap(), request, otpk).unwrap();
    let smdp_otpk = PublicKey::from_uncompressed(euicc.curve, &request.value().smdp_otpk.0).unwrap();
    let shared = rust_crypto().agree(&euicc.one_time_key, &smdp_otpk).unwrap();
    let keys = BspKeys::derive(&shared, &request.value().control_ref_template, &euicc.eid).unwrap();
    let mut bsp = Bsp::new(keys);
    let configure = bsp.unprotect(0x87, &whole(0x87, &bpp.first_sequence_of_87[0].0)).unwrap();
    assert_eq!(configure.as_slice(), [0xBF, 0x24, 0x00]);
    let mut metadata = Vec::new();
    for segment in &bpp.sequence_of_88 {
        metadata.extend_from_slice(bsp.unprotect_mac_only(0x88, &whole(0x88, &segment.0)).unwrap());
    }
    if let Some(segments) = &bpp.second_sequence_of_87 {
        let request = bsp.unprotect(0x87, &whole(0x87, &segments[0].0)).unwrap();
        bsp = Bsp::new(BspKeys::from_request(&decode(&request).unwrap()).unwrap());
    }
    let mut elements = Vec::new();
    for segment in &bpp.sequence_of_86 {
        elements.extend_from_slice(&bsp.unprotect(0x86, &whole(0x86, &segment.0)).unwrap());
    }
    (metadata, elements)
}

fn whole(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    tlv::write(&mut segment, &[tag], value);
    segment
}

async fn whole_life(curve: Curve, settings: Settings) {
    let server = Server::with_settings(settings).await;
    let euicc = server.euicc(curve);
    let order = server.order().await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    assert_eq!(authenticated.profile_metadata.value().iccid, order.iccid);
    let bound = euicc.try_prepare(&server, &authenticated, None).await.unwrap();
    let (metadata, elements) = open(&euicc, &authenticated, &bound.bound_profile_package);
    assert_eq!(metadata, authenticated.profile_metadata.bytes());
    assert_eq!(elements, server.package.as_slice());
    assert_eq!(server.state(&order).await, ProfileState::Downloaded);
    let result = euicc.result(&authenticated.transaction_id, 1, order.iccid, None);
    server.es9().handle_notification(&Caller::default(), result).await.unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Installed);
    for (seq, event) in [(2, NotificationEvent::ENABLE), (3, NotificationEvent::DISABLE)] {
        server
            .es9()
            .handle_notification(&Caller::default(), euicc.notification(seq, event, order.iccid))
            .await
            .unwrap();
        assert_eq!(server.state(&order).await, ProfileState::Installed);
    }
    server
        .es9()
        .handle_notification(&Caller::default(), euicc.notification(4, NotificationEvent::DELETE, order.iccid))
        .await
        .unwrap();
    assert_eq!(server.state(&order).await, ProfileState::Deleted);
    let seen: Vec<_> =
        server.store.notifications(&order.iccid).await.unwrap().into_iter().map(|taken| taken.event).collect();
    assert_eq!(seen, ["notificationInstall", "notificationEnable", "notificationDisable", "notificationDelete"]);
}

#[tokio::test]
async fn a_profile_lives_its_whole_life_on_p256() {
    whole_life(Curve::P256, Settings::default()).await;
}

#[tokio::test]
async fn a_profile_lives_its_whole_life_on_brainpool() {
    whole_life(Curve::BrainpoolP256r1, Settings::default()).await;
}

#[tokio::test]
async fn a_profile_travels_under_keys_of_its_own() {
    whole_life(Curve::P256, Settings { protection: UppProtection::Ppk, ..Settings::default() }).await;
}

#[tokio::test]
async fn a_confirmation_code_opens_the_download() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    assert!(order.confirmation_code_required);
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    assert!(authenticated.smdp_signed2.value().cc_required_flag);
    euicc.try_prepare(&server, &authenticated, Some(CODE)).await.unwrap();
}

#[tokio::test]
async fn the_same_request_in_the_same_session_gets_the_same_bytes() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let request = euicc.prepare_request(&authenticated, None);
    let first = server.es9().get_bound_profile_package(&Caller::default(), request.clone()).await.unwrap();
    let second = server.es9().get_bound_profile_package(&Caller::default(), request).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(server.profile(&order).await.download_tries, 1);
}

#[tokio::test]
async fn a_retry_with_the_same_one_time_key_gets_the_same_segments() {
    for rebinding in [Rebinding::Allowed, Rebinding::Refused] {
        for protection in [UppProtection::SessionKeys, UppProtection::Ppk] {
            let server = Server::with_settings(Settings { rebinding, protection, ..Settings::default() }).await;
            let euicc = server.euicc(Curve::P256);
            let order = server.order().await;
            let mut packages = Vec::new();
            for attempt in 0..2 {
                let authenticated = euicc.authenticate(&server, &order.matching_id).await;
                let offered = authenticated.smdp_signed2.value().bpp_euicc_otpk.as_ref();
                let own = euicc.one_time_key.public_key().as_bytes();
                assert_eq!(offered.map(|key| key.0.as_ref()), (attempt == 1).then_some(own.as_slice()));
                let bound = euicc.try_prepare(&server, &authenticated, None).await.unwrap();
                let (_, elements) = open(&euicc, &authenticated, &bound.bound_profile_package);
                assert_eq!(elements, server.package.as_slice());
                let bpp: BoundProfilePackage = decode(&bound.bound_profile_package).unwrap();
                packages.push(bpp);
                let failed = ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION;
                let result = euicc.result(&authenticated.transaction_id, 1 + attempt, order.iccid, Some(failed));
                server.es9().handle_notification(&Caller::default(), result).await.unwrap();
                assert_eq!(server.state(&order).await, ProfileState::Downloaded);
            }
            let [first, second] = packages.try_into().unwrap();
            assert_eq!(first.first_sequence_of_87, second.first_sequence_of_87);
            assert_eq!(first.sequence_of_88, second.sequence_of_88);
            assert_eq!(first.second_sequence_of_87, second.second_sequence_of_87);
            assert_eq!(first.sequence_of_86, second.sequence_of_86);
            assert_ne!(first.initialise_secure_channel_request, second.initialise_secure_channel_request);
        }
    }
}

#[tokio::test]
async fn a_template_gives_every_order_a_subscriber_of_its_own() {
    let server = Server::new().await;
    server.import(true).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let order = server.orders.order(crate::server::new_order()).await.unwrap();
        assert!(order.iccid.check_digit_valid());
        let euicc = server.euicc(Curve::P256);
        let authenticated = euicc.authenticate(&server, &order.matching_id).await;
        let bound = euicc.try_prepare(&server, &authenticated, None).await.unwrap();
        let (_, elements) = open(&euicc, &authenticated, &bound.bound_profile_package);
        let summary = rsp_saip::ProfilePackage::from_der(&elements).unwrap().summary();
        assert_eq!(summary.iccid, Some(order.iccid.to_string()));
        let subscriber = server.store.subscriber(&order.iccid).await.unwrap().unwrap();
        assert_eq!(summary.imsi.as_deref(), Some(subscriber.imsi.as_str()));
        assert!(subscriber.imsi.starts_with("00101"));
        for key in subscriber.keys.chunks(16) {
            assert!(elements.windows(16).any(|window| window == key));
        }
        seen.push((order.iccid, subscriber.imsi, *subscriber.keys));
    }
    assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1 && seen[0].2 != seen[1].2 && seen[1].0 != seen[2].0);
}

#[tokio::test]
async fn an_order_without_matching_id_is_found_by_its_eid() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order_with(|order| order.eid = Some(euicc.eid)).await;
    for matching_id in [None, Some("")] {
        let authenticated = euicc.try_authenticate(&server, matching_id).await.unwrap();
        assert_eq!(authenticated.profile_metadata.value().iccid, order.iccid);
    }
}

#[tokio::test]
async fn an_euicc_with_two_cis_chooses_by_its_own_preference() {
    let server = Server::new().await;
    for (preferred, other) in [(Curve::P256, Curve::BrainpoolP256r1), (Curve::BrainpoolP256r1, Curve::P256)] {
        let mut euicc = server.euicc(preferred);
        euicc.cis.push(crate::euicc::ci_of(server.pki, other));
        let initiated = euicc.initiate(&server).await;
        assert_eq!(initiated.euicc_ci_pk_id_to_be_used, euicc.cis[0]);
        let certificate = rsp_pki::Certificate::from_raw(initiated.server_certificate.clone());
        assert_eq!(certificate.curve(), Some(preferred));
    }
}
