//! De-concealing: the test data of TS 33.501 C.4, and what must be refused.

use rsp_network::{Profile, Sidf, SidfError, Supi};
use serde_json::Value;

fn sets() -> Vec<Value> {
    let file: Value = serde_json::from_str(rsp_testkit::SUCI_TS33501_C4).expect("JSON");
    let sets = file["sets"].as_array().expect("sets").clone();
    assert_eq!(sets.len(), 4);
    sets
}

fn network(set: &Value) -> Sidf {
    let profile = if set["scheme"] == 1 { Profile::A } else { Profile::B };
    Sidf::new().with_key(27, profile, &crate::bytes(set, "hn_private")).expect("a key")
}

fn text<'a>(set: &'a Value, name: &str) -> &'a str {
    set[name].as_str().expect("text")
}

/// The whole SUCI of a set, with routing indicator 678 and home network public key identifier 27.
fn suci(set: &Value) -> Vec<u8> {
    let scheme = set["scheme"].as_u64().expect("a number") as u8;
    let [key, cipher, mac] = ["eph_public", "ciphertext", "mac"].map(|name| text(set, name));
    if text(set, "supi").starts_with("imsi-") {
        let head = [0x01, 0x72, 0x24, 0x10, 0x76, 0xF8, scheme, 27];
        [&head[..], &hex::decode(format!("{key}{cipher}{mac}")).expect("hexadecimal")].concat()
    } else {
        let nai = format!("type1.rid678.schid{scheme}.hnkey27.ecckey{key}.cip{cipher}.mac{mac}@3gpp.com");
        [&[0x11], nai.as_bytes()].concat()
    }
}

fn supi(set: &Value) -> Supi {
    match text(set, "supi").split_once('-').expect("a type") {
        ("imsi", digits) => Supi::Imsi(digits.to_owned()),
        (_, nai) => Supi::Nai(nai.to_owned()),
    }
}

#[test]
fn reads_the_test_data_of_ts_33_501() {
    for set in sets() {
        assert_eq!(network(&set).deconceal(&suci(&set)), Ok(supi(&set)), "{}", set["name"]);
    }
}

#[test]
fn no_flipped_bit_of_what_was_concealed_is_accepted() {
    for set in sets().into_iter().step_by(2) {
        let (network, whole) = (network(&set), suci(&set));
        for at in 8..whole.len() {
            for bit in [0x01, 0x80] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                // X25519 does not look at the highest bit of the key, but the key derivation does.
                let refused = network.deconceal(&changed).expect_err("a changed SUCI");
                assert!(matches!(refused, SidfError::WrongMac | SidfError::EphemeralKey), "{at}: {refused}");
            }
        }
    }
}

#[test]
fn reads_the_null_scheme_without_a_key() {
    let network = Sidf::new();
    let imsi = [0x01, 0x72, 0x24, 0x10, 0x76, 0xF8, 0x00, 0x00, 0x00, 0x01, 0x20, 0x80, 0xF6];
    assert_eq!(network.deconceal(&imsi), Ok(Supi::Imsi("274012001002086".into())));
    // An MNC of two digits and an even count of digits behind it.
    let short = [0x01, 0x00, 0xF1, 0x10, 0xF0, 0xFF, 0x00, 0x00, 0x21, 0x43];
    assert_eq!(network.deconceal(&short), Ok(Supi::Imsi("001011234".into())));
    let nai = [&[0x11][..], b"type1.rid678.schid0.useridverylongusername1@3gpp.com"].concat();
    assert_eq!(network.deconceal(&nai), Ok(Supi::Nai("verylongusername1@3gpp.com".into())));
}

#[test]
fn says_what_is_wrong() {
    let sets = sets();
    let (a, b) = (suci(&sets[0]), suci(&sets[2]));
    let network = network(&sets[0]);
    assert_eq!(network.deconceal(&b), Err(SidfError::KeyIdentifier(27)), "the key is one of profile A");
    let mut other = a.clone();
    other[7] = 28;
    assert_eq!(network.deconceal(&other), Err(SidfError::KeyIdentifier(28)));
    other[6] = 0x0C;
    assert_eq!(network.deconceal(&other), Err(SidfError::Scheme(12)));
    for length in 0..48 {
        assert!(matches!(network.deconceal(&a[..length]), Err(SidfError::Malformed(_))), "{length}");
    }
    assert!(matches!(network.deconceal(&[0x21, 0x00]), Err(SidfError::Malformed(_))));
    // A point of small order.
    let mut zero = a.clone();
    zero[8..40].fill(0);
    assert_eq!(network.deconceal(&zero), Err(SidfError::EphemeralKey));
    for nai in [
        "",
        "type1",
        "type1.rid1.schid1@x",
        "type1.rid1.schid1.hnkey27.ecckey0.cip.mac@x",
        "type2.rid1.schid0.useridx@x",
    ] {
        let nai = [&[0x11], nai.as_bytes()].concat();
        assert!(matches!(network.deconceal(&nai), Err(SidfError::Malformed(_))));
    }
    assert!(Sidf::new().with_key(1, Profile::B, &[0; 32]).is_err());
}

#[test]
fn network_specific_identifiers_are_read_in_one_form_only() {
    let sets = sets();
    let (set, network) = (&sets[3], network(&sets[3]));
    let [key, cipher, mac] = ["eph_public", "ciphertext", "mac"].map(|name| text(set, name));
    let read = |key: &str, mac: &str| {
        let nai = format!("type1.rid678.schid2.hnkey27.ecckey{key}.cip{cipher}.mac{mac}@3gpp.com");
        network.deconceal(&[&[0x11], nai.as_bytes()].concat())
    };
    assert!(read(key, mac).is_ok());
    for mac in [&mac[2..], &format!("{mac}00"), &format!("{mac}.mac{mac}")] {
        assert!(matches!(read(key, mac), Err(SidfError::Malformed(_))), "{mac}");
    }
    // The generator of P-256, which is a point, in its uncompressed form.
    let uncompressed = "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296\
                        4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";
    assert_eq!(read(uncompressed, mac), Err(SidfError::EphemeralKey));
}
