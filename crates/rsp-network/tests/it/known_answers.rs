//! Vectors of others.

use rsp_network::{Auts, Sqn, Subscriber, Tuak};
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

/// All twelve sets: six of f1 and f1*, six of f2 to f5 and f5*.
#[test]
fn tuak_gives_the_conformance_values_of_ts_35_233() {
    let Some(vectors) = standards_json("vectors/tuak-ts35232-35233.json") else { return };
    let sets = vectors["tuak"].as_array().expect("sets");
    let text = |value: &serde_json::Value| hex::decode(value.as_str().expect("hexadecimal")).expect("hexadecimal");
    for set in sets {
        let bytes_of = |name: &str| set["lengths"][name].as_u64().map(|bits| bits as usize / 8);
        let iterations = set["lengths"]["KeccakIterations"].as_u64().expect("a count") as u8;
        let (k, rand) = (text(&set["k"]), bytes::<16>(set, "rand"));
        let tuak = |top| Tuak::new(&k, top).expect("16 or 32 bytes").with_iterations(iterations);
        let topc = tuak(bytes(set, "top")).topc_of_top();
        let tuak = tuak(topc);
        let outputs = &set["outputs"];
        if let Some(length) = bytes_of("LEN_MAC") {
            assert_eq!(topc, bytes::<32>(outputs, "TOPc"), "{set}");
            let (sqn, amf) = (Sqn::from_bytes(bytes(set, "sqn")), bytes(set, "amf"));
            assert_eq!(tuak.f1(&rand, sqn, amf, length), text(&outputs["f1"]), "{set}");
            assert_eq!(tuak.f1_star(&rand, sqn, amf, length), text(&outputs["f1star"]), "{set}");
        } else {
            let lengths = ["LEN_RES", "LEN_CK", "LEN_IK"].map(|name| bytes_of(name).expect("a length"));
            let keys = tuak.f2345(&rand, lengths[0], lengths[1], lengths[2]);
            let expected = &outputs["f2345"];
            assert_eq!((&keys.res, &keys.ck), (&text(&expected[0]), &text(&expected[1])), "{set}");
            assert_eq!((&keys.ik, &keys.ak[..]), (&text(&expected[2]), &text(&expected[3])[..]), "{set}");
            assert_eq!(tuak.f5_star(&rand)[..], text(&outputs["f5star"]), "{set}");
        }
    }
    assert_eq!(sets.len(), 12);
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

/// XDOUT is K exclusive or RAND, AK its bytes 4 to 9, and MAC-S its first eight exclusive or SQN and an AMF of zeros
/// (TS 34.108 8.1.2.1).
#[test]
fn resynchronises_a_subscriber_with_the_test_algorithm() {
    let rand = std::array::from_fn(|i| i as u8);
    let auts = Auts {
        concealed_sqn: [0xFC, 0xFB, 0xFA, 0xF9, 0xE8, 0xD7],
        mac_s: [0xFF, 0xFE, 0xFD, 0xFC, 0xEB, 0xDA, 0xF9, 0xF8],
    };
    let resynchronised = Subscriber::usim_test([0xFF; 16]).resynchronise(&rand, &auts);
    assert_eq!(resynchronised, Ok(Sqn::from_bytes([0, 0, 0, 0, 0x10, 0x20])));
}

/// f1* and f5*, whose values the conformance sets give, conceal the number in AUTS.
#[test]
fn resynchronises_a_subscriber_with_tuak() {
    let (rand, sqn) = ([0x23; 16], Sqn::from_bytes([0, 0, 0, 0, 0x10, 0x20]));
    let tuak = || Tuak::new(&[0x46; 16], [0xCD; 32]).expect("16 bytes");
    let auts = Auts {
        concealed_sqn: exclusive_or(sqn.to_bytes(), tuak().f5_star(&rand)),
        mac_s: tuak().f1_star(&rand, sqn, [0, 0], 8).try_into().expect("eight bytes"),
    };
    assert_eq!(Subscriber::tuak(tuak(), 8).resynchronise(&rand, &auts), Ok(sqn));
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
