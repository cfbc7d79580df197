//! Tenants and their users at the command line: what is whose.

use serde_json::Value;

use crate::bed::{Bed, openrsp, write_private};

const FILE: &str = "[[operator]]\nname = 'Alpha Mobile'\nissue = true\nimsi_prefix = '00101'\n\
                    [[operator]]\nname = 'Beta'\nissue = true\n";

fn loaded() -> Bed {
    let bed = Bed::new();
    write_private(&bed.path("setup.toml"), FILE);
    bed.smdp(&["load", &bed.path("setup.toml")]).ok();
    bed
}

#[test]
fn whoever_runs_the_server_says_which_imsis_are_whose() {
    let bed = loaded();
    let dir = bed.path("server");
    let tenant = |arguments: &[&str]| openrsp([&["operator", "--dir", dir.as_str(), "tenant"], arguments].concat());
    let prefixes =
        || -> Vec<Value> { tenant(&["list"]).lines.iter().map(|operator| operator["imsi_prefix"].clone()).collect() };
    assert_eq!(prefixes(), ["00101", ""]);
    let overlapping = tenant(&["set", "Beta", "--imsi-prefix", "0010112"]);
    assert_eq!(overlapping.code, 3, "{}", overlapping.stderr);
    assert!(overlapping.stderr.contains("Alpha Mobile"), "{}", overlapping.stderr);
    for (name, prefix) in [("Beta", "0010"), ("Beta", "00102x"), ("nobody", "00102")] {
        assert_eq!(tenant(&["set", name, "--imsi-prefix", prefix]).code, 3, "{name} {prefix}");
    }
    tenant(&["set", "Alpha Mobile", "--imsi-prefix", "0010111"]).ok();
    tenant(&["set", "Beta", "--imsi-prefix", "0010112"]).ok();
    assert_eq!(prefixes(), ["0010111", "0010112"]);
    tenant(&["add", "Gamma", "--imsi-prefix", "26201"]).ok();
    assert_eq!(tenant(&["add", "Delta", "--imsi-prefix", "262011"]).code, 3);
    tenant(&["add", "Gamma", "--imsi-prefix", "26202"]).ok();
    assert_eq!(prefixes(), ["0010111", "0010112", "26202"]);
    // In a file, too.
    let bed = Bed::new();
    write_private(&bed.path("setup.toml"), &format!("{FILE}imsi_prefix = '001012'\n"));
    let refused = bed.smdp(&["load", &bed.path("setup.toml")]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("[[operator]] 2: imsi_prefix: "), "{}", refused.stderr);
}

#[test]
fn a_user_of_a_tenant_is_told_the_name_with_which_it_signs_in() {
    let bed = loaded();
    let dir = bed.path("server");
    let add = |arguments: &[&str]| openrsp([&["operator", "--dir", dir.as_str(), "user", "add"], arguments].concat());
    assert_eq!(add(&["ann", "--tenant", "Alpha Mobile"]).ok()["user"], "ann@Alpha Mobile");
    assert_eq!(add(&["ann@Beta", "--tenant", "Beta"]).ok()["user"], "ann@Beta");
    assert_eq!(add(&["root"]).ok()["user"], "root");
    for refused in [&["ann", "--tenant", "Beta"][..], &["eve@Beta", "--tenant", "Alpha Mobile"], &["eve@Beta"]] {
        assert_eq!(add(refused).code, 3, "{refused:?}");
    }
    let password = ["operator", "--dir", &dir, "user", "password", "ann@Alpha Mobile"];
    assert_eq!(openrsp(password).ok()["user"], "ann@Alpha Mobile");
}
