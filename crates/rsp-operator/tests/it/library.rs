//! What the library says of a package: all that a foreign tool would find in it, and no secret.

use rsp_operator::library::{Contents, File};
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};

const KEY: &[u8; 16] = b"canary key K 000";
const OPC: &[u8; 16] = b"canary OPc 00000";

fn package() -> Vec<u8> {
    let digits = |text: &str| Secret::from(text.as_bytes());
    let package = ProfileBuilder {
        iccid: "89001012012341234014".to_owned(),
        imsi: "001010123456789".to_owned(),
        mnc_length: 2,
        spn: "Test <b>".to_owned(),
        profile_type: "maker\u{202e}".to_owned(),
        msisdn: Some("+491234567890".to_owned()),
        gid1: None,
        gid2: None,
        key: Secret::from(&KEY[..]),
        opc: Secret::from(&OPC[..]),
        codes: Codes {
            pin1: digits("7391"),
            puk1: digits("73917392"),
            pin2: digits("7393"),
            puk2: digits("73947395"),
            adm1: digits("73967397"),
        },
        isim: true,
        pad_to: 0,
    };
    package.build().unwrap().to_der().to_vec()
}

#[test]
fn applications_codes_directories_and_files_are_there_with_identifiers_and_sizes() {
    let contents = Contents::of(&package()).unwrap();
    assert_eq!((contents.iccid.as_str(), contents.provider.as_str()), ("89001012012341234014", "Test <b>"));
    assert_eq!(contents.maker, "maker\\u{202e}");
    let part = |kind: &str| contents.parts.iter().find(|part| part.kind == kind).unwrap();
    assert!(
        part("USIM").aid.starts_with("A0000000871002") && part("USIM").detail == "milenage",
        "{:?}",
        contents.parts
    );
    assert!(part("ISIM").aid.starts_with("A0000000871004"));
    assert!(!part("Security domain").aid.is_empty());
    assert!(contents.codes.iter().any(|codes| codes == "PUKs: key references 01, 81"), "{:?}", contents.codes);
    assert!(
        contents.codes.iter().any(|codes| codes.starts_with("PINs of mf: key references 01")),
        "{:?}",
        contents.codes
    );
    let file = |directory: &str, name: &str| -> File {
        let directory = contents.directories.iter().find(|found| found.name == directory).unwrap();
        directory.files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("{name}: {directory:?}")).clone()
    };
    let iccid = file("mf", "ef-iccid");
    assert_eq!((iccid.identifier, iccid.structure, iccid.size), (Some(0x2FE2), "transparent", Some(10)));
    let imsi = file("adf-usim", "ef-imsi");
    assert_eq!((imsi.identifier, imsi.structure, imsi.size), (Some(0x6F07), "transparent", Some(9)));
    // Of EF_DIR and EF_ARR the template says no size: the package does.
    let directory = file("mf", "ef-dir");
    assert_eq!((directory.identifier, directory.structure), (Some(0x2F00), "linear fixed"));
    assert!(directory.record.is_some() && directory.size.is_some());
    // What the template creates although the package is silent about it.
    let keys = file("adf-usim", "ef-keys");
    assert_eq!((keys.identifier, keys.size), (Some(0x6F08), Some(33)));
    // An element of further files puts them into the application that stands before it.
    let msisdn = file("adf-usim", "ef-msisdn");
    assert_eq!(msisdn.identifier, Some(0x6F40));
    assert_eq!(file("adf-isim", "ef-impi").identifier, Some(0x6F02));
    assert!(contents.files() > 20);
}

#[test]
fn no_key_no_code_and_no_subscriber_leaves_a_package() {
    let shown = format!("{:?}", Contents::of(&package()).unwrap());
    for secret in [hex::encode(KEY), hex::encode(OPC), "canary".to_owned(), "7391".to_owned(), "73967397".to_owned()] {
        assert!(!shown.to_lowercase().contains(&secret) && !shown.contains(&hex::encode_upper(&secret)), "{secret}");
    }
    for number in ["001010123456789", "491234567890", "0100101"] {
        assert!(!shown.contains(number), "{number}");
    }
    assert_eq!(Contents::of(b"no package"), None);
}
