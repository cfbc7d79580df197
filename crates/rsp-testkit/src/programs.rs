//! Foreign programs that read what this workspace writes, or talk to it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Output};

/// Runs a program with all that `set` gives it, to its end. `None` where it is not installed.
///
/// Then a line on standard error says so, since the test that asks for it passes without it.
///
/// # Panics
/// When the program cannot be started although it is there, and when it is not there while `OPENRSP_REQUIRE_PROGRAMS` is 1.
pub fn program(name: &str, set: impl FnOnce(&mut Command) -> &mut Command) -> Option<Output> {
    if !is_installed(name) {
        return None;
    }
    let mut command = Command::new(name);
    Some(set(&mut command).output().unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Whether a program is in one of the directories of `PATH`. If not, a line on standard error says what was not tested.
///
/// # Panics
/// When it is not there while `OPENRSP_REQUIRE_PROGRAMS` is 1.
pub fn is_installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if found(name, &path) {
        return true;
    }
    let line = missing(name, std::env::var_os("OPENRSP_REQUIRE_PROGRAMS").as_deref());
    let line = line.unwrap_or_else(|why| panic!("{why}"));
    // Not eprintln!: the test harness keeps that back for tests that pass. Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
    false
}

fn found(name: &str, path: &OsStr) -> bool {
    std::env::split_paths(path).any(|dir| dir.join(name).is_file())
}

/// What is said of a program that is not there, or why that is a failure.
fn missing(name: &str, required: Option<&OsStr>) -> Result<String, String> {
    match required {
        Some(required) if required == "1" => {
            Err(format!("{name} is not installed, and OPENRSP_REQUIRE_PROGRAMS demands it"))
        }
        _ => Ok(format!("WARNING: NOT TESTED: {name} is not installed\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_the_path_only() {
        let path = OsStr::new("/nowhere:/bin:/usr/bin");
        assert!(found("sh", path) && !found("sh", OsStr::new("/nowhere")) && !found("no-such-program", path));
    }

    #[test]
    fn a_program_may_be_missing_unless_it_is_required() {
        let line = "WARNING: NOT TESTED: zbarimg is not installed\n";
        assert_eq!(missing("zbarimg", None).as_deref(), Ok(line));
        assert_eq!(missing("zbarimg", Some(OsStr::new("0"))).as_deref(), Ok(line));
        assert!(missing("zbarimg", Some(OsStr::new("1"))).is_err());
    }

    #[test]
    fn what_a_program_says_is_given_back() {
        let output = program("sh", |command| command.args(["-c", "echo said"])).unwrap();
        assert_eq!(output.stdout, b"said\n");
    }
}
