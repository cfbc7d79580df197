//! Over the air: an operator's server sends secured short messages to the enabled profile.

use rsp_apdu::StatusWord;
use rsp_asn1::{ErrorReason, ProfileClass, Text, UpdateMetadataRequest, encode};
use rsp_crypto::RandomnessExt;
use rsp_saip::{Element, ProfileElement, ProfilePackage};
use rsp_testkit::SeededRandomness;

use crate::load::setup;
use crate::operator::{
    CHECKSUM, CIPHERING, DOMAIN, LEVEL, NO_FILES, OWN_ISDP, Operator, PUBLISHED, SELECT_SPN, SHARED_FILES, USIM_FILES,
    deliver, enabled, enabled_with, envelope, open_status, order, part, reopened, send, spn, transmit,
};
use crate::server::Order;

#[test]
fn file_management_changes_a_file_and_reads_it_back() {
    let (_, mut terminal, mut operator) = enabled();
    let before = spn(&mut terminal);
    let update = format!("{SELECT_SPN} 00D6000105 4169722121 00B0000106");
    let packet = operator.packet(USIM_FILES, &update);
    let answer = deliver(&mut terminal, &packet);
    let rest = &before[12..14];
    assert_eq!(operator.read(&answer), (0x00, format!("0390004169722121{rest}")));
    let after = spn(&mut terminal);
    assert_eq!(after, format!("{}4169722121{}", &before[..2], &before[12..]));
    assert_eq!(spn(&mut reopened(&terminal)), after, "it is stored");
}

#[test]
fn expanded_scripts_are_answered_in_full() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, "AA10 2207 00A4000C026F07 2205 00B0000001");
    let answer = "AB0C 800102 2302 9000 2303 089000".replace(' ', "");
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0x00, answer));
}

#[test]
fn file_management_stays_within_its_access_domain() {
    let (_, mut terminal, mut operator) = enabled();
    let read_iccid = "00A40804022FE2 00B000000A";
    let read_imsi = "00A4000C026F07 00B0000009";
    for (tar, script, allowed) in [
        (SHARED_FILES, read_iccid, true),
        (SHARED_FILES, "00A4080C047FFF6F07 00B0000009", false),
        (SHARED_FILES, "00A4040C07A0000000871002 00A4000C026F07 00B0000009", false),
        (USIM_FILES, read_imsi, true),
        (USIM_FILES, read_iccid, false),
        (NO_FILES, read_imsi, false),
    ] {
        let packet = operator.packet(tar, script);
        let (status, answer) = operator.read(&deliver(&mut terminal, &packet));
        assert_eq!((status, &answer[2..4] == "90"), (0, allowed), "{tar:02X?} {script}: {answer}");
    }
    let packet = operator.packet(USIM_FILES, "00A4040C07A0000000871002");
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0, "016A86".to_owned()), "no application but its own");
    // Neither codes nor authentication nor the security domain's commands.
    let packet = operator.packet(USIM_FILES, "01A4000C026F07");
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0, "016881".to_owned()), "there are no channels");
    for script in ["0020000108 3132333400000000", "0088008122 10", "80E60C0000", "80F2000000"] {
        let packet = operator.packet(USIM_FILES, script);
        let (_, answer) = operator.read(&deliver(&mut terminal, &packet));
        assert!(["016D00", "016700"].contains(&answer.as_str()), "{script}: {answer}");
    }
}

#[test]
fn file_management_does_not_move_what_the_terminal_selected() {
    let (_, mut terminal, mut operator) = enabled();
    spn(&mut terminal);
    let packet = operator.packet(SHARED_FILES, "00A40804022FE2");
    deliver(&mut terminal, &packet);
    assert_eq!(send(&mut terminal, "00B0000011").1, StatusWord::OK, "EF_SPN is still selected");
    assert_eq!(send(&mut terminal, "00D6000101FF").1, StatusWord::SECURITY_STATUS, "and nobody was verified");
}

#[test]
fn a_packet_in_several_messages_is_put_together_in_any_order() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, &format!("{SELECT_SPN} 00D6000105 4169722121"));
    let (first, rest) = packet.split_at(20);
    let (second, third) = rest.split_at(17);
    for message in [part(third, 3, 3), part(first, 1, 3)] {
        let answer = transmit(&mut terminal, &message);
        assert_eq!((answer.data.len(), answer.sw), (0, StatusWord::OK));
    }
    let answer = transmit(&mut terminal, &part(second, 2, 3));
    assert_eq!(operator.read(&answer), (0x00, "029000".to_owned()));
    assert!(spn(&mut terminal)[2..].starts_with("4169722121"));
}

#[test]
fn parts_of_different_messages_do_not_make_one() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    let (first, second) = packet.split_at(20);
    for number in [0, 3] {
        let answer = transmit(&mut terminal, &part(second, number, 2));
        assert_eq!((answer.data.len(), answer.sw), (0, StatusWord::OK), "there is no part {number} of 2");
    }
    transmit(&mut terminal, &part(first, 1, 2));
    // The sender's number stands behind the length of the TPDU and its first byte.
    let mut of_another = part(second, 2, 2);
    let at = of_another.windows(2).position(|pair| pair == [0x21, 0x43]).unwrap();
    of_another[at] ^= 0x11;
    assert!(transmit(&mut terminal, &of_another).data.is_empty(), "from somebody else");
    transmit(&mut terminal, &part(first, 1, 2));
    let mut of_another = part(second, 2, 2);
    let at = of_another.windows(3).position(|header| header == [0x00, 0x03, 0x5A]).unwrap();
    of_another[at + 2] += 1;
    assert!(transmit(&mut terminal, &of_another).data.is_empty(), "of another message");
    assert!(transmit(&mut terminal, &part(second, 2, 2)).data.is_empty(), "the first was forgotten for it");
    assert!(!transmit(&mut terminal, &part(first, 1, 2)).data.is_empty());
}

#[test]
fn several_messages_that_announce_no_command_packet_are_none() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    let (first, second) = packet.split_at(20);
    let mut unannounced = part(first, 1, 2);
    let at = unannounced.windows(2).position(|pair| pair == [0x70, 0x00]).unwrap();
    unannounced[at] = 0x24;
    transmit(&mut terminal, &unannounced);
    assert!(transmit(&mut terminal, &part(second, 2, 2)).data.is_empty());
    transmit(&mut terminal, &unannounced);
    let announced_late = envelope(&[&[0x07, 0x00, 0x03, 0x5A, 2, 2, 0x70, 0x00], second].concat());
    assert!(transmit(&mut terminal, &announced_late).data.is_empty(), "only the first part says what it is");
}

#[test]
fn a_message_that_was_begun_is_forgotten_when_another_profile_is_enabled() {
    let (mut server, mut terminal, mut operator) = enabled();
    let other = order(2, CIPHERING, CHECKSUM);
    terminal.install(&mut server, &other);
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    let (first, second) = packet.split_at(20);
    transmit(&mut terminal, &part(first, 1, 2));
    assert_eq!(terminal.enable(other.iccid()), 0);
    assert!(transmit(&mut terminal, &part(second, 2, 2)).data.is_empty());
    assert!(!transmit(&mut terminal, &part(first, 1, 2)).data.is_empty(), "now it is whole");
}

#[test]
fn a_message_that_was_begun_is_forgotten_at_a_reset() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    let (first, second) = packet.split_at(20);
    transmit(&mut terminal, &part(first, 1, 2));
    terminal.power_cycle();
    assert!(transmit(&mut terminal, &part(second, 2, 2)).data.is_empty());
    assert!(!transmit(&mut terminal, &part(first, 1, 2)).data.is_empty(), "now it is whole");
}

#[test]
fn the_operator_changes_the_name_of_its_profile() {
    for by_its_own_aid in [false, true] {
        let (_, mut terminal, mut operator) = enabled();
        let isdp = match by_its_own_aid {
            false => OWN_ISDP.to_owned(),
            true => hex::encode_upper(&terminal.profiles()[0].isdp_aid.clone().unwrap().0),
        };
        let request = UpdateMetadataRequest {
            profile_name: Some(Text::from("Another name")),
            ..UpdateMetadataRequest::default()
        };
        let request = hex::encode(encode(&request).unwrap());
        let length = request.len() / 2;
        let script = format!("80E6200016 000010{isdp}000000 80E29000{length:02X}{request}");
        let packet = operator.packet(DOMAIN, &script);
        assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0x00, "029000".to_owned()));
        let mut terminal = reopened(&terminal);
        assert_eq!(terminal.profiles()[0].profile_name.as_ref().unwrap().0, "Another name");
    }
}

#[test]
fn metadata_of_others_cannot_be_reached() {
    let (mut server, mut terminal, mut operator) = enabled();
    let other = Order::number(2);
    terminal.install(&mut server, &other);
    let isdp = hex::encode_upper(&terminal.profiles()[1].isdp_aid.clone().unwrap().0);
    let data = "BF2A06 9204 4E616D65";
    for (script, expected) in [
        (format!("80E6200016 000010{isdp}000000"), "016A88"),
        (format!("80E6200016 000010{OWN_ISDP}000001"), "016A80"),
        (format!("80E29000 09{data}"), "016985"),
        (format!("80E6200016 000010{OWN_ISDP}000000 80E29001 09{data}"), "026A86"),
        ("80E6020005 0102030405".to_owned(), "016A80"),
        ("80E4000007 4F05A000000001".to_owned(), "016D00"),
        ("80D8010005 0102030405".to_owned(), "016D00"),
        ("00A40004023F00".to_owned(), "016D00"),
    ] {
        let packet = operator.packet(DOMAIN, &script);
        assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0, expected.to_owned()), "{script}");
    }
    for profile in terminal.profiles() {
        assert_eq!(profile.profile_name.unwrap().0, "A profile");
    }
}

#[test]
fn metadata_has_a_limit() {
    let (_, mut terminal, mut operator) = enabled();
    let blocks = (0..17).map(|number| format!("80E200{number:02X}FF{}", "00".repeat(255)));
    let script: String = [format!("80E6200016 000010{OWN_ISDP}000000")].into_iter().chain(blocks).collect();
    let packet = operator.packet(DOMAIN, &script);
    let parts: Vec<&[u8]> = packet.chunks(100).collect();
    let total = parts.len() as u8;
    let answers = (1..=total).zip(&parts).map(|(number, bytes)| transmit(&mut terminal, &part(bytes, number, total)));
    assert_eq!(operator.read(&answers.last().unwrap()), (0x00, "126A86".to_owned()), "4080 bytes, and 255 more");
}

#[test]
fn a_security_domain_lists_itself() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(DOMAIN, "80F28002024F0000");
    let (_, answer) = operator.read(&deliver(&mut terminal, &packet));
    assert_eq!(answer, "019000E3134F08A0000001510000009F70010FC50382DC00");
}

#[test]
fn a_replayed_packet_changes_nothing_and_says_so_under_the_keys() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, &format!("{SELECT_SPN} 00D6000105 4169722121"));
    deliver(&mut terminal, &packet);
    send(&mut terminal, "0020000A08 3535353535353535");
    spn(&mut terminal);
    assert_eq!(send(&mut terminal, "00D60001055555555555").1, StatusWord::OK);
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0x02, String::new()));
    terminal.power_cycle();
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0x02, String::new()), "the counter is stored");
    assert!(spn(&mut terminal)[2..].starts_with("5555555555"), "and nothing else");
}

#[test]
fn a_counter_is_stored_although_nothing_else_changed() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)).0, 0x00);
    assert_eq!(operator.read(&deliver(&mut reopened(&terminal), &packet)).0, 0x02);
}

#[test]
fn the_counter_the_package_brings_is_where_counting_begins() {
    let (_, mut terminal, mut operator) = enabled();
    operator.counter = 0x0F;
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)).0, 0x02);
}

/// A forger learns the same from every attempt, and nothing that was made with a key.
#[test]
fn a_packet_under_other_keys_is_answered_without_any() {
    let (_, mut terminal, mut operator) = enabled();
    let before = spn(&mut terminal);
    let script = format!("{SELECT_SPN} 00D6000105 4169722121");
    let mut forger = Operator::new(CIPHERING, *b"another checksum");
    for counter in [0x10, 0x50, 0x00] {
        forger.counter = counter;
        let packet = forger.packet(USIM_FILES, &script);
        assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x01);
    }
    let genuine = operator.packet(USIM_FILES, &script);
    for at in [12, 20, genuine.len() - 1] {
        let mut flipped = genuine.clone();
        flipped[at] ^= 0x01;
        assert_eq!(open_status(&deliver(&mut terminal, &flipped)), 0x01, "byte {at}");
    }
    forger.version = 3;
    let packet = forger.packet(USIM_FILES, &script);
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x06, "no such keys");
    let packet = forger.packet([1, 2, 3], &script);
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x09, "nobody");
    assert_eq!(spn(&mut terminal), before);
    assert_eq!(operator.read(&deliver(&mut terminal, &genuine)).0, 0x00, "the counter did not move");
}

#[test]
fn less_security_than_demanded_is_refused() {
    let (_, mut terminal, mut operator) = enabled();
    let before = spn(&mut terminal);
    // No ciphering, a counter that is not looked at, no checksum, a redundancy check.
    for spi in [0x12, 0x06, 0x0E, 0x14, 0x15, 0x00] {
        operator.spi = [spi, 0x01];
        let packet = operator.packet(USIM_FILES, &format!("{SELECT_SPN} 00D6000105 4169722121"));
        assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x0A, "{spi:02X}");
    }
    operator.spi = [LEVEL, 0x21];
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x06, "a proof of receipt by SMS-SUBMIT");
    assert_eq!(spn(&mut terminal), before);
}

/// An order for tests whose recipients demand nothing.
fn undemanding() -> Order {
    let mut order = order(1, CIPHERING, CHECKSUM).class(ProfileClass::TEST);
    let package = ProfilePackage::from_der(&order.elements).unwrap();
    let elements = package.elements().iter().map(|element| {
        let mut element = element.element().clone();
        match &mut element {
            Element::SecurityDomain(domain) => {
                let toolkit = domain.instance.uicc_parameters.as_mut().unwrap().toolkit.as_mut().unwrap();
                let mut open = toolkit.to_vec();
                open[7] = 0x00;
                *toolkit = open.into();
            }
            Element::Rfm(rfm) => rfm.minimum_security_level = vec![0x00].into(),
            _ => {}
        }
        ProfileElement::new(element).unwrap()
    });
    order.elements = ProfilePackage::new(elements.collect()).to_der().to_vec();
    order
}

#[test]
fn no_keys_are_used_for_somebody_who_has_shown_none() {
    let (_, mut terminal, mut operator) = enabled_with(undemanding(), false);
    operator.spi = [0x00, 0x01];
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)).1, "019000", "a file manager may take it");
    for proof in [0x09, 0x11] {
        operator.spi = [0x00, proof];
        let packet = operator.packet(USIM_FILES, SELECT_SPN);
        assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x0A, "{proof:02X}");
    }
    operator.spi = [0x04, 0x01];
    let packet = operator.packet(DOMAIN, "80F28002024F0000");
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x0A, "a security domain never does");
}

#[test]
fn what_a_packet_without_a_counter_changed_is_stored() {
    let (_, mut terminal, mut operator) = enabled_with(undemanding(), false);
    operator.spi = [0x00, 0x01];
    let packet = operator.packet(USIM_FILES, &format!("{SELECT_SPN} 00D6000105 4169722121"));
    assert_eq!(operator.read(&deliver(&mut terminal, &packet)), (0x00, "029000".to_owned()));
    assert!(spn(&mut reopened(&terminal))[2..].starts_with("4169722121"));
}

#[test]
fn padding_that_cannot_be_is_refused() {
    let (_, mut terminal, mut operator) = enabled();
    operator.padding_error = 16;
    // Long enough that a whole block of it could be padding.
    let packet = operator.packet(USIM_FILES, &format!("{SELECT_SPN} 00D6000105 4169722121"));
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x05);
}

#[test]
fn proofs_of_receipt_are_given_as_asked_for() {
    let (_, mut terminal, mut operator) = enabled();
    for (proof, given) in [(0x00, false), (0x01, true), (0x02, false), (0x09, true), (0x11, true)] {
        operator.spi = [LEVEL, proof];
        let packet = operator.packet(USIM_FILES, SELECT_SPN);
        let answer = deliver(&mut terminal, &packet);
        assert_eq!(!answer.data.is_empty(), given, "{proof:02X}");
        if given {
            assert_eq!(operator.read(&answer), (0x00, "019000".to_owned()));
        }
        // An error is told where errors are asked for.
        let told = !deliver(&mut terminal, &packet).data.is_empty();
        assert_eq!(told, proof & 0x03 != 0, "{proof:02X}");
    }
}

#[test]
fn what_is_no_command_packet_is_not_answered() {
    let (_, mut terminal, mut operator) = enabled();
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    let other_header = transmit(&mut terminal, &envelope(&[&[0x02, 0x71, 0x00], &packet[..]].concat()));
    assert_eq!((other_header.data.len(), other_header.sw), (0, StatusWord::OK));
    let cut = deliver(&mut terminal, &packet[..packet.len() - 1]);
    assert_eq!((cut.data.len(), cut.sw), (0, StatusWord::OK));
    let mut whole = envelope(&[&[0x02, 0x70, 0x00], &packet[..]].concat());
    for length in 1..whole.len() {
        let answer = transmit(&mut terminal, &whole[..length]);
        assert!(answer.data.is_empty() && !answer.sw.is_success(), "{length} bytes");
    }
    let at = whole.len() - packet.len() - 4;
    whole[at] += 1;
    assert_eq!(transmit(&mut terminal, &whole).sw, StatusWord::WRONG_DATA, "a length of user data that does not fit");
    whole[at] -= 1;
    whole[at - 8] = 0x00;
    assert_eq!(transmit(&mut terminal, &whole).sw, StatusWord::WRONG_DATA, "text of 7 bits");
    let whole = envelope(&[&[0x02, 0x70, 0x00], &packet[..]].concat());
    let at = whole.windows(3).position(|tpdu| tpdu == [0x40, 0x08, 0x81]).unwrap();
    for first in [0x00, 0x41, 0x42] {
        let mut other = whole.clone();
        other[at] = first;
        assert_eq!(transmit(&mut terminal, &other).sw, StatusWord::WRONG_DATA, "no SMS-DELIVER with a header");
    }
    assert!(!transmit(&mut terminal, &whole).data.is_empty());
}

#[test]
fn without_an_enabled_profile_nobody_is_reached() {
    let (_, mut terminal, mut operator) = enabled();
    let iccid = terminal.profiles()[0].iccid.unwrap();
    assert_eq!(terminal.disable(iccid), 0);
    let packet = operator.packet(USIM_FILES, SELECT_SPN);
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x09);
}

/// TS.48 up to version 6, and all but one form of version 7.
#[test]
fn atk_tp_public_keys_open_nothing_in_a_test_profile_unless_the_card_is_made_for_it() {
    let profile = || order(1, PUBLISHED, PUBLISHED).class(ProfileClass::TEST);
    let mut anybody = Operator::new(PUBLISHED, PUBLISHED);
    let (_, mut terminal, _) = enabled_with(profile(), false);
    let before = spn(&mut terminal);
    let packet = anybody.packet(USIM_FILES, &format!("{SELECT_SPN} 00D6000105 4169722121"));
    assert_eq!(open_status(&deliver(&mut terminal, &packet)), 0x06);
    assert_eq!(spn(&mut terminal), before);
    let (_, mut terminal, _) = enabled_with(profile(), true);
    assert_eq!(anybody.read(&deliver(&mut terminal, &packet)), (0x00, "029000".to_owned()));
}

#[test]
fn atk_tp_public_keys_are_not_even_needed_where_nothing_is_demanded() {
    let (_, mut server, mut terminal) = setup();
    let order = undemanding().class(ProfileClass::OPERATIONAL);
    let refused = terminal.refuse(&mut server, &order);
    assert_eq!(refused.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR);
    assert!(terminal.profiles().is_empty());
}

#[test]
fn atk_tp_public_keys_in_an_operational_profile_are_refused() {
    let (_, mut server, mut terminal) = setup();
    for order in [order(1, PUBLISHED, CHECKSUM), order(1, CIPHERING, [0x00; 16]), order(1, CIPHERING, [0xFF; 16])] {
        let provisioning = order.clone().class(ProfileClass::PROVISIONING);
        for order in [order, provisioning] {
            let error = terminal.refuse(&mut server, &order);
            assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR);
            assert!(terminal.profiles().is_empty());
        }
    }
    terminal.install(&mut server, &order(1, CIPHERING, CHECKSUM));
}

/// Keys of other versions than those for messages open the security domain to whoever selects it.
#[test]
fn atk_tp_public_keys_that_nobody_reaches_do_no_harm() {
    for (version, by_itself, by_files, refused) in
        [(2, true, false, true), (2, false, true, true), (2, false, false, false), (0x30, false, false, true)]
    {
        let mut order = order(1, PUBLISHED, CHECKSUM);
        let package = ProfilePackage::from_der(&order.elements).unwrap();
        let mut elements: Vec<Element> = package.elements().iter().map(|element| element.element().clone()).collect();
        elements.retain(|element| by_files || !matches!(element, Element::Rfm(_)));
        for element in &mut elements {
            if let Element::SecurityDomain(domain) = element {
                let keys = domain.key_list.iter_mut().flatten();
                keys.for_each(|key| key.version_number = vec![version].into());
                if !by_itself {
                    domain.instance.uicc_parameters = None;
                }
            }
        }
        let elements = elements.into_iter().map(|element| ProfileElement::new(element).unwrap()).collect();
        order.elements = ProfilePackage::new(elements).to_der().to_vec();
        let (_, mut server, mut terminal) = setup();
        terminal.download(&mut server, &order);
        assert_eq!(terminal.profiles().is_empty(), refused, "{version:02X} {by_itself} {by_files}");
    }
}

#[test]
fn a_card_made_for_published_keys_takes_them_in_every_profile() {
    let (_, mut terminal, _) = enabled_with(order(1, PUBLISHED, PUBLISHED), true);
    let mut anybody = Operator::new(PUBLISHED, PUBLISHED);
    let packet = anybody.packet(USIM_FILES, SELECT_SPN);
    assert_eq!(anybody.read(&deliver(&mut terminal, &packet)).0, 0x00);
}

/// To a file manager that demands nothing: what is sent gets as far as the files.
#[test]
fn atk_apdu_fuzz_over_the_air() {
    let (_, mut terminal, mut operator) = enabled_with(undemanding(), false);
    operator.spi = [0x00, 0x01];
    let mut randomness = SeededRandomness::new("over the air");
    let instructions = [0xA4, 0xB0, 0xD6, 0xB2, 0xDC, 0xA2, 0x32, 0x04, 0x44, 0xCB, 0xDB, 0xC0, 0xF2, 0xE6, 0xE2];
    for round in 0..2000u32 {
        let noise: [u8; 40] = randomness.bytes();
        let length = usize::from(noise[0]) % 30;
        let mut script = noise[1..=length.max(1)].to_vec();
        if round % 4 != 0 && script.len() > 4 {
            script[0] = if round % 2 == 0 { 0x00 } else { 0x80 };
            script[1] = instructions[usize::from(noise[39]) % instructions.len()];
            script[4] = (script.len() - 5) as u8;
        }
        if round % 8 == 5 {
            script.insert(0, 0xAA);
        }
        let tar = [SHARED_FILES, USIM_FILES, DOMAIN][usize::from(noise[38]) % 3];
        let mut packet = operator.packet(tar, &hex::encode(&script));
        if round % 3 == 0 {
            let at = usize::from(noise[37]) % packet.len();
            packet[at] = noise[36];
        }
        let answer = match round % 5 {
            0 => transmit(&mut terminal, &part(&packet, noise[35] % 4, noise[34] % 4)),
            _ => deliver(&mut terminal, &packet),
        };
        let status = answer.sw;
        assert!(status == StatusWord::OK || status == StatusWord::WRONG_DATA, "{status} to {}", hex::encode(&packet));
        assert!(answer.data.is_empty() || answer.data.starts_with(&[0x02, 0x71, 0x00]));
    }
    assert_eq!(terminal.profiles().len(), 1);
}
