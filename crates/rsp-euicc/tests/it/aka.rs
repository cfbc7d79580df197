//! Milenage and the test algorithm against published vectors, and what AUTHENTICATE makes of them.

use rsp_apdu::StatusWord;
use rsp_euicc::usim::aka::{Aka, Algorithm, Outcome, gsm_triplet};
use rsp_euicc::usim::milenage::{CONSTANTS, Milenage, ROTATIONS};
use rsp_euicc::usim::sequence::{PLACES, SequenceNumbers};
use rsp_euicc::usim::test_algorithm::TestAlgorithm;

use crate::profile::{KEY, OPC, Terminal, built, elements, generic, install_elements};

fn array<const N: usize>(set: &serde_json::Value, name: &str) -> [u8; N] {
    let text = set[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    hex::decode(text).expect("hexadecimal").try_into().unwrap_or_else(|_| panic!("{name} is not of {N} bytes"))
}

fn sets(file: &str) -> Vec<serde_json::Value> {
    let Some(vectors) = rsp_testkit::standards_json(file) else { return Vec::new() };
    let sets = vectors["sets"].as_array().expect("a list of sets").clone();
    assert!(!sets.is_empty(), "{file}");
    sets
}

#[test]
fn milenage_agrees_with_all_conformance_sets() {
    for file in ["vectors/milenage-ts35208.json", "vectors/milenage-ts35207.json"] {
        for set in sets(file) {
            let milenage = Milenage::new(&array(&set, "k"), &array(&set, "opc"));
            let rand = array(&set, "rand");
            let (f1, f1_star) = milenage.f1(&rand, array(&set, "sqn"), array(&set, "amf"));
            assert_eq!((f1, f1_star), (array(&set, "f1"), array(&set, "f1star")), "{set}");
            let out = milenage.f2345(&rand);
            assert_eq!((out.res, out.ak), (array(&set, "f2"), array(&set, "f5")), "{set}");
            assert_eq!((*out.ck, *out.ik), (array(&set, "f3"), array(&set, "f4")), "{set}");
            assert_eq!(milenage.f5_star(&rand), array(&set, "f5star"), "{set}");
        }
    }
}

#[test]
fn gsm_milenage_agrees_with_its_sets() {
    for set in sets("vectors/milenage-gsm-ts55205.json") {
        let out = Milenage::new(&array(&set, "ki"), &array(&set, "opc")).f2345(&array(&set, "rand"));
        let (sres, kc) = gsm_triplet(&out.res, &out.ck[..], &out.ik[..]);
        assert_eq!((sres, kc), (array(&set, "sres1"), array(&set, "kc")), "{set}");
    }
}

#[test]
fn constants_of_an_operator_change_the_outputs() {
    let rand = [0x23; 16];
    let standard = Milenage::new(&KEY, &OPC).f2345(&rand);
    let same = Milenage::with_constants(&KEY, &OPC, ROTATIONS, &CONSTANTS).f2345(&rand);
    assert_eq!((standard.res, standard.ak), (same.res, same.ak));
    let rotated = Milenage::with_constants(&KEY, &OPC, [64, 8, 32, 64, 96], &CONSTANTS).f2345(&rand);
    assert_ne!(standard.res, rotated.res);
    assert_eq!(standard.ck, rotated.ck, "r3 is unchanged");
}

#[test]
fn the_test_algorithm_agrees_with_its_vector() {
    let Some(vector) = rsp_testkit::standards_json("vectors/usim-test-xor.json") else { return };
    let rand = array(&vector, "rand");
    let test = TestAlgorithm::new(&array(&vector, "k"), 16);
    assert_eq!(test.res(&rand), array::<16>(&vector, "res"));
    assert_eq!((test.ck(&rand), test.ik(&rand)), (array(&vector, "ck"), array(&vector, "ik")));
    assert_eq!(test.ak(&rand), array(&vector, "ak"));
}

#[test]
fn the_generic_test_profile_authenticates_with_the_published_vector() {
    let (Some(vector), Some(contents)) = (rsp_testkit::standards_json("vectors/usim-test-xor.json"), generic()) else {
        return;
    };
    let mut terminal = Terminal::new(contents).usim();
    let rand: [u8; 16] = array(&vector, "rand");
    for step in ["sqn0", "sqn32"] {
        let response = terminal.authenticate(&rand, &array::<16>(&vector[step], "autn"));
        assert_eq!(response.sw, StatusWord::OK);
        let expected = [
            &[0xDB, 0x10][..],
            &array::<16>(&vector, "res"),
            &[0x10],
            &array::<16>(&vector, "ck"),
            &[0x10],
            &array::<16>(&vector, "ik"),
            // Service n°27 of the profile's EF_UST: Kc follows.
            &[0x08],
        ]
        .concat();
        assert_eq!(hex::encode(&response.data[..expected.len()]), hex::encode(&expected));
        assert!(terminal.changed, "the sequence number must be stored");
    }
    let mut autn: [u8; 16] = array(&vector["sqn0"], "autn");
    autn[15] ^= 1;
    assert_eq!(terminal.authenticate(&rand, &autn).sw, StatusWord::INCORRECT_MAC);
}

/// The network's side for the built profile.
fn autn(milenage: &Milenage, rand: &[u8; 16], sqn: [u8; 6], amf: [u8; 2]) -> [u8; 16] {
    let ak = milenage.f2345(rand).ak;
    let mut autn = [0; 16];
    for index in 0..6 {
        autn[index] = sqn[index] ^ ak[index];
    }
    autn[6..8].copy_from_slice(&amf);
    autn[8..].copy_from_slice(&milenage.f1(rand, sqn, amf).0);
    autn
}

#[test]
fn milenage_through_the_profile_accepts_each_number_once() {
    let network = Milenage::new(&KEY, &OPC);
    let mut terminal = Terminal::new(built()).usim();
    let rand = [0x5A; 16];
    let sqn = [0, 0, 0, 0, 1, 0x21];
    let response = terminal.authenticate(&rand, &autn(&network, &rand, sqn, [0x80, 0]));
    let expected = network.f2345(&rand);
    let data = [&[0xDB, 0x08][..], &expected.res, &[0x10], &expected.ck[..], &[0x10], &expected.ik[..]].concat();
    assert_eq!((hex::encode(response.data), response.sw), (hex::encode(data), StatusWord::OK));

    // The same number again: AUTS carries the number that the USIM has.
    let response = terminal.authenticate(&rand, &autn(&network, &rand, sqn, [0x80, 0]));
    assert_eq!((response.sw, &response.data[..2]), (StatusWord::OK, &[0xDC, 0x0E][..]));
    let ak = network.f5_star(&rand);
    let sqn_ms: Vec<u8> = response.data[2..8].iter().zip(ak).map(|(byte, ak)| byte ^ ak).collect();
    assert_eq!(sqn_ms, sqn);
    assert_eq!(response.data[8..], network.f1(&rand, sqn, [0, 0]).1);

    // A wrong key is told apart from a wrong number, and moves nothing.
    let other = Milenage::new(&[0; 16], &OPC);
    let next = [0, 0, 0, 0, 1, 0x41];
    assert_eq!(terminal.authenticate(&rand, &autn(&other, &rand, next, [0x80, 0])).sw, StatusWord::INCORRECT_MAC);
    assert_eq!(terminal.authenticate(&rand, &autn(&network, &rand, next, [0x80, 0])).data[0], 0xDB);
}

/// The IMS context of an ISIM (3GPP TS 31.103 7.1.2.1): the same answer, but never a GSM key.
#[test]
fn an_isim_authenticates_in_the_ims_context() {
    let network = Milenage::new(&KEY, &OPC);
    let mut terminal = Terminal::new(built());
    terminal.ok("00A4040C07A0000000871004");
    let rand = [0x6B; 16];
    let challenge = autn(&network, &rand, [0, 0, 0, 0, 2, 0x21], [0x80, 0]);
    let response = terminal.authenticate(&rand, &challenge);
    let expected = network.f2345(&rand);
    let data = [&[0xDB, 0x08][..], &expected.res, &[0x10], &expected.ck[..], &[0x10], &expected.ik[..]].concat();
    assert_eq!((hex::encode(response.data), response.sw), (hex::encode(data), StatusWord::OK));
    let again = terminal.authenticate(&rand, &challenge);
    assert_eq!((again.sw, &again.data[..2]), (StatusWord::OK, &[0xDC, 0x0E][..]));
    assert_eq!(terminal.status(&format!("00880080 11 10{}", "00".repeat(16))), "9864", "no GSM context");
}

#[test]
fn one_flipped_bit_of_key_or_opc_fails() {
    let network = Milenage::new(&KEY, &OPC);
    let rand = [0x77; 16];
    let challenge = autn(&network, &rand, [0, 0, 0, 0, 1, 0], [0x80, 0]);
    for bit in [0, 63, 127] {
        for of_key in [true, false] {
            let (mut key, mut opc) = (KEY, OPC);
            let target = if of_key { &mut key } else { &mut opc };
            target[bit / 8] ^= 1 << (bit % 8);
            let numbers = SequenceNumbers::new([0; PLACES], 2, u64::MAX, 0);
            let mut aka = Aka::new(Algorithm::Milenage(Milenage::new(&key, &opc)), numbers, None);
            assert!(matches!(aka.authenticate(&rand, &challenge), Outcome::MacFailure));
        }
    }
}

#[test]
fn the_counter_of_authentications_ends_the_answers() {
    let network = Milenage::new(&KEY, &OPC);
    let numbers = SequenceNumbers::new([0; PLACES], 2, u64::MAX, 0);
    let mut aka = Aka::new(Algorithm::Milenage(network.clone()), numbers, Some(2));
    let rand = [1; 16];
    for sequence in 1..=2 {
        let challenge = autn(&network, &rand, [0, 0, 0, 0, sequence, 0], [0, 0]);
        assert!(matches!(aka.authenticate(&rand, &challenge), Outcome::Authenticated { .. }));
    }
    let challenge = autn(&network, &rand, [0, 0, 0, 0, 3, 0], [0, 0]);
    assert!(matches!(aka.authenticate(&rand, &challenge), Outcome::Exhausted));
}

#[test]
fn the_test_algorithm_resynchronises_when_its_amf_says_so() {
    let test = TestAlgorithm::new(&[7; 16], 16);
    let numbers = SequenceNumbers::new([0; PLACES], 2, 0, 0);
    let mut aka = Aka::new(Algorithm::Test(test.clone()), numbers, None);
    let rand = [9; 16];
    let (sqn, ak) = ([0, 0, 0, 0, 0, 0x40], test.ak(&rand));
    let challenge = |amf: [u8; 2]| {
        let mut autn = [0; 16];
        for index in 0..6 {
            autn[index] = sqn[index] ^ ak[index];
        }
        autn[6..8].copy_from_slice(&amf);
        autn[8..].copy_from_slice(&test.mac(&rand, sqn, amf));
        autn
    };
    assert!(matches!(aka.authenticate(&rand, &challenge([0x80, 0])), Outcome::Authenticated { .. }));
    let Outcome::SynchronisationFailure { auts } = aka.authenticate(&rand, &challenge([0xFF, 0xFF])) else {
        panic!("AMF FFFF asks for AUTS")
    };
    let sqn_ms: Vec<u8> = auts[..6].iter().zip(ak).map(|(byte, ak)| byte ^ ak).collect();
    assert_eq!((sqn_ms.as_slice(), &auts[6..]), (&sqn[..], &test.mac(&rand, sqn, [0, 0])[..]));
}

#[test]
fn authenticate_refuses_malformed_challenges_and_other_contexts() {
    let mut terminal = Terminal::new(built());
    assert_eq!(terminal.authenticate(&[0; 16], &[0; 16]).sw, StatusWord::CONDITIONS_NOT_SATISFIED);
    let mut terminal = terminal.usim();
    let block = "00".repeat(16);
    for (apdu, expected) in [
        (format!("00880081 21 10{block} 0F{}", "00".repeat(15)), "6700"),
        (format!("00880081 11 10{block}"), "6700"),
        (format!("00880081 23 10{block} 10{block} 00"), "6700"),
        (format!("00880081 22 0F{block} 10{block}"), "6A80"),
        // Contexts that exist but not here, and one that does not exist.
        (format!("00880082 22 10{block} 10{block}"), "9864"),
        (format!("00880084 22 10{block} 10{block}"), "9864"),
        (format!("00880083 22 10{block} 10{block}"), "6A86"),
        (format!("00880181 22 10{block} 10{block}"), "6A86"),
        // Service n°38 is not in EF_UST.
        (format!("00880080 11 10{block}"), "9864"),
        ("0088008100".to_owned(), "6A80"),
    ] {
        assert_eq!(terminal.status(&apdu), expected, "{apdu}");
    }
}

#[test]
fn a_usim_with_the_gsm_context_gives_sres_and_kc() {
    let mut elements = elements();
    for element in &mut elements {
        if let rsp_saip::Element::Template(template) = element
            && let Some(file) = template.file_mut("ef-ust")
        {
            file.set_content(&[0xFF; 14]);
        }
    }
    let (contents, _) = install_elements(elements).expect("it installs");
    let mut terminal = Terminal::new(contents).usim();
    let rand = [0x31; 16];
    let out = Milenage::new(&KEY, &OPC).f2345(&rand);
    let (sres, kc) = gsm_triplet(&out.res, &out.ck[..], &out.ik[..]);
    let answer = terminal.ok(&format!("00880080 11 10{} 00", hex::encode(rand)));
    assert_eq!(answer, format!("04{}08{}", hex::encode_upper(sres), hex::encode_upper(kc)));
}
