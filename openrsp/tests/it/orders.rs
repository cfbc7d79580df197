//! Orders as an operator makes them: codes, bindings, templates, cancelled orders.

use serde_json::Value;

use crate::bed::{Bed, HOST, Service, openrsp, write_private};

/// A bed with a running server and a template to order from.
struct Shop {
    bed: Bed,
    server: Service,
}

impl Shop {
    fn open() -> Self {
        let bed = Bed::new();
        let kept = bed.path("demo");
        openrsp(["demo", "--keep", &kept]).ok();
        let package = format!("{kept}/profile.der");
        let import = ["import", &package, "--type", "t", "--template", "--spn", "S", "--profile-name", "N"];
        bed.smdp(&import).ok();
        let server = bed.serve();
        Self { bed, server }
    }

    fn order(&self, more: &[&str]) -> Value {
        self.bed.smdp(&[&["order", "--type", "t"], more].concat()).ok()
    }

    fn state(&self, order: &Value) -> Value {
        self.bed.smdp(&["show", order["iccid"].as_str().unwrap()]).ok()["state"].clone()
    }

    #[track_caller]
    fn download(&self, card: &str, order: &Value, more: &[&str]) -> (i32, Value) {
        let code = order["activation_code"].as_str().unwrap();
        let arguments = [&["profile", "download", code, "--yes"], more].concat();
        let mut ended = self.bed.lpa(&format!("file:{card}"), self.server.address, &arguments);
        (ended.code, ended.lines.pop().unwrap_or_default())
    }
}

#[test]
fn each_order_of_a_template_is_another_subscriber() {
    let shop = Shop::open();
    let orders = shop.bed.smdp(&["order", "--type", "t", "--count", "3"]).lines;
    let mut iccids: Vec<_> = orders.iter().map(|order| order["iccid"].as_str().unwrap().to_owned()).collect();
    iccids.sort();
    iccids.dedup();
    assert_eq!(iccids.len(), 3);
    for iccid in iccids {
        assert!(iccid.parse::<rsp_asn1::Iccid>().unwrap().check_digit_valid(), "{iccid}");
    }
    let card = shop.bed.card("card.euicc", "p256", &[]);
    for order in &orders[..2] {
        assert_eq!(shop.download(&card, order, &[]).0, 0);
    }
    let profiles = openrsp(["euicc", "show", &card]).ok()["profiles"].clone();
    assert_eq!(profiles.as_array().unwrap().len(), 2, "{profiles}");
}

#[test]
fn matching_ids_are_random_upper_case_and_long() {
    let shop = Shop::open();
    let orders = shop.bed.smdp(&["order", "--type", "t", "--count", "20"]).lines;
    let mut seen = std::collections::BTreeSet::new();
    for order in &orders {
        let matching_id = order["matching_id"].as_str().unwrap();
        assert!(matching_id.len() >= 26, "5 bits a character: {matching_id}");
        assert!(matching_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{matching_id}");
        assert!(order["activation_code"].as_str().unwrap().starts_with(&format!("LPA:1${HOST}${matching_id}")));
        assert!(seen.insert(matching_id));
    }
}

#[test]
fn matching_ids_are_as_long_as_the_configuration_says() {
    let shop = Shop::open();
    let file = std::path::Path::new(&shop.bed.path("server")).join("openrsp.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("matching_id_characters = 26", "matching_id_characters = 52")).unwrap();
    let order = shop.order(&[]);
    let (matching_id, code) = (order["matching_id"].as_str().unwrap(), order["activation_code"].as_str().unwrap());
    assert_eq!(matching_id.len(), 52, "{order}");
    assert!(matching_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{matching_id}");
    assert!(code.len() <= 255 && code.contains(matching_id), "{code}");
    let card = shop.bed.card("card.euicc", "p256", &[]);
    assert_eq!(shop.download(&card, &order, &[]).0, 0);
}

#[test]
fn an_order_for_another_eid_is_refused_with_its_code() {
    let shop = Shop::open();
    let own = shop.bed.card("own.euicc", "p256", &[]);
    let other_eid =
        rsp_asn1::Eid([0x89, 4, 0x90, 0x32, 0x12, 0x34, 0x51, 0x23, 0x45, 0x12, 0x34, 0x56, 0x78, 0x90, 0x99, 0])
            .with_check_digits()
            .to_string();
    let other = shop.bed.card("other.euicc", "p256", &["--eid", &other_eid]);
    let order = shop.order(&["--eid", &other_eid]);
    let (code, result) = shop.download(&own, &order, &[]);
    assert_eq!(code, 4, "{result}");
    assert_eq!((&result["subject"], &result["reason"]), (&"8.1.1".into(), &"3.8".into()), "{result}");
    assert_eq!(shop.state(&order), "Released", "a refusal changes nothing");
    assert_eq!(shop.download(&other, &order, &[]).0, 0);
    assert_eq!(shop.state(&order), "Installed");
}

#[test]
fn a_confirmation_code_is_asked_for_counted_and_accepted() {
    let shop = Shop::open();
    let card = shop.bed.card("card.euicc", "p256", &[]);
    let order = shop.order(&["--confirmation-code", "auto"]);
    let text = order["activation_code"].as_str().unwrap();
    let secret = order["confirmation_code"].as_str().unwrap();
    assert!(text.ends_with("$$1") && !text.contains(secret), "the code is not part of the activation code: {text}");

    let (code, result) = shop.download(&card, &order, &[]);
    assert_eq!(code, 2, "no terminal and no flag: {result}");
    assert!(result["error"].as_str().unwrap_or_default().contains("--confirmation-code"), "{result}");

    let file = shop.bed.path("code");
    let from_file = format!("@{file}");
    write_private(&file, "WRONG1\n");
    let (code, result) = shop.download(&card, &order, &["--confirmation-code", &from_file]);
    assert_eq!((code, &result["subject"], &result["reason"]), (4, &"8.2.7".into(), &"3.8".into()), "{result}");

    write_private(&file, &format!("{secret}\n"));
    let (code, result) = shop.download(&card, &order, &["--confirmation-code", &from_file]);
    assert_eq!(code, 0, "{result}");
    assert_eq!(shop.state(&order), "Installed");
}

#[test]
fn a_cancelled_order_is_gone() {
    let shop = Shop::open();
    let card = shop.bed.card("card.euicc", "p256", &[]);
    let order = shop.order(&[]);
    shop.bed.smdp(&["cancel", order["iccid"].as_str().unwrap()]).ok();
    let (code, result) = shop.download(&card, &order, &[]);
    assert_eq!((code, &result["subject"], &result["reason"]), (4, &"8.2.6".into(), &"3.8".into()), "{result}");
    let taken = shop.bed.smdp(&["order", "--type", "t", "--matching-id", order["matching_id"].as_str().unwrap()]);
    assert_ne!(taken.code, 0, "a matching ID is never given out twice");
}

#[test]
fn an_order_whose_code_cannot_be_written_changes_nothing() {
    let shop = Shop::open();
    let before = shop.bed.smdp(&["orders"]).lines;
    let long = "A".repeat(250);
    let ended = shop.bed.smdp(&["order", "--type", "t", "--matching-id", &long]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(shop.bed.smdp(&["orders"]).lines, before);
}

#[test]
fn orders_that_were_placed_are_printed_when_others_fail() {
    let shop = Shop::open();
    let package = format!("{}/profile.der", shop.bed.path("demo"));
    shop.bed.smdp(&["import", &package, "--type", "one", "--spn", "S"]).ok();
    let again = shop.bed.smdp(&["import", &package, "--type", "one", "--spn", "S"]);
    assert_eq!(again.code, 3, "the ICCID is known: {}", again.stderr);
    let ended = shop.bed.smdp(&["order", "--type", "one", "--count", "3"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let [placed, failed] = &ended.lines[..] else { panic!("{:?}", ended.lines) };
    assert_eq!(shop.state(placed), "Released");
    assert!(failed["error"].as_str().unwrap().starts_with("1 of 3 orders were placed"), "{failed}");
    assert_eq!(shop.bed.smdp(&["order", "--type", "t", "--count", "0"]).code, 2);
}

#[test]
fn what_cannot_be_undone_is_asked_and_what_cannot_be_done_is_said_in_words() {
    let shop = Shop::open();
    let card = shop.bed.card("card.euicc", "p256", &[]);
    let order = shop.order(&[]);
    assert_eq!(shop.download(&card, &order, &[]).0, 0);
    let iccid = order["iccid"].as_str().unwrap();
    let cancelled = shop.bed.smdp(&["cancel", iccid]);
    assert_eq!(cancelled.code, 1);
    assert!(cancelled.stderr.contains("is Installed, and nothing is left to cancel"), "{}", cancelled.stderr);

    let lpa = |more: &[&str]| {
        shop.bed.lpa(&format!("file:{card}"), shop.server.address, &[&["profile", "delete", iccid], more].concat())
    };
    let asked = lpa(&[]);
    assert_eq!(asked.code, 2, "there is no terminal to ask at");
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert_eq!(lpa(&["--yes"]).ok()["now"], "deleted");
}

#[test]
fn a_new_card_says_what_was_probably_meant() {
    let bed = Bed::new();
    let (server, file) = (bed.path("server"), bed.path("card.euicc"));
    let ended = openrsp(["euicc", "new", &file, "--pki", &server]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains(&format!("did you mean {server}/pki?")), "{}", ended.stderr);
    let wrong = "89049032123451234512345678901230";
    let right = wrong.parse::<rsp_asn1::Eid>().unwrap().with_check_digits().to_string();
    assert_ne!(wrong, right);
    let ended = openrsp(["euicc", "new", &file, "--pki", bed.pki(), "--eid", wrong]);
    assert!(ended.stderr.contains(&format!("they should be those of {right}")), "{}", ended.stderr);
    ended.ok();
}

#[test]
fn a_second_card_of_the_same_eid_reports_its_own_installation() {
    // A test card is often made anew: its sequence numbers begin at 1 again under the same, published EID.
    let shop = Shop::open();
    for name in ["first.euicc", "second.euicc"] {
        let card = shop.bed.card(name, "p256", &[]);
        let order = shop.order(&[]);
        assert_eq!(shop.download(&card, &order, &[]).0, 0);
        assert_eq!(shop.state(&order), "Installed", "{name}");
    }
}

#[test]
fn side_files_of_the_database_that_others_can_read_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::open();
    for name in ["openrsp.db-wal", "openrsp.db-shm"] {
        let file = format!("{}/{name}", shop.bed.path("server"));
        // One that SQLite keeps while the database is open, or an empty one in its place.
        let new = std::fs::OpenOptions::new().append(true).create(true).open(&file).unwrap();
        let private = std::fs::Permissions::from_mode(0o600);
        new.set_permissions(std::fs::Permissions::from_mode(0o640)).unwrap();
        let ended = shop.bed.smdp(&["orders"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("chmod 600 {file}")), "{}", ended.stderr);
        new.set_permissions(private).unwrap();
        shop.bed.smdp(&["orders"]).ok();
    }
}

#[test]
fn limits_that_no_server_should_have_are_refused_by_name() {
    let shop = Shop::open();
    let file = format!("{}/openrsp.toml", shop.bed.path("server"));
    let text = std::fs::read_to_string(&file).unwrap();
    for (good, bad) in [
        ("confirmation_code_tries = 5", "confirmation_code_tries = 2"),
        ("downloads = 10", "downloads = 0"),
        ("session_seconds = 300", "session_seconds = 29"),
    ] {
        assert!(text.contains(good), "{text}");
        std::fs::write(&file, text.replace(good, bad)).unwrap();
        let ended = shop.bed.smdp(&["orders"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        let (name, value) = bad.split_once(" = ").unwrap();
        assert!(ended.stderr.contains(&format!("limits.{name}: {value} is not at least")), "{}", ended.stderr);
    }
    for bad in ["2.2", "two", "2.2.0.1", "2.256.0"] {
        std::fs::write(&file, text.replace("\"2.0.0\"", &format!("{bad:?}"))).unwrap();
        let ended = shop.bed.smdp(&["orders"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("limits.minimum_svn: {bad:?}")), "{}", ended.stderr);
    }
    std::fs::write(&file, text).unwrap();
    shop.bed.smdp(&["orders"]).ok();
}
