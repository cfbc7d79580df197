//! Set-up files: what is wrong with one is said with its place, and every state can be loaded and exported.

use std::os::unix::fs::PermissionsExt as _;

use crate::bed::{Bed, openrsp};

const EID: &str = "89049032123451234512345678901235";
/// A template with endless stock, four lines.
const DEMO: &str = "[[type]]\nname = 't'\nbuiltin = 'demo'\ntemplate = true\n";

/// Loads a file and returns what is said of it.
fn refusal(bed: &Bed, lab: &str) -> String {
    let file = bed.path("lab.toml");
    std::fs::write(&file, lab).unwrap();
    let ended = bed.smdp(&["load", &file]);
    assert_eq!(ended.code, 3, "{lab}: {}", ended.stderr);
    let said = ended.lines.last().unwrap()["error"].as_str().unwrap().to_owned();
    said.strip_prefix(&file).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn a_file_that_asks_for_what_cannot_be_is_refused_before_anything_changes() {
    let bed = Bed::new();
    for (lab, problem) in [
        ("[[order]]\ntype = 'x'\n".to_owned(), ":1: [[order]] 1: type: there is no profile type \"x\": add a [[type]]"),
        ("[[type]]\nname = 't'\n".to_owned(), ":1: [[type]] 1: package: give one of: package = \"FILE\", builtin"),
        ("[[type]]\nname = 't'\npackage = 'no.der'\n".to_owned(), ":1: [[type]] 1: package: "),
        (
            format!("{DEMO}operator = 'A'\n"),
            ":1: [[type]] 1: operator: there is no operator \"A\": add an [[operator]]",
        ),
        (format!("{DEMO}{DEMO}"), ":5: [[type]] 2: name: there is already a profile type \"t\": give a template"),
        (format!("{DEMO}iccids = '1-2'\n"), ":1: [[type]] 1: iccids: "),
        (format!("{DEMO}subscribers = [{{ imsi = '1', k = '', opc = '' }}]\n"), ":1: [[type]] 1: subscribers[0]: K is"),
        (format!("{DEMO}[type.metadata]\nicon = 'no.png'\n"), ":1: [[type]] 1: metadata.icon: "),
        (
            "[[operator]]\nname = 'A'\n".to_owned(),
            ":1: [[operator]] 1: certificate: give one of: certificate = \"FILE\"",
        ),
        (
            format!("{DEMO}[[order]]\ntype = 't'\nmatching_id = ''\n"),
            ":5: [[order]] 1: eid: an order by EID alone (matching_id = \"\") and one with an SM-DS need an eid",
        ),
        (
            format!("{DEMO}[[order]]\ntype = 't'\nmatching_id = 'A'\n[[order]]\ntype = 't'\nmatching_id = 'A'\n"),
            ":8: [[order]] 2: matching_id: \"A\" is taken by ",
        ),
        (
            format!("{DEMO}[[order]]\ntype = 't'\nstate = 'Lost'\n"),
            ":5: [[order]] 1: state: \"Lost\" is none of Available",
        ),
        (format!("{DEMO}[[order]]\ntype = 't'\npolicy = 'x'\n"), ":5: [[order]] 1: policy: \"x\" is none of one-time"),
        (
            format!("{DEMO}[[order]]\ntype = 't'\nstate = 'Allocated'\ndownloads = 1\n"),
            ":5: [[order]] 1: downloads: an order that is Allocated has none yet: leave it out",
        ),
        (
            format!("{DEMO}[[order]]\ntype = 't'\nconfirmation_code = 'auto'\ncode_tries = 11\n"),
            ":5: [[order]] 1: code_tries: the most is 10",
        ),
        (
            format!(
                "[[operator]]\nname = 'A'\nissue = true\niccid_prefix = '890012'\n\
                 {DEMO}operator = 'A'\niccids = '890012999999999999-890013000000000001'\n"
            ),
            ":5: [[type]] 1: iccids: the operator's ICCIDs begin with \"890012\", and not all of ",
        ),
        (
            format!("{DEMO}[[order]]\ntype = 't'\nexpires_at = 5\n"),
            ":5: [[order]] 1: expires_at: \"5\" is no time such as",
        ),
    ] {
        let said = refusal(&bed, &lab);
        assert!(said.starts_with(problem), "{lab}: {said}");
    }
    assert!(bed.smdp(&["types"]).lines.is_empty());
    assert!(bed.smdp(&["audit"]).lines.is_empty());
}

#[test]
fn a_file_that_fails_half_way_says_how_far_it_got() {
    let bed = Bed::new();
    let lower = format!(
        "{DEMO}[[order]]\ntype = 't'\n[[order]]\ntype = 't'\nmatching_id = 'BAD'\niccid = '8900101000000000019'\n"
    );
    let said = refusal(&bed, &lower);
    assert!(
        said.starts_with(":7: [[order]] 2: iccid: there is no profile with ICCID 8900101000000000019; name a "),
        "{said}"
    );
    assert!(said.ends_with("; 0 operators, 1 profile types and 1 orders were loaded before"), "{said}");
}

#[test]
fn a_file_with_secrets_that_others_can_read_is_warned_of() {
    let file_of = |bed: &Bed, lab: &str, mode| {
        let file = bed.path("lab.toml");
        std::fs::write(&file, lab).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        file
    };
    let bed = Bed::new();
    let key = "0".repeat(32);
    let keys = format!("{DEMO}subscribers = [{{ imsi = '001010000000001', k = '{key}', opc = '{key}' }}]\n");
    let order = |code| format!("{DEMO}[[order]]\ntype = 't'\nconfirmation_code = '{code}'\n");
    for (lab, mode, warned) in [
        (&keys, 0o644, true),
        (&keys, 0o600, false),
        (&order("12345678"), 0o644, true),
        (&order("12345678"), 0o600, false),
        (&order("auto"), 0o644, false),
    ] {
        let loaded = bed.smdp(&["load", &file_of(&bed, lab, mode), "--reset"]);
        assert_eq!(loaded.code, 0, "{}", loaded.stderr);
        let warning = loaded.stderr.contains("lab.toml: holds secrets, and others can read it (mode 644)");
        assert_eq!(warning, warned, "{lab}: {}", loaded.stderr);
    }
}

#[test]
fn a_reset_says_which_events_stay_at_sm_dss() {
    let bed = Bed::new();
    let file = bed.path("lab.toml");
    std::fs::write(&file, DEMO).unwrap();
    bed.smdp(&["load", &file]).ok();
    for matching_id in ["A", "B"] {
        let order = ["order", "--type", "t", "--matching-id", matching_id, "--eid", EID, "--smds", "smds.example.com"];
        bed.smdp(&order).ok();
    }
    bed.smdp(&["cancel", "B"]).ok();
    let loaded = bed.smdp(&["load", &file, "--reset"]);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    let warning = "events that may stay at the SM-DS smds.example.com, for nobody deletes them there: 2\n";
    assert!(loaded.stderr.contains(warning), "{}", loaded.stderr);
    assert!(!bed.smdp(&["load", &file, "--reset"]).stderr.contains("SM-DS"), "none is left");
}

#[test]
fn every_state_can_be_loaded_and_exported() {
    let bed = Bed::new();
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let package = format!("{kept}/profile.der");
    let mut lab = format!("[[type]]\nname = 'stock'\npackage = ['{package}']\n");
    lab += "[[type]]\nname = 't'\nbuiltin = 'demo'\ntemplate = true\nclosed = true\n";
    let states = ["Available", "Allocated", "Linked", "Confirmed", "Released", "Downloaded", "Installed", "Deleted"];
    let states = [&states[..], &["Error", "Unavailable"]].concat();
    for state in &states {
        lab += &format!("[[order]]\ntype = 't'\nstate = '{state}'\n");
        if *state == "Linked" {
            lab += &format!("eid = '{EID}'\n");
        }
    }
    // A date of TOML, and one profile of the inventory.
    let iccid = bed.smdp(&["import", &package, "--type", "probe"]).ok()["iccid"].clone();
    lab += &format!("[[order]]\ntype = 'stock'\niccid = {iccid}\nexpires_at = 2099-12-24T18:00:00Z\n");
    let file = bed.path("lab.toml");
    std::fs::write(&file, lab).unwrap();
    let loaded = bed.smdp(&["load", &file, "--reset"]);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    let placed: Vec<_> = loaded.lines.iter().filter(|line| !line["state"].is_null()).collect();
    assert_eq!(placed.len(), states.len() + 1);
    for (line, state) in placed.iter().zip(&states) {
        assert_eq!(line["state"], *state);
        assert_eq!(line["activation_code"].is_null(), ["Allocated", "Linked"].contains(state), "{line}");
    }
    assert_eq!(bed.smdp(&["show", iccid.as_str().unwrap()]).ok()["expires_at"], "2099-12-24T18:00:00Z");
    let out = bed.path("exported");
    let exported = bed.smdp(&["export", "--out", &out]).ok();
    assert_eq!(bed.smdp(&["export", "--out", &out]).code, 3, "nothing is overwritten");
    for entry in std::fs::read_dir(&out).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let second = Bed::new();
    let loaded = second.smdp(&["load", exported["file"].as_str().unwrap()]);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    let count = |bed: &Bed, state: &str| bed.smdp(&["orders", "--state", state]).lines.len();
    for state in &states[1..] {
        assert_eq!(count(&second, state), count(&bed, state), "{state}");
    }
    assert_eq!(second.smdp(&["show", iccid.as_str().unwrap()]).ok()["state"], "Released");
    assert_eq!(second.smdp(&["order", "--type", "t"]).code, 1, "it is closed there, too");
}
