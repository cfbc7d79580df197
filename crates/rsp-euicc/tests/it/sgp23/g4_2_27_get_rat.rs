//! ES10b.GetRAT (SGP.22 5.7.22; SGP.23 4.2.27).

use rsp_asn1::{GetRatResponse, OperatorId, PprFlags, PprIds, ProfilePolicyAuthorisationRule, Unknown, decode, encode};
use rsp_crypto::rust_crypto;
use rsp_euicc::Manufacture;

use crate::server::World;
use crate::terminal::Terminal;

/// A table of one entry.
pub(crate) fn table(rules: &[usize], mcc_mnc: [u8; 3], gid1: Option<&[u8]>, consent: bool) -> GetRatResponse {
    let operator = OperatorId {
        mcc_mnc: mcc_mnc.to_vec().into(),
        gid1: gid1.map(|gid| gid.to_vec().into()),
        gid2: None,
        unknown: Unknown::default(),
    };
    let rule = ProfilePolicyAuthorisationRule {
        ppr_ids: PprIds::from_bits(rules),
        allowed_operators: vec![operator],
        ppr_flags: PprFlags::from_bits(if consent { &[PprFlags::CONSENT_REQUIRED] } else { &[] }),
        unknown: Unknown::default(),
    };
    GetRatResponse { rat: vec![rule], unknown: Unknown::default() }
}

/// A card that was made with a table.
pub(crate) fn with_table(world: &mut World, table: GetRatResponse) -> Terminal {
    let credential = world.credential(World::eid(1));
    Terminal::new(Manufacture::new(vec![credential]).rat(table).build(rust_crypto()).unwrap())
}

#[test]
fn the_rat_lets_every_operator_set_rules_with_consent() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let rat: GetRatResponse = decode(&terminal.es10(&[0xBF, 0x43, 0x00]).unwrap()).unwrap();
    assert_eq!(rat.rat.len(), 1);
    assert!(rat.rat[0].ppr_ids.contains(PprIds::PPR1) && rat.rat[0].ppr_ids.contains(PprIds::PPR2));
    assert!(rat.rat[0].ppr_flags.contains(0));
    assert_eq!(rat.rat[0].allowed_operators[0].mcc_mnc.as_ref(), [0xEE; 3]);
}

#[test]
fn answers_the_table_that_it_was_made_with() {
    for made in [GetRatResponse::default(), table(&[PprIds::PPR2], [0x00, 0xF1, 0xEE], Some(&[1, 2]), false)] {
        let mut terminal = with_table(&mut World::p256(), made.clone());
        let expected = encode(&made).unwrap();
        assert_eq!(terminal.es10(&[0xBF, 0x43, 0x00]).unwrap(), expected);
        terminal.hex("BF3F088006612E622E6364").unwrap();
        terminal.hex("BF3404820205E0").unwrap();
        terminal.power_cycle();
        assert_eq!(terminal.es10(&[0xBF, 0x43, 0x00]).unwrap(), expected, "also after a memory reset");
    }
}

#[test]
fn refuses_what_is_no_such_request() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    assert_eq!(terminal.hex("BF430180").unwrap_err().0, 0x6A80);
}
