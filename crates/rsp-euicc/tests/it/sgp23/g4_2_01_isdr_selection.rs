//! ATR and selection of the ISD-R (SGP.22 5.7.1; SGP.23 4.2.1).

use crate::load::setup;
use crate::server::{Order, World};
use crate::terminal::segments;
use crate::transport::{SELECT_ISDR, card, send};
use rsp_apdu::{Card, CardAccess};
use rsp_euicc::{ECASD_AID, ISDR_AID};

#[test]
fn the_atr_is_well_formed_and_says_euicc() {
    let atr = card().power_on();
    assert_eq!(atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte), 0, "check byte");
    assert_eq!(usize::from(atr[1] & 0x0F) + 8, atr.len(), "15 historical bytes");
    assert_eq!(atr[6] & 0x02, 0x02, "eUICC indication behind T=15");
}

#[test]
fn selects_the_isdr_as_a_real_card_does() {
    let mut card = card();
    assert_eq!(send(&mut card, &format!("00{SELECT_ISDR}")), "6121");
    assert_eq!(send(&mut card, "00C0000021"), "6F1F8410A0000005591010FFFFFFFF8900000100A5049F6501FFE00582030206009000");
    assert_eq!(send(&mut card, "00C0000021"), "6985", "it was fetched");
    assert_eq!(send(&mut card, "80E2910006BF3E035C015A00"), "6115");
    assert_eq!(send(&mut card, "80C0000015").len(), 2 * (0x15 + 2), "lpac fetches with class 8X");
}

#[test]
fn needs_the_whole_aid() {
    let mut card = card();
    for aid in [&ISDR_AID[..15], &ISDR_AID[..7], &[ISDR_AID.as_slice(), &[0]].concat()[..16]] {
        let answer = card.transmit(&rsp_apdu::select(0, aid).unwrap());
        let whole = aid == ISDR_AID;
        assert_eq!(answer[0] == 0x61, whole, "{}", hex::encode_upper(aid));
    }
    for isdp in ["A0000005591010FFFFFFFF8900001000", "A0000005591010FFFFFFFF8900001100"] {
        assert_eq!(send(&mut card, &format!("00A4040010{isdp}00")), "6A82");
    }
    assert_eq!(card.transmit(&rsp_apdu::select(0, &ECASD_AID).unwrap())[0], 0x61);
    assert_eq!(send(&mut card, "80E2910003BF2E00"), "6D00", "the ECASD has no ES10");
}

#[test]
fn is_selected_the_same_with_an_enabled_profile_and_on_every_channel() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    let fci = "6F1F8410A0000005591010FFFFFFFF8900000100A5049F6501FFE00582030206009000";
    assert_eq!(super::send(&mut terminal, &format!("00{SELECT_ISDR}")), fci, "the basic channel");
    let channel = terminal.access.open_channel(&ISDR_AID).unwrap();
    assert_eq!(super::send(&mut terminal, &format!("{channel:02X}{SELECT_ISDR}")), fci);
    assert_eq!(super::send(&mut terminal, &format!("{channel:02X}A4040C10A0000005591010FFFFFFFF8900000100")), "9000");
    assert_eq!(super::send(&mut terminal, &format!("{channel:02X}A4040110A0000005591010FFFFFFFF8900000100")), "6A86");
}

/// Functions of ES10a, ES10b and ES10c, and a status word of each while the terminal has shown these assistants.
fn open(capability: &str) -> [bool; 3] {
    let mut card = card();
    if !capability.is_empty() {
        let length = capability.len() / 2;
        assert_eq!(send(&mut card, &format!("80AA0000{length:02X}{capability}")), "9000", "{capability}");
    }
    assert_eq!(&send(&mut card, &format!("00{SELECT_ISDR}"))[..2], "61", "SELECT is never refused");
    ["BF3C00", "BF2E00", "BF3E035C015A"].map(|request| {
        let answer = send(&mut card, &format!("80E29100{:02X}{request}", request.len() / 2));
        assert!(answer == "6985" || answer.starts_with("61"), "{answer}");
        answer != "6985"
    })
}

#[test]
fn the_assistants_that_a_terminal_shows_open_their_functions() {
    for (capability, functions) in [
        ("", [true; 3]),
        ("A9038301 07", [true; 3]),
        ("A90883010781008201 01", [true; 3]),
        ("A908 8100 820101 830107", [true; 3]),
        ("A903840101", [true; 3]),
        ("A900", [true; 3]),
        ("A9028300", [true; 3]),
        ("A90100", [true; 3]),
        ("A903830100", [false; 3]),
        ("A903830101", [false, false, true]),
        ("A903830102", [false, true, false]),
        ("A903830104", [true, false, false]),
        ("A903830108", [false; 3]),
    ] {
        assert_eq!(open(&capability.replace(' ', "")), functions, "{capability}");
    }
}

#[test]
fn a_reset_forgets_what_the_terminal_said() {
    let mut card = card();
    assert_eq!(send(&mut card, "80AA000005A903830100"), "9000");
    send(&mut card, &format!("00{SELECT_ISDR}"));
    for request in ["BF2D00", "BF2E00", "BF36023000", "A003870100"] {
        assert_eq!(send(&mut card, &format!("80E29100{:02X}{request}", request.len() / 2)), "6985", "{request}");
    }
    card.reset();
    send(&mut card, &format!("00{SELECT_ISDR}"));
    assert_eq!(&send(&mut card, "80E2910003BF2D00")[..2], "61");
}

#[test]
fn a_load_needs_the_assistant_for_downloads_at_every_segment() {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(1)));
    for segment in &segments[..2] {
        super::send(&mut terminal, "80AA000005A903830105");
        assert_eq!(terminal.es10(segment).unwrap_err().0, 0x6985);
        super::send(&mut terminal, "80AA000005A903830107");
        assert_eq!(terminal.es10(segment).unwrap(), Vec::<u8>::new(), "the load goes on");
    }
}

#[test]
fn there_is_no_proactive_command_before_a_switch() {
    let mut card = card();
    for (command, answer) in [
        ("8012000000", "6985"),
        ("801200000B", "6985"),
        ("8012010000", "6A86"),
        ("801400000C810301010982028281830100", "6985"),
        ("8014010001 00", "6A86"),
        ("8010000003FFFFFF", "9000"),
        ("8010000100", "6A86"),
        ("0010000003FFFFFF", "6E00"),
    ] {
        assert_eq!(send(&mut card, command), answer, "{command}");
    }
}
