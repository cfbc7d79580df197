//! Bytes from nowhere, and published packages with a few bytes changed: refused or read, never a panic.

use proptest::prelude::*;
use rsp_saip::ProfilePackage;
use rsp_saip::status::EuiccResponse;

use crate::building::builder;

/// Whatever is accepted must encode again to what was received.
fn read(bytes: &[u8]) {
    if let Ok(package) = ProfilePackage::from_der(bytes) {
        assert!(*package.to_der() == bytes);
        let _ = package.summary();
        for element in package.elements() {
            let _ = element.element().to_der();
        }
    }
    let _ = EuiccResponse::from_der(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn changed_packages_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let mut bytes = builder().build().expect("valid values").to_der().to_vec();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        read(&bytes);
    }
}

#[test]
fn deep_nesting_and_huge_lengths_are_refused_quickly() {
    let mut deep = Vec::new();
    for depth in (0..30_000usize).rev() {
        deep.extend([0xA1, 0x84]);
        deep.extend((depth as u32 * 6).to_be_bytes());
    }
    assert!(ProfilePackage::from_der(&deep).is_err());
    assert!(ProfilePackage::from_der(&[0xAB, 0x00].repeat(5000)).is_err());
    assert!(ProfilePackage::from_der(&[0xA0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    assert!(ProfilePackage::from_der(&vec![0xA0; rsp_saip::MAX_PACKAGE_BYTES + 1]).is_err());
}
