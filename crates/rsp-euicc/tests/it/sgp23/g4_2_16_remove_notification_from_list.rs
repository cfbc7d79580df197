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
