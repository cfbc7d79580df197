//! ES10c.EnableProfile (SGP.22 5.7.16; SGP.23 4.2.21).

use super::{DISALLOWED_BY_POLICY, NOT_FOUND, OK, WRONG_PROFILE_REENABLING, WRONG_STATE, enabled, install};
use crate::load::setup;
use crate::server::Order;
use rsp_apdu::CardAccess;
use rsp_asn1::{PprIds, ProfileClass};

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
