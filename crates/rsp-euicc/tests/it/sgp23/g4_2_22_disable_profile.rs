//! ES10c.DisableProfile (SGP.22 5.7.17; SGP.23 4.2.22).

use rsp_asn1::{PprIds, ProfileClass};

use super::{
    DISALLOWED_BY_POLICY, NOT_FOUND, OK, WRONG_STATE, enabled, install, request, respond, send, show_refresh, store,
};
use crate::load::setup;
use crate::server::Order;

#[test]
fn disables_the_enabled_profile_only() {
    let (_, mut server, mut terminal) = setup();
    let (one, two) = (Order::number(1), Order::number(2));
    install(&mut terminal, &mut server, &[one.clone(), two.clone()]);
    assert_eq!(terminal.enable(one.iccid()), OK);
    assert_eq!(terminal.disable(two.iccid()), WRONG_STATE);
    assert_eq!(terminal.disable(Order::number(9).iccid()), NOT_FOUND);
    assert_eq!(enabled(&mut terminal), [one.iccid().to_string()]);
    assert_eq!(terminal.disable(one.iccid()), OK);
    assert!(enabled(&mut terminal).is_empty());
    assert_eq!(terminal.disable(one.iccid()), WRONG_STATE);
    terminal.power_cycle();
    assert!(enabled(&mut terminal).is_empty(), "kept without power");
}

#[test]
fn ppr1_forbids_it_with_and_without_refresh() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).rules(&[PprIds::PPR1]);
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    show_refresh(&mut terminal, true);
    for refresh in [false, true] {
        assert_eq!(store(&mut terminal, &request(0x32, order.iccid(), refresh)), "BF32038001039000");
    }
    assert_eq!(terminal.disable(order.iccid()), DISALLOWED_BY_POLICY);
    assert_eq!(enabled(&mut terminal), [order.iccid().to_string()]);
}

#[test]
fn with_refresh_it_waits_for_the_terminal() {
    for (result, left) in [("00", 0), ("20", 1)] {
        let (_, mut server, mut terminal) = setup();
        let order = Order::number(1);
        terminal.install(&mut server, &order);
        terminal.enable(order.iccid());
        show_refresh(&mut terminal, true);
        assert_eq!(store(&mut terminal, &request(0x32, order.iccid(), true)), "BF3203800100910B");
        assert_eq!(store(&mut terminal, &request(0x32, order.iccid(), true)), "BF3203800105910B", "catBusy");
        assert_eq!(store(&mut terminal, "BF2D00"), "6985");
        send(&mut terminal, "801200000B");
        assert_eq!(respond(&mut terminal, 1, 0x09, result), "9000");
        assert_eq!(enabled(&mut terminal).len(), left, "{result}");
    }
}

#[test]
fn after_a_test_profile_the_one_before_it_is_enabled_after_the_refresh() {
    let (_, mut server, mut terminal) = setup();
    let (before, test) = (Order::number(1), Order::number(2).class(ProfileClass::TEST));
    install(&mut terminal, &mut server, &[before.clone(), test.clone()]);
    terminal.enable(before.iccid());
    terminal.enable(test.iccid());
    show_refresh(&mut terminal, false);
    assert_eq!(store(&mut terminal, &request(0x32, test.iccid(), true)), "BF3203800100910B");
    send(&mut terminal, "801200000B");
    terminal.power_cycle();
    assert_eq!(enabled(&mut terminal), [before.iccid().to_string()]);
}
