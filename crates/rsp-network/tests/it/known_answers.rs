//! Vectors of others.

use rsp_network::{Auts, Sqn, Subscriber};
use rsp_testkit::standards_json;

use crate::bytes;

fn exclusive_or<const N: usize>(a: [u8; N], b: [u8; N]) -> [u8; N] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

#[test]
fn milenage_gives_the_conformance_values_of_ts_35_208() {
    let Some(vectors) = standards_json("vectors/milenage-ts35208.json") else { return };
    let sets = vectors["sets"].as_array().expect("sets");
    for set in sets {
        let (rand, sqn, amf) = (bytes::<16>(set, "rand"), bytes::<6>(set, "sqn"), bytes::<2>(set, "amf"));
        let mut subscriber = Subscriber::milenage(bytes(set, "k"), bytes(set, "opc")).with_amf(amf);
        let vector = subscriber.vector(rand, Sqn::from_bytes(sqn));
        let concealed = exclusive_or(sqn, bytes::<6>(set, "f5"));
        let autn = [concealed.as_slice(), &amf, &bytes::<8>(set, "f1")].concat();
        assert_eq!(vector.autn().as_slice(), autn, "{}", set["name"]);
        assert_eq!(vector.xres(), bytes::<8>(set, "f2"), "{}", set["name"]);
        assert_eq!(vector.ck(), &bytes::<16>(set, "f3"), "{}", set["name"]);
        assert_eq!(vector.ik(), &bytes::<16>(set, "f4"), "{}", set["name"]);

        // The sets give f1* for their AMF, resynchronisation uses zero: only AK* can be compared with them here.
        let auts = Auts { concealed_sqn: exclusive_or(sqn, bytes::<6>(set, "f5star")), mac_s: bytes(set, "f1star") };
        let resynchronised = subscriber.resynchronise(&rand, &auts);
        assert_eq!(resynchronised.is_ok(), amf == [0, 0], "{}", set["name"]);
    }
    assert!(sets.len() >= 19, "only {} sets", sets.len());
}

#[test]
fn the_test_algorithm_gives_the_values_of_ts_34_108() {
    let Some(set) = standards_json("vectors/usim-test-xor.json") else { return };
    let subscriber = Subscriber::usim_test(bytes(&set, "k")).with_amf(bytes(&set, "amf"));
    for case in ["sqn0", "sqn32"] {
        let vector = subscriber.vector(bytes(&set, "rand"), Sqn::from_bytes(bytes(&set[case], "sqn")));
        assert_eq!(vector.autn(), &bytes::<16>(&set[case], "autn"), "{case}");
        assert_eq!(vector.xres(), bytes::<16>(&set, "res"));
        assert_eq!(vector.ck(), &bytes::<16>(&set, "ck"));
        assert_eq!(vector.ik(), &bytes::<16>(&set, "ik"));
    }
}

/// AUTS as a USIM at SQN 5000000 makes it: f1* over AMF 0000 and the anonymity key of f5* (TS 33.102 6.3.3).
#[test]
fn resynchronises_to_the_sequence_number_in_auts() {
    let (k, opc, rand, sqn) = ([0x46; 16], [0xCD; 16], [0x23; 16], Sqn::from_bytes([0, 0, 0, 0x4C, 0x4B, 0x40]));
    let mut usim = milenage::Milenage::new_with_opc(k, opc);
    let auts = Auts {
        concealed_sqn: exclusive_or(sqn.to_bytes(), usim.f5star(&rand)),
        mac_s: usim.f1star(&rand, &sqn.to_bytes(), &[0, 0]),
    };
    let mut subscriber = Subscriber::milenage(k, opc);
    assert_eq!(subscriber.resynchronise(&rand, &auts), Ok(sqn));
    assert_eq!(subscriber.sqn(), sqn);
    subscriber.challenge(rand);
    assert!(subscriber.sqn() > sqn, "the next challenge is ahead of the USIM");
}
