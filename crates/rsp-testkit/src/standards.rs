//! Where the published vectors, certificates and profiles are that known-answer tests read.

use std::path::{Path, PathBuf};

/// The directory of published test data, if this machine has it: the variable `OPENRSP_STANDARDS`, else
/// `../shared/standards/data` beside the workspace.
pub fn standards_dir() -> Option<PathBuf> {
    let dir = match std::env::var_os("OPENRSP_STANDARDS") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/standards/data"),
    };
    dir.is_dir().then_some(dir)
}

/// One file of the published test data, for example `vectors/bsp-scp03t.json`.
///
/// Without the data the answer is `None` and a line on standard error says which file the calling test did without:
/// a known-answer test then returns early, and nobody can mistake that for a pass in silence.
///
/// # Panics
/// When the data is there but this file is not, or when `OPENRSP_REQUIRE_STANDARDS` is set and the data is missing.
pub fn standards(name: &str) -> Option<Vec<u8>> {
    match standards_dir() {
        Some(dir) => {
            let path = dir.join(name);
            Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        }
        None if std::env::var_os("OPENRSP_REQUIRE_STANDARDS").is_some() => {
            panic!("{name}: published test data is required here, but OPENRSP_STANDARDS names no directory")
        }
        None => {
            eprintln!("WARNING: NOT TESTED against published data: {name} is missing (set OPENRSP_STANDARDS)");
            None
        }
    }
}

/// Like [`standards`], for a JSON file.
///
/// # Panics
/// When the file is not JSON.
pub fn standards_json(name: &str) -> Option<serde_json::Value> {
    standards(name).map(|bytes| serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
}
