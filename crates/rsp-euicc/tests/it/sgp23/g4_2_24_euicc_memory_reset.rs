//! ES10c.eUICCMemoryReset (SGP.22 5.7.19; SGP.23 4.2.24).

use rsp_apdu::CardAccess;
use rsp_asn1::{PprIds, ProfileClass};

use super::{enabled, install, respond, send, show_refresh, store};
use crate::load::setup;
use crate::server::Order;

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
fn when_the_enabled_profile_goes_it_waits_for_the_refresh() {
    for (result, left) in [("00", 1), ("32", 2)] {
        let (_, mut server, mut terminal) = setup();
        let orders = [Order::number(1), Order::number(2).class(ProfileClass::PROVISIONING)];
        install(&mut terminal, &mut server, &orders);
        terminal.enable(orders[0].iccid());
        show_refresh(&mut terminal, true);
        assert_eq!(store(&mut terminal, "BF3404820205E0"), "BF3403800100910B");
        assert_eq!(store(&mut terminal, "BF3404820205E0"), "BF3403800105910B", "catBusy");
        send(&mut terminal, "801200000B");
        assert_eq!(store(&mut terminal, "BF2D035C015A").matches("5A0A").count(), 2, "nothing is gone yet");
        assert_eq!(respond(&mut terminal, 1, 0x09, result), "9000");
        assert_eq!(terminal.profiles().len(), left, "{result}");
    }
}

#[test]
fn when_another_profile_goes_it_does_not_wait() {
    let (_, mut server, mut terminal) = setup();
    let orders = [Order::number(1), Order::number(2).class(ProfileClass::PROVISIONING)];
    install(&mut terminal, &mut server, &orders);
    terminal.enable(orders[1].iccid());
    show_refresh(&mut terminal, true);
    assert_eq!(store(&mut terminal, "BF3404820205E0"), "BF34038001009000");
    assert_eq!(enabled(&mut terminal), [orders[1].iccid().to_string()]);
}

#[test]
fn options_of_later_versions_are_not_looked_at() {
    let (_, mut server, mut terminal) = setup();
    let provisioning = Order::number(1).class(ProfileClass::PROVISIONING);
    terminal.install(&mut server, &provisioning);
    for options in ["0318", "0118", "0110", "0004", "0106"] {
        let answer = terminal.hex(&format!("BF34048202{options}")).unwrap();
        assert_eq!(answer, "BF3403800101", "{options}: nothingToDelete");
    }
    assert_eq!(terminal.hex("BF3404820203F8").unwrap(), "BF3403800100", "with others those count");
    assert_eq!(terminal.profiles().len(), 1);
    assert_eq!(terminal.hex("BF3400").unwrap_err().0, 0x6A80, "no options at all");
}

#[test]
fn a_memory_reset_erases_one_time_keys_and_ends_what_was_selected() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    install(&mut terminal, &mut server, std::slice::from_ref(&order));
    terminal.enable(order.iccid());
    let usim = terminal.access.open_channel(&[0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02]).unwrap();
    terminal.prepare(&mut server, None);
    assert_eq!(terminal.state().inspect().unwrap().one_time_keys, 1);
    assert_eq!(terminal.hex("BF3404820205E0").unwrap(), "BF3403800100");
    assert_eq!(terminal.state().inspect().unwrap().one_time_keys, 0);
    assert_eq!(send(&mut terminal, &format!("{usim:02X}A4000C026F07")), "6881", "a channel to what is gone");
}

#[test]
fn a_memory_reset_enables_nothing_that_goes() {
    let (_, mut server, mut terminal) = setup();
    let orders = [Order::number(1).notify(&[1]), Order::number(2).class(ProfileClass::TEST)];
    install(&mut terminal, &mut server, &orders);
    terminal.enable(orders[0].iccid());
    terminal.enable(orders[1].iccid());
    let notices = terminal.notifications();
    assert_eq!(terminal.hex("BF3404820205E0").unwrap(), "BF3403800100");
    assert_eq!(terminal.notifications(), notices, "the profile before the test was not enabled again");
    assert!(terminal.profiles().is_empty());
}
