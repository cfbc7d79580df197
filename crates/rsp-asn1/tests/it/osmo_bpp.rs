//! A package whose segments were each wrapped twice: well-formed DER, and no eUICC can open it.

use rsp_asn1::{BoundProfilePackage, BppStructureError, Raw};
use rsp_testkit::standards;

#[test]
fn refuses_a_package_whose_segments_are_wrapped_twice() {
    let Some(bytes) = standards("vectors/bpp-osmo-smdpp.der") else { return };
    let package = Raw::<BoundProfilePackage>::from_der(&bytes).unwrap();
    let error = package.value().check_structure().unwrap_err();
    assert_eq!(error, BppStructureError::SecondWrapper { sequence: "firstSequenceOf87", index: 0, tag: 0x87 });
    assert!(error.to_string().contains("second wrapper"), "{error}");
}
