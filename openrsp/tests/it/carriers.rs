//! `openrsp carrier` as scripts use it.

use crate::bed::{command, openrsp};

#[test]
fn carriers_are_listed_searched_and_shown_with_their_sources() {
    let all = openrsp(["carrier", "list"]).lines;
    assert!(all.len() > 2_000, "{}", all.len());
    assert!(all.iter().all(|carrier| carrier["names"][0]["source"]["date"].is_string()));
    let german = openrsp(["carrier", "list", "--country", "de"]).lines;
    assert!(german.iter().all(|carrier| carrier["countries"][0]["value"] == "DE"), "{german:?}");
    let found = openrsp(["carrier", "search", "262-02"]).lines;
    assert!(found.iter().any(|carrier| carrier["carrier"] == "Vodafone"), "{found:?}");
    let verizon = openrsp(["carrier", "show", "verizon"]).ok();
    assert_eq!(verizon["smdp"][0]["value"], "2.vzw.otgeuicc.com");
    assert_eq!(verizon["smdp"][0]["source"]["date"], "2020-08-28");
    assert_eq!(openrsp(["carrier", "show", "Telekom", "--country", "DE"]).ok()["smdp"], "unknown");
    let shown = command().args(["carrier", "show", "--help"]).output().unwrap();
    assert!(shown.status.success());
}

#[test]
fn a_script_can_tell_nothing_from_mistakes() {
    for (arguments, code, word) in [
        (&["search", "no such carrier"][..], 1, "no carrier"),
        (&["show", "nobody\u{202e}"], 1, "nobody\\u{202e}: no carrier"),
        (&["list", "--country", "XX"], 3, "--country XX"),
        (&["show", "Vodafone"], 3, "say which with --country"),
        (&["show"], 2, "NAME"),
    ] {
        let ended = openrsp([&["carrier"], arguments].concat());
        assert!(ended.code == code && ended.stderr.contains(word), "{arguments:?}: {} {}", ended.code, ended.stderr);
    }
}
