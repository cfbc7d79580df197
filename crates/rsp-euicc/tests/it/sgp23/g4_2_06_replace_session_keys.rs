//! ES8+.ReplaceSessionKeys (SGP.22 5.5.4; SGP.23 4.2.6).

use crate::load::setup;
use crate::server::{Order, World};
use crate::terminal::segments;
use rsp_asn1::{BppCommandId, ErrorReason, FinalResult, tlv};

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
