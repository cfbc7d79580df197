//! ES10b.GetRAT (SGP.22 5.7.22; SGP.23 4.2.27).

use crate::server::World;
use crate::terminal::Terminal;
use rsp_asn1::{GetRatResponse, PprIds, decode};

#[test]
fn the_rat_lets_every_operator_set_rules_with_consent() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let rat: GetRatResponse = decode(&terminal.es10(&[0xBF, 0x43, 0x00]).unwrap()).unwrap();
    assert_eq!(rat.rat.len(), 1);
    assert!(rat.rat[0].ppr_ids.contains(PprIds::PPR1) && rat.rat[0].ppr_ids.contains(PprIds::PPR2));
    assert!(rat.rat[0].ppr_flags.contains(0));
    assert_eq!(rat.rat[0].allowed_operators[0].mcc_mnc.as_ref(), [0xEE; 3]);
}
