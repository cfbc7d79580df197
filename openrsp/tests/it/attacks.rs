//! Attacks of `openrsp bench attacks`, with few rounds: a server process on SQLite over HTTPS, and eUICCs with real keys. What
//! depends on time is measured there and asserted nowhere.

use serde_json::Value;

use crate::bed::openrsp;

/// Runs one attack, which the server must withstand.
#[track_caller]
fn withstands(row: &str, rounds: u32) -> Value {
    let outcome = openrsp(["bench", "attacks", "--row", row, "--rounds", &rounds.to_string()]).ok();
    assert_eq!((&outcome["row"], &outcome["verdict"]), (&row.into(), &"held".into()), "{outcome}");
    assert_eq!(outcome["broken"], Value::Array(Vec::new()), "{outcome}");
    outcome
}

/// How often the server gave an answer.
fn answered(outcome: &Value, answer: &str) -> u64 {
    outcome["answers"][answer].as_u64().unwrap_or_default()
}

#[test]
fn atk_code_race() {
    let outcome = withstands("code-race", 3);
    assert_eq!((&outcome["racers"], &outcome["winners"]), (&64.into(), &3.into()), "{outcome}");
    let refused = answered(&outcome, "8.1.1/3.8") + answered(&outcome, "8.2.6/3.8");
    assert_eq!((answered(&outcome, "package"), refused), (3, 3 * 63), "{outcome}");
}

#[test]
fn atk_cc_bruteforce() {
    let outcome = withstands("cc-bruteforce", 2);
    assert_eq!((answered(&outcome, "8.2.7/3.8"), answered(&outcome, "package")), (2 * 5, 0), "{outcome}");
    let too_late = answered(&outcome, "8.2.7/6.4") + answered(&outcome, "8.2/1.2");
    assert_eq!(too_late, 2 * (32 - 5), "{outcome}");
    assert!(answered(&outcome, "8.2.7/6.4") >= 2, "nobody was told that it was once too often: {outcome}");
}

#[test]
fn atk_mid_bruteforce() {
    // More than the 20 that the server looks up for each of 64 eUICCs.
    let outcome = withstands("mid-bruteforce", 1_400);
    assert_eq!((answered(&outcome, "8.2.6/3.8"), &outcome["hits"]), (1_400, &0.into()), "{outcome}");
    assert_eq!(outcome["latency"]["throttled"]["samples"], 28, "{outcome}");
}

#[test]
fn atk_session_flood() {
    let outcome = withstands("session-flood", 500);
    assert_eq!(answered(&outcome, "session"), 500, "{outcome}");
}
