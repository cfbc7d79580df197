//! Whatever a hostile terminal, server or transport may send.

use proptest::prelude::*;
use rsp_apdu::Card;
use rsp_asn1::{FinalResult, ProfileClass, ProfileInstallationResult, decode};
use rsp_crypto::RandomnessExt;
use rsp_euicc::{Euicc, MemoryStore};
use rsp_saip::{ElementKind, ProfilePackage};
use rsp_testkit::SeededRandomness;

use crate::load::setup;
use crate::server::{Order, World};
use crate::terminal::segments;

/// A profile without a subscription, so that its package has about a thousand bytes: what the MF needs, and no more.
fn small_order() -> Order {
    let mut order = Order::number(1).with(|metadata| metadata.profile_owner = None);
    let package = ProfilePackage::from_der(&order.elements).unwrap();
    let elements = package.elements().iter();
    let before = elements.clone().take_while(|element| element.kind() != ElementKind::Usim);
    let end = elements.filter(|element| element.kind() == ElementKind::End);
    order.elements = before.chain(end).flat_map(|element| element.bytes().to_vec()).collect();
    order
}

/// Changes one bit of every `step`th byte of a package, from the head to the last segment: nothing is ever installed, and the
/// result is an error that the eUICC signed, at the latest after the next power-on. Then the package is installed as it is. Says how many bytes were changed.
fn tamper(order: &Order, step: usize) -> usize {
    let (_, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let length: usize = segments(&server.bind(World::eid(1), &prepared, order)).iter().map(Vec::len).sum();
    let mut changed = 0;
    for place in (0..length).step_by(step) {
        let prepared = terminal.prepare(&mut server, None);
        let mut segments = segments(&server.bind(World::eid(1), &prepared, order));
        let mut left = place;
        let hit = segments.iter_mut().find_map(|segment| match left.checked_sub(segment.len()) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(&mut segment[left]),
        });
        *hit.unwrap() ^= 1 << (place % 8);
        let answer = terminal.load_segments(&segments);
        if !matches!(answer, Ok(Some(_))) {
            terminal.power_cycle();
        }
        assert!(terminal.profiles().is_empty(), "byte {place}");
        let notifications = terminal.notifications();
        // A head that is no head does not begin a load, so there is nothing to report.
        let begun = !notifications.is_empty();
        assert!(begun || place < 10, "byte {place}: no result");
        if let Ok(Some(answer)) = answer {
            let result: ProfileInstallationResult = decode(&answer).unwrap();
            let result = result.profile_installation_result_data.into_value().final_result;
            assert!(matches!(result, FinalResult::Error(_)), "byte {place}");
        }
        for notification in notifications {
            terminal.hex(&format!("BF30048002{:04X}", notification.seq_number)).ok();
            terminal.hex(&format!("BF30038001{:02X}", notification.seq_number & 0xFF)).ok();
        }
        changed += 1;
    }
    terminal.install(&mut server, order);
    changed
}

#[test]
fn atk_bpp_tamper() {
    let changed = tamper(&small_order(), 1);
    assert!((900..1400).contains(&changed), "{changed} bytes");
}

/// Every byte with OPENRSP_TAMPER_EVERY=1, which takes minutes and wants a release build.
#[test]
fn atk_bpp_tamper_of_a_generic_test_profile() {
    let Some(elements) = rsp_testkit::standards("ts48/TS48_v7_SAIP2.3_BERTLV_SUCI.der") else { return };
    let order = Order { elements, ..Order::number(1) }.class(ProfileClass::TEST).with(|metadata| {
        metadata.iccid = "89000123456789012341".parse().unwrap();
        metadata.profile_owner = None;
    });
    let step = std::env::var("OPENRSP_TAMPER_EVERY").map_or(97, |step| step.parse().unwrap());
    let changed = tamper(&order, step);
    println!("{changed} bytes changed");
    assert!(changed > 12_000 / step, "{changed} bytes");
}

fn is_status_word(answer: &[u8]) -> bool {
    answer.len() >= 2 && matches!(answer[answer.len() - 2], 0x61..=0x6F | 0x90..=0x9F) && answer.len() <= 258
}

fn fresh_card() -> Euicc<MemoryStore> {
    let mut card =
        Euicc::new(World::p256().euicc(1), MemoryStore::default(), Box::new(SeededRandomness::new("fuzz"))).unwrap();
    card.power_on();
    card
}

/// Random and mutated APDUs: only status words come back, and afterwards the card still works. First without a profile,
/// then with an enabled one and a download prepared.
#[test]
fn atk_apdu_fuzz() {
    fuzz(&mut fresh_card());
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    assert_eq!(terminal.enable(order.iccid()), 0);
    terminal.prepare(&mut server, None);
    fuzz(terminal.access.card_mut());
    assert_eq!(terminal.state().inspect().unwrap().profiles.len(), 1, "random commands delete nothing");
}

fn fuzz(card: &mut Euicc<MemoryStore>) {
    let mut randomness = SeededRandomness::new("apdus");
    let templates: Vec<Vec<u8>> = [
        "00A4040010A0000005591010FFFFFFFF890000010000",
        "0070000001",
        "00708001",
        "80E2910003BF2E00",
        "80E2110002BF2E",
        "80E291010100",
        "80E2910003BF2D00",
        "80E2910006BF3E035C015A",
        "80E2910005BF36023000",
        "80E2910015BF3112A00C5A0A0000000000000000000081010000",
        "80E2910002A000",
        "80E29100048602112200",
        "00C0000000",
        "80AA000005A903830107",
        "00A40004023F00",
        "00B0000000",
        "00880081221000000000000000000000000000000000100000000000000000000000000000000000",
        "0020000108FFFFFFFFFFFFFFFF",
    ]
    .iter()
    .map(|command| hex::decode(command).unwrap())
    .collect();
    for round in 0..20_000_usize {
        let [choice, count, place, value, kind] = randomness.bytes::<5>();
        let mut command = match kind % 4 {
            0 => {
                let mut random = randomness.bytes::<40>().to_vec();
                random.truncate(usize::from(count) % 41);
                random
            }
            _ => templates[usize::from(choice) % templates.len()].clone(),
        };
        if !command.is_empty() && kind % 4 > 1 {
            let place = usize::from(place) % command.len();
            command[place] = value;
        }
        let answer = card.transmit(&command);
        assert!(is_status_word(&answer), "round {round}: {} → {}", hex::encode(command), hex::encode(answer));
    }
    card.power_on();
    for command in ["00A4040010A0000005591010FFFFFFFF890000010000", "80E2910006BF3E035C015A"] {
        assert_eq!(card.transmit(&hex::decode(command).unwrap())[0], 0x61);
    }
}

/// Sends a request in STORE DATA blocks; the last status word.
fn store(card: &mut Euicc<MemoryStore>, request: &[u8]) -> Vec<u8> {
    card.transmit(&hex::decode("00A4040010A0000005591010FFFFFFFF890000010000").unwrap());
    let mut answer = Vec::new();
    for command in rsp_apdu::store_data::commands(0, request, 255).unwrap() {
        answer = card.transmit(&command);
    }
    answer
}

#[test]
fn atk_deep_asn1() {
    let mut card = fresh_card();
    for tag in [[0xBF, 0x38], [0xBF, 0x2D], [0xBF, 0x21], [0xBF, 0x31]] {
        let mut nested = Vec::new();
        for _ in 0..6_000 {
            let mut outer = Vec::new();
            rsp_asn1::tlv::write(&mut outer, &[0x30], &nested);
            nested = outer;
            if nested.len() > 30_000 {
                break;
            }
        }
        let mut request = Vec::new();
        rsp_asn1::tlv::write(&mut request, &tag, &nested);
        let answer = store(&mut card, &request);
        let is_refused = answer == [0x6A, 0x80] || (tag == [0xBF, 0x2D] && answer[0] == 0x61);
        assert!(is_refused, "{}", hex::encode(answer));
    }
}

#[test]
fn atk_len_bomb() {
    let mut card = fresh_card();
    for request in
        ["BF3884FFFFFFFF", "BF2E84FFFFFFFF00", "BF2D85FFFFFFFFFF", "BF3680", "BF3684FFFFFFFFBF2384FFFFFFFF", "BF2D8200"]
    {
        let answer = store(&mut card, &hex::decode(request).unwrap());
        assert!(matches!(answer[..], [0x69, 0x85] | [0x6A, 0x80] | [0x6A, 0x88]), "{request}: {}", hex::encode(answer));
    }
    // A chain without an end is stopped before it takes the memory.
    let mut answer = Vec::new();
    for block in 0..=255_u8 {
        let mut command = vec![0x80, 0xE2, 0x11, block, 0xFF];
        command.extend([0; 255]);
        answer = card.transmit(&command);
        if answer != [0x90, 0x00] {
            break;
        }
    }
    assert_eq!(answer, [0x6A, 0x84]);
}

/// No command gives out the subscriber's key, which is looked for in every answer. The other secrets: `atk_apdu_fuzz`.
#[test]
fn nothing_secret_can_be_read_back() {
    let (_, mut server, mut terminal) = setup();
    let mut order = Order::number(1);
    let key = order.elements.windows(16).position(|window| window == (0..16).collect::<Vec<u8>>()).unwrap();
    let secret = [0xD1; 16];
    order.elements[key..key + 16].copy_from_slice(&secret);
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    let has = |bytes: &[u8]| bytes.windows(16).any(|window| window == secret);
    assert!(has(&terminal.store.contents()), "the key is in the state, so looking for it makes sense");
    let mut answers = Vec::new();
    for request in [
        "BF2000",
        "BF2200",
        "BF2D00",
        "BF2D0A5C08B6B7B899BF225A4F",
        "BF2800",
        "BF2B00",
        "BF3C00",
        "BF4300",
        "BF3E035C015A",
    ] {
        answers.extend(hex::decode(terminal.hex(request).unwrap()).unwrap());
    }
    for p1p2 in 0..=0xFFFF_u16 {
        let [p1, p2] = p1p2.to_be_bytes();
        if p1p2 % 7 == 0 {
            answers.extend(terminal.access.card_mut().transmit(&[0x80, 0xCA, p1, p2, 0x00]));
        }
    }
    // Every file that has an identifier, through the enabled profile, as far as it can be read without codes.
    for file in 0..=0xFFFF_u16 {
        let [high, low] = file.to_be_bytes();
        let card = terminal.access.card_mut();
        if card.transmit(&[0x00, 0xA4, 0x00, 0x0C, 0x02, high, low]) == [0x90, 0x00] {
            answers.extend(card.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x00]));
            answers.extend(card.transmit(&[0x00, 0xB2, 0x01, 0x04, 0x00]));
        }
    }
    assert!(!has(&answers));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_request_gets_an_answer(tag in 0x20u8..0x66, body in proptest::collection::vec(any::<u8>(), 0..120)) {
        let mut card = fresh_card();
        let mut request = Vec::new();
        rsp_asn1::tlv::write(&mut request, &[0xBF, tag], &body);
        let answer = store(&mut card, &request);
        prop_assert!(is_status_word(&answer));
        prop_assert_ne!(answer, vec![0x6F, 0x00]);
    }
}
