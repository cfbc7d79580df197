//! ES10b.RemoveNotificationFromList (SGP.22 5.7.11; SGP.23 4.2.16).

use crate::load::setup;
use crate::server::Order;

#[test]
fn what_was_sent_is_removed_once() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    assert_eq!(terminal.hex("BF3003800101").unwrap(), "BF3003800100");
    assert_eq!(terminal.hex("BF3003800101").unwrap(), "BF3003800101", "nothingToDelete");
    terminal.power_cycle();
    assert!(terminal.notifications().is_empty());
}

#[test]
fn an_unknown_number_removes_nothing() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    for number in ["800100", "800102", "8008 7FFFFFFFFFFFFFFF", "8009 00FFFFFFFFFFFFFFFF"] {
        let number = number.replace(' ', "");
        let answer = terminal.hex(&format!("BF30{:02X}{number}", number.len() / 2)).unwrap();
        assert_eq!(answer, "BF3003800101", "{number}: nothingToDelete");
    }
    for request in ["BF3000", "BF30028000", "BF30038001", "BF3003800 1FF".replace(' ', "").as_str()] {
        assert_eq!(terminal.hex(request).unwrap_err().0, 0x6A80, "{request}");
    }
    assert_eq!(terminal.notifications().len(), 1);
}
