//! ES10b.LoadBoundProfilePackage and ES8+ inside it (SGP.22 2.5, 5.5, 5.7.6): success in both protection modes on both
//! curves, and each failure with its command and reason.

use rsp_asn1::{
    BppCommandId, ErrorReason, ErrorResult, FinalResult, NotificationEvent, OctetString, OperatorId, PprIds,
    ProfileClass, ProfileInstallationResult, StoreMetadataRequest, Unknown, decode, encode, tlv,
};
use rsp_crypto::hash::sha256;
use rsp_crypto::{Curve, Signature, rust_crypto};
use rsp_euicc::Manufacture;
use rsp_pki::Certificate;
use rsp_saip::header::Service;
use rsp_saip::status::{EuiccResponse, PeStatusCode};
use rsp_saip::{Element, ProfilePackage};
use rsp_testkit::SeededRandomness;

use crate::server::{ADDRESS, Order, Server, World, oid, signature};
use crate::terminal::{Terminal, segments};

pub(crate) fn setup() -> (World, Server, Terminal) {
    let mut world = World::p256();
    let server = world.server();
    let terminal = Terminal::new(world.euicc(1));
    (world, server, terminal)
}

/// Command and reason of a download that must fail and leave nothing behind but its result.
fn refusal(order: &Order) -> (BppCommandId, ErrorReason) {
    let (_, mut server, mut terminal) = setup();
    let error = terminal.refuse(&mut server, order);
    assert!(terminal.profiles().is_empty());
    assert_eq!(terminal.notifications().len(), 1, "the result");
    (error.bpp_command_id, error.error_reason)
}

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

// InitialiseSecureChannel.

/// Rebuilds BF23 with other values, signed or not.
fn with_channel(change: impl FnOnce(&mut Vec<(Vec<u8>, Vec<u8>)>), sign: bool) -> ErrorResult {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let package = server.bind(World::eid(1), &prepared, &Order::number(1));
    let (whole, _) = tlv::first(&package).unwrap();
    let channel = whole.children().next().unwrap().unwrap();
    let mut elements: Vec<(Vec<u8>, Vec<u8>)> =
        channel.children().map(Result::unwrap).map(|e| (e.tag().to_vec(), e.value().to_vec())).collect();
    change(&mut elements);
    if sign {
        let mut message = Vec::new();
        elements[..4].iter().for_each(|(tag, value)| tlv::write(&mut message, tag, value));
        tlv::write(&mut message, &[0x5F, 0x49], &prepared.euicc_signed2.value().euicc_otpk.0);
        elements[4].1 = signature(&*server.binding_signer, &message).0.to_vec();
    }
    let mut content = Vec::new();
    elements.iter().for_each(|(tag, value)| tlv::write(&mut content, tag, value));
    let mut altered = Vec::new();
    tlv::write(&mut altered, &[0xBF, 0x23], &content);
    altered.extend(&whole.value()[channel.raw().len()..]);
    let mut package = Vec::new();
    tlv::write(&mut package, &[0xBF, 0x36], &altered);
    let FinalResult::Error(error) = terminal.load(&package) else { panic!("installed") };
    assert_eq!(error.bpp_command_id, BppCommandId::INITIALISE_SECURE_CHANNEL);
    assert_eq!(terminal.es10(&segments(&package)[1]).unwrap_err().0, 0x6985, "the session is gone");
    assert!(terminal.profiles().is_empty());
    error
}

#[test]
fn initialise_secure_channel_invalid_signature() {
    let error = with_channel(|elements| elements[4].1[0] ^= 1, false);
    assert_eq!(error.error_reason, ErrorReason::INVALID_SIGNATURE);
}

#[test]
fn initialise_secure_channel_invalid_transaction_id() {
    let error = with_channel(|elements| elements[1].1[0] ^= 1, true);
    assert_eq!(error.error_reason, ErrorReason::INVALID_TRANSACTION_ID);
}

#[test]
fn initialise_secure_channel_unsupported_crt_values() {
    for (offset, value) in [(2, 0x82), (5, 0x20)] {
        let error = with_channel(|elements| elements[2].1[offset] = value, true);
        assert_eq!(error.error_reason, ErrorReason::UNSUPPORTED_CRT_VALUES);
    }
}

#[test]
fn initialise_secure_channel_unsupported_remote_operation() {
    let error = with_channel(|elements| elements[0].1[0] = 2, true);
    assert_eq!(error.error_reason, ErrorReason::UNSUPPORTED_REMOTE_OPERATION_TYPE);
}

#[test]
fn initialise_secure_channel_incorrect_input_values() {
    let error = with_channel(|elements| elements[3].1 = vec![4; 65], true);
    assert_eq!(error.error_reason, ErrorReason::INCORRECT_INPUT_VALUES, "a point off the curve");
    let error = with_channel(|elements| elements[2].1.truncate(6), true);
    assert_eq!(error.error_reason, ErrorReason::INCORRECT_INPUT_VALUES, "no host identifier");
}

#[test]
fn atk_bpp_replay_other_eid() {
    let (mut world, mut server, mut terminal) = setup();
    let mut other = Terminal::with_randomness(world.euicc(2), Box::new(SeededRandomness::new("another card")));
    let prepared = terminal.prepare(&mut server, None);
    let package = server.bind(World::eid(1), &prepared, &Order::number(1));
    other.prepare(&mut server, None);
    let before = other.profiles();
    let FinalResult::Error(error) = other.load(&package) else { panic!("installed") };
    assert_eq!(error.bpp_command_id, BppCommandId::INITIALISE_SECURE_CHANNEL);
    assert_eq!(error.error_reason, ErrorReason::INVALID_SIGNATURE);
    assert_eq!(other.profiles(), before);
    assert_eq!(terminal.load(&package), terminal_success(&mut terminal), "the eUICC it was bound to takes it");
}

fn terminal_success(terminal: &mut Terminal) -> FinalResult {
    let number = terminal.notifications()[0].seq_number;
    let answer = terminal.hex(&format!("BF2B05A0038001{number:02X}")).unwrap();
    let answer = hex::decode(answer).unwrap();
    let (whole, _) = tlv::first(&answer).unwrap();
    let list = whole.children().next().unwrap().unwrap();
    decode::<ProfileInstallationResult>(list.value())
        .unwrap()
        .profile_installation_result_data
        .into_value()
        .final_result
}

#[test]
fn atk_bpp_replay_same() {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let otpk = prepared.euicc_signed2.value().euicc_otpk.0.clone();
    let package = server.bind(World::eid(1), &prepared, &Order::number(1));
    assert!(matches!(terminal.load(&package), FinalResult::Success(_)));
    assert_eq!(terminal.es10(&segments(&package)[0]).unwrap_err().0, 0x6985, "no session");
    let again = terminal.prepare(&mut server, Some(&otpk));
    assert_ne!(again.euicc_signed2.value().euicc_otpk.0, otpk, "the key is used up");
    let FinalResult::Error(error) = terminal.load(&package) else { panic!("installed twice") };
    assert_eq!(error.error_reason, ErrorReason::INVALID_SIGNATURE);
    assert_eq!(terminal.profiles().len(), 1);
}

// ConfigureISDP.

#[test]
fn configure_isdp_incorrect_input_values() {
    let mut long = vec![0xBF, 0x24, 0x81, 0x82, 0xB8, 0x7F, 0x80, 0x03, 0x88, 0x37, 0x0A, 0x81, 0x78];
    long.extend([0; 0x78]);
    long[3] = u8::try_from(long.len() - 4).unwrap();
    assert_eq!(long[5], u8::try_from(long.len() - 6).unwrap());
    let order = Order { configuration: long, ..Order::number(1) };
    assert_eq!(refusal(&order), (BppCommandId::CONFIGURE_ISDP, ErrorReason::INCORRECT_INPUT_VALUES));
    for bad in ["BF2500", "BF240100", "BF2400BF2400", "80"] {
        let order = Order { configuration: hex::decode(bad).unwrap(), ..Order::number(1) };
        let expected = if bad == "BF240100" { None } else { Some(ErrorReason::INCORRECT_INPUT_VALUES) };
        let (command, reason) = refusal(&order);
        assert_eq!(command, BppCommandId::CONFIGURE_ISDP, "{bad}");
        assert_eq!(reason, expected.unwrap_or(ErrorReason::INCORRECT_INPUT_VALUES), "{bad}");
    }
}

// StoreMetadata.

fn metadata_refusal(change: impl FnOnce(&mut StoreMetadataRequest)) -> ErrorReason {
    let (command, reason) = refusal(&Order::number(1).with(change));
    assert_eq!(command, BppCommandId::STORE_METADATA);
    reason
}

#[test]
fn store_metadata_incorrect_input_values() {
    let expected = ErrorReason::INCORRECT_INPUT_VALUES;
    assert_eq!(metadata_refusal(|metadata| metadata.service_provider_name.0.clear()), expected);
    assert_eq!(metadata_refusal(|metadata| metadata.profile_name.0.clear()), expected);
    assert_eq!(metadata_refusal(|metadata| metadata.icon = Some(vec![1].into())), expected);
    let wildcard = metadata_refusal(|metadata| {
        metadata.profile_owner.as_mut().unwrap().mcc_mnc = vec![0x00, 0xF1, 0xEE].into();
    });
    assert_eq!(wildcard, expected);
    let order = Order { raw_metadata: Some(vec![0xBF, 0x25, 0x00]), ..Order::number(1) };
    assert_eq!(refusal(&order), (BppCommandId::STORE_METADATA, expected));
}

#[test]
fn store_metadata_unsupported_profile_class() {
    let reason = metadata_refusal(|metadata| metadata.profile_class = ProfileClass(3));
    assert_eq!(reason, ErrorReason::UNSUPPORTED_PROFILE_CLASS);
}

#[test]
fn store_metadata_iccid_already_exists() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    let error = terminal.refuse(&mut server, &Order::number(1));
    assert_eq!(error.bpp_command_id, BppCommandId::STORE_METADATA);
    assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC);
    assert_eq!(terminal.profiles().len(), 1);
}

#[test]
fn store_metadata_ppr_not_allowed() {
    let expected = (BppCommandId::STORE_METADATA, ErrorReason::PPR_NOT_ALLOWED);
    let without_owner = Order::number(1).rules(&[PprIds::PPR2]).with(|metadata| metadata.profile_owner = None);
    assert_eq!(refusal(&without_owner), expected);
    assert_eq!(refusal(&Order::number(1).rules(&[3])), expected, "a rule that is not known");

    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1).class(ProfileClass::PROVISIONING));
    terminal.install(&mut server, &Order::number(2).rules(&[PprIds::PPR1, PprIds::PPR2]));
    let error = terminal.refuse(&mut server, &Order::number(3).rules(&[PprIds::PPR1]));
    assert_eq!((error.bpp_command_id, error.error_reason), expected, "an operational profile is installed");
    terminal.install(&mut server, &Order::number(4).rules(&[PprIds::PPR2]));
}

// ReplaceSessionKeys and protection.

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
fn a_dropped_repeated_or_exchanged_segment_does_not_open() {
    let expected = (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::SCP03T_SECURITY_ERROR);
    assert_eq!(failure(false, |s| drop(s.remove(5))), expected);
    let too_much = (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::SCP03T_STRUCTURE_ERROR);
    assert_eq!(failure(false, |s| s.insert(6, s[5].clone())), too_much, "more than the sequence holds");
    assert_eq!(failure(false, |s| s.swap(5, 6)), expected);
}

#[test]
fn replace_session_keys_incorrect_input_values() {
    let whole = |size: usize| {
        let mut keys = Vec::new();
        (0x80..0x83).for_each(|tag| tlv::write(&mut keys, &[tag], &[0x42; 16][..size]));
        let mut request = Vec::new();
        tlv::write(&mut request, &[0xBF, 0x26], &keys);
        request
    };
    for bad in [whole(15), vec![0xBF, 0x26, 0x00], vec![0xBF, 0x24, 0x00], b"no keys".to_vec()] {
        let (_, mut server, mut terminal) = setup();
        let prepared = terminal.prepare(&mut server, None);
        let package = server.bind_with_replacement(World::eid(1), &prepared, &Order::number(1), &bad);
        let FinalResult::Error(error) = terminal.load(&package) else { panic!("installed") };
        assert_eq!(error.bpp_command_id, BppCommandId::REPLACE_SESSION_KEYS);
        assert_eq!(error.error_reason, ErrorReason::INCORRECT_INPUT_VALUES);
        assert!(terminal.profiles().is_empty());
    }
}

#[test]
fn replace_session_keys_comes_before_the_profile_elements() {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let order = Order { own_keys: true, ..Order::number(1) };
    let segments = segments(&server.bind(World::eid(1), &prepared, &order));
    assert_eq!(terminal.load_segments(&segments[..4]).unwrap(), None);
    assert_eq!(terminal.es10(&segments[5]).unwrap(), Vec::<u8>::new(), "A3 may follow A1");
    assert_eq!(terminal.es10(&segments[4]).unwrap_err().0, 0x6A88, "A2 may not follow A3");
}

// LoadProfileElements.

#[test]
fn load_profile_elements_processing_error_with_a_response() {
    for elements in [b"This is no profile package at all.".to_vec(), vec![0xA0, 0x05, 0x80]] {
        let (_, mut server, mut terminal) = setup();
        let error = terminal.refuse(&mut server, &Order { elements, ..Order::number(1) });
        assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
        assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR);
        let response = EuiccResponse::from_der(&error.sima_response.unwrap()).unwrap();
        assert!(response.profile_installation_aborted.is_some());
        assert!(terminal.profiles().is_empty());
    }
}

/// The package of a recorded session is text; its protection opens, and then there is no profile in it.
#[test]
fn the_package_of_a_recorded_session_is_no_profile() {
    let Some(elements) = rsp_testkit::standards("vectors/waigel-session/upp.der") else { return };
    let expected = (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR);
    assert_eq!(refusal(&Order { elements, ..Order::number(1) }), expected);
}

#[test]
fn load_profile_elements_names_the_status_of_the_element() {
    let elements = |change: fn(&mut rsp_saip::header::ProfileHeader)| {
        let mut package = ProfilePackage::from_der(&Order::number(1).elements).unwrap();
        let Element::Header(header) = package.elements()[0].element() else { panic!("the header") };
        let mut header = header.clone();
        change(&mut header);
        package.replace(0, Element::Header(header)).unwrap();
        package.to_der().to_vec()
    };
    for (elements, status) in [
        (elements(|header| header.major_version = 4), PeStatusCode::UNSUPPORTED_PROFILE_VERSION),
        (elements(|header| header.mandatory_services.0.push(Service::TUAK128)), PeStatusCode::FEATURE_NOT_SUPPORTED),
    ] {
        let (_, mut server, mut terminal) = setup();
        let error = terminal.refuse(&mut server, &Order { elements, ..Order::number(1) });
        assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
        assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR);
        let response = EuiccResponse::from_der(&error.sima_response.unwrap()).unwrap();
        assert_eq!(response.pe_status.last().map(|element| element.status), Some(status));
        assert!(terminal.profiles().is_empty());
    }
}

#[test]
fn load_profile_elements_data_mismatch() {
    let expected = (BppCommandId::LOAD_PROFILE_ELEMENTS, ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH);
    assert_eq!(refusal(&Order::number(1).with(|metadata| metadata.iccid.0[9] ^= 0x10)), expected);
    let owner = |mcc_mnc: [u8; 3], gid1: Option<&'static [u8]>| {
        refusal(&Order::number(1).with(|metadata| {
            metadata.profile_owner = Some(OperatorId {
                mcc_mnc: mcc_mnc.to_vec().into(),
                gid1: gid1.map(OctetString::from_static),
                gid2: None,
                unknown: Unknown::default(),
            });
        }))
    };
    assert_eq!(owner([0x62, 0xF2, 0x10], None), expected, "another operator");
    assert_eq!(owner([0x00, 0xF1, 0x10], Some(&[0x42])), expected, "a group that the profile does not have");
    let second_group = refusal(&Order::number(1).with(|metadata| {
        metadata.profile_owner.as_mut().unwrap().gid2 = Some(OctetString::from_static(&[0x42]));
    }));
    assert_eq!(second_group, expected, "a second group that the profile does not have");
}

#[test]
fn load_profile_elements_test_profile_needs_a_test_key() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1).class(ProfileClass::TEST));
    let mut order = Order::number(2).class(ProfileClass::TEST);
    let place = order.elements.windows(16).position(|window| window == (0..16).collect::<Vec<u8>>()).unwrap();
    order.elements[place] = 0x80;
    let error = terminal.refuse(&mut server, &order);
    assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
    assert_eq!(error.error_reason, ErrorReason::TEST_PROFILE_INSTALL_FAILED_DUE_TO_INVALID_NAA_KEY);
    terminal.install(&mut server, &order.class(ProfileClass::OPERATIONAL));
}

#[test]
fn insufficient_memory_is_temporary_and_the_key_stays() {
    let mut world = World::p256();
    let mut server = world.server();
    let credential = world.credential(World::eid(1));
    let small = Manufacture::new(vec![credential]).capacity(3000).build(rust_crypto()).unwrap();
    let mut terminal = Terminal::new(small);
    let prepared = terminal.prepare(&mut server, None);
    let otpk = prepared.euicc_signed2.value().euicc_otpk.0.clone();
    let package = server.bind(World::eid(1), &prepared, &Order::number(1));
    let FinalResult::Error(error) = terminal.load(&package) else { panic!("installed") };
    assert_eq!(error.bpp_command_id, BppCommandId::LOAD_PROFILE_ELEMENTS);
    assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE);
    assert!(terminal.profiles().is_empty());
    let again = terminal.prepare(&mut server, Some(&otpk));
    assert_eq!(again.euicc_signed2.value().euicc_otpk.0, otpk);
}

#[test]
fn insufficient_memory_at_every_command() {
    for (capacity, command) in [
        (100, BppCommandId::CONFIGURE_ISDP),
        (512 + 20, BppCommandId::STORE_METADATA),
        (512 + 1500, BppCommandId::LOAD_PROFILE_ELEMENTS),
    ] {
        let mut world = World::p256();
        let mut server = world.server();
        let credential = world.credential(World::eid(1));
        let small = Manufacture::new(vec![credential]).capacity(capacity).build(rust_crypto()).unwrap();
        let error = Terminal::new(small).refuse(&mut server, &Order::number(1));
        assert_eq!(error.bpp_command_id, command, "{capacity} bytes");
        assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE);
    }
}

// Order and interruption.

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
