//! Ways around the Profile Policy Rules (SGP.22 2.9, 5.7.16 to 5.7.19): each is tried, and each ends at the rule.

use rsp_asn1::{ErrorReason, FinalResult, GetRatResponse, PprIds, ProfileClass};
use rsp_euicc::EuiccState;

use crate::load::setup;
use crate::server::{Order, Server, World};
use crate::sgp23::{enabled, request, respond, send, show_refresh, store, table, with_table};
use crate::terminal::Terminal;

const OWNER: [u8; 3] = [0x00, 0xF1, 0x10];

/// A profile with PPR1 and PPR2, enabled, another operational and a provisioning one.
fn locked() -> (Server, Terminal, [Order; 3]) {
    let (_, mut server, mut terminal) = setup();
    let orders = [
        Order::number(1).rules(&[PprIds::PPR1, PprIds::PPR2]),
        Order::number(2),
        Order::number(3).class(ProfileClass::PROVISIONING),
    ];
    for order in &orders {
        terminal.install(&mut server, order);
    }
    assert_eq!(terminal.enable(orders[0].iccid()), 0);
    (server, terminal, orders)
}

/// What must still hold: the locked profile is enabled, and stored so.
fn still_locked(terminal: &mut Terminal, order: &Order) {
    assert_eq!(enabled(terminal), [order.iccid().to_string()]);
    let state = EuiccState::from_bytes(&terminal.store.contents()).unwrap().inspect().unwrap();
    let slot = state.profiles.iter().find(|profile| profile.iccid == order.iccid()).unwrap();
    assert!(slot.enabled);
}

/// Every form of the commands: by ICCID and AID, with and without refreshFlag, case 4 and case 3, with a terminal that does
/// REFRESH and one that does not.
#[test]
fn atk_ppr_bypass_by_every_form_of_a_command() {
    let (_, mut terminal, [locked, other, _]) = locked();
    let aids = ["4F10A0000005591010FFFFFFFF8900001000", "4F10A0000005591010FFFFFFFF8900001100"];
    let iccids = [&locked, &other].map(|order| format!("5A0A{}", hex::encode_upper(order.iccid().0)));
    let identifiers = |place: usize| [aids[place].to_owned(), iccids[place].clone()];
    for with_refresh in [false, true] {
        if with_refresh {
            show_refresh(&mut terminal, true);
        }
        for flag in ["00", "01", "FF"] {
            let mut requests = Vec::new();
            for id in identifiers(1) {
                requests.push(("31", format!("A0{:02X}{id}8101{flag}", id.len() / 2)));
            }
            for id in identifiers(0) {
                requests.push(("32", format!("A0{:02X}{id}8101{flag}", id.len() / 2)));
            }
            for (tag, content) in requests {
                let request = format!("BF{tag}{:02X}{content}", content.len() / 2);
                assert_eq!(store(&mut terminal, &request), format!("BF{tag}038001039000"), "{request}");
                let class = 0x80 | terminal.channel;
                let case3 = format!("{class:02X}E29000{:02X}{request}", request.len() / 2);
                assert_eq!(send(&mut terminal, &case3), "9000", "it cannot say so, and does nothing");
                still_locked(&mut terminal, &locked);
            }
        }
        for id in identifiers(0) {
            let request = format!("BF33{:02X}{id}", id.len() / 2);
            assert_eq!(store(&mut terminal, &request), "BF33038001029000", "it is enabled");
            let class = 0x80 | terminal.channel;
            send(&mut terminal, &format!("{class:02X}E29000{:02X}{request}", request.len() / 2));
            still_locked(&mut terminal, &locked);
        }
        assert_eq!(send(&mut terminal, "8012000000"), "6985", "no REFRESH was asked for");
    }
    assert_eq!(terminal.profiles().len(), 3);
}

/// PPR1 lets a provisioning profile be enabled. That is a way to have the locked one disabled, and neither to delete it nor to
/// enable another in its place.
#[test]
fn atk_ppr_bypass_over_a_provisioning_profile() {
    let (_, mut terminal, [locked, other, provisioning]) = locked();
    show_refresh(&mut terminal, true);
    assert_eq!(store(&mut terminal, &request(0x31, provisioning.iccid(), true)), "BF3103800100910B");
    send(&mut terminal, "801200000B");
    assert_eq!(terminal.delete(locked.iccid()), 2, "still enabled while the REFRESH is awaited");
    assert_eq!(respond(&mut terminal, 1, 0x09, "00"), "9000");
    assert_eq!(terminal.delete(locked.iccid()), 3, "PPR2");
    assert_eq!(terminal.enable(other.iccid()), 3, "PPR1 of the profile that was enabled before");
    terminal.power_cycle();
    assert_eq!(terminal.delete(locked.iccid()), 3, "PPR2");
    assert_eq!(terminal.enable(other.iccid()), 3);
    assert_eq!(terminal.disable(provisioning.iccid()), 0);
    assert_eq!(terminal.enable(other.iccid()), 3, "nor with nothing enabled");
    assert_eq!(terminal.enable(provisioning.iccid()), 0);
    assert_eq!(terminal.enable(locked.iccid()), 0);
    still_locked(&mut terminal, &locked);
}

/// A test profile takes its place, and gives it back: to nobody else.
#[test]
fn atk_ppr_bypass_over_a_test_profile() {
    let (mut server, mut terminal, [locked, other, _]) = locked();
    let test = Order::number(4).class(ProfileClass::TEST);
    terminal.install(&mut server, &test);
    assert_eq!(terminal.enable(test.iccid()), 0);
    assert_eq!(terminal.enable(other.iccid()), 4, "wrongProfileReenabling");
    assert_eq!(terminal.delete(locked.iccid()), 3, "PPR2");
    terminal.power_cycle();
    assert_eq!(terminal.enable(other.iccid()), 4);
    assert_eq!(terminal.disable(test.iccid()), 0);
    still_locked(&mut terminal, &locked);
}

/// eUICCMemoryReset ignores rules by the standard; its other options, and its end before the REFRESH, do not.
#[test]
fn atk_ppr_bypass_by_half_a_memory_reset() {
    let (_, mut terminal, [locked, ..]) = locked();
    assert_eq!(
        terminal.hex("BF34048202055F").map_err(|sw| sw.0),
        Ok("BF3403800101".into()),
        "all but operational ones"
    );
    still_locked(&mut terminal, &locked);
    show_refresh(&mut terminal, true);
    assert_eq!(store(&mut terminal, "BF3404820205E0"), "BF3403800100910B");
    send(&mut terminal, "801200000B");
    assert_eq!(respond(&mut terminal, 1, 0x09, "20"), "9000");
    still_locked(&mut terminal, &locked);
    assert_eq!(store(&mut terminal, "BF3404820205E0"), "BF3403800100910B");
    terminal.power_cycle();
    still_locked(&mut terminal, &locked);
    assert_eq!(store(&mut terminal, "BF3404820205E0"), "BF34038001009000");
    assert_eq!(terminal.profiles().len(), 1, "by the standard");
}

/// A profile is installed with rules that its owner may not set.
#[test]
fn atk_ppr_bypass_of_the_rat() {
    let both = [PprIds::PPR1, PprIds::PPR2];
    let cases: [(GetRatResponse, &[usize], bool); 8] = [
        (GetRatResponse::default(), &[PprIds::PPR1], false),
        (table(&[PprIds::PPR2], OWNER, None, true), &[PprIds::PPR1], false),
        (table(&[PprIds::PPR2], OWNER, None, true), &[PprIds::PPR2], true),
        (table(&[PprIds::PPR2], OWNER, None, false), &both, false),
        (table(&both, [0x00, 0xF1, 0x20], None, true), &both, false),
        (table(&both, [0x00, 0xF1, 0xEE], None, true), &both, true),
        (table(&both, [0xEE; 3], Some(&[1]), true), &both, false),
        // pprUpdateControl is no rule, and an entry for it authorises none.
        (table(&[PprIds::PPR_UPDATE_CONTROL], OWNER, None, true), &[PprIds::PPR2], false),
    ];
    for (number, (table, rules, allowed)) in cases.into_iter().enumerate() {
        let mut world = World::p256();
        let mut server = world.server();
        let mut terminal = with_table(&mut world, table);
        // Nothing that a terminal sends is a new table.
        let plain = terminal.hex("BF4300").unwrap();
        for forged in ["BF4304A0023000", "BF4302A000", "BF3F04A0023000"] {
            let _ = terminal.hex(forged);
        }
        assert_eq!(terminal.hex("BF4300").unwrap(), plain);
        match terminal.download(&mut server, &Order::number(1).rules(rules)) {
            FinalResult::Success(_) => assert!(allowed, "case {number}"),
            FinalResult::Error(error) => {
                assert_eq!(error.error_reason, ErrorReason::PPR_NOT_ALLOWED, "case {number}");
                assert!(!allowed && terminal.profiles().is_empty(), "case {number}");
            }
        }
    }
}

/// The owner is left out, or claimed and not what the files say; the class is another; an operational profile is there.
#[test]
fn atk_ppr_bypass_of_store_metadata() {
    // The table even lists a rule of the future.
    let rules = [PprIds::PPR1];
    let listed = [PprIds::PPR1, 5];
    let refused = |order: Order, first: Option<Order>| {
        let mut world = World::p256();
        let mut server = world.server();
        let mut terminal = with_table(&mut world, table(&listed, OWNER, None, false));
        if let Some(first) = first {
            terminal.install(&mut server, &first);
        }
        terminal.refuse(&mut server, &order).error_reason
    };
    let order = || Order::number(1).rules(&rules);
    let without_owner = order().with(|metadata| metadata.profile_owner = None);
    assert_eq!(refused(without_owner, None), ErrorReason::PPR_NOT_ALLOWED);
    for class in [ProfileClass::PROVISIONING, ProfileClass::TEST] {
        let without_owner = order().class(class).with(|metadata| metadata.profile_owner = None);
        assert_eq!(refused(without_owner, None), ErrorReason::PPR_NOT_ALLOWED, "{class}");
    }
    let beside = refused(order(), Some(Order::number(2)));
    assert_eq!(beside, ErrorReason::PPR_NOT_ALLOWED, "PPR1 beside an operational profile");
    let unknown = Order::number(1).rules(&[PprIds::PPR1, 5]);
    assert_eq!(refused(unknown, None), ErrorReason::PPR_NOT_ALLOWED, "a rule that nobody knows");
    let of_a_group = order().with(|metadata| metadata.profile_owner.as_mut().unwrap().gid1 = Some(vec![1].into()));
    assert_eq!(refused(of_a_group, None), ErrorReason::PPR_NOT_ALLOWED, "no group in the table covers no group only");
    // The subscription is 001/01; the table is for 001/01 only, so another's name does not help, nor does a wildcard.
    let claimed =
        order().with(|metadata| metadata.profile_owner.as_mut().unwrap().mcc_mnc = vec![0x62, 0xF2, 0x10].into());
    assert_eq!(refused(claimed, None), ErrorReason::PPR_NOT_ALLOWED);
    let wildcard = order().with(|metadata| metadata.profile_owner.as_mut().unwrap().mcc_mnc = vec![0xEE; 3].into());
    assert_eq!(refused(wildcard, None), ErrorReason::INCORRECT_INPUT_VALUES);
    let mut world = World::p256();
    let mut server = world.server();
    let mut terminal = with_table(&mut world, table(&rules, [0x62, 0xF2, 0x10], None, false));
    let stolen =
        order().with(|metadata| metadata.profile_owner.as_mut().unwrap().mcc_mnc = vec![0x62, 0xF2, 0x10].into());
    let error = terminal.refuse(&mut server, &stolen);
    assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH, "the files name another operator");
}
