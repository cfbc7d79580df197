//! The keys in the package are those that the card computes with: a network with other keys is told apart.

use std::path::Path;

use rsp_apdu::CardAccess as _;
use rsp_card::InProcess;
use rsp_euicc::{Euicc, FileStore};
use rsp_network::{Answer, Error, Subscriber};
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_testkit::SeededRandomness;

use crate::bed::{Bed, Service};

const KEY: [u8; 16] = *b"K of this test..";
const OPC: [u8; 16] = *b"OPc of this one.";
const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

/// A package with these keys.
fn package(iccid: &str) -> Vec<u8> {
    let code = |digits: &str| Secret::from(digits.as_bytes());
    let builder = ProfileBuilder {
        iccid: iccid.to_owned(),
        imsi: "001010123456789".to_owned(),
        mnc_length: 2,
        spn: "Keys".to_owned(),
        profile_type: "keys".to_owned(),
        msisdn: None,
        gid1: None,
        gid2: None,
        key: Secret::from(&KEY[..]),
        opc: Secret::from(&OPC[..]),
        codes: Codes {
            pin1: code("0000"),
            puk1: code("11111111"),
            pin2: code("0000"),
            puk2: code("22222222"),
            adm1: code("55555555"),
        },
        isim: false,
        pad_to: 0,
    };
    builder.build().unwrap().to_der().to_vec()
}

/// Orders the package, downloads it with the LPA and enables it.
fn install(bed: &Bed, server: &Service, card: &str, name: &str, package: &[u8]) {
    let file = bed.path(name);
    std::fs::write(&file, package).unwrap();
    bed.smdp(&["import", &file, "--type", name, "--spn", "Keys", "--profile-name", name]).ok();
    let order = bed.smdp(&["order", "--type", name]).ok();
    let card = format!("file:{card}");
    let code = order["activation_code"].as_str().unwrap();
    bed.lpa(&card, server.address, &["profile", "download", code, "--yes"]).ok();
    bed.lpa(&card, server.address, &["profile", "enable", order["iccid"].as_str().unwrap()]).ok();
}

/// What a network that knows the keys above makes of the enabled profile.
fn authenticate(card: &str) -> Result<(), Error> {
    let (store, state) = FileStore::open(Path::new(card)).unwrap();
    let randomness = Box::new(SeededRandomness::new("card"));
    let mut access = InProcess::new(Euicc::new(state, store, randomness).unwrap());
    let channel = access.open_channel(&USIM).unwrap();
    let vector = Subscriber::milenage(KEY, OPC).challenge([0x5A; 16]);
    let response = access.transmit(&vector.command(channel)).unwrap();
    let answer = Answer::parse(&response.data, u16::from_be_bytes(response.sw.to_bytes()))?;
    vector.verify(&answer)
}

#[test]
fn one_flipped_bit_of_k_or_opc_in_the_package_makes_authenticate_fail() {
    let bed = Bed::new();
    let server = bed.serve();
    let card = bed.card("card.euicc", "p256", &[]);
    for (name, iccid, flipped, expected) in [
        ("good", "89001012012341234014", None, Ok(())),
        ("k", "89001012012341234022", Some((KEY, 3)), Err(Error::IncorrectMac)),
        ("opc", "89001012012341234030", Some((OPC, 124)), Err(Error::IncorrectMac)),
    ] {
        let mut package = package(iccid);
        if let Some((secret, bit)) = flipped {
            let place = package.windows(16).position(|window| window == secret).unwrap();
            package[place + bit / 8] ^= 1 << (bit % 8);
        }
        install(&bed, &server, &card, name, &package);
        assert_eq!(authenticate(&card), expected, "{name}");
    }
}
