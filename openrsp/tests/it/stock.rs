//! Operators and stock, and the rules of orders, at the command line.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bed::{Bed, HOST, command, openrsp, write_private};

const EID: &str = "89049032123451234512345678901235";
const KEYS: &str = "465B5CE8B199B49FAA5F0A2EE238A6BC,CD63CB71954A9F4E48A5994E37A02BAF";

/// A bed with a package to import.
fn bed_with_package() -> (Bed, String) {
    let bed = Bed::new();
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let package = format!("{kept}/profile.der");
    (bed, package)
}

/// A bed with a template `t` to order from.
fn bed_with_template() -> Bed {
    let (bed, package) = bed_with_package();
    bed.smdp(&["import", &package, "--type", "t", "--template"]).ok();
    bed
}

fn certificate(bed: &Bed, name: &str) -> String {
    let out = bed.path("certificates");
    openrsp(["pki", "issue", "operator", name, "--pki", bed.pki(), "--out", &out]).ok();
    format!("{out}/{name}.pem")
}

/// What a command prints for people: on standard output, and on standard error.
fn text(bed: &Bed, arguments: &[&str]) -> (String, String) {
    let dir = bed.path("server");
    let output = Command::new(env!("CARGO_BIN_EXE_openrsp")).args(["smdp", "--dir", &dir]).args(arguments).output();
    let output = output.unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{stderr}");
    (stdout, stderr)
}

#[test]
fn an_operator_is_one_certificate() {
    let bed = Bed::new();
    let (first, second) = (certificate(&bed, "first"), certificate(&bed, "second"));
    let add = |name: &str, file: &str, more: &[&str]| {
        bed.smdp(&[&["operator", "add", name, "--certificate", file], more].concat())
    };
    let added = add("A", &first, &["--endpoint", "es2.example.com:443", "--iccid-prefix", "8900"]).ok();
    assert_eq!((&added["endpoint"], &added["iccid_prefix"]), (&"es2.example.com:443".into(), &"8900".into()));
    for refused in [
        add("B", &first, &[]),
        add("A", &second, &[]),
        add("B", &bed.path("missing"), &[]),
        add("B", &format!("{}/openrsp.toml", bed.path("server")), &[]),
        add("B", &second, &["--iccid-prefix", "89x"]),
        add("B\u{1b}", &second, &[]),
        add(" ", &second, &[]),
        add("B ", &second, &[]),
        add("\u{a0}B", &second, &[]),
    ] {
        assert_eq!(refused.code, 3, "{}", refused.stderr);
    }
    assert_eq!(add("B", &second, &["--endpoint", "https://es2.example.com"]).code, 2);

    let change = |more: &[&str]| bed.smdp(&[&["operator", "change", "A"], more].concat());
    let changed = change(&["--no-endpoint", "--certificate", &second]).ok();
    assert_ne!(changed["certificate_sha256"], added["certificate_sha256"]);
    assert_eq!((&changed["endpoint"], &changed["iccid_prefix"]), (&Value::Null, &"8900".into()), "the rest stays");
    assert_eq!(bed.smdp(&["operator", "list"]).ok(), changed);
    assert_eq!(bed.smdp(&["operator", "change", "B", "--no-endpoint"]).code, 3);

    let log = bed.smdp(&["audit"]).lines;
    let log: Vec<_> = log.iter().map(|entry| format!("{} {}", entry["action"], entry["subject"])).collect();
    assert_eq!(log, [r#""add operator" "A""#, r#""change operator" "A""#]);
}

#[test]
fn an_expired_certificate_is_taken_with_a_warning() {
    let Some(dir) = rsp_testkit::standards_dir() else { return };
    let bed = Bed::new();
    // Published, and over since 2025.
    let file = dir.join("sgp26/v1-set/DPtls/CERT_S_SM_DP2_TLS.der");
    let ended = bed.smdp(&["operator", "add", "A", "--certificate", file.to_str().unwrap()]);
    assert!(ended.stderr.contains("the certificate expired on 2025-08-11"), "{}", ended.stderr);
    ended.ok();
}

#[test]
fn a_certificate_that_es2plus_will_not_let_in_is_taken_with_the_reason() {
    let (bed, other) = (Bed::new(), Bed::new());
    let good = certificate(&bed, "good");
    let server = format!("{}/tls.pem", bed.path("server"));
    for (name, file, reason) in [
        ("good", &good, None),
        ("server", &server, Some("role")),
        ("foreign", &certificate(&other, "foreign"), Some("CI")),
        ("issuer", &format!("{}/p256/ci.pem", bed.pki()), Some("self-signed")),
    ] {
        let ended = bed.smdp(&["operator", "add", name, "--certificate", file]);
        match reason {
            None => assert_eq!(ended.stderr, "", "{name}"),
            Some(reason) => assert!(
                ended.stderr.contains("will not be let in") && ended.stderr.contains(reason),
                "{name}: {}",
                ended.stderr
            ),
        }
        ended.ok();
    }
    let changed = bed.smdp(&["operator", "change", "good", "--certificate", &certificate(&other, "x")]);
    assert!(changed.stderr.contains("will not be let in"), "{}", changed.stderr);
}

#[test]
fn a_log_that_no_terminal_shows_has_no_colours() {
    let bed = bed_with_template();
    let order = ["--log", "info", "smdp", "--dir", &bed.path("server"), "order", "--type", "t"];
    let output = command().env_remove("NO_COLOR").args(order).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("order placed") && !log.contains('\u{1b}'), "{log:?}");
}

#[test]
fn a_file_with_a_confirmation_code_is_its_owners_alone() {
    let bed = bed_with_template();
    let file = bed.path("code");
    write_private(&file, "4711\n");
    let source = format!("@{file}");
    let order = ["order", "--type", "t", "--confirmation-code", &source];
    bed.smdp(&order).ok();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = bed.smdp(&order);
    assert!(refused.code == 3 && refused.stderr.contains("chmod 600"), "{}", refused.stderr);
    // A pipe keeps nothing, whoever may open it.
    let piped = ["order", "--type", "t", "--confirmation-code", "@/dev/stdin"];
    let mut command = command();
    command.args(["smdp", "--dir", &bed.path("server")]).args(piped);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"4711\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(bed.smdp(&["orders"]).lines.len(), 2);
}

#[test]
fn an_order_that_has_expired_says_so_before_it_is_closed() {
    let bed = bed_with_template();
    bed.smdp(&["order", "--type", "t", "--expires", "2001-12-24T18:00:00Z"]).ok();
    assert!(text(&bed, &["orders"]).0.contains("Released, expired"));
    let listed = bed.smdp(&["orders"]).ok();
    assert_eq!((&listed["state"], &listed["expired"]), (&"Released".into(), &true.into()), "{listed}");
    bed.smdp(&["cancel", listed["iccid"].as_str().unwrap()]).ok();
    bed.smdp(&["order", "--type", "t", "--expires", "2099-12-24T18:00:00Z"]).ok();
    let listed = bed.smdp(&["orders"]).lines;
    assert!(listed.iter().all(|order| order["expired"] == false), "{listed:?}");
}

#[test]
fn a_template_whose_subscribers_are_refused_is_not_imported() {
    let (bed, package) = bed_with_package();
    let file = bed.path("subscribers.csv");
    let import = |imsis: &[&str]| {
        let _ = std::fs::remove_file(&file);
        write_private(&file, &imsis.iter().map(|imsi| format!("{imsi},{KEYS}\n")).collect::<String>());
        bed.smdp(&["import", &package, "--type", "t", "--template", "--subscribers", &file])
    };
    for (imsis, problem) in [
        (&["001010000000001", "001010000000002", "001010000000001"][..], "line 3: IMSI 001010000000001"),
        (&["001010000000001", "00101x"], "line 2: IMSI"),
        (&["001010000000001", "00101"], "line 2: IMSI"),
    ] {
        let refused = import(imsis);
        assert!(refused.code == 3 && refused.stderr.contains(problem), "{}", refused.stderr);
        assert!(bed.smdp(&["types"]).lines.is_empty(), "{problem}");
    }
    // As spreadsheets write it.
    import(&["\u{feff}001010000000001"]).ok();
    assert_eq!(bed.smdp(&["types"]).ok()["left"], 1, "the name was still free");
}

#[test]
fn a_template_with_range_and_subscribers_gives_them_in_order_and_then_nothing() {
    let (bed, package) = bed_with_package();
    let certificate = certificate(&bed, "a");
    bed.smdp(&["operator", "add", "A", "--certificate", &certificate]).ok();
    let file = bed.path("subscribers.csv");
    write_private(&file, &format!("imsi,k,opc\n001010000000007,{KEYS}\n001010000000006,{KEYS}\n"));
    let range = ["--template", "--iccids", "890010100000000001-890010100000000009", "--subscribers", &file];
    let import = |type_name: &str, more: &[&str]| {
        bed.smdp(&[&["import", &package, "--type", type_name, "--operator", "A"], more].concat())
    };
    assert_eq!(import("t", &range).ok()["subscribers"], 2);
    let types = bed.smdp(&["types"]).ok();
    assert_eq!((&types["left"], &types["operator"]), (&2.into(), &"A".into()), "{types}");
    let orders = bed.smdp(&["order", "--type", "t", "--count", "1"]).lines;
    let [first] = &orders[..] else { panic!("{orders:?}") };
    let second = bed.smdp(&["order", "--type", "t"]).ok();
    let shown = |order: &Value| bed.smdp(&["show", order["activation_code"].as_str().unwrap()]).ok();
    assert_eq!((&shown(first)["imsi"], &first["iccid"]), (&"001010000000007".into(), &"8900101000000000019".into()));
    assert_eq!((&shown(&second)["imsi"], &second["iccid"]), (&"001010000000006".into(), &"8900101000000000027".into()));
    assert_eq!(bed.smdp(&["order", "--type", "t"]).code, 1, "nobody is left");

    let again = import("again", &["--template", "--subscribers", &file]);
    assert_eq!(again.code, 3, "the IMSIs are taken");
    assert!(again.stderr.contains("001010000000007"), "the IMSI is named: {}", again.stderr);
    assert_eq!(bed.smdp(&["order", "--type", "again"]).code, 3, "there is no such type");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let readable = import("u", &["--template", "--subscribers", &file]);
    assert!(readable.stderr.contains("chmod 600"), "{}", readable.stderr);
    assert_eq!(import("u", &["--iccids", "890010100000000001-890010100000000009"]).code, 2, "it is no template");
    bed.smdp(&["operator", "change", "A", "--iccid-prefix", "890011"]).ok();
    let foreign = import("u", &["--template", "--iccids", "890010100000000001-890010100000000009"]);
    assert!(foreign.code == 3 && foreign.stderr.contains("ICCIDs begin with \"890011\""), "{}", foreign.stderr);
    let unknown = bed.smdp(&["import", &package, "--type", "u", "--operator", "B"]);
    assert!(unknown.code == 3 && unknown.stderr.contains("there is no operator \"B\""), "{}", unknown.stderr);
}

#[test]
fn a_closed_type_takes_no_orders_until_it_is_opened() {
    let bed = bed_with_template();
    bed.smdp(&["close", "t"]).ok();
    assert_eq!(bed.smdp(&["order", "--type", "t"]).code, 1);
    assert_eq!(bed.smdp(&["types"]).ok()["closed"], true);
    bed.smdp(&["open", "t"]).ok();
    bed.smdp(&["order", "--type", "t"]).ok();
    assert_eq!(bed.smdp(&["close", "other"]).code, 3);
}

#[test]
fn an_order_has_the_rules_that_it_was_given() {
    let bed = bed_with_template();
    let order = |more: &[&str]| bed.smdp(&[&["order", "--type", "t"], more].concat());
    let smds = ["--eid", EID, "--smds", "smds.example.com:8443"];
    let rules = ["--policy", "same-eid", "--downloads", "7", "--expires", "2099-12-24T18:00:00Z", "--hold"];
    let code = ["--confirmation-code", "auto", "--code-tries", "2"];
    let placed = order(&[&smds[..], &rules, &code].concat()).ok();
    let id = placed["matching_id"].as_str().unwrap();
    let shown = bed.smdp(&["show", id]).ok();
    for (member, value) in [
        ("state", Value::from("Confirmed")),
        ("eid", EID.into()),
        ("smds", "smds.example.com:8443".into()),
        ("policy", "same-eid".into()),
        ("download_limit", 7.into()),
        ("confirmation_limit", 2.into()),
        ("expires_at", "2099-12-24T18:00:00Z".into()),
        ("waiting_messages", Value::Array(Vec::new())),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    bed.smdp(&["release", id]).ok();
    let shown = bed.smdp(&["show", id]).ok();
    assert_eq!((&shown["state"], &shown["waiting_messages"][0]["recipient"]), (&"Released".into(), &smds[3].into()));
    let actors: Vec<_> = shown["events"].as_array().unwrap().iter().map(|event| &event["actor"]).collect();
    assert_eq!(actors, ["openrsp smdp"; 4]);

    let warned = order(&["--policy", "reusable"]);
    assert!(warned.stderr.contains("for tests only"), "{}", warned.stderr);
    for wrong in [
        &["--smds", "smds.example.com"][..],
        &["--matching-id", ""],
        &["--expires", "tomorrow"],
        &["--lifetime", "5", "--expires", "2099-12-24T18:00:00Z"],
        &["--downloads", "0"],
        &["--lifetime", "0"],
        &["--code-tries", "3"],
        &["--policy", "never"],
    ] {
        assert_eq!(order(wrong).code, 2, "{wrong:?}");
    }
    let wrong = order(&["--matching-id", "a$b"]);
    assert!(wrong.code == 3 && wrong.stderr.contains("upper-case letters and hyphens"), "{}", wrong.stderr);
}

#[test]
fn an_order_by_eid_alone_has_a_code_without_matching_id_and_tells_nobody_another() {
    let bed = bed_with_template();
    let order = ["order", "--type", "t", "--eid", EID, "--matching-id", ""];
    assert_eq!(bed.smdp(&order).ok()["activation_code"], format!("LPA:1${HOST}$"));
    let listed = bed.smdp(&["orders"]).ok();
    assert_eq!((&listed["matching_id"], &listed["eid"]), (&"".into(), &EID.into()));
    let (stdout, stderr) = text(&bed, &order);
    assert_eq!(stdout, format!("LPA:1${HOST}$\n"));
    assert!(stderr.contains(&format!("if its default SM-DP+ is {HOST}")), "{stderr}");
    assert!(text(&bed, &["orders"]).0.contains("(by EID)"));
}

#[test]
fn orders_are_listed_by_operator_and_state() {
    let (bed, package) = bed_with_package();
    let certificate = certificate(&bed, "a");
    bed.smdp(&["operator", "add", "A", "--certificate", &certificate]).ok();
    bed.smdp(&["import", &package, "--type", "own", "--template"]).ok();
    bed.smdp(&["import", &package, "--type", "theirs", "--template", "--operator", "A"]).ok();
    let order = |type_name: &str| bed.smdp(&["order", "--type", type_name]).ok();
    let (own, theirs) = (order("own"), order("theirs"));
    bed.smdp(&["cancel", own["iccid"].as_str().unwrap(), "--to", "unavailable"]).ok();
    let listed = |more: &[&str]| -> Vec<Value> {
        let lines = bed.smdp(&[&["orders"], more].concat()).lines;
        lines.into_iter().map(|line| line["iccid"].clone()).collect()
    };
    assert_eq!(listed(&[]).len(), 2);
    assert_eq!(listed(&["--operator", "A"]), [theirs["iccid"].clone()]);
    assert_eq!(listed(&["--state", "unavailable"]), [own["iccid"].clone()]);
    assert_eq!(listed(&["--operator", "A", "--state", "Unavailable"]).len(), 0);
    assert_eq!(bed.smdp(&["orders", "--operator", "B"]).code, 3);
    assert_eq!(bed.smdp(&["orders", "--state", "Lost"]).code, 2);
    let (table, _) = text(&bed, &["orders"]);
    assert!(table.starts_with("ICCID  ") && table.lines().count() == 3, "{table}");
}

/// SGP.22 2.4.5.3: eUICCs refuse a test profile whose keys are none for tests, and the order would be lost.
#[test]
fn a_test_profile_that_no_euicc_would_install_is_not_imported() {
    let bed = Bed::new();
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let import = |more: &[&str]| {
        let package = format!("{kept}/profile.der");
        bed.smdp(&[&["import", &package, "--type", "t", "--spn", "S", "--class", "test"], more].concat())
    };
    for (more, reason) in [(&[][..], "has another"), (&["--template"], "gets a random one")] {
        let ended = import(more);
        let said = ended.lines.last().unwrap()["error"].as_str().unwrap();
        assert!(ended.code == 3 && said.contains("only test keys") && said.contains(reason), "{said}");
    }
}
