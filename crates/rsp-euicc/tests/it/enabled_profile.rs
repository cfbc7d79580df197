//! The applications of the enabled profile behind the logical channels.

use rsp_apdu::{CardAccess, CardError, StatusWord};
use rsp_asn1::ProfileClass;
use rsp_euicc::StateStore;
use rsp_euicc::usim::milenage::Milenage;

use crate::load::setup;
use crate::server::Order;
use crate::terminal::Terminal;

const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const OPC: [u8; 16] = [0xC5; 16];

fn enabled() -> (Terminal, Order) {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    assert_eq!(terminal.enable(order.iccid()), 0);
    (terminal, order)
}

fn send<S: StateStore + Clone>(terminal: &mut Terminal<S>, command: &str) -> (String, StatusWord) {
    let answer = terminal.access.transmit(&hex::decode(command.replace(' ', "")).unwrap()).unwrap();
    (hex::encode_upper(answer.data), answer.sw)
}

/// AUTHENTICATE in the 3G context on a channel, with a sequence number of our own.
pub(crate) fn authenticate<S: StateStore + Clone>(
    terminal: &mut Terminal<S>,
    channel: u8,
    sequence: u64,
) -> (String, StatusWord) {
    let rand = [0x23; 16];
    let milenage = Milenage::new(&KEY, &OPC);
    let sqn: [u8; 6] = sequence.to_be_bytes()[2..].try_into().unwrap();
    let (mac, _) = milenage.f1(&rand, sqn, [0x80, 0]);
    let ak = milenage.f2345(&rand).ak;
    let mut autn: Vec<u8> = sqn.iter().zip(ak).map(|(sqn, ak)| sqn ^ ak).collect();
    autn.extend([0x80, 0]);
    autn.extend(mac);
    send(terminal, &format!("{channel:02X}880081 22 10{} 10{} 00", hex::encode(rand), hex::encode(autn)))
}

#[test]
fn files_are_read_at_once_after_enabling() {
    let (mut terminal, order) = enabled();
    send(&mut terminal, "00A4000C023F00");
    send(&mut terminal, "00A4000C022FE2");
    assert_eq!(send(&mut terminal, "00B000000A"), (hex::encode_upper(order.iccid().0), StatusWord::OK));
    let channel = terminal.access.open_channel(&USIM).unwrap();
    send(&mut terminal, &format!("{channel:02X}A4000C026F07"));
    let (imsi, sw) = send(&mut terminal, &format!("{channel:02X}B0000009"));
    assert_eq!((imsi.as_str(), sw), ("080910100000000010", StatusWord::OK));
}

#[test]
fn sequence_numbers_survive_a_loss_of_power() {
    let (mut terminal, _) = enabled();
    let channel = terminal.access.open_channel(&USIM).unwrap();
    let (answer, sw) = authenticate(&mut terminal, channel, 0x20);
    assert!(answer.starts_with("DB08") && sw == StatusWord::OK, "{answer} {sw}");
    let (again, _) = authenticate(&mut terminal, channel, 0x20);
    assert!(again.starts_with("DC0E"), "a replayed vector: {again}");
    terminal.power_cycle();
    let channel = terminal.access.open_channel(&USIM).unwrap();
    let (after, _) = authenticate(&mut terminal, channel, 0x20);
    assert!(after.starts_with("DC0E"), "still: {after}");
    assert!(authenticate(&mut terminal, channel, 0x40).0.starts_with("DB08"));
}

#[test]
fn a_disabled_profile_is_gone() {
    let (mut terminal, order) = enabled();
    let channel = terminal.access.open_channel(&USIM).unwrap();
    assert_eq!(terminal.disable(order.iccid()), 0);
    let (data, sw) = send(&mut terminal, &format!("{channel:02X}B0000009"));
    assert!(data.is_empty() && !sw.is_success(), "nothing is selected any more");
    assert!(!authenticate(&mut terminal, channel, 0x20).1.is_success());
    let error = terminal.access.open_channel(&USIM).unwrap_err();
    assert!(matches!(error, CardError::NoApplication { sw: StatusWord::NOT_FOUND, .. }));
    assert!(send(&mut terminal, "00A40004023F00").1.is_success(), "the MF is always there");
    send(&mut terminal, "00A4000C022FE2");
    assert_ne!(send(&mut terminal, "00B000000A").0, hex::encode_upper(order.iccid().0));
}

#[test]
fn another_profile_answers_after_a_switch() {
    let (_, mut server, mut terminal) = setup();
    let orders = [Order::number(1), Order::number(2).class(ProfileClass::TEST)];
    for order in &orders {
        terminal.install(&mut server, order);
    }
    for order in [&orders[0], &orders[1], &orders[0]] {
        assert_eq!(terminal.enable(order.iccid()), 0);
        send(&mut terminal, "00A4000C023F00");
        send(&mut terminal, "00A4000C022FE2");
        assert_eq!(send(&mut terminal, "00B000000A").0, hex::encode_upper(order.iccid().0));
    }
}

#[test]
fn pins_are_forgotten_at_every_reset_and_switch() {
    let (mut terminal, order) = enabled();
    let verify_adm = "0020000A08 3535353535353535";
    let update = "00D60000 01 00";
    let select_imsi = |terminal: &mut Terminal| {
        send(terminal, "00A4040C07A0000000871002");
        send(terminal, "00A4000C026F07");
    };
    select_imsi(&mut terminal);
    assert_eq!(send(&mut terminal, update).1, StatusWord::SECURITY_STATUS);
    assert_eq!(send(&mut terminal, verify_adm).1, StatusWord::OK);
    assert_eq!(send(&mut terminal, update).1, StatusWord::OK);
    terminal.power_cycle();
    select_imsi(&mut terminal);
    assert_eq!(send(&mut terminal, update).1, StatusWord::SECURITY_STATUS);
    assert_eq!(send(&mut terminal, verify_adm).1, StatusWord::OK);
    terminal.disable(order.iccid());
    terminal.enable(order.iccid());
    select_imsi(&mut terminal);
    assert_eq!(send(&mut terminal, update).1, StatusWord::SECURITY_STATUS);
}

#[test]
fn the_isdr_and_the_profile_do_not_disturb_each_other() {
    let (mut terminal, _) = enabled();
    let usim = terminal.access.open_channel(&USIM).unwrap();
    send(&mut terminal, &format!("{usim:02X}A4000C026F07"));
    terminal.challenge();
    assert_eq!(send(&mut terminal, &format!("{usim:02X}B0000009")).1, StatusWord::OK);
    // The ISD-R on the basic channel, then back to the profile by AID.
    send(&mut terminal, "00A4040C10A0000005591010FFFFFFFF8900000100");
    assert_eq!(send(&mut terminal, "80E2910003BF2000").1, StatusWord::OK);
    assert_eq!(send(&mut terminal, "00A4040C07A0000000871004").1, StatusWord::NOT_FOUND, "no ISIM");
    assert_eq!(send(&mut terminal, "80E2910003BF2000").1, StatusWord::OK, "what was selected stays");
    assert_eq!(send(&mut terminal, "00A4040C07A0000000871002").1, StatusWord::OK);
    assert_eq!(send(&mut terminal, "80E2910003BF2000").1, StatusWord::INSTRUCTION_NOT_SUPPORTED);
}

#[test]
fn a_channel_from_one_to_the_isdr_begins_at_the_mf() {
    let (mut terminal, _) = enabled();
    let channel = terminal.access.open_channel(&USIM).unwrap();
    let (inherited, _) = send(&mut terminal, &format!("{channel:02X}70000001"));
    assert!(send(&mut terminal, &format!("8{}F2000100", &inherited[1..])).1.is_success());
    send(&mut terminal, &format!("007080{inherited}"));
    send(&mut terminal, &format!("{channel:02X}A4040C10A0000005591010FFFFFFFF8900000100"));
    let (fresh, _) = send(&mut terminal, &format!("{channel:02X}70000001"));
    let application = send(&mut terminal, &format!("8{}F2000100", &fresh[1..])).1;
    assert_eq!(application, StatusWord::REFERENCED_DATA_NOT_FOUND);
}
