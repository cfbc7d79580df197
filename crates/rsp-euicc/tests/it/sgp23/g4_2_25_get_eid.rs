//! ES10c.GetEID (SGP.22 5.7.20; SGP.23 4.2.25).

use crate::server::World;
use crate::terminal::Terminal;

#[test]
fn gives_the_eid_and_nothing_else() {
    let mut terminal = Terminal::new(World::p256().euicc(7));
    let eid = World::eid(7).to_string();
    assert_eq!(terminal.hex("BF3E035C015A").unwrap(), format!("BF3E125A10{eid}"));
    assert_eq!(terminal.hex("BF3E035C0142").unwrap_err().0, 0x6A88);
    assert_eq!(terminal.hex("BF3E00").unwrap_err().0, 0x6A80);
}

#[test]
fn other_objects_do_not_exist() {
    let mut terminal = Terminal::new(World::p256().euicc(7));
    for request in ["BF3E035C0142", "BF3E035C015B", "BF3E045C025A5A", "BF3E025C00"] {
        assert_eq!(terminal.hex(request).unwrap_err().0, 0x6A88, "{request}");
    }
    for request in ["BF3E00", "BF3E015C", "BF3E035A015A"] {
        assert_eq!(terminal.hex(request).unwrap_err().0, 0x6A80, "{request}");
    }
}
