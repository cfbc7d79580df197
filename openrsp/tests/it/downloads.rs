//! Downloads end to end: the published PKI and our own, on both curves.

use std::path::Path;

use crate::bed::{Bed, HOST, openrsp};

/// A package made for a test: the demo's.
pub(crate) fn package(bed: &Bed) -> String {
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    format!("{kept}/profile.der")
}

/// One download with an activation code, its metadata, and what the server then says of the order.
fn download(bed: &Bed, curve: &str) {
    let package = package(bed);
    let notify = format!("install={HOST}");
    bed.smdp(&["import", &package, "--type", "t", "--spn", "Spn", "--profile-name", "Name", "--notify", &notify]).ok();
    let order = bed.smdp(&["order", "--type", "t"]).ok();
    let code = order["activation_code"].as_str().unwrap();
    let server = bed.serve();
    let card = format!("file:{}", bed.card("card.euicc", curve, &[]));
    let result = bed.lpa(&card, server.address, &["profile", "download", code, "--yes"]).ok();
    assert_eq!(result["result"], "ok", "{result}");
    let shown = bed.smdp(&["show", order["iccid"].as_str().unwrap()]).ok();
    assert_eq!(shown["state"], "Installed", "{shown}");

    let list = bed.lpa(&card, server.address, &["profile", "list"]).ok();
    assert_eq!(list["profiles"][0]["profile_name"], "Name", "{list}");
    let again = bed.lpa(&card, server.address, &["profile", "download", code, "--yes"]);
    assert_eq!(again.code, 4, "an order that is installed cannot be downloaded again: {:?}", again.lines);
}

#[test]
fn own_pki_p256() {
    download(&Bed::new(), "p256");
}

#[test]
fn own_pki_brainpool() {
    download(&Bed::new(), "brainpool");
}

/// The bounds of names count characters, whatever these take in UTF-8: at the server, on the card and in the LPA.
#[test]
fn the_longest_names_pass_in_any_script() {
    let bed = Bed::new();
    let package = package(&bed);
    let (spn, name, nickname) = ("話".repeat(32), "電".repeat(64), "ä".repeat(64));
    let import =
        |spn: &str, name: &str| bed.smdp(&["import", &package, "--type", "t", "--spn", spn, "--profile-name", name]);
    assert_ne!(import(&"話".repeat(33), &name).code, 0);
    assert_ne!(import(&spn, &"電".repeat(65)).code, 0);
    import(&spn, &name).ok();
    let order = bed.smdp(&["order", "--type", "t"]).ok();
    let server = bed.serve();
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    let lpa = |arguments: &[&str]| bed.lpa(&card, server.address, arguments);
    let result = lpa(&["profile", "download", order["activation_code"].as_str().unwrap(), "--yes"]).ok();
    assert_eq!((&result["service_provider_name"], &result["profile_name"]), (&spn.into(), &name.into()), "{result}");
    let iccid = order["iccid"].as_str().unwrap();
    assert_eq!(lpa(&["profile", "nickname", iccid, &"ä".repeat(65)]).code, 2);
    lpa(&["profile", "nickname", iccid, &nickname]).ok();
    let profile = &lpa(&["profile", "list"]).ok()["profiles"][0];
    assert_eq!(profile["service_provider_name"], result["service_provider_name"]);
    assert_eq!(profile["profile_name"], result["profile_name"]);
    assert_eq!(profile["nickname"], nickname);
}

fn published_pki(curve: &str) {
    let Some(dir) = rsp_testkit::standards_dir() else { return };
    download(&Bed::with_pki(&dir.join(Path::new("sgp26/v1-set"))), curve);
}

#[test]
fn published_pki_p256() {
    published_pki("p256");
}

#[test]
fn published_pki_brainpool() {
    published_pki("brainpool");
}
