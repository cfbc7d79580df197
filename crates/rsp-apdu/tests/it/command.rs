//! Command parsing, one rule of ISO/IEC 7816-4 or TS 102 221 each.

use proptest::prelude::*;
use rsp_apdu::{Class, Command, ParseError, SecureMessaging, StatusWord};

#[test]
fn parses_the_four_cases() {
    let parse = |hex: &str| Command::parse(&hex::decode(hex).unwrap()).unwrap();
    assert_eq!(parse("00A40000").le, None);
    assert_eq!(parse("00B0000000").le, Some(256));
    assert_eq!(parse("00B000000A").le, Some(10));
    let case3 = parse("80E2910003BF2E00");
    assert_eq!((case3.data.as_slice(), case3.le), (&[0xBF, 0x2E, 0x00][..], None));
    let case4 = parse("80E2910003BF2E0000");
    assert_eq!((case4.data.as_slice(), case4.le), (&[0xBF, 0x2E, 0x00][..], Some(256)));
}

#[test]
fn knows_the_channel_of_every_class_byte() {
    for channel in 0..=19 {
        let inter = Class::interindustry(channel).unwrap();
        let etsi = Class::proprietary(channel).unwrap();
        assert_eq!((inter.channel, inter.proprietary), (channel, false));
        assert_eq!((etsi.channel, etsi.proprietary), (channel, true));
    }
    assert_eq!(Class::proprietary(3).unwrap().byte(), 0x83);
    assert_eq!(Class::proprietary(4).unwrap().byte(), 0xC0);
    assert_eq!(Class::proprietary(19).unwrap().byte(), 0xCF);
    assert_eq!(Class::interindustry(19).unwrap().byte(), 0x4F);
    assert!(Class::interindustry(20).is_none());
    let chained = Command::parse(&[0x51, 0xA4, 0, 0]).unwrap().class;
    assert!(chained.chaining && chained.channel == 5);
    assert_eq!(Command::parse(&[0x8C, 0xE2, 0, 0]).unwrap().class.secure_messaging, SecureMessaging::Protected);
    assert_eq!(Command::parse(&[0x62, 0xA4, 0, 0]).unwrap().class.secure_messaging, SecureMessaging::Protected);
}

#[test]
fn answers_illegal_headers_with_their_status_word() {
    let sw = |bytes: &[u8]| Command::parse(bytes).unwrap_err().status_word();
    for cla in [0x20, 0x3F, 0x90, 0xA0, 0xB0, 0xD0, 0xF0, 0xFF] {
        assert_eq!(sw(&[cla, 0xA4, 0, 0]), StatusWord::CLASS_NOT_SUPPORTED, "{cla:02X}");
    }
    assert_eq!(sw(&[0x00, 0x61, 0, 0]), StatusWord::INSTRUCTION_NOT_SUPPORTED);
    assert_eq!(sw(&[0x00, 0x9F, 0, 0]), StatusWord::INSTRUCTION_NOT_SUPPORTED);
    assert_eq!(sw(&[]), StatusWord::WRONG_LENGTH);
    assert_eq!(sw(&[0x00, 0xA4, 0]), StatusWord::WRONG_LENGTH);
    assert_eq!(sw(&[0x00, 0xA4, 0, 0, 2, 1]), StatusWord::WRONG_LENGTH);
    assert_eq!(sw(&[0x00, 0xA4, 0, 0, 1, 1, 1, 1]), StatusWord::WRONG_LENGTH);
    assert_eq!(Command::parse(&[0, 0xA4, 0, 0, 0, 0, 1, 1]), Err(ParseError::Length { lc: 0, body: 3 }));
}

#[test]
fn says_what_a_status_word_means() {
    assert_eq!(StatusWord(0x6A82).to_string(), "6A82 (file or application not found)");
    assert_eq!(StatusWord::more_data(300), StatusWord(0x6100));
    assert_eq!(StatusWord::more_data(0x21), StatusWord(0x6121));
    assert!(StatusWord(0x910B).is_success() && !StatusWord(0x6300).is_success());
}

proptest! {
    #[test]
    fn never_panics_and_encodes_what_it_parsed(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(command) = Command::parse(&bytes) {
            prop_assert_eq!(command.to_bytes().unwrap(), bytes);
        }
    }
}
