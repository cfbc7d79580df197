//! ES10c.DeleteProfile (SGP.22 5.7.18; SGP.23 4.2.23).

use super::{
    DISALLOWED_BY_POLICY, NOT_FOUND, OK, WRONG_STATE, enabled, install, request, respond, send, show_refresh, store,
};
use crate::load::setup;
use crate::server::Order;
use rsp_asn1::{PprIds, ProfileClass};

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
fn ppr2_forbids_deletion() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).rules(&[PprIds::PPR2]);
    terminal.install(&mut server, &order);
    assert_eq!(terminal.delete(order.iccid()), DISALLOWED_BY_POLICY);
    assert_eq!(terminal.profiles().len(), 1);
}

#[test]
fn a_deleted_profile_can_be_installed_again_with_its_notifications_kept() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).notify(&[3]);
    terminal.install(&mut server, &order);
    assert_eq!(terminal.delete(order.iccid()), OK);
    assert_eq!(terminal.notifications().len(), 2, "its installation and its deletion");
    let success = terminal.install(&mut server, &order);
    assert_eq!(hex::encode_upper(&success.aid.0), "A0000005591010FFFFFFFF8900001100", "another ISD-P");
    assert_eq!(terminal.notifications().len(), 3);
}

/// Whatever it is that will enable it.
#[test]
fn a_profile_that_a_refresh_will_enable_is_not_disabled_any_more() {
    for switch in ["disable", "memory reset"] {
        let (_, mut server, mut terminal) = setup();
        let (before, test) = (Order::number(1), Order::number(2).class(ProfileClass::TEST));
        install(&mut terminal, &mut server, &[before.clone(), test.clone()]);
        assert_eq!(terminal.enable(before.iccid()), OK);
        assert_eq!(terminal.enable(test.iccid()), OK);
        show_refresh(&mut terminal, true);
        match switch {
            "disable" => assert_eq!(store(&mut terminal, &request(0x32, test.iccid(), true)), "BF3203800100910B"),
            _ => assert_eq!(store(&mut terminal, "BF340482020640"), "BF3403800100910B"),
        }
        send(&mut terminal, "801200000B");
        assert_eq!(terminal.delete(before.iccid()), WRONG_STATE, "{switch}");
        assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "9000");
        assert_eq!(enabled(&mut terminal), [before.iccid().to_string()], "{switch}");
    }
}
