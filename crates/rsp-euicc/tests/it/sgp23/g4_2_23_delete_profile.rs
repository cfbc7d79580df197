//! ES10c.DeleteProfile (SGP.22 5.7.18; SGP.23 4.2.23).

use super::{DISALLOWED_BY_POLICY, NOT_FOUND, OK, WRONG_STATE};
use crate::load::setup;
use crate::server::Order;
use rsp_asn1::PprIds;

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
