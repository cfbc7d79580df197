//! ES8+.LoadProfileElements (SGP.22 5.5.5; SGP.23 4.2.7).

use crate::load::{refusal, setup};
use crate::server::{Order, World};
use crate::terminal::Terminal;
use rsp_asn1::{BppCommandId, ErrorReason, FinalResult, OctetString, OperatorId, ProfileClass, Unknown};
use rsp_crypto::rust_crypto;
use rsp_euicc::Manufacture;
use rsp_saip::header::Service;
use rsp_saip::status::{EuiccResponse, PeStatusCode};
use rsp_saip::{Element, ProfilePackage};

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
        (elements(|header| header.mandatory_services.0.push(Service::GBA_USIM)), PeStatusCode::FEATURE_NOT_SUPPORTED),
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

#[test]
fn load_profile_elements_cut_anywhere_become_a_profile() {
    for own_keys in [false, true] {
        let (_, mut server, mut terminal) = setup();
        let order = Order { own_keys, ..Order::number(1).padded(20_000) };
        let success = terminal.install(&mut server, &order);
        assert_eq!(EuiccResponse::from_der(&success.sima_response).unwrap().pe_status[0].status, PeStatusCode::OK);
        let inspection = terminal.state().inspect().unwrap();
        assert_eq!(inspection.profiles[0].upp_length as usize, order.elements.len());
    }
}
