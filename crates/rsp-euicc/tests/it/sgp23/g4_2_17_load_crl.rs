//! ES10b.LoadCRL (SGP.22 5.7.12; SGP.23 4.2.17).

use crate::server::World;
use crate::terminal::Terminal;
use rsp_asn1::{EuiccInfo2, RspCapability, decode};

/// EUICCInfo2 does not offer it, and there is no such function.
#[test]
fn crls_cannot_be_loaded() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let info: EuiccInfo2 = decode(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    assert!(!info.rsp_capability.contains(RspCapability::CRL_SUPPORT));
    assert_eq!(terminal.hex("BF35023000").unwrap_err().0, 0x6A88);
}
