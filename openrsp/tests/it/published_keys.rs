//! Packages that anybody can change over the air: refused, unless they are for tests and somebody says so.

use rsp_saip::application::{KeyComponent, KeyObject, UiccApplicationParameters};
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::{Element, ProfileElement, ProfilePackage, Secret, Unknown};
use serde_json::json;

use crate::bed::{Bed, openrsp};

const PUBLISHED: &str = "404142434445464748494a4b4c4d4e4f";

/// A package whose security domain is reached under a TAR, with GlobalPlatform's default keys.
fn open_package() -> Vec<u8> {
    let code = |digits: &str| Secret::from(digits.as_bytes());
    let builder = ProfileBuilder {
        iccid: "8900101000000000019".to_owned(),
        imsi: "001010123456789".to_owned(),
        mnc_length: 2,
        spn: "Open".to_owned(),
        profile_type: "open".to_owned(),
        msisdn: None,
        gid1: None,
        gid2: None,
        // A key that test profiles may have.
        key: Secret::from(&[0; 16][..]),
        opc: Secret::from(&[0xC5; 16][..]),
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
    let package = builder.build().unwrap();
    let elements = package.elements().iter().map(|element| {
        let mut element = element.element().clone();
        if let Element::SecurityDomain(domain) = &mut element {
            domain.instance.uicc_parameters = Some(UiccApplicationParameters {
                toolkit: Some(hex::decode("010000000002010203B2010000").unwrap().into()),
                access: None,
                administrative_access: None,
                unknown: Unknown::default(),
            });
            domain.key_list = Some([1, 2].map(key).to_vec());
        }
        ProfileElement::new(element).unwrap()
    });
    ProfilePackage::new(elements.collect()).to_der().to_vec()
}

fn key(identifier: u8) -> KeyObject {
    KeyObject {
        usage_qualifier: vec![0x18].into(),
        access: None,
        identifier: vec![identifier].into(),
        version_number: vec![3].into(),
        counter_value: None,
        components: vec![KeyComponent {
            key_type: vec![0x88].into(),
            key_data: Secret::from(&hex::decode(PUBLISHED).unwrap()[..]),
            mac_length: None,
            unknown: Unknown::default(),
        }],
        unknown: Unknown::default(),
    }
}

fn bed_with_package() -> (Bed, String) {
    let bed = Bed::new();
    let package = bed.path("open.der");
    std::fs::write(&package, open_package()).unwrap();
    (bed, package)
}

#[test]
fn atk_tp_public_keys_are_not_imported_unless_it_is_allowed_for_a_test_profile() {
    let (bed, package) = bed_with_package();
    let import = |more: &[&str]| bed.smdp(&[&["import", &package, "--type", "open"], more].concat());
    let allow = "--allow-published-keys";
    for refused in [&[][..], &["--class", "test"], &[allow], &[allow, "--class", "provisioning"], &["--template"]] {
        let ended = import(refused);
        assert_eq!(ended.code, 3, "{refused:?}");
        let reason = "the keys of security domain A000000151000000 are published (version 03), and it is reached over the \
                      air (TAR B20100)";
        assert!(ended.stderr.contains(reason), "{refused:?}: {}", ended.stderr);
    }
    assert_eq!(bed.smdp(&["types"]).lines.len(), 0);
    import(&[allow, "--class", "test"]).ok();
}

#[test]
fn atk_tp_public_keys_of_published_test_profiles() {
    let Some(dir) = rsp_testkit::standards_dir() else { return };
    let bed = Bed::new();
    for (number, entry) in std::fs::read_dir(dir.join("ts48")).unwrap().enumerate() {
        let path = entry.unwrap().path();
        let Some(name) = path.to_str().filter(|name| name.ends_with(".der")) else { continue };
        let imported = bed.smdp(&["import", name, "--type", &format!("t{number}"), "--class", "test"]);
        if name.contains("NoRAMRFM") {
            // Both have the ICCID of all the others.
            assert!(imported.code == 0 || imported.stderr.contains("already a profile"), "{name}: {}", imported.stderr);
        } else {
            assert!(imported.code == 3 && imported.stderr.contains("are published"), "{name}: {}", imported.stderr);
        }
    }
}

#[test]
fn a_card_shows_what_is_reached_over_the_air_and_no_keys() {
    let (bed, package) = bed_with_package();
    bed.smdp(&["import", &package, "--type", "open", "--class", "test", "--allow-published-keys"]).ok();
    let server = bed.serve();
    let file = bed.card("card.euicc", "p256", &["--accept-published-keys"]);
    let order = bed.smdp(&["order", "--type", "open"]).ok();
    let code = order["activation_code"].as_str().unwrap();
    bed.lpa(&format!("file:{file}"), server.address, &["profile", "download", code, "--yes"]).ok();
    let shown = openrsp(["euicc", "show", &file]).ok();
    assert_eq!(shown["accepts_published_keys"], true);
    let expected = json!({
        "security_domains": [{
            "aid": "A000000151000000", "tars": ["B20100"], "key_versions": [3], "minimum_security_level": 2,
        }],
        "applications": [], "file_management": [],
    });
    assert_eq!(shown["profiles"][0]["card_content"], expected);
    assert!(!shown.to_string().to_lowercase().contains(PUBLISHED));
    let plain =
        std::process::Command::new(env!("CARGO_BIN_EXE_openrsp")).args(["euicc", "show", &file]).output().unwrap();
    let plain = String::from_utf8(plain.stdout).unwrap();
    let line = "security domain A000000151000000: TAR B20100, security 02 at least, key versions [03]";
    assert!(plain.contains(line) && plain.contains("published keys count"), "{plain}");
    let default = bed.card("default.euicc", "p256", &[]);
    assert_eq!(openrsp(["euicc", "show", &default]).ok()["accepts_published_keys"], false);
}

#[test]
fn what_was_allowed_is_allowed_again_in_an_exported_laboratory() {
    let (bed, package) = bed_with_package();
    bed.smdp(&["import", &package, "--type", "open", "--class", "test", "--allow-published-keys"]).ok();
    let exported = bed.smdp(&["export", "--out", &bed.path("exported")]).ok();
    let file = exported["file"].as_str().unwrap();
    let second = Bed::new();
    let loaded = second.smdp(&["load", file]);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    // Without the word it is refused, with its place in the file.
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, text.replace("allow_published_keys = true\n", "")).unwrap();
    let third = Bed::new();
    let refused = third.smdp(&["load", file]);
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains("[[type]] 1: package: ") && refused.stderr.contains("allow_published_keys"),
        "{}",
        refused.stderr
    );
}
