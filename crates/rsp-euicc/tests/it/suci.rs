//! GET IDENTITY: the test data of 3GPP TS 33.501 C.4, the file of TS 31.121 4.9.4, and a home network that reads what the
//! card conceals with code of its own.

use rsp_apdu::Command;
use rsp_asn1::OctetString;
use rsp_crypto::{Curve, PublicKey, Randomness, SecretKey};
use rsp_euicc::usim::ecies;
use rsp_network::{Profile, Sidf, SidfError, Supi};
use rsp_saip::file::{Fcp, File, FileItem};
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::PeHeader;
use rsp_saip::{Element, ProfilePackage};
use serde_json::Value;

use crate::profile::{Terminal, built, elements, generic, install_elements};

const ADM1: &str = "0020000A083535353535353535";
const GET_IDENTITY: &str = "8078000100";
/// Home network public keys of TS 33.501 C.4 under the identifiers 27 (profile B, uncompressed) and 30 (profile A).
const KEYS: &str = "A16B80011B81410472DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD15A7DED52FCBB097A\
                    4ED250E036C7B9C8C7004C4EEDC4F068CD7BF8D3F900E3B480011E81205A8D38864820197C3394B92613B20B91633CBD\
                    897119273BF8E4A6F4EEC0A650";

fn sets() -> Vec<Value> {
    let file: Value = serde_json::from_str(rsp_testkit::SUCI_TS33501_C4).expect("JSON");
    file["sets"].as_array().expect("sets").clone()
}

fn bytes(set: &Value, name: &str) -> Vec<u8> {
    hex::decode(set[name].as_str().expect("hexadecimal")).expect("hexadecimal")
}

fn array(set: &Value, name: &str) -> [u8; 32] {
    bytes(set, name).try_into().expect("32 bytes")
}

#[test]
fn conceals_as_ts_33_501_says() {
    let sets = sets();
    for set in &sets {
        let (ephemeral, plaintext) = (array(set, "eph_private"), bytes(set, "plaintext"));
        let concealed = if set["scheme"] == 1 {
            ecies::profile_a(&array(set, "hn_public"), &ephemeral, &plaintext)
        } else {
            let key = PublicKey::from_compressed(Curve::P256, &bytes(set, "hn_public")).expect("a point");
            let ephemeral = SecretKey::from_bytes(Curve::P256, &ephemeral).expect("a scalar");
            ecies::profile_b(&key, &ephemeral, &plaintext)
        };
        let concealed = concealed.expect("keys of one curve");
        assert_eq!(concealed.ephemeral_key, bytes(set, "eph_public"), "{set}");
        assert_eq!(concealed.ciphertext, bytes(set, "ciphertext"), "{set}");
        assert_eq!(concealed.mac[..], bytes(set, "mac"), "{set}");
    }
    assert_eq!(sets.len(), 4);
}

#[test]
fn a_home_network_key_of_small_order_conceals_nothing() {
    assert!(ecies::profile_a(&[0; 32], &[7; 32], b"1").is_err());
}

/// The generic test profile as the subscriber of TS 33.501 C.4: IMSI 274012001002086, routing indicator 678, and with
/// `schemes` in EF_SUCI_Calc_Info_USIM. `None` without the published data.
fn subscriber(schemes: &str) -> Option<Terminal> {
    let mut card = Terminal::new(generic()?).usim();
    card.ok(ADM1);
    write(&mut card, "6F07", "082947100210000268");
    write(&mut card, "6FAD", "80000003");
    write(&mut card, "5FC04F0A", "76F80000");
    write(&mut card, "5FD04F01", &format!("{schemes}{KEYS}"));
    card.contents.reset_security_status();
    card.ok("00A4000C027FFF");
    Some(card)
}

/// Writes a file of the application, by its path.
fn write(card: &mut Terminal, path: &str, content: &str) {
    let path = format!("7FFF{path}");
    card.ok(&format!("00A4080C{:02X}{path}", path.len() / 2));
    card.ok(&format!("00D60000{:02X}{content}", content.len() / 2));
}

/// Gives these bytes, and nothing else.
struct Fixed(Vec<u8>);

impl Randomness for Fixed {
    fn fill(&mut self, buffer: &mut [u8]) {
        assert_eq!(buffer.len(), self.0.len(), "asked once, for the ephemeral key");
        buffer.copy_from_slice(&self.0);
    }
}

fn identity(card: &mut Terminal, ephemeral: Vec<u8>) -> String {
    let command = Command::parse(&hex::decode(GET_IDENTITY).expect("hexadecimal")).expect("a command");
    let answer = card.session.process(&mut card.contents, &command, &mut Fixed(ephemeral));
    assert_eq!(answer.response.sw.0, 0x9000);
    hex::encode_upper(answer.response.data)
}

#[test]
fn the_card_answers_the_whole_suci_of_ts_33_501() {
    // Profile B first, with the first key, as TS 31.121 4.9.4 has it; then profile A with the second.
    for (schemes, scheme, key_id, set) in [("A006020101020000", 2, 27, 2), ("A006010202010000", 1, 30, 0)] {
        let Some(mut card) = subscriber(schemes) else { return };
        let set = &sets()[set];
        let value = [
            vec![0x01, 0x72, 0x24, 0x10, 0x76, 0xF8, scheme, key_id],
            bytes(set, "eph_public"),
            bytes(set, "ciphertext"),
            bytes(set, "mac"),
        ]
        .concat();
        let expected = format!("A1{:02X}{}", value.len(), hex::encode_upper(value));
        assert_eq!(identity(&mut card, bytes(set, "eph_private")), expected);
    }
}

/// The same subscriber by a network specific identifier: EF_SUPI_NAI is added to DF_5GS, and service n°130 switched on.
fn subscriber_by_nai(schemes: &str) -> Option<Terminal> {
    let package = rsp_testkit::standards("ts48/TS48_v7_SAIP2.3_BERTLV_SUCI.der")?;
    let package = ProfilePackage::from_der(&package).expect("a package");
    let mut elements: Vec<Element> = package.elements().iter().map(|element| element.element().clone()).collect();
    let file = Fcp {
        file_descriptor: Some(OctetString::from_static(&[0x41, 0x21])),
        file_id: Some(OctetString::from_static(&[0x4F, 0x09])),
        security_attributes_referenced: Some(OctetString::from_static(&[0x6F, 0x06, 0x04])),
        ef_file_size: Some(OctetString::from_static(&[0x20])),
        ..Fcp::default()
    };
    let commands = vec![
        FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xD0, 0x5F, 0xC0])),
        FileCommand::CreateFcp(file),
        FileCommand::FillFileContent(OctetString::from_static(b"\x80\x1Averylongusername1@3gpp.com")),
    ];
    let header = PeHeader { mandated: None, identification: 0x1000, unknown: Default::default() };
    let gfm = GenericFileManagement { header, commands: vec![commands], unknown: Default::default() };
    elements.insert(elements.len() - 1, Element::GenericFileManagement(gfm));
    let mut card = Terminal::new(install_elements(elements).expect("it installs").0).usim();
    card.ok(ADM1);
    write(&mut card, "5FC04F0A", "76F80000");
    write(&mut card, "5FD04F01", &format!("{schemes}{KEYS}"));
    card.ok("00A4080C047FFF6F38");
    card.ok("00D60010013B");
    Some(card)
}

#[test]
fn a_network_specific_identifier_is_concealed_too() {
    for (schemes, set) in [("A006020101020000", 3), ("A006010202010000", 1)] {
        let Some(mut card) = subscriber_by_nai(schemes) else { return };
        let set = &sets()[set];
        let [key, cipher, mac] =
            ["eph_public", "ciphertext", "mac"].map(|name| set[name].as_str().expect("text").to_uppercase());
        let (scheme, key_id) = if set["scheme"] == 1 { (1, 30) } else { (2, 27) };
        let nai = format!("type1.rid678.schid{scheme}.hnkey{key_id}.ecckey{key}.cip{cipher}.mac{mac}@3gpp.com");
        let expected = format!("A181{:02X}11{}", nai.len() + 1, hex::encode_upper(&nai));
        assert_eq!(identity(&mut card, bytes(set, "eph_private")), expected);
        let answer = hex::decode(card.ok(GET_IDENTITY)).expect("hexadecimal");
        assert_eq!(home_network().deconceal(&answer[3..]), Ok(Supi::Nai("verylongusername1@3gpp.com".into())));
    }
    let Some(mut card) = subscriber_by_nai("A0020000") else { return };
    let plain = hex::encode_upper("type1.rid678.schid0.useridverylongusername1@3gpp.com");
    assert_eq!(card.ok(GET_IDENTITY), format!("A13511{plain}"));
    // Without service n°130 it is the IMSI that identifies.
    card.ok("00D600100139");
    assert!(card.ok(GET_IDENTITY).starts_with("A10D01"));
}

/// Reads with both keys of TS 33.501 C.4.
fn home_network() -> Sidf {
    let sets = sets();
    let network = Sidf::new().with_key(30, Profile::A, &array(&sets[0], "hn_private"));
    network.and_then(|network| network.with_key(27, Profile::B, &array(&sets[2], "hn_private"))).expect("keys")
}

#[test]
fn the_home_network_reads_what_the_card_conceals() {
    for schemes in ["A006010202010000", "A006020101020000", "A00400000000"] {
        let Some(mut card) = subscriber(schemes) else { return };
        let answer = hex::decode(card.ok(GET_IDENTITY)).expect("hexadecimal");
        assert!(!card.changed, "nothing to store");
        let suci = &answer[2..];
        assert_eq!(home_network().deconceal(suci), Ok(Supi::Imsi("274012001002086".into())), "{schemes}");
        if schemes.contains("A004") {
            assert_eq!(hex::encode_upper(&answer), "A10D0172241076F8000000012080F6");
            continue;
        }
        for at in [8, 20, 40, 45, suci.len() - 1] {
            let mut changed = suci.to_vec();
            changed[at] ^= 0x20;
            let refused = home_network().deconceal(&changed);
            assert!(matches!(refused, Err(SidfError::WrongMac | SidfError::EphemeralKey)), "{at}");
        }
    }
}

#[test]
fn the_first_scheme_that_can_be_carried_out_is_taken() {
    // An unknown scheme, then one without a key; a scheme whose key has the wrong length; then profile A.
    for schemes in ["A0060C0102090102", "A00401010102"] {
        let Some(mut card) = subscriber(schemes) else { return };
        assert!(card.ok(GET_IDENTITY).starts_with("A1350172241076F8011E"), "{schemes}");
    }
    // With keys there, but none that fits, the identity is not given away.
    for schemes in ["A0020101", "A0020C01", "A000"] {
        let Some(mut card) = subscriber(schemes) else { return };
        assert_eq!(card.status(GET_IDENTITY), "6A88", "{schemes}");
    }
    // Without any key the operator has not set up concealment: only the null scheme is left.
    let Some(mut card) = generic().map(|contents| Terminal::new(contents).usim()) else { return };
    assert_eq!(card.ok(GET_IDENTITY), "A10D0100F110F0FF00001032547698");
}

#[test]
fn a_routing_indicator_that_is_not_set_up_is_0_and_an_mnc_has_two_or_three_digits() {
    let Some(mut card) = subscriber("A00400000000") else { return };
    card.ok(ADM1);
    for (routing, expected) in [("FFFFFFFF", "F0FF"), ("F1FFFFFF", "F1FF"), ("76F80000", "76F8")] {
        write(&mut card, "5FC04F0A", routing);
        assert_eq!(&card.ok(GET_IDENTITY)[12..16], expected, "{routing}");
    }
    for length in ["00", "01", "04", "0F"] {
        write(&mut card, "6FAD", &format!("800000{length}"));
        assert_eq!(card.status(GET_IDENTITY), "6A88", "{length}");
    }
    write(&mut card, "6FAD", "80000002");
    assert_eq!(card.ok(GET_IDENTITY), "A10D0172F41076F800000210000268", "MNC 01");
}

#[test]
fn get_identity_refuses_what_it_cannot_or_may_not_do() {
    let Some(mut card) = subscriber("A006020101020000") else { return };
    assert_eq!(card.status("8078000110"), "6C38", "the exact length");
    assert_eq!(card.ok("8078000138").len(), 2 * 0x38);
    for p1_p2 in ["0002", "0000", "0081", "0101"] {
        assert_eq!(card.status(&format!("8078{p1_p2}00")), "6A86", "{p1_p2}");
    }
    assert_eq!(card.status("8078000101FF"), "6700");
    assert_eq!(card.status("0078000100"), "6E00");
    // PIN 1, once it is enabled.
    card.ok("0028000108 30303030FFFFFFFF");
    card.contents.reset_security_status();
    assert_eq!(card.status(GET_IDENTITY), "6982");
    card.ok("0020000108 30303030FFFFFFFF");
    card.ok(GET_IDENTITY);
    // Service n°125, then n°124.
    card.ok(ADM1);
    for services in ["2E", "36"] {
        card.ok("00A4080C047FFF6F38");
        card.ok(&format!("00D6000F01{services}"));
        assert_eq!(card.status(GET_IDENTITY), "6985");
    }
    let mut other = Terminal::new(built());
    assert_eq!(other.status(GET_IDENTITY), "6985", "no application is active");
    assert_eq!(other.usim().status(GET_IDENTITY), "6985", "a profile without 5G");
    // Without the file of schemes and keys.
    let Some(mut isim) = generic().map(Terminal::new) else { return };
    isim.ok("00A4040C07A0000000871004");
    assert_eq!(isim.status(GET_IDENTITY), "6985", "an ISIM has no such service");
}

#[test]
fn no_terminal_reads_the_keys_of_the_home_network_on_the_card() {
    let Some(mut card) = subscriber("A006020101020000") else { return };
    card.ok("00A4080C067FFF5FD04F01");
    assert_eq!(card.status("00B0000000"), "6982");
}

/// The contexts that the card has stay in EF_UST; that of offload to WLANs, service n°142, does not.
#[test]
fn ef_ust_tells_which_identities_the_card_gives() {
    let mut elements = elements();
    for element in &mut elements {
        if let Element::Template(template) = element
            && let Some(table) = template.file_mut("ef-ust")
        {
            let fcp = Fcp { ef_file_size: Some(OctetString::from_static(&[18])), ..Fcp::default() };
            let content = OctetString::from_static(&[0xFF; 18]);
            *table = File(vec![FileItem::FileDescriptor(fcp), FileItem::FillFileContent(content)]);
        }
    }
    let mut card = Terminal::new(install_elements(elements).expect("it installs").0).usim();
    card.ok("00A4000C026F38");
    // Services n°68 and n°69 are off, n°121 to n°128 on, n°142 off.
    assert_eq!(card.ok("00B0000000"), "FFFFFFFFFFFFFFFFE7FFFFFFFFFFFFFFFFDF");
    assert_eq!(card.status(GET_IDENTITY), "6A88", "the service without its file");
}
