//! Bound Profile Packages (SGP.22 2.5): whatever arrives is opened without a panic, and what is protected opens again.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rsp_asn1::{BoundProfilePackage, TransactionId, decode, tlv};
use rsp_bpp::{Bsp, BspKeys, Protection, UnprotectedProfile, assemble, initialise_secure_channel, protect};
use rsp_crypto::{Curve, SecretKey, rust_crypto};

fuzz_target!(|data: &[u8]| {
    if let Ok(package) = decode::<BoundProfilePackage>(data) {
        let _ = package.check_structure();
    }
    let _ = open(data, false);
    let _ = open(data, true);
    protect_and_open(data);
});

fn keys(byte: u8) -> BspKeys {
    BspKeys::from_parts([byte; 16], [byte + 1; 16], [byte + 2; 16])
}

/// The plaintext of each sequence of a package, opened with the fixed keys; with a PPK when `ppk` says so.
fn open(package: &[u8], ppk: bool) -> Option<Vec<Vec<u8>>> {
    let (package, _) = tlv::first(package).ok()?;
    let mut bsp = Bsp::new(keys(1));
    let mut opened = Vec::new();
    for sequence in package.children().skip(1) {
        let sequence = sequence.ok()?;
        if sequence.tag() == [0xA3] && ppk {
            bsp = Bsp::new(keys(7));
        }
        let mut plaintext = Vec::new();
        for segment in sequence.children() {
            let segment = segment.ok()?;
            match segment.tag() {
                [0x88] => plaintext.extend_from_slice(bsp.unprotect_mac_only(0x88, segment.raw()).ok()?),
                [tag] => plaintext.extend_from_slice(&bsp.unprotect(*tag, segment.raw()).ok()?),
                _ => return None,
            }
        }
        opened.push(plaintext);
    }
    Some(opened)
}

/// Takes the input as the three parts of a profile: 3 bytes say how it is cut and whether there is a PPK.
fn protect_and_open(data: &[u8]) {
    let Some((&[first, second, flag], parts)) = data.split_first_chunk() else { return };
    let (configure_isdp, rest) = parts.split_at(usize::from(first).min(parts.len()));
    let (store_metadata, profile_elements) = rest.split_at((usize::from(second) * 8).min(rest.len()));
    let ppk = flag & 1 == 1;
    let protection = if ppk { Protection::Ppk(keys(7)) } else { Protection::SessionKeys };
    let protected =
        protect(keys(1), UnprotectedProfile { configure_isdp, store_metadata, profile_elements }, protection);
    let package = assemble(secure_channel(), &protected);
    assert!(decode::<BoundProfilePackage>(&package).is_ok(), "a package of ours has the standard's form");
    let mut opened = open(&package, ppk).expect("a package of ours opens with its keys");
    if ppk {
        assert_eq!(opened.remove(2), keys(7).to_request().as_slice());
    }
    assert_eq!(opened, [configure_isdp, store_metadata, profile_elements]);
}

/// One signed InitialiseSecureChannel for all inputs: signing is slow, and not what is tested here.
fn secure_channel() -> &'static [u8] {
    static REQUEST: OnceLock<Vec<u8>> = OnceLock::new();
    REQUEST.get_or_init(|| {
        let key = |byte: u8| SecretKey::from_bytes(Curve::P256, &[byte; 32]).expect("a scalar below the order");
        let signer = rust_crypto().signer(&key(1)).expect("the key is a P-256 key");
        let transaction = TransactionId::from([0x11; 16]);
        initialise_secure_channel(&*signer, &transaction, b"host", &key(2).public_key(), &key(3).public_key())
            .expect("RFC 6979 signing does not fail")
            .0
    })
}
