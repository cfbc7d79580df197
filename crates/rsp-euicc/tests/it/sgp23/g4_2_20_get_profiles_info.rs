//! ES10c.GetProfilesInfo (SGP.22 5.7.15; SGP.23 4.2.20).

use super::install;
use crate::load::setup;
use crate::server::Order;
use crate::terminal::Terminal;
use rsp_asn1::ProfileClass;

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
fn incorrect_input_values() {
    let mut terminal = Terminal::new(crate::server::World::p256().euicc(1));
    for request in ["BF2D035C019F", "BF2D045C029F01", "BF2D04A0028200", "BF2D05A003950100FF", "BF2D06A0045A028900"] {
        let answer = terminal.hex(request);
        assert!(
            matches!(answer.as_deref(), Ok("BF2D03810101") | Err(rsp_apdu::StatusWord(0x6A80))),
            "{request}: {answer:?}"
        );
    }
    assert_eq!(terminal.hex("BF2D035C019F").unwrap(), "BF2D03810101");
    assert_eq!(terminal.hex("BF2D00").unwrap(), "BF2D02A000");
}
