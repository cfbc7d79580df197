//! ES10b.RetrieveNotificationsList (SGP.22 5.7.10; SGP.23 4.2.15).

use rsp_asn1::NotificationEvent;

use crate::load::setup;
use crate::server::Order;
use crate::terminal::Terminal;

#[test]
fn lists_and_retrieves_by_number_and_event() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).notify(&[NotificationEvent::ENABLE]);
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    // A filter with the bits enable and disable; BIT STRING of three bits.
    let enabled = terminal.hex("BF280481020560").unwrap();
    assert!(enabled.starts_with("BF28") && enabled.matches("BF2F").count() == 1);
    assert_eq!(terminal.hex("BF280481020520").unwrap(), "BF2802A000", "no disable");
    assert_eq!(terminal.hex("BF2B00").unwrap().matches("BF2F").count(), 2);
    assert_eq!(terminal.hex("BF2B06A00481020640").unwrap().matches("BF2F").count(), 1);
    assert_eq!(terminal.hex("BF2B05A003800163").unwrap(), "BF2B02A000", "no such number");
}

#[test]
fn there_may_be_nothing_to_retrieve() {
    let mut terminal = Terminal::new(crate::server::World::p256().euicc(1));
    for request in ["BF2B00", "BF2B05A003800101", "BF2B06A00481020780"] {
        assert_eq!(terminal.hex(request).unwrap(), "BF2B02A000", "{request}: an empty list");
    }
}

#[test]
fn refuses_what_is_no_criterion() {
    let mut terminal = Terminal::new(crate::server::World::p256().euicc(1));
    for request in ["BF2B02A000", "BF2B04A0028000", "BF2B04A0028200", "BF2B03A00380"] {
        assert_eq!(terminal.hex(request).map_err(|sw| sw.0), Err(0x6A80), "{request}");
    }
}
