//! ES10c (SGP.22 5.7.15 to 5.7.21): states, rules and codes.

use rsp_apdu::CardAccess;
use rsp_asn1::{PprIds, ProfileClass};

use crate::load::setup;
use crate::server::{Order, Server};
use crate::terminal::Terminal;

const OK: u8 = 0;
const NOT_FOUND: u8 = 1;
const WRONG_STATE: u8 = 2;
const DISALLOWED_BY_POLICY: u8 = 3;
const WRONG_PROFILE_REENABLING: u8 = 4;

/// The enabled profile's number.
fn enabled(terminal: &mut Terminal) -> Vec<String> {
    let profiles = terminal.profiles();
    let enabled = profiles.iter().filter(|profile| profile.profile_state.is_some_and(|state| state.0 == 1));
    enabled.map(|profile| profile.iccid.unwrap().to_string()).collect()
}

fn install(terminal: &mut Terminal, server: &mut Server, orders: &[Order]) {
    for order in orders {
        terminal.install(server, order);
    }
}

#[test]
fn enables_one_profile_at_a_time() {
    let (_, mut server, mut terminal) = setup();
    let (one, two) = (Order::number(1), Order::number(2));
    install(&mut terminal, &mut server, &[one.clone(), two.clone()]);
    assert_eq!(terminal.enable(Order::number(9).iccid()), NOT_FOUND);
    assert_eq!(terminal.enable(one.iccid()), OK);
    assert_eq!(terminal.enable(one.iccid()), WRONG_STATE);
    assert_eq!(enabled(&mut terminal), [one.iccid().to_string()]);
    assert_eq!(terminal.enable(two.iccid()), OK);
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()]);
    terminal.power_cycle();
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()], "kept without power");
    assert_eq!(terminal.disable(one.iccid()), WRONG_STATE);
    assert_eq!(terminal.disable(Order::number(9).iccid()), NOT_FOUND);
    assert_eq!(terminal.disable(two.iccid()), OK);
    assert!(enabled(&mut terminal).is_empty());
}

#[test]
fn knows_profiles_by_aid_and_takes_any_true_as_refresh_flag() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    let aid = "4F10A0000005591010FFFFFFFF8900001000";
    for flag in ["01", "FF"] {
        assert_eq!(terminal.hex(&format!("BF3117A012{aid}8101{flag}")).unwrap(), "BF3103800100");
        assert_eq!(terminal.hex(&format!("BF3217A012{aid}8101{flag}")).unwrap(), "BF3203800100");
    }
    assert_eq!(terminal.hex(&format!("BF3312{aid}")).unwrap(), "BF3303800100");
    assert_eq!(terminal.hex(&format!("BF3312{aid}")).unwrap(), "BF3303800101");
    assert_eq!(terminal.hex("BF3100").unwrap_err().0, 0x6A80);
}

#[test]
fn enables_and_deletes_by_a_command_without_answer() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    let iccid = hex::encode_upper(order.iccid().0);
    let class = 0x80 | terminal.channel;
    let mut send = |request: String| {
        let command = hex::decode(format!("{class:02X}E29000{:02X}{request}", request.len() / 2)).unwrap();
        hex::encode_upper(terminal.access.transmit(&command).unwrap().to_bytes())
    };
    assert_eq!(send(format!("BF3111A00C5A0A{iccid}810100")), "9000");
    assert_eq!(send(format!("BF3211A00C5A0A{iccid}810100")), "9000");
    assert_eq!(send(format!("BF330C5A0A{iccid}")), "9000");
    assert!(terminal.profiles().is_empty());
}

#[test]
fn deletes_disabled_profiles_only() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    assert_eq!(terminal.delete(order.iccid()), WRONG_STATE);
    terminal.disable(order.iccid());
    assert_eq!(terminal.delete(order.iccid()), OK);
    assert_eq!(terminal.delete(order.iccid()), NOT_FOUND);
    assert_eq!(terminal.hex("BF2D00").unwrap(), "BF2D02A000", "as a real empty card");
}

#[test]
fn ppr1_holds_an_operational_profile_enabled() {
    let (_, mut server, mut terminal) = setup();
    let locked = Order::number(1).rules(&[PprIds::PPR1]);
    let (other, provisioning) = (Order::number(2), Order::number(3).class(ProfileClass::PROVISIONING));
    install(&mut terminal, &mut server, &[locked.clone(), other.clone(), provisioning.clone()]);
    assert_eq!(terminal.enable(locked.iccid()), OK);
    assert_eq!(terminal.disable(locked.iccid()), DISALLOWED_BY_POLICY);
    assert_eq!(terminal.enable(other.iccid()), DISALLOWED_BY_POLICY);
    assert_eq!(enabled(&mut terminal), [locked.iccid().to_string()]);
    assert_eq!(terminal.enable(provisioning.iccid()), OK, "not a matter of PPR1");
    assert_eq!(terminal.delete(locked.iccid()), OK, "PPR1 does not protect a disabled profile");
}

#[test]
fn ppr2_forbids_deletion() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).rules(&[PprIds::PPR2]);
    terminal.install(&mut server, &order);
    assert_eq!(terminal.delete(order.iccid()), DISALLOWED_BY_POLICY);
    assert_eq!(terminal.profiles().len(), 1);
}

#[test]
fn a_test_profile_gives_way_to_the_profile_before_it() {
    let (_, mut server, mut terminal) = setup();
    let (before, other) = (Order::number(1), Order::number(2));
    let (test, second_test) = (Order::number(3).class(ProfileClass::TEST), Order::number(4).class(ProfileClass::TEST));
    install(&mut terminal, &mut server, &[before.clone(), other.clone(), test.clone(), second_test.clone()]);
    terminal.enable(before.iccid());
    assert_eq!(terminal.enable(test.iccid()), OK);
    assert_eq!(terminal.enable(other.iccid()), WRONG_PROFILE_REENABLING);
    assert_eq!(enabled(&mut terminal), [test.iccid().to_string()]);
    assert_eq!(terminal.enable(second_test.iccid()), OK);
    terminal.power_cycle();
    assert_eq!(terminal.enable(other.iccid()), WRONG_PROFILE_REENABLING);
    assert_eq!(terminal.enable(before.iccid()), OK);
    assert_eq!(terminal.enable(test.iccid()), OK);
    assert_eq!(terminal.disable(test.iccid()), OK);
    assert_eq!(enabled(&mut terminal), [before.iccid().to_string()], "enabled again");
}

#[test]
fn nicknames_can_be_set_and_removed() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    let iccid = hex::encode_upper(order.iccid().0);
    let nickname = |terminal: &mut Terminal| terminal.profiles()[0].profile_nickname.clone();
    assert_eq!(terminal.hex(&format!("BF2910 5A0A{iccid}9002C3A4").replace(' ', "")).unwrap(), "BF2903800100");
    assert_eq!(nickname(&mut terminal).as_deref(), Some("ä"));
    assert_eq!(terminal.hex(&format!("BF290E5A0A{iccid}9000")).unwrap(), "BF2903800100");
    assert_eq!(nickname(&mut terminal), None);
    let longest = "C3A4".repeat(64);
    assert_eq!(terminal.hex(&format!("BF29818F5A0A{iccid}908180{longest}")).unwrap(), "BF2903800100");
    assert_eq!(nickname(&mut terminal).as_deref(), Some("ä".repeat(64).as_str()));
    terminal.power_cycle();
    assert_eq!(nickname(&mut terminal).as_deref(), Some("ä".repeat(64).as_str()));
    let above = "C3A4".repeat(65);
    assert_eq!(terminal.hex(&format!("BF2981915A0A{iccid}908182{above}")).unwrap_err().0, 0x6A80);
    let unknown = hex::encode_upper(Order::number(9).iccid().0);
    assert_eq!(terminal.hex(&format!("BF290F5A0A{unknown}900141")).unwrap(), "BF2903800101");
    let long = "41".repeat(65);
    assert_eq!(terminal.hex(&format!("BF294F5A0A{iccid}9041{long}")).unwrap_err().0, 0x6A80);
    assert_eq!(terminal.hex(&format!("BF29105A0A{iccid}9002C328")).unwrap_err().0, 0x6A80, "not UTF-8");
}

#[test]
fn lists_what_was_asked_for() {
    let (_, mut server, mut terminal) = setup();
    let (one, two) = (Order::number(1), Order::number(2).class(ProfileClass::PROVISIONING));
    install(&mut terminal, &mut server, &[one.clone(), two.clone()]);
    let iccid = |order: &Order| hex::encode_upper(order.iccid().0);
    let only_iccids = terminal.hex("BF2D035C015A").unwrap();
    assert_eq!(only_iccids, format!("BF2D1EA01CE30C5A0A{}E30C5A0A{}", iccid(&one), iccid(&two)));
    let by_class = terminal.hex("BF2D08A0039501015C015A").unwrap();
    assert_eq!(by_class, format!("BF2D10A00EE30C5A0A{}", iccid(&two)));
    let by_aid = terminal.hex("BF2D17A0124F10A0000005591010FFFFFFFF89000010005C015A").unwrap();
    assert_eq!(by_aid, format!("BF2D10A00EE30C5A0A{}", iccid(&one)));
    let by_iccid = terminal.hex(&format!("BF2D13A00C5A0A{}5C039F7095", iccid(&two))).unwrap();
    assert_eq!(by_iccid, "BF2D0BA009E3079F70010095010 1".replace(' ', ""));
    assert_eq!(terminal.hex("BF2D035C0142").unwrap(), "BF2D06A004E300E300", "an object that no profile has");
    assert_eq!(terminal.hex("BF2D035C019F").unwrap(), "BF2D03810101", "half a tag");
    assert_eq!(terminal.hex("BF2D04A0028200").unwrap(), "BF2D03810101", "no such criterion");
    assert_eq!(terminal.hex("BF2D05A003950109").unwrap(), "BF2D02A000", "none match");
}

#[test]
fn a_memory_reset_removes_what_it_is_told_to() {
    let (_, mut server, mut terminal) = setup();
    let orders = [
        Order::number(1).rules(&[PprIds::PPR1, PprIds::PPR2]),
        Order::number(2).class(ProfileClass::TEST),
        Order::number(3).class(ProfileClass::PROVISIONING),
    ];
    install(&mut terminal, &mut server, &orders);
    terminal.enable(orders[0].iccid());
    terminal.hex("BF3F088006612E622E6364").unwrap();
    assert_eq!(
        terminal.hex("BF3404820204 00".replace(' ', "").as_str()).unwrap(),
        "BF3403800101",
        "no option, nothing"
    );
    assert_eq!(terminal.hex("BF3404820206 40".replace(' ', "").as_str()).unwrap(), "BF3403800100", "test profiles");
    assert_eq!(terminal.profiles().len(), 2);
    assert_eq!(terminal.hex("BF3404820206 40".replace(' ', "").as_str()).unwrap(), "BF3403800101");
    assert_eq!(terminal.hex("BF3404820205E0").unwrap(), "BF3403800100", "as lpac asks");
    let left = terminal.profiles();
    assert_eq!(left.len(), 1, "even enabled and against PPR1 and PPR2, but not the provisioning profile");
    assert_eq!(left[0].iccid, Some(orders[2].iccid()));
    assert!(!terminal.hex("BF3C00").unwrap().contains("612E622E6364"), "the default SM-DP+ address");
    assert_eq!(terminal.hex("BF3404820205C0").unwrap(), "BF3403800101");
}

#[test]
fn a_switch_ends_the_rsp_session() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    let authenticated = terminal.authenticate(&mut server);
    terminal.enable(order.iccid());
    let request = server.prepare(&authenticated, None);
    let rsp_asn1::PrepareDownloadResponse::Error(error) = terminal.call(&request) else { panic!("accepted") };
    assert_eq!(error.download_error_code.0, 4);
}
