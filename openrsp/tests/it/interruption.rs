//! The LPA, and the eUICC in its process, are killed after each step of a download: the card opens as before or as after,
//! and the same activation code still leads to the profile.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::bed::{Bed, HOST, command, openrsp};

/// Runs a download and kills it after `steps` steps; `None` when it ended before.
fn killed_after(steps: usize, arguments: &[&str]) -> Option<String> {
    let mut lpa = command().args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut last = None;
    for line in BufReader::new(lpa.stdout.take().unwrap()).lines().take(steps) {
        let said: Value = serde_json::from_str(&line.unwrap()).unwrap();
        last = said["step"].as_str().map(str::to_owned);
    }
    lpa.kill().unwrap();
    let status = lpa.wait().unwrap();
    last.filter(|_| !status.success())
}

#[test]
fn killed_after_any_step_the_card_is_whole_and_the_code_still_works() {
    let bed = Bed::new();
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let notify = format!("install={HOST}");
    let import = ["import", &format!("{kept}/profile.der"), "--type", "t", "--spn", "Spn", "--profile-name", "Name"];
    bed.smdp(&[&import[..], &["--notify", &notify, "--template"]].concat()).ok();
    let server = bed.serve();
    let resolve = format!("{HOST}={}", server.address);
    let mut killed = Vec::new();
    for steps in 1.. {
        let order = bed.smdp(&["order", "--type", "t"]).ok();
        let (code, iccid) = (order["activation_code"].as_str().unwrap(), order["iccid"].as_str().unwrap());
        let file = bed.card(&format!("card{steps}"), "p256", &[]);
        let card = format!("file:{file}");
        let connection = ["lpa", "--card", &card, "--ci", bed.pki(), "--resolve", &resolve];
        let Some(step) = killed_after(steps, &[&connection[..], &["profile", "download", code, "--yes"]].concat())
        else {
            break;
        };
        let shown = openrsp(["euicc", "show", &file]).ok();
        let installed = shown["profiles"].as_array().unwrap().len();
        assert!(installed <= 1, "{step}: {shown}");
        // What the card has to say of it reaches the server first, as with any LPA that starts again.
        bed.lpa(&card, server.address, &["notification", "process"]).ok();
        if installed == 0 {
            bed.lpa(&card, server.address, &["profile", "download", code, "--yes"]).ok();
        }
        let state = bed.smdp(&["show", iccid]).ok()["state"].clone();
        assert_eq!(state, "Installed", "killed after {step}");
        let profiles = bed.lpa(&card, server.address, &["profile", "list"]).ok();
        assert_eq!(profiles["profiles"].as_array().unwrap().len(), 1, "killed after {step}: {profiles}");
        killed.push(step);
    }
    assert!(killed.len() >= 6, "{killed:?}");
    for step in ["InitiateAuthentication", "PrepareDownload", "LoadBoundProfilePackage"] {
        assert!(killed.iter().any(|killed| killed == step), "{step}: {killed:?}");
    }
}
