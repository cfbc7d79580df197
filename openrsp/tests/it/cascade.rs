//! Two servers of one PKI, of which one is the root SM-DS of the other: an event on its way through both, and its end.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Bed, Ended, Service, free_ports, openrsp};

/// The EID of the cards that `openrsp euicc new` makes.
const EID: &str = "89049032123451234512345678901235";

/// Asks until the number of events is the expected one: what servers tell each other takes its time.
#[track_caller]
fn events(discover: impl Fn() -> Ended, expected: usize) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = discover().ok();
        if found["events"].as_array().unwrap().len() == expected {
            return found;
        }
        assert!(Instant::now() < deadline, "{found}");
    }
}

/// Has the SM-DS of a directory register its events at another one, too, as docs/smds.md says.
fn set_parent(dir: &str, parent: &str) {
    let file = Path::new(dir).join("openrsp.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let example = text.lines().find(|line| line.starts_with("# parent = ")).unwrap();
    let text = text.replace(example, &format!("parent = {parent:?}"));
    std::fs::write(file, text.replace("\nallow = [", &format!("\nallow = [{parent:?}, "))).unwrap();
}

#[test]
fn an_event_goes_up_to_the_root_and_leads_back_down_to_the_smdp() {
    let root_port = free_ports();
    let bed = Bed::at(&format!("localhost:{root_port}"));
    let _root = Service::start(["serve", &bed.path("server")]);
    let (port, dir) = (free_ports(), bed.path("alternative"));
    openrsp(["init", &dir, "--host", &format!("localhost:{port}"), "--pki", bed.pki()]).ok();
    set_parent(&dir, &format!("localhost:{}", root_port + 3));
    openrsp(["smdp", "--dir", &dir, "load", concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/lab.toml")]).ok();
    let server = Service::start(["serve", &dir]);
    let smds = format!("localhost:{}", port + 2);
    let order = ["order", "--type", "endless", "--eid", EID, "--matching-id", "CASCADED", "--smds", &smds];
    openrsp([&["smdp", "--dir", &dir], &order[..]].concat()).ok();

    let root_smds = format!("localhost:{}", root_port + 2);
    let card = format!("file:{}", bed.card("card.euicc", "p256", &["--root-smds", &root_smds]));
    let discover = |more: &[&str]| bed.lpa(&card, server.address, &[&["discover"], more].concat());
    let found = events(|| discover(&[]), 1);
    let event = &found["events"][0];
    assert_eq!(event["event_id"], "CASCADED");
    assert_eq!(event["smdp_address"], format!("localhost:{port}"));
    assert_eq!(event["smds_address"], smds, "the root knows the way to it alone");
    discover(&["--download", "--yes"]).ok();
    let shown = openrsp(["smdp", "--dir", &dir, "show", "CASCADED"]).ok();
    assert_eq!((&shown["state"], &shown["eid"]), (&"Installed".into(), &EID.into()), "{shown}");
    // It is gone at both.
    events(|| discover(&[]), 0);
    events(|| discover(&["--smds", &smds]), 0);
}
