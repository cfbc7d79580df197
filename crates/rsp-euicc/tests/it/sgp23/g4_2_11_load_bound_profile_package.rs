//! ES10b.LoadBoundProfilePackage (SGP.22 2.5, 5.7.6; SGP.23 4.2.11): success in both protection modes
//! on both curves, order, protection and interruption.

use crate::load::{setup, terminal_success};
use crate::server::{ADDRESS, Order, Server, World, oid};
use crate::terminal::{Terminal, segments};
use rsp_asn1::{
    BppCommandId, ErrorReason, FinalResult, NotificationEvent, OctetString, ProfileInstallationResult, decode, encode,
};
use rsp_crypto::hash::sha256;
use rsp_crypto::{Curve, Signature, rust_crypto};
use rsp_pki::Certificate;

#[test]
fn installs_in_both_modes_on_both_curves() {
    for curve in [Curve::P256, Curve::BrainpoolP256r1] {
        for own_keys in [false, true] {
            let mut world = World::new(curve, "both curves");
            let mut server = world.server();
            let mut terminal = Terminal::new(world.euicc(1));
            let order = Order { own_keys, ..Order::number(1) };
            let success = terminal.install(&mut server, &order);
            assert_eq!(hex::encode_upper(&success.aid.0), "A0000005591010FFFFFFFF8900001000");
            assert_eq!(hex::encode_upper(&success.sima_response), "3007A00530038001 00".replace(' ', ""));
            let profiles = terminal.profiles();
            assert_eq!(profiles.len(), 1);
            assert_eq!(profiles[0].iccid, Some(order.iccid()));
            assert_eq!(profiles[0].profile_state.map(|state| state.0), Some(0), "disabled");
            let inspection = terminal.state().inspect().unwrap();
            let digest = hex::encode(sha256(&order.elements));
            assert_eq!((&inspection.profiles[0].upp_sha256, inspection.one_time_keys), (&digest, 0));
        }
    }
}

#[test]
fn the_result_is_signed_and_speaks_of_the_session() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    let authenticated = terminal.authenticate(&mut server);
    let request = server.prepare(&authenticated, None);
    let rsp_asn1::PrepareDownloadResponse::Ok(prepared) = terminal.call(&request) else { panic!("refused") };
    let package = server.bind(World::eid(1), &prepared, &order);
    let answer = terminal.load_segments(&segments(&package)).unwrap().unwrap();
    let result: ProfileInstallationResult = decode(&answer).unwrap();
    let data = &result.profile_installation_result_data;
    let euicc = Certificate::from_raw(authenticated.euicc_certificate.clone());
    let signature = Signature::from_slice(&result.euicc_sign_pir.0).unwrap();
    rust_crypto().verify(euicc.public_key().unwrap(), data.bytes(), &signature).unwrap();
    let data = data.value();
    assert_eq!(data.transaction_id, prepared.euicc_signed2.value().transaction_id);
    assert_eq!(data.smdp_oid, oid(&[2, 999, 10]));
    assert_eq!(data.notification_metadata.notification_address, ADDRESS);
    assert_eq!(data.notification_metadata.iccid, Some(order.iccid()));
    assert_eq!(data.notification_metadata.profile_management_operation, NotificationEvent::from_bits(&[0]));
    let listed = terminal.notifications();
    assert_eq!(listed, std::slice::from_ref(&data.notification_metadata));
    let retrieved = terminal.hex("BF2B00").unwrap();
    assert!(retrieved.contains(&hex::encode_upper(&answer)), "kept byte for byte");
}

#[test]
fn takes_metadata_over_several_segments_and_proprietary_data() {
    let (_, mut server, mut terminal) = setup();
    let icon: OctetString = vec![0x5A; 1024].into();
    let mut order = Order::number(1).with(|metadata| {
        metadata.icon_type = Some(rsp_asn1::IconType::PNG);
        metadata.icon = Some(icon.clone());
    });
    order.configuration = hex::decode("BF2407B80580038837 0A".replace(' ', "")).unwrap();
    terminal.install(&mut server, &order);
    assert_eq!(terminal.profiles()[0].icon, Some(icon));
    let listed = terminal.hex("BF2D035C01B8").unwrap();
    assert!(listed.contains("B8058003883 70A".replace(' ', "").as_str()), "{listed}");
}

#[test]
fn numbers_isd_ps_and_never_reuses_one() {
    let (_, mut server, mut terminal) = setup();
    let aid = |terminal: &mut Terminal, server: &mut Server, number| {
        hex::encode_upper(&terminal.install(server, &Order::number(number)).aid.0)[26..30].to_owned()
    };
    assert_eq!(aid(&mut terminal, &mut server, 1), "0010");
    assert_eq!(aid(&mut terminal, &mut server, 2), "0011");
    terminal.delete(Order::number(2).iccid());
    assert_eq!(aid(&mut terminal, &mut server, 3), "0012");
}

/// Alters one segment of a package and loads it.
fn altered(own_keys: bool, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<FinalResult, u16> {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let order = Order { own_keys, ..Order::number(1) };
    let mut segments = segments(&server.bind(World::eid(1), &prepared, &order));
    change(&mut segments);
    let answer = terminal.load_segments(&segments);
    assert!(terminal.profiles().is_empty());
    match answer {
        Ok(Some(answer)) => {
            let result: ProfileInstallationResult = decode(&answer).unwrap();
            Ok(result.profile_installation_result_data.into_value().final_result)
        }
        Ok(None) => panic!("no result"),
        Err(sw) => Err(sw.0),
    }
}

fn failure(own_keys: bool, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (BppCommandId, ErrorReason) {
    match altered(own_keys, change) {
        Ok(FinalResult::Error(error)) => (error.bpp_command_id, error.error_reason),
        other => panic!("{other:?}"),
    }
}

fn flip_last(segment: &mut [u8]) {
    *segment.last_mut().unwrap() ^= 1;
}

#[test]
fn every_command_notices_a_wrong_mac() {
    let expected = ErrorReason::SCP03T_SECURITY_ERROR;
    // Segments: head, A0 with 87, A1, 88, A2 with 87, A3, 86 and on.
    assert_eq!(failure(true, |s| flip_last(&mut s[1])), (BppCommandId::CONFIGURE_ISDP, expected));
    assert_eq!(failure(true, |s| flip_last(&mut s[3])), (BppCommandId::STORE_METADATA, expected));
    assert_eq!(failure(true, |s| flip_last(&mut s[4])), (BppCommandId::REPLACE_SESSION_KEYS, expected));
    assert_eq!(failure(true, |s| flip_last(&mut s[6])), (BppCommandId::LOAD_PROFILE_ELEMENTS, expected));
    assert_eq!(failure(false, |s| flip_last(s.last_mut().unwrap())), (BppCommandId::LOAD_PROFILE_ELEMENTS, expected));
}

#[test]
fn every_command_notices_a_wrong_structure() {
    let expected = ErrorReason::SCP03T_STRUCTURE_ERROR;
    assert_eq!(failure(true, |s| s[1][2] = 0x86), (BppCommandId::CONFIGURE_ISDP, expected));
    assert_eq!(failure(true, |s| s[3][0] = 0x86), (BppCommandId::STORE_METADATA, expected));
    assert_eq!(failure(true, |s| s[4][2] = 0x88), (BppCommandId::REPLACE_SESSION_KEYS, expected));
    assert_eq!(failure(true, |s| s[6][0] = 0x87), (BppCommandId::LOAD_PROFILE_ELEMENTS, expected));
    assert_eq!(failure(true, |s| s[6].truncate(1000)), (BppCommandId::LOAD_PROFILE_ELEMENTS, expected));
    let two_in_one = failure(true, |s| {
        let next = s.remove(7);
        s[6].extend(next);
        s[6].push(0);
    });
    assert_eq!(two_in_one, (BppCommandId::LOAD_PROFILE_ELEMENTS, expected));
    let longer = failure(false, |s| {
        let length = s[4].len();
        s[4][length - 1] = s[4][length - 1].wrapping_add(1);
    });
    assert_eq!(longer.1, expected, "a sequence longer than its package");
}

#[test]
fn a_package_is_as_long_as_it_says() {
    for more in [1, 200] {
        let result = failure(true, |segments| {
            let [0xBF, 0x36, 0x82, high, low, ..] = &mut segments[0][..] else { panic!("a head") };
            let length = u16::from_be_bytes([*high, *low]) + more;
            [*high, *low] = length.to_be_bytes();
        });
        assert_eq!(result, (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::SCP03T_STRUCTURE_ERROR), "{more}");
    }
}

#[test]
fn a_dropped_repeated_or_exchanged_segment_does_not_open() {
    let expected = (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::SCP03T_SECURITY_ERROR);
    assert_eq!(failure(false, |s| drop(s.remove(5))), expected);
    let too_much = (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::SCP03T_STRUCTURE_ERROR);
    assert_eq!(failure(false, |s| s.insert(6, s[5].clone())), too_much, "more than the sequence holds");
    assert_eq!(failure(false, |s| s.swap(5, 6)), expected);
}

#[test]
fn refuses_segments_that_are_not_due_and_goes_on() {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(1)));
    assert_eq!(terminal.es10(&segments[1]).unwrap_err().0, 0x6985, "before the head");
    assert_eq!(terminal.es10(&[0xBF, 0x36, 0x02, 0x30, 0x00]).unwrap_err().0, 0x6A88, "no BF23 in the head");
    assert_eq!(terminal.es10(&segments[0]).unwrap(), Vec::<u8>::new());
    for (segment, sw) in [
        (segments[0].clone(), 0x6985),
        (segments[2].clone(), 0x6A88),
        (segments[3].clone(), 0x6A88),
        (vec![0xA4, 0x00], 0x6A88),
        (vec![0xBF, 0x7E, 0x00], 0x6A88),
        (vec![0xBF, 0x21, 0x00], 0x6985),
        (vec![0xBF, 0x33, 0x02, 0x5A, 0x00], 0x6985),
    ] {
        assert_eq!(terminal.es10(&segment).unwrap_err().0, sw, "{}", hex::encode_upper(&segment[..2]));
    }
    assert_eq!(terminal.profiles().len(), 0, "reading is allowed");
    let answer = terminal.load_segments(&segments[1..]).unwrap().unwrap();
    let result: ProfileInstallationResult = decode(&answer).unwrap();
    assert!(matches!(result.profile_installation_result_data.value().final_result, FinalResult::Success(_)));
}

#[test]
fn a_loss_of_power_leaves_a_result_and_nothing_else() {
    for (sent, command, named) in [
        (1, BppCommandId::CONFIGURE_ISDP, false),
        (2, BppCommandId::CONFIGURE_ISDP, false),
        (4, BppCommandId::LOAD_PROFILE_ELEMENTS, true),
        (6, BppCommandId::LOAD_PROFILE_ELEMENTS, true),
    ] {
        let (_, mut server, mut terminal) = setup();
        let order = Order::number(1);
        let prepared = terminal.prepare(&mut server, None);
        let otpk = prepared.euicc_signed2.value().euicc_otpk.0.clone();
        let segments = segments(&server.bind(World::eid(1), &prepared, &order));
        assert_eq!(terminal.load_segments(&segments[..sent]).unwrap(), None);
        terminal.power_cycle();
        assert!(terminal.profiles().is_empty());
        assert_eq!(terminal.es10(&segments[sent]).unwrap_err().0, 0x6985);
        let notifications = terminal.notifications();
        assert_eq!(notifications.len(), 1);
        assert_eq!(notifications[0].iccid, named.then(|| order.iccid()), "{sent} segments");
        let FinalResult::Error(error) = terminal_success(&mut terminal) else { panic!("success") };
        assert_eq!(error.bpp_command_id, command, "{sent} segments");
        assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION);
        terminal.power_cycle();
        assert_eq!(terminal.notifications().len(), 1, "reported once");

        // The retry gets the same key, so the same protected segments do, with a new head.
        let prepared = terminal.prepare(&mut server, Some(&otpk));
        assert_eq!(prepared.euicc_signed2.value().euicc_otpk.0, otpk);
        let package = server.bind(World::eid(1), &prepared, &order);
        assert!(matches!(terminal.load(&package), FinalResult::Success(_)));
    }
}

#[test]
fn a_new_challenge_ends_a_load_as_interrupted() {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(1)));
    assert_eq!(terminal.load_segments(&segments[..5]).unwrap(), None);
    terminal.challenge();
    assert_eq!(terminal.es10(&segments[5]).unwrap_err().0, 0x6985);
    let FinalResult::Error(error) = terminal_success(&mut terminal) else { panic!("success") };
    assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION);
    assert_eq!(encode(&error.bpp_command_id).unwrap(), [2, 1, 5]);
}
