//! Channels, selection, GET RESPONSE (ETSI TS 102 221, SGP.22 5.7.1, 5.7.2).

use crate::server::World;
use crate::terminal::Terminal;
use rsp_apdu::{Card, CardAccess, CardError, StatusWord};
use rsp_euicc::{Euicc, MemoryStore};
use rsp_testkit::SeededRandomness;

pub(crate) fn card() -> Euicc<MemoryStore> {
    let state = World::p256().euicc(1);
    let mut card = Euicc::new(state, MemoryStore::default(), Box::new(SeededRandomness::new("card"))).unwrap();
    card.power_on();
    card
}

pub(crate) fn send(card: &mut Euicc<MemoryStore>, command: &str) -> String {
    hex::encode_upper(card.transmit(&hex::decode(command.replace(' ', "")).unwrap()))
}

pub(crate) const SELECT_ISDR: &str = "A4040010A0000005591010FFFFFFFF890000010000";

#[test]
fn opens_and_closes_nineteen_channels() {
    let mut card = card();
    assert_eq!(send(&mut card, "0070000002"), "6C01");
    assert_eq!(send(&mut card, "00700000"), "019000", "on the wire of T=0 the same as with Le = 00");
    for number in 2..=19 {
        assert_eq!(send(&mut card, "0070000001"), format!("{number:02X}9000"));
    }
    assert_eq!(send(&mut card, "0070000001"), "6A81");
    assert_eq!(send(&mut card, &format!("4F{SELECT_ISDR}")), "6121", "channel 19");
    assert_eq!(send(&mut card, "CFE2910003BF2E00"), "6115");
    assert_eq!(send(&mut card, "4FC0000015").len(), 2 * 23);
    assert_eq!(send(&mut card, "0070800500"), "9000");
    assert_eq!(send(&mut card, "00708005"), "6881", "not open any more");
    assert_eq!(send(&mut card, "4100000000"), "6881");
    assert_eq!(send(&mut card, "0070000001"), "059000", "the lowest free one");
    assert_eq!(send(&mut card, "01708000"), "9000", "closes its own");
    assert_eq!(send(&mut card, "00708000"), "6A86", "the basic channel stays");
    assert_eq!(send(&mut card, "00700001"), "9000", "by number");
    assert_eq!(send(&mut card, "00700001"), "6A86");
    assert_eq!(send(&mut card, "00708014"), "6A86");
}

#[test]
fn keeps_channels_apart() {
    let mut card = card();
    for _ in 0..2 {
        send(&mut card, "0070000001");
    }
    send(&mut card, &format!("01{SELECT_ISDR}"));
    assert_eq!(send(&mut card, "02C0000021"), "6985", "the answer waits on channel 1");
    assert_eq!(&send(&mut card, "01C0000021")[..4], "6F1F");
    send(&mut card, &format!("02{SELECT_ISDR}"));
    assert_eq!(send(&mut card, "81E2110002BF3E"), "9000");
    assert_eq!(send(&mut card, "82E2910003BF2E00"), "6115", "a chain on another channel is not disturbed");
    assert_eq!(send(&mut card, "81E2910104035C015A"), "6115");
    assert_eq!(send(&mut card, "81E2910104035C015A"), "6A86", "no chain is open");
    assert_eq!(send(&mut card, "81E2110002BF3E"), "9000");
    send(&mut card, &format!("01{SELECT_ISDR}"));
    assert_eq!(send(&mut card, "81E2910104035C015A"), "6A86", "SELECT ends a chain");
}

#[test]
fn refuses_what_no_terminal_may_send() {
    let mut card = card();
    for (command, answer) in [
        ("", "6700"),
        ("00", "6700"),
        ("00A404", "6700"),
        ("FFA40400", "6E00"),
        ("A0A40000023F00", "6E00"),
        ("04A40400", "6882"),
        ("10A40400", "6884"),
        ("0060000000", "6D00"),
        ("80AA00000000", "6700"),
        ("80AA000003A90100", "9000"),
        ("80AA010003A90100", "6A86"),
        ("80AA000103A90100", "6A86"),
        ("80AA0000020102", "6A80"),
        ("80AA000005A903830107", "9000"),
        ("80AA00000AA9088100820101830107", "9000"),
    ] {
        assert_eq!(send(&mut card, command), answer, "{command}");
    }
    assert_eq!(&send(&mut card, &format!("00{SELECT_ISDR}"))[..2], "61");
    assert_eq!(send(&mut card, "00A4000C02AAAA"), "6A82", "nothing is selected by that");
    assert_eq!(send(&mut card, "80E2910003BF2E00"), "6115", "the ISD-R still is");
    assert_eq!(send(&mut card, "00A4000C023F00"), "9000", "the way back to the files");
    assert_eq!(send(&mut card, "80E2910003BF2E00"), "6D00");
    assert_eq!(&send(&mut card, &format!("00{SELECT_ISDR}"))[..2], "61");
    assert_eq!(send(&mut card, "80CA00FE00"), "6D00");
    assert_eq!(send(&mut card, "00E2910003BF2E00"), "6D00", "STORE DATA has class 8X");
    for request in ["80E2910003BF2D01", "80E29100023000", "80E2910002BF2E", "80E2910003BF2E", "80E2910005BF2E00BF2E00"]
    {
        let answer = send(&mut card, request);
        assert!(answer == "6A80" || answer == "6A88" || answer == "6700", "{request}: {answer}");
    }
    assert_eq!(send(&mut card, "80E2910003BF7F00"), "6A88", "no such function");
    assert_eq!(send(&mut card, "80E2800003BF2E00"), "6A86");
}

#[test]
fn a_case_3_form_has_no_answer_data() {
    let mut card = card();
    send(&mut card, &format!("00{SELECT_ISDR}"));
    assert_eq!(send(&mut card, "80E2900003BF2E00"), "9000");
    assert_eq!(send(&mut card, "00C0000000"), "6985");
}

#[test]
fn a_terminal_finds_no_application_without_a_profile() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let usim = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
    assert!(matches!(
        terminal.access.open_channel(&usim),
        Err(CardError::NoApplication { sw: StatusWord::NOT_FOUND, .. })
    ));
}
