//! Memory that runs out (SGP.22 2.5.6.1 reason 10): what does not fit leaves nothing behind, to the byte.

use rsp_asn1::{ErrorReason, EuiccInfo2, ExtCardResource, FinalResult, decode};
use rsp_crypto::rust_crypto;
use rsp_euicc::Manufacture;

use crate::load::setup;
use crate::server::{Order, Server, World};
use crate::terminal::{Terminal, segments};

const FULL: ErrorReason = ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE;

/// extCardResource: installed applications and free non-volatile memory.
fn free(terminal: &mut Terminal) -> (u32, u32) {
    let info: EuiccInfo2 = decode(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    let resource = ExtCardResource::parse(&info.ext_card_resource).unwrap();
    (resource.applications, resource.free_non_volatile)
}

fn with_capacity(capacity: u32) -> (Server, Terminal) {
    let mut world = World::p256();
    let server = world.server();
    let credential = world.credential(World::eid(1));
    let state = Manufacture::new(vec![credential]).capacity(capacity).build(rust_crypto()).unwrap();
    (server, Terminal::new(state))
}

#[test]
fn ten_profiles_of_200_kb_fit_into_a_new_euicc() {
    let (_, mut server, mut terminal) = setup();
    assert_eq!(free(&mut terminal), (0, 10_000_000));
    for number in 0..10 {
        let order = Order::number(number).padded(200_000);
        assert!(order.elements.len() >= 200_000);
        terminal.install(&mut server, &order);
    }
    let (applications, left) = free(&mut terminal);
    assert_eq!(applications, 10);
    assert!(left > 0, "{left}");
    assert_eq!(terminal.enable(Order::number(9).iccid()), 0);
}

#[test]
fn atk_mem_exhaust_euicc_by_profiles_until_full() {
    let (mut server, mut terminal) = with_capacity(100_000);
    let mut before = vec![free(&mut terminal)];
    let mut number = 0;
    let error = loop {
        match terminal.download(&mut server, &Order::number(number)) {
            FinalResult::Success(_) => before.push(free(&mut terminal)),
            FinalResult::Error(error) => break error,
        }
        number += 1;
    };
    assert!(number >= 3, "{number} profiles");
    assert_eq!(error.error_reason, FULL);
    assert_eq!(Some(&free(&mut terminal)), before.last(), "not a byte less");
    assert_eq!(terminal.profiles().len(), usize::from(number));
    for _ in 0..3 {
        assert_eq!(terminal.refuse(&mut server, &Order::number(200)).error_reason, FULL);
        assert_eq!(Some(&free(&mut terminal)), before.last());
    }
    while let Some(expected) = before.pop() {
        assert_eq!(free(&mut terminal), expected, "{number} profiles");
        number = number.wrapping_sub(1);
        if !before.is_empty() {
            assert_eq!(terminal.delete(Order::number(number).iccid()), 0);
        }
    }
    terminal.install(&mut server, &Order::number(0));
}

#[test]
fn atk_mem_exhaust_euicc_by_a_package_that_is_too_large() {
    let (mut server, mut terminal) = with_capacity(60_000);
    let before = free(&mut terminal);
    for length in [100_000, 1_000_000] {
        let order = Order::number(1).padded(length);
        let prepared = terminal.prepare(&mut server, None);
        let segments = segments(&server.bind(World::eid(1), &prepared, &order));
        let mut sent = 0;
        let answer = segments.iter().find_map(|segment| {
            sent += segment.len();
            Some(terminal.es10(segment).unwrap()).filter(|answer| !answer.is_empty())
        });
        assert!(answer.is_some() && sent < 62_000, "refused after {sent} bytes, not after {length}");
        assert_eq!(free(&mut terminal), before);
    }
}

/// Small packages that describe large files, and headers with large lengths.
#[test]
fn atk_mem_exhaust_euicc_by_what_a_package_describes() {
    let (mut server, mut terminal) = with_capacity(300_000);
    let before = free(&mut terminal);
    for size in [0x8000_u32, 0xFFFF, 0x00FF_FFFF, 0xFFFF_FFFF] {
        let error = terminal.refuse(&mut server, &Order::number(1).with_large_files(size));
        let code = error.error_reason;
        let processing = ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR;
        assert!(code == FULL || (size > 0x8000 && code == processing), "{size}: {code}");
        assert_eq!(free(&mut terminal), before);
        assert!(terminal.profiles().is_empty());
    }
    for header in ["A3847FFFFFFF", "A384FFFFFFFF", "A083FFFFFF"] {
        let prepared = terminal.prepare(&mut server, None);
        let mut segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(1)));
        let place = segments.iter().position(|s| s[0] == u8::from_str_radix(&header[..2], 16).unwrap()).unwrap();
        segments[place] = hex::decode(header).unwrap();
        assert!(terminal.load_segments(&segments).unwrap().is_some(), "{header}: a result");
        assert_eq!(free(&mut terminal), before);
    }
}

#[test]
fn atk_mem_exhaust_euicc_by_loads_that_never_end() {
    let (_, mut server, mut terminal) = setup();
    let before = free(&mut terminal);
    let stored = terminal.store.contents().len();
    for round in 0..30 {
        let prepared = terminal.prepare(&mut server, None);
        let segments = segments(&server.bind(World::eid(1), &prepared, &Order::number(1)));
        let sent = 1 + round % (segments.len() - 1);
        assert_eq!(terminal.load_segments(&segments[..sent]).unwrap(), None);
        if round % 2 == 0 {
            terminal.power_cycle();
        }
    }
    terminal.challenge();
    assert_eq!(free(&mut terminal), before);
    assert!(terminal.profiles().is_empty());
    let grown = terminal.store.contents().len() - stored;
    assert!(grown < 40_000, "{grown} bytes of results and one-time keys");
    assert_eq!(terminal.notifications().len(), 30);
    assert_eq!(terminal.state().inspect().unwrap().one_time_keys, 8, "the oldest go");
}

/// Notifications are as many as there is room for, whatever happens.
#[test]
fn atk_mem_exhaust_euicc_by_notifications() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).notify(&[1; 40]);
    terminal.install(&mut server, &order);
    let before = free(&mut terminal);
    for _ in 0..5 {
        terminal.enable(order.iccid());
        terminal.disable(order.iccid());
    }
    assert_eq!(terminal.notifications().len(), 64);
    assert_eq!(terminal.notifications().last().unwrap().seq_number, 1 + 5 * 40, "numbers go on");
    assert_eq!(free(&mut terminal), before);
}

/// A package that writes the same file again and again is kept by its length, not by what it leaves.
#[test]
fn a_profile_takes_at_least_the_length_of_its_package() {
    let (_, mut server, mut terminal) = setup();
    let (_, before) = free(&mut terminal);
    let order = Order::number(1).rewriting(100_000);
    terminal.install(&mut server, &order);
    let (_, after) = free(&mut terminal);
    assert!(before - after >= 100_000, "{}", before - after);
}
