//! Milenage and the test algorithm against published vectors, and what AUTHENTICATE makes of them.

use rsp_apdu::StatusWord;
use rsp_asn1::OctetString;
use rsp_euicc::interpreter::InstallError;
use rsp_euicc::usim::aka::{Aka, Algorithm, Outcome, gsm_triplet};
use rsp_euicc::usim::milenage::{CONSTANTS, Milenage, ROTATIONS};
use rsp_euicc::usim::sequence::{PLACES, SequenceNumbers};
use rsp_euicc::usim::test_algorithm::TestAlgorithm;
use rsp_network::Subscriber;
use rsp_saip::Element;
use rsp_saip::aka::{AkaParameter, AlgoParameter, AlgorithmConfiguration};
use rsp_saip::status::PeStatusCode;

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
    // Rotated by 64 bits, SQN and AMF are what they were: without r1, c1 can make up for the rotation of OPc.
    let mut constants = CONSTANTS;
    (0..16).for_each(|at| constants[at] = OPC[at] ^ OPC[(at + 8) % 16]);
    let unrotated = Milenage::with_constants(&KEY, &OPC, [0, 0, 32, 64, 96], &constants);
    let f1 = |milenage: &Milenage| milenage.f1(&rand, [1, 2, 3, 4, 5, 6], [0x80, 0]);
    assert_eq!(f1(&unrotated), f1(&Milenage::new(&KEY, &OPC)));
    // With r3 and c3 in the place of r2 and c2, f2 and f5 give what f3 gives.
    let mut constants = CONSTANTS;
    constants.copy_within(32..48, 16);
    let moved = Milenage::with_constants(&KEY, &OPC, [64, 32, 32, 64, 96], &constants).f2345(&rand);
    assert_eq!((&moved.res[..], &moved.ak[..]), (&standard.ck[8..], &standard.ck[..6]));
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

/// The built profile with other parameters of authentication for its USIM, and with all services.
fn with_aka(change: impl FnOnce(&mut AkaParameter)) -> Result<Terminal, InstallError> {
    let mut elements = elements();
    for element in &mut elements {
        if let Element::Template(template) = element
            && let Some(file) = template.file_mut("ef-ust")
        {
            file.set_content(&[0xFF; 14]);
        }
    }
    let mut aka = elements.iter_mut().filter_map(|element| match element {
        Element::AkaParameter(aka) => Some(aka),
        _ => None,
    });
    change(aka.next().expect("keys of the USIM"));
    Ok(Terminal::new(install_elements(elements)?.0).usim())
}

fn algorithm(aka: &mut AkaParameter) -> &mut AlgoParameter {
    match &mut aka.algorithm {
        AlgorithmConfiguration::Algorithm(algorithm) => algorithm,
        AlgorithmConfiguration::Mapping(_) => panic!("keys of its own"),
    }
}

fn octets(bytes: &[u8]) -> Option<OctetString> {
    Some(OctetString::from(bytes.to_vec()))
}

/// What the card answers to a number of the network: DB, or DC when it is not fresh.
fn answer_to(card: &mut Terminal, sequence: u64, index: u64) -> u8 {
    let (network, rand) = (Milenage::new(&KEY, &OPC), [0x44; 16]);
    let [_, _, sqn @ ..] = (sequence << 5 | index).to_be_bytes();
    card.authenticate(&rand, &autn(&network, &rand, sqn, [0x80, 0])).data[0]
}

#[test]
fn without_ranges_in_the_profile_numbers_may_jump_by_the_default_delta_and_grow_old() {
    let defaults = |aka: &mut AkaParameter| {
        (aka.sqn_options, aka.sqn_delta, aka.sqn_age_limit, aka.sqn_init) = (None, None, None, None);
    };
    for (sequence, expected) in [(0x1000_0000, 0xDB), (0x1000_0001, 0xDC)] {
        let mut card = with_aka(defaults).expect("it installs");
        assert_eq!(answer_to(&mut card, sequence, 0), expected, "{sequence:X}");
    }
    let mut card = with_aka(defaults).expect("it installs");
    assert_eq!([answer_to(&mut card, 0x1000_0000, 0), answer_to(&mut card, 1, 1)], [0xDB, 0xDB]);
}

#[test]
fn numbers_are_fresh_within_the_ranges_of_the_profile() {
    let mut card = with_aka(|aka| {
        aka.sqn_options = octets(&[0x03]);
        aka.sqn_delta = octets(&[0, 0, 0, 0, 0, 100]);
        aka.sqn_age_limit = octets(&[0, 0, 0, 0, 0, 50]);
        aka.sqn_init = None;
    })
    .expect("it installs");
    for (sequence, index, expected) in
        [(101, 0, 0xDC), (90, 0, 0xDB), (40, 1, 0xDC), (41, 1, 0xDB), (191, 2, 0xDC), (190, 2, 0xDB)]
    {
        assert_eq!(answer_to(&mut card, sequence, index), expected, "{sequence}");
    }
    let range = with_aka(|aka| aka.sqn_delta = octets(&[0x08, 0, 0, 0, 0, 0]));
    assert_eq!(range.err().map(|error| error.status()), Some(PeStatusCode::BAD_VALUES));
}

#[test]
fn the_counter_of_the_profile_counts_every_challenge() {
    let max = |aka: &mut AkaParameter| algorithm(aka).auth_counter_max = octets(&[0, 0, 3]);
    let mut card = with_aka(max).expect("it installs");
    assert_eq!(card.authenticate(&[0; 16], &[0; 16]).sw, StatusWord::INCORRECT_MAC);
    assert!(card.changed, "one that is not genuine as well");
    card.ok(&format!("00880080 11 10{} 00", "31".repeat(16)));
    assert!(card.changed, "and one of GSM");
    assert_eq!(answer_to(&mut card, 1, 0), 0xDB);
    assert_eq!(card.authenticate(&[0; 16], &[0; 16]).sw, StatusWord::CONDITIONS_NOT_SATISFIED);
    assert_eq!(card.status(&format!("00880080 11 10{} 00", "31".repeat(16))), "6985");
}

#[test]
fn the_test_algorithm_answers_as_long_as_its_options_say_and_without_a_limit() {
    for (options, length) in [(0, 4), (1, 8), (2, 16)] {
        let mut card = with_aka(|aka| {
            let algorithm = algorithm(aka);
            algorithm.algorithm_id = AlgoParameter::USIM_TEST;
            algorithm.options = OctetString::from(vec![options]);
            algorithm.auth_counter_max = octets(&[0, 0, 1]);
        })
        .expect("it installs");
        let mut network = Subscriber::usim_test(KEY);
        for rand in [[0x17; 16], [0x71; 16]] {
            let vector = network.challenge(rand);
            let response = card.authenticate(vector.rand(), vector.autn());
            assert_eq!(response.data[..2], [0xDB, length], "options {options}");
            assert_eq!(response.data[2..][..length.into()], vector.xres()[..length.into()]);
        }
    }
}
