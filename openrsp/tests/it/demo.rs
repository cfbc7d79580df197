//! `openrsp demo`, as a newcomer runs it.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::bed::{command, openrsp};

/// Steps that every demo shows, in this order.
const STEPS: [&str; 7] = [
    "OrderProfile",
    "InitiateAuthentication",
    "AuthenticateServer",
    "GetBoundProfilePackage",
    "HandleNotification",
    "EnableProfile",
    "Authenticate",
];

#[track_caller]
fn check(lines: &[Value]) {
    let (summary, steps) = lines.split_last().unwrap();
    assert_eq!(summary["result"], "ok", "{summary}");
    for member in ["eid", "iccid", "imsi", "total_ms", "upp_bytes", "bpp_bytes"] {
        assert!(!summary[member].is_null(), "{member} is missing: {summary}");
    }
    let mut expected = STEPS.iter();
    let mut due = expected.next();
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(step["n"], index + 1);
        assert_eq!(step["ok"], true);
        if ["EnableProfile", "ReadEfIccid", "ReadEfImsi", "Authenticate"].iter().any(|name| step["step"] == *name) {
            // Commands and responses with their headers, not only the content of a file.
            assert!(step["bytes"].as_u64().unwrap() > 20, "{step}");
        }
        if due.is_some_and(|name| step["step"] == *name) {
            due = expected.next();
        }
    }
    assert_eq!(due, None, "a step is missing or out of order: {steps:?}");
}

#[test]
fn its_own_profile_on_both_curves() {
    for curve in ["p256", "brainpool"] {
        let ended = openrsp(["demo", "--curve", curve]);
        assert_eq!(ended.code, 0, "{:?} {}", ended.lines, ended.stderr);
        check(&ended.lines);
    }
}

#[test]
fn every_published_test_profile() {
    let Some(dir) = rsp_testkit::standards_dir() else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(dir.join("ts48")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "der") {
            let ended = openrsp(["demo".as_ref(), "--profile".as_ref(), path.as_os_str()]);
            assert_eq!(ended.code, 0, "{}: {:?} {}", path.display(), ended.lines.last(), ended.stderr);
            check(&ended.lines);
            count += 1;
        }
    }
    assert_eq!(count, 26);
}

#[test]
fn a_profile_that_is_none_fails_in_its_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.der");
    std::fs::write(&file, b"not a profile").unwrap();
    let ended = openrsp(["demo".as_ref(), "--profile".as_ref(), file.as_os_str()]);
    assert_eq!(ended.code, 1);
    let last = ended.lines.last().unwrap();
    assert_eq!((&last["result"], &last["step"]), (&"failed".into(), &"PrepareProfile".into()));
    assert!(last["error"].as_str().unwrap().contains("profile.der"), "{last}");
}

#[test]
fn killing_the_server_half_way_fails_with_the_name_of_the_step() {
    let mut demo = command().arg("demo").stdout(Stdio::piped()).spawn().unwrap();
    let mut killed = None;
    let mut last = Value::Null;
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        last = serde_json::from_str(&line.unwrap()).unwrap();
        // The eUICC has not been made yet when the server is up: from here to the first use of the server there are two
        // more processes to start.
        if last["step"] == "StartServer" && killed.is_none() {
            killed = Some(kill_child_of(demo.id(), "serve"));
        }
    }
    assert_eq!(killed, Some(true), "the server's process was not found");
    assert_eq!(demo.wait().unwrap().code(), Some(1));
    assert_eq!(last["result"], "failed", "{last}");
    assert_eq!(last["step"], "InitiateAuthentication", "{last}");
}

/// Kills the child of `parent` that runs this command.
fn kill_child_of(parent: u32, command: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for id in ids {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let arguments = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let is_child = fields.split_whitespace().nth(1) == Some(&parent.to_string());
        if is_child && arguments.split(|byte| *byte == 0).any(|argument| argument == command.as_bytes()) {
            return std::process::Command::new("kill").args(["-9", &id.to_string()]).status().unwrap().success();
        }
    }
    false
}
