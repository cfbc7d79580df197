//! ES10c.eUICCMemoryReset (SGP.22 5.7.19; SGP.23 4.2.24).

use super::install;
use crate::load::setup;
use crate::server::Order;
use rsp_asn1::{PprIds, ProfileClass};

#[test]
fn a_memory_reset_removes_what_it_is_told_to() {
    let (_, mut server, mut terminal) = setup();
    let orders = [
        Order::number(1).rules(&[PprIds::PPR1, PprIds::PPR2]),
        Order::number(2).class(ProfileClass::TEST),
        Order::number(3).class(ProfileClass::PROVISIONING),
    ];
    install(&mut terminal, &mut server, &orders);
    terminal.enable(orders[0].iccid());
    terminal.hex("BF3F088006612E622E6364").unwrap();
    assert_eq!(
        terminal.hex("BF3404820204 00".replace(' ', "").as_str()).unwrap(),
        "BF3403800101",
        "no option, nothing"
    );
    assert_eq!(terminal.hex("BF3404820206 40".replace(' ', "").as_str()).unwrap(), "BF3403800100", "test profiles");
    assert_eq!(terminal.profiles().len(), 2);
    assert_eq!(terminal.hex("BF3404820206 40".replace(' ', "").as_str()).unwrap(), "BF3403800101");
    assert_eq!(terminal.hex("BF3404820205E0").unwrap(), "BF3403800100", "as lpac asks");
    let left = terminal.profiles();
    assert_eq!(left.len(), 1, "even enabled and against PPR1 and PPR2, but not the provisioning profile");
    assert_eq!(left[0].iccid, Some(orders[2].iccid()));
    assert!(!terminal.hex("BF3C00").unwrap().contains("612E622E6364"), "the default SM-DP+ address");
    assert_eq!(terminal.hex("BF3404820205C0").unwrap(), "BF3403800101");
}
