//! SEARCH RECORD, BER-TLV files, files named in ACTIVATE and DEACTIVATE, and what a missing Le means.

use rsp_asn1::OctetString;
use rsp_saip::Element;
use rsp_saip::file::Fcp;
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::PeHeader;

use crate::profile::{Terminal, built, elements, generic, install_elements};

const ADM1: &str = "0020000A083131323233333434";

fn fcp(descriptor: &'static [u8], file_id: [u8; 2], sfi: u8, size: &'static [u8]) -> Fcp {
    Fcp {
        file_descriptor: Some(OctetString::from_static(descriptor)),
        file_id: Some(OctetString::from(file_id)),
        short_ef_id: Some(OctetString::from(vec![sfi << 3])),
        security_attributes_referenced: Some(OctetString::from_static(&[10])),
        ef_file_size: Some(OctetString::from_static(size)),
        ..Fcp::default()
    }
}

/// The USIM of the built profile with two files more, and ADM1 verified: the linear fixed 6F11 with records of 43 bytes
/// (SFI 1C), and 6F12 with BER-TLV objects of up to 600 bytes (SFI 1B).
fn card(records: &[&str], objects: &str) -> Terminal {
    let path = FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xF0]));
    let mut commands =
        vec![path.clone(), FileCommand::CreateFcp(fcp(&[0x42, 0x21, 0x00, 0x2B], [0x6F, 0x11], 0x1C, &[0xD7]))];
    let padded = |record: &str| {
        let mut record = hex::decode(record).expect("hexadecimal");
        record.resize(43, 0xFF);
        record
    };
    let content: Vec<u8> = records.iter().flat_map(|record| padded(record)).collect();
    commands.push(FileCommand::FillFileContent(OctetString::from(content)));
    commands.push(path);
    commands.push(FileCommand::CreateFcp(fcp(&[0x79, 0x21], [0x6F, 0x12], 0x1B, &[0x02, 0x58])));
    commands.push(FileCommand::FillFileContent(OctetString::from(
        hex::decode(objects.replace(' ', "")).expect("hexadecimal"),
    )));
    let header = PeHeader { mandated: None, identification: 0x1000, unknown: Default::default() };
    let gfm = GenericFileManagement { header, commands: vec![commands], unknown: Default::default() };
    let mut elements = elements();
    elements.insert(elements.len() - 1, Element::GenericFileManagement(gfm));
    let mut card = Terminal::new(install_elements(elements).expect("it installs").0).usim();
    card.ok(ADM1);
    card
}

/// Five access rules, which another implementation of TS 102 221 also searches in its tests.
const RULES: [&str; 5] = [
    "800101A40683010A950108800106900080016097008401D4A40683010A950108",
    "80011AA40683010A9501088001019000",
    "800101A40683010195010880011AA40683010A9501088401D4A40683010A950108",
    "800101900080011AA40683010A9501088401D4A40683010A950108",
    "800107A40683010A950108",
];

#[test]
fn searching_gives_the_numbers_of_the_records_that_match() {
    let mut card = card(&RULES, "");
    card.ok("00A4000C026F11");
    for (apdu, numbers) in [
        // Forward and backward from a record.
        ("00A2010405 800101A406", "0103"),
        ("00A2020405 800101A406", "03"),
        ("00A2020505 800101A406", "01"),
        ("00A2050505 800101A406", "0301"),
        // Enhanced: the same directions, from an offset.
        ("00A2010607 0400 800101A406", "0103"),
        ("00A2030607 0400 800101A406", "03"),
        ("00A2020607 0500 800101A406", "01"),
        ("00A2050607 0500 800101A406", "0301"),
        ("00A2010605 0403 A40683", "0102030405"),
        ("00A2010605 0409 A40683", "010304"),
        // Behind the first occurrence of a value.
        ("00A2010606 0C07 A4068301", "05"),
        ("00A2010605 0C97 A40683", "01"),
        // By short identifier.
        ("00A201E405 800101A406", "0103"),
    ] {
        assert_eq!(card.ok(apdu), numbers, "{apdu}");
        assert!(!card.changed);
    }
}

#[test]
fn searching_moves_the_pointer_to_the_first_match() {
    let mut card = card(&RULES, "");
    card.ok("00A4000C026F11");
    assert_eq!(card.status("00A2000402 8001"), "6A83", "no record is current");
    // From the next record without a current one: from the first; from the previous one: from the last.
    assert_eq!(card.ok("00A2000605 0600 80011A"), "020304");
    assert!(card.ok("00B200042B").starts_with("80011A"), "record 2 is current");
    assert_eq!(card.ok("00A2000605 0600 80011A"), "0304");
    assert_eq!(card.ok("00A2000403 80011A"), "0304", "from the current one");
    assert_eq!(card.ok("00A2000605 0700 80011A"), "02");
    assert_eq!(card.status("00A2000605 0700 80011A"), "6282");
    assert!(card.ok("00B200042B").starts_with("80011A"), "a search in vain leaves the pointer");
    card.ok("00A4000C026F11");
    assert_eq!(card.ok("00A2000605 0700 80011A"), "040302");
}

#[test]
fn searching_refuses_what_makes_no_sense() {
    let mut card = card(&RULES, "");
    card.ok("00A4000C026F11");
    for (apdu, expected) in [
        ("00A2010402 0000", "6282"),
        // The value itself is not searched.
        ("00A2010603 0C9797", "6282"),
        ("00A2060402 8001", "6A83"),
        ("00A20104", "6700"),
        ("00A201060104", "6700"),
        ("00A2010602 0400", "6700"),
        ("00A2010603 020080", "6A80"),
        ("00A2010603 140080", "6A80"),
        ("00A2010603 060080", "6A86"),
        ("00A2010302 8001", "6A86"),
        ("00A2010702 8001", "6A86"),
        ("80A2010402 8001", "6E00"),
    ] {
        assert_eq!(card.status(apdu), expected, "{apdu}");
    }
    assert_eq!(card.status(&format!("00A201042C{}", "80".repeat(44))), "6700", "longer than a record");
    card.ok("00A4000C026F07");
    assert_eq!(card.status("00A2010402 8001"), "6981", "no records");
    card.ok("00A4000C026F12");
    assert_eq!(card.status("00A2010402 8001"), "6981");
    // A file that may not be read may not be searched either.
    let mut card = Terminal::new(built()).usim();
    card.ok("0028000108 31323334FFFFFFFF");
    card.contents.reset_security_status();
    card.ok("00A4000C026F3C");
    assert_eq!(card.status("00A2010401 FF"), "6982");
}

#[test]
fn data_objects_are_set_retrieved_and_removed() {
    let mut card = card(&[""], "80021122 9F2001AA");
    let fcp = card.ok("00A40004026F12");
    assert!(
        fcp.contains("82027921")
            && fcp.contains("80020258")
            && fcp.contains("A50A840100860202 58C00100".replace(' ', "").as_str()),
        "{fcp}"
    );
    assert_eq!(card.ok("80CB0080015C00"), "5C03809F20");
    assert_eq!(card.ok("80CB0080018000"), "80021122");
    assert_eq!(card.ok("80CB0080029F2000"), "9F2001AA");
    assert_eq!(card.status("80CB0080018100"), "6A88");
    // A new object, one that takes the place of another, and one without a value.
    card.ok("80DB008005 8103010203");
    assert!(card.changed);
    card.ok("80DB008003 800177");
    card.ok("80DB008002 8200");
    assert_eq!(card.ok("80CB0080015C00"), "5C059F20818082");
    assert_eq!(card.ok("80CB0080018000"), "800177");
    assert_eq!(card.ok("80CB0080018200"), "8200");
    card.ok("80DB0080029F20");
    assert_eq!(card.status("80DB0080029F20"), "6A88", "it is gone");
    // By short identifier from elsewhere.
    card.ok("00A4000C026F07");
    assert_eq!(card.ok("80CB009B015C00"), "5C03818082");
}

#[test]
fn long_objects_go_in_blocks() {
    let mut card = card(&[""], "");
    card.ok("00A4000C026F12");
    assert_eq!(card.ok("80CB0080015C00"), "5C00", "an empty file");
    let value: Vec<u8> = (0..=255).chain(0..=243).collect();
    let object = hex::encode_upper([&[0x83, 0x82, 0x01, 0xF4][..], &value].concat());
    let (first, rest) = object.split_at(400);
    let (second, third) = rest.split_at(400);
    assert_eq!(card.status(&format!("80DB0080C8{first}")), "63F1");
    assert!(!card.changed);
    assert_eq!(card.status("80CB0080018300"), "6A88", "nothing is stored before the last block, and this ended it");
    assert_eq!(card.status(&format!("80DB0000C8{second}")), "6985");
    assert_eq!(card.status(&format!("80DB0080C8{first}")), "63F1");
    assert_eq!(card.status(&format!("80DB0000C8{first}")), "63F1", "a block that was damaged");
    assert_eq!(card.status(&format!("80DB00C0C8{second}")), "63F1", "is sent again");
    card.ok(&format!("80DB0000{:02X}{third}", third.len() / 2));
    assert!(card.changed);
    // 255 bytes at a time; the last block once more.
    let block = card.send("80CB0080018300");
    assert_eq!((block.sw.0, block.data.len()), (0x62F1, 255));
    let mut read = block.data;
    let block = card.send("80CB000000");
    assert_eq!((block.sw.0, block.data.len()), (0x9000, 249));
    read.extend(block.data);
    assert_eq!(hex::encode_upper(read), object);
    assert_eq!(card.status("80CB000000"), "6985", "it is over");
    // As many as Le says, and the last block once more.
    card.send("80CB0080018310");
    let block = card.send("80CB000010");
    assert_eq!((block.sw.0, block.data.len()), (0x62F1, 16));
    assert_eq!(card.send("80CB00C010"), block);
    assert_eq!(hex::encode_upper(card.send("80CB000008").data), object[64..80]);
}

#[test]
fn files_of_objects_refuse_what_does_not_fit() {
    let mut card = card(&[""], "80021122");
    card.ok("00A4000C026F12");
    for (apdu, expected) in [
        ("80CB000000", "6985"),
        ("80DB000003 810101", "6985"),
        ("80CB00C000", "6985"),
        ("80CB0040018000", "6A86"),
        ("80CB0180018000", "6A86"),
        ("80CB00A0018000", "6A86"),
        ("80CB0080028081", "6A80"),
        ("80CB0080", "6A80"),
        ("80DB0080", "6700"),
        ("80DB008002 FF00", "6A80"),
        ("80DB008002 5C00", "6A80"),
        ("80DB008004 81011122", "6700"),
        ("80DB008003 818000", "6A80"),
        ("80DB008005 8182025811", "6A84"),
        ("00CB0080018000", "6E00"),
        ("00B0000000", "6981"),
        ("00D6000001 00", "6981"),
        ("00B2010400", "6981"),
    ] {
        assert_eq!(card.status(apdu), expected, "{apdu}");
    }
    card.ok("00A4000C026F07");
    assert_eq!(card.status("80CB0080018000"), "6981");
    // Rules count here as well.
    card.contents.reset_security_status();
    card.ok("00A4000C026F12");
    card.ok("80CB0080018000");
    assert_eq!(card.status("80DB008003 800177"), "6982");
    // What is full stays as it was.
    card.ok(ADM1);
    assert_eq!(card.status(&format!("80DB0080FE 81820251{}", "00".repeat(250))), "63F1");
    assert_eq!(card.status(&format!("80DB0000FA {}", "00".repeat(250))), "63F1");
    assert_eq!(card.status(&format!("80DB00005D {}", "00".repeat(93))), "6A84", "597 bytes beside four");
    assert_eq!(card.ok("80CB0080015C00"), "5C0180");
}

#[test]
fn files_are_deactivated_by_name() {
    let Some(contents) = generic() else { return };
    let mut card = Terminal::new(contents).usim();
    assert_eq!(card.status("00040800047FFF6F46"), "6982");
    card.ok("0020000A083535353535353535");
    card.ok("00040800047FFF6F46");
    assert!(card.changed);
    assert_eq!(card.status("00A4080C047FFF6F46"), "6283");
    assert_eq!(card.status("00B0000000"), "6984");
    card.ok("00A4040C07A0000000871002");
    card.ok("00440000026F46");
    assert_eq!(card.ok("00B0000001").len(), 2, "and it is selected");
    card.ok("00040900026F46");
    card.ok("00440000");
    card.ok("00B0000001");
    for (apdu, expected) in [
        ("00040000025FC0", "6A82"),
        ("00040000026FFF", "6A82"),
        ("00040000016F", "6700"),
        ("00040100026F46", "6A86"),
        ("00040001026F46", "6A86"),
        ("0004080000", "6A86"),
    ] {
        assert_eq!(card.status(apdu), expected, "{apdu}");
    }
}

#[test]
fn without_le_the_card_names_the_length() {
    let mut card = Terminal::new(built());
    card.ok("00A4000C022F00");
    assert_eq!(card.status("00B20104"), "6C20");
    assert_eq!(card.status("80F20000"), format!("6C{:02X}", card.ok("80F2000000").len() / 2));
    assert_eq!(card.status("00840000"), "6C08");
    card.ok("00A4000C022FE2");
    assert_eq!(card.status("00B00000"), "6C0A");
    assert_eq!(card.status("80F2000C"), "9000", "nothing to fetch");
}

/// ETSI TS 102 221 has records of up to 255 bytes; a package can ask for longer ones, which no answer can carry.
#[test]
fn a_record_that_no_answer_can_carry_is_refused() {
    let file = fcp(&[0x42, 0x21, 0x01, 0x2C], [0x6F, 0x11], 0x1C, &[0x02, 0x58]);
    let path = FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xF0]));
    let header = PeHeader { mandated: None, identification: 0x1000, unknown: Default::default() };
    let commands = vec![vec![path, FileCommand::CreateFcp(file)]];
    let mut elements = elements();
    let gfm = GenericFileManagement { header, commands, unknown: Default::default() };
    elements.insert(elements.len() - 1, Element::GenericFileManagement(gfm));
    let (contents, _) = install_elements(elements).expect("it installs");
    let mut card = Terminal::new(contents).usim();
    card.ok("00A4000C026F11");
    assert_eq!(card.status("00B2010400"), "6700");
}

#[test]
fn the_mf_says_that_terminal_capability_is_supported() {
    let mut card = Terminal::new(built());
    assert!(card.ok("00A40004023F00").contains("A506800171870101"));
    assert_eq!(card.status("00A40084023F00"), "6A86");
}
