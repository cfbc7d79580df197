//! ES10b.GetEUICCInfo (SGP.22 5.7.8; SGP.23 4.2.13).

use rsp_asn1::{
    EuiccInfo1, EuiccInfo2, ExtCardResource, GetRatResponse, PprIds, RspCapability, UiccCapability, VersionType, decode,
};
use rsp_crypto::{Curve, rust_crypto};
use rsp_euicc::Manufacture;

use crate::server::{Order, World};
use crate::terminal::Terminal;

/// The memory of a new eUICC.
const MEMORY: u32 = 10_000_000;

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
    assert_eq!((free(&before).applications, free(&before).free_non_volatile), (0, MEMORY));
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    let after = free(&info2(&mut terminal));
    let used = (MEMORY - after.free_non_volatile) as usize;
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
fn capabilities_are_those_of_the_standard_by_number() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let info: EuiccInfo2 = decode(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    // USIM, ISIM, CSIM, Milenage, TUAK 128 and 256, test algorithm; BER-TLV, linked files, GET IDENTITY, profiles A and B.
    let expected = [1, 2, 3, 4, 6, 7, 8, 19, 20, 22, 23, 24];
    assert_eq!(info.uicc_capability.bits().collect::<Vec<usize>>(), expected);
    for absent in [UiccCapability::CONTACTLESS, UiccCapability::JAVACARD, UiccCapability::CAT_TP] {
        assert!(!info.uicc_capability.contains(absent));
    }
    // One more profile, CRLs, test profiles, unknown elements in DeviceInfo, service specific data.
    assert_eq!(info.rsp_capability.bits().collect::<Vec<usize>>(), [0, 1, 3, 4, 5]);
    assert_eq!((info.ts102241_version, info.globalplatform_version), (None, None), "no Java Card, no applets");
}

#[test]
fn says_when_no_further_profile_fits_and_which_rules_are_forbidden() {
    let mut world = World::p256();
    let credential = world.credential(World::eid(1));
    let made = Manufacture::new(vec![credential]).capacity(512).rat(GetRatResponse::default());
    let mut terminal = Terminal::new(made.build(rust_crypto()).unwrap());
    let info: EuiccInfo2 = decode(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    assert!(!info.rsp_capability.contains(RspCapability::ADDITIONAL_PROFILE));
    let forbidden = PprIds::from_bits(&[PprIds::PPR1, PprIds::PPR2]);
    assert_eq!(info.forbidden_profile_policy_rules, Some(forbidden), "an empty RAT");
}

#[test]
fn refuses_what_is_no_such_request() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    for request in ["BF200180", "BF220180", "BF22028000BF"] {
        assert_eq!(terminal.hex(request).unwrap_err().0, 0x6A80, "{request}");
    }
}
