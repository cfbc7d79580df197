//! Where the published vectors, certificates and profiles are that known-answer tests read.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The directory of published test data, if this machine has it: the variable `OPENRSP_STANDARDS`, else
/// `../shared/standards/data` beside the workspace.
///
/// Without the data the answer is `None`, and a line on standard error says, once for each test, that it did without:
/// a known-answer test then returns early, and nobody can mistake that for a pass in silence.
///
/// # Panics
/// When `OPENRSP_STANDARDS` names no directory, or when `OPENRSP_REQUIRE_STANDARDS` is set and the data is missing.
pub fn standards_dir() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/standards/data");
    let required = std::env::var_os("OPENRSP_REQUIRE_STANDARDS").is_some();
    let dir = locate(std::env::var_os("OPENRSP_STANDARDS"), beside, required).unwrap_or_else(|why| panic!("{why}"));
    if dir.is_none() {
        warn();
    }
    dir
}

/// The directory that the variable names, else the one beside the workspace if it is there; or why that is a failure.
fn locate(named: Option<OsString>, beside: PathBuf, required: bool) -> Result<Option<PathBuf>, String> {
    match named.map(PathBuf::from) {
        Some(dir) if dir.is_dir() => Ok(Some(dir)),
        Some(dir) => Err(format!("OPENRSP_STANDARDS is {dir:?}, which is no directory")),
        None if beside.is_dir() => Ok(Some(beside)),
        None if required => Err("published test data is required here: set OPENRSP_STANDARDS".to_owned()),
        None => Ok(None),
    }
}

/// Says that the running test does without published data, the first time that it asks for it.
fn warn() {
    static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // The test harness names the thread of a test after the test.
    let test = std::thread::current().name().unwrap_or("a thread without a name").to_owned();
    if WARNED.lock().unwrap_or_else(PoisonError::into_inner).insert(test.clone()) {
        // Not eprintln!: the test harness keeps that back for tests that pass, and here every test passes.
        let line = format!("WARNING: NOT TESTED against published data: {test} (set OPENRSP_STANDARDS)\n");
        // Without a standard error there is nobody to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// One file of the published test data, for example `vectors/bsp-scp03t.json`. `None` as for [`standards_dir`].
///
/// # Panics
/// As [`standards_dir`] does, and when the data is there but this file is not.
pub fn standards(name: &str) -> Option<Vec<u8>> {
    let path = standards_dir()?.join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Like [`standards`], for a JSON file.
///
/// # Panics
/// When the file is not JSON.
pub fn standards_json(name: &str) -> Option<serde_json::Value> {
    standards(name).map(|bytes| serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "/nowhere/at/all";

    fn here() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn the_variable_goes_before_the_directory_beside() {
        assert_eq!(locate(Some(here().join("src").into()), here(), false), Ok(Some(here().join("src"))));
        assert_eq!(locate(None, here(), true), Ok(Some(here())));
    }

    #[test]
    fn a_variable_that_names_no_directory_is_a_mistake() {
        let why = locate(Some(NOWHERE.into()), here(), false).unwrap_err();
        assert!(why.contains(NOWHERE), "{why}");
        assert!(locate(Some(OsString::new()), here(), false).is_err());
    }

    #[test]
    fn data_may_be_missing_unless_it_is_required() {
        assert_eq!(locate(None, NOWHERE.into(), false), Ok(None));
        assert!(locate(None, NOWHERE.into(), true).is_err());
    }

    #[test]
    #[ignore = "run by the next test, or the warning would stand in every log"]
    fn warns_twice_in_one_test() {
        warn();
        warn();
    }

    /// Runs the test above by itself: what it says must come through although it passes, and once only.
    #[test]
    fn the_warning_of_a_passing_test_is_seen() {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "standards::tests::warns_twice_in_one_test"])
            .output()
            .unwrap();
        assert!(run.status.success() && String::from_utf8_lossy(&run.stdout).contains("1 passed"));
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(said.matches("NOT TESTED against published data: ").count(), 1, "{said}");
    }
}
