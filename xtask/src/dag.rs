//! `cargo xtask dag`: who may depend on whom. The tables below are the architecture; a crate that needs an edge which
//! is not in them needs a reason first.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

/// Which crates of ours a crate may use, besides itself. A crate that is not listed may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    // The foundations know nobody.
    ("rsp-asn1", &[]),
    ("rsp-saip", &[]),
    ("rsp-crypto", &[]),
    ("rsp-apdu", &[]),
    // Encoding and cryptography together.
    ("rsp-pki", &["rsp-asn1", "rsp-crypto"]),
    ("rsp-bpp", &["rsp-asn1", "rsp-crypto"]),
    ("rsp-es", &["rsp-asn1"]),
    ("rsp-store", &["rsp-asn1", "rsp-crypto"]),
    ("rsp-card", &["rsp-apdu"]),
    // The server side.
    ("rsp-auth", &["rsp-asn1", "rsp-crypto", "rsp-pki"]),
    ("rsp-smdp", &["rsp-asn1", "rsp-saip", "rsp-crypto", "rsp-pki", "rsp-bpp", "rsp-es", "rsp-store", "rsp-auth"]),
    ("rsp-smds", &["rsp-asn1", "rsp-crypto", "rsp-pki", "rsp-es", "rsp-store", "rsp-auth"]),
    ("rsp-operator", &["rsp-asn1", "rsp-saip", "rsp-crypto", "rsp-pki", "rsp-es", "rsp-store", "rsp-smdp", "rsp-smds"]),
    // The device side.
    ("rsp-lpa", &["rsp-asn1", "rsp-crypto", "rsp-apdu", "rsp-pki", "rsp-es", "rsp-card"]),
    ("rsp-euicc", &["rsp-asn1", "rsp-saip", "rsp-crypto", "rsp-apdu", "rsp-pki", "rsp-bpp"]),
    // The network knows neither server nor device.
    ("rsp-network", &["rsp-asn1"]),
    // Tests and tools.
    ("rsp-testkit", &["rsp-asn1", "rsp-crypto", "rsp-pki"]),
    ("xtask", &[]),
];

/// These wire crates together and may use all of ours.
const MAY_USE_ALL: &[&str] = &["openrsp", "conformance"];

/// Only for tests: nobody takes it otherwise but the conformance runner.
const TEST_ONLY: &str = "rsp-testkit";

/// Server and device meet on the wire only. This holds for dev-dependencies too: a test that calls both sides in one
/// process belongs to the binary.
const SERVER: &[&str] = &["rsp-auth", "rsp-store", "rsp-smdp", "rsp-smds", "rsp-operator"];
const DEVICE: &[&str] = &["rsp-lpa", "rsp-euicc", "rsp-card"];

/// Crates without I/O, with all the foreign libraries that each may use: time and randomness come in as arguments. That
/// a library is not listed is reason enough to refuse it; that its source keeps away from clocks, files and sockets of
/// the standard library is for [`crate::purity`] to check.
const PURE: &[(&str, &[&str])] = &[
    // DER, X.509 types, error enums.
    ("rsp-asn1", &["rasn", "rasn-pkix", "thiserror"]),
    // DER; profile packages hold keys, which are wiped.
    ("rsp-saip", &["rasn", "thiserror", "zeroize"]),
    // All primitives live here and nowhere else (`EXCLUSIVE`); PEM is the form of key files.
    (
        "rsp-crypto",
        &[
            "aws-lc-rs",
            "p256",
            "bp256",
            "ecdsa",
            "elliptic-curve",
            "sec1",
            "pkcs8",
            "aes",
            "cbc",
            "ctr",
            "cmac",
            "des",
            "aes-gcm",
            "sha1",
            "sha2",
            "hmac",
            "keccak",
            "x25519-dalek",
            "argon2",
            "subtle",
            "zeroize",
            "pem",
            "thiserror",
        ],
    ),
    // DER and PEM of certificates and CRLs.
    ("rsp-pki", &["rasn", "pem", "thiserror"]),
    ("rsp-bpp", &["thiserror"]),
    ("rsp-auth", &["thiserror"]),
    // hex: dialogues are written in it.
    ("rsp-apdu", &["hex", "thiserror"]),
    // DER; the state is one CBOR file through serde; keys are wiped.
    ("rsp-euicc", &["rasn", "ciborium", "serde", "thiserror", "zeroize"]),
    // A second implementation of Milenage, and another library for the concealment of subscribers, beside the card's, so
    // that they check each other; comparisons in constant time. hex: hostapd's gateway protocol is text.
    ("rsp-network", &["aws-lc-rs", "hex", "milenage", "subtle", "thiserror", "zeroize"]),
];

/// Libraries that their owners alone name.
const EXCLUSIVE: &[(&[&str], &[&str])] = &[
    (&["rsp-store"], &["rusqlite", "libsqlite3-sys", "sqlx", "diesel", "sea-orm"]),
    // What goes over HTTP is decided in rsp-es, and for people and partners in rsp-operator; the binary opens the sockets.
    (
        &["rsp-es", "rsp-operator", "openrsp"],
        &[
            "axum",
            "axum-server",
            "http",
            "http-body",
            "http-body-util",
            "hyper",
            "reqwest",
            "tower",
            "tower-http",
            "tower-service",
            "ureq",
        ],
    ),
    // The connector through which xtask speaks to the driver of a browser.
    (&["rsp-es", "rsp-operator", "openrsp", "xtask"], &["hyper-util"]),
    (&["rsp-es", "openrsp"], &["tokio-rustls"]),
    // rsp-lpa has the verifier of server certificates: it calls rsp-pki, which rsp-es may not.
    (&["rsp-es", "rsp-lpa", "openrsp"], &["rustls", "rustls-pki-types"]),
    // One TLS library in all.
    (&[], &["native-tls", "openssl", "openssl-sys", "rustls-native-certs", "webpki-roots"]),
    // The network's half of the concealment of subscribers must not be the card's code.
    (&["rsp-crypto", "rsp-network"], &["aws-lc-rs"]),
    (
        &["rsp-crypto"],
        &[
            "ring",
            "p256",
            "bp256",
            "ecdsa",
            "elliptic-curve",
            "sec1",
            "pkcs8",
            "aes",
            "cbc",
            "ctr",
            "cmac",
            "des",
            "aes-gcm",
            "sha1",
            "sha2",
            "hmac",
            "keccak",
            "x25519-dalek",
            "argon2",
            "cryptoki",
        ],
    ),
    (&["rsp-card"], &["pcsc", "serialport"]),
];

pub(crate) fn run() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new().manifest_path(crate::root().join("Cargo.toml")).no_deps().exec()?;
    let mut complaints = Vec::new();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for package in &metadata.packages {
        complaints.extend(check(package.name.as_str(), &edges(package), &ours));
        complaints.extend(check_lints(package.manifest_path.as_std_path())?);
    }
    for (name, _) in PURE {
        complaints.extend(crate::purity::check(&crate::root().join("crates").join(name), name)?);
    }
    complaints.extend(check_workspace_lints(&crate::root().join("Cargo.toml"))?);
    crate::report(&complaints, &format!("dag: {} crates keep the dependency table", ours.len()))
}

/// One direct dependency, as far as the rules look at it.
struct Edge {
    to: String,
    dev: bool,
}

fn edges(package: &Package) -> Vec<Edge> {
    let edge = |dependency: &Dependency| Edge {
        to: dependency.name.clone(),
        dev: dependency.kind == DependencyKind::Development,
    };
    package.dependencies.iter().map(edge).collect()
}

/// The complaints about the direct dependencies of one crate.
fn check(from: &str, edges: &[Edge], ours: &BTreeSet<&str>) -> Vec<String> {
    let allowed = MAY_USE.iter().find(|(name, _)| *name == from).map(|(_, allowed)| *allowed);
    let uses_all = MAY_USE_ALL.contains(&from);
    if allowed.is_none() && !uses_all {
        return vec![format!("{from}: not in the dependency table (xtask/src/dag.rs)")];
    }
    edges.iter().filter_map(|edge| offence(from, edge, allowed, ours)).collect()
}

/// Why this edge is not allowed, if it is not.
fn offence(from: &str, edge: &Edge, allowed: Option<&[&str]>, ours: &BTreeSet<&str>) -> Option<String> {
    let to = edge.to.as_str();
    let crosses = |a: &[&str], b: &[&str]| a.contains(&from) && b.contains(&to);
    if crosses(SERVER, DEVICE) || crosses(DEVICE, SERVER) {
        let kind = if edge.dev { "dev-dependency" } else { "dependency" };
        return Some(format!("{from} -> {to}: server and device meet on the wire, never in Rust ({kind})"));
    }
    if edge.dev {
        return None;
    }
    if to == TEST_ONLY && from != "conformance" {
        return Some(format!("{from} -> {to}: a dev-dependency only"));
    }
    if ours.contains(to) && allowed.is_some_and(|allowed| !allowed.contains(&to)) {
        return Some(format!("{from} -> {to}: not in the dependency table (xtask/src/dag.rs)"));
    }
    let foreign = !ours.contains(to);
    let pure = PURE.iter().find(|(name, _)| *name == from).map(|(_, libraries)| *libraries);
    if foreign && pure.is_some_and(|libraries| !libraries.contains(&to)) {
        return Some(format!("{from} -> {to}: not among the libraries of this crate without I/O (xtask/src/dag.rs)"));
    }
    match EXCLUSIVE.iter().find(|(_, libraries)| libraries.contains(&to)) {
        Some((owners, _)) if !owners.contains(&from) => {
            let owners = if owners.is_empty() { "nobody".to_owned() } else { owners.join(" and ") };
            Some(format!("{from} -> {to}: for {owners} only (xtask/src/dag.rs)"))
        }
        _ => None,
    }
}

/// Every crate inherits the workspace's lints, or `unsafe_code = "forbid"` would not reach it.
fn check_lints(manifest: &Path) -> anyhow::Result<Option<String>> {
    let inherits = read(manifest)?.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) == Some(true);
    Ok((!inherits).then(|| format!("{}: [lints] workspace = true is missing", manifest.display())))
}

fn check_workspace_lints(manifest: &Path) -> anyhow::Result<Option<String>> {
    let manifest = read(manifest)?;
    let lint = (|| manifest.get("workspace")?.get("lints")?.get("rust")?.get("unsafe_code")?.as_str())();
    Ok((lint != Some("forbid")).then(|| "Cargo.toml: [workspace.lints.rust] unsafe_code is not \"forbid\"".to_owned()))
}

fn read(manifest: &Path) -> anyhow::Result<toml::Table> {
    let text = std::fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    text.parse().with_context(|| manifest.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(from: &str, to: &str, dev: bool) -> Vec<String> {
        let ours: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).chain(MAY_USE_ALL.iter().copied()).collect();
        check(from, &[Edge { to: to.to_owned(), dev }], &ours)
    }

    #[test]
    fn names_an_edge_that_is_not_in_the_table() {
        let complaints = complaints("rsp-asn1", "rsp-crypto", false);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("rsp-asn1 -> rsp-crypto:"), "{complaints:?}");
    }

    #[test]
    fn accepts_the_edges_of_the_table_and_of_the_binary() {
        assert!(complaints("rsp-pki", "rsp-asn1", false).is_empty());
        assert!(complaints("openrsp", "rsp-euicc", false).is_empty());
        assert!(complaints("rsp-asn1", "rasn", false).is_empty());
    }

    #[test]
    fn dev_dependencies_are_free_except_between_server_and_device() {
        assert!(complaints("rsp-bpp", "rsp-pki", true).is_empty());
        assert!(complaints("rsp-bpp", "getrandom", true).is_empty());
        assert_eq!(complaints("rsp-smdp", "rsp-euicc", true).len(), 1);
        assert_eq!(complaints("rsp-lpa", "rsp-store", true).len(), 1);
    }

    #[test]
    fn crates_without_io_take_no_runtime_no_clock_and_no_randomness() {
        for (from, _) in PURE {
            for library in
                ["tokio", "sqlx", "axum", "reqwest", "getrandom", "time", "chrono", "mio", "ureq", "fastrand"]
            {
                assert_eq!(complaints(from, library, false).len(), 1, "{from} -> {library}");
            }
        }
        assert!(complaints("rsp-lpa", "tokio", false).is_empty());
    }

    #[test]
    fn http_tls_and_sql_have_their_places() {
        for (from, to) in [
            ("rsp-smdp", "axum"),
            ("rsp-lpa", "hyper"),
            ("rsp-store", "tower"),
            ("rsp-smdp", "rustls"),
            ("rsp-lpa", "tokio-rustls"),
            ("conformance", "reqwest"),
            ("openrsp", "rusqlite"),
            ("rsp-smdp", "libsqlite3-sys"),
            ("openrsp", "openssl"),
        ] {
            assert_eq!(complaints(from, to, false).len(), 1, "{from} -> {to}");
        }
        for (from, to) in [("rsp-es", "axum"), ("openrsp", "hyper"), ("rsp-lpa", "rustls"), ("rsp-store", "rusqlite")] {
            assert!(complaints(from, to, false).is_empty(), "{from} -> {to}");
        }
        assert!(complaints("rsp-smdp", "axum", true).is_empty());
    }

    #[test]
    fn every_crate_without_io_is_in_the_table() {
        for (name, libraries) in PURE {
            assert!(MAY_USE.iter().any(|(from, _)| from == name), "{name}");
            for to in *libraries {
                assert!(complaints(name, to, false).is_empty(), "{name} -> {to}");
            }
        }
    }

    #[test]
    fn libraries_with_an_owner_are_named_by_nobody_else() {
        assert_eq!(complaints("rsp-smdp", "sqlx", false).len(), 1);
        assert_eq!(complaints("openrsp", "p256", false).len(), 1);
        assert!(complaints("rsp-crypto", "p256", false).is_empty());
    }

    #[test]
    fn the_testkit_stays_out_of_the_product() {
        assert_eq!(complaints("openrsp", "rsp-testkit", false).len(), 1);
        assert!(complaints("openrsp", "rsp-testkit", true).is_empty());
    }

    #[test]
    fn refuses_a_crate_that_nobody_planned() {
        assert_eq!(complaints("rsp-surprise", "serde", false).len(), 1);
    }

    #[test]
    fn the_table_names_only_crates_that_it_lists() {
        for (from, allowed) in MAY_USE {
            for to in *allowed {
                assert!(MAY_USE.iter().any(|(name, _)| name == to), "{from} -> {to}");
            }
        }
    }
}
