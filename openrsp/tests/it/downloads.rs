//! Downloads end to end: the published PKI and our own, on both curves.

use std::path::Path;

use crate::bed::{Bed, HOST, openrsp};

/// A package made for a test: the demo's.
fn package(bed: &Bed) -> String {
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
