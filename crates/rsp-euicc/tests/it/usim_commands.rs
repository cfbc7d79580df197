//! Commands of ETSI TS 102 221 on installed profiles: selection, files, PINs and their rules.

use proptest::prelude::*;
use rsp_apdu::Command;
use rsp_saip::Element;
use rsp_saip::codes::{PinCodesChoice, PinConfiguration};

use crate::profile::{IMSI, KEY, OPC, Terminal, built, elements, generic, install_elements};

const ADM1: &str = "0020000A083131323233333434";
const PIN1: &str = "31323334FFFFFFFF";
const WRONG: &str = "39393939FFFFFFFF";

#[test]
fn selection_answers_what_real_clients_look_for() {
    let mut terminal = Terminal::new(built());
    let mf = terminal.ok("00A40004023F00");
    assert!(mf.starts_with("62") && mf.contains("82027821") && mf.contains("83023F00"), "{mf}");
    // PIN status: PIN 1 is disabled, ADM1 enabled.
    assert!(mf.contains("8A0105") && mf.contains("C60990014083010183010A") && mf.contains("8B032F060E"), "{mf}");
    let dir = terminal.ok("00A40004022F00");
    assert!(dir.contains("82054221002002") && dir.contains("80020040") && dir.contains("8801F0"), "{dir}");
    // A wrong Le is answered by the right one.
    assert_eq!(terminal.status("00B20104FF"), "6C20");
    let record = terminal.ok("00B2010420");
    assert!(record.starts_with("61184F10A0000000871002"), "{record}");
    assert_eq!(terminal.ok("00B2010400"), record);
    // A partial AID selects the USIM.
    let adf = terminal.ok("00A4040405A000000087");
    assert!(adf.contains("8410A0000000871002FFFFFFFF8903020000") && !adf.contains("83027FF0"), "{adf}");
    let imsi = terminal.ok("00A40004026F07");
    assert!(imsi.contains("82024121") && imsi.contains("83026F07") && imsi.contains("80020009"), "{imsi}");
    assert_eq!(terminal.ok("00B0000009"), "089999071032547658");
    let ad = terminal.ok("00A40004026FAD");
    assert!(ad.contains("80020004"), "{ad}");
    assert_eq!(terminal.ok("00B0000004"), "00000002");
}

#[test]
fn files_are_found_by_identifier_path_and_short_identifier() {
    let mut terminal = Terminal::new(built());
    assert_eq!(terminal.status("00A4000C026F07"), "6A82", "EF_IMSI is not in the MF");
    assert_eq!(terminal.status("00A4000C027FF0"), "6A82", "the temporary identifier of the ADF means nothing");
    assert_eq!(terminal.status("00A4000C027FFF"), "6A82", "no application is active");
    let mut terminal = terminal.usim();
    assert!(terminal.session.application_aid(&terminal.contents).is_some());
    terminal.ok("00A4080C047FFF6F07");
    terminal.ok("00A4080C022FE2");
    terminal.ok("00A4080C047F106F3A");
    terminal.ok("00A4000C027FFF");
    terminal.ok("00A4090C026F07");
    terminal.ok("00A4020C026FAD");
    assert_eq!(terminal.status("00A4010C026FAD"), "6A82", "an EF is no DF");
    terminal.ok("00A4030C");
    assert_eq!(terminal.status("00A4020C026FAD"), "6A82", "the MF is selected");
    terminal.ok("00A4000C");
    terminal.ok("00A4000C027FFF");
    assert_eq!(terminal.ok("00B0870009").len(), 18, "EF_IMSI by SFI 07");
    assert_eq!(terminal.status("00B09D0010"), "6C0F", "EF_EHPLMN by SFI 1D");
    assert_eq!(terminal.status("00B09F0009"), "6A82");
    for apdu in ["00A4000C0100", "00A4080C0100", "00A4080C03000000"] {
        assert_eq!(terminal.status(apdu), "6700", "{apdu}");
    }
    assert_eq!(terminal.status("00A4050C022FE2"), "6A86");
}

#[test]
fn applications_are_found_one_after_the_other() {
    let mut terminal = Terminal::new(built());
    let first = terminal.ok("00A4040005A000000087");
    let next = terminal.ok("00A4040205A000000087");
    assert!(first.contains("A0000000871002") && next.contains("A0000000871004"));
    assert_eq!(terminal.status("00A4040205A000000087"), "6A82");
    terminal.ok("00A4040305A000000087");
    assert_eq!(terminal.status("00A4040305A000000087"), "6A82");
    assert_eq!(terminal.status("00A4040006A00000008799"), "6A82");
    assert_eq!(terminal.status("00A40400"), "6A82");
    terminal.ok("00A4044C05A000000087");
    assert!(terminal.session.application_aid(&terminal.contents).is_none(), "the application was ended");
}

#[test]
fn status_describes_what_is_selected() {
    let mut terminal = Terminal::new(built());
    assert!(terminal.ok("80F2000000").contains("83023F00"));
    assert_eq!(terminal.status("80F2000C"), "9000");
    assert_eq!(terminal.status("80F2000100"), "6A88");
    let mut terminal = terminal.usim();
    assert_eq!(terminal.ok("80F2000100"), "8410A0000000871002FFFFFFFF8903020000");
    let length = terminal.ok("80F2000000").len() / 2;
    assert_eq!(terminal.status("80F2000002"), format!("6C{length:02X}"));
    assert_eq!(terminal.status("80F2030000"), "6A86");
    assert_eq!(terminal.status("00F2000000"), "6E00");
}

#[test]
fn reading_respects_the_bounds() {
    let mut terminal = Terminal::new(built());
    assert_eq!(terminal.status("00B0000000"), "6986");
    terminal.ok("00A4000C022FE2");
    assert_eq!(terminal.ok("00B0000400").len(), 12);
    assert_eq!(terminal.status("00B000000B"), "6C0A");
    assert_eq!(terminal.status("00B0000A01"), "6B00");
    assert_eq!(terminal.status("00B07FFF01"), "6B00");
    assert_eq!(terminal.status("00B2010400"), "6981");
    terminal.ok("00A4000C022F00");
    assert_eq!(terminal.status("00B0000000"), "6981");
    assert_eq!(terminal.status("00B2030420"), "6A83");
    assert_eq!(terminal.status("00B2010120"), "6A86");
}

#[test]
fn records_have_a_pointer() {
    let mut terminal = Terminal::new(built());
    terminal.ok("00A4000C022F00");
    assert_eq!(terminal.status("00B2000420"), "6A83", "no record is current");
    let first = terminal.ok("00B2000220");
    assert_eq!(terminal.ok("00B2000420"), first);
    let second = terminal.ok("00B2000220");
    assert_ne!(first, second);
    assert_eq!(terminal.status("00B2000220"), "6A83");
    assert_eq!(terminal.ok("00B2000320"), first);
    assert_eq!(terminal.ok("00B2 01F4 20"), first, "EF_DIR by SFI 1E");
}

#[test]
fn updates_need_their_condition() {
    let mut terminal = Terminal::new(built()).usim();
    terminal.ok("00A4000C026F07");
    // EF_IMSI is updated by ADM1 only; PIN 1 is disabled and opens nothing more.
    assert_eq!(terminal.status("00D60000020899"), "6982");
    assert!(!terminal.changed);
    terminal.ok(ADM1);
    terminal.ok("00D60000020899");
    assert!(terminal.changed);
    assert_eq!(terminal.status("00D6000809 000000000000000000"), "6700");
    assert_eq!(terminal.status("00D6000901 00"), "6B00");
    assert_eq!(terminal.status("00D60000"), "6700");
    // EF_LOCI is updated by the disabled PIN 1.
    terminal.ok("00A4000C026F7E");
    terminal.ok("00D6000001AA");
    assert_eq!(terminal.ok("00B000000B"), "AAFFFFFFFFFFFF0000FF01");
    // EF_ICCID is never updated, not even by ADM1.
    terminal.ok("00A4080C022FE2");
    assert_eq!(terminal.status("00D60000020899"), "6982");
    terminal.contents.reset_security_status();
    terminal.ok("00A4080C047FFF6F07");
    assert_eq!(terminal.status("00D60000020899"), "6982", "a reset ends the verification");
}

#[test]
fn records_are_updated_whole() {
    let mut terminal = Terminal::new(built()).usim();
    terminal.ok("00A4000C026F3C");
    let record = "01".repeat(176);
    assert_eq!(terminal.status("00DC0104020000"), "6700");
    terminal.ok(&format!("00DC0204B0{record}"));
    assert_eq!(terminal.ok("00B20204B0"), record);
    assert_eq!(terminal.status(&format!("00DC0B04B0{record}")), "6A83");
}

#[test]
fn a_pin_counts_blocks_and_is_unblocked() {
    let mut terminal = Terminal::new(built());
    assert_eq!(terminal.status("00200001"), "63C3");
    // The profile comes with PIN 1 disabled.
    assert_eq!(terminal.status(&format!("0020000108{PIN1}")), "6984");
    assert_eq!(terminal.status(&format!("0026000108{PIN1}")), "6984");
    assert_eq!(terminal.status(&format!("0028000108{WRONG}")), "63C2");
    assert!(terminal.changed, "the counter must be stored before the answer");
    terminal.ok(&format!("0028000108{PIN1}"));
    assert_eq!(terminal.status("00200001"), "63C3");
    let mut terminal = terminal.usim();
    terminal.contents.reset_security_status();
    terminal.ok("00A4000C026F07");
    assert_eq!(terminal.status("00B0000009"), "6982", "an enabled PIN protects EF_IMSI");
    assert_eq!(terminal.authenticate(&[0; 16], &[0; 16]).sw.0, 0x6982);
    terminal.ok(&format!("0020000108{PIN1}"));
    terminal.ok("00B0000009");
    terminal.ok(&format!("0024000110{PIN1}35363738FFFFFFFF"));
    for left in ["63C2", "63C1", "63C0"] {
        assert_eq!(terminal.status(&format!("0020000108{PIN1}")), left);
    }
    assert_eq!(terminal.status(&format!("0020000108{PIN1}")), "6983");
    assert_eq!(terminal.status("0020000108 35363738FFFFFFFF"), "6983", "the right PIN does not help now");
    assert_eq!(terminal.status("00B0000009"), "6982", "a blocked PIN opens nothing");
    assert_eq!(terminal.status("002C0001"), "63CA");
    assert_eq!(terminal.status(&format!("002C000110{WRONG}{PIN1}")), "63C9");
    terminal.ok(&format!("002C0001103132333435363738{PIN1}"));
    terminal.ok(&format!("0020000108{PIN1}"));
    terminal.ok("00B0000009");
    assert_eq!(terminal.status("002C0001"), "63CA");
    terminal.ok(&format!("0026000108{PIN1}"));
    terminal.contents.reset_security_status();
    terminal.ok("00B0000009");
}

/// The built profile with another PIN 1.
fn with_pin(change: impl FnOnce(&mut PinConfiguration)) -> Terminal {
    let mut elements = elements();
    let pins = elements.iter_mut().find_map(|element| match element {
        Element::PinCodes(pins) => Some(&mut pins.codes),
        _ => None,
    });
    let Some(PinCodesChoice::PinConfig(pins)) = pins else { panic!("PINs of the MF") };
    change(&mut pins[0]);
    Terminal::new(install_elements(elements).expect("it installs").0)
}

#[test]
fn a_pin_is_changed_and_disabled_where_the_profile_allows_it() {
    for (attributes, change, disable) in [(0x01, "6985", "6985"), (0x03, "9000", "6985"), (0x05, "6985", "9000")] {
        let mut terminal = with_pin(|pin| pin.attributes = Some(attributes));
        assert_eq!(terminal.status(&format!("0024000110{PIN1}{PIN1}")), change, "{attributes:02X}");
        assert_eq!(terminal.status(&format!("0026000108{PIN1}")), disable, "{attributes:02X}");
    }
}

#[test]
fn a_disabled_pin_that_is_blocked_opens_nothing_until_it_is_unblocked_and_enabled() {
    let mut terminal = with_pin(|pin| pin.attributes = Some(0x06)).usim();
    terminal.ok("00A4000C026F07");
    terminal.ok("00B0000009");
    for left in ["63C2", "63C1", "63C0", "6983"] {
        assert_eq!(terminal.status(&format!("0028000108{WRONG}")), left);
    }
    assert_eq!(terminal.status("00B0000009"), "6982");
    terminal.ok(&format!("002C0001103132333435363738{PIN1}"));
    terminal.ok("00B0000009");
    terminal.contents.reset_security_status();
    assert_eq!(terminal.status("00B0000009"), "6982", "it is enabled now");
    terminal.ok(&format!("0020000108{PIN1}"));
}

#[test]
fn pin_commands_refuse_what_makes_no_sense() {
    let mut terminal = Terminal::new(built());
    assert_eq!(terminal.status("00200003"), "6A88");
    assert_eq!(terminal.status("00200081"), "6A88", "PIN 2 belongs to the application");
    assert_eq!(terminal.status("00200101"), "6A86");
    assert_eq!(terminal.status("0020000A04 31313232"), "6700");
    assert_eq!(terminal.status("002C000A"), "6A88", "no PUK unblocks ADM1");
    assert_eq!(terminal.status("0026000A083131323233333434"), "6985", "ADM1 cannot be disabled");
    terminal.ok(&format!("0028000108{PIN1}"));
    for bad in ["313233FFFFFFFFFF", "31323334FF35FFFF", "3132333400000000", "FFFFFFFFFFFFFFFF"] {
        assert_eq!(terminal.status(&format!("0024000110{PIN1}{bad}")), "6A80", "{bad}");
    }
    let mut terminal = terminal.usim();
    assert_eq!(terminal.status("00200081"), "63C3");
    terminal.ok("0020008108 35363738FFFFFFFF");
    assert_eq!(terminal.status("00210001"), "6D00");
    assert_eq!(terminal.status("80200001"), "6E00");
}

#[test]
fn a_cyclic_file_keeps_the_newest_first() {
    let Some(contents) = generic() else { return };
    let mut terminal = Terminal::new(contents).usim();
    terminal.ok("00A4000C026F39");
    for value in ["000001", "000002"] {
        // EF_ACM of the generic profile: INCREASE by PIN 1, which is disabled; UPDATE needs PIN 2 as well.
        let sum = terminal.ok(&format!("8032000003{value}00"));
        assert!(sum.ends_with(value));
    }
    assert_eq!(terminal.ok("00B2010403"), "000003");
    assert_eq!(terminal.ok("00B2020403"), "000001");
    assert_eq!(terminal.ok("00B2000203"), "000003");
    assert_eq!(terminal.status("8032000003FFFFFF00"), "9850");
    assert_eq!(terminal.status("80320000040000000000"), "6700");
    for p1_p2 in ["0001", "0100", "8000", "9F00", "A100"] {
        assert_eq!(terminal.status(&format!("8032{p1_p2}0300000100")), "6A86", "{p1_p2}");
    }
}

#[test]
fn challenges_are_answered() {
    let mut terminal = Terminal::new(built());
    assert_eq!(terminal.ok("0084000008").len(), 16);
    assert_eq!(terminal.status("0084000004"), "6C08");
    assert_eq!(terminal.status("04A4000C022FE2"), "6882");
}

#[test]
fn no_file_holds_a_key() {
    let mut terminal = Terminal::new(built()).usim();
    terminal.ok(ADM1);
    let mut seen = Vec::new();
    let files: Vec<Vec<u16>> = terminal
        .contents
        .files()
        .iter()
        .map(|(id, _)| {
            let fs = terminal.contents.files();
            let mut path: Vec<u16> =
                fs.ancestors(id).filter(|id| !fs.is_adf(*id)).map(|id| fs.node(id).file_id).collect();
            path.reverse();
            path
        })
        .collect();
    for path in files {
        for prefix in ["", "7FFF"] {
            let path: String = path.iter().skip(1).map(|id| format!("{id:04X}")).collect();
            let path = format!("{prefix}{path}");
            if path.is_empty() || terminal.send(&format!("00A4080C{:02X}{path}", path.len() / 2)).sw.0 != 0x9000 {
                continue;
            }
            seen.extend(terminal.send("00B0000000").data);
            for record in 1..=254 {
                seen.extend(terminal.send(&format!("00B2{record:02X}0400")).data);
            }
        }
    }
    assert!(seen.len() > 4_000, "{} bytes were read", seen.len());
    for secret in [&KEY[..], &OPC, b"11223344", b"12345678", b"87654321"] {
        assert!(!seen.windows(secret.len()).any(|window| window == secret));
    }
    assert!(seen.windows(9).any(|window| window == rsp_saip::digits::imsi_content(IMSI).expect("digits")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn commands_from_nowhere_never_panic(
        headers in proptest::collection::vec(
            (prop::sample::select(vec![0x00u8, 0x80, 0x01, 0x0C, 0x10]), any::<u8>(), any::<u8>(), any::<u8>()), 1..20),
        data in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut terminal = Terminal::new(built()).usim();
        let known = [0xA4, 0xF2, 0xB0, 0xD6, 0xB2, 0xDC, 0x32, 0x04, 0x44, 0x20, 0x24, 0x26, 0x28, 0x2C, 0x88, 0x84];
        for (index, (class, ins, p1, p2)) in headers.into_iter().enumerate() {
            let ins = if index % 4 == 0 { ins } else { known[usize::from(ins) % known.len()] };
            let mut apdu = vec![class, ins, p1, p2];
            if !data.is_empty() {
                apdu.push(data.len() as u8);
                apdu.extend(&data);
            }
            if Command::parse(&apdu).is_ok() {
                let response = terminal.send(&hex::encode(&apdu));
                prop_assert!(response.data.len() <= 512);
            }
        }
    }
}

#[test]
fn a_command_that_fails_selects_nothing_by_its_short_identifier() {
    let mut terminal = Terminal::new(built());
    terminal.ok("00A4040405A000000087");
    terminal.ok("00A4000C026FAD");
    let administrative_data = terminal.ok("00B0000004");
    assert_eq!(terminal.status("00D6870001AA"), "6982", "EF_IMSI");
    assert_eq!(terminal.ok("00B0000004"), administrative_data);
    assert_eq!(terminal.ok("00B0870009"), "089999071032547658");
    assert_eq!(terminal.ok("00B0000009"), "089999071032547658", "one that does not fail selects it");
}

#[test]
fn an_administrative_code_is_any_eight_bytes_and_a_pin_is_digits() {
    let mut terminal = Terminal::new(built());
    terminal.ok(ADM1);
    terminal.ok("0024000A1031313232333334340102030405060708");
    assert_eq!(terminal.status("0020000A080102030405060708"), "9000");
    terminal.ok(&format!("0028000108{PIN1}"));
    assert_eq!(terminal.status(&format!("0024000110{PIN1}0102030405060708")), "6A80");
}

/// 3GPP TS 31.102 7.1.1.1: the current directory is the ADF of the USIM, or lies below it.
#[test]
fn keys_are_used_in_the_application_only() {
    let mut terminal = Terminal::new(built());
    let authenticate = format!("0088008122 10{} 10{} 00", "00".repeat(16), "00".repeat(16)).replace(' ', "");
    assert_eq!(terminal.status(&authenticate), "6985", "nothing is selected");
    terminal.ok("00A4040405A000000087");
    assert_eq!(terminal.status(&authenticate), "9862");
    terminal.ok("00A40004023F00");
    for command in [&authenticate[..], "8078000100", "0088008011"] {
        assert_eq!(terminal.status(command), "6985", "{command}: the application is active, but the MF is selected");
    }
    terminal.ok("00A4000C027FFF");
    assert_eq!(terminal.status(&authenticate), "9862");
}
