//! ES10c.EnableProfile (SGP.22 5.7.16; SGP.23 4.2.21).

use rsp_apdu::{Card, CardAccess};
use rsp_asn1::{PprIds, ProfileClass};
use rsp_euicc::{Euicc, EuiccState};
use rsp_testkit::SeededRandomness;

use super::{DISALLOWED_BY_POLICY, NOT_FOUND, OK, WRONG_PROFILE_REENABLING, WRONG_STATE, enabled, install};
use super::{request, respond, send, show_refresh, store};
use crate::load::setup;
use crate::persistence::Brittle;
use crate::server::{Order, World};
use crate::terminal::{Terminal, segments};

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
fn the_profile_before_a_test_profile_is_forgotten_once_it_is_back() {
    let (_, mut server, mut terminal) = setup();
    let orders = [Order::number(1), Order::number(2).class(ProfileClass::TEST), Order::number(3)];
    install(&mut terminal, &mut server, &orders);
    for number in [0, 1, 0, 2] {
        assert_eq!(terminal.enable(orders[number].iccid()), OK);
    }
    assert_eq!(terminal.disable(orders[2].iccid()), OK);
    assert!(enabled(&mut terminal).is_empty());
}

#[test]
fn commands_to_the_terminal_are_numbered_from_1_to_254() {
    let (mut terminal, [_, two]) = awaiting(true);
    for number in (1..=254).chain([1]) {
        assert_eq!(store(&mut terminal, &request(0x31, two.iccid(), true)), "BF3103800100910B");
        assert_eq!(&send(&mut terminal, "801200000B")[8..10], &format!("{number:02X}"));
        assert_eq!(respond(&mut terminal, number, 0x09, "32"), "9000");
    }
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

/// Two profiles, the first enabled, and a terminal that does REFRESH.
fn awaiting(state_change: bool) -> (Terminal, [Order; 2]) {
    let (_, mut server, mut terminal) = setup();
    let orders = [1, 2].map(|number| Order::number(number).notify(&[1, 2]));
    install(&mut terminal, &mut server, &orders);
    assert_eq!(terminal.enable(orders[0].iccid()), OK);
    show_refresh(&mut terminal, state_change);
    (terminal, orders)
}

/// What is stored, and would be there after a loss of power.
fn stored(terminal: &Terminal) -> Vec<bool> {
    let state = EuiccState::from_bytes(&terminal.store.contents()).unwrap();
    state.inspect().unwrap().profiles.iter().map(|profile| profile.enabled).collect()
}

#[test]
fn with_refresh_the_switch_is_made_when_the_terminal_has_carried_it_out() {
    let (mut terminal, [one, two]) = awaiting(true);
    let notices = terminal.notifications().len();
    assert_eq!(store(&mut terminal, &request(0x31, two.iccid(), true)), "BF3103800100910B");
    assert_eq!(store(&mut terminal, "BF2D00"), "6985", "the state is in between");
    assert_eq!(store(&mut terminal, "BF2D035C019F"), "BF2D03810101910B", "announced again until it is fetched");
    assert_eq!(store(&mut terminal, "BF2D035C0195").len(), 2 * (3 + 2 + 2 * 5 + 2), "all but the state");
    assert_eq!(stored(&terminal), [true, false]);
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "6985", "nothing was fetched");
    assert_eq!(send(&mut terminal, "801200000B"), "D009810301010982028182 9000".replace(' ', ""));
    assert_eq!(send(&mut terminal, "801200000B"), "6985", "fetched once");
    assert_eq!(store(&mut terminal, "BF2D00"), "6985", "still in between");
    assert_eq!((stored(&terminal), terminal.notifications().len()), (vec![true, false], notices));
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "9000");
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()]);
    assert_eq!(stored(&terminal), [false, true]);
    assert_eq!(terminal.notifications().len(), notices + 2, "disable and enable");
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "6985", "the session is over");
    assert_eq!(store(&mut terminal, &request(0x31, one.iccid(), true)), "BF3103800100910B");
    assert_eq!(send(&mut terminal, "8012000000"), "D0098103020109820281829000", "each command has its number");
}

#[test]
fn the_mode_is_the_one_that_the_terminal_shows() {
    let (mut terminal, [_, two]) = awaiting(false);
    assert_eq!(store(&mut terminal, &request(0x31, two.iccid(), true)), "BF3103800100910B");
    assert_eq!(send(&mut terminal, "801200000C"), "D0098103010104820281829000", "with the length that 6C0B names");
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "6A80", "not an answer to this");
    assert_eq!(respond(&mut terminal, 2, 0x04, "00"), "6A80");
    assert_eq!(respond(&mut terminal, 1, 0x04, "03"), "9000", "0X is success");
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()]);
}

#[test]
fn a_refresh_that_fails_changes_nothing() {
    for result in ["10", "20", "30", "32"] {
        let (mut terminal, [one, two]) = awaiting(true);
        let notices = terminal.notifications();
        store(&mut terminal, &request(0x31, two.iccid(), true));
        send(&mut terminal, "801200000B");
        assert_eq!(respond(&mut terminal, 1, 0x09, result), "9000");
        assert_eq!(enabled(&mut terminal), [one.iccid().to_string()], "{result}");
        assert_eq!(terminal.notifications(), notices);
        assert_eq!(terminal.enable(two.iccid()), OK, "and can be asked for again");
    }
}

#[test]
fn a_reset_completes_the_refresh_that_asks_for_one_and_undoes_any_other() {
    for (state_change, fetched, done) in
        [(false, true, true), (false, false, false), (true, true, false), (true, false, false)]
    {
        let (mut terminal, [one, two]) = awaiting(state_change);
        store(&mut terminal, &request(0x31, two.iccid(), true));
        if fetched {
            send(&mut terminal, "801200000B");
        }
        terminal.power_cycle();
        let expected = if done { two.iccid() } else { one.iccid() };
        assert_eq!(enabled(&mut terminal), [expected.to_string()], "{state_change} {fetched}");
        assert_eq!(stored(&terminal), [!done, done]);
        assert_eq!(send(&mut terminal, "801200000B"), "6985");
        terminal.power_cycle();
        assert_eq!(enabled(&mut terminal), [expected.to_string()], "for good");
    }
}

#[test]
fn a_loss_of_power_undoes_a_switch_that_was_not_made() {
    let (mut terminal, [one, two]) = awaiting(false);
    store(&mut terminal, &request(0x31, two.iccid(), true));
    send(&mut terminal, "801200000B");
    let state = EuiccState::from_bytes(&terminal.store.contents()).unwrap();
    let mut successor = Terminal::new(state);
    assert_eq!(enabled(&mut successor), [one.iccid().to_string()]);
}

#[test]
fn cat_busy_while_a_refresh_is_awaited() {
    let (mut terminal, [one, two]) = awaiting(true);
    store(&mut terminal, &request(0x31, two.iccid(), true));
    for fetched in [false, true] {
        if fetched {
            send(&mut terminal, "801200000B");
        }
        for refresh in [false, true] {
            let sw = if fetched { "9000" } else { "910B" };
            let enable = store(&mut terminal, &request(0x31, two.iccid(), refresh));
            assert_eq!(enable, format!("BF3103800105{sw}"));
            let disable = store(&mut terminal, &request(0x32, one.iccid(), refresh));
            assert_eq!(disable, format!("BF3203800105{sw}"));
        }
        assert_eq!(&store(&mut terminal, "BF3404820205E0")[..12], "BF3403800105");
        assert_eq!(terminal.delete(two.iccid()), WRONG_STATE, "about to be enabled");
        assert_eq!(terminal.enable(Order::number(9).iccid()), NOT_FOUND, "other faults come first");
    }
    assert_eq!(stored(&terminal), [true, false]);
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "9000");
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()]);
}

#[test]
fn without_a_terminal_profile_or_refresh_in_it_the_switch_is_made_at_once() {
    let (_, mut server, mut terminal) = setup();
    let (one, two) = (Order::number(1), Order::number(2));
    install(&mut terminal, &mut server, &[one.clone(), two.clone()]);
    assert_eq!(store(&mut terminal, &request(0x31, one.iccid(), true)), "BF31038001009000");
    assert_eq!(enabled(&mut terminal), [one.iccid().to_string()]);
    send(&mut terminal, "8010000003FFFF7F");
    assert_eq!(store(&mut terminal, &request(0x31, two.iccid(), true)), "BF31038001009000");
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()]);
    show_refresh(&mut terminal, true);
    assert_eq!(store(&mut terminal, &request(0x31, one.iccid(), false)), "BF31038001009000", "not wanted");
    assert_eq!(enabled(&mut terminal), [one.iccid().to_string()]);
    terminal.power_cycle();
    assert_eq!(store(&mut terminal, &request(0x31, two.iccid(), true)), "BF31038001009000", "a reset forgets it");
}

#[test]
fn a_switch_closes_the_channels_to_the_former_profile() {
    let (_, mut server, mut terminal) = setup();
    let (one, two) = (Order::number(1), Order::number(2));
    install(&mut terminal, &mut server, &[one.clone(), two.clone()]);
    terminal.enable(one.iccid());
    let usim = terminal.access.open_channel(&[0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02]).unwrap();
    send(&mut terminal, "00A4040C10A0000005591010FFFFFFFF8900000100");
    assert_eq!(terminal.enable(two.iccid()), OK);
    assert_eq!(send(&mut terminal, &format!("{usim:02X}B0000001")), "6881", "closed");
    assert_eq!(send(&mut terminal, "80E2910003BF2E00"), "6D00", "the basic channel has the MF selected");
    send(&mut terminal, "00A4000C022FE2");
    assert_eq!(send(&mut terminal, "00B000000A"), hex::encode_upper(two.iccid().0) + "9000");
    assert_eq!(enabled(&mut terminal), [two.iccid().to_string()], "the channel to the ISD-R is open");
}

#[test]
fn the_answer_can_be_fetched_on_the_basic_channel_as_well() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    let card = terminal.access.card_mut();
    let mut send = |command: &str| hex::encode_upper(card.transmit(&hex::decode(command).unwrap()));
    send("00A4040C10A0000005591010FFFFFFFF8900000100");
    assert_eq!(send(&format!("80E2910014{}", request(0x31, order.iccid(), false))), "6106");
    assert_eq!(send("80C0000006"), "BF31038001009000");
    assert_eq!(send("80E2910003BF2E00"), "6D00", "the MF of the profile is selected");
}

#[test]
fn a_load_that_began_before_the_refresh_ended_is_reported_as_interrupted() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    show_refresh(&mut terminal, true);
    store(&mut terminal, &request(0x31, order.iccid(), true));
    let prepared = terminal.prepare(&mut server, None);
    let segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(2)));
    assert_eq!(terminal.load_segments(&segments[..5]).unwrap(), None);
    send(&mut terminal, "801200000B");
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "9000");
    assert_eq!(terminal.es10(&segments[5]).unwrap_err().0, 0x6985, "the session ended");
    assert_eq!(terminal.notifications().len(), 2, "both results");
    assert_eq!(enabled(&mut terminal), [order.iccid().to_string()]);
}

#[test]
fn what_cannot_be_stored_after_a_refresh_was_not_made() {
    let (terminal, [_, two]) = awaiting(true);
    let state = EuiccState::from_bytes(&terminal.store.contents()).unwrap();
    let store = Brittle::default();
    let mut card = Euicc::new(state, store.clone(), Box::new(SeededRandomness::new("brittle"))).unwrap();
    card.power_on();
    let mut send = |command: &str| hex::encode_upper(card.transmit(&hex::decode(command).unwrap()));
    send("00A4040C10A0000005591010FFFFFFFF8900000100");
    send(&format!("8010000022000080{}20", "00".repeat(30)));
    let before = send("80E2910003BF2800");
    assert_eq!(send(&format!("80E2910014{}", request(0x31, two.iccid(), true))), "6106");
    assert_eq!(send("80C0000006"), "BF3103800100910B");
    send("801200000B");
    store.break_it(true);
    assert_eq!(send("801400000C810301010982028281830100"), "6581");
    store.break_it(false);
    assert_eq!(send("80E2910003BF2800"), before, "no notification, and the ISD-R is still selected");
    let state = EuiccState::from_bytes(&store.contents()).unwrap();
    assert!(state.inspect().unwrap().profiles[0].enabled);
}
