//! ES10a.SetDefaultDpAddress (SGP.22 5.7.4; SGP.23 4.2.9).

use rsp_asn1::tlv;

use crate::server::World;
use crate::terminal::Terminal;

#[test]
fn the_default_smdp_address_can_be_set_and_removed() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let addresses = |terminal: &mut Terminal| terminal.hex("BF3C00").unwrap();
    let none = addresses(&mut terminal);
    assert!(none.starts_with("BF3C1181"), "only the root SM-DS: {none}");
    assert_eq!(terminal.hex("BF3F088006612E622E6364").unwrap(), "BF3F03800100");
    assert!(addresses(&mut terminal).contains("8006612E622E6364"));
    terminal.power_cycle();
    assert!(addresses(&mut terminal).contains("8006612E622E6364"), "kept without power");
    assert_eq!(terminal.hex("BF3F048002200A").unwrap(), "BF3F0380017F", "not a host name");
    for address in ["a/b", "a$b", "a b", "a\nb", "a\u{1B}[2J", "u@a", "a?b", "a\\b"] {
        let tlv = format!("{:02X}{}", address.len(), hex::encode_upper(address));
        let command = format!("BF3F{:02X}80{tlv}", address.len() + 2);
        assert_eq!(terminal.hex(&command).unwrap(), "BF3F0380017F", "{address:?}");
    }
    for address in ["[::1]:8443", "a.b:8443"] {
        let tlv = format!("{:02X}{}", address.len(), hex::encode_upper(address));
        assert_eq!(terminal.hex(&format!("BF3F{:02X}80{tlv}", address.len() + 2)).unwrap(), "BF3F03800100");
    }
    assert_eq!(terminal.hex("BF3F028000").unwrap(), "BF3F03800100");
    assert_eq!(addresses(&mut terminal), none);
}

/// SetDefaultDpAddress with an address of so many characters: the result.
fn set(terminal: &mut Terminal, length: usize) -> String {
    let mut content = Vec::new();
    tlv::write(&mut content, &[0x80], &vec![b'a'; length]);
    let mut request = Vec::new();
    tlv::write(&mut request, &[0xBF, 0x3F], &content);
    hex::encode_upper(terminal.es10(&request).unwrap())
}

#[test]
fn an_address_is_as_long_as_a_domain_name_at_most() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    for length in [1, 127, 128, 255] {
        assert_eq!(set(&mut terminal, length), "BF3F03800100", "{length}");
        assert!(terminal.hex("BF3C00").unwrap().matches("61").count() >= length);
    }
    let before = terminal.hex("BF3C00").unwrap();
    for length in [256, 1000, 20_000] {
        assert_eq!(set(&mut terminal, length), "BF3F0380017F", "{length}");
        assert_eq!(terminal.hex("BF3C00").unwrap(), before, "nothing was changed");
    }
    assert_eq!(terminal.hex("BF3F00").unwrap_err().0, 0x6A80, "no address");
    assert_eq!(terminal.hex("BF3F048002C328").unwrap_err().0, 0x6A80, "not UTF-8");
}
