//! ES8+.InitialiseSecureChannel (SGP.22 5.5.1; SGP.23 4.2.3).

use crate::load::{setup, terminal_success};
use crate::server::{Order, World, signature};
use crate::terminal::{Terminal, segments};
use rsp_asn1::{BppCommandId, ErrorReason, ErrorResult, FinalResult, tlv};
use rsp_testkit::SeededRandomness;

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

#[test]
fn initialise_secure_channel_opens_a_load_once() {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(1)));
    assert_eq!(terminal.es10(&segments[0]).unwrap(), Vec::<u8>::new());
    assert_eq!(terminal.es10(&segments[0]).unwrap_err().0, 0x6985, "a second one is refused, and the load goes on");
    assert!(terminal.load_segments(&segments[1..]).unwrap().is_some());
    assert_eq!(terminal.profiles().len(), 1);
}
