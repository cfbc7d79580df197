//! Whole packages: what is bound is a well-formed Bound Profile Package that only the right eUICC opens.

use proptest::prelude::*;
use rsp_asn1::{BoundProfilePackage, Eid, Raw, TransactionId, decode, tlv};
use rsp_bpp::{
    Bsp, BspKeys, MAX_SEGMENT_SIZE, Protection, UnprotectedProfile, assemble, initialise_secure_channel, protect,
    verify_initialise_secure_channel,
};
use rsp_crypto::{Curve, SecretKey, aws_lc, rust_crypto};

pub(crate) const EID: Eid =
    Eid([0x89, 4, 0x90, 0x32, 0x12, 0x34, 0x51, 0x23, 0x45, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x35]);

/// Everything that binding one small profile involves.
pub(crate) struct Case {
    pub(crate) bytes: Vec<u8>,
    pub(crate) dp_pb: SecretKey,
    pub(crate) euicc: SecretKey,
}

pub(crate) fn key(curve: Curve, fill: u8) -> SecretKey {
    SecretKey::from_bytes(curve, &[fill; 32]).unwrap()
}

pub(crate) fn case(curve: Curve, elements: &[u8], ppk: bool) -> Case {
    let (dp_pb, smdp, euicc) = (key(curve, 1), key(curve, 2), key(curve, 3));
    let transaction = TransactionId::from([9; 16]);
    let signer = aws_lc().signer(&dp_pb).unwrap();
    let (channel, crt) =
        initialise_secure_channel(&*signer, &transaction, b"host", smdp.public_key(), euicc.public_key()).unwrap();
    let shared = aws_lc().agree(&smdp, euicc.public_key()).unwrap();
    let keys = BspKeys::derive(&shared, &crt, &EID).unwrap();
    let metadata = [&[0xBF, 0x25, 0x82, 0x04, 0xB0][..], &[0x5A; 1200]].concat();
    let profile =
        UnprotectedProfile { configure_isdp: &[0xBF, 0x24, 0], store_metadata: &metadata, profile_elements: elements };
    let protection =
        if ppk { Protection::Ppk(BspKeys::from_parts([4; 16], [5; 16], [6; 16])) } else { Protection::SessionKeys };
    Case { bytes: assemble(&channel, &protect(keys, profile, protection)), dp_pb, euicc }
}

/// Opens a package as an eUICC does; `None` as soon as anything is wrong.
pub(crate) fn open(case: &Case, bytes: &[u8], eid: &Eid) -> Option<Vec<u8>> {
    let package: BoundProfilePackage = decode(bytes).ok()?;
    package.check_structure().ok()?;
    let channel = &package.initialise_secure_channel_request;
    verify_initialise_secure_channel(rust_crypto(), case.dp_pb.public_key(), channel, case.euicc.public_key()).ok()?;
    let otpk = &channel.value().smdp_otpk.0;
    let otpk = rsp_crypto::PublicKey::from_uncompressed(case.euicc.curve(), otpk).ok()?;
    let shared = rust_crypto().agree(&case.euicc, &otpk).ok()?;
    let keys = BspKeys::derive(&shared, &channel.value().control_ref_template, eid).ok()?;
    let mut bsp = Bsp::new(keys);
    let (whole, _) = tlv::first(bytes).ok()?;
    let mut elements = Vec::new();
    for sequence in whole.children().skip(1) {
        let sequence = sequence.ok()?;
        for segment in sequence.children() {
            let segment = segment.ok()?.raw();
            match sequence.tag() {
                [0xA0] => drop(bsp.unprotect(0x87, segment).ok()?),
                [0xA1] => drop(bsp.unprotect_mac_only(0x88, segment).ok()?),
                [0xA2] => {
                    let replaced = bsp.unprotect(0x87, segment).ok()?;
                    bsp = Bsp::new(BspKeys::from_request(&decode(&replaced).ok()?).ok()?);
                }
                [0xA3] => elements.extend_from_slice(&bsp.unprotect(0x86, segment).ok()?),
                _ => return None,
            }
        }
    }
    Some(elements)
}

#[test]
fn both_curves_and_both_protections_open() {
    for curve in [Curve::P256, Curve::BrainpoolP256r1] {
        for ppk in [false, true] {
            let case = case(curve, &[0xA5; 5000], ppk);
            assert_eq!(open(&case, &case.bytes, &EID).unwrap(), [0xA5; 5000]);
        }
    }
}

#[test]
fn no_segment_is_longer_than_the_standard_allows() {
    let case = case(Curve::P256, &[1; 40_000], false);
    let (whole, _) = tlv::first(&case.bytes).unwrap();
    let mut longest = 0;
    for sequence in whole.children().skip(1) {
        for segment in sequence.unwrap().children() {
            longest = longest.max(segment.unwrap().raw().len());
        }
    }
    assert_eq!(longest, MAX_SEGMENT_SIZE);
}

#[test]
fn refuses_another_eid() {
    let case = case(Curve::P256, b"elements", false);
    let mut other = EID;
    other.0[15] ^= 1;
    assert!(open(&case, &case.bytes, &EID).is_some());
    assert!(open(&case, &case.bytes, &other).is_none());
}

#[test]
fn refuses_a_package_bound_to_another_one_time_key() {
    let mut case = case(Curve::P256, b"elements", false);
    case.euicc = key(Curve::P256, 0x33);
    let channel = &decode::<BoundProfilePackage>(&case.bytes).unwrap().initialise_secure_channel_request;
    let channel: &Raw<_> = channel;
    assert!(
        verify_initialise_secure_channel(rust_crypto(), case.dp_pb.public_key(), channel, case.euicc.public_key())
            .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_length_of_elements_comes_back(length in 1usize..4100, ppk: bool) {
        let elements: Vec<u8> = (0..length).map(|index| index as u8).collect();
        let case = case(Curve::P256, &elements, ppk);
        prop_assert_eq!(open(&case, &case.bytes, &EID).unwrap(), elements);
    }
}
