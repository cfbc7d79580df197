//! ES10c.SetNickname (SGP.22 5.7.21; SGP.23 4.2.26).

use crate::load::setup;
use crate::server::Order;
use crate::terminal::Terminal;

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
fn an_unknown_profile_gets_no_name() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    let unknown = hex::encode_upper(Order::number(9).iccid().0);
    assert_eq!(terminal.hex(&format!("BF290F5A0A{unknown}900141")).unwrap(), "BF2903800101");
    for request in ["BF2900".to_owned(), format!("BF290C5A0A{unknown}"), "BF29035A0189".to_owned()] {
        assert_eq!(terminal.hex(&request).unwrap_err().0, 0x6A80, "{request}");
    }
    assert_eq!(terminal.profiles()[0].profile_nickname, None);
}
