//! TUAK on the card: the published sets, and a subscriber that the network's own implementation authenticates.

use rsp_apdu::{Response, StatusWord};
use rsp_asn1::OctetString;
use rsp_euicc::interpreter::InstallError;
use rsp_euicc::usim::tuak::{Lengths, Tuak};
use rsp_network::{Answer, Error, Subscriber};
use rsp_saip::aka::{AlgoParameter, AlgorithmConfiguration};
use rsp_saip::status::PeStatusCode;
use rsp_saip::{Element, Secret};
use serde_json::Value;

use crate::profile::{Terminal, elements, install_elements};

const TOPC: [u8; 32] = [0x7A; 32];

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hexadecimal")).expect("hexadecimal")
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().expect("as long as the set says")
}

#[test]
fn tuak_agrees_with_all_conformance_sets() {
    let Some(vectors) = rsp_testkit::standards_json("vectors/tuak-ts35232-35233.json") else { return };
    let sets = vectors["tuak"].as_array().expect("sets");
    for set in sets {
        let length = |name: &str| (set["lengths"][name].as_u64().unwrap_or(0) / 8) as u8;
        let lengths =
            Lengths { mac: length("LEN_MAC"), res: length("LEN_RES"), ck: length("LEN_CK"), ik: length("LEN_IK") };
        let iterations = set["lengths"]["KeccakIterations"].as_u64().expect("a count") as u8;
        let (key, rand, outputs) = (bytes(&set["k"]), array(&set["rand"]), &set["outputs"]);
        let topc = Tuak::topc(&key, &array(&set["top"]), iterations);
        let tuak = Tuak::new(&key, &topc, lengths, iterations).expect("a key of 16 or 32 bytes");
        if lengths.mac > 0 {
            let (sqn, amf) = (array(&set["sqn"]), array(&set["amf"]));
            assert_eq!(topc, array::<32>(&outputs["TOPc"]), "{set}");
            assert_eq!(tuak.f1(&rand, sqn, amf), bytes(&outputs["f1"]), "{set}");
            assert_eq!(tuak.f1_star(&rand, sqn, amf), bytes(&outputs["f1star"]), "{set}");
        } else {
            let (out, expected) = (tuak.f2345(&rand), &outputs["f2345"]);
            assert_eq!((&out.res, &*out.ck), (&bytes(&expected[0]), &bytes(&expected[1])), "{set}");
            assert_eq!((&*out.ik, out.ak), (&bytes(&expected[2]), array(&expected[3])), "{set}");
            assert_eq!(tuak.f5_star(&rand)[..], bytes(&outputs["f5star"]), "{set}");
        }
    }
    assert_eq!(sets.len(), 12);
}

/// The built profile with TUAK in place of Milenage.
fn profile(options: u8, key: &[u8], topc: &[u8], iterations: Option<u8>) -> Result<Terminal, InstallError> {
    let mut elements = elements();
    for element in &mut elements {
        if let Element::AkaParameter(aka) = element
            && let AlgorithmConfiguration::Algorithm(parameter) = &mut aka.algorithm
        {
            parameter.algorithm_id = AlgoParameter::TUAK;
            parameter.options = OctetString::from(vec![options]);
            parameter.key = Secret::from(key);
            parameter.opc = Secret::from(topc);
            parameter.number_of_keccak = iterations;
        }
    }
    Ok(Terminal::new(install_elements(elements)?.0).usim())
}

fn network(key: &[u8], iterations: u8, res_length: usize) -> Subscriber {
    let tuak = rsp_network::Tuak::new(key, TOPC).expect("16 or 32 bytes").with_iterations(iterations);
    Subscriber::tuak(tuak, res_length)
}

fn answer(response: &Response) -> Answer {
    Answer::parse(&response.data, response.sw.0).expect("an answer")
}

#[test]
fn a_tuak_subscriber_authenticates_at_its_network() {
    for (key, iterations, options, res_length) in [
        (&[0x11; 16][..], None, 0x00, 4),
        (&[0x11; 16], Some(1), 0x09, 8),
        (&[0x22; 32], Some(2), 0x0A, 16),
        (&[0x22; 32], Some(1), 0x02, 16),
    ] {
        let mut card = profile(options, key, &TOPC, iterations).expect("it installs");
        let mut network = network(key, iterations.unwrap_or(1), res_length);
        for rand in [[0x5A; 16], [0xC3; 16]] {
            let vector = network.challenge(rand);
            let response = card.authenticate(vector.rand(), vector.autn());
            assert_eq!(response.data[..2], [0xDB, res_length as u8]);
            assert_eq!(vector.verify(&answer(&response)), Ok(()), "options {options:02X}");
            assert!(card.changed, "the sequence number must be stored");
        }
    }
}

#[test]
fn a_tuak_card_resynchronises_its_network() {
    let key = [0x33; 32];
    let mut card = profile(0x02, &key, &TOPC, None).expect("it installs");
    let ahead = rsp_network::Sqn::from_bytes([0, 0, 0, 0, 0x40, 0x07]);
    let vector = network(&key, 1, 16).vector([1; 16], ahead);
    assert_eq!(card.authenticate(vector.rand(), vector.autn()).data[0], 0xDB);
    // A network that starts anew is behind: AUTS tells it where the card is.
    let mut network = network(&key, 1, 16);
    let rand = [2; 16];
    let old = network.vector(rand, ahead);
    let response = card.authenticate(&rand, old.autn());
    let Answer::SynchronisationFailure(auts) = answer(&response) else { panic!("the number was used before") };
    assert_eq!(network.resynchronise(&rand, &auts), Ok(ahead));
    let vector = network.challenge([3; 16]);
    assert_eq!(vector.verify(&answer(&card.authenticate(vector.rand(), vector.autn()))), Ok(()));
    // One flipped bit of K, TOPc or AUTN is noticed.
    let mut autn = *network.challenge([4; 16]).autn();
    autn[15] ^= 1;
    assert_eq!(card.authenticate(&[4; 16], &autn).sw, StatusWord::INCORRECT_MAC);
    let mut other = key;
    other[31] ^= 1;
    let foreign = self::network(&other, 1, 16).challenge([5; 16]);
    assert_eq!(card.authenticate(foreign.rand(), foreign.autn()).sw, StatusWord::INCORRECT_MAC);
    let short = Answer::parse(&[0xDB, 3, 1, 2, 3], 0x9000);
    assert!(matches!(short, Err(Error::Malformed(_))));
}

/// With longer outputs AUTN, AUTS and the keys grow; no network of today asks for that.
#[test]
fn longer_outputs_are_as_long_as_the_options_say() {
    let (key, rand) = ([0x44; 16], [6; 16]);
    // RES 256, MAC 128, CK 256, IK 256.
    let lengths = Lengths { mac: 16, res: 32, ck: 32, ik: 32 };
    assert_eq!(Lengths::from_options(0xD4), Some(lengths));
    let mut card = profile(0xD4, &key, &TOPC, None).expect("it installs");
    let tuak = Tuak::new(&key, &TOPC, lengths, 1).expect("16 bytes");
    let (sqn, amf) = ([0, 0, 0, 0, 1, 0], [0x80, 0]);
    let out = tuak.f2345(&rand);
    let concealed: Vec<u8> = sqn.iter().zip(out.ak).map(|(sqn, ak)| sqn ^ ak).collect();
    let autn = [&concealed[..], &amf, &tuak.f1(&rand, sqn, amf)].concat();
    let command = format!("00880081 2A 10{} 18{} 00", hex::encode(rand), hex::encode(&autn));
    let answer = card.ok(&command);
    let expected = [&[0xDB, 32][..], &out.res, &[32], &out.ck, &[32], &out.ik].concat();
    assert_eq!(answer, hex::encode_upper(expected));
    let auts = card.ok(&command);
    assert!(auts.starts_with("DC16") && auts.len() == 48, "{auts}");
    assert_eq!(card.authenticate(&rand, &autn[..16]).sw, StatusWord::WRONG_LENGTH);
}

#[test]
fn keys_that_tuak_does_not_know_are_refused() {
    for (options, key, topc, iterations) in [
        (0x00, &[1; 24][..], &TOPC[..], None),
        (0x00, &[1; 16], &[2; 16], None),
        (0x00, &[1; 16], &TOPC, Some(0)),
        (0x03, &[1; 16], &TOPC, None),
        (0x18, &[1; 16], &TOPC, None),
    ] {
        let error = profile(options, key, topc, iterations).err().expect("refused");
        let status = error.statuses.last().expect("a status").status;
        assert_eq!(status, PeStatusCode::BAD_VALUES, "{options:02X} {error}");
    }
}
