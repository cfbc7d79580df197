//! Foreign programs that read what we write. Where one is missing, the test says so and does without it.

use std::path::Path;
use std::process::Command;

/// What a program prints, or `None` where it is not installed.
pub(crate) fn run(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    match Command::new(program).args(arguments).arg(file).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("WARNING: NOT TESTED against published data: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}
