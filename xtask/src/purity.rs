//! Part of `cargo xtask dag`: the sources of a crate without I/O keep away from the clocks, files, sockets, processes and
//! environment of the standard library, which no dependency table shows.

use std::path::Path;

use anyhow::Context;

/// Paths and names that a crate without I/O may not write.
const FORBIDDEN: &[&str] = &[
    "SystemTime",
    "Instant",
    "OsRng",
    "SystemRandom",
    "std::env",
    "std::fs",
    "std::io::stdin",
    "std::net",
    "std::os::",
    "std::process",
    "std::thread",
];

/// Modules of `std` that may not stand in a group such as `use std::{fs, io}`.
const FORBIDDEN_IN_GROUP: &[&str] = &["env", "fs", "net", "os", "process", "thread", "time"];

/// Values without I/O among what is forbidden.
const VALUES: &[&str] = &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"];

/// Where files are the purpose: crate, beginning of the path under `src`, what may stand there.
const EXCEPTIONS: &[(&str, &str, &[&str])] = &[
    // A hierarchy of certificates is a directory of files.
    ("rsp-pki", "directory", &["std::fs", "std::os::"]),
    // AWS-LC takes no randomness from its caller for the nonces of its signatures; rust_crypto() needs none.
    ("rsp-crypto", "provider/aws_lc.rs", &["SystemRandom"]),
    // The state of a card is one file, replaced as a whole; the card itself knows only the trait.
    ("rsp-euicc", "disk.rs", &["std::fs", "std::os::"]),
    ("rsp-euicc", "state_store.rs", &["std::fs", "std::os::"]),
];

/// The complaints about the sources of the crate `name` in `dir`.
pub(crate) fn check(dir: &Path, name: &str) -> anyhow::Result<Vec<String>> {
    let source = dir.join("src");
    let mut complaints = Vec::new();
    let mut pending = vec![source.clone()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let file = path.strip_prefix(&source)?.to_string_lossy().into_owned();
                complaints.extend(offences(name, &file, &text));
            }
        }
    }
    complaints.sort();
    Ok(complaints)
}

/// What stands in one file, named by its path under `src`, that may not stand there.
fn offences(name: &str, file: &str, text: &str) -> Vec<String> {
    let excepted = |what: &str| {
        let here = EXCEPTIONS.iter().filter(|(owner, place, _)| *owner == name && file.starts_with(place));
        here.flat_map(|(_, _, allowed)| *allowed).any(|allowed| *allowed == what)
    };
    let code = without_comments(text);
    let mut found: Vec<String> = FORBIDDEN
        .iter()
        .filter(|what| !excepted(what) && occurs(&code, what))
        .map(|what| what.trim_end_matches(':').to_owned())
        .collect();
    found.extend(grouped(&code).into_iter().filter(|module| !excepted(module)));
    found.into_iter().map(|what| format!("crates/{name}/src/{file}: {what} in a crate without I/O")).collect()
}

/// The text without its line comments; strings are not told apart, which can only hide a part of a line with `//` in it.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// Whether `what` stands in the code as a name or path of its own, other than to name a mere value.
fn occurs(code: &str, what: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(what).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + what.len()..].chars().next();
        let whole = !before.is_some_and(part_of_name) && (what.ends_with(':') || !after.is_some_and(part_of_name));
        whole && !VALUES.iter().any(|value| code[at..].starts_with(value))
    })
}

/// The forbidden modules of `std` that are imported in groups.
fn grouped(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, opening) in code.match_indices("std::{") {
        let mut depth = 1;
        let group = code[at + opening.len()..].chars().take_while(|c| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth > 0
        });
        let group: String = group.collect();
        let words: Vec<&str> = group.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        found.extend(FORBIDDEN_IN_GROUP.iter().filter(|module| words.contains(module)).map(|m| format!("std::{m}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_clocks_files_and_sockets() {
        for code in [
            "let now = std::time::SystemTime::now();",
            "use std::time::{Duration, Instant};",
            "use std::fs;",
            "fn f() { std::fs::read(p) }",
            "use std::net::TcpStream;",
            "use std::{collections::BTreeMap, fs};",
            "use std::{io::{self, Read}, time::Duration};",
            "std::env::var(\"HOME\")",
        ] {
            assert_eq!(offences("rsp-bpp", "bsp.rs", code).len(), 1, "{code}");
        }
    }

    #[test]
    fn leaves_values_other_names_and_comments_alone() {
        for code in [
            "use std::net::IpAddr;",
            "use crate::fs::FileSystem;",
            "struct Instantiated;",
            "/// Not a SystemTime.",
            "use std::{fmt, io::Write};",
        ] {
            assert_eq!(offences("rsp-bpp", "bsp.rs", code), Vec::<String>::new(), "{code}");
        }
    }

    #[test]
    fn an_exception_is_for_files_in_one_place() {
        assert!(offences("rsp-pki", "directory/scan.rs", "use std::fs;").is_empty());
        assert_eq!(offences("rsp-pki", "path.rs", "use std::fs;").len(), 1);
        assert_eq!(offences("rsp-auth", "directory.rs", "use std::fs;").len(), 1);
        assert_eq!(offences("rsp-pki", "directory.rs", "SystemTime::now()").len(), 1);
    }
}
