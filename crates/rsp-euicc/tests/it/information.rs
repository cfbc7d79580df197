//! What the eUICC says of itself, and ES10a.

use rsp_asn1::{EuiccInfo1, EuiccInfo2, ExtCardResource, GetRatResponse, PprIds, RspCapability, VersionType, decode};
use rsp_crypto::{Curve, rust_crypto};
use rsp_euicc::Manufacture;

use crate::server::{Order, World};
use crate::terminal::Terminal;

#[test]
fn tells_the_truth_in_euicc_info() {
    let mut world = World::p256();
    let mut server = world.server();
    let mut terminal = Terminal::new(world.euicc(1));
    let info1: EuiccInfo1 = decode(&terminal.es10(&[0xBF, 0x20, 0x00]).unwrap()).unwrap();
    assert_eq!(info1.svn, VersionType([2, 6, 0]));
    assert_eq!(info1.euicc_ci_pk_id_list_for_signing, std::slice::from_ref(&server.ci_key_id));
    let info2 = |terminal: &mut Terminal| decode::<EuiccInfo2>(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    let before = info2(&mut terminal);
    assert_eq!(before.euicc_ci_pk_id_list_for_verification, std::slice::from_ref(&server.ci_key_id));
    assert_eq!(before.forbidden_profile_policy_rules, None);
    let free = |info: &EuiccInfo2| ExtCardResource::parse(&info.ext_card_resource).unwrap();
    assert_eq!((free(&before).applications, free(&before).free_non_volatile), (0, 2 << 20));
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    let after = free(&info2(&mut terminal));
    let used = (2 << 20) - after.free_non_volatile as usize;
    assert_eq!(after.applications, 1);
    assert!(used >= order.elements.len(), "{used}");
    assert_eq!(terminal.delete(order.iccid()), 0);
    assert_eq!(free(&info2(&mut terminal)), free(&before), "what a profile took comes back");
}

#[test]
fn lists_its_cis_in_order_of_preference() {
    let (mut p256, mut brainpool) = (World::p256(), World::new(Curve::BrainpoolP256r1, "another"));
    let credentials = vec![brainpool.credential(World::eid(1)), p256.credential(World::eid(1))];
    let mut terminal = Terminal::new(Manufacture::new(credentials).build(rust_crypto()).unwrap());
    let info: EuiccInfo1 = decode(&terminal.es10(&[0xBF, 0x20, 0x00]).unwrap()).unwrap();
    let expected = vec![brainpool.server().ci_key_id, p256.server().ci_key_id];
    assert_eq!(info.euicc_ci_pk_id_list_for_verification, expected);
    assert_eq!(info.euicc_ci_pk_id_list_for_signing, expected);
}

#[test]
fn refuses_identities_that_do_not_belong_together() {
    let (mut one, mut other) = (World::p256(), World::new(Curve::P256, "another"));
    let build = |credentials| Manufacture::new(credentials).build(rust_crypto()).err().map(|error| error.to_string());
    assert!(build(vec![]).is_some());
    let two_eids = vec![one.credential(World::eid(1)), other.credential(World::eid(2))];
    assert!(build(two_eids).unwrap().contains("two EIDs"));
    let mut foreign_key = one.credential(World::eid(1));
    foreign_key.key = one.credential(World::eid(1)).key;
    assert!(build(vec![foreign_key]).unwrap().contains("private key"));
    let mut foreign_ci = one.credential(World::eid(1));
    foreign_ci.ci = other.credential(World::eid(1)).ci;
    assert!(build(vec![foreign_ci]).is_some());
}

#[test]
fn gives_the_eid_and_nothing_else() {
    let mut terminal = Terminal::new(World::p256().euicc(7));
    let eid = World::eid(7).to_string();
    assert_eq!(terminal.hex("BF3E035C015A").unwrap(), format!("BF3E125A10{eid}"));
    assert_eq!(terminal.hex("BF3E035C0142").unwrap_err().0, 0x6A88);
    assert_eq!(terminal.hex("BF3E00").unwrap_err().0, 0x6A80);
}

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

/// EUICCInfo2 does not offer it, and there is no such function.
#[test]
fn crls_cannot_be_loaded() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let info: EuiccInfo2 = decode(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    assert!(!info.rsp_capability.contains(RspCapability::CRL_SUPPORT));
    assert_eq!(terminal.hex("BF35023000").unwrap_err().0, 0x6A88);
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
