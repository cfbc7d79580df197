//! What an eUICC is made from.

use crate::server::World;
use rsp_crypto::{Curve, rust_crypto};
use rsp_euicc::Manufacture;

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
